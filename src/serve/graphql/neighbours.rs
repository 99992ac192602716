//! Neighbours of a node, one by one and in groups.
use super::{
    enums::{Direction, EdgeType, EmptyReason, NeighbourGrouping},
    id::GlobalId,
    load::Loaders,
    node::{GraphNode, Property, properties},
    page::{self, List},
    scalar::{DateTime, Long, PageInfo, Total},
    session,
};
use crate::{
    error::Result,
    event::Period,
    graph::{self, Link, Neighbour, NeighbourFilter, Node, NodeId, groups},
};
use async_graphql::{Context, ID, SimpleObject};

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

impl GraphEdge {
    /// Without properties.
    pub fn of(link: &Link) -> Self {
        Self {
            ty: link.edge.into(),
            from: GlobalId::Node(link.from).into(),
            to: GlobalId::Node(link.to).into(),
            first_seen: DateTime(link.seen.first),
            last_seen: DateTime(link.seen.last),
            properties: Vec::new(),
        }
    }
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

pub async fn page(
    ctx: &Context<'_>,
    node: &Node,
    filter: &NeighbourFilter,
    first: usize,
    after: Option<&str>,
) -> Result<NeighbourConnection> {
    let place = List::Neighbours.read_with(after, Place::parse)?;
    let found = match &place {
        // First pages of a list of nodes are one call.
        None => Loaders::of(ctx)?.neighbours(node.id, filter.clone(), first).await?.as_ref().clone(),
        Some(place) => {
            let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
            let many = place.done.saturating_add(first);
            core.graph.neighbours(scope, node.id, filter, place.start.as_deref(), many).await?
        }
    };
    let place = place.unwrap_or(Place { before: 0, done: 0, start: None });
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
    let Member { edge, node, direction } = Member::from(n);
    NeighbourEdge { cursor, edge, node, direction }
}

impl From<Neighbour> for Member {
    fn from(n: Neighbour) -> Self {
        let edge = GraphEdge { properties: properties(&n.edge.properties), ..GraphEdge::of(&n.edge.link()) };
        Self { edge, node: GraphNode(n.node), direction: n.direction.into() }
    }
}

async fn empty_reason(ctx: &Context<'_>, node: &Node, filter: &NeighbourFilter) -> Result<EmptyReason> {
    let degrees = Loaders::of(ctx)?.degrees(node.id, Period::default()).await?;
    let asked = |d: &graph::Degree| {
        (filter.edges.is_empty() || filter.edges.contains(&d.edge))
            && filter.direction.is_none_or(|dir| dir == d.direction)
    };
    Ok(match degrees.iter().filter(|d| d.total > 0).map(asked).reduce(|a, b| a || b) {
        Some(true) => EmptyReason::OutOfPeriod,
        _ if !is_collected(ctx, node, filter).await? => EmptyReason::NotCollected,
        Some(false) => EmptyReason::Filtered,
        None => EmptyReason::NoData,
    })
}

/// Whether the host of the node has ever sent an event that such edges are made of.
async fn is_collected(ctx: &Context<'_>, node: &Node, filter: &NeighbourFilter) -> Result<bool> {
    let Some(host) = &node.host else { return Ok(true) };
    if filter.edges.is_empty() || filter.edges.iter().any(|e| e.codes().is_empty()) {
        return Ok(true);
    }
    let hosts = Loaders::of(ctx)?.hosts().await?;
    let sent = hosts.iter().filter(|h| h.host == *host).flat_map(|h| &h.codes).map(|(code, _)| *code);
    let sent: Vec<u32> = sent.collect();
    Ok(filter.edges.iter().flat_map(|e| e.codes()).any(|code| sent.contains(code)))
}

/// Neighbours by what they have in common.
#[derive(SimpleObject)]
pub struct NeighbourGroups {
    /// The largest first.
    items: Vec<NeighbourGroup>,
    /// How many groups follow after those.
    left_out: Long,
    /// How many neighbours were looked at, the last seen first.
    looked_at: Long,
    /// All neighbours that match.
    total: Total,
}

/// Neighbours that have something in common.
#[derive(SimpleObject)]
pub struct NeighbourGroup {
    /// What they have in common; empty for those without, such as the host of an address.
    key: String,
    /// How many they are.
    count: Long,
}

pub async fn groups(
    ctx: &Context<'_>,
    id: NodeId,
    filter: &NeighbourFilter,
    by: NeighbourGrouping,
    (skip, first): (usize, usize),
) -> Result<NeighbourGroups> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let found = core.graph.groups(scope, id, filter, by.into(), groups::MOST).await?;
    Ok(NeighbourGroups {
        left_out: Long(found.items.len().saturating_sub(first.saturating_add(skip)) as u64),
        looked_at: Long(found.looked_at),
        total: Total::of(found.total),
        items: found
            .items
            .into_iter()
            .skip(skip)
            .take(first)
            .map(|g| NeighbourGroup { key: g.key, count: Long(g.count) })
            .collect(),
    })
}

/// One page of the neighbours of a group.
#[derive(SimpleObject)]
pub struct MemberConnection {
    /// Neighbours of this page with the edges to them.
    edges: Vec<Member>,
    /// Where this page ends.
    page_info: PageInfo,
}

/// A neighbour in a group.
#[derive(SimpleObject)]
pub struct Member {
    /// The edge.
    edge: GraphEdge,
    /// The neighbour.
    node: GraphNode,
    /// Direction of the edge, seen from the node asked.
    direction: Direction,
}

/// Pages of neighbours that are read for one page of a group: those of a small one may be spread over very many.
const PAGES: usize = 10;

pub async fn members(
    ctx: &Context<'_>,
    id: NodeId,
    filter: &NeighbourFilter,
    (by, key): (NeighbourGrouping, &str),
    first: usize,
    after: Option<&str>,
) -> Result<MemberConnection> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let place = List::Members.read_with(after, |body| {
        let (done, page) = body.split_once(':')?;
        Some(groups::Place { done: done.parse().ok()?, page: Some(page.to_owned()).filter(|p| !p.is_empty()) })
    })?;
    let place = (place.unwrap_or_default(), first, PAGES);
    let found = groups::members(&*core.graph, scope, id, filter, (by.into(), key), place).await?;
    let end = found.next.map(|n| List::Members.cursor(format_args!("{}:{}", n.done, n.page.unwrap_or_default())));
    Ok(MemberConnection {
        page_info: PageInfo { has_next_page: end.is_some(), end_cursor: end },
        edges: found.items.into_iter().map(Member::from).collect(),
    })
}
