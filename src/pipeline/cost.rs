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
    sync::{Arc, PoisonError},
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

/// The last measurement.
#[derive(Default)]
pub(super) struct Measured(tokio::sync::Mutex<Option<(Arc<RuleSet>, Instant, Costs)>>);

impl Pipeline {
    /// Time that each rule takes for one event, from the newest events of each code. Measured at the first call, and again
    /// when the rules have changed or some minutes have passed.
    ///
    /// # Errors
    /// When the store or the catalog fails.
    pub async fn rule_costs(&self) -> Result<Costs> {
        let mut measured = self.measured.0.lock().await;
        let now = self.rules.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((set, at, costs)) = &*measured
            && Arc::ptr_eq(set, &now)
            && at.elapsed() < HOLDS
        {
            return Ok(costs.clone());
        }
        let mut events = Vec::new();
        for code in EventCode::all() {
            let code = Match::new("EventID", Operator::Equals, &[code.code.to_string()])?;
            let query = Query { condition: of_sysmon(Condition::Match(code))?, period: Period::default() };
            events.extend(self.store.search(&Scope::All, &query, Order::NewestFirst, None, SAMPLE).await?.events);
        }
        let rules = self.catalog.rules().await?;
        let costs = tokio::task::spawn_blocking(move || cost::measure(&rules, &events, TIME)).await?;
        let costs = Arc::new(costs);
        *measured = Some((now, Instant::now(), costs.clone()));
        Ok(costs)
    }
}
