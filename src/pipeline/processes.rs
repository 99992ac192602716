//! The starts of processes, for rules that join values of theirs: from memory, else from the store, in batches.
use crate::{
    error::Result,
    event::{
        Condition, Event, EventId, Period, SYSMON_PROVIDER, Scope,
        condition::{Match, Operator},
    },
    rules::{
        RuleSet,
        join::{self, Lineage, Start, Whose},
    },
    store::{Cursor, EventStore, Order, Query},
};
use lru::LruCache;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Bytes of starts that are kept.
const MAX_BYTES: usize = 64 << 20;
/// What a kept start costs besides its values.
const OVERHEAD: usize = 200;
/// Processes looked for at once.
const KEYS: usize = 1_000;
/// Events of a page.
pub(super) const PAGE: usize = 2_000;
/// Different starts with one GUID that are told apart.
const MAX_STARTS: usize = 64;

/// An event with the rules that it leaves open.
pub(super) type Open = (Arc<Event>, Vec<usize>);

/// An event, its host, and whose starts it asks.
type Asked = (Arc<Event>, String, BTreeSet<Whose>);

/// A process: host (normal form) and GUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Process {
    pub(super) host: Box<str>,
    pub(super) guid: Box<str>,
}

impl Process {
    pub(super) fn new(host: &str, guid: &str) -> Self {
        Self { host: host.into(), guid: guid.into() }
    }
}

struct Known {
    start: Option<Arc<Start>>,
    /// Whether the store was asked: only then is it known that there is no other.
    asked: bool,
}

/// What the store has of a process.
#[derive(Debug, Clone, Default)]
pub(super) struct Starts {
    /// The one that counts.
    pub(super) latest: Option<Arc<Start>>,
    /// All that differ.
    pub(super) all: Vec<Arc<Start>>,
}

pub(super) struct Processes {
    known: LruCache<Process, Known>,
    bytes: usize,
}

impl Default for Processes {
    fn default() -> Self {
        Self { known: LruCache::unbounded(), bytes: 0 }
    }
}

fn size(process: &Process, known: &Known) -> usize {
    OVERHEAD + process.host.len() + process.guid.len() + known.start.as_ref().map_or(0, |s| s.size())
}

fn later(a: Option<Arc<Start>>, b: Option<Arc<Start>>) -> Option<Arc<Start>> {
    a.into_iter().chain(b).max_by_key(|s| s.order())
}

impl Processes {
    /// Takes note of a start that has come. Answers the process and what was known of it.
    pub(super) fn came(&mut self, event: &Event) -> Option<(Process, Option<Arc<Start>>)> {
        let (guid, start) = Start::of(event)?;
        let process = Process::new(&event.host(), guid);
        let before = self.known.peek(&process);
        let (asked, before) = before.map_or((false, None), |k| (k.asked, k.start.clone()));
        self.put(process.clone(), Known { start: later(before.clone(), Some(Arc::new(start))), asked });
        Some((process, before))
    }

    fn put(&mut self, process: Process, known: Known) {
        self.bytes += size(&process, &known);
        if let Some((process, known)) = self.known.push(process, known) {
            self.bytes -= size(&process, &known);
        }
        while self.bytes > MAX_BYTES {
            let Some((process, known)) = self.known.pop_lru() else { break };
            self.bytes -= size(&process, &known);
        }
    }

    /// What is joined to each event, and the processes that it depends on.
    pub(super) async fn lineages(
        &mut self,
        store: &dyn EventStore,
        scope: &Scope,
        rules: &RuleSet,
        events: &[Open],
    ) -> Result<Vec<(Lineage, Vec<Process>)>> {
        let asked = events.iter().map(|(e, open)| (e.clone(), e.host(), rules.whose(e, open))).collect();
        self.known(store, scope, asked).await
    }

    /// The events with everything that can be joined to them, by id.
    pub(super) async fn joined(
        &mut self,
        store: &dyn EventStore,
        scope: &Scope,
        events: Vec<Arc<Event>>,
    ) -> Result<HashMap<EventId, Event>> {
        let asked = events.iter().map(|e| (e.clone(), e.host(), Whose::ALL.into())).collect();
        let known = self.known(store, scope, asked).await?;
        let each = events.iter().zip(known);
        Ok(each.map(|(event, (lineage, _))| (event.id, join::joined(event, &lineage).0)).collect())
    }

    /// Everything that can be joined to one event.
    pub(super) async fn lineage(
        &mut self,
        store: &dyn EventStore,
        scope: &Scope,
        event: Arc<Event>,
    ) -> Result<Lineage> {
        let host = event.host();
        let known = self.known(store, scope, vec![(event, host, Whose::ALL.into())]).await?;
        Ok(known.into_iter().next().map(|(lineage, _)| lineage).unwrap_or_default())
    }

    async fn known(
        &mut self,
        store: &dyn EventStore,
        scope: &Scope,
        asked: Vec<Asked>,
    ) -> Result<Vec<(Lineage, Vec<Process>)>> {
        let each = || asked.iter().map(|(event, host, whose)| (event, (host, whose)));
        let wants = |whose: &BTreeSet<Whose>, one: Whose| whose.contains(&one);
        let mut near: BTreeSet<Process> = BTreeSet::new();
        for (event, (host, whose)) in each() {
            let through = wants(whose, Whose::Parent) && event.code != 1;
            let process = (through || wants(whose, Whose::Process)).then(|| join::process_of(event)).flatten();
            let target = wants(whose, Whose::Target).then(|| join::target_of(event)).flatten();
            near.extend(process.into_iter().chain(target).map(|guid| Process::new(host, guid)));
        }
        let near = self.starts(store, scope, near).await?;
        let found = |of: &HashMap<Process, Option<Arc<Start>>>, host: &str, guid: Option<&str>| {
            guid.and_then(|g| of.get(&Process::new(host, g)).cloned().flatten())
        };
        let mut far: BTreeSet<Process> = BTreeSet::new();
        for (event, (host, _)) in each().filter(|(_, (_, whose))| wants(whose, Whose::Parent)) {
            let process = found(&near, host, join::process_of(event)).filter(|_| event.code != 1);
            far.extend(join::parent_of(event, process.as_deref()).map(|guid| Process::new(host, guid)));
        }
        let far = self.starts(store, scope, far).await?;
        let mut out = Vec::with_capacity(asked.len());
        for (event, (host, whose)) in each() {
            let mut used = Vec::new();
            let mut get = |of, guid: Option<&str>| {
                used.extend(guid.map(|g| Process::new(host, g)));
                found(of, host, guid)
            };
            let mut lineage = Lineage::default();
            if event.code != 1 && (wants(whose, Whose::Process) || wants(whose, Whose::Parent)) {
                lineage.process = get(&near, join::process_of(event));
            }
            if wants(whose, Whose::Parent) {
                let process = lineage.process.clone();
                lineage.parent = get(&far, join::parent_of(event, process.as_deref()));
            }
            if wants(whose, Whose::Target) {
                lineage.target = get(&near, join::target_of(event));
            }
            out.push((lineage, used));
        }
        Ok(out)
    }

    async fn starts(
        &mut self,
        store: &dyn EventStore,
        scope: &Scope,
        wanted: BTreeSet<Process>,
    ) -> Result<HashMap<Process, Option<Arc<Start>>>> {
        let (mut out, mut missing) = (HashMap::new(), Vec::new());
        for process in wanted {
            match self.known.get(&process) {
                Some(known) if known.asked => {
                    out.insert(process, known.start.clone());
                }
                _ => missing.push(process),
            }
        }
        for (process, found) in starts_of(store, scope, &missing).await? {
            // What came just now may not be searchable yet.
            let heard = self.known.peek(&process).and_then(|k| k.start.clone());
            let start = later(found.latest, heard);
            self.put(process.clone(), Known { start: start.clone(), asked: true });
            out.insert(process, start);
        }
        Ok(out)
    }
}

/// What the store has of each process.
pub(super) async fn starts_of(
    store: &dyn EventStore,
    scope: &Scope,
    processes: &[Process],
) -> Result<HashMap<Process, Starts>> {
    let mut out: HashMap<Process, Starts> = processes.iter().map(|p| (p.clone(), Starts::default())).collect();
    for some in processes.chunks(KEYS) {
        let mut pages = Pages::new(Condition::And(vec![any("EventID", ["1"])?, guids("ProcessGuid", some)?]))?;
        while let Some(events) = pages.next(store, scope).await? {
            for event in &events {
                let Some((guid, start)) = Start::of(event) else { continue };
                let Some(known) = out.get_mut(&Process::new(&event.host(), guid)) else { continue };
                let start = Arc::new(start);
                let is_new = !known.all.iter().any(|s| s.says_the_same(&start));
                if is_new && known.all.len() < MAX_STARTS {
                    known.all.push(start.clone());
                } else if is_new {
                    tracing::warn!(process = guid, "more than {MAX_STARTS} different starts of one process");
                }
                known.latest = later(known.latest.take(), Some(start));
            }
        }
    }
    Ok(out)
}

/// A comparison of a field with several values.
///
/// # Errors
/// For an unknown field.
pub(super) fn any<T: ToString>(field: &str, values: impl IntoIterator<Item = T>) -> Result<Condition> {
    let values: Vec<String> = values.into_iter().map(|v| v.to_string()).collect();
    Match::new(field, Operator::Equals, &values).map(Condition::Match)
}

pub(super) fn guids(field: &str, processes: &[Process]) -> Result<Condition> {
    let distinct: BTreeSet<&str> = processes.iter().map(|p| &*p.guid).collect();
    any(field, distinct)
}

/// Walks over all events of Sysmon that match, the oldest first.
pub(super) struct Pages {
    query: Query,
    after: Option<Cursor>,
    ended: bool,
}

impl Pages {
    pub(super) fn new(condition: Condition) -> Result<Self> {
        Ok(Self {
            query: Query { condition: of_sysmon(condition)?, period: Period::default() },
            after: None,
            ended: false,
        })
    }

    /// The next ones; `None` behind the last.
    pub(super) async fn next(&mut self, store: &dyn EventStore, scope: &Scope) -> Result<Option<Vec<Arc<Event>>>> {
        if self.ended {
            return Ok(None);
        }
        let page = store.search(scope, &self.query, Order::OldestFirst, self.after, PAGE).await?;
        self.after = page.events.last().map(|e| Cursor { time: e.time, id: e.id });
        self.ended = !page.more;
        Ok(Some(page.events))
    }
}

/// Rules are about events of Sysmon; a store may hold others too.
///
/// # Errors
/// Never; the field is known.
pub(super) fn of_sysmon(condition: Condition) -> Result<Condition> {
    Ok(Condition::And(vec![any("Provider", [SYSMON_PROVIDER])?, condition]))
}

/// Events by id that must be there; those that were just stored may need a refresh.
pub(super) async fn events_of(store: &dyn EventStore, ids: &[EventId]) -> Result<Vec<Arc<Event>>> {
    let mut out: Vec<Arc<Event>> = store.events(&Scope::All, ids).await?.into_iter().flatten().collect();
    if out.len() < ids.len() {
        store.refresh().await?;
        out = store.events(&Scope::All, ids).await?.into_iter().flatten().collect();
    }
    Ok(out)
}
