//! Alerts, what people said about them, and the log of changes.
use super::{
    alert_input::AlertFilterInput,
    cost,
    hit::HitConnection,
    id::GlobalId,
    load::Loaders,
    page::{self, List},
    rule::RuleObject,
    scalar::{DateTime, Long, PageInfo, Total},
    session::{self, viewer},
};
use crate::{
    catalog::{self, Alert, AlertFilter, AlertPage, AuditEntry, Comment, HitFilter, Quiet},
    error::{Code, Error, Result},
    event::{Period, Scope, Time},
};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};

/// What people have made of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::AlertStatus")]
pub enum AlertStatus {
    /// Nobody has looked at it.
    New,
    /// Somebody works on it.
    Acknowledged,
    /// Done; later hits make a new alert, and one that is found late but is not later opens it again.
    Closed,
}

/// What alerts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::AlertGroup")]
pub enum AlertGrouping {
    /// Own id of the rule.
    Rule,
    /// Host, normal form.
    Host,
    /// Day (UTC) of the first hit, such as `2026-01-31`.
    Day,
}

pub struct AlertObject(pub Alert);

/// The hits of one rule on one host, until the alert is closed.
#[Object(name = "Alert")]
impl AlertObject {
    /// Global id.
    pub async fn id(&self) -> ID {
        GlobalId::Alert(self.0.id.clone()).into()
    }
    /// The rule's own id.
    async fn rule_id(&self) -> &str {
        &self.0.rule_id
    }
    /// Host, normal form.
    async fn host(&self) -> &str {
        &self.0.host
    }
    /// Title of the rule at the latest hit.
    async fn title(&self) -> &str {
        &self.0.title
    }
    /// Level of the rule at the latest hit: informational, low, medium, high, critical.
    async fn level(&self) -> &str {
        &self.0.level
    }
    /// Time of the first event hit; absent while a rebuild has not found it again.
    async fn first_hit(&self) -> Option<DateTime> {
        self.0.first_hit.map(DateTime)
    }
    /// Time of the last event hit; absent while a rebuild has not found it again.
    async fn last_hit(&self) -> Option<DateTime> {
        self.0.last_hit.map(DateTime)
    }
    /// Number of its hits.
    async fn hit_count(&self) -> Long {
        Long(self.0.hits)
    }
    /// What people have made of it.
    async fn status(&self) -> AlertStatus {
        self.0.status.into()
    }
    /// Why it was closed.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
    /// Name of the user who works on it.
    async fn assignee(&self) -> Option<&str> {
        self.0.assignee.as_deref()
    }
    /// Tags that people gave it, sorted.
    async fn tags(&self) -> &[String] {
        &self.0.tags
    }
    /// How often a hit on an event from before its end has opened it again after it was closed.
    async fn reopened(&self) -> Long {
        Long(self.0.reopened)
    }
    /// The rule as it is now; absent when it was deleted.
    #[graphql(guard = "viewer")]
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<RuleObject>> {
        Ok(Loaders::of(ctx)?.rule(self.0.rule_id.clone()).await?.map(RuleObject))
    }
    /// What people said about it, oldest first.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn comments(&self, ctx: &Context<'_>) -> Result<Vec<AlertComment>> {
        let comments = Loaders::of(ctx)?.comments(self.0.id.clone()).await?;
        let comment = |c: &Comment| AlertComment { by: c.by.clone(), at: DateTime(c.at), text: c.text.clone() };
        Ok(comments.iter().map(comment).collect())
    }
    /// The span in which webhooks are not told of it, where its rule has such and there was one.
    #[graphql(guard = "viewer")]
    async fn suppressed(&self, ctx: &Context<'_>) -> Result<Option<Suppressed>> {
        let quiet = Loaders::of(ctx)?.quiet(Quiet::group_of(&self.0)).await?;
        Ok(quiet.map(|q| Suppressed { until: DateTime(q.until), hits: Long(q.hits) }))
    }
    /// Its hits, newest stored first.
    #[graphql(guard = "viewer", complexity = "cost::walk(first, child_complexity)")]
    async fn hits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Hits of a page, 1 to 500.", default = 50)] first: i32,
        #[graphql(desc = "Cursor of the hit before the page.")] after: Option<String>,
    ) -> Result<HitConnection> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let after_ms = |t: Time| Time(t.0.saturating_add(1));
        let filter = HitFilter {
            rule_id: Some(self.0.rule_id.clone()),
            host: Some(self.0.host.clone()),
            levels: Vec::new(),
            period: Period { from: Some(after_ms(self.0.since)), to: self.0.until.map(after_ms) },
        };
        let (before, first) = (List::Hits.number(after.as_deref())?, page::size(first)?);
        let page = match before {
            None => (*Loaders::of(ctx)?.first_hits(filter.clone(), first).await?).clone(),
            before => core.catalog.hits(scope, &filter, before, first).await?,
        };
        Ok(HitConnection { filter, page, total: Some(self.0.hits) })
    }
}

/// A span in which webhooks are not told of the hits of a rule on a host.
#[derive(SimpleObject)]
pub struct Suppressed {
    /// First moment after it.
    until: DateTime,
    /// Hits of the rule on the host that webhooks were not told of lately. They are stored and counted all the same.
    hits: Long,
}

/// What somebody said about an alert.
#[derive(SimpleObject)]
pub struct AlertComment {
    /// Name of the user.
    by: String,
    /// When.
    at: DateTime,
    /// What he said.
    text: String,
}

pub async fn find(ctx: &Context<'_>, id: String) -> Result<Option<AlertObject>> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let filter = AlertFilter { ids: Some(vec![id]), ..AlertFilter::default() };
    Ok(core.catalog.alerts(scope, &filter, None, 1).await?.alerts.into_iter().next().map(AlertObject))
}

pub struct AlertConnection {
    filter: AlertFilter,
    page: AlertPage,
}

impl AlertConnection {
    pub async fn new(
        ctx: &Context<'_>,
        filter: Option<AlertFilterInput>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let filter = filter.map(AlertFilterInput::read).transpose()?.unwrap_or_default();
        let before = List::Alerts.number(after)?;
        let page = core.catalog.alerts(scope, &filter, before, page::size(first)?).await?;
        Ok(Self { filter, page })
    }
}

/// One page of alerts, newest made first.
#[Object]
impl AlertConnection {
    /// Alerts of this page.
    async fn nodes(&self) -> Vec<AlertObject> {
        self.page.alerts.iter().cloned().map(AlertObject).collect()
    }
    /// Where this page ends.
    async fn page_info(&self) -> PageInfo {
        let end_cursor = self.page.alerts.last().map(|a| List::Alerts.cursor(a.number));
        PageInfo { has_next_page: self.page.more, end_cursor }
    }
    /// All alerts that match.
    #[graphql(guard = "viewer")]
    async fn total(&self, ctx: &Context<'_>) -> Result<Total> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        core.catalog.count_alerts(scope, &self.filter).await.map(Total::of)
    }
}

/// Number of alerts that have something in common.
#[derive(SimpleObject)]
pub struct AlertCount {
    /// Own id of the rule, host, or day.
    key: String,
    /// How many.
    count: Long,
}

/// Numbers of alerts.
#[derive(SimpleObject)]
pub struct AlertCounts {
    /// The numbers.
    items: Vec<AlertCount>,
    /// How many more rules, hosts or days have alerts.
    left_out: Long,
    /// Alerts in all, also those without a day, which have no hit.
    total: Long,
}

pub async fn counts(
    ctx: &Context<'_>,
    by: AlertGrouping,
    filter: Option<AlertFilterInput>,
    first: i32,
) -> Result<AlertCounts> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let filter = filter.map(AlertFilterInput::read).transpose()?.unwrap_or_default();
    let mut counts = core.catalog.alerts_per(scope, &filter, by.into()).await?;
    let (first, all) = (page::size(first)?, counts.len());
    let total = match by {
        // Of a day are only those with a hit.
        AlertGrouping::Day => core.catalog.count_alerts(scope, &filter).await?,
        AlertGrouping::Rule | AlertGrouping::Host => counts.iter().map(|(_, n)| n).sum(),
    };
    // Days are in the order of time: the latest ones are those of interest.
    if by == AlertGrouping::Day && counts.len() > first {
        counts.drain(..counts.len() - first);
    }
    counts.truncate(first);
    let left_out = Long((all - counts.len()) as u64);
    let items = counts.into_iter().map(|(key, n)| AlertCount { key, count: Long(n) }).collect();
    Ok(AlertCounts { items, left_out, total: Long(total) })
}

/// Somebody changed something.
#[derive(SimpleObject)]
pub struct AuditLogEntry {
    /// When.
    at: DateTime,
    /// Name of the user; empty where a late hit has opened an alert again.
    by: String,
    /// What he did, such as `updateAlert`, `enableRule` or `saveWebhook`.
    action: String,
    /// Global id of the alert or rule, or id of the webhook.
    object_id: ID,
    /// JSON object of what changed: `from` and `to`, the `text` of a comment, or what else there is to say.
    detail: String,
}

/// One page of the log of changes, newest first.
#[derive(SimpleObject)]
pub struct AuditLog {
    /// Entries of this page.
    nodes: Vec<AuditLogEntry>,
    /// Where this page ends.
    page_info: PageInfo,
}

fn object_id(action: &str, object: String) -> ID {
    if action.ends_with("Alert") {
        GlobalId::Alert(object).into()
    } else if action.ends_with("Rule") || action.ends_with("Exception") {
        GlobalId::Rule(object).into()
    } else {
        object.into()
    }
}

pub async fn audit_log(ctx: &Context<'_>, first: i32, after: Option<&str>) -> Result<AuditLog> {
    if *session::scope(ctx)? != Scope::All {
        return Err(Error::new(Code::Forbidden, "the log of changes is for those who may see all hosts"));
    }
    let (before, first) = (List::Audit.number(after)?, page::size(first)?);
    let mut entries = session::core(ctx)?.catalog.audit_log(before, first + 1).await?;
    let has_next_page = entries.len() > first;
    entries.truncate(first);
    let end_cursor = entries.last().map(|e| List::Audit.cursor(e.number));
    let entry = |e: AuditEntry| AuditLogEntry {
        object_id: object_id(&e.action, e.object),
        at: DateTime(e.at),
        by: e.by,
        action: e.action,
        detail: e.detail,
    };
    Ok(AuditLog { nodes: entries.into_iter().map(entry).collect(), page_info: PageInfo { has_next_page, end_cursor } })
}
