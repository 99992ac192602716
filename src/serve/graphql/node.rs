//! The graph: nodes, edges, neighbours, process trees, lineage.
use super::{
    cost,
    enums::{Direction, EdgeType, EmptyReason, NodeKind},
    hit::HitObject,
    id::GlobalId,
    load::{Loaders, ProcessKey},
    page::{self, List},
    scalar::{DateTime, Long, PageInfo, PeriodInput, Total, period},
    session::{self, viewer},
};
use crate::{
    error::{Error, Result},
    event::Period,
    graph::{self, Neighbour, NeighbourFilter, Node, model::Properties},
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
        let filter = NeighbourFilter {
            edges: edges.unwrap_or_default().into_iter().map(Into::into).collect(),
            direction: direction.map(Into::into),
            period: super::scalar::period(period)?,
        };
        neighbours(ctx, &self.0, &filter, page::size(first)?, after.as_deref()).await
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
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let l = core.graph.lineage(scope, self.0.id, max).await?;
        Ok(Some(Lineage {
            ancestors: l.ancestors.into_iter().map(GraphNode).collect(),
            descendants: l.descendants.into_iter().map(TreeProcess::from).collect(),
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

/// A named value.
#[derive(SimpleObject)]
pub struct Property {
    /// Name, Sysmon's where it is one, in camelCase.
    name: String,
    /// Value.
    value: String,
}

fn properties(all: &Properties) -> Vec<Property> {
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

/// One page of neighbours.
#[derive(SimpleObject)]
pub struct NeighbourConnection {
    /// Neighbours of this page with the edges to them.
    edges: Vec<NeighbourEdge>,
    /// Where this page ends.
    page_info: PageInfo,
    /// All neighbours that match.
    total: Total,
    /// How many of them follow after this page.
    left_out: Long,
    /// Why there are none, where there are none.
    reason: Option<EmptyReason>,
}

/// A neighbour.
#[derive(SimpleObject)]
pub struct NeighbourEdge {
    /// Place of the neighbour, to be given as `after`.
    cursor: String,
    /// The edge.
    edge: GraphEdge,
    /// The neighbour.
    node: GraphNode,
    /// Direction of the edge, seen from the node asked.
    direction: Direction,
}

/// An edge of the graph.
#[derive(SimpleObject)]
pub struct GraphEdge {
    /// What it means.
    #[graphql(name = "type")]
    ty: EdgeType,
    /// Node that it starts from.
    from: ID,
    /// Node that it leads to.
    to: ID,
    /// Time of the first event that made it.
    first_seen: DateTime,
    /// Time of the last event that made it.
    last_seen: DateTime,
    /// What is known about it.
    properties: Vec<Property>,
}

/// Place in a list of neighbours: how many came before the store's page, how many of that page are done,
/// and where that page begins.
struct Place {
    before: u64,
    done: usize,
    start: Option<String>,
}

impl Place {
    fn parse(body: &str) -> Option<Self> {
        let mut parts = body.splitn(3, ':');
        let (before, done) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let start = Some(parts.next()?.to_owned()).filter(|s| !s.is_empty());
        (done <= page::MAX as usize).then_some(Self { before, done, start })
    }
    fn cursor(&self) -> String {
        let start = self.start.as_deref().unwrap_or_default();
        List::Neighbours.cursor(format_args!("{}:{}:{start}", self.before, self.done))
    }
}

async fn neighbours(
    ctx: &Context<'_>,
    node: &Node,
    filter: &NeighbourFilter,
    first: usize,
    after: Option<&str>,
) -> Result<NeighbourConnection> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let place = List::Neighbours.read_with(after, Place::parse)?;
    let place = place.unwrap_or(Place { before: 0, done: 0, start: None });
    let found =
        core.graph.neighbours(scope, node.id, filter, place.start.as_deref(), place.done.saturating_add(first)).await?;
    let end = place.before.saturating_add(found.items.len() as u64);
    let more = found.next.is_some();
    let next = found.next.map(|n| Place { before: end, done: 0, start: Some(n) });
    let count = found.items.len();
    let edges: Vec<NeighbourEdge> = found
        .items
        .into_iter()
        .enumerate()
        .skip(place.done)
        .map(|(i, n)| {
            let here = Place { before: place.before, done: i + 1, start: place.start.clone() };
            let cursor = match &next {
                Some(next) if i + 1 == count => next.cursor(),
                _ => here.cursor(),
            };
            neighbour(n, cursor)
        })
        .collect();
    let reason = if found.total == 0 { Some(empty_reason(ctx, node, filter).await?) } else { None };
    Ok(NeighbourConnection {
        page_info: PageInfo { has_next_page: more, end_cursor: edges.last().map(|e| e.cursor.clone()) },
        left_out: Long(if more { found.total.saturating_sub(end) } else { 0 }),
        total: Total::of(found.total),
        edges,
        reason,
    })
}

fn neighbour(n: Neighbour, cursor: String) -> NeighbourEdge {
    NeighbourEdge {
        cursor,
        edge: GraphEdge {
            ty: n.edge.edge.into(),
            from: GlobalId::Node(n.edge.from).into(),
            to: GlobalId::Node(n.edge.to).into(),
            first_seen: DateTime(n.edge.seen.first),
            last_seen: DateTime(n.edge.seen.last),
            properties: properties(&n.edge.properties),
        },
        node: GraphNode(n.node),
        direction: n.direction.into(),
    }
}

async fn empty_reason(ctx: &Context<'_>, node: &Node, filter: &NeighbourFilter) -> Result<EmptyReason> {
    let degrees = Loaders::of(ctx)?.degrees(node.id, Period::default()).await?;
    let asked = |d: &graph::Degree| {
        (filter.edges.is_empty() || filter.edges.contains(&d.edge))
            && filter.direction.is_none_or(|dir| dir == d.direction)
    };
    Ok(match degrees.iter().filter(|d| d.total > 0).map(asked).reduce(|a, b| a || b) {
        None => EmptyReason::NoData,
        Some(false) => EmptyReason::Filtered,
        Some(true) => EmptyReason::OutOfPeriod,
    })
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
    /// Not one of those asked for, but an ancestor of one, so that the tree hangs together.
    context: bool,
}

impl From<graph::TreeProcess> for TreeProcess {
    fn from(p: graph::TreeProcess) -> Self {
        Self { node: GraphNode(p.node), parent: p.parent.map(|id| GlobalId::Node(id).into()), context: p.context }
    }
}

/// Where a process comes from, and what it started.
#[derive(SimpleObject)]
pub struct Lineage {
    /// From the process itself up to the root.
    ancestors: Vec<GraphNode>,
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
