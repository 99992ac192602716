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
    sync::Arc,
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

/// The last measurement.
#[derive(Default)]
pub(super) struct Measured(tokio::sync::Mutex<Option<Last>>);

struct Last {
    of: Arc<RuleSet>,
    begun: Instant,
    ended: Instant,
    costs: Costs,
}

impl Pipeline {
    /// Time that each rule takes for one event, from the newest events of each code. Measured at the first call, and again
    /// when the rules have changed or some minutes have passed. Where the time is too short for all rules, the next call
    /// goes on.
    ///
    /// # Errors
    /// When the store or the catalog fails.
    pub async fn rule_costs(&self) -> Result<Costs> {
        let mut measured = self.measured.0.lock().await;
        let now = self.rule_set();
        let known = measured.as_ref().filter(|m| Arc::ptr_eq(&m.of, &now) && m.begun.elapsed() < HOLDS);
        if let Some(last) = known.filter(|m| m.costs.left.is_empty() || m.ended.elapsed() < PAUSE) {
            return Ok(last.costs.clone());
        }
        let (begun, before) = known.map_or((Instant::now(), None), |m| (m.begun, Some(m.costs.clone())));
        let mut events = Vec::new();
        for code in EventCode::all() {
            let code = Match::new("EventID", Operator::Equals, &[code.code.to_string()])?;
            let query = Query { condition: of_sysmon(Condition::Match(code))?, period: Period::default() };
            events.extend(self.store.search(&Scope::All, &query, Order::NewestFirst, None, SAMPLE).await?.events);
        }
        let rules = self.catalog.rules().await?;
        let placeholders = now.placeholders();
        let costs = tokio::task::spawn_blocking(move || {
            let mut costs = before.map_or_else(|| cost::Measured::new(&rules), |b| (*b).clone());
            costs.go_on(&rules, &events, &placeholders, TIME);
            costs
        });
        let costs = Arc::new(costs.await?);
        *measured = Some(Last { of: now, begun, ended: Instant::now(), costs: costs.clone() });
        Ok(costs)
    }
}
