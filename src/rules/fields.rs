//! Fields that a rule asks and no event of its kinds has: mostly slips of the pen, which never match.
use super::{
    correlation::Correlation,
    join,
    logsource::{code_of, streams},
    view::key,
};
use crate::event::{EventCode, Field, Key, fields::Source};
use rsigma_parser::{Detection, DetectionItem, Detections, FilterRule, Modifier, SigmaRule, SigmaValue};
use std::collections::BTreeMap;

/// A name that no event has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// As the rule writes it.
    pub name: String,
    /// The nearest one that events have.
    pub meant: Option<&'static str>,
}

/// In the order of their names; none where the rule is about no event.
pub fn unknown(rule: &SigmaRule) -> Vec<Unknown> {
    let streams = streams(&rule.logsource).unwrap_or_default();
    let mut codes: Vec<u32> = streams.iter().filter_map(|s| code_of(*s)).collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() {
        return Vec::new();
    }
    let carried = codes.iter().filter_map(|c| EventCode::get(*c)).flat_map(|c| c.fields).map(|f| f.name());
    let joined = codes.iter().filter(|_| join::joins_at_all(rule)).flat_map(|c| join::names(*c));
    // Of the System section, and what is made of other fields, such as each hash.
    let all = Field::all().filter(|f| f.source() != Source::Data).map(Field::name);
    let known: BTreeMap<Key, &'static str> = carried.chain(joined).chain(all).map(|n| (key(n), n)).collect();
    missing(&known, asked(&rule.detection))
}

/// Fields of no event at all that a filter asks.
pub fn unknown_of_filter(rule: &FilterRule) -> Vec<Unknown> {
    missing(&every(), asked(&rule.detection))
}

/// Fields of no event at all that a correlation groups by or counts. `groups`: names that other correlations give to their
/// groups.
pub fn unknown_of_correlation(asks: &Correlation, groups: &[&String]) -> Vec<Unknown> {
    let named = asks.group_by.iter().chain(&asks.fields);
    let fields = named.flat_map(|name| match asks.aliases.get(name) {
        Some(of_rules) => of_rules.values().collect(),
        None => vec![name],
    });
    missing(&every(), fields.filter(|f| !groups.contains(f)).cloned().collect())
}

fn every() -> BTreeMap<Key, &'static str> {
    Field::all().map(Field::name).map(|n| (key(n), n)).collect()
}

fn asked(detections: &Detections) -> Vec<String> {
    let mut asked = Vec::new();
    detections.named.values().for_each(|d| names(d, &mut asked));
    asked
}

fn missing(known: &BTreeMap<Key, &'static str>, mut asked: Vec<String>) -> Vec<Unknown> {
    asked.sort_unstable();
    asked.dedup();
    let unknown = asked.into_iter().filter(|n| !known.contains_key(&key(n)));
    unknown.map(|name| Unknown { meant: nearest(&name, known.values().copied()), name }).collect()
}

fn names(detection: &Detection, out: &mut Vec<String>) {
    match detection {
        Detection::AllOf(items) => items.iter().for_each(|i| out.extend(of_item(i))),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().for_each(|p| names(p, out)),
        _ => {}
    }
}

fn of_item(item: &DetectionItem) -> Vec<String> {
    let compared = item.values.iter().filter(|_| item.field.modifiers.contains(&Modifier::FieldRef));
    let compared = compared.filter_map(|v| match v {
        SigmaValue::String(s) => Some(s.original.clone()),
        _ => None,
    });
    item.field.name.clone().into_iter().chain(compared).collect()
}

/// With as few changed letters as possible, and no more than a third.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = name.to_lowercase();
    let most = (name.chars().count() / 3).max(1);
    let far = known.map(|k| (distance(&name, &k.to_lowercase()), k)).filter(|(n, _)| *n <= most);
    far.min().map(|(_, k)| k)
}

/// Letters to add, leave out or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (n, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], n + 1);
        for (m, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[m + 1];
            row[m + 1] = changed.min(row[m] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
