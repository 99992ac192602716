//! A search that finds every event that a set of rules can match, and as few others as it can tell: what no search can
//! say, or depends on other events, is taken to hold.
use super::{
    correlation, filter,
    join::{self, Relaxed},
    search, set,
    view::key,
};
use crate::event::{Condition, EventCode, Key, detection::Rule};
use rsigma_parser::{ConditionExpr, Detection, DetectionItem, SigmaRule};
use std::collections::BTreeSet;

/// Rules from which on their event codes alone are asked: the search would cost more than the matching.
const MAX_RULES: usize = 100;

/// The condition of all single rules among `rules`; `None` where only every event will do.
pub fn superset(rules: &[Rule]) -> Option<Condition> {
    let single = |r: &&Rule| r.logsource != filter::LOGSOURCE && r.logsource != correlation::LOGSOURCE;
    let parsed: Vec<SigmaRule> = rules.iter().filter(single).filter_map(|r| set::single(&r.text).ok()).collect();
    let codes: Option<Vec<Vec<Condition>>> = parsed.iter().map(|r| search::source(r).ok()).collect();
    if parsed.len() <= MAX_RULES
        && let Some(sources) = &codes
    {
        let each = parsed.iter().zip(sources);
        let any = each.map(|(rule, source)| Condition::And(source.iter().cloned().chain([of(rule)]).collect()));
        let all = Condition::Or(any.collect());
        if all.check().is_ok() {
            return Some(all);
        }
    }
    let sources: BTreeSet<u32> =
        parsed.iter().map(codes_of).collect::<Option<Vec<_>>>()?.concat().into_iter().collect();
    let codes: Vec<String> = sources.iter().map(ToString::to_string).collect();
    search::comparison("EventID", crate::event::condition::Operator::Equals, &codes).ok()
}

/// The event codes of a rule with a category.
fn codes_of(rule: &SigmaRule) -> Option<Vec<u32>> {
    rule.logsource.category.as_ref()?;
    Some(EventCode::all().iter().filter(|c| search::source_has(rule, c)).map(|c| c.code).collect())
}

fn of(rule: &SigmaRule) -> Condition {
    let asked = join::asked(rule);
    let codes = codes_of(rule).unwrap_or_default();
    let joined: BTreeSet<Key> = codes.iter().flat_map(|c| join::joins(&asked, *c)).map(|j| j.key()).collect();
    let rule = match join::relaxed(rule, |k| joined.contains(k)) {
        Relaxed::Always => return Condition::All,
        Relaxed::Never => return Condition::Or(Vec::new()),
        Relaxed::Rule(rule) => rule,
    };
    Condition::Or(rule.detection.conditions.iter().map(|c| expression(c, &rule, true)).collect())
}

const fn unknown(upper: bool) -> Condition {
    if upper { Condition::All } else { Condition::Or(Vec::new()) }
}

/// `upper`: whether what is not known is taken to hold.
fn expression(condition: &ConditionExpr, rule: &SigmaRule, upper: bool) -> Condition {
    let each = |all: &[ConditionExpr]| all.iter().map(|c| expression(c, rule, upper)).collect();
    match condition {
        ConditionExpr::And(all) => Condition::And(each(all)),
        ConditionExpr::Or(all) => Condition::Or(each(all)),
        ConditionExpr::Not(inner) => Condition::Not(Box::new(expression(inner, rule, !upper))),
        ConditionExpr::Identifier(name) => {
            rule.detection.named.get(name).map_or_else(|| unknown(upper), |d| part(d, upper))
        }
        ConditionExpr::Selector { .. } => unknown(upper),
    }
}

fn part(detection: &Detection, upper: bool) -> Condition {
    match detection {
        Detection::AllOf(items) => Condition::And(items.iter().map(|i| item(i, upper)).collect()),
        Detection::And(parts) => Condition::And(parts.iter().map(|p| part(p, upper)).collect()),
        Detection::AnyOf(parts) => Condition::Or(parts.iter().map(|p| part(p, upper)).collect()),
        _ => unknown(upper),
    }
}

fn item(item: &DetectionItem, upper: bool) -> Condition {
    // A search compares names that no table knows exactly, a rule does not.
    let known = item.field.name.as_deref().is_some_and(|n| matches!(key(n), Key::Field(_)));
    if known { search::of_item(item).unwrap_or_else(|_| unknown(upper)) } else { unknown(upper) }
}
