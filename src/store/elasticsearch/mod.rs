//! The event store on Elasticsearch 8 and OpenSearch 2: where one machine is not enough.
//!
//! ```text
//! append -> _bulk create, the id of the document is that of the event -> index of the event's own month
//! followers <- order of arrival (`_seq_no`) of each shard, whoever wrote it
//! searches  <- queries over folded values; pages by (time, id); numbers by pages of composite aggregations
//! ```
mod append;
mod checkup;
mod document;
mod follow;
mod mapping;
mod numbers;
mod pattern;
mod query;
mod search;
mod values;

use super::{
    Appended, Arrivals, Cursor, EventStore, HostCount, Interval, Order, Page, Query, Summary, TermOrder, Terms,
    Timeline, Values, ValuesQuery,
};
use crate::{
    checkup::Finding,
    elastic::{self, Client, Method, groups::Group},
    error::Result,
    event::{Event, EventId, Field, Period, Position, Scope},
};
use async_trait::async_trait;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the cluster, such as `http://127.0.0.1:9200`.
    pub url: String,
    /// Indices are `PREFIX-2021.10` behind the alias `PREFIX`. Lower-case letters, digits, `-` and `_`.
    pub prefix: String,
    /// Shards of an index that is yet to be made.
    pub shards: u32,
}

/// The event store of a cluster. Several processes may use the same one.
pub struct Elasticsearch(Store);

struct Store {
    client: Client,
    prefix: String,
    shards: u32,
    ready: OnceCell<()>,
}

impl Elasticsearch {
    /// The cluster is not asked before the first use, so that it may start later than this program.
    ///
    /// # Errors
    /// `BAD_INPUT` for an address or a prefix that is none.
    pub fn new(settings: Settings) -> Result<Arc<Self>> {
        Self::on(Client::new(&settings.url)?, settings.prefix, settings.shards)
    }

    /// On a cluster that wants a login.
    ///
    /// # Errors
    /// `BAD_INPUT` for a prefix that is none.
    pub fn on(client: Client, prefix: String, shards: u32) -> Result<Arc<Self>> {
        elastic::check_name(&prefix)?;
        Ok(Arc::new(Self(Store { client, prefix, shards: shards.max(1), ready: OnceCell::new() })))
    }
}

impl Store {
    /// All indices. A pattern, not the alias, because it may match nothing.
    fn indices(&self) -> String {
        format!("{}-*", self.prefix)
    }

    /// Puts the index template, once for each process.
    async fn ready(&self) -> Result<()> {
        let put = || async {
            let path = format!("_index_template/{}", self.prefix);
            self.client.ask(Method::Put, &path, &mapping::template(&self.prefix, self.shards)).await.map(drop)
        };
        self.ready.get_or_try_init(put).await.copied()
    }

    /// The answer of one search over all indices.
    async fn ask(&self, body: &Value) -> Result<Value> {
        self.client.search(&self.indices(), body).await
    }

    async fn groups(
        &self,
        filter: &Value,
        sources: &[Value],
        times: bool,
        f: impl FnMut(Group) -> Result<bool> + Send,
    ) -> Result<()> {
        self.client.groups(&self.indices(), filter, sources, times.then_some("t"), f).await
    }
}

#[async_trait]
impl EventStore for Elasticsearch {
    async fn checkup(&self) -> Vec<Finding> {
        self.0.checkup().await
    }

    async fn append(&self, events: Vec<Event>) -> Result<Appended> {
        self.0.append(events).await
    }

    async fn read(&self, after: &Position, max: usize) -> Result<Arrivals> {
        self.0.read(after, max).await
    }

    async fn head(&self) -> Result<Position> {
        self.0.head().await
    }

    fn look_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    async fn refresh(&self) -> Result<()> {
        self.0.client.refresh(&self.0.indices()).await
    }

    async fn search(
        &self,
        scope: &Scope,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        first: usize,
    ) -> Result<Page> {
        self.0.search(scope, query, order, after, first).await
    }

    async fn count(&self, scope: &Scope, query: &Query) -> Result<u64> {
        self.0.count(&self.0.filter(scope, query).await?).await
    }

    async fn summary(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Summary> {
        self.0.summary(&self.0.filter(scope, query).await?, interval).await
    }

    async fn terms(&self, scope: &Scope, query: &Query, field: Field, order: TermOrder, first: usize) -> Result<Terms> {
        self.0.terms(&self.0.filter(scope, query).await?, field, order, first).await
    }

    async fn values(&self, scope: &Scope, query: &Query, ask: &ValuesQuery) -> Result<Values> {
        self.0.values(scope, query, ask).await
    }

    async fn latest(&self, scope: &Scope, query: &Query, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>> {
        self.0.latest(&self.0.filter(scope, query).await?, hosts).await
    }

    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>> {
        self.0.events(scope, ids).await
    }

    async fn hosts(&self, scope: &Scope, period: Period, after: Option<&str>, first: usize) -> Result<Vec<HostCount>> {
        self.0.hosts(scope, period, after, first).await
    }

    async fn timeline(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Timeline> {
        self.0.timeline(&self.0.filter(scope, query).await?, interval).await
    }
}
