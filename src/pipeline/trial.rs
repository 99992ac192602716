//! A rule over the past, before it is enabled.
use super::Pipeline;
use crate::{
    error::{Error, Result},
    event::{Condition, Event, Period, Scope},
    rules::{self, RuleSet, search},
    store::{Cursor, Order, Query},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Events that are read for a rule that no search can find.
const PAGE: usize = 2_000;
/// How long they are read.
const TIME: Duration = Duration::from_secs(20);

/// What a rule would have hit.
#[derive(Debug, Clone)]
pub struct Trial {
    pub count: u64,
    /// Newest events first.
    pub sample: Vec<Arc<Event>>,
    /// Whether the whole period was looked at; otherwise the newest part of it.
    pub complete: bool,
}

impl Pipeline {
    /// Counts what the only rule of a text matches in a period. Joins with no other event.
    ///
    /// # Errors
    /// `BAD_INPUT` when the text is not one rule that can be matched.
    pub async fn try_rule(&self, scope: &Scope, text: String, period: Period, first: usize) -> Result<Trial> {
        self.store.refresh().await?;
        let loaded = rules::parse(&text, "trial");
        let [rule] = loaded.rules.as_slice() else { return Err(Error::bad_input("the text is not one rule")) };
        if let Some(reason) = &rule.refused {
            return Err(Error::bad_input(reason.clone()));
        }
        if let Ok(condition) = search::to_condition(&text) {
            return self.searched(scope, Query { condition: of_sysmon(condition)?, period }, first).await;
        }
        let (set, failed) = RuleSet::compile(&loaded.rules);
        if let Some((_, reason)) = failed.into_iter().next() {
            return Err(Error::bad_input(reason));
        }
        self.scanned(scope, Arc::new(set), period, first).await
    }

    async fn searched(&self, scope: &Scope, query: Query, first: usize) -> Result<Trial> {
        let count = self.store.count(scope, &query).await?;
        let sample = self.store.search(scope, &query, Order::NewestFirst, None, first).await?.events;
        Ok(Trial { count, sample, complete: true })
    }

    async fn scanned(&self, scope: &Scope, set: Arc<RuleSet>, period: Period, first: usize) -> Result<Trial> {
        let query = Query { condition: of_sysmon(Condition::All)?, period };
        let mut trial = Trial { count: 0, sample: Vec::new(), complete: false };
        let (started, mut after) = (Instant::now(), None);
        while started.elapsed() < TIME {
            let page = self.store.search(scope, &query, Order::NewestFirst, after, PAGE).await?;
            after = page.events.last().map(|e| Cursor { time: e.time, id: e.id });
            let set = set.clone();
            let matched = move || page.events.into_iter().filter(|e| !set.matches(e).is_empty()).collect::<Vec<_>>();
            let matched = tokio::task::spawn_blocking(matched).await?;
            trial.count += matched.len() as u64;
            trial.sample.extend(matched.into_iter().take(first - trial.sample.len().min(first)));
            if !page.more {
                trial.complete = true;
                break;
            }
        }
        Ok(trial)
    }
}

/// Rules are about events of Sysmon; a store may hold others too.
pub(super) fn of_sysmon(condition: Condition) -> Result<Condition> {
    use crate::event::{
        SYSMON_PROVIDER,
        condition::{Match, Operator},
    };
    let sysmon = Match::new("Provider", Operator::Equals, &[SYSMON_PROVIDER.to_owned()])?;
    Ok(Condition::And(vec![Condition::Match(sysmon), condition]))
}
