//! A rule over the past, before it is enabled.
use super::{
    Pipeline,
    detect::{detected, settled},
    processes::{PAGE, Processes, of_sysmon},
};
use crate::{
    error::{Error, Result},
    event::{Condition, Event, EventId, Period, Scope},
    rules::{self, RuleSet, join::Lineage, search},
    store::{Cursor, Order, Query},
};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long events are read for a rule that no search can find.
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
    /// Counts what the only rule of a text matches in a period.
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

    /// What is known of the processes of an event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lineage(&self, scope: &Scope, event: Arc<Event>) -> Result<Lineage> {
        self.store.refresh().await?;
        Processes::default().lineage(&*self.store, scope, event).await
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
        let mut processes = Processes::default();
        while started.elapsed() < TIME {
            let page = self.store.search(scope, &query, Order::NewestFirst, after, PAGE).await?;
            after = page.events.last().map(|e| Cursor { time: e.time, id: e.id });
            let (matching, events) = (set.clone(), page.events.clone());
            let (hits, _, open) = tokio::task::spawn_blocking(move || detected(&matching, &events)).await?;
            let mut matched: HashSet<EventId> = hits.iter().map(|h| h.event_id).collect();
            if !open.is_empty() {
                let lineages = processes.lineages(&*self.store, scope, &set, &open).await?;
                let matching = set.clone();
                let outcome = tokio::task::spawn_blocking(move || settled(&matching, open, lineages)).await?;
                matched.extend(outcome.hits.iter().map(|h| h.event_id));
            }
            trial.count += matched.len() as u64;
            let matched = page.events.into_iter().filter(|e| matched.contains(&e.id));
            trial.sample.extend(matched.take(first - trial.sample.len().min(first)));
            if !page.more {
                trial.complete = true;
                break;
            }
        }
        Ok(trial)
    }
}
