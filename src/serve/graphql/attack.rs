//! Techniques of MITRE ATT&CK: what rules cover, what has happened, and both as layers of the ATT&CK Navigator.
use super::{
    scalar::{Long, PeriodInput, period},
    session,
};
use crate::{
    catalog::{HitFilter, ItemFilter, ItemKind},
    error::Result,
    event::{
        Condition, Field, Period, attack,
        condition::{Match, Operator},
    },
    store::{Query, TermOrder},
};
use async_graphql::{Context, Enum, Json, SimpleObject};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Distinct names of rules of Sysmon's configurations that are looked at.
const MAX_NAMES: usize = 10_000;
/// Titles of rules in the comment of a technique.
const TITLES: usize = 20;

/// What a layer of the ATT&CK Navigator shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LayerOf {
    /// Rules that are matched, per technique.
    Coverage,
    /// Hits of rules and events that Sysmon's configuration names, per technique.
    Hits,
}

/// A technique of MITRE ATT&CK and what there is of it.
#[derive(Debug, Clone, Default, SimpleObject)]
pub struct Technique {
    /// Such as T1059 or T1059.001.
    id: String,
    /// Rules with its tag that are matched.
    rules: Long,
    /// Hits of rules with its tag on events of the period, also of rules that were deleted.
    hits: Long,
    /// Events of the period whose RuleName names it: `technique_id=…`. The 10,000 most frequent names count.
    events: Long,
    #[graphql(skip)]
    titles: Vec<String>,
}

pub async fn techniques(ctx: &Context<'_>, of: Option<PeriodInput>) -> Result<Vec<Technique>> {
    Ok(counted(ctx, period(of)?).await?.0)
}

/// What could not be counted.
#[derive(Default)]
struct LeftOut {
    /// Hits of deleted rules whose tags are not known.
    hits: u64,
    /// Names of rules of Sysmon's configurations beyond the most frequent ones.
    names: u64,
}

impl LeftOut {
    /// For the description of a layer.
    fn said(&self) -> String {
        let mut out = String::new();
        if self.hits > 0 {
            out.push_str(&format!(" Left out: {} hits of deleted rules whose techniques are not known.", self.hits));
        }
        if self.names > 0 {
            let names = self.names;
            out.push_str(&format!(
                " Left out: {names} names, of the configuration, beyond the {MAX_NAMES} most frequent."
            ));
        }
        out
    }
}

async fn counted(ctx: &Context<'_>, period: Period) -> Result<(Vec<Technique>, LeftOut)> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let (rules, set) = (core.catalog.rules().await?, core.pipeline.rule_set());
    let mut left_out = LeftOut::default();
    let mut hits: BTreeMap<String, u64> =
        core.catalog.hits_per_rule(scope, &HitFilter { period, ..HitFilter::default() }).await?.into_iter().collect();
    let mut found: BTreeMap<String, Technique> = BTreeMap::new();
    for rule in &rules {
        for id in attack::of_tags(&rule.tags) {
            let technique = found.entry(id).or_default();
            technique.hits.0 += hits.get(&rule.id).copied().unwrap_or(0);
            if rule.enabled && rule.refused.is_none() && set.blocked(&rule.id).is_none() {
                technique.rules.0 += 1;
                technique.titles.push(rule.title.clone());
            }
        }
    }
    for rule in &rules {
        hits.remove(&rule.id);
    }
    // Of rules that are no more: their hits stay.
    let gone = ItemFilter { ids: Some(hits.keys().cloned().collect()), ..ItemFilter::all(ItemKind::Tags) };
    for item in core.catalog.items(&gone, None, usize::MAX).await? {
        let count = hits.remove(&item.id).unwrap_or(0);
        for id in attack::of_tags(&item.read::<Vec<String>>()?) {
            found.entry(id).or_default().hits.0 += count;
        }
    }
    left_out.hits = hits.values().sum();
    let named = Match::new(Field::RuleName.name(), Operator::Contains, &["technique_id=".to_owned()])?;
    let query = Query { condition: Condition::Match(named), period };
    let names = core.store.terms(scope, &query, Field::RuleName, TermOrder::Top, MAX_NAMES).await?;
    left_out.names = names.distinct.saturating_sub(names.values.len() as u64);
    for name in names.values {
        if let Some(id) = attack::of_rule_name(&name.value) {
            found.entry(id).or_default().events.0 += name.events;
        }
    }
    Ok((found.into_iter().map(|(id, technique)| Technique { id, ..technique }).collect(), left_out))
}

/// A layer in the format 4.5.
pub async fn layer(ctx: &Context<'_>, of: LayerOf, within: Option<PeriodInput>) -> Result<Json<Value>> {
    let period = period(within)?;
    let (mut techniques, left_out) = counted(ctx, period).await?;
    let score = |t: &Technique| if of == LayerOf::Coverage { t.rules.0 } else { t.hits.0.saturating_add(t.events.0) };
    techniques.retain(|t| score(t) > 0);
    let most = techniques.iter().map(score).max().unwrap_or(0).max(1);
    let (name, description) = match of {
        LayerOf::Coverage => ("Coverage", "Rules that are matched, per technique.".to_owned()),
        LayerOf::Hits => {
            let end = |t: Option<crate::event::Time>, none: &str| t.map_or_else(|| none.to_owned(), |t| t.rfc3339());
            let (from, to) = (end(period.from, "the beginning"), end(period.to, "now"));
            let said = left_out.said();
            ("Hits", format!("Hits of rules, and events that Sysmon's configuration names, from {from} to {to}.{said}"))
        }
    };
    let technique = |t: &Technique| {
        let mut comment = t.titles.iter().take(TITLES).cloned().collect::<Vec<_>>().join("; ");
        if t.titles.len() > TITLES {
            comment.push_str(&format!("; and {} more", t.titles.len() - TITLES));
        }
        let metadata = [("rules", t.rules), ("hits", t.hits), ("events", t.events)];
        let metadata: Vec<Value> =
            metadata.iter().map(|(name, n)| json!({"name": name, "value": n.0.to_string()})).collect();
        json!({
            "techniqueID": t.id, "score": score(t), "comment": comment, "enabled": true, "metadata": metadata,
            "showSubtechniques": t.id.contains('.'),
        })
    };
    Ok(Json(json!({
        "name": format!("sysmonsearch: {name}"),
        "versions": {"navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": description,
        "filters": {"platforms": ["Windows"]},
        "sorting": 3,
        "hideDisabled": false,
        "techniques": techniques.iter().map(technique).collect::<Vec<_>>(),
        "gradient": {"colors": ["#ffe766", "#ff6666"], "minValue": 0, "maxValue": most},
    })))
}
