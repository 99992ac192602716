//! Events and lists of them.
use super::{
    cost, describe,
    enums::{EventOrder, Language},
    hit::HitObject,
    id::GlobalId,
    load::Loaders,
    node::GraphNode,
    page::List,
    scalar::{DateTime, IntervalInput, Long, PageInfo, Total, interval},
    session::{self, viewer},
    statistics::Summary,
};
use crate::{
    error::{Error, Result},
    event::{Event, EventCode, EventId, Field, Key, Time, document},
    graph::project,
    store::{Cursor, Order, Page, Query},
};
use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject};
use futures_util::future::try_join_all;
use std::sync::Arc;
use tokio::sync::OnceCell;

pub fn code_name(code: u32) -> String {
    EventCode::get(code).map_or_else(|| format!("Unknown{code}"), |c| c.name.to_owned())
}

pub fn code_category(code: u32) -> &'static str {
    EventCode::get(code).map_or("other", |c| c.category.as_str())
}

pub struct EventObject(pub Arc<Event>);

fn non_empty(text: &Arc<str>) -> String {
    text.to_string()
}

/// One Sysmon record.
#[Object(name = "Event")]
impl EventObject {
    /// Global id.
    pub async fn id(&self) -> ID {
        GlobalId::Event(self.0.id).into()
    }
    /// Stable identity of the record: the same record imported twice is one event.
    async fn event_id(&self) -> String {
        self.0.id.to_string()
    }
    /// Sysmon's number of the kind of event, such as 1 for a process creation.
    async fn code(&self) -> u32 {
        self.0.code
    }
    /// Sysmon's name of the kind of event, such as ProcessCreate.
    async fn name(&self) -> String {
        code_name(self.0.code)
    }
    /// Coarse kind: process, file, registry, network, dns, image, pipe, wmi, other.
    async fn category(&self) -> &'static str {
        code_category(self.0.code)
    }
    /// `UtcTime`; where it is absent, `TimeCreated`.
    async fn time(&self) -> DateTime {
        DateTime(self.0.time)
    }
    /// When Windows logged the record.
    async fn time_created(&self) -> Option<DateTime> {
        self.0.system.time_created.map(DateTime)
    }
    /// Host in normal form: lower case, without a trailing dot.
    async fn host(&self) -> String {
        self.0.host()
    }
    /// Host as the record has it.
    async fn computer(&self) -> String {
        non_empty(&self.0.system.computer)
    }
    /// Technique of MITRE ATT&CK that Sysmon's configuration names for it, such as T1059.001.
    async fn technique(&self) -> Option<String> {
        self.0.get(Field::RuleName).and_then(crate::event::attack::of_rule_name)
    }
    /// Windows event channel.
    async fn channel(&self) -> String {
        non_empty(&self.0.system.channel)
    }
    /// Windows event provider.
    async fn provider(&self) -> String {
        non_empty(&self.0.system.provider)
    }
    /// Number of the record in its channel.
    async fn record_id(&self) -> Option<Long> {
        self.0.system.record_id.map(Long)
    }
    /// Image of the acting process, whichever field the code has it in.
    async fn image(&self) -> Option<&str> {
        describe::image(&self.0)
    }
    /// Acting user, whichever field the code has it in.
    async fn user(&self) -> Option<&str> {
        describe::user(&self.0)
    }
    /// One line a person can read.
    async fn description(&self, #[graphql(desc = "Language of the line.", default)] language: Language) -> String {
        describe::describe(&self.0, language)
    }
    /// Value of one field; several values are joined by a comma. Absent where the event does not have it.
    async fn field(
        &self,
        #[graphql(desc = "Name of a Sysmon, System or computed field, or of any other value of the record.")]
        name: String,
    ) -> Option<String> {
        value(&self.0, &name)
    }
    /// Values of several fields, each as `field` gives it, in the order asked.
    #[graphql(complexity = "cost::fixed(5, child_complexity)")]
    async fn values(
        &self,
        #[graphql(desc = "Names of fields, 50 at most.")] names: Vec<String>,
    ) -> Result<Vec<Option<String>>> {
        if names.len() > MAX_NAMES {
            return Err(Error::bad_input(format!("values: more than {MAX_NAMES} names")));
        }
        Ok(names.iter().map(|n| value(&self.0, n)).collect())
    }
    /// All of EventData in the order of Sysmon's manifest.
    #[graphql(complexity = "cost::fixed(5, child_complexity)")]
    async fn fields(&self) -> Vec<EventField> {
        self.0.data.iter().map(|(k, v)| EventField { name: k.name().to_owned(), value: v.to_string() }).collect()
    }
    /// The stored form: winlogbeat's layout with ECS names.
    #[graphql(complexity = "20")]
    async fn document(&self) -> Json<serde_json::Value> {
        Json(document::document(&self.0))
    }
    /// The acting process.
    #[graphql(guard = "viewer", complexity = "cost::fixed(2, child_complexity)")]
    async fn process(&self, ctx: &Context<'_>) -> Result<Option<GraphNode>> {
        let Some(id) = project::acting_process(&self.0) else { return Ok(None) };
        Ok(Loaders::of(ctx)?.node(id).await?.map(GraphNode))
    }
    /// Everything in the graph that the event tells of: its host, processes, files, addresses.
    #[graphql(guard = "viewer", complexity = "cost::fixed(10, 10 * child_complexity)")]
    async fn graph_nodes(&self, ctx: &Context<'_>) -> Result<Vec<GraphNode>> {
        let loaders = Loaders::of(ctx)?;
        let nodes = try_join_all(project::nodes(&self.0).into_iter().map(|id| loaders.node(id))).await?;
        Ok(nodes.into_iter().flatten().map(GraphNode).collect())
    }
    /// Hits of rules on this event.
    #[graphql(guard = "viewer", complexity = "cost::fixed(2, child_complexity)")]
    async fn hits(&self, ctx: &Context<'_>) -> Result<Vec<HitObject>> {
        Ok(Loaders::of(ctx)?.hits(self.0.id).await?.iter().cloned().map(HitObject).collect())
    }
}

/// Names of one `values` at most.
const MAX_NAMES: usize = 50;

fn value(event: &Event, name: &str) -> Option<String> {
    let values = event.key_values(&Key::parse(name));
    (!values.is_empty()).then(|| values.join(","))
}

/// One value of EventData.
#[derive(SimpleObject)]
pub struct EventField {
    /// Sysmon's name of the field.
    name: String,
    /// Its value as normalised text.
    value: String,
}

/// One event of a list, with its place.
#[derive(SimpleObject)]
pub struct EventEdge {
    /// Place of the event, to be given as `after`.
    cursor: String,
    /// The event.
    node: EventObject,
}

/// The result of a search. What is not asked for is not computed.
pub struct EventConnection {
    pub query: Query,
    pub order: Order,
    pub after: Option<Cursor>,
    pub first: usize,
    pub page: OnceCell<Page>,
}

/// Order by the values of a field; events without one come last.
#[derive(Debug, Clone, InputObject)]
pub struct SortInput {
    /// Sysmon, System or computed field; `Image` and `User` are those of the acting process.
    field: String,
    /// Greatest value first.
    #[graphql(default = false)]
    descending: bool,
}

/// # Errors
/// `BAD_INPUT` for a field that is not known.
pub fn order(order: EventOrder, sort: Option<SortInput>) -> Result<Order> {
    Ok(match (sort, order) {
        (Some(SortInput { field, descending }), _) => Order::By { field: known_field(&field)?, descending },
        (None, EventOrder::NewestFirst) => Order::NewestFirst,
        (None, EventOrder::OldestFirst) => Order::OldestFirst,
    })
}

/// # Errors
/// `BAD_INPUT` for a field that is not known.
pub fn known_field(name: &str) -> Result<Field> {
    let known = Field::parse(name);
    known.ok_or_else(|| Error::bad_input(format!("unknown field {name:?}: name a field as in the query `fields`")))
}

fn cursor(event: &Event) -> String {
    List::Events.cursor(format_args!("{}:{}", event.time.0, event.id))
}

pub fn read_cursor(after: Option<&str>) -> Result<Option<Cursor>> {
    List::Events.read_with(after, |body| {
        let (time, id) = body.split_once(':')?;
        Some(Cursor { time: Time(time.parse().ok()?), id: EventId::parse(id)? })
    })
}

impl EventConnection {
    async fn page(&self, ctx: &Context<'_>) -> Result<&Page> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let search = || core.store.search(scope, &self.query, self.order, self.after, self.first);
        self.page.get_or_try_init(search).await
    }
}

/// One page of the events that match, and numbers about all of them.
#[Object]
impl EventConnection {
    /// Events of this page.
    #[graphql(guard = "viewer")]
    async fn nodes(&self, ctx: &Context<'_>) -> Result<Vec<EventObject>> {
        Ok(self.page(ctx).await?.events.iter().cloned().map(EventObject).collect())
    }
    /// Events of this page with their places.
    #[graphql(guard = "viewer")]
    async fn edges(&self, ctx: &Context<'_>) -> Result<Vec<EventEdge>> {
        let edge = |e: &Arc<Event>| EventEdge { cursor: cursor(e), node: EventObject(e.clone()) };
        Ok(self.page(ctx).await?.events.iter().map(edge).collect())
    }
    /// Where this page ends.
    #[graphql(guard = "viewer")]
    async fn page_info(&self, ctx: &Context<'_>) -> Result<PageInfo> {
        let page = self.page(ctx).await?;
        Ok(PageInfo { has_next_page: page.more, end_cursor: page.events.last().map(|e| cursor(e)) })
    }
    /// All events that match, not only those of this page.
    #[graphql(guard = "viewer")]
    async fn total(&self, ctx: &Context<'_>) -> Result<Total> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        core.store.count(scope, &self.query).await.map(Total::of)
    }
    /// Hosts, histogram and counts per code of all events that match.
    #[graphql(guard = "viewer")]
    async fn summary(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Width of the buckets; by default a round one that gives at most 60.")] interval: Option<
            IntervalInput,
        >,
    ) -> Result<Summary> {
        summary(ctx, &self.query, interval).await
    }
}

pub async fn summary(ctx: &Context<'_>, query: &Query, input: Option<IntervalInput>) -> Result<Summary> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    Summary::new(core.store.summary(scope, query, interval(input)?).await?)
}
