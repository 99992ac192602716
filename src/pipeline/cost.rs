//! What rules cost, measured now and then when somebody asks.
use super::{Pipeline, processes::of_sysmon};
use crate::{
    error::Result,
    event::{
        Condition, EventCode, Period, Scope,
        condition::{Match, Operator},
    },
    rules::{
        RuleSet,
        cost::{self, Cost},
    },
    store::{Order, Query},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Newest events of each code that rules are tried with.
const SAMPLE: usize = 100;
/// How long is measured.
const TIME: Duration = Duration::from_secs(15);
/// How long a measurement holds while the rules stay as they are.
const HOLDS: Duration = Duration::from_secs(600);

/// Costs by own id of the rules.
pub type Costs = Arc<HashMap<String, Cost>>;

/// How long what was measured of correlations is answered.
const FRESH: Duration = Duration::from_secs(5);
/// Events after which earlier ones count half.
const HALF: u64 = 500_000;

/// The last measurement.
#[derive(Default)]
pub(super) struct Measured(tokio::sync::Mutex<Option<Last>>);

struct Last {
    rules: Arc<RuleSet>,
    at: Instant,
    of_rules: HashMap<String, Cost>,
    answered: Instant,
    answer: Costs,
}

/// What correlations took while events were matched, as this process has seen it. They cannot be measured alone: what they
/// take depends on what came before.
#[derive(Clone, Default)]
pub(super) struct Spent(Arc<Mutex<Times>>);

#[derive(Default)]
struct Times {
    events: u64,
    nanoseconds: HashMap<Arc<str>, u64>,
}

impl Spent {
    pub(super) fn add(&self, events: usize, spent: &[(Arc<str>, Duration)]) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.events += events as u64;
        for (id, time) in spent {
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            let sum = times.nanoseconds.entry(id.clone()).or_default();
            *sum = sum.saturating_add(nanoseconds);
        }
        if times.events > HALF {
            times.events /= 2;
            times.nanoseconds.values_mut().for_each(|n| *n /= 2);
            times.nanoseconds.retain(|_, n| *n > 0);
        }
    }

    /// Of the correlations that are matched, by event.
    fn costs(&self, rules: &RuleSet) -> HashMap<String, Cost> {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = Some(times.events).filter(|n| *n > 0) else { return HashMap::new() };
        let cost = |nanoseconds: &u64| Cost {
            nanoseconds: nanoseconds / events,
            events: usize::try_from(events).unwrap_or(usize::MAX),
        };
        let all = rules.correlations().all().iter();
        all.filter_map(|c| Some((c.id.to_string(), cost(times.nanoseconds.get(&c.id)?)))).collect()
    }
}

impl Pipeline {
    /// Time that each rule takes for one event, from the newest events of each code; of correlations, what they took of the
    /// time in which events were matched here. Measured at the first call, and again
    /// when the rules have changed or some minutes have passed.
    ///
    /// # Errors
    /// When the store or the catalog fails.
    pub async fn rule_costs(&self) -> Result<Costs> {
        let mut measured = self.measured.0.lock().await;
        let now = self.rules.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = &mut *measured
            && Arc::ptr_eq(&last.rules, &now)
            && last.at.elapsed() < HOLDS
        {
            if last.answered.elapsed() > FRESH {
                last.answered = Instant::now();
                last.answer = Arc::new(with(&last.of_rules, self.spent.costs(&now)));
            }
            return Ok(last.answer.clone());
        }
        let mut events = Vec::new();
        for code in EventCode::all() {
            let code = Match::new("EventID", Operator::Equals, &[code.code.to_string()])?;
            let query = Query { condition: of_sysmon(Condition::Match(code))?, period: Period::default() };
            events.extend(self.store.search(&Scope::All, &query, Order::NewestFirst, None, SAMPLE).await?.events);
        }
        let rules = self.catalog.rules().await?;
        let of_rules = tokio::task::spawn_blocking(move || cost::measure(&rules, &events, TIME)).await?;
        let answer = Arc::new(with(&of_rules, self.spent.costs(&now)));
        let at = Instant::now();
        *measured = Some(Last { rules: now, at, of_rules, answered: at, answer: answer.clone() });
        Ok(answer)
    }
}

fn with(of_rules: &HashMap<String, Cost>, of_correlations: HashMap<String, Cost>) -> HashMap<String, Cost> {
    of_rules.clone().into_iter().chain(of_correlations).collect()
}
