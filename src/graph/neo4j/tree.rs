//! Process trees and lineage: a statement for each layer of processes, put together in memory. Bad data may hold
//! circles and several parents: nothing here walks in one.
use super::{
    read::{View, bad_cursor, bounds, limit, parts, state, texts},
    write::{host_key, parse},
};
use crate::{
    error::Result,
    event::{Period, Time},
    graph::{Lineage, Node, NodeId, NodeKind, Seen, Tree, TreeProcess},
    neo4j::cypher,
};
use neo4rs::Query;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// A process with the one that started it, if known, and when.
type Branch = (NodeId, Option<(NodeId, Seen)>);

#[derive(Deserialize)]
struct Step {
    process: String,
    other: String,
    first: i64,
    last: i64,
}

fn branch((id, parent): Branch, nodes: &HashMap<NodeId, Node>, context: bool) -> Option<TreeProcess> {
    let node = nodes.get(&id)?.clone();
    Some(TreeProcess { node, parent: parent.map(|p| p.0), spawned: parent.map(|p| p.1), context })
}

impl View<'_> {
    /// `host` is in scope.
    pub async fn tree(&self, host: &str, period: Period, after: Option<&str>, first: usize) -> Result<Tree> {
        #[derive(Deserialize)]
        struct Total {
            n: i64,
        }
        #[derive(Deserialize)]
        struct Row {
            id: String,
            first: i64,
        }
        let generation = state(self.client).await?.generation;
        let (start, other) = match after {
            Some(cursor) => place(cursor, generation)?,
            None => (i64::MIN, String::new()),
        };
        let (from, to) = bounds(period);
        let of = |query: Query| query.param("host", host_key(host)).param("from", from).param("to", to);
        let total: Vec<Total> = self.client.rows(of(cypher!("cypher/read/tree_total.cypher"))).await?;
        let page = of(cypher!("cypher/read/tree.cypher"))
            .param("start", start)
            .param("other", other)
            .param("limit", limit(first.saturating_add(1)));
        let mut rows: Vec<Row> = self.client.rows(page).await?;
        let more = rows.len() > first;
        rows.truncate(first);
        let ids = rows.iter().map(|r| parse(&r.id)).collect::<Result<Vec<_>>>()?;
        let parents = self.all_parents(&ids).await?;
        let nodes = self.nodes(&parents.keys().copied().collect::<Vec<_>>()).await?;
        let listed: HashSet<NodeId> = ids.iter().copied().collect();
        let mut shown = HashSet::new();
        let mut processes = Vec::new();
        for id in &ids {
            for b in with_ancestors(*id, &parents, &mut shown) {
                processes.extend(branch(b, &nodes, !listed.contains(&b.0)));
            }
        }
        let last = rows.last().zip(ids.last()).filter(|_| more);
        let next = last.map(|(r, id)| format!("{generation}.{}.{:032x}", r.first, id.key));
        Ok(Tree { processes, next, total: total.first().map_or(0, |t| t.n.unsigned_abs()) })
    }

    async fn steps(&self, query: Query, ids: &[NodeId]) -> Result<Vec<(NodeId, NodeId, Seen)>> {
        let rows: Vec<Step> = self.client.rows(self.seen(query.param("ids", texts(ids)))).await?;
        let step = |s: &Step| {
            let seen = Seen { first: Time(s.first), last: Time(s.last) };
            Ok((parse(&s.process)?, parse(&s.other)?, seen))
        };
        rows.iter().map(step).collect()
    }

    /// Who started the processes, and when; of several the one seen last.
    async fn parents(&self, ids: &[NodeId]) -> Result<HashMap<NodeId, (NodeId, Seen)>> {
        let mut steps = self.steps(cypher!("cypher/read/parents.cypher"), ids).await?;
        steps.sort_unstable_by_key(|(_, parent, seen)| (seen.last, parent.key));
        Ok(steps.into_iter().map(|(id, parent, seen)| (id, (parent, seen))).collect())
    }

    /// The processes and everything above them, each with its parent.
    async fn all_parents(&self, ids: &[NodeId]) -> Result<HashMap<NodeId, Option<(NodeId, Seen)>>> {
        let mut all = HashMap::new();
        let mut layer = ids.to_vec();
        while !layer.is_empty() {
            let parents = self.parents(&layer).await?;
            all.extend(layer.iter().map(|id| (*id, parents.get(id).copied())));
            let next: HashSet<NodeId> = parents.values().map(|p| p.0).filter(|p| !all.contains_key(p)).collect();
            layer = next.into_iter().collect();
        }
        Ok(all)
    }

    pub async fn lineage(&self, process: NodeId, max_descendants: usize) -> Result<Lineage> {
        let mut lineage = Lineage { ancestors: Vec::new(), descendants: Vec::new(), descendants_left_out: 0 };
        let parents = self.all_parents(&[process]).await?;
        let mut chain = with_ancestors(process, &parents, &mut HashSet::new());
        chain.reverse();
        let nodes = self.nodes(&chain.iter().map(|b| b.0).collect::<Vec<_>>()).await?;
        if !nodes.contains_key(&process) {
            return Ok(lineage);
        }
        lineage.ancestors = chain.into_iter().filter_map(|b| branch(b, &nodes, false)).collect();
        let mut below: Vec<Branch> = Vec::new();
        let mut seen = HashSet::from([process]);
        let mut layer = vec![process];
        while !layer.is_empty() {
            let mut children: HashMap<NodeId, Vec<(NodeId, Seen)>> = HashMap::new();
            for (parent, child, times) in self.steps(cypher!("cypher/read/children.cypher"), &layer).await? {
                children.entry(parent).or_default().push((child, times));
            }
            let mut next = Vec::new();
            for parent in layer {
                let mut own = children.remove(&parent).unwrap_or_default();
                own.sort_unstable_by_key(|(child, times)| (times.first, *child));
                for (child, times) in own {
                    if !seen.insert(child) {
                        continue;
                    }
                    next.push(child);
                    if below.len() < max_descendants {
                        below.push((child, Some((parent, times))));
                    } else {
                        lineage.descendants_left_out += 1;
                    }
                }
            }
            layer = next;
        }
        let nodes = self.nodes(&below.iter().map(|b| b.0).collect::<Vec<_>>()).await?;
        lineage.descendants = below.into_iter().filter_map(|b| branch(b, &nodes, false)).collect();
        Ok(lineage)
    }
}

/// The process behind those of its ancestors that are not shown yet, from the root down.
fn with_ancestors(
    id: NodeId,
    parents: &HashMap<NodeId, Option<(NodeId, Seen)>>,
    shown: &mut HashSet<NodeId>,
) -> Vec<Branch> {
    let (mut chain, mut below, mut next) = (Vec::new(), HashSet::new(), Some(id));
    while let Some(n) = next.filter(|n| shown.insert(*n)) {
        below.insert(n);
        // A circle is cut here: its first process stands as a root.
        let parent = parents.get(&n).copied().flatten().filter(|(p, _)| !below.contains(p));
        chain.push((n, parent));
        next = parent.map(|(p, _)| p);
    }
    chain.reverse();
    chain
}

/// First seen and id of the last process of a page.
fn place(cursor: &str, generation: i64) -> Result<(i64, String)> {
    let [first, key] = parts(cursor, generation)?;
    let key = u128::from_str_radix(key, 16).map_err(|_| bad_cursor())?;
    let id = NodeId { kind: NodeKind::Process, key };
    Ok((first.parse().map_err(|_| bad_cursor())?, id.to_string()))
}
