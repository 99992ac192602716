//! Hits by rule, of all events or of those that a search finds.
use super::{
    editor,
    load::Loaders,
    rule::RuleObject,
    scalar::{Long, Total},
    session::{self, viewer},
};
use crate::{
    catalog::HitFilter,
    error::Result,
    event::{Condition, EventId, Scope},
    rules::search::to_condition,
    serve::Core,
};
use async_graphql::{Context, Json, Object, SimpleObject};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Hits read at once.
const PAGE: usize = 500;
/// Hits that are held against a condition: the last stored.
const MOST: u64 = 10_000;

/// Hits by rule.
#[derive(SimpleObject)]
pub struct RuleHits {
    /// The rule with the most hits first.
    items: Vec<RuleHitCount>,
    /// How many rules there are beyond those.
    left_out: Long,
    /// How many hits were looked at, the last stored first.
    looked_at: Long,
    /// All hits of the period, whatever their events.
    total: Total,
}

/// How often a rule has hit.
pub struct RuleHitCount {
    id: String,
    count: u64,
}

/// How often a rule has hit.
#[Object]
impl RuleHitCount {
    /// The rule's own id.
    async fn rule_id(&self) -> &str {
        &self.id
    }
    /// The rule as it is now; absent when it was deleted.
    #[graphql(guard = "viewer")]
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<RuleObject>> {
        Ok(Loaders::of(ctx)?.rule(self.id.clone()).await?.map(RuleObject))
    }
    /// The rule as a search, in the form of `ConditionInput`; absent where a search cannot say the same.
    #[graphql(guard = "viewer")]
    async fn condition(&self, ctx: &Context<'_>) -> Result<Option<Json<Value>>> {
        let Some(rule) = Loaders::of(ctx)?.rule(self.id.clone()).await? else { return Ok(None) };
        let said = tokio::task::spawn_blocking(move || to_condition(&rule.text)).await?;
        Ok(said.ok().map(|c| Json(editor::input_of(&c))))
    }
    /// Hits.
    async fn count(&self) -> Long {
        Long(self.count)
    }
}

impl RuleHits {
    pub async fn new(ctx: &Context<'_>, condition: &Condition, filter: HitFilter, first: usize) -> Result<Self> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let total = core.catalog.count_hits(scope, &filter).await?;
        let (mut counts, looked_at) = match condition {
            Condition::All => (core.catalog.hits_per_rule(scope, &filter).await?, total),
            condition => among(core, scope, condition, &filter).await?,
        };
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(Self {
            left_out: Long(counts.len().saturating_sub(first) as u64),
            looked_at: Long(looked_at),
            total: Total::of(total),
            items: counts.into_iter().take(first).map(|(id, count)| RuleHitCount { id, count }).collect(),
        })
    }
}

/// Hits per rule of the events that fulfil the condition, and how many hits were held against it.
async fn among(
    core: &Core,
    scope: &Scope,
    condition: &Condition,
    filter: &HitFilter,
) -> Result<(Vec<(String, u64)>, u64)> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let (mut before, mut looked_at) = (None, 0);
    while looked_at < MOST {
        let page = core.catalog.hits(scope, filter, before, PAGE).await?;
        looked_at += page.hits.len() as u64;
        let ids: Vec<EventId> = page.hits.iter().map(|h| h.hit.event_id).collect::<HashSet<_>>().into_iter().collect();
        let events = core.store.events(scope, &ids).await?;
        let found: HashSet<EventId> =
            events.into_iter().flatten().filter(|e| condition.is_match(e)).map(|e| e.id).collect();
        for hit in page.hits.iter().filter(|h| found.contains(&h.hit.event_id)) {
            *counts.entry(hit.hit.rule_id.clone()).or_default() += 1;
        }
        before = page.hits.last().map(|h| h.number);
        if !page.more {
            break;
        }
    }
    Ok((counts.into_iter().collect(), looked_at))
}
