//! The Sigma rules of an import: one for each kind and relation with all its values as lists, one per composite.
use super::expr::{Expr, Leaf};
use crate::event::{
    Field, Time,
    indicator::{Import, Indicator, Kind, NAMESPACE, Relation, TAG, Tlp, comparison, fields, term},
    text::sigma_literal,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use yaml_serde::{Mapping, Value};

/// Also tells each indicator its rule. `indicators` are sorted by kind and relation.
pub fn rules(import: &Import, indicators: &mut [Indicator], composites: &mut [(Indicator, Expr)]) -> Vec<String> {
    let mut out = Vec::new();
    for group in indicators.chunk_by_mut(|a, b| (a.kind, a.relation) == (b.kind, b.relation)) {
        let Some((kind, relation)) = group.first().map(|i| (i.kind, i.relation)) else { continue };
        let id = rule_id(import, &format!("{}\0{}", kind.as_str(), relation.as_str()));
        group.iter_mut().for_each(|i| i.rule_id.clone_from(&id));
        let how = if relation == Relation::Equals { String::new() } else { format!(" ({})", relation.as_str()) };
        let title = format!("{}: {}{how}", import.name, kind.as_str());
        out.extend(write(import, &id, &title, group.iter().filter_map(|i| i.tlp), values(group)));
    }
    for (indicator, expr) in composites {
        let id = rule_id(import, &indicator.value);
        indicator.rule_id.clone_from(&id);
        let name = if indicator.title.is_empty() { &indicator.origin } else { &indicator.title };
        let title = format!("{}: {name}", import.name);
        out.extend(write(import, &id, &title, indicator.tlp.into_iter(), composed(expr, indicator.valid_until)));
    }
    out
}

fn rule_id(import: &Import, part: &str) -> String {
    Uuid::new_v5(&NAMESPACE, format!("{}\0{part}", import.id).as_bytes()).to_string()
}

fn write(import: &Import, id: &str, title: &str, tlp: impl Iterator<Item = Tlp>, detection: Mapping) -> Option<String> {
    let text = |t: &str| Value::String(t.to_owned());
    let mut tags = vec![text(TAG)];
    tags.extend(tlp.collect::<BTreeSet<_>>().into_iter().map(|t| text(&format!("tlp.{}", t.as_str()))));
    let mut logsource = Mapping::new();
    logsource.insert(text("product"), text("windows"));
    logsource.insert(text("service"), text("sysmon"));
    let title: String = title.chars().take(256).collect();
    let mut rule = Mapping::new();
    for (key, value) in [
        ("title", text(&title)),
        ("id", text(id)),
        ("status", text("experimental")),
        ("description", text(&format!("Indicators of {}, a file of {}.", import.name, import.format.as_str()))),
        ("tags", Value::Sequence(tags)),
        ("logsource", Value::Mapping(logsource)),
        ("detection", Value::Mapping(detection)),
        ("level", text("high")),
    ] {
        rule.insert(text(key), value);
    }
    // A mapping of texts can always be written.
    yaml_serde::to_string(&rule).ok()
}

/// The values of one kind and relation: a part for each field, and for each end of validity.
fn values(group: &[Indicator]) -> Mapping {
    let mut by_end: BTreeMap<Option<Time>, Vec<&Indicator>> = BTreeMap::new();
    for indicator in group {
        by_end.entry(indicator.valid_until).or_default().push(indicator);
    }
    let mut detection = Mapping::new();
    for (n, (until, members)) in by_end.into_iter().enumerate() {
        let Some(first) = members.first() else { continue };
        for field in fields(first.kind) {
            let list = members.iter().map(|i| operand(i.kind, i.relation, &i.term())).collect();
            let mut part = Mapping::new();
            part.insert(name(field.name(), first.kind, first.relation), Value::Sequence(list));
            part.extend(until.map(valid));
            let suffix = if n == 0 { String::new() } else { format!("_{n}") };
            detection.insert(Value::String(format!("{}{suffix}", field.name())), Value::Mapping(part));
        }
    }
    detection.insert("condition".into(), "1 of them".into());
    detection
}

fn valid(until: Time) -> (Value, Value) {
    ("UtcTime|lt".into(), until.sysmon().into())
}

/// Field and modifier.
fn name(field: &str, kind: Kind, relation: Relation) -> Value {
    let modifier = match comparison(kind, relation) {
        Relation::Equals if kind == Kind::Network => "|cidr",
        Relation::Equals => "",
        Relation::Contains => "|contains",
        Relation::StartsWith => "|startswith",
        Relation::EndsWith => "|endswith",
        Relation::Matches => "|re|i",
    };
    format!("{field}{modifier}").into()
}

fn operand(kind: Kind, relation: Relation, term: &str) -> Value {
    if comparison(kind, relation) == Relation::Matches { term.into() } else { sigma_literal(term).into() }
}

fn composed(expr: &Expr, until: Option<Time>) -> Mapping {
    let mut detection = Mapping::new();
    let mut condition = condition(expr, &mut detection);
    if let Some(until) = until {
        let part: Mapping = std::iter::once(valid(until)).collect();
        detection.insert("valid".into(), Value::Mapping(part));
        condition = format!("{condition} and valid");
    }
    detection.insert("condition".into(), condition.into());
    detection
}

fn condition(expr: &Expr, detection: &mut Mapping) -> String {
    let mut list = |parts: &[Expr], word: &str| {
        let parts: Vec<String> = parts.iter().map(|p| condition(p, detection)).collect();
        format!("({})", parts.join(&format!(" {word} ")))
    };
    match expr {
        Expr::And(parts) => list(parts, "and"),
        Expr::Or(parts) => list(parts, "or"),
        Expr::Not(inner) => format!("not {}", condition(inner, detection)),
        Expr::Leaf(leaf) => {
            let key = format!("p{}", detection.len() + 1);
            detection.insert(key.as_str().into(), part(leaf));
            key
        }
        // Not part of what Sysmon can see: `Expr::seen` has taken them out.
        Expr::Hidden(_) | Expr::Several { .. } => "hidden".into(),
    }
}

/// Any of the fields of a value.
fn part(leaf: &Leaf) -> Value {
    let term = term(leaf.kind, leaf.relation, &leaf.value);
    let one = |field: &Field| {
        let pair = (name(field.name(), leaf.kind, leaf.relation), operand(leaf.kind, leaf.relation, &term));
        Value::Mapping(std::iter::once(pair).collect())
    };
    Value::Sequence(fields(leaf.kind).iter().map(one).collect())
}
