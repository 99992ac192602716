//! Everything that can be read.
use super::{
    alert::{self, AlertConnection, AlertCounts, AlertGrouping, AuditLog},
    alert_input::AlertFilterInput,
    attack::{self, LayerOf, Technique},
    burden::Burdens,
    checkup::CheckupFinding,
    condition::{ConditionInput, condition},
    cost,
    editor::{self, RuleExplanation, RuleProblem, RuleSearch, RuleTrial, SearchRule},
    enums::{EdgeType, EventOrder, HostOrder, TermOrder, ValueOrder},
    event::{self, EventConnection, EventObject, SortInput},
    exception::{self, ExceptionInput, ExceptionPreview, RuleException},
    hit::{self, HitConnection, HitFilterInput},
    host::{self, Host, HostConnection, HostFilterInput},
    hunt::{self, HuntJob},
    id::{self, GlobalId, NodeObject},
    indicator::{IndicatorConnection, IndicatorFilterInput, IndicatorImport},
    job::{DeadLetterConnection, ImportJob},
    load::Loaders,
    lookup::{self, Paths},
    node::{self, GraphNode, ProcessTree},
    page::{self, List},
    report::{self, ReportSearch},
    rule::{RuleConnection, RuleFilterInput, RuleObject},
    rule_hits::RuleHits,
    saved::SavedSearch,
    scalar::{IntervalInput, PeriodInput, period},
    session::{self, admin, analyst, viewer},
    statistics::{BaselineInput, FieldValues, Summary, Terms, Timeline},
    user::{self, EventCodeInfo, FieldInfo, ServerInfo, User, Viewer},
    webhook::{DeliveryConnection, DeliveryState, WebhookObject},
};
use crate::{
    catalog::JobKind,
    error::{Code, Error, Result},
    event::{Scope, normal_host},
    graph::NodeId,
    store,
};
use async_graphql::{Context, ID, Json, Object};
use futures_util::future::try_join_all;
use tokio::sync::OnceCell;

pub struct Query;

/// Ids of one `nodes` at most.
const MAX_NODES: usize = page::MAX as usize;

fn store_query(input: Option<ConditionInput>, of: Option<PeriodInput>) -> Result<store::Query> {
    Ok(store::Query { condition: condition(input)?, period: period(of)? })
}

/// Everything that can be read.
#[allow(clippy::too_many_arguments, reason = "arguments of a field of the schema")]
#[Object]
impl Query {
    /// Facts about the server; public.
    async fn server_info(&self) -> ServerInfo {
        user::SERVER
    }
    /// The caller.
    #[graphql(guard = "viewer")]
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer::from(&session::caller(ctx)?.user))
    }
    /// Whatever a global id names; absent where there is nothing, or not in the caller's scope.
    #[graphql(guard = "viewer")]
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Global id.")] id: ID) -> Result<Option<NodeObject>> {
        id::resolve(ctx, GlobalId::read(&id)?).await
    }
    /// As `node`, for up to 500 ids, in their order.
    #[graphql(guard = "viewer", complexity = "cost::list(ids.len() as i32, child_complexity)")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<NodeObject>>> {
        if ids.len() > MAX_NODES {
            return Err(Error::new(Code::TooLarge, format!("nodes: more than {MAX_NODES} ids")));
        }
        let ids = ids.iter().map(GlobalId::read).collect::<Result<Vec<_>>>()?;
        try_join_all(ids.into_iter().map(|id| id::resolve(ctx, id))).await
    }
    /// Events that match, page by page past any depth.
    #[graphql(guard = "viewer", complexity = "cost::list(first, child_complexity)")]
    async fn events(
        &self,
        #[graphql(desc = "Which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Order by time, then id.", default_with = "EventOrder::NewestFirst")] order: EventOrder,
        #[graphql(desc = "Order by a field, then by time; goes before `order`.")] sort: Option<SortInput>,
        #[graphql(desc = "Events of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the event before the page.")] after: Option<String>,
    ) -> Result<EventConnection> {
        Ok(EventConnection {
            query: store_query(condition, period)?,
            order: event::order(order, sort)?,
            after: event::read_cursor(after.as_deref())?,
            first: page::size(first)?,
            page: OnceCell::new(),
        })
    }
    /// One event, by its global id or its `eventId`.
    #[graphql(guard = "viewer")]
    async fn event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id or `eventId`.")] id: ID,
    ) -> Result<Option<EventObject>> {
        Ok(Loaders::of(ctx)?.event(id::event_id(&id)?).await?.map(EventObject))
    }
    /// Numbers about all events that match.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn summary(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Width of the buckets; by default a round one that gives at most 60.")] interval: Option<
            IntervalInput,
        >,
    ) -> Result<Summary> {
        event::summary(ctx, &store_query(condition, period)?, interval).await
    }
    /// Top or rare values of a field, over all events that match.
    #[graphql(guard = "viewer", complexity = "cost::STATISTIC + cost::list(first, child_complexity)")]
    async fn terms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Sysmon, System or computed field; see `fields`.")] field: String,
        #[graphql(desc = "Which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Most or fewest events first.", default_with = "TermOrder::Top")] order: TermOrder,
        #[graphql(desc = "Values at most, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Terms> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let known = event::known_field(&field)?;
        let query = store_query(condition, period)?;
        let terms = core.store.terms(scope, &query, known, order.into(), page::size(first)?).await?;
        Ok(Terms::new(known.name().to_owned(), terms))
    }
    /// Values of a field, or combinations of the values of several, with when and where they occur, over all events
    /// that match; compared with a baseline.
    #[graphql(guard = "viewer", complexity = "cost::STATISTIC + cost::list(first, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "arguments of the API")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Fields, 1 to 3; of several, the combinations within an event are counted.")] fields: Vec<
            String,
        >,
        #[graphql(desc = "Which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "What to compare with.")] baseline: Option<BaselineInput>,
        #[graphql(desc = "Leave out what the baseline has too.", default = false)] only_new: bool,
        #[graphql(desc = "What to order by.", default_with = "ValueOrder::Events")] order: ValueOrder,
        #[graphql(desc = "Greatest first.", default = true)] descending: bool,
        #[graphql(desc = "Values at most, 1 to 500.", default = 20)] first: i32,
    ) -> Result<FieldValues> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let query = store_query(condition, period)?;
        let ask = store::ValuesQuery {
            fields: fields.iter().map(|f| event::known_field(f)).collect::<Result<_>>()?,
            baseline: baseline.map(BaselineInput::query).transpose()?,
            only_new,
            order: order.into(),
            descending,
            first: page::size(first)?,
        };
        Ok(FieldValues::new(&ask, core.store.values(scope, &query, &ask).await?))
    }
    /// Hosts, with numbers about their events in the period.
    #[graphql(guard = "viewer", complexity = "cost::STATISTIC + cost::list(first, child_complexity)")]
    async fn hosts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Which hosts; absent means all that have an event in the period.")] filter: Option<
            HostFilterInput,
        >,
        #[graphql(desc = "Order; ties by name.", default_with = "HostOrder::Name")] order: HostOrder,
        #[graphql(desc = "Greatest first.", default = false)] descending: bool,
        #[graphql(desc = "Hosts of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the host before the page.")] after: Option<String>,
    ) -> Result<HostConnection> {
        let wanted = host::Wanted {
            period: super::scalar::period(period)?,
            filter: filter.unwrap_or_default(),
            order,
            descending,
            first: page::size(first)?,
        };
        host::page(session::core(ctx)?, session::scope(ctx)?, wanted, after.as_deref()).await
    }
    /// One host; absent where it has no events in the period.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn host(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the host.")] name: String,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
    ) -> Result<Option<Host>> {
        let (core, name) = (session::core(ctx)?, normal_host(&name));
        let scope = session::scope(ctx)?;
        if !scope.allows(&name) {
            return Ok(None);
        }
        let period = super::scalar::period(period)?;
        let counts = core.store.hosts(&Scope::hosts([&name]), period, None, 1).await?;
        Ok(counts.into_iter().find(|c| c.host == name && c.events > 0).map(|count| Host { count, period }))
    }
    /// Events over time per code: of one host, or of all that match.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this host.")] host: Option<String>,
        #[graphql(desc = "Which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Width of the buckets; by default a round one that gives at most 60.")] interval: Option<
            IntervalInput,
        >,
    ) -> Result<Timeline> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let query = store_query(condition, period)?;
        let scope = match host.map(|h| normal_host(&h)) {
            Some(host) if scope.allows(&host) => Scope::hosts([host]),
            Some(_) => Scope::hosts([""; 0]),
            None => scope.clone(),
        };
        Timeline::new(core.store.timeline(&scope, &query, super::scalar::interval(interval)?).await?)
    }
    /// Processes of a host that ran in the period, as a tree.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn process_tree(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the host.")] host: String,
        #[graphql(desc = "When the processes ran.")] period: Option<PeriodInput>,
        #[graphql(desc = "Processes of a page, 1 to 500.", default = 200)] first: i32,
        #[graphql(desc = "Cursor of the process before the page.")] after: Option<String>,
    ) -> Result<ProcessTree> {
        node::tree(ctx, &normal_host(&host), period, page::size(first)?, after.as_deref()).await
    }
    /// A node of the graph.
    #[graphql(guard = "viewer")]
    async fn graph_node(&self, ctx: &Context<'_>, #[graphql(desc = "Global id.")] id: ID) -> Result<Option<GraphNode>> {
        Ok(Loaders::of(ctx)?.node(id::graph_id(&id)?).await?.map(GraphNode))
    }
    /// A process.
    #[graphql(guard = "viewer")]
    async fn process(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "ProcessGuid, with or without braces.")] guid: String,
    ) -> Result<Option<GraphNode>> {
        Ok(Loaders::of(ctx)?.node(NodeId::process(&guid)).await?.map(GraphNode))
    }
    /// Nodes of exactly this name on any host: host, user, address, domain, hash, ProcessGuid, signer, path of a file
    /// or stream, registry key or value, pipe.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn find_nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name, in any case; an address, domain or path in any writing.")] name: String,
        #[graphql(desc = "Nodes at most, 1 to 500.", default = 50)] first: i32,
    ) -> Result<Vec<GraphNode>> {
        lookup::by_name(ctx, &name, page::size(first)?).await
    }
    /// Paths from one node to another in order of time: how the one can have led to the other.
    #[graphql(guard = "viewer", complexity = "cost::WALK * 10 + cost::list(first, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "arguments of a GraphQL field")]
    async fn paths(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the node where they begin.")] from: ID,
        #[graphql(desc = "Global id of the node where they end.")] to: ID,
        #[graphql(desc = "Edge types; empty means all along which cause and effect go.")] edges: Option<Vec<EdgeType>>,
        #[graphql(desc = "Only edges seen in this period.")] period: Option<PeriodInput>,
        #[graphql(desc = "Edges of a path at most, 1 to 20; never more than two above the shortest one.", default = 6)]
        longest: i32,
        #[graphql(desc = "Paths at most, 1 to 50.", default = 5)] first: i32,
    ) -> Result<Paths> {
        let ends = (id::graph_id(&from)?, id::graph_id(&to)?);
        lookup::paths(ctx, ends, edges, super::scalar::period(period)?, (longest, first)).await
    }
    /// Rules by title.
    #[graphql(guard = "viewer", complexity = "cost::STATISTIC + cost::list(first, child_complexity)")]
    async fn rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rules; absent means all.")] filter: Option<RuleFilterInput>,
        #[graphql(desc = "Rules of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the rule before the page.")] after: Option<String>,
    ) -> Result<RuleConnection> {
        let rules = session::core(ctx)?.catalog.rules().await?;
        let filter = filter.unwrap_or_default();
        let burdens = Burdens::new(ctx, filter.slow.is_some(), filter.noisy.is_some()).await?;
        let set = session::core(ctx)?.pipeline.rule_set();
        RuleConnection::new(rules, (&filter, &burdens, &set), page::size(first)?, after.as_deref())
    }
    /// One rule, by its global id or its `ruleId`.
    #[graphql(guard = "viewer")]
    async fn rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id or `ruleId`.")] id: ID,
    ) -> Result<Option<RuleObject>> {
        Ok(Loaders::of(ctx)?.rule(id::rule_id(&id)?).await?.map(RuleObject))
    }
    /// What is wrong with the text of Sigma rules, errors first.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn check_rule(&self, #[graphql(desc = "Sigma YAML.")] yaml: String) -> Result<Vec<RuleProblem>> {
        editor::check(yaml).await
    }
    /// Why a rule matches an event, or does not; absent where there is no such event.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn explain_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Sigma YAML of one rule, or of correlations with rules of theirs; others may be stored.")]
        yaml: String,
        #[graphql(desc = "Global id or `eventId`.")] event: ID,
    ) -> Result<Option<RuleExplanation>> {
        editor::explain(ctx, yaml, &event).await
    }
    /// What a rule would have hit in the past, before it is enabled.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn test_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Sigma YAML of one rule, or of correlations with rules of theirs; others may be stored.")]
        yaml: String,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Events of the sample at most, 1 to 500.", default = 20)] first: i32,
    ) -> Result<RuleTrial> {
        editor::trial(ctx, yaml, period, first).await
    }
    /// A rule as a search, where a search can say the same.
    #[graphql(guard = "viewer")]
    async fn rule_search(&self, #[graphql(desc = "Sigma YAML of one rule.")] yaml: String) -> Result<RuleSearch> {
        editor::as_search(yaml).await
    }
    /// A search as a rule, where a rule can say the same; nothing is stored. The period of a search is no part of it.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn search_rule(
        &self,
        #[graphql(desc = "Condition of the search.")] condition: ConditionInput,
        #[graphql(desc = "Title of the rule.")] title: String,
        #[graphql(desc = "What it finds.", default)] description: String,
        #[graphql(desc = "Level: informational, low, medium, high, critical.", default_with = "\"medium\".to_owned()")]
        level: String,
    ) -> Result<SearchRule> {
        editor::as_rule(condition, &title, description, &level).await
    }
    /// Hits of rules, newest stored first.
    #[graphql(guard = "viewer", complexity = "cost::list(first, child_complexity)")]
    async fn hits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hits; absent means all.")] filter: Option<HitFilterInput>,
        #[graphql(desc = "Hits of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the hit before the page.")] after: Option<String>,
    ) -> Result<HitConnection> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let filter = hit::filter(filter)?;
        let before = List::Hits.number(after.as_deref())?;
        let page = core.catalog.hits(scope, &filter, before, page::size(first)?).await?;
        Ok(HitConnection { filter, page, total: None })
    }
    /// Hits by rule, of those events only that a condition finds: the rules behind a search, or on a host.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, cost::list(first, child_complexity))")]
    async fn rule_hits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; absent means all.")] condition: Option<ConditionInput>,
        #[graphql(desc = "Which hits; absent means all.")] filter: Option<HitFilterInput>,
        #[graphql(desc = "Rules at most, 1 to 500.", default = 50)] first: i32,
    ) -> Result<RuleHits> {
        let condition = self::condition(condition)?;
        RuleHits::new(ctx, &condition, hit::filter(filter)?, page::size(first)?).await
    }
    /// Alerts: hits grouped by rule and host, newest made first.
    #[graphql(guard = "viewer", complexity = "cost::list(first, child_complexity)")]
    async fn alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which alerts; absent means all.")] filter: Option<AlertFilterInput>,
        #[graphql(desc = "Alerts of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the alert before the page.")] after: Option<String>,
    ) -> Result<AlertConnection> {
        AlertConnection::new(ctx, filter, first, after.as_deref()).await
    }
    /// Numbers of alerts per rule or host, most first; or per day, oldest first, the latest days.
    #[graphql(guard = "viewer", complexity = "cost::STATISTIC + cost::list(first, child_complexity)")]
    async fn alert_counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What they are counted by.")] by: AlertGrouping,
        #[graphql(desc = "Which alerts; absent means all.")] filter: Option<AlertFilterInput>,
        #[graphql(desc = "Numbers at most, 1 to 500.", default = 50)] first: i32,
    ) -> Result<AlertCounts> {
        alert::counts(ctx, by, filter, first).await
    }
    /// Who changed alerts, rules and webhooks, newest first; for admins who see all hosts.
    #[graphql(guard = "admin", complexity = "cost::list(first, child_complexity)")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Entries of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
    ) -> Result<AuditLog> {
        alert::audit_log(ctx, first, after.as_deref()).await
    }
    /// What rules leave out in this environment, by title.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn exceptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this rule: global id or `ruleId`.")] rule: Option<ID>,
    ) -> Result<Vec<RuleException>> {
        RuleException::all(ctx, rule).await
    }
    /// What an exception would have hidden, before it is made.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn preview_exception(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exception.")] input: ExceptionInput,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
        #[graphql(desc = "Hits of the sample at most, 1 to 500.", default = 20)] first: i32,
    ) -> Result<ExceptionPreview> {
        exception::preview(ctx, input, period, first).await
    }
    /// Techniques of MITRE ATT&CK that rules or Sysmon's configuration name, by id.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn techniques(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
    ) -> Result<Vec<Technique>> {
        attack::techniques(ctx, period).await
    }
    /// A layer of the ATT&CK Navigator in its format 4.5, as JSON.
    #[graphql(guard = "viewer", complexity = "cost::STATISTIC")]
    async fn attack_layer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it shows.")] of: LayerOf,
        #[graphql(desc = "Time of the events.")] period: Option<PeriodInput>,
    ) -> Result<Json<serde_json::Value>> {
        attack::layer(ctx, of, period).await
    }
    /// Webhooks by name; for admins who see all hosts.
    #[graphql(guard = "admin", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn webhooks(&self, ctx: &Context<'_>) -> Result<Vec<WebhookObject>> {
        WebhookObject::all(ctx).await
    }
    /// Messages to a webhook: those that are pending in the order of sending, others newest first. For admins who see
    /// all hosts.
    #[graphql(guard = "admin", complexity = "cost::list(first, child_complexity)")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the webhook.")] webhook: ID,
        #[graphql(desc = "What has become of them.")] state: DeliveryState,
        #[graphql(desc = "Messages of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the message before the page.")] after: Option<String>,
    ) -> Result<DeliveryConnection> {
        DeliveryConnection::new(ctx, &webhook, state, first, after.as_deref()).await
    }
    /// Indicators of threat reports, in the order of storing.
    #[graphql(guard = "viewer", complexity = "cost::list(first, child_complexity)")]
    async fn indicators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which indicators; absent means all.")] filter: Option<IndicatorFilterInput>,
        #[graphql(desc = "Indicators of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the indicator before the page.")] after: Option<String>,
    ) -> Result<IndicatorConnection> {
        IndicatorConnection::new(ctx, filter.unwrap_or_default(), first, after.as_deref()).await
    }
    /// Imports of indicators, newest first.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn indicator_imports(&self, ctx: &Context<'_>) -> Result<Vec<IndicatorImport>> {
        let imports = session::core(ctx)?.catalog.indicator_imports().await?;
        Ok(imports.into_iter().map(IndicatorImport::from).collect())
    }
    /// A threat report as a search: any of its indicators. Nothing of it is stored.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn report_search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the file is called.")] name: String,
        #[graphql(
            desc = "Its content, at most 900 KiB: STIX 1 or 2, OpenIOC, MISP, CSV, or a list with one value on \
                          each line."
        )]
        text: String,
    ) -> Result<ReportSearch> {
        report::search(session::core(ctx)?, name, text).await
    }
    /// Import jobs, newest first.
    #[graphql(guard = "viewer", complexity = "cost::list(first, child_complexity)")]
    async fn import_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Jobs at most, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<ImportJob>> {
        let jobs = session::core(ctx)?.catalog.jobs(JobKind::Import, None, page::size(first)?).await?;
        Ok(jobs.into_iter().filter_map(ImportJob::of).collect())
    }
    /// Retro-hunts, newest first. Their counts are of all hosts: for those who see all hosts.
    #[graphql(guard = "viewer", complexity = "cost::list(first, child_complexity)")]
    async fn hunts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Hunts at most, 1 to 500.", default = 20)] first: i32,
    ) -> Result<Vec<HuntJob>> {
        hunt::list(ctx, page::size(first)?).await
    }
    /// One import job.
    #[graphql(guard = "viewer")]
    async fn import_job(&self, ctx: &Context<'_>, #[graphql(desc = "Global id.")] id: ID) -> Result<Option<ImportJob>> {
        id::job(ctx, &id).await
    }
    /// Records that could not be imported, newest first. They hold text of any host: for those who see all hosts.
    #[graphql(guard = "analyst", complexity = "cost::list(first, child_complexity)")]
    async fn dead_letters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Import job that they belong to; absent means all.")] job: Option<ID>,
        #[graphql(desc = "Dead letters of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the dead letter before the page.")] after: Option<String>,
    ) -> Result<DeadLetterConnection> {
        if *session::scope(ctx)? != Scope::All {
            return Err(Error::new(Code::Forbidden, "dead letters are for those who may see all hosts"));
        }
        let first = page::size(first)?;
        let before = List::DeadLetters.number(after.as_deref())?;
        let job = job.as_ref().map(id::job_key).transpose()?;
        let letters = session::core(ctx)?.catalog.dead_letters(job.as_deref(), before, first + 1).await?;
        Ok(DeadLetterConnection::new(letters, first, job))
    }
    /// All who may log in.
    #[graphql(guard = "admin")]
    async fn users(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        Ok(session::core(ctx)?.catalog.users().await?.iter().map(User::from).collect())
    }
    /// What the engines find about themselves, and how far their followers are.
    #[graphql(guard = "admin", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn checkup(&self, ctx: &Context<'_>) -> Result<Vec<CheckupFinding>> {
        Ok(session::core(ctx)?.pipeline.engines().checkup().await.into_iter().map(CheckupFinding::from).collect())
    }
    /// Searches that the caller has saved, and those that others share with all, by name.
    #[graphql(guard = "viewer")]
    async fn saved_searches(&self, ctx: &Context<'_>) -> Result<Vec<SavedSearch>> {
        SavedSearch::of_caller(ctx).await
    }
    /// Names that conditions and statistics may use: criteria, then fields.
    #[graphql(guard = "viewer")]
    async fn fields(&self) -> Vec<FieldInfo> {
        user::fields()
    }
    /// Kinds of events.
    #[graphql(guard = "viewer")]
    async fn event_codes(&self) -> Vec<EventCodeInfo> {
        user::event_codes()
    }
}
