//! Merging a batch: one transaction that reads what is known, merges in memory and writes what has changed.
use super::{
    merge::{Known, Reporter, Whole},
    said::{facts, stored},
};
use crate::{
    error::{Code, Error, Result},
    event::{Fence, Position, Time},
    graph::{
        EdgeType, NodeId,
        batch::{self, Batch, Facts, Local},
    },
    neo4j::{Client, Map, Patience, ROWS, Transaction, cypher, transact},
};
use neo4rs::BoltType;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Both ends of a connection report it within this time, in milliseconds.
const FLOW_WINDOW: i64 = 60_000;
/// Nodes that are deleted at once: how many relations go with them is not known.
const CLEARED: i64 = 2_000;
/// Type of the relations that carry what one of several hosts says of an edge.
const REPORTED: &str = "REPORTED";

pub type EdgeKey = (NodeId, EdgeType, NodeId);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct View {
    tuple: u128,
    initiator: bool,
    time: i64,
    process: NodeId,
    host: Arc<str>,
}

/// A batch without its local numbers, in a fixed order.
pub struct Incoming {
    nodes: Vec<(NodeId, Reporter, Facts)>,
    edges: Vec<(EdgeKey, Reporter, Facts)>,
    views: BTreeSet<View>,
}

fn lacks() -> Error {
    Error::internal("a batch refers to a node or host that it lacks")
}

impl Incoming {
    pub fn new(batch: Batch) -> Result<Self> {
        let Batch { hosts, nodes, edges, flows, .. } = batch;
        let hosts: Vec<Reporter> = hosts.iter().map(|h| Reporter::host(h)).collect();
        let nodes = nodes
            .into_iter()
            .map(|n| Ok((n.id, hosts.get(n.host as usize).ok_or_else(lacks)?.clone(), n.facts)))
            .collect::<Result<Vec<_>>>()?;
        let node = |n: Local| nodes.get(n as usize).ok_or_else(lacks);
        let mut all = Vec::with_capacity(edges.len());
        for ((from, edge, to), facts) in edges {
            let ((from, by, _), (to, ..)) = (node(from)?, node(to)?);
            all.push(((*from, edge, *to), by.clone(), facts));
        }
        all.sort_unstable_by(|(a, x, _), (b, y, _)| (a, x).cmp(&(b, y)));
        let views = flows
            .iter()
            .map(|f| {
                let (process, by, _) = node(f.process)?;
                let (tuple, initiator, time) = (f.tuple, f.initiator, f.time.0);
                Ok(View { tuple, initiator, time, process: *process, host: by.host.clone() })
            })
            .collect::<Result<_>>()?;
        Ok(Self { nodes, edges: all, views })
    }
}

pub fn parse(id: &str) -> Result<NodeId> {
    NodeId::parse(id).ok_or_else(|| Error::internal("an entity of the graph has an id that this program did not give"))
}

/// What the index of hosts holds: a name may be longer than an index allows.
pub fn host_key(host: &str) -> String {
    format!("{:032x}", NodeId::host(host).key)
}

/// # Errors
/// Nothing of the batch is stored then. `UNAVAILABLE` when Neo4j is away or busy for longer than a few seconds, `CONFLICT`
/// when the fence is passed.
pub async fn upsert(client: &Client, incoming: &Incoming, upto: &Position, fence: Fence) -> Result<()> {
    let mut patience = Patience::default();
    loop {
        match attempt(client, incoming, upto, fence).await {
            Ok(true) => return Ok(()),
            // Somebody died while he cleared it.
            Ok(false) => finish_clear(client, fence).await?,
            Err(e) => patience.after(e).await?,
        }
    }
}

async fn attempt(client: &Client, incoming: &Incoming, upto: &Position, fence: Fence) -> Result<bool> {
    let mut t = client.begin().await?;
    match merge(&mut t, incoming, upto, fence).await {
        Ok(true) => t.commit().await.map(|()| true),
        other => {
            t.roll_back().await;
            other
        }
    }
}

/// `false`: the graph is being cleared.
async fn merge(t: &mut Transaction, incoming: &Incoming, upto: &Position, fence: Fence) -> Result<bool> {
    if lock(t, fence).await? {
        return Ok(false);
    }
    let new = entities(t, incoming).await?;
    let talked = flows(t, incoming).await?;
    edges(t, incoming, &talked, &new).await?;
    t.run(cypher!("cypher/write/checkpoint.cypher").param("position", upto.to_string())).await?;
    Ok(true)
}

fn number(fence: Fence) -> i64 {
    i64::try_from(fence.0).unwrap_or(i64::MAX)
}

/// Whether the graph is being cleared.
async fn lock(t: &mut Transaction, fence: Fence) -> Result<bool> {
    #[derive(Deserialize)]
    struct Lock {
        clearing: bool,
        fence: i64,
    }
    let query = cypher!("cypher/write/lock.cypher").param("fence", number(fence));
    let lock: Vec<Lock> = t.rows(query).await?;
    let Some(lock) = lock.first() else {
        return Err(Error::new(Code::Conflict, "the graph in Neo4j has lost its checkpoint: start again"));
    };
    Fence(u64::try_from(lock.fence).unwrap_or(0)).pass(fence)?;
    Ok(lock.clearing)
}

#[derive(Deserialize)]
pub struct EntityRow {
    pub id: String,
    pub host: Option<String>,
    pub first: i64,
    pub last: i64,
    pub inferred: bool,
    pub said: Vec<u8>,
}

impl EntityRow {
    pub fn facts(&self) -> Result<Facts> {
        facts(self.first, self.last, self.inferred, &self.said)
    }
}

/// Returns the entities that were not there before.
async fn entities(t: &mut Transaction, incoming: &Incoming) -> Result<HashSet<NodeId>> {
    let ids: BTreeSet<NodeId> = incoming.nodes.iter().map(|n| n.0).collect();
    let mut known = Known::new();
    let texts: Vec<String> = ids.iter().map(NodeId::to_string).collect();
    let mut several = Vec::new();
    for some in texts.chunks(ROWS) {
        for row in t.rows::<EntityRow>(cypher!("cypher/read/entities.cypher").param("ids", some.to_vec())).await? {
            let whole = Whole { sole: row.host.as_deref().map(Reporter::host), facts: row.facts()? };
            let id = parse(&row.id)?;
            if whole.sole.is_none() {
                several.push(row.id);
            }
            known.whole.insert(id, whole);
        }
    }
    let hosts: BTreeSet<String> = incoming.nodes.iter().map(|n| n.1.host.to_string()).collect();
    let hosts: Vec<String> = hosts.into_iter().collect();
    for some in several.chunks(ROWS) {
        let query = cypher!("cypher/read/sightings.cypher").param("ids", some.to_vec()).param("hosts", hosts.clone());
        for row in t.rows::<EntityRow>(query).await? {
            let host = row.host.as_deref().unwrap_or_default();
            known.rows.insert((parse(&row.id)?, Reporter::host(host)), row.facts()?);
        }
    }
    let new = ids.into_iter().filter(|id| !known.whole.contains_key(id)).collect();
    for (id, by, facts) in &incoming.nodes {
        known.merge(*id, by, facts);
    }
    let mut rows = Vec::with_capacity(known.changed.len());
    for id in &known.changed {
        let Some(Whole { sole, facts }) = known.whole.get(id) else { continue };
        let mut all = stored(facts, true)
            .with("id", id.to_string())
            .with("label", batch::label(id.kind, &facts.properties.texts()))
            .with("inferred", facts.inferred);
        if let Some(by) = sole {
            all = all.with("host", &*by.host).with("hostKey", host_key(&by.host));
        }
        rows.push(Map::default().with("id", id.to_string()).with("kind", id.kind.as_str()).with("all", all).into());
    }
    t.each(cypher!("cypher/write/entities.cypher"), rows).await?;
    let mut rows = Vec::with_capacity(known.changed_rows.len());
    for key in &known.changed_rows {
        let (Some(facts), (entity, by)) = (known.rows.get(key), key) else { continue };
        let host = host_key(&by.host);
        let id = format!("{entity}@{host}");
        let all = stored(facts, false)
            .with("id", &*id)
            .with("entity", entity.to_string())
            .with("kind", entity.kind.as_str())
            .with("host", &*by.host)
            .with("hostKey", host)
            .with("inferred", facts.inferred);
        rows.push(Map::default().with("id", id).with("all", all).into());
    }
    t.each(cypher!("cypher/write/sightings.cypher"), rows).await?;
    Ok(new)
}

/// Keeps the batch's views of connections, and returns the edges that they make with those of the other side.
async fn flows(t: &mut Transaction, incoming: &Incoming) -> Result<Vec<(EdgeKey, Reporter, Facts)>> {
    #[derive(Deserialize)]
    struct Row {
        tuple: String,
        initiator: bool,
        time: i64,
        process: String,
        host: String,
    }
    let mut times: BTreeMap<u128, (i64, i64)> = BTreeMap::new();
    for v in &incoming.views {
        let (from, to) = times.entry(v.tuple).or_insert((v.time, v.time));
        (*from, *to) = ((*from).min(v.time), (*to).max(v.time));
    }
    let mut known: HashMap<u128, BTreeSet<View>> = HashMap::new();
    let asked: Vec<BoltType> = times
        .iter()
        .map(|(tuple, (from, to))| {
            Map::default()
                .with("tuple", format!("{tuple:032x}"))
                .with("from", from.saturating_sub(FLOW_WINDOW))
                .with("to", to.saturating_add(FLOW_WINDOW))
                .into()
        })
        .collect();
    for some in asked.chunks(ROWS) {
        for r in t.rows::<Row>(cypher!("cypher/read/flows.cypher").param("rows", some.to_vec())).await? {
            let tuple = u128::from_str_radix(&r.tuple, 16).map_err(Error::internal)?;
            let view = View {
                tuple,
                initiator: r.initiator,
                time: r.time,
                process: parse(&r.process)?,
                host: r.host.as_str().into(),
            };
            known.entry(tuple).or_default().insert(view);
        }
    }
    let (mut edges, mut rows) = (Vec::new(), Vec::new());
    for view in &incoming.views {
        let all = known.entry(view.tuple).or_default();
        if !all.insert(view.clone()) {
            continue;
        }
        let View { tuple, initiator, time, process, host } = view;
        rows.push(
            Map::default()
                .with("id", format!("{tuple:032x} {initiator} {time} {process} {}", host_key(host)))
                .with("tuple", format!("{tuple:032x}"))
                .with("initiator", *initiator)
                .with("time", *time)
                .with("process", process.to_string())
                .with("host", &**host)
                .into(),
        );
        for other in all.iter() {
            if other.initiator == *initiator || other.time.abs_diff(*time) > FLOW_WINDOW.unsigned_abs() {
                continue;
            }
            let (from, to) = if *initiator { (*process, other.process) } else { (other.process, *process) };
            let mut facts = Facts::at(Time(other.time.min(*time)), false);
            facts.last = Time(other.time.max(*time));
            // Only who may see both hosts sees an edge between them.
            edges.push(((from, EdgeType::TalkedTo, to), Reporter::both(host, &other.host), facts));
        }
    }
    t.each(cypher!("cypher/write/flows.cypher"), rows).await?;
    Ok(edges)
}

async fn edges(
    t: &mut Transaction,
    incoming: &Incoming,
    talked: &[(EdgeKey, Reporter, Facts)],
    new: &HashSet<NodeId>,
) -> Result<()> {
    #[derive(Deserialize)]
    struct Row {
        n: i64,
        element: String,
        of: Option<String>,
        host: Option<String>,
        other: Option<String>,
        first: i64,
        last: i64,
        said: Vec<u8>,
    }
    let mut asked: BTreeMap<EdgeKey, BTreeSet<&str>> = BTreeMap::new();
    for (key, by, _) in incoming.edges.iter().chain(talked) {
        // An edge of a new node is new.
        if !new.contains(&key.0) && !new.contains(&key.2) {
            asked.entry(*key).or_default().insert(&by.host);
        }
    }
    let keys: Vec<EdgeKey> = asked.keys().copied().collect();
    let asked: Vec<BoltType> = asked
        .into_iter()
        .enumerate()
        .map(|(n, ((from, edge, to), hosts))| {
            Map::default()
                .with("n", n as i64)
                .with("from", from.to_string())
                .with("type", edge.as_str())
                .with("to", to.to_string())
                .with("hosts", hosts.into_iter().collect::<Vec<_>>())
                .into()
        })
        .collect();
    let mut known = Known::new();
    let mut elements: HashMap<(EdgeKey, Option<Reporter>), String> = HashMap::new();
    for some in asked.chunks(ROWS) {
        for row in t.rows::<Row>(cypher!("cypher/read/edges_known.cypher").param("rows", some.to_vec())).await? {
            let key = usize::try_from(row.n).ok().and_then(|n| keys.get(n)).copied().ok_or_else(lacks)?;
            let facts = facts(row.first, row.last, false, &row.said)?;
            let by = row.host.map(|h| Reporter { host: h.into(), other: row.other.unwrap_or_default().into() });
            match (row.of, by) {
                (Some(_), Some(by)) => {
                    elements.insert((key, Some(by.clone())), row.element);
                    known.rows.insert((key, by), facts);
                }
                (_, sole) => {
                    elements.insert((key, None), row.element);
                    known.whole.insert(key, Whole { sole, facts });
                }
            }
        }
    }
    for (key, by, facts) in incoming.edges.iter().chain(talked) {
        known.merge(*key, by, facts);
    }
    let (mut made, mut changed): (Vec<BoltType>, Vec<(String, Map)>) = (Vec::new(), Vec::new());
    let mut put = |key: EdgeKey, row: Option<Reporter>, kind: &str, all: Map| match elements.get(&(key, row)) {
        Some(element) => changed.push((element.clone(), all)),
        None => made.push(
            Map::default()
                .with("from", key.0.to_string())
                .with("type", kind)
                .with("to", key.2.to_string())
                .with("all", all)
                .into(),
        ),
    };
    for key in &known.changed {
        let Some(Whole { sole, facts }) = known.whole.get(key) else { continue };
        let mut all = stored(facts, true);
        if let Some(by) = sole {
            all = all.with("host", &*by.host).with("other", &*by.other);
        }
        put(*key, None, key.1.as_str(), all);
    }
    for row in &known.changed_rows {
        let (Some(facts), (key, by)) = (known.rows.get(row), row) else { continue };
        let all = stored(facts, false).with("of", key.1.as_str()).with("host", &*by.host).with("other", &*by.other);
        put(*key, Some(by.clone()), REPORTED, all);
    }
    t.each(cypher!("cypher/write/edges_new.cypher"), made).await?;
    let mut changed = changed.into_iter().peekable();
    while changed.peek().is_some() {
        let (mut ids, mut rows) = (Vec::new(), Map::default());
        for (element, all) in changed.by_ref().take(ROWS) {
            rows.put(&element, all);
            ids.push(element);
        }
        t.run(cypher!("cypher/write/edges_changed.cypher").param("elements", ids).param("rows", rows)).await?;
    }
    Ok(())
}

/// Lets nobody write under an older fence from now on.
pub async fn take_over(client: &Client, fence: Fence) -> Result<()> {
    transact!(client, t => lock(&mut t, fence).await.map(drop))
}

/// Drops everything. From the first step on the graph counts as empty; whoever finds a clearing that was not
/// finished finishes it.
pub async fn clear(client: &Client, fence: Fence) -> Result<()> {
    let begin = async |t: &mut Transaction| {
        lock(t, fence).await?;
        t.run(cypher!("cypher/write/clear_begin.cypher")).await
    };
    transact!(client, t => begin(&mut t).await)?;
    finish_clear(client, fence).await
}

/// # Errors
/// `CONFLICT` when the fence is passed: who passed it goes on.
async fn finish_clear(client: &Client, fence: Fence) -> Result<()> {
    #[derive(Deserialize)]
    struct Gone {
        count: i64,
    }
    let ours = number(fence);
    let piece = cypher!("cypher/write/clear_rows.cypher").param("most", CLEARED).param("fence", ours);
    while client.change::<Gone>(piece.clone()).await?.iter().any(|gone| gone.count > 0) {}
    client.run(cypher!("cypher/write/clear_end.cypher").param("fence", ours)).await?;
    take_over(client, fence).await
}
