//! The graph: nodes, process trees, lineage.
use super::{
    cost,
    enums::{Direction, EdgeType, EmptyReason, NeighbourGrouping, NodeKind},
    hit::HitObject,
    id::GlobalId,
    load::{Loaders, ProcessKey},
    lookup,
    neighbours::{self, MemberConnection, NeighbourConnection, NeighbourGroups},
    page::{self, List},
    scalar::{DateTime, Long, PageInfo, PeriodInput, Total, period},
    session::{self, viewer},
};
use crate::{
    error::{Error, Result},
    event::Period,
    graph::{self, NeighbourFilter, Node, model::Properties},
};
use async_graphql::{Context, ID, Object, SimpleObject};

pub struct GraphNode(pub Node);

/// A process, file, address or other thing, with what it is connected to.
#[Object]
impl GraphNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        GlobalId::Node(self.0.id).into()
    }
    /// What kind of thing it is.
    async fn kind(&self) -> NodeKind {
        self.0.id.kind.into()
    }
    /// What a person calls it: image name and pid, path, address.
    async fn label(&self) -> &str {
        &self.0.label
    }
    /// Host that it belongs to; absent for what hosts share, such as addresses and hashes.
    async fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }
    /// Time of the first event that names it.
    async fn first_seen(&self) -> DateTime {
        DateTime(self.0.seen.first)
    }
    /// Time of the last event that names it.
    async fn last_seen(&self) -> DateTime {
        DateTime(self.0.seen.last)
    }
    /// Whether it is known by reference only: its own event has not come.
    async fn inferred(&self) -> bool {
        self.0.inferred
    }
    /// What is known about it.
    async fn properties(&self) -> Vec<Property> {
        properties(&self.0.properties)
    }
    /// Number of its neighbours per edge type and direction.
    #[graphql(guard = "viewer", complexity = "cost::fixed(5, child_complexity)")]
    async fn degrees(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Also count the edges seen in this period.")] period: Option<PeriodInput>,
    ) -> Result<Vec<Degree>> {
        let period = super::scalar::period(period)?;
        let degrees = Loaders::of(ctx)?.degrees(self.0.id, period).await?;
        let degree = |d: &graph::Degree| Degree {
            edge: d.edge.into(),
            direction: d.direction.into(),
            total: Long(d.total),
            in_period: Long(d.in_period),
        };
        Ok(degrees.iter().map(degree).collect())
    }
    /// Its neighbours, last seen first.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn neighbours(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Edge types; empty means all.")] edges: Option<Vec<EdgeType>>,
        #[graphql(desc = "Direction; absent means both.")] direction: Option<Direction>,
        #[graphql(desc = "Only edges seen in this period.")] period: Option<PeriodInput>,
        #[graphql(desc = "Neighbours of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the neighbour before the page.")] after: Option<String>,
    ) -> Result<NeighbourConnection> {
        let filter = filter(edges, direction, period)?;
        neighbours::page(ctx, &self.0, &filter, page::size(first)?, after.as_deref()).await
    }
    /// Its neighbours in groups, the largest first: what to show of a node with thousands of them.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "arguments of a GraphQL field")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the neighbours of one group have in common.")] by: NeighbourGrouping,
        #[graphql(desc = "Edge types; empty means all.")] edges: Option<Vec<EdgeType>>,
        #[graphql(desc = "Direction; absent means both.")] direction: Option<Direction>,
        #[graphql(desc = "Only edges seen in this period.")] period: Option<PeriodInput>,
        #[graphql(desc = "Groups at most, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Groups to leave out, the largest first: those that came before.", default = 0)] skip: i32,
    ) -> Result<NeighbourGroups> {
        let filter = filter(edges, direction, period)?;
        neighbours::groups(ctx, self.0.id, &filter, by, (page::skip(skip)?, page::size(first)?)).await
    }
    /// The neighbours of one group, last seen first. A page may hold fewer than asked, even none, and still not be the last.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "arguments of a GraphQL field")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the neighbours of one group have in common.")] by: NeighbourGrouping,
        #[graphql(desc = "Key of the group.")] key: String,
        #[graphql(desc = "Edge types; empty means all.")] edges: Option<Vec<EdgeType>>,
        #[graphql(desc = "Direction; absent means both.")] direction: Option<Direction>,
        #[graphql(desc = "Only edges seen in this period.")] period: Option<PeriodInput>,
        #[graphql(desc = "Neighbours of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor where the page before ended.")] after: Option<String>,
    ) -> Result<MemberConnection> {
        let filter = filter(edges, direction, period)?;
        neighbours::members(ctx, self.0.id, &filter, (by, &key), page::size(first)?, after.as_deref()).await
    }
    /// What has the same name on other hosts: a file, stream, registry key or value, pipe, WMI filter or consumer.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn elsewhere(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Nodes at most, 1 to 500.", default = 100)] first: i32,
    ) -> Result<Vec<GraphNode>> {
        lookup::elsewhere(ctx, &self.0, page::size(first)?).await
    }
    /// Ancestors and descendants of a process; absent for other kinds.
    #[graphql(guard = "viewer", complexity = "cost::walk(max_descendants, child_complexity)")]
    async fn lineage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Descendants at most, 1 to 500.", default = 200)] max_descendants: i32,
    ) -> Result<Option<Lineage>> {
        let max = page::size(max_descendants)?;
        if self.0.id.kind != graph::NodeKind::Process {
            return Ok(None);
        }
        let l = Loaders::of(ctx)?.lineage(self.0.id, max).await?;
        Ok(Some(Lineage {
            ancestors: l.ancestors.iter().cloned().map(TreeProcess::from).collect(),
            descendants: l.descendants.iter().cloned().map(TreeProcess::from).collect(),
            descendants_left_out: Long(l.descendants_left_out),
        }))
    }
    /// Hits of the events in which a process acts, newest first; none for other kinds.
    #[graphql(guard = "viewer", complexity = "cost::fixed(10, child_complexity)")]
    async fn hits(&self, ctx: &Context<'_>) -> Result<Vec<HitObject>> {
        let (graph::NodeKind::Process, Some(host)) = (self.0.id.kind, &self.0.host) else { return Ok(Vec::new()) };
        let seen = self.0.seen;
        let key = ProcessKey { host: host.clone(), id: self.0.id, first: seen.first, last: seen.last };
        Ok(Loaders::of(ctx)?.process_hits(key).await?.iter().cloned().map(HitObject).collect())
    }
}

fn filter(
    edges: Option<Vec<EdgeType>>,
    direction: Option<Direction>,
    input: Option<PeriodInput>,
) -> Result<NeighbourFilter> {
    Ok(NeighbourFilter {
        edges: edges.unwrap_or_default().into_iter().map(Into::into).collect(),
        direction: direction.map(Into::into),
        period: period(input)?,
    })
}

/// A named value.
#[derive(SimpleObject)]
pub struct Property {
    /// Name, Sysmon's where it is one, in camelCase.
    name: String,
    /// Value.
    value: String,
}

pub fn properties(all: &Properties) -> Vec<Property> {
    all.iter().map(|(n, v)| Property { name: n.clone(), value: v.clone() }).collect()
}

/// Number of neighbours over one edge type and direction.
#[derive(SimpleObject)]
pub struct Degree {
    /// Edge type.
    edge: EdgeType,
    /// Direction, seen from the node.
    direction: Direction,
    /// Edges in all.
    total: Long,
    /// Edges seen in the period asked.
    in_period: Long,
}

/// Processes of a host, parents before their children.
#[derive(SimpleObject)]
pub struct ProcessTree {
    /// Processes of this page.
    processes: Vec<TreeProcess>,
    /// Where this page ends.
    page_info: PageInfo,
    /// All processes of the host in the period.
    total: Total,
    /// Why there are none, where there are none.
    reason: Option<EmptyReason>,
}

/// A process with its parent.
#[derive(SimpleObject)]
pub struct TreeProcess {
    /// The process.
    node: GraphNode,
    /// Global id of its parent, where one is known.
    parent: Option<ID>,
    /// When the parent started it: first and last time that an event said so. Absent where no parent is known.
    spawned: Option<Seen>,
    /// Not one of those asked for, but an ancestor of one, so that the tree hangs together.
    context: bool,
}

impl From<graph::TreeProcess> for TreeProcess {
    fn from(p: graph::TreeProcess) -> Self {
        Self {
            node: GraphNode(p.node),
            parent: p.parent.map(|id| GlobalId::Node(id).into()),
            spawned: p.spawned.map(|s| Seen { first: DateTime(s.first), last: DateTime(s.last) }),
            context: p.context,
        }
    }
}

/// First and last time that something was seen.
#[derive(SimpleObject)]
pub struct Seen {
    /// Time of the first event.
    first: DateTime,
    /// Time of the last event.
    last: DateTime,
}

/// Where a process comes from, and what it started.
#[derive(SimpleObject)]
pub struct Lineage {
    /// From the process itself up to the root.
    ancestors: Vec<TreeProcess>,
    /// Processes below it, parents first.
    descendants: Vec<TreeProcess>,
    /// How many descendants there are beyond those.
    descendants_left_out: Long,
}

pub async fn tree(
    ctx: &Context<'_>,
    host: &str,
    input: Option<PeriodInput>,
    first: usize,
    after: Option<&str>,
) -> Result<ProcessTree> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let period = period(input)?;
    if host.is_empty() {
        return Err(Error::bad_input("host must not be empty"));
    }
    let after = List::Tree.read_with(after, |b| Some(b.to_owned()))?;
    let tree = core.graph.tree(scope, host, period, after.as_deref(), first).await?;
    let reason = match tree.total {
        0 if period == Period::default() => Some(EmptyReason::NoData),
        0 => {
            let ever = core.graph.tree(scope, host, Period::default(), None, 1).await?;
            Some(if ever.total == 0 { EmptyReason::NoData } else { EmptyReason::OutOfPeriod })
        }
        _ => None,
    };
    Ok(ProcessTree {
        processes: tree.processes.into_iter().map(TreeProcess::from).collect(),
        page_info: PageInfo { has_next_page: tree.next.is_some(), end_cursor: tree.next.map(|n| List::Tree.cursor(n)) },
        total: Total::of(tree.total),
        reason,
    })
}
