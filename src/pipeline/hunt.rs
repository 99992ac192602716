//! Retro-hunts: rules over what is stored already. The follower that matches new events does them, a page at a time
//! between two pieces of the log, so that nothing else writes hits; so they find what live matching would have found.
use super::{Pipeline, detect::Detect, past::Past, processes::PAGE, reload};
use crate::{
    catalog::{Found, Hunt, IndicatorFilter, Job, JobKind, JobState},
    error::{Code, Error, Result},
    event::{EventId, Period, Position, Scope, Time, correlated::Change, detection::Rule},
    rules::{RuleSet, correlation::Linked, filter},
    store::{Cursor, Order, Query},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// How often the catalog is asked for hunts that another process has started.
const LOOK: Duration = Duration::from_secs(2);
/// Indicators of a page.
const INDICATORS: usize = 5_000;

/// A hunt that is under way.
struct Running {
    job_id: String,
    /// The rules as they were matched live when these were made of them.
    live: Arc<RuleSet>,
    rules: Arc<RuleSet>,
    query: Query,
}

/// The hunts of a follower.
pub(super) struct Hunts {
    /// Grows when this process starts one.
    pub(super) started: tokio::sync::watch::Receiver<u64>,
    looked: Option<Instant>,
    running: Option<Running>,
}

impl Hunts {
    pub(super) const fn new(started: tokio::sync::watch::Receiver<u64>) -> Self {
        Self { started, looked: None, running: None }
    }

    fn is_due(&mut self) -> bool {
        let told = self.started.has_changed().unwrap_or(false);
        told || self.looked.is_none_or(|at| at.elapsed() >= LOOK)
    }
}

impl Detect {
    /// Does a page of the oldest hunt. `false` when there is none.
    pub(super) async fn hunt(&mut self) -> Result<bool> {
        if self.hunts.running.is_none() && !self.next_hunt().await? {
            return Ok(false);
        }
        let Some(running) = self.hunts.running.take() else { return Ok(false) };
        let Some(job) = self.catalog.job(&running.job_id).await?.filter(|j| j.state == JobState::Running) else {
            return Ok(true);
        };
        match self.hunt_on(running, job.clone()).await {
            Ok(running) => {
                self.hunts.running = running;
                Ok(true)
            }
            Err(e) => {
                self.failed(job, &e).await?;
                Ok(true)
            }
        }
    }

    /// A page with the rules as they are now: one that was switched off, changed or deleted meanwhile finds no more.
    async fn hunt_on(&mut self, running: Running, job: Job) -> Result<Option<Running>> {
        let running = if Arc::ptr_eq(&running.live, &self.live()) { running } else { self.prepared(&job).await? };
        let more = self.hunt_page(&running, job).await?;
        Ok(more.then_some(running))
    }

    /// A hunt goes on later that a store which is away interrupts, or another process which has taken the work over.
    async fn failed(&mut self, mut job: Job, e: &Error) -> Result<()> {
        if matches!(e.code, Code::Unavailable | Code::Conflict) {
            return Err(Error::new(e.code, format!("retro-hunt {} is interrupted: {e}", job.name)));
        }
        tracing::error!(job = %job.id, error = ?e, "retro-hunt {} failed", job.name);
        job.state = JobState::Failed;
        job.finished = Some(Time::now());
        job.message = Some(e.to_string());
        self.catalog.put_job(&job).await.map(drop)
    }

    async fn next_hunt(&mut self) -> Result<bool> {
        if !self.hunts.is_due() {
            return Ok(false);
        }
        self.hunts.started.mark_unchanged();
        self.hunts.looked = Some(Instant::now());
        let waiting = self.catalog.jobs(JobKind::Hunt, Some(JobState::Running), usize::MAX).await?;
        // The oldest first.
        let Some(job) = waiting.into_iter().next_back() else { return Ok(false) };
        self.hunts.looked = None;
        match self.prepared(&job).await {
            Ok(running) => {
                self.hunts.running = Some(running);
                Ok(true)
            }
            Err(e) => self.failed(job, &e).await.map(|()| true),
        }
    }

    async fn prepared(&mut self, job: &Job) -> Result<Running> {
        let hunt = job.hunt.clone().unwrap_or_default();
        // What comes from now on is matched with these rules: nothing lies between.
        reload(&*self.catalog, &self.rules, &self.reloading).await?;
        let live = self.live();
        self.store.refresh().await?;
        let all = self.catalog.rules().await?;
        let wanted = hunt.rules.iter().cloned().collect();
        let Past { rules, query, .. } = Past::of(all, wanted, live.placeholders(), hunt.period).await?;
        if rules.is_empty() {
            return Err(Error::bad_input("none of the rules is there any more, enabled and matched"));
        }
        if hunt.after.is_none() {
            let total = self.store.count(&Scope::All, &query).await?;
            self.catalog.put_job(&Job { hunt: Some(Hunt { total, ..hunt }), ..job.clone() }).await?;
        }
        Ok(Running { job_id: job.id.clone(), live, rules, query })
    }

    async fn hunt_page(&mut self, running: &Running, mut job: Job) -> Result<bool> {
        let mut hunt = job.hunt.take().unwrap_or_default();
        let after = hunt.after.map(|(time, id)| Cursor { time, id });
        let page = self.store.search(&Scope::All, &running.query, Order::OldestFirst, after, PAGE).await?;
        hunt.events += page.events.len() as u64;
        hunt.total = hunt.total.max(hunt.events);
        hunt.after = page.events.last().map(|e| (e.time, e.id)).or(hunt.after);
        let mut found = self.find(&running.rules, page.events).await?;
        if let Some(from) = hunt.period.from {
            self.leave_out(&running.rules, &mut found, from).await?;
        }
        hunt.hits += found.hits.len() as u64;
        if !page.more {
            hunt.total = hunt.events;
        }
        job.hunt = Some(hunt);
        found.job = Some(job);
        self.put(found, &Position::default()).await?;
        // It has ended when its hits can be seen, on a cluster not before `put` returns.
        if !page.more
            && let Some(job) = self.catalog.job(&running.job_id).await?.filter(|j| j.state == JobState::Running)
        {
            self.catalog.put_job(&Job { state: JobState::Done, finished: Some(Time::now()), ..job }).await?;
        }
        Ok(page.more)
    }
}

impl Detect {
    /// Leaves out hits from before the period. That was read for windows that end in it; what fires there may be false, as
    /// its own windows begin before what was read. It is kept with the sightings, and becomes a hit when a hunt comes to
    /// it, or here, where it takes the place of a hit that is stored: what was known is not lost.
    async fn leave_out(&self, rules: &RuleSet, found: &mut Found, from: Time) -> Result<()> {
        if found.hits.iter().all(|h| h.time >= from) {
            return Ok(());
        }
        let moved = |c: &&Change| !c.unfired.is_empty() && c.fired.iter().any(|(time, _)| *time < from);
        let correlations = rules.correlations().all();
        let moved: Vec<(&Linked, &Change)> = found
            .changes
            .iter()
            .filter(moved)
            .filter_map(|c| Some((correlations.iter().find(|l| *l.id == *c.group.rule_id)?, c)))
            .collect();
        let unfired: Vec<EventId> = moved.iter().flat_map(|(_, c)| &c.unfired).map(|(_, id)| *id).collect();
        let stored = self.catalog.hits_of_events(&Scope::All, &unfired).await?;
        let stored: HashSet<String> = stored.into_iter().flatten().map(|h| h.id).collect();
        let mut instead = HashSet::new();
        for (l, c) in moved {
            let gone = c.unfired.iter().filter(|(_, id)| stored.contains(&l.hit_id(&c.group, *id)));
            for (time, _) in gone {
                // What makes an event complete no window any more is a window that it lies in.
                let near = c.fired.iter().filter(|(fired, _)| (0..=l.span()).contains(&(time.0 - fired.0)));
                instead.extend(near.map(|(_, id)| l.hit_id(&c.group, *id)));
            }
        }
        found.hits.retain(|h| h.time >= from || instead.contains(&h.id));
        Ok(())
    }
}

impl Pipeline {
    /// Starts a hunt as [`Self::plan_hunt`] makes it.
    ///
    /// # Errors
    /// As there.
    pub async fn start_hunt(&self, rules: Vec<String>, period: Period, by: &str) -> Result<Job> {
        let job = self.plan_hunt(rules, period, by).await?;
        self.begin_hunt(&job).await?;
        Ok(job)
    }

    /// A hunt with rules over the events of a period that are stored when it begins.
    ///
    /// # Errors
    /// `BAD_INPUT` and `NOT_FOUND` when a rule is not there, not enabled or cannot be matched.
    pub async fn plan_hunt(&self, rules: Vec<String>, period: Period, by: &str) -> Result<Job> {
        let ids: Vec<String> = rules.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let (found, set) = (self.catalog.rules_by_id(&ids).await?, self.rule_set());
        let title = found.iter().flatten().next().map(|r| r.title.clone());
        for (id, rule) in ids.iter().zip(&found) {
            let rule = rule.as_ref().ok_or_else(|| Error::not_found(format!("there is no rule {id}")))?;
            if let Some(why) = unfit(rule, &set) {
                return Err(Error::bad_input(format!("rule '{}' {why}", rule.title)));
            }
        }
        let name = match (title, ids.len()) {
            (None, _) => return Err(Error::bad_input("no rule to hunt with")),
            (Some(title), 1) => title,
            (Some(title), n) => format!("{title} and {} more", n - 1),
        };
        let hunt = Hunt { rules: ids, period, by: by.to_owned(), ..Hunt::default() };
        Ok(Job { hunt: Some(hunt), ..Job::new(uuid::Uuid::now_v7().to_string(), name, &self.node.name) })
    }

    /// As [`Self::plan_hunt`] over all that is stored, with those of `rules` that are matched; `None` when there are none.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn plan_hunt_at_once(&self, rules: &[String], by: &str) -> Result<Option<Job>> {
        let (known, set) = (self.catalog.rules_by_id(rules).await?, self.rule_set());
        let fit = known.into_iter().flatten().filter(|r| unfit(r, &set).is_none());
        let fit: Vec<String> = fit.map(|r| r.id).collect();
        if fit.is_empty() { Ok(None) } else { self.plan_hunt(fit, Period::default(), by).await.map(Some) }
    }

    /// Hands a planned hunt to the follower.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn begin_hunt(&self, job: &Job) -> Result<()> {
        self.catalog.put_job(job).await?;
        self.hunts.send_modify(|n| *n += 1);
        // Wakes the follower.
        self.head.send_modify(|_| {});
        Ok(())
    }

    /// Own ids of the rules of an import of indicators.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such import.
    pub async fn rules_of_import(&self, import_id: &str) -> Result<Vec<String>> {
        let filter = IndicatorFilter { import_id: Some(import_id.to_owned()), ..IndicatorFilter::default() };
        let (mut ids, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.catalog.indicators(&filter, after, INDICATORS).await?;
            after = page.last().map(|i| i.number);
            let last = page.len() < INDICATORS;
            ids.extend(page.into_iter().map(|i| (i.indicator.rule_id, ())));
            if last {
                break;
            }
        }
        if ids.is_empty() && !self.catalog.indicator_imports().await?.iter().any(|i| i.id == import_id) {
            return Err(Error::not_found("there is no such import of indicators"));
        }
        Ok(ids.into_keys().collect())
    }
}

/// Why nothing can be hunted with a rule.
fn unfit(rule: &Rule, set: &RuleSet) -> Option<String> {
    if let Some(why) = rule.refused.as_deref().or_else(|| set.blocked(&rule.id)) {
        return Some(format!("cannot be matched: {why}"));
    }
    if rule.logsource == filter::LOGSOURCE {
        return Some("is a filter".into());
    }
    (!rule.enabled).then(|| "is not enabled".into())
}
