//! A rule as far as the event alone can tell: what it asks of joined values is taken to hold. So it matches every event
//! that the rule matches, whatever the process was, and most events need no look at their process.
use super::keys_of;
use crate::{event::Key, rules::filter};
use rsigma_parser::{ConditionExpr, Detection, SigmaRule};

/// What is left of a rule.
pub enum Relaxed {
    Rule(Box<SigmaRule>),
    /// Nothing: any event may match.
    Always,
    /// No event matches, whatever the process was.
    Never,
}

enum Part<T> {
    Some(T),
    Always,
    Never,
}

/// The rule without what it asks of the fields that `is_joined` names.
pub fn relaxed(rule: &SigmaRule, is_joined: impl Fn(&Key) -> bool) -> Relaxed {
    let mut out = rule.clone();
    out.detection.named.clear();
    let mut any = Vec::new();
    for condition in &rule.detection.conditions {
        // A selector that cannot be written out is asked of the whole rule later.
        let Ok(spelled) = filter::spelled(condition, &rule.detection, "") else { return Relaxed::Always };
        match expression(&spelled, rule, &is_joined, true, &mut out) {
            Part::Always => return Relaxed::Always,
            Part::Never => {}
            Part::Some(c) => any.push(c),
        }
    }
    if any.is_empty() {
        return Relaxed::Never;
    }
    out.detection.conditions = any;
    Relaxed::Rule(Box::new(out))
}

/// `upper`: whether what is not known is taken to hold.
fn expression(
    condition: &ConditionExpr,
    rule: &SigmaRule,
    is_joined: &impl Fn(&Key) -> bool,
    upper: bool,
    out: &mut SigmaRule,
) -> Part<ConditionExpr> {
    let mut each =
        |all: &[ConditionExpr]| -> Vec<_> { all.iter().map(|c| expression(c, rule, is_joined, upper, out)).collect() };
    match condition {
        ConditionExpr::And(all) => and(each(all), ConditionExpr::And),
        ConditionExpr::Or(all) => or(each(all), ConditionExpr::Or),
        ConditionExpr::Not(inner) => match expression(inner, rule, is_joined, !upper, out) {
            Part::Always => Part::Never,
            Part::Never => Part::Always,
            Part::Some(c) => Part::Some(ConditionExpr::Not(Box::new(c))),
        },
        ConditionExpr::Identifier(name) => match rule.detection.named.get(name).map(|d| part(d, is_joined, upper)) {
            Some(Part::Some(detection)) => {
                let name = format!("{}{name}", if upper { "most_" } else { "least_" });
                out.detection.named.insert(name.clone(), detection);
                Part::Some(ConditionExpr::Identifier(name))
            }
            Some(Part::Never) => Part::Never,
            Some(Part::Always) => Part::Always,
            None => unknown(upper),
        },
        // All were written out.
        ConditionExpr::Selector { .. } => unknown(upper),
    }
}

const fn unknown<T>(upper: bool) -> Part<T> {
    if upper { Part::Always } else { Part::Never }
}

fn part(detection: &Detection, is_joined: &impl Fn(&Key) -> bool, upper: bool) -> Part<Detection> {
    match detection {
        Detection::AllOf(items) => {
            let known: Vec<_> = items.iter().filter(|i| !keys_of(i).iter().any(is_joined)).cloned().collect();
            match known.len() {
                n if n == items.len() => Part::Some(detection.clone()),
                _ if !upper => Part::Never,
                0 => Part::Always,
                _ => Part::Some(Detection::AllOf(known)),
            }
        }
        Detection::And(parts) => and(parts.iter().map(|p| part(p, is_joined, upper)).collect(), Detection::And),
        Detection::AnyOf(parts) => or(parts.iter().map(|p| part(p, is_joined, upper)).collect(), Detection::AnyOf),
        other => Part::Some(other.clone()),
    }
}

fn and<T>(parts: Vec<Part<T>>, join: impl Fn(Vec<T>) -> T) -> Part<T> {
    let mut left = Vec::new();
    for part in parts {
        match part {
            Part::Never => return Part::Never,
            Part::Always => {}
            Part::Some(p) => left.push(p),
        }
    }
    match left.len() {
        0 => Part::Always,
        1 => Part::Some(left.swap_remove(0)),
        _ => Part::Some(join(left)),
    }
}

fn or<T>(parts: Vec<Part<T>>, join: impl Fn(Vec<T>) -> T) -> Part<T> {
    let mut left = Vec::new();
    for part in parts {
        match part {
            Part::Always => return Part::Always,
            Part::Never => {}
            Part::Some(p) => left.push(p),
        }
    }
    match left.len() {
        0 => Part::Never,
        1 => Part::Some(left.swap_remove(0)),
        _ => Part::Some(join(left)),
    }
}
