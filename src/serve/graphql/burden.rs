//! Rules that are too slow or too noisy: reported, and matched all the same.
use super::{load::Loaders, scalar::Long, session};
use crate::{
    catalog::HitFilter,
    error::Result,
    event::{Condition, Period},
    store::Query,
};
use async_graphql::{Context, SimpleObject};
use std::collections::HashSet;

/// Nanoseconds per event from which on a rule is slow: alone it would let fewer than 100,000 events through in a second.
pub const SLOW: u64 = 10_000;
/// Hits from which on a rule can be noisy.
const HITS: u64 = 100;
/// Events per hit below which it is.
const EVENTS: u64 = 1_000;

/// From when on a rule is reported as slow or noisy.
#[derive(SimpleObject)]
pub struct RuleThresholds {
    /// Slow: nanoseconds per event.
    slow: Long,
    /// Noisy: so many hits at least,
    noisy_hits: Long,
    /// and more than one in so many events.
    noisy_events: Long,
}

pub const THRESHOLDS: RuleThresholds =
    RuleThresholds { slow: Long(SLOW), noisy_hits: Long(HITS), noisy_events: Long(EVENTS) };

/// What a rule costs.
#[derive(SimpleObject)]
pub struct RuleCost {
    /// Nanoseconds for one event of its kinds, evaluated alone; of a correlation what it took, for each event of all that
    /// this process has matched.
    nanoseconds: Long,
    /// Events that it was measured with.
    events: i32,
}

pub async fn cost(ctx: &Context<'_>, rule_id: &str) -> Result<Option<RuleCost>> {
    let costs = session::core(ctx)?.pipeline.rule_costs().await?;
    Ok(costs
        .costs
        .get(rule_id)
        .map(|c| RuleCost { nanoseconds: Long(c.nanoseconds), events: i32::try_from(c.events).unwrap_or(i32::MAX) }))
}

pub async fn is_unmeasured(ctx: &Context<'_>, rule_id: &str) -> Result<bool> {
    Ok(session::core(ctx)?.pipeline.rule_costs().await?.left.contains(rule_id))
}

pub async fn is_slow(ctx: &Context<'_>, rule_id: &str) -> Result<bool> {
    let costs = session::core(ctx)?.pipeline.rule_costs().await?;
    Ok(costs.costs.get(rule_id).is_some_and(|c| c.nanoseconds >= SLOW))
}

fn noisy(hits: u64, events: u64) -> bool {
    hits >= HITS && hits.saturating_mul(EVENTS) > events
}

pub async fn is_noisy(ctx: &Context<'_>, rule_id: &str) -> Result<bool> {
    let load = Loaders::of(ctx)?;
    let hits = load.rule_hits(rule_id.to_owned()).await?;
    Ok(hits >= HITS && noisy(hits, load.events_total().await?))
}

/// Own ids of the slow and of the noisy rules, as far as they are asked for.
#[derive(Debug, Default)]
pub struct Burdens {
    pub slow: HashSet<String>,
    pub noisy: HashSet<String>,
}

impl Burdens {
    pub async fn new(ctx: &Context<'_>, slow: bool, noise: bool) -> Result<Self> {
        let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
        let mut out = Self::default();
        if slow {
            let costs = core.pipeline.rule_costs().await?;
            out.slow = costs.costs.iter().filter(|(_, c)| c.nanoseconds >= SLOW).map(|(id, _)| id.clone()).collect();
        }
        if noise {
            let all = Query { condition: Condition::All, period: Period::default() };
            let events = core.store.count(scope, &all).await?;
            let hits = core.catalog.hits_per_rule(scope, &HitFilter::default()).await?;
            out.noisy = hits.into_iter().filter(|(_, n)| noisy(*n, events)).map(|(id, _)| id).collect();
        }
        Ok(out)
    }
}
