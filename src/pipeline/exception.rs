//! What an exception would have hidden, before it is made.
use super::{Pipeline, processes::Processes};
use crate::{
    catalog::HitFilter,
    error::{Error, Result},
    event::{
        Condition, Event, EventId, Period, Scope, Time,
        detection::{Hit, Rule},
    },
    rules::{self, RuleSet, exception, join},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Hits that are looked at at once.
const PAGE: usize = 1_000;
/// How long hits are looked at.
const TIME: Duration = Duration::from_secs(20);

/// What an exception hides.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Stored hits of its rules that were looked at, and how many of them it would have hidden.
    pub seen: u64,
    pub hidden: u64,
    /// Newest stored first, rule by rule.
    pub sample: Vec<Hit>,
    /// Whether all hits of the period were looked at; otherwise the newest of them.
    pub complete: bool,
}

impl Pipeline {
    /// Counts the stored hits of rules, by own id, on events of a period that match `condition`.
    ///
    /// # Errors
    /// `BAD_INPUT` for a condition that a rule cannot have.
    pub async fn hidden_hits(
        &self,
        scope: &Scope,
        rules: &[String],
        (condition, until): (&Condition, Option<Time>),
        period: Period,
        first: usize,
    ) -> Result<Hidden> {
        let probe = Arc::new(exception::probe(condition, until).map_err(Error::bad_input)?);
        let (started, mut out) = (Instant::now(), Hidden { complete: true, ..Hidden::default() });
        for rule_id in rules {
            let filter = HitFilter { rule_id: Some(rule_id.clone()), period, ..HitFilter::default() };
            let joining = self.catalog.rule(rule_id).await?.is_some_and(|r| join::is_joining(&r));
            if joining {
                self.store.refresh().await?;
            }
            let mut before = None;
            loop {
                if started.elapsed() > TIME {
                    out.complete = false;
                    return Ok(out);
                }
                let page = self.catalog.hits(scope, &filter, before, PAGE).await?;
                before = page.hits.last().map(|h| h.number);
                let hits: Vec<Hit> = page.hits.into_iter().map(|h| h.hit).collect();
                out.seen += hits.len() as u64;
                let matched = self.matched(scope, &probe, &hits, joining).await?;
                for hit in hits.into_iter().filter(|h| matched.contains(&h.event_id)) {
                    out.hidden += 1;
                    if out.sample.len() < first {
                        out.sample.push(hit);
                    }
                }
                if !page.more {
                    break;
                }
            }
        }
        Ok(out)
    }

    /// Of the events of hits, those that match; with what is joined to them where the rule is `joining`.
    async fn matched(
        &self,
        scope: &Scope,
        probe: &Arc<RuleSet>,
        hits: &[Hit],
        joining: bool,
    ) -> Result<HashSet<EventId>> {
        let ids: HashSet<EventId> = hits.iter().map(|h| h.event_id).collect();
        let ids: Vec<EventId> = ids.into_iter().collect();
        let events: Vec<Arc<Event>> = self.store.events(scope, &ids).await?.into_iter().flatten().collect();
        let mut joined = HashMap::new();
        if joining {
            joined = Processes::default().joined(&*self.store, scope, events.clone()).await?;
        }
        let probe = probe.clone();
        let matched = move || {
            let holds = |e: &Arc<Event>| !probe.matches(joined.get(&e.id).unwrap_or(e)).is_empty();
            events.iter().filter(|e| holds(e)).map(|e| e.id).collect()
        };
        Ok(tokio::task::spawn_blocking(matched).await?)
    }

    /// The filter of an exception, ready to be imported, if its rules can be matched with it.
    ///
    /// # Errors
    /// `BAD_INPUT` for a rule that is not there, can have no exception, or not this one.
    pub async fn exception(&self, exception: &exception::Exception, condition: &Condition) -> Result<Vec<Rule>> {
        let text = exception::write(exception, condition).map_err(Error::bad_input)?;
        let found = self.catalog.rules_by_id(&exception.rules).await?;
        let mut trial = Vec::new();
        for (id, rule) in exception.rules.iter().zip(found) {
            let rule = rule.ok_or_else(|| Error::bad_input(format!("there is no rule {id:?}")))?;
            if let Some(why) = exception::refused(&rule) {
                return Err(Error::bad_input(format!("{}: {why}", rule.title)));
            }
            trial.push(rule);
        }
        let made = rules::parse(&text, &format!("exception of {}", exception.author)).rules;
        if let Some(why) = made.iter().find_map(|r| r.refused.clone()) {
            return Err(Error::bad_input(why));
        }
        let others = self.catalog.rules().await?.into_iter().filter(|r| exception::read(r).is_some());
        trial.extend(others.chain(made.iter().cloned()));
        let placeholders = self.rule_set().placeholders();
        let (_, failed) = tokio::task::spawn_blocking(move || RuleSet::compile_with(&trial, &placeholders)).await?;
        // Other filters may apply to other rules only.
        let own: HashSet<&str> = exception.rules.iter().chain([&exception.id]).map(String::as_str).collect();
        if let Some((id, why)) = failed.into_iter().find(|(id, _)| own.contains(id.as_str())) {
            return Err(Error::bad_input(format!("rule {id} cannot be matched with this exception: {why}")));
        }
        Ok(made)
    }
}
