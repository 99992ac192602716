//! The graph store: processes, files, registry, network and the rest as nodes, with edges between them.
//! Derived from the event store; [`project`] is the pure function from an event to nodes and edges.
pub mod batch;
pub mod embedded;
pub mod groups;
pub mod key;
mod line;
pub mod meaning;
pub mod model;
pub mod neo4j;
pub mod paths;
pub mod project;
pub mod property;

use crate::{
    checkup::Finding,
    error::Result,
    event::{Fence, Period, Position, Scope, Time},
};
use async_trait::async_trait;
pub use batch::Batch;
pub use groups::{Grouping, Groups};
pub use meaning::Flow;
pub use model::{Edge, EdgeType, Node, NodeId, NodeKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    Out,
    In,
}

/// Number of neighbours of a node over one edge type and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degree {
    pub edge: EdgeType,
    pub direction: Direction,
    /// Edges in all.
    pub total: u64,
    /// Edges whose first..last seen overlaps the period asked.
    pub in_period: u64,
}

/// Which neighbours of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct NeighbourFilter {
    /// Empty: every type.
    pub edges: Vec<EdgeType>,
    /// `None`: both.
    pub direction: Option<Direction>,
    pub period: Period,
}

#[derive(Debug, Clone)]
pub struct Neighbour {
    pub edge: Edge,
    pub node: Node,
    pub direction: Direction,
}

#[derive(Debug, Clone)]
pub struct Neighbours {
    /// By last seen descending; ties in an order that the store keeps until it is cleared.
    pub items: Vec<Neighbour>,
    /// Opaque position behind the last item, if more follow.
    pub next: Option<String>,
    /// All that the filter matches, exact.
    pub total: u64,
}

/// Process trees of a host.
#[derive(Debug, Clone)]
pub struct Tree {
    /// A page of the processes by first seen, and the ancestors of each. Within the page parents come
    /// before their children; an ancestor may come again as context on later pages.
    pub processes: Vec<TreeProcess>,
    pub next: Option<String>,
    /// Processes of the host in the period, exact.
    pub total: u64,
}

#[derive(Debug, Clone)]
pub struct TreeProcess {
    pub node: Node,
    pub parent: Option<NodeId>,
    /// First and last time of the `SPAWNED` edge from the parent; there whenever `parent` is.
    pub spawned: Option<Seen>,
    /// Not one of those asked for, but an ancestor of one: from outside the period or another page,
    /// so that the tree hangs together.
    pub context: bool,
}

#[derive(Debug, Clone)]
pub struct Lineage {
    /// From the process itself up to the root, each with its parent.
    pub ancestors: Vec<TreeProcess>,
    /// Processes below it, parents first, with their parent.
    pub descendants: Vec<TreeProcess>,
    /// How many descendants there are beyond those returned; 0 when all are.
    pub descendants_left_out: u64,
}

/// An edge without its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub from: NodeId,
    pub edge: EdgeType,
    pub to: NodeId,
    pub seen: Seen,
}

#[async_trait]
pub trait GraphStore: Send + Sync + 'static {
    /// Merges a batch and moves the checkpoint to `upto`, in one transaction. Idempotent and independent of order. `CONFLICT`
    /// where `fence` is passed already; in a folder that only one process can open it plays no part.
    async fn upsert(&self, batch: Batch, upto: &Position, fence: Fence) -> Result<()>;

    /// Position up to which the log is projected, all of it there. May wait for a batch that is being written.
    async fn checkpoint(&self) -> Result<Position>;

    /// The same, for whoever projects from now on: earlier owners change nothing any more. `fence` as in [`Self::upsert`].
    async fn take_over(&self, fence: Fence) -> Result<Position>;

    /// Drops all nodes, edges and the checkpoint, for a rebuild. `fence` as in [`Self::upsert`].
    async fn clear(&self, fence: Fence) -> Result<()>;

    /// In the order asked; `None` where unknown or out of scope.
    async fn nodes(&self, scope: &Scope, ids: &[NodeId]) -> Result<Vec<Option<Node>>>;

    /// Per node asked: its degrees, by (edge type, direction).
    async fn degrees(&self, scope: &Scope, ids: &[NodeId], period: Period) -> Result<Vec<Vec<Degree>>>;

    async fn neighbours(
        &self,
        scope: &Scope,
        id: NodeId,
        filter: &NeighbourFilter,
        after: Option<&str>,
        first: usize,
    ) -> Result<Neighbours>;

    /// The first page of the neighbours of each node, in the order asked.
    async fn first_neighbours(
        &self,
        scope: &Scope,
        ids: &[NodeId],
        filter: &NeighbourFilter,
        first: usize,
    ) -> Result<Vec<Neighbours>> {
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.push(self.neighbours(scope, *id, filter, None, first).await?);
        }
        Ok(all)
    }

    /// Neighbours counted by what they have in common: of the last seen, at most `most`.
    async fn groups(
        &self,
        scope: &Scope,
        id: NodeId,
        filter: &NeighbourFilter,
        by: Grouping,
        most: usize,
    ) -> Result<Groups>;

    /// Edges that begin or end at any of the nodes and match the filter (`direction` as seen from that node), each
    /// once, in no order. At most `most`: whoever gets so many has not got all.
    async fn links(&self, scope: &Scope, ids: &[NodeId], filter: &NeighbourFilter, most: usize) -> Result<Vec<Link>>;

    /// Processes of `host` (normal form) whose first..last seen overlaps the period.
    async fn tree(&self, scope: &Scope, host: &str, period: Period, after: Option<&str>, first: usize) -> Result<Tree>;

    async fn lineage(&self, scope: &Scope, process: NodeId, max_descendants: usize) -> Result<Lineage>;

    /// The lineage of each process, in the order asked.
    async fn lineages(&self, scope: &Scope, processes: &[NodeId], max_descendants: usize) -> Result<Vec<Lineage>> {
        let mut all = Vec::with_capacity(processes.len());
        for process in processes {
            all.push(self.lineage(scope, *process, max_descendants).await?);
        }
        Ok(all)
    }

    /// What the engine finds about itself; an error is a finding too.
    async fn checkup(&self) -> Vec<Finding>;

    /// Exact counts of nodes per kind and edges per type, for statistics and tests.
    async fn counts(&self) -> Result<Counts>;
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    pub nodes: Vec<(NodeKind, u64)>,
    pub edges: Vec<(EdgeType, u64)>,
}

/// First and last time something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub first: Time,
    pub last: Time,
}
