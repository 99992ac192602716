//! A rule over the past, before it is enabled, and against one event; with the exceptions and rules that are stored.
use super::{
    Pipeline,
    detect::{detected, settled},
    past::Past,
    processes::{PAGE, Processes, of_sysmon},
};
use crate::{
    error::{Code, Error, Result},
    event::{Event, EventId, Period, Scope, Time, detection::Rule},
    rules::{
        self, RuleSet,
        correlation::{self, Seen},
        explain::{self, Explained},
        filter,
        join::Lineage,
        search,
    },
    store::{Cursor, Order, Query},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long events are read for a rule that no search can find.
const TIME: Duration = Duration::from_secs(20);
/// Matches that are kept for correlations.
const MAX_SEEN: usize = 200_000;

/// What a rule would have hit.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Events that match; of a correlation, how often it fires.
    pub count: u64,
    /// Newest events first.
    pub sample: Vec<Arc<Event>>,
    /// Whether the whole period was looked at; otherwise the newest part of it.
    pub complete: bool,
}

/// A text among the rules that are stored.
struct Tried {
    /// The stored ones without those whose ids the text has, then its own.
    all: Vec<Rule>,
    /// Those that are tried: the only one, or the correlations.
    subject: Vec<Rule>,
}

impl Tried {
    fn ids(&self) -> BTreeSet<String> {
        self.subject.iter().map(|r| r.id.clone()).collect()
    }

    fn is_correlation(&self) -> bool {
        self.subject.iter().any(|r| r.logsource == correlation::LOGSOURCE)
    }
}

/// What events of a period say.
#[derive(Default)]
struct Scanned {
    /// Events that rules match by themselves, and events that complete windows, newest first.
    found: Vec<Arc<Event>>,
    count: u64,
    /// Rules that match each event for correlations.
    seen: Vec<Seen>,
    complete: bool,
}

impl Pipeline {
    /// Counts what the rule of a text matches in a period, or how often its correlations fire. These are made of rules of
    /// the text and of stored ones.
    ///
    /// # Errors
    /// `BAD_INPUT` when the text is not one rule that can be matched.
    pub async fn try_rule(&self, scope: &Scope, text: String, period: Period, first: usize) -> Result<Trial> {
        self.store.refresh().await?;
        let tried = self.tried(&text).await?;
        if let [rule] = tried.subject.as_slice()
            && !filter::applies(rule, &tried.all, &self.rule_set().placeholders())
            && let Ok(condition) = search::to_same_condition(&rule.text)
        {
            return self.searched(scope, Query { condition: of_sysmon(condition)?, period }, first).await;
        }
        let scanned = self.scanned(scope, tried, period, first).await?;
        Ok(Trial { count: scanned.count, sample: scanned.found, complete: scanned.complete })
    }

    /// Why the rule of a text matches an event, or does not; of a correlation, whether the event completes a window.
    ///
    /// # Errors
    /// `BAD_INPUT` when the text is not one rule that can be matched.
    pub async fn explain_rule(&self, scope: &Scope, text: &str, event: Arc<Event>) -> Result<Explained> {
        let (tried, placeholders) = (self.tried(text).await?, self.rule_set().placeholders());
        let lineage = self.lineage(scope, event.clone()).await?;
        if !tried.is_correlation() {
            let explained = tokio::task::spawn_blocking(move || {
                let rule = tried.subject.first().ok_or("the text is not one rule")?;
                explain::explain(rule, (&tried.all, &placeholders), &event, &lineage)
            });
            return explained.await?.map_err(Error::bad_input);
        }
        let period = Period { from: Some(event.time), to: Some(Time(event.time.0.saturating_add(1))) };
        let (all, ids) = (tried.all.clone(), tried.ids());
        let scanned = self.scanned(scope, tried, period, usize::MAX).await?;
        if !scanned.complete {
            let message = "there are too many events before this one to say whether it completes a window";
            return Err(Error::new(Code::TooLarge, message));
        }
        let fires = scanned.found.iter().any(|e| e.id == event.id);
        let explained = tokio::task::spawn_blocking(move || {
            let mut seen: HashMap<Arc<str>, BTreeSet<EventId>> = HashMap::new();
            for s in &scanned.seen {
                seen.entry(s.rule_id.clone()).or_default().insert(s.event.id);
            }
            let counted = |id: &str| seen.get(id).map_or(0, BTreeSet::len);
            explain::of_correlations((&all, &placeholders), &ids, (&event, &lineage), fires, &counted)
        });
        explained.await?.map_err(Error::bad_input)
    }

    /// What is known of the processes of an event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lineage(&self, scope: &Scope, event: Arc<Event>) -> Result<Lineage> {
        self.store.refresh().await?;
        Processes::default().lineage(&*self.store, scope, event).await
    }

    async fn tried(&self, text: &str) -> Result<Tried> {
        let loaded = rules::parse(text, "trial");
        let (filters, own): (Vec<&Rule>, Vec<&Rule>) =
            loaded.rules.iter().partition(|r| r.logsource == filter::LOGSOURCE);
        let (correlations, single): (Vec<&Rule>, Vec<&Rule>) =
            own.into_iter().partition(|r| r.logsource == correlation::LOGSOURCE);
        let subject: Vec<Rule> =
            if correlations.is_empty() { single } else { correlations }.into_iter().cloned().collect();
        let alone = subject.len() == 1 || subject.iter().any(|r| r.logsource == correlation::LOGSOURCE);
        if let Some(reason) = loaded.rules.iter().find_map(|r| r.refused.clone()) {
            return Err(Error::bad_input(reason));
        }
        if !alone || loaded.issues.iter().any(|i| i.record.is_some()) {
            let what =
                if filters.is_empty() { "the text is not one rule" } else { "the text is not one rule with filters" };
            return Err(Error::bad_input(what));
        }
        let mut all = self.catalog.rules().await?;
        let ids: HashSet<&str> = loaded.rules.iter().map(|r| r.id.as_str()).collect();
        all.retain(|r| !ids.contains(r.id.as_str()));
        all.extend(loaded.rules.iter().cloned());
        Ok(Tried { all, subject })
    }

    async fn searched(&self, scope: &Scope, query: Query, first: usize) -> Result<Trial> {
        let count = self.store.count(scope, &query).await?;
        let sample = self.store.search(scope, &query, Order::NewestFirst, None, first).await?.events;
        Ok(Trial { count, sample, complete: true })
    }

    async fn scanned(&self, scope: &Scope, tried: Tried, period: Period, first: usize) -> Result<Scanned> {
        let (ids, placeholders) = (tried.ids(), self.rule_set().placeholders());
        let Past { rules: set, failed, query, span } = Past::of(tried.all, ids.clone(), placeholders, period).await?;
        if let Some((_, reason)) = failed.into_iter().find(|(id, _)| ids.contains(id)) {
            return Err(Error::bad_input(reason));
        }
        let mut out = Scanned::default();
        let (started, mut after) = (Instant::now(), None);
        let mut processes = Processes::default();
        while started.elapsed() < TIME && out.seen.len() < MAX_SEEN {
            let page = self.store.search(scope, &query, Order::NewestFirst, after, PAGE).await?;
            after = page.events.last().map(|e| Cursor { time: e.time, id: e.id }).or(after);
            let (matching, events) = (set.clone(), page.events.clone());
            let (hits, seen, open) = tokio::task::spawn_blocking(move || detected(&matching, &events)).await?;
            let mut matched: HashSet<EventId> = hits.iter().map(|h| h.event_id).collect();
            out.seen.extend(seen);
            if !open.is_empty() {
                let lineages = processes.lineages(&*self.store, scope, &set, &open).await?;
                let matching = set.clone();
                let outcome = tokio::task::spawn_blocking(move || settled(&matching, open, lineages)).await?;
                matched.extend(outcome.hits.iter().map(|h| h.event_id));
                out.seen.extend(outcome.seen);
            }
            let inside = |e: &Event| period.from.is_none_or(|from| e.time >= from);
            let matched = page.events.into_iter().filter(|e| matched.contains(&e.id) && inside(e));
            for event in matched {
                out.count += 1;
                if out.found.len() < first {
                    out.found.push(event);
                }
            }
            if !page.more {
                out.complete = true;
                break;
            }
        }
        if span > 0 {
            // What lies before the last page is not known.
            let known = if out.complete { None } else { after.map(|c| Time(c.time.0.saturating_add(span))) };
            let from = period.from.max(known);
            out = tokio::task::spawn_blocking(move || fired(&set, out, from, first)).await?;
        }
        Ok(out)
    }
}

/// Adds what fires from a time on.
fn fired(set: &RuleSet, mut out: Scanned, from: Option<Time>, first: usize) -> Scanned {
    let correlations = set.correlations();
    let mut fired = correlations.firings(&out.seen);
    fired.retain(|f| !correlations.silences(&f.group.rule_id) && from.is_none_or(|from| f.event.time >= from));
    out.count += fired.len() as u64;
    out.found.extend(fired.into_iter().map(|f| f.event));
    out.found.sort_by_key(|e| std::cmp::Reverse((e.time, e.id)));
    out.found.truncate(first);
    out
}
