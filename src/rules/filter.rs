//! Sigma filters: what rules leave out in this environment, kept apart from the rules (Sigma specification, filters).
//!
//! A filter's detection joins that of every rule that it names, and its condition must hold too; the rule's text and
//! version stay as they are.
use super::{
    logsource::streams,
    normal::check_condition,
    set::{self, check},
};
use crate::event::detection::Rule;
use rsigma_parser::{ConditionExpr, Detections, FilterRule, FilterRuleTarget, Quantifier, SigmaRule, parse_sigma_yaml};

/// Parts of which some number is asked: all combinations are written out.
const MAX_OF: usize = 12;

/// What the list of rules calls them.
pub const LOGSOURCE: &str = "filter";

/// Filters of a set of rules, ready to join the others.
#[derive(Default)]
pub struct Filters(Vec<FilterRule>);

impl Filters {
    /// The filters among rules that are enabled and not refused.
    pub fn of<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let filters = rules.filter(|r| r.logsource == LOGSOURCE && r.enabled && r.refused.is_none());
        Self(filters.filter_map(|r| parse_sigma_yaml(&r.text).ok()?.filters.pop()).collect())
    }

    /// The rule with the filters that name it.
    ///
    /// # Errors
    /// When a filter cannot be joined to it: without the filter it would match more.
    pub fn applied(&self, rule: &SigmaRule) -> Result<SigmaRule, String> {
        let mut out = rule.clone();
        for (n, filter) in self.0.iter().enumerate().filter(|(_, f)| names(f, rule)) {
            if let Some(source) = &filter.logsource {
                let (theirs, own) = (streams(source)?, streams(&rule.logsource)?);
                // A filter about other events changes nothing.
                if !own.iter().any(|s| theirs.contains(s)) {
                    continue;
                }
                if !own.iter().all(|s| theirs.contains(s)) {
                    return Err(format!("filter '{}' is about a part of its events only", filter.title));
                }
            }
            out.detection = joined(&out.detection, &filter.detection, &format!("filter{n}_"))?;
        }
        Ok(out)
    }
}

fn names(filter: &FilterRule, rule: &SigmaRule) -> bool {
    match &filter.rules {
        FilterRuleTarget::Any => true,
        FilterRuleTarget::Specific(names) => {
            names.iter().any(|n| rule.id.as_ref() == Some(n) || rule.name.as_ref() == Some(n))
        }
    }
}

/// Both detections under one condition. Selectors are written out first, so that they do not reach over to the other.
fn joined(rule: &Detections, filter: &Detections, prefix: &str) -> Result<Detections, String> {
    let mut out = rule.clone();
    let condition = |d: &Detections, prefix: &str| {
        let mut all = d.conditions.iter().map(|c| spelled(c, d, prefix)).collect::<Result<Vec<_>, String>>()?;
        Ok::<_, String>(if all.len() == 1 { all.swap_remove(0) } else { ConditionExpr::Or(all) })
    };
    out.conditions = vec![ConditionExpr::And(vec![condition(rule, "")?, condition(filter, prefix)?])];
    out.condition_strings = out.conditions.iter().map(ToString::to_string).collect();
    out.named.extend(filter.named.iter().map(|(n, d)| (format!("{prefix}{n}"), d.clone())));
    Ok(out)
}

/// A condition without selectors, its names with a prefix.
pub(super) fn spelled(
    condition: &ConditionExpr,
    detections: &Detections,
    prefix: &str,
) -> Result<ConditionExpr, String> {
    let list =
        |all: &[ConditionExpr]| all.iter().map(|c| spelled(c, detections, prefix)).collect::<Result<Vec<_>, _>>();
    Ok(match condition {
        ConditionExpr::And(all) => ConditionExpr::And(list(all)?),
        ConditionExpr::Or(all) => ConditionExpr::Or(list(all)?),
        ConditionExpr::Not(inner) => ConditionExpr::Not(Box::new(spelled(inner, detections, prefix)?)),
        ConditionExpr::Identifier(name) => ConditionExpr::Identifier(format!("{prefix}{name}")),
        ConditionExpr::Selector { quantifier, pattern } => {
            let mut names: Vec<&String> =
                detections.named.keys().filter(|n| pattern.matches_detection_name(n)).collect();
            names.sort();
            let each: Vec<ConditionExpr> =
                names.iter().map(|n| ConditionExpr::Identifier(format!("{prefix}{n}"))).collect();
            match quantifier {
                Quantifier::Any | Quantifier::Count(1) => ConditionExpr::Or(each),
                Quantifier::All => ConditionExpr::And(each),
                Quantifier::Count(n) if each.len() > MAX_OF => {
                    return Err(format!("'{n} of {pattern}' selects more than {MAX_OF} parts, beside a filter"));
                }
                Quantifier::Count(n) => at_least(usize::try_from(*n).unwrap_or(usize::MAX), &each),
            }
        }
    })
}

/// Any `n` of the conditions.
fn at_least(n: usize, of: &[ConditionExpr]) -> ConditionExpr {
    match (n, of) {
        (0, _) => ConditionExpr::And(Vec::new()),
        (n, of) if n >= of.len() => ConditionExpr::And(of.to_vec()),
        (n, [first, rest @ ..]) => {
            ConditionExpr::Or(vec![ConditionExpr::And(vec![first.clone(), at_least(n - 1, rest)]), at_least(n, rest)])
        }
        (_, []) => ConditionExpr::Or(Vec::new()),
    }
}

/// Why a filter cannot be applied, if it cannot.
pub fn verdict(filter: &FilterRule) -> Result<(), String> {
    if filter.detection.conditions.is_empty() {
        return Err("a filter without a condition".into());
    }
    // As the detection of a rule of its own.
    let mut alone = set::single(
        "title: filter\nlogsource: {product: windows, service: sysmon}\ndetection: {s: {EventID: 1}, condition: s}",
    )?;
    alone.detection = filter.detection.clone();
    if let Some(source) = &filter.logsource {
        streams(source)?;
    }
    for condition in &alone.detection.conditions {
        check_condition(condition, &alone)?;
    }
    check(&alone)
}
