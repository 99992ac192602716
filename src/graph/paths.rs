//! Paths between two nodes in order of time: every step follows cause and effect ([`EdgeType::flow`]), and no step
//! ends before one that comes before it has begun.
//!
//! One search for every engine: it reads the edges around a layer of nodes at a time ([`GraphStore::links`]), from
//! both ends, always the smaller layer first, and then looks for paths in what it has read.
use super::{EdgeType, Flow, GraphStore, Link, NeighbourFilter, NodeId, NodeKind};
use crate::{
    error::Result,
    event::{Period, Scope, Time},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Edges read by one search at most.
const MOST_LINKS: usize = 100_000;
/// Steps tried by one search at most.
const MOST_STEPS: usize = 500_000;
/// Edges that a path may have more than the shortest one.
const DETOUR: usize = 2;
/// Nodes asked for at once.
const LAYER: usize = 1_000;

#[derive(Debug, Clone)]
pub struct PathFilter {
    /// Empty: every type along which cause and effect go.
    pub edges: Vec<EdgeType>,
    pub period: Period,
    /// Edges of a path at most; it has no more than two above the shortest one in any case.
    pub longest: usize,
}

/// One path; `links[i]` joins `nodes[i]` and `nodes[i + 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub nodes: Vec<NodeId>,
    pub links: Vec<Link>,
    /// The earliest time at which each step can have happened.
    pub times: Vec<Time>,
}

#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// The shortest first; among those of one length the earliest.
    pub items: Vec<Path>,
    /// Whether there are more of this length or longer ones.
    pub more: bool,
    /// False when there was too much to look at: a path may have been missed.
    pub complete: bool,
}

/// A step from one node to the next, if cause and effect go that way.
fn step(link: &Link, from: NodeId) -> Option<NodeId> {
    let along = link.from == from;
    let to = if along { link.to } else { link.from };
    let fits = match link.edge.flow() {
        Flow::Along => along,
        Flow::Against => !along || link.from == link.to,
        Flow::Both => true,
        Flow::Neither => false,
    };
    (fits && to != from).then_some(to)
}

/// What a path may lead through: not what everything on a machine has in common.
const fn joins(kind: NodeKind) -> bool {
    !matches!(
        kind,
        NodeKind::Host | NodeKind::User | NodeKind::LogonSession | NodeKind::Signer | NodeKind::SysmonConfig
    )
}

/// One side of the search.
struct Side {
    /// Best time of each node: the earliest arrival on the way there, the latest departure on the way back.
    best: HashMap<NodeId, Time>,
    layer: Vec<NodeId>,
    back: bool,
}

impl Side {
    fn new(start: NodeId, back: bool) -> Self {
        let time = Time(if back { i64::MAX } else { i64::MIN });
        Self { best: HashMap::from([(start, time)]), layer: vec![start], back }
    }

    /// Nodes that the edges of this layer lead to, earlier (or later) than known.
    fn advance(&mut self, links: &[Link], end: NodeId) {
        let mut next = HashSet::new();
        let before: HashMap<NodeId, Time> =
            self.layer.iter().filter_map(|n| self.best.get(n).map(|t| (*n, *t))).collect();
        for link in links {
            for (near, far) in [(link.from, link.to), (link.to, link.from)] {
                let Some(time) = before.get(&near) else { continue };
                let (from, to) = if self.back { (far, near) } else { (near, far) };
                if step(link, from) != Some(to) || !(joins(far.kind) || far == end) {
                    continue;
                }
                let (reached, better): (Time, fn(Time, Time) -> bool) = if self.back {
                    if link.seen.first > *time {
                        continue;
                    }
                    ((*time).min(link.seen.last), |new, old| new > old)
                } else {
                    if link.seen.last < *time {
                        continue;
                    }
                    ((*time).max(link.seen.first), |new, old| new < old)
                };
                if self.best.get(&far).is_none_or(|old| better(reached, *old)) {
                    self.best.insert(far, reached);
                    next.insert(far);
                }
            }
        }
        self.layer = next.into_iter().filter(|n| *n != end).collect();
        self.layer.sort_unstable();
    }
}

/// Paths from `from` to `to`, at most `first`.
///
/// # Errors
/// Those of the store.
pub async fn paths(
    store: &dyn GraphStore,
    scope: &Scope,
    (from, to): (NodeId, NodeId),
    filter: &PathFilter,
    first: usize,
) -> Result<Paths> {
    let mut found = Paths { complete: true, ..Paths::default() };
    let edges: Vec<EdgeType> = match filter.edges.is_empty() {
        true => EdgeType::ALL.iter().copied().filter(|e| e.flow() != Flow::Neither).collect(),
        false => filter.edges.clone(),
    };
    let around = NeighbourFilter { edges, direction: None, period: filter.period };
    let mut known: BTreeMap<(NodeId, EdgeType, NodeId), Link> = BTreeMap::new();
    let (mut there, mut back) = (Side::new(from, false), Side::new(to, true));
    let (mut longest, mut depth, mut shortest) = (filter.longest, 0, None);
    while depth < longest {
        depth += 1;
        let side = match (there.layer.is_empty(), back.layer.is_empty()) {
            (true, true) => break,
            (false, true) => &mut there,
            (true, false) => &mut back,
            (false, false) if there.layer.len() <= back.layer.len() => &mut there,
            (false, false) => &mut back,
        };
        let mut links = Vec::new();
        for nodes in side.layer.chunks(LAYER) {
            let left = MOST_LINKS.saturating_sub(known.len() + links.len());
            if left == 0 {
                found.complete = false;
                break;
            }
            let read = store.links(scope, nodes, &around, left).await?;
            found.complete &= read.len() < left;
            links.extend(read);
        }
        let end = if side.back { from } else { to };
        side.advance(&links, end);
        known.extend(links.into_iter().map(|l| ((l.from, l.edge, l.to), l)));
        // Every path of `depth` edges has been read now.
        if shortest.is_none() && meet(&there, &back) {
            let mut probe = Paths { complete: true, ..Paths::default() };
            Walk::new(known.values().copied(), from, to).paths(depth, 1, &mut probe);
            shortest = probe.items.first().map(|p| p.links.len());
            longest = shortest.map_or(longest, |n| longest.min(n + DETOUR));
        }
    }
    Walk::new(known.into_values(), from, to).paths(longest, first, &mut found);
    Ok(found)
}

/// Whether a node was reached from both ends in order of time: there may be a path.
fn meet(there: &Side, back: &Side) -> bool {
    there.best.iter().any(|(node, arrival)| back.best.get(node).is_some_and(|departure| arrival <= departure))
}

/// The search for paths in edges that have been read.
struct Walk {
    from: NodeId,
    to: NodeId,
    /// Steps that leave each node.
    steps: HashMap<NodeId, Vec<(NodeId, Link)>>,
    /// Fewest steps from each node to the end.
    left: HashMap<NodeId, usize>,
    tried: usize,
}

impl Walk {
    fn new(links: impl Iterator<Item = Link>, from: NodeId, to: NodeId) -> Self {
        let mut steps: HashMap<NodeId, Vec<(NodeId, Link)>> = HashMap::new();
        let mut into: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for link in links {
            for near in [link.from, link.to] {
                if let Some(far) = step(&link, near).filter(|f| joins(f.kind) || *f == to) {
                    steps.entry(near).or_default().push((far, link));
                    into.entry(far).or_default().push(near);
                }
            }
        }
        for all in steps.values_mut() {
            all.sort_unstable_by_key(|(far, l)| (l.seen.first, l.seen.last, *far, l.edge));
        }
        let mut left = HashMap::from([(to, 0)]);
        let (mut layer, mut depth) = (vec![to], 0);
        while !layer.is_empty() {
            depth += 1;
            let reached: Vec<NodeId> = layer.iter().filter_map(|n| into.get(n)).flatten().copied().collect();
            layer = reached.into_iter().filter(|n| left.insert_new(*n, depth)).collect();
        }
        Self { from, to, steps, left, tried: 0 }
    }

    fn paths(mut self, longest: usize, first: usize, found: &mut Paths) {
        let Some(shortest) = self.left.get(&self.from).copied().filter(|n| *n > 0) else { return };
        for length in shortest..=longest {
            let mut of_length = Vec::new();
            let mut path = Path { nodes: vec![self.from], links: Vec::new(), times: Vec::new() };
            // One more than wanted tells whether there are more.
            let room = first.saturating_add(1).saturating_sub(found.items.len());
            if !self.extend(&mut path, length, room, &mut of_length) {
                found.complete = false;
            }
            of_length.sort_by_cached_key(|p| (p.times.last().copied(), p.times.first().copied(), p.nodes.clone()));
            found.items.extend(of_length);
            if found.items.len() > first || !found.complete {
                break;
            }
        }
        found.more = found.items.len() > first;
        found.items.truncate(first);
    }

    /// Depth first, over nodes from which the end is near enough. False when there is too much to try.
    fn extend(&mut self, path: &mut Path, left: usize, room: usize, out: &mut Vec<Path>) -> bool {
        let Some(here) = path.nodes.last().copied() else { return true };
        if left == 0 {
            if here == self.to {
                out.push(path.clone());
            }
            return true;
        }
        if here == self.to {
            return true;
        }
        let now = path.times.last().copied().unwrap_or(Time(i64::MIN));
        let steps: Vec<(NodeId, Link)> = self.steps.get(&here).cloned().unwrap_or_default();
        for (far, link) in steps {
            self.tried += 1;
            if self.tried > MOST_STEPS {
                return false;
            }
            let near_enough = self.left.get(&far).is_some_and(|n| *n < left);
            if !near_enough || link.seen.last < now || path.nodes.contains(&far) {
                continue;
            }
            path.nodes.push(far);
            path.links.push(link);
            path.times.push(now.max(link.seen.first));
            let done = self.extend(path, left - 1, room, out);
            path.nodes.pop();
            path.links.pop();
            path.times.pop();
            if !done || out.len() >= room {
                return done;
            }
        }
        true
    }
}

trait InsertNew {
    /// Whether the node was not there yet.
    fn insert_new(&mut self, node: NodeId, depth: usize) -> bool;
}

impl InsertNew for HashMap<NodeId, usize> {
    fn insert_new(&mut self, node: NodeId, depth: usize) -> bool {
        if self.contains_key(&node) {
            return false;
        }
        self.insert(node, depth);
        true
    }
}
