//! Finding nodes without knowing their ids: by name, under the same name on other hosts, and by the paths to them.
use super::{
    enums::{EdgeType, EmptyReason},
    load::Loaders,
    neighbours::GraphEdge,
    node::GraphNode,
    scalar::DateTime,
    session,
};
use crate::{
    error::{Error, Result},
    graph::{
        Node, NodeId, key,
        paths::{self, PathFilter},
    },
};
use async_graphql::{Context, SimpleObject};
use futures_util::future::try_join_all;

/// Longest path that may be asked for, in edges.
const LONGEST: i32 = 20;
/// Paths of one answer at most.
const MOST_PATHS: i32 = 50;
/// Longest name that is looked up, in bytes.
const LONGEST_NAME: usize = 32_768;

async fn known(ctx: &Context<'_>, ids: impl IntoIterator<Item = NodeId>, most: usize) -> Result<Vec<GraphNode>> {
    let load = Loaders::of(ctx)?;
    let found = try_join_all(ids.into_iter().map(|id| load.node(id))).await?;
    Ok(found.into_iter().flatten().take(most).map(GraphNode).collect())
}

/// Nodes that have this name, on any host.
pub async fn by_name(ctx: &Context<'_>, text: &str, most: usize) -> Result<Vec<GraphNode>> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(Error::bad_input(format!("name must have from 1 to {LONGEST_NAME} bytes")));
    }
    let mut ids = key::named(text);
    if !key::named_on("", text).is_empty() {
        let hosts = Loaders::of(ctx)?.hosts().await?;
        ids.extend(hosts.iter().flat_map(|h| key::named_on(&h.host, text)));
    }
    known(ctx, ids, most).await
}

pub async fn elsewhere(ctx: &Context<'_>, node: &Node, most: usize) -> Result<Vec<GraphNode>> {
    if key::on_host(node.id.kind, &node.properties, "").is_none() {
        return Ok(Vec::new());
    }
    let hosts = Loaders::of(ctx)?.hosts().await?;
    let ids = hosts.iter().filter_map(|h| key::on_host(node.id.kind, &node.properties, &h.host));
    known(ctx, ids.filter(|id| *id != node.id), most).await
}

/// Paths in order of time.
#[derive(SimpleObject)]
pub struct Paths {
    /// The shortest first; among those of one length the earliest.
    items: Vec<GraphPath>,
    /// Whether there are more, or longer ones.
    more: bool,
    /// False when there was too much to look at, so that a path may have been missed.
    complete: bool,
    /// Why there are none, where there are none.
    reason: Option<EmptyReason>,
}

/// A path: every edge follows cause and effect, and can have happened after those before it.
#[derive(SimpleObject)]
pub struct GraphPath {
    /// Nodes from one end to the other.
    nodes: Vec<GraphNode>,
    /// Edges between them, in the same order, without properties.
    edges: Vec<GraphEdge>,
    /// The earliest time at which each step can have happened.
    times: Vec<DateTime>,
}

pub async fn paths(
    ctx: &Context<'_>,
    ends: (NodeId, NodeId),
    edges: Option<Vec<EdgeType>>,
    period: crate::event::Period,
    (longest, first): (i32, i32),
) -> Result<Paths> {
    let in_range = |name: &str, n: i32, most: i32| match usize::try_from(n) {
        Ok(n) if n >= 1 && n <= most.unsigned_abs() as usize => Ok(n),
        _ => Err(Error::bad_input(format!("{name} must be from 1 to {most}, not {n}"))),
    };
    let first = in_range("first", first, MOST_PATHS)?;
    let edges = edges.unwrap_or_default().into_iter().map(Into::into).collect();
    let filter = PathFilter { edges, period, longest: in_range("longest", longest, LONGEST)? };
    let (core, scope, load) = (session::core(ctx)?, session::scope(ctx)?, Loaders::of(ctx)?);
    let both = try_join_all([load.node(ends.0), load.node(ends.1)]).await?;
    if both.iter().any(Option::is_none) {
        return Ok(Paths { items: Vec::new(), more: false, complete: true, reason: Some(EmptyReason::NoData) });
    }
    let found = paths::paths(&*core.graph, scope, ends, &filter, first).await?;
    let path = async |p: paths::Path| -> Result<GraphPath> {
        Ok(GraphPath {
            edges: p.links.iter().map(GraphEdge::of).collect(),
            times: p.times.iter().map(|t| DateTime(*t)).collect(),
            nodes: known(ctx, p.nodes, usize::MAX).await?,
        })
    };
    let reason = found.items.is_empty().then_some(EmptyReason::NoPath);
    let items = try_join_all(found.items.into_iter().map(path)).await?;
    Ok(Paths { items, more: found.more, complete: found.complete, reason })
}
