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
mod foreign;
mod leaf;
mod mapping;
mod numbers;
mod pace;
mod pattern;
mod query;
mod retention;
mod search;
mod template;
mod tree;
mod values;

use super::{
    Appended, Arrivals, Cursor, EventStore, HostCount, Interval, Order, Page, Query, Summary, TermOrder, Terms,
    Timeline, Values, ValuesQuery,
};
use crate::{
    checkup::Finding,
    elastic::{self, Access, Client, Needed, groups::Group},
    error::Result,
    event::{Event, EventId, Field, Period, Position, Scope, Time},
};
use async_trait::async_trait;
use foreign::places::Places;
pub use foreign::{Foreign, Normalise};
pub use mapping::Substring;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

#[derive(Debug, Clone)]
pub struct Settings {
    pub access: Access,
    /// Indices are `PREFIX-2021.10` behind the alias `PREFIX`. Lower-case letters, digits, `-` and `_`.
    pub prefix: String,
    /// Shards of an index that is yet to be made.
    pub shards: u32,
    /// How new indices find a text inside of values; `None` takes the best that the cluster has.
    pub substring: Option<Substring>,
    /// Indices that others fill, to be searched and followed too.
    pub foreign: Option<Foreign>,
    /// Months that are kept besides the present one; `None` keeps all.
    pub keep_months: Option<u32>,
}

/// The event store of a cluster. Several processes may use the same one.
pub struct Elasticsearch(Store);

struct Store {
    client: Client,
    prefix: String,
    shards: u32,
    substring: Option<Substring>,
    template: Needed<Substring>,
    foreign: Option<Foreign>,
    places: Places,
    keep_months: Option<u32>,
}

impl Elasticsearch {
    /// The cluster is not asked before the first use, so that it may start later than this program.
    ///
    /// # Errors
    /// `BAD_INPUT` for an access or a prefix that is none.
    pub fn new(settings: Settings) -> Result<Arc<Self>> {
        let Settings { access, prefix, shards, substring, foreign, keep_months } = settings;
        elastic::check_name(&prefix)?;
        let foreign = foreign.filter(|f| !f.indices.is_empty());
        if let Some(foreign) = &foreign {
            foreign.check(&prefix)?;
        }
        let client = Client::connect(&access)?;
        let (shards, template, places) = (shards.max(1), Needed::default(), Places::default());
        Ok(Arc::new(Self(Store { client, prefix, shards, substring, template, foreign, places, keep_months })))
    }

    /// How new indices find a text inside of values. Asks the cluster at the first time.
    ///
    /// # Errors
    /// `BAD_INPUT` where the cluster does not have what the settings force, `UNAVAILABLE` where it does not answer.
    pub async fn substring(&self) -> Result<Substring> {
        self.0.ready().await
    }
}

/// What matches a query: ours by a filter, and the events of others.
struct Asked {
    ours: Value,
    /// By time, then id.
    theirs: Vec<Arc<Event>>,
}

impl Store {
    async fn asked(&self, scope: &Scope, query: &Query) -> Result<Asked> {
        Ok(Asked { ours: self.filter(scope, query).await?, theirs: self.theirs(scope, query).await? })
    }

    /// All indices. A pattern, not the alias, because it may match nothing.
    fn indices(&self) -> String {
        format!("{}-*", self.prefix)
    }

    /// Puts the index template where it may not be there.
    async fn ready(&self) -> Result<Substring> {
        self.template.get(&self.client, self.put_template()).await
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

    async fn own_head(&self) -> Result<Position> {
        self.0.own_head().await
    }

    fn look_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    async fn drop_old(&self, now: Time) -> Result<Vec<String>> {
        self.0.drop_old(now).await
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
        self.0.count(&self.0.asked(scope, query).await?).await
    }

    async fn summary(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Summary> {
        self.0.summary(&self.0.asked(scope, query).await?, interval).await
    }

    async fn terms(&self, scope: &Scope, query: &Query, field: Field, order: TermOrder, first: usize) -> Result<Terms> {
        self.0.terms(&self.0.asked(scope, query).await?, field, order, first).await
    }

    async fn values(&self, scope: &Scope, query: &Query, ask: &ValuesQuery) -> Result<Values> {
        self.0.values(scope, query, ask).await
    }

    async fn latest(&self, scope: &Scope, query: &Query, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>> {
        self.0.latest(&self.0.asked(scope, query).await?, hosts).await
    }

    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>> {
        self.0.events(scope, ids).await
    }

    async fn hosts(&self, scope: &Scope, period: Period, after: Option<&str>, first: usize) -> Result<Vec<HostCount>> {
        self.0.hosts(scope, period, after, first).await
    }

    async fn timeline(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Timeline> {
        self.0.timeline(&self.0.asked(scope, query).await?, interval).await
    }
}
