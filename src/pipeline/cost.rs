//! What rules cost, measured now and then when somebody asks.
use super::{Pipeline, processes::of_sysmon};
use crate::{
    error::Result,
    event::{
        Condition, EventCode, Period, Scope,
        condition::{Match, Operator},
    },
    rules::{RuleSet, cost},
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
/// The fields of one request ask one after the other: they do not go on, the next request does.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a measurement holds while the rules stay as they are.
const HOLDS: Duration = Duration::from_secs(600);

/// Costs by own id of the rules, and which are not measured yet.
pub type Costs = Arc<cost::Measured>;

/// How long what was measured of correlations is answered.
const FRESH: Duration = Duration::from_secs(5);
/// Events after which earlier ones count half.
const HALF: u64 = 500_000;

/// The last measurement.
#[derive(Default)]
pub(super) struct Measured(tokio::sync::Mutex<Option<Last>>);

struct Last {
    of: Arc<RuleSet>,
    begun: Instant,
    ended: Instant,
    alone: Costs,
    answered: Instant,
    /// With the correlations.
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
    fn costs(&self, rules: &RuleSet) -> HashMap<String, cost::Cost> {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = Some(times.events).filter(|n| *n > 0) else { return HashMap::new() };
        let cost = |nanoseconds: &u64| cost::Cost {
            nanoseconds: nanoseconds / events,
            events: usize::try_from(events).unwrap_or(usize::MAX),
        };
        let all = rules.correlations().all().iter();
        all.filter_map(|c| Some((c.id.to_string(), cost(times.nanoseconds.get(&c.id)?)))).collect()
    }
}

impl Pipeline {
    /// Time that each rule takes for one event, from the newest events of each code; of correlations, what they took of the
    /// time in which events were matched here. Measured at the first call, and again when the rules have changed or some
    /// minutes have passed. Where the time is too short for all rules, the next call goes on.
    ///
    /// # Errors
    /// When the store or the catalog fails.
    pub async fn rule_costs(&self) -> Result<Costs> {
        let mut measured = self.measured.0.lock().await;
        let now = self.rule_set();
        let known = measured.as_mut().filter(|m| Arc::ptr_eq(&m.of, &now) && m.begun.elapsed() < HOLDS);
        let (begun, before) = match known {
            Some(last) if last.alone.left.is_empty() || last.ended.elapsed() < PAUSE => {
                if last.answered.elapsed() > FRESH {
                    last.answered = Instant::now();
                    last.answer = Arc::new(with(&last.alone, self.spent.costs(&now)));
                }
                return Ok(last.answer.clone());
            }
            Some(last) => (last.begun, Some(last.alone.clone())),
            None => (Instant::now(), None),
        };
        let mut events = Vec::new();
        for code in EventCode::all() {
            let code = Match::new("EventID", Operator::Equals, &[code.code.to_string()])?;
            let query = Query { condition: of_sysmon(Condition::Match(code))?, period: Period::default() };
            events.extend(self.store.search(&Scope::All, &query, Order::NewestFirst, None, SAMPLE).await?.events);
        }
        let rules = self.catalog.rules().await?;
        let placeholders = now.placeholders();
        let alone = tokio::task::spawn_blocking(move || {
            let mut costs = before.map_or_else(|| cost::Measured::new(&rules), |b| (*b).clone());
            costs.go_on(&rules, &events, &placeholders, TIME);
            costs
        });
        let alone = Arc::new(alone.await?);
        let answer = Arc::new(with(&alone, self.spent.costs(&now)));
        let ended = Instant::now();
        *measured = Some(Last { of: now, begun, ended, alone, answered: ended, answer: answer.clone() });
        Ok(answer)
    }
}

fn with(alone: &cost::Measured, correlations: HashMap<String, cost::Cost>) -> cost::Measured {
    let mut all = alone.clone();
    all.costs.extend(correlations);
    all
}
