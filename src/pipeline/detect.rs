//! The follower that matches events with the rules.
use super::{
    correlate::{self, Aside, Noisy},
    cost::Spent,
    follow::{Work, tell_alerts},
    hunt::Hunts,
    live,
    processes::{Open, Process, Processes},
    recent::Recent,
    reload,
};
use crate::{
    catalog::{Catalog, Found, HitFilter, StoredHit},
    error::Result,
    event::{
        Event, EventId, Fence, Position, Scope, Time,
        detection::{Hit, Rule},
    },
    rules::{Matched, RuleSet, correlation::Seen, join::Lineage},
    store::{Arrivals, EventStore},
};
use async_trait::async_trait;
use std::{
    collections::HashSet,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, broadcast, watch};

/// Hits of another process fetched at once.
const TOLD_AT_ONCE: usize = 1_000;
/// A checkpoint that moved over events without any hit is written at least this often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What it works with.
pub(super) struct Rooms {
    pub(super) catalog: Arc<dyn Catalog>,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) rules: Arc<RwLock<Arc<RuleSet>>>,
    /// Held while the rules are compiled anew.
    pub(super) reloading: Arc<Mutex<()>>,
    pub(super) spent: Spent,
}

/// Matches events with the rules.
pub(super) struct Detect {
    pub(super) catalog: Arc<dyn Catalog>,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) rules: Arc<RwLock<Arc<RuleSet>>>,
    pub(super) reloading: Arc<Mutex<()>>,
    spent: Spent,
    /// Correlations that are not to be matched any more; told when what was found is stored.
    noisy: Vec<Noisy>,
    /// The rules of the last piece.
    used: Option<Arc<RuleSet>>,
    pub(super) processes: Processes,
    /// Events that depend on a process, in case that its start is still to come.
    pub(super) recent: Recent,
    pub(super) hunts: Hunts,
    live: broadcast::Sender<Arc<StoredHit>>,
    alerts: watch::Sender<u64>,
    written: Instant,
    /// Under which it works now.
    fence: Fence,
    /// Number of the newest hit that subscribers of this process were told of.
    told: u64,
    /// Set while hits are being stored: after a failure some may be stored that nobody was told of.
    untold: bool,
}

impl Detect {
    /// # Errors
    /// When the catalog fails.
    pub(super) async fn new(
        Rooms { catalog, store, rules, reloading, spent }: Rooms,
        live: broadcast::Sender<Arc<StoredHit>>,
        alerts: watch::Sender<u64>,
        hunts: watch::Receiver<u64>,
    ) -> Result<Self> {
        let told = catalog.newest_hit().await?;
        Ok(Self {
            catalog,
            store,
            rules,
            reloading,
            spent,
            noisy: Vec::new(),
            used: None,
            processes: Processes::default(),
            recent: Recent::default(),
            hunts: Hunts::new(hunts),
            live,
            alerts,
            written: Instant::now(),
            fence: Fence::default(),
            told,
            untold: false,
        })
    }

    /// The rules as they are now.
    pub(super) fn live(&self) -> Arc<RuleSet> {
        live(&self.rules)
    }

    /// The same for a piece of the log. What was kept for correlations that are no more is forgotten.
    async fn rules(&mut self) -> Result<Arc<RuleSet>> {
        let now = self.live();
        if !self.used.as_ref().is_some_and(|used| Arc::ptr_eq(used, &now)) {
            let all = now.correlations().all().iter();
            let versions: Vec<_> = all.map(|c| (c.id.to_string(), c.state().to_owned())).collect();
            self.catalog.retain_correlated(&versions, self.fence).await?;
            self.used = Some(now.clone());
        }
        Ok(now)
    }

    fn tell(&mut self, hits: Vec<StoredHit>) {
        for hit in hits {
            self.told = self.told.max(hit.number);
            // No receiver is no error: nobody watches.
            let _ = self.live.send(Arc::new(hit));
        }
    }

    /// Stores what was found, and the checkpoint where it moves; then tells it.
    pub(super) async fn put(&mut self, mut found: Found, upto: &Position) -> Result<()> {
        found.fence = Some(self.fence);
        let changes = !found.hits.is_empty() || !found.withdrawn.is_empty();
        let failed = std::mem::replace(&mut self.untold, true);
        let hits = self.catalog.put_found(found, upto).await?;
        // Others may have stored hits in between.
        if failed || hits.first().is_some_and(|h| h.number != self.told + 1) {
            self.look_on().await?;
        } else {
            self.tell(hits);
        }
        self.untold = false;
        if changes {
            tell_alerts(&*self.catalog, &self.alerts).await?;
        }
        self.give_up().await
    }

    /// Takes note of what came of correlations over so many events.
    pub(super) fn took(&mut self, events: usize, aside: Aside) {
        self.spent.add(events, &aside.spent);
        self.noisy.extend(aside.noisy);
    }

    /// Matches correlations no more that are too noisy, and says so with them.
    async fn give_up(&mut self) -> Result<()> {
        if self.noisy.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = self.noisy.iter().map(|n| n.id.clone()).collect();
        let rules = self.catalog.rules_by_id(&ids).await?;
        let refused = rules.into_iter().zip(&self.noisy).filter_map(|(rule, noisy)| {
            // What has come in its place meanwhile may do.
            let rule = rule.filter(|r| r.version == noisy.version)?;
            tracing::warn!(rule = rule.id, "rule is not matched any more: {}", noisy.why);
            Some(Rule { refused: Some(noisy.why.clone()), ..rule })
        });
        self.catalog.judge_rules(&refused.collect::<Vec<_>>()).await?;
        self.noisy.clear();
        reload(&*self.catalog, &self.rules, &self.reloading).await
    }

    /// What the rules find in events that the follower comes to.
    pub(super) async fn find(&mut self, rules: &Arc<RuleSet>, events: Vec<Arc<Event>>) -> Result<Found> {
        let (matching, count) = (rules.clone(), events.len());
        let (mut hits, mut seen, open) = tokio::task::spawn_blocking(move || detected(&matching, &events)).await?;
        if !open.is_empty() {
            let lineages = self.processes.lineages(&*self.store, &Scope::All, rules, &open).await?;
            for ((event, _), (_, processes)) in open.iter().zip(&lineages) {
                self.recent.add(event.id, processes);
            }
            let matching = rules.clone();
            let settled = tokio::task::spawn_blocking(move || settled(&matching, open, lineages)).await?;
            hits.extend(settled.hits);
            seen.extend(settled.seen);
        }
        let correlated = correlate::correlate(&*self.catalog, &*self.store, rules, hits, seen, Vec::new()).await?;
        self.took(count, correlated.1);
        Ok(correlated.0)
    }
}

#[async_trait]
impl Work for Detect {
    async fn checkpoint(&mut self, takes_over: Option<Fence>) -> Result<Position> {
        let position = match takes_over {
            Some(fence) => self.catalog.take_over_detect(fence).await?,
            None => self.catalog.detect_checkpoint().await?,
        };
        self.recent.start(position == Position::default());
        // Others may have read on meanwhile, and heard of starts that this process has not.
        self.processes = Processes::default();
        Ok(position)
    }

    async fn work(&mut self, Arrivals { events, next, more }: Arrivals, fence: Fence) -> Result<()> {
        self.fence = fence;
        let rules = self.rules().await?;
        self.reopen(&rules, &events).await?;
        let found = self.find(&rules, events).await?;
        if found.is_empty() && more && self.written.elapsed() < CHECKPOINT_EVERY {
            return Ok(());
        }
        self.put(found, &next).await?;
        self.written = Instant::now();
        Ok(())
    }

    async fn aside(&mut self, fence: Fence) -> Result<bool> {
        self.fence = fence;
        self.hunt().await
    }

    /// Tells the subscribers of this process what another has found.
    async fn look_on(&mut self) -> Result<()> {
        loop {
            let hits = self.catalog.hits_since(&Scope::All, &HitFilter::default(), self.told, TOLD_AT_ONCE).await?;
            let more = hits.len() == TOLD_AT_ONCE;
            self.tell(hits);
            if !more {
                return tell_alerts(&*self.catalog, &self.alerts).await;
            }
        }
    }
}

fn hit(event: &Event, m: &Matched, found: Time) -> Hit {
    Hit {
        id: Hit::id(&m.rule_id, &m.version, event.id),
        rule_id: m.rule_id.to_string(),
        rule_version: m.version.to_string(),
        rule_title: m.title.to_string(),
        level: m.level.to_string(),
        event_id: event.id,
        time: event.time,
        host: event.host(),
        found,
        matched: m.values.iter().map(ToString::to_string).collect(),
        joined: m.joined.iter().map(ToString::to_string).collect(),
    }
}

/// Hits of rules by themselves, matches that correlations want, and events whose processes decide.
pub(super) fn detected(rules: &RuleSet, events: &[Arc<Event>]) -> (Vec<Hit>, Vec<Seen>, Vec<Open>) {
    let found = Time::now();
    let (mut hits, mut seen, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        let detected = rules.detect(event);
        let wanted = detected.wanted.into_iter();
        seen.extend(wanted.map(|rule_id| Seen { rule_id, event: event.clone(), joined: None }));
        hits.extend(detected.matched.iter().map(|m| hit(event, m, found)));
        if !detected.open.is_empty() {
            open.push((event.clone(), detected.open));
        }
    }
    (hits, seen, open)
}

/// What came of open events.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) hits: Vec<Hit>,
    pub(super) seen: Vec<Seen>,
    /// Ids of the hits that there are not.
    pub(super) withdrawn: Vec<String>,
}

pub(super) fn settled(rules: &RuleSet, open: Vec<Open>, lineages: Vec<(Lineage, Vec<Process>)>) -> Outcome {
    let now = Time::now();
    let mut out = Outcome::default();
    for ((event, open), (lineage, _)) in open.into_iter().zip(lineages) {
        let settled = rules.settle(&event, &open, &lineage);
        out.hits.extend(settled.matched.iter().map(|m| hit(&event, m, now)));
        out.withdrawn.extend(settled.unmatched.iter().map(|m| Hit::id(&m.rule_id, &m.version, event.id)));
        let joined = Some(Arc::new(settled.event));
        let wanted = settled.wanted.into_iter();
        out.seen.extend(wanted.map(|rule_id| Seen { rule_id, event: event.clone(), joined: joined.clone() }));
    }
    out
}

/// Ids of events.
pub(super) fn ids(events: &[Arc<Event>]) -> HashSet<EventId> {
    events.iter().map(|e| e.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::embedded::Sqlite,
        rules::{correlation::NOISY, parse},
        store::embedded::{Settings, Tantivy},
    };

    #[tokio::test]
    async fn a_verdict_is_about_the_version_that_was_matched() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Sqlite::open(&folder.path().join("catalog.sqlite")).unwrap();
        let store = Tantivy::open(folder.path(), Settings::default()).unwrap();
        let text = "title: a\nid: a\nlogsource: {product: windows, category: process_creation}\n\
            detection: {s: {Image: x}, condition: s}\n---\ntitle: k\nid: k\n\
            correlation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 2}}\n";
        catalog.put_rules(&parse(text, "made.yml").rules).await.unwrap();
        let (rules, reloading) = (Arc::default(), Arc::default());
        let rooms = Rooms { catalog: catalog.clone(), store, rules, reloading, spent: Spent::default() };
        let (live, alerts, hunts) = (broadcast::channel(1).0, watch::channel(0).0, watch::channel(0).1);
        let mut detect = Detect::new(rooms, live, alerts, hunts).await.unwrap();
        let stored = async || catalog.rule("k").await.unwrap().unwrap();
        let version = stored().await.version;
        for (judged, refused) in [("a former one", false), (version.as_str(), true)] {
            let noisy = Noisy { id: "k".into(), version: judged.into(), why: format!("{NOISY}{judged}") };
            detect.took(0, Aside { noisy: vec![noisy], ..Aside::default() });
            detect.give_up().await.unwrap();
            assert_eq!(stored().await.refused.is_some(), refused, "{judged}");
        }
    }
}
