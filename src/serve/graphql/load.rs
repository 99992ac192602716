//! Batched reads: one set of loaders per request, with the caller's scope inside. Whatever a page of a list
//! asks for each of its items becomes one store call.
use super::session;
use crate::{
    catalog::{Catalog, Comment, HitFilter, HitPage, ItemFilter, ItemKind, Quiet, RuleVersion, Suppression},
    error::{Code, Error, Result},
    event::{
        Condition, Event, EventId, Period, Scope, Time,
        condition::{Match, Operator},
        detection::{Hit, Rule},
    },
    graph::{Degree, GraphStore, Lineage, NeighbourFilter, Neighbours, Node, NodeId, project},
    serve::{Core, reply},
    store::{EventStore, HostCount, Query},
};
use async_graphql::Context;
use dataloader::{BatchFn, cached::Loader};
use std::{borrow::Cow, collections::HashMap, fmt::Debug, future::Future, hash::Hash, sync::Arc};

/// Keys of one batch at most: more than any page can ask for.
const MAX_BATCH: usize = 10_000;
/// Turns of the scheduler that a batch waits for more keys, when the longest list has so many items. The GraphQL crate
/// goes on with about two items of a long list per turn, each some microseconds, until the last item has asked.
const fn turns(longest: usize) -> usize {
    16 + 2 * longest
}
/// Hits of the hosts and period that are looked through for the hits of its processes.
const MAX_PROCESS_HITS: usize = 50_000;

/// An error that can be handed to every waiting key. The crate has no error type, so that it goes into the value.
#[derive(Debug, Clone)]
struct Failed(Code, Cow<'static, str>);
type Loaded<V> = std::result::Result<V, Failed>;

/// What a batch reads with.
#[derive(Clone)]
struct Reader {
    store: Arc<dyn EventStore>,
    graph: Arc<dyn GraphStore>,
    catalog: Arc<dyn Catalog>,
    scope: Scope,
}

/// A batch: keys in, the value of each key out.
trait Batch<K, V>: Send {
    fn read(&self, reader: &Reader, keys: &[K]) -> impl Future<Output = Result<Vec<V>>> + Send;
}

struct Run<B>(Reader, B);

impl<K, V, B> BatchFn<K, Loaded<V>> for Run<B>
where
    K: Eq + Hash + Clone + Send + Sync,
    V: Clone + Send,
    B: Batch<K, V> + Sync,
{
    async fn load(&mut self, keys: &[K]) -> HashMap<K, Loaded<V>> {
        match self.1.read(&self.0, keys).await {
            Ok(values) => keys.iter().cloned().zip(values.into_iter().map(Ok)).collect(),
            Err(e) => {
                if e.code == Code::Internal {
                    tracing::error!(error = reply::chain(&e), "a batch failed");
                }
                let failed = Failed(e.code, e.message);
                keys.iter().cloned().map(|k| (k, Err(failed.clone()))).collect()
            }
        }
    }
}

type Load<K, V, B> = Loader<K, Loaded<V>, Run<B>>;

macro_rules! batch {
    ($name:ident, $key:ty => $value:ty, |$reader:ident, $keys:ident| $body:expr) => {
        struct $name;
        impl Batch<$key, $value> for $name {
            async fn read(&self, $reader: &Reader, $keys: &[$key]) -> Result<Vec<$value>> {
                $body
            }
        }
    };
}

batch!(Events, EventId => Option<Arc<Event>>, |r, keys| r.store.events(&r.scope, keys).await);
batch!(Nodes, NodeId => Option<Node>, |r, keys| r.graph.nodes(&r.scope, keys).await);
batch!(Hits, EventId => Arc<Vec<Hit>>, |r, keys| {
    Ok(r.catalog.hits_of_events(&r.scope, keys).await?.into_iter().map(Arc::new).collect())
});
batch!(Rules, String => Option<Rule>, |r, keys| r.catalog.rules_by_id(keys).await);
batch!(RuleVersions, String => Arc<Vec<RuleVersion>>, |r, keys| {
    Ok(r.catalog.rule_versions(keys).await?.into_iter().map(Arc::new).collect())
});
batch!(LastHits, String => Option<Time>, |r, keys| r.catalog.last_hits(&r.scope, keys).await);
batch!(RuleHits, String => u64, |r, keys| {
    let counts = r.catalog.hits_per_rule(&r.scope, &HitFilter::default()).await?;
    Ok(counted(counts, keys.iter().map(String::as_str)))
});

batch!(EventsTotal, () => u64, |r, keys| {
    let all = Query { condition: Condition::All, period: Period::default() };
    let count = r.store.count(&r.scope, &all).await?;
    Ok(keys.iter().map(|()| count).collect())
});
batch!(Comments, String => Arc<Vec<Comment>>, |r, keys| {
    Ok(r.catalog.alert_comments(&r.scope, keys).await?.into_iter().map(Arc::new).collect())
});
batch!(FirstHits, (HitFilter, usize) => Arc<HitPage>, |r, keys| {
    let read = |first: usize, filters: Vec<HitFilter>| async move {
        r.catalog.first_hits(&r.scope, &filters, first).await
    };
    per_group(keys, read).await.map(|v| v.into_iter().map(Arc::new).collect())
});
batch!(Quiets, String => Option<Quiet>, |r, keys| {
    let filter = ItemFilter::groups(ItemKind::Quiet, keys.to_vec());
    let mut found: HashMap<String, Quiet> = HashMap::new();
    // In the order of their ends: the last one stays.
    for item in r.catalog.items(&filter, None, usize::MAX).await? {
        let quiet: Quiet = item.read()?;
        let before = found.get(&item.group).map_or(0, |q| q.hits);
        found.insert(item.group, Quiet { hits: quiet.hits + before, ..quiet });
    }
    Ok(keys.iter().map(|k| found.get(k).cloned()).collect())
});

batch!(Suppressions, String => Option<Suppression>, |r, keys| {
    let filter = ItemFilter { ids: Some(keys.to_vec()), ..ItemFilter::all(ItemKind::Suppression) };
    let found = r.catalog.items(&filter, None, usize::MAX).await?;
    let found: HashMap<&str, Suppression> =
        found.iter().map(|i| Ok((i.id.as_str(), i.read()?))).collect::<Result<_>>()?;
    Ok(keys.iter().map(|k| found.get(k.as_str()).cloned()).collect())
});

batch!(Degrees, (NodeId, Period) => Arc<Vec<Degree>>, |r, keys| {
    let read = |period: Period, ids: Vec<NodeId>| async move { r.graph.degrees(&r.scope, &ids, period).await };
    per_group(keys, read).await.map(|v| v.into_iter().map(Arc::new).collect())
});
batch!(Lineages, (NodeId, usize) => Arc<Lineage>, |r, keys| {
    let read = |most: usize, ids: Vec<NodeId>| async move { r.graph.lineages(&r.scope, &ids, most).await };
    per_group(keys, read).await.map(|v| v.into_iter().map(Arc::new).collect())
});
batch!(FirstNeighbours, (NodeId, (NeighbourFilter, usize)) => Arc<Neighbours>, |r, keys| {
    let read = |(filter, first): (NeighbourFilter, usize), ids: Vec<NodeId>| async move {
        r.graph.first_neighbours(&r.scope, &ids, &filter, first).await
    };
    per_group(keys, read).await.map(|v| v.into_iter().map(Arc::new).collect())
});
batch!(Hosts, () => Arc<Vec<HostCount>>, |r, keys| {
    let mut all: Vec<HostCount> = Vec::new();
    loop {
        let after = all.last().map(|h| h.host.clone());
        let page = r.store.hosts(&r.scope, Period::default(), after.as_deref(), HOSTS_AT_ONCE).await?;
        let more = page.len() == HOSTS_AT_ONCE;
        all.extend(page);
        if !more {
            let all = Arc::new(all);
            return Ok(keys.iter().map(|()| all.clone()).collect());
        }
    }
});
batch!(HostHits, (String, Period) => u64, |r, keys| {
    let read = |period: Period, hosts: Vec<String>| async move {
        let counts = r.catalog.hits_per_host(&r.scope, &HitFilter { period, ..HitFilter::default() }).await?;
        Ok(counted(counts, hosts.iter().map(String::as_str)))
    };
    per_group(keys, read).await
});

batch!(Latest, (String, u32) => Option<Arc<Event>>, |r, keys| {
    // All of one code are one read; a request asks for very few codes.
    let mut codes: HashMap<u32, Vec<usize>> = HashMap::new();
    for (i, (_, code)) in keys.iter().enumerate() {
        codes.entry(*code).or_default().push(i);
    }
    let mut found = vec![None; keys.len()];
    for (code, places) in codes {
        let of_code = Match::new("EventID", Operator::Equals, &[code.to_string()])?;
        let query = Query { condition: Condition::Match(of_code), period: Period::default() };
        let hosts: Vec<String> = places.iter().filter_map(|i| keys.get(*i)).map(|(host, _)| host.clone()).collect();
        let events = r.store.latest(&r.scope, &query, &hosts).await?;
        for (i, event) in places.into_iter().zip(events) {
            found[i] = event;
        }
    }
    Ok(found)
});

fn counted<'a>(counts: Vec<(String, u64)>, keys: impl Iterator<Item = &'a str>) -> Vec<u64> {
    let counts: HashMap<String, u64> = counts.into_iter().collect();
    keys.map(|k| counts.get(k).copied().unwrap_or(0)).collect()
}

/// One read per distinct second half of the keys, such as a period; values in the order of the keys.
async fn per_group<K, G, V, F>(keys: &[(K, G)], read: impl Fn(G, Vec<K>) -> F) -> Result<Vec<V>>
where
    K: Clone,
    G: Clone + Eq + Hash,
    F: Future<Output = Result<Vec<V>>>,
{
    let mut groups: HashMap<&G, Vec<usize>> = HashMap::new();
    for (i, (_, group)) in keys.iter().enumerate() {
        groups.entry(group).or_default().push(i);
    }
    let mut found: Vec<(usize, V)> = Vec::with_capacity(keys.len());
    for (group, places) in groups {
        let wanted = places.iter().filter_map(|i| keys.get(*i)).map(|(k, _)| k.clone()).collect();
        found.extend(places.into_iter().zip(read(group.clone(), wanted).await?));
    }
    found.sort_by_key(|(i, _)| *i);
    Ok(found.into_iter().map(|(_, v)| v).collect())
}

/// A process whose hits are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProcessKey {
    pub host: String,
    pub id: NodeId,
    pub first: Time,
    pub last: Time,
}

batch!(ProcessHits, ProcessKey => Arc<Vec<Hit>>, |r, keys| {
    let mut found: HashMap<NodeId, Vec<Hit>> = keys.iter().map(|k| (k.id, Vec::new())).collect();
    let from = keys.iter().map(|p| p.first).min();
    let to = keys.iter().map(|p| Time(p.last.0.saturating_add(1))).max();
    let filter = HitFilter { period: Period { from, to }, ..HitFilter::default() };
    let hosts = Scope::hosts(keys.iter().map(|k| &k.host).filter(|h| r.scope.allows(h)));
    collect_hits(r, &hosts, &filter, &mut found).await?;
    let found: HashMap<NodeId, Arc<Vec<Hit>>> = found.into_iter().map(|(id, hits)| (id, Arc::new(hits))).collect();
    Ok(keys.iter().map(|k| found.get(&k.id).cloned().unwrap_or_default()).collect())
});

/// Adds the hits of some hosts, newest first, to the process that acts in their event, where it is one of `found`.
async fn collect_hits(
    r: &Reader,
    hosts: &Scope,
    filter: &HitFilter,
    found: &mut HashMap<NodeId, Vec<Hit>>,
) -> Result<()> {
    let (mut seen, mut before) = (0, None);
    loop {
        let page = r.catalog.hits(hosts, filter, before, 2_000).await?;
        let ids: Vec<EventId> = page.hits.iter().map(|h| h.hit.event_id).collect();
        seen += ids.len();
        if seen > MAX_PROCESS_HITS {
            return Err(Error::new(
                Code::TooLarge,
                format!(
                    "the hosts have more than {MAX_PROCESS_HITS} hits while these processes ran: ask `hits` page by page"
                ),
            ));
        }
        before = page.hits.last().map(|h| h.number);
        let events = r.store.events(hosts, &ids).await?;
        for (stored, event) in page.hits.into_iter().zip(events) {
            let process = event.as_deref().and_then(project::acting_process);
            if let Some(hits) = process.and_then(|id| found.get_mut(&id)) {
                hits.push(stored.hit);
            }
        }
        if !page.more || before.is_none() {
            return Ok(());
        }
    }
}

/// Hosts that are listed at once.
const HOSTS_AT_ONCE: usize = 5_000;

pub struct Loaders {
    events: Load<EventId, Option<Arc<Event>>, Events>,
    events_total: Load<(), u64, EventsTotal>,
    nodes: Load<NodeId, Option<Node>, Nodes>,
    degrees: Load<(NodeId, Period), Arc<Vec<Degree>>, Degrees>,
    lineages: Load<(NodeId, usize), Arc<Lineage>, Lineages>,
    neighbours: Load<(NodeId, (NeighbourFilter, usize)), Arc<Neighbours>, FirstNeighbours>,
    hosts: Load<(), Arc<Vec<HostCount>>, Hosts>,
    hits: Load<EventId, Arc<Vec<Hit>>, Hits>,
    first_hits: Load<(HitFilter, usize), Arc<HitPage>, FirstHits>,
    comments: Load<String, Arc<Vec<Comment>>, Comments>,
    quiets: Load<String, Option<Quiet>, Quiets>,
    suppressions: Load<String, Option<Suppression>, Suppressions>,
    process_hits: Load<ProcessKey, Arc<Vec<Hit>>, ProcessHits>,
    rules: Load<String, Option<Rule>, Rules>,
    rule_versions: Load<String, Arc<Vec<RuleVersion>>, RuleVersions>,
    last_hits: Load<String, Option<Time>, LastHits>,
    rule_hits: Load<String, u64, RuleHits>,
    host_hits: Load<(String, Period), u64, HostHits>,
    latest: Load<(String, u32), Option<Arc<Event>>, Latest>,
}

impl Loaders {
    /// `longest`: items of the longest list of the request.
    pub fn new(core: &Core, scope: Scope, longest: usize) -> Self {
        let r = Reader { store: core.store.clone(), graph: core.graph.clone(), catalog: core.catalog.clone(), scope };
        fn load<K, V, B>(reader: &Reader, longest: usize, batch: B) -> Load<K, V, B>
        where
            K: Eq + Hash + Clone + Debug + Send + Sync,
            V: Clone + Send,
            B: Batch<K, V> + Sync,
        {
            Loader::new(Run(reader.clone(), batch)).with_max_batch_size(MAX_BATCH).with_yield_count(turns(longest))
        }
        Self {
            events: load(&r, longest, Events),
            events_total: load(&r, longest, EventsTotal),
            nodes: load(&r, longest, Nodes),
            degrees: load(&r, longest, Degrees),
            lineages: load(&r, longest, Lineages),
            neighbours: load(&r, longest, FirstNeighbours),
            hosts: load(&r, longest, Hosts),
            hits: load(&r, longest, Hits),
            first_hits: load(&r, longest, FirstHits),
            comments: load(&r, longest, Comments),
            quiets: load(&r, longest, Quiets),
            suppressions: load(&r, longest, Suppressions),
            process_hits: load(&r, longest, ProcessHits),
            rules: load(&r, longest, Rules),
            rule_versions: load(&r, longest, RuleVersions),
            last_hits: load(&r, longest, LastHits),
            rule_hits: load(&r, longest, RuleHits),
            host_hits: load(&r, longest, HostHits),
            latest: load(&r, longest, Latest),
        }
    }

    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        session::caller(ctx)?;
        ctx.data_opt::<Self>().ok_or_else(|| Error::internal("the request has no loaders"))
    }

    pub async fn event(&self, id: EventId) -> Result<Option<Arc<Event>>> {
        value(self.events.try_load(id).await)
    }
    pub async fn node(&self, id: NodeId) -> Result<Option<Node>> {
        value(self.nodes.try_load(id).await)
    }
    pub async fn degrees(&self, id: NodeId, period: Period) -> Result<Arc<Vec<Degree>>> {
        value(self.degrees.try_load((id, period)).await)
    }
    pub async fn lineage(&self, process: NodeId, most: usize) -> Result<Arc<Lineage>> {
        value(self.lineages.try_load((process, most)).await)
    }
    /// The first page of the neighbours of a node.
    pub async fn neighbours(&self, id: NodeId, filter: NeighbourFilter, first: usize) -> Result<Arc<Neighbours>> {
        value(self.neighbours.try_load((id, (filter, first))).await)
    }
    /// All hosts that the caller may see.
    pub async fn hosts(&self) -> Result<Arc<Vec<HostCount>>> {
        value(self.hosts.try_load(()).await)
    }
    /// Hits of an event.
    pub async fn hits(&self, id: EventId) -> Result<Arc<Vec<Hit>>> {
        value(self.hits.try_load(id).await)
    }
    /// Number of all events.
    pub async fn events_total(&self) -> Result<u64> {
        value(self.events_total.try_load(()).await)
    }
    /// The newest hits that match a filter.
    pub async fn first_hits(&self, filter: HitFilter, first: usize) -> Result<Arc<HitPage>> {
        value(self.first_hits.try_load((filter, first)).await)
    }
    /// What people said about an alert, by its own id.
    pub async fn comments(&self, alert: String) -> Result<Arc<Vec<Comment>>> {
        value(self.comments.try_load(alert).await)
    }
    /// The latest span in which a rule is quiet about a host, with the hits of all of them; by [`Quiet::group`].
    pub async fn quiet(&self, group: String) -> Result<Option<Quiet>> {
        value(self.quiets.try_load(group).await)
    }
    /// How a rule is suppressed, if it is.
    pub async fn suppression(&self, rule_id: String) -> Result<Option<Suppression>> {
        value(self.suppressions.try_load(rule_id).await)
    }
    /// Hits of the events in which a process acts.
    pub async fn process_hits(&self, key: ProcessKey) -> Result<Arc<Vec<Hit>>> {
        value(self.process_hits.try_load(key).await)
    }
    pub async fn rule(&self, id: String) -> Result<Option<Rule>> {
        value(self.rules.try_load(id).await)
    }
    /// Versions of a rule, the present one first.
    pub async fn rule_versions(&self, id: String) -> Result<Arc<Vec<RuleVersion>>> {
        value(self.rule_versions.try_load(id).await)
    }
    /// Time of the newest event that a rule has hit.
    pub async fn last_hit(&self, rule_id: String) -> Result<Option<Time>> {
        value(self.last_hits.try_load(rule_id).await)
    }
    /// Number of hits of a rule.
    pub async fn rule_hits(&self, id: String) -> Result<u64> {
        value(self.rule_hits.try_load(id).await)
    }
    /// Number of hits of a host.
    pub async fn host_hits(&self, host: String, period: Period) -> Result<u64> {
        value(self.host_hits.try_load((host, period)).await)
    }
    /// The last event of a code that a host sent.
    pub async fn latest(&self, host: String, code: u32) -> Result<Option<Arc<Event>>> {
        value(self.latest.try_load((host, code)).await)
    }
}

fn value<V>(loaded: std::io::Result<Loaded<V>>) -> Result<V> {
    loaded.map_err(Error::internal)?.map_err(|Failed(code, message)| Error::new(code, message))
}
