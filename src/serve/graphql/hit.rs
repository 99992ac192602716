//! Hits and lists of them.
use super::{
    cost,
    event::EventObject,
    id::GlobalId,
    load::Loaders,
    page::List,
    rule::RuleObject,
    scalar::{DateTime, PageInfo, PeriodInput, Total, period},
    session::{self, viewer},
};
use crate::{
    catalog::{HitFilter, HitPage},
    error::Result,
    event::{
        detection::{Hit, levels},
        normal_host, text,
    },
};
use async_graphql::{Context, ID, InputObject, Object};
use std::collections::HashSet;

pub struct HitObject(pub Hit);

/// One rule matching one event.
#[Object(name = "Hit")]
impl HitObject {
    /// Global id.
    pub async fn id(&self) -> ID {
        GlobalId::Hit(self.0.event_id, self.0.id.clone()).into()
    }
    /// The rule's own id.
    async fn rule_id(&self) -> &str {
        &self.0.rule_id
    }
    /// Title of the rule.
    async fn rule_title(&self) -> &str {
        &self.0.rule_title
    }
    /// Version of the rule that matched.
    async fn rule_version(&self) -> &str {
        &self.0.rule_version
    }
    /// Level of the rule: informational, low, medium, high, critical.
    async fn level(&self) -> &str {
        &self.0.level
    }
    /// Time of the event.
    async fn time(&self) -> DateTime {
        DateTime(self.0.time)
    }
    /// Host of the event, normal form.
    async fn host(&self) -> &str {
        &self.0.host
    }
    /// When the hit was found.
    async fn found(&self) -> DateTime {
        DateTime(self.0.found)
    }
    /// Values of the rule that the event has, where the rule is a list of them: names the indicators.
    async fn matched(&self) -> &[String] {
        &self.0.matched
    }
    /// Hits of other rules on the same event for one of the values in `matched`, such as of reports that share an indicator.
    #[graphql(guard = "viewer", complexity = "cost::fixed(cost::STATISTIC, child_complexity)")]
    async fn shared_with(&self, ctx: &Context<'_>) -> Result<Vec<HitObject>> {
        if self.0.matched.is_empty() {
            return Ok(Vec::new());
        }
        let values: HashSet<String> = self.0.matched.iter().map(|v| text::fold(v)).collect();
        let of_event = Loaders::of(ctx)?.hits(self.0.event_id).await?;
        let others = of_event.iter().filter(|h| h.rule_id != self.0.rule_id);
        let shared = others.filter(|h| h.matched.iter().any(|v| values.contains(&text::fold(v))));
        Ok(shared.cloned().map(HitObject).collect())
    }
    /// Fields asked by the rule that the event lacks: their values came from the start of its process or of that one's
    /// parent.
    async fn joined(&self) -> &[String] {
        &self.0.joined
    }
    /// Global id of the event.
    async fn event_id(&self) -> ID {
        GlobalId::Event(self.0.event_id).into()
    }
    /// The event.
    #[graphql(guard = "viewer")]
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<EventObject>> {
        Ok(Loaders::of(ctx)?.event(self.0.event_id).await?.map(EventObject))
    }
    /// The rule as it is now; absent when it was deleted.
    #[graphql(guard = "viewer")]
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<RuleObject>> {
        Ok(Loaders::of(ctx)?.rule(self.0.rule_id.clone()).await?.map(RuleObject))
    }
}

/// Which hits.
#[derive(Debug, Clone, InputObject)]
pub struct HitFilterInput {
    /// Own id of the rule.
    rule_id: Option<String>,
    /// Host.
    host: Option<String>,
    /// Levels, any of them; empty means all.
    levels: Option<Vec<String>>,
    /// Time of the event.
    period: Option<PeriodInput>,
}

pub fn filter(input: Option<HitFilterInput>) -> Result<HitFilter> {
    let Some(input) = input else { return Ok(HitFilter::default()) };
    Ok(HitFilter {
        rule_id: input.rule_id,
        host: input.host.map(|h| normal_host(&h)),
        levels: levels(&input.levels.unwrap_or_default())?,
        period: period(input.period)?,
    })
}

pub struct HitConnection {
    pub filter: HitFilter,
    pub page: HitPage,
    /// How many match, where it is known.
    pub total: Option<u64>,
}

/// One page of hits, newest stored first.
#[Object]
impl HitConnection {
    /// Hits of this page.
    async fn nodes(&self) -> Vec<HitObject> {
        self.page.hits.iter().map(|h| HitObject(h.hit.clone())).collect()
    }
    /// Where this page ends.
    async fn page_info(&self) -> PageInfo {
        let end_cursor = self.page.hits.last().map(|h| List::Hits.cursor(h.number));
        PageInfo { has_next_page: self.page.more, end_cursor }
    }
    /// All hits that match.
    #[graphql(guard = "viewer")]
    async fn total(&self, ctx: &Context<'_>) -> Result<Total> {
        if let Some(total) = self.total {
            return Ok(Total::of(total));
        }
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        core.catalog.count_hits(scope, &self.filter).await.map(Total::of)
    }
}
