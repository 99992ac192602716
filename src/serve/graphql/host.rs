//! Hosts and lists of them.
use super::{
    load::Loaders,
    node::GraphNode,
    page::List,
    scalar::{DateTime, Long, PageInfo},
    session::viewer,
    statistics::{CodeCount, codes},
};
use crate::{error::Result, event::Period, graph::NodeId, store::HostCount};
use async_graphql::{Context, Object, SimpleObject};

pub struct Host {
    pub count: HostCount,
    pub period: Period,
}

/// A machine, with numbers about its events in the period asked.
#[Object]
impl Host {
    /// Name in normal form.
    async fn name(&self) -> &str {
        &self.count.host
    }
    /// Events.
    async fn events(&self) -> Long {
        Long(self.count.events)
    }
    /// Time of its first event.
    async fn first_seen(&self) -> DateTime {
        DateTime(self.count.first)
    }
    /// Time of its last event.
    async fn last_seen(&self) -> DateTime {
        DateTime(self.count.last)
    }
    /// Events per code, ascending by code.
    async fn codes(&self) -> Vec<CodeCount> {
        codes(self.count.codes.clone())
    }
    /// Number of hits on its events in the period.
    #[graphql(guard = "viewer")]
    async fn hits(&self, ctx: &Context<'_>) -> Result<Long> {
        Loaders::of(ctx)?.host_hits(self.count.host.clone(), self.period).await.map(Long)
    }
    /// The host in the graph.
    #[graphql(guard = "viewer")]
    async fn node(&self, ctx: &Context<'_>) -> Result<Option<GraphNode>> {
        let id = NodeId::host(&self.count.host);
        Ok(Loaders::of(ctx)?.node(id).await?.map(GraphNode))
    }
}

/// One page of hosts, by name.
#[derive(SimpleObject)]
pub struct HostConnection {
    /// Hosts of this page.
    nodes: Vec<Host>,
    /// Where this page ends.
    page_info: PageInfo,
}

impl HostConnection {
    /// `counts` holds one more than `first` when more follow.
    pub fn new(mut counts: Vec<HostCount>, first: usize, period: Period) -> Self {
        let has_next_page = counts.len() > first;
        counts.truncate(first);
        let end_cursor = counts.last().map(|h| List::Hosts.cursor(&h.host));
        let nodes = counts.into_iter().map(|count| Host { count, period }).collect();
        Self { nodes, page_info: PageInfo { has_next_page, end_cursor } }
    }
}
