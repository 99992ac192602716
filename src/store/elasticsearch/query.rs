//! Conditions as queries of the cluster. Text is folded before it is indexed, so that the rules of case are those of the
//! evaluator in memory. Values too long for a term are tested in memory and their events named by id.
use super::{
    Store,
    mapping::{self, MAX_REGEX, MAX_TERM},
    pattern,
};
use crate::{
    error::{Error, Result},
    event::{
        Condition, Event, Key, Period, Scope, Time,
        condition::{Match, Test, TextTest, key_type},
    },
    store::Query,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// So many texts are one query each; more are put together as alternatives.
const FEW: usize = 16;
/// Longest alternatives in one expression, in characters.
const MAX_ALTERNATIVES: usize = 2_000;

impl Store {
    /// Everything that a query asks, inside the scope.
    pub async fn filter(&self, scope: &Scope, query: &Query) -> Result<Value> {
        let mut filters = Vec::new();
        if let Scope::Hosts(hosts) = scope {
            filters.push(hosts_filter(hosts));
        }
        filters.extend(period(query.period));
        if !matches!(query.condition, Condition::All) {
            let mut names = Vec::new();
            keys(&query.condition, &mut names);
            let long =
                if names.is_empty() { Vec::new() } else { self.all(&json!({ "terms": { "s.big": names } })).await? };
            filters.push(condition(&query.condition, &long)?);
        }
        Ok(all_of(&filters))
    }
}

pub fn all_of(filters: &[Value]) -> Value {
    if filters.is_empty() { json!({ "match_all": {} }) } else { json!({ "bool": { "filter": filters } }) }
}

pub fn but_not(filter: &Value, not: &Value) -> Value {
    json!({ "bool": { "filter": [filter], "must_not": [not] } })
}

pub fn hosts_filter(hosts: &[String]) -> Value {
    json!({ "terms": { "s.host": hosts } })
}

pub fn period(period: Period) -> Option<Value> {
    let ms = |t: Option<Time>| t.map(|t| t.0);
    (period != Period::default()).then(|| match (ms(period.from), ms(period.to)) {
        (Some(from), Some(to)) => json!({ "range": { "t": { "gte": from, "lt": to } } }),
        (Some(from), None) => json!({ "range": { "t": { "gte": from } } }),
        (None, to) => json!({ "range": { "t": { "lt": to } } }),
    })
}

/// Names of the values that are compared.
fn keys(condition: &Condition, out: &mut Vec<String>) {
    match condition {
        Condition::All => {}
        Condition::And(c) | Condition::Or(c) => c.iter().for_each(|c| keys(c, out)),
        Condition::Not(c) => keys(c, out),
        Condition::Match(m) if matches!(m.test, Test::Exists) => {}
        Condition::Match(m) => out.extend(m.keys.iter().map(mapping::name).filter(|n| n.len() <= MAX_TERM)),
    }
}

fn condition(c: &Condition, long: &[Arc<Event>]) -> Result<Value> {
    let each = |all: &[Condition]| all.iter().map(|c| condition(c, long)).collect::<Result<Vec<_>>>();
    Ok(match c {
        Condition::All => json!({ "match_all": {} }),
        Condition::And(all) => all_of(&each(all)?),
        Condition::Or(any) => any_of(each(any)?),
        Condition::Not(c) => json!({ "bool": { "must_not": [condition(c, long)?] } }),
        Condition::Match(m) => comparison(m, long)?,
    })
}

fn any_of(mut any: Vec<Value>) -> Value {
    match any.len() {
        0 => json!({ "match_none": {} }),
        1 => any.remove(0),
        _ => json!({ "bool": { "should": any, "minimum_should_match": 1 } }),
    }
}

fn comparison(m: &Match, long: &[Arc<Event>]) -> Result<Value> {
    let mut any = Vec::new();
    for key in &m.keys {
        test(m, key, &mut any)?;
    }
    if !matches!(m.test, Test::Exists) {
        let ids: Vec<String> = long.iter().filter(|e| m.is_match(e)).map(|e| e.id.to_string()).collect();
        any.extend((!ids.is_empty()).then(|| json!({ "terms": { "s.id": ids } })));
    }
    Ok(any_of(any))
}

/// Queries any of which must match.
fn test(m: &Match, key: &Key, any: &mut Vec<Value>) -> Result<()> {
    let (path, prefix) = match key {
        Key::Field(f) => (format!("s.v.{}", f.name()), String::new()),
        Key::Other(name) => ("s.x".to_owned(), mapping::other_prefix(name)),
    };
    let text = match &m.test {
        Test::Text(t) => t,
        Test::Exists => {
            any.push(json!({ "term": { "s.has": mapping::name(key) } }));
            return Ok(());
        }
        Test::Cidr(nets) => {
            for (kind, v4) in [("i4", true), ("i6", false)] {
                let nets: Vec<String> =
                    nets.iter().filter(|n| n.addr().is_ipv4() == v4).map(ToString::to_string).collect();
                let path = format!("s.{kind}.{}", key.name());
                any.extend(nets.into_iter().map(|n| json!({ "term": { path.as_str(): n } })));
            }
            return Ok(());
        }
        Test::Range { from, to } => {
            let ty = key_type(key);
            let bound = |n: &Option<i128>, open: i64| n.map_or(open, |n| mapping::number(ty, n));
            let (from, to) = (bound(from, i64::MIN), bound(to, i64::MAX));
            any.push(json!({ "range": { format!("s.n.{}", key.name()): { "gte": from, "lte": to } } }));
            return Ok(());
        }
    };
    let wildcard = |before: &str, operand: &str, after: &str| {
        let value = format!("{}{before}{}{after}", plain(&prefix), plain(operand));
        json!({ "wildcard": { path.as_str(): { "value": value } } })
    };
    let (operands, before, after) = match text {
        TextTest::Equals(operands) => {
            let terms: Vec<String> = operands.iter().map(|o| format!("{prefix}{o}")).collect();
            any.push(json!({ "terms": { path: terms } }));
            return Ok(());
        }
        TextTest::Regex(patterns) => {
            for p in patterns {
                let inner = pattern::lucene(p.as_str()).ok_or_else(|| {
                    Error::bad_input(format!("{}: Elasticsearch knows ^ and $ only at the ends of a pattern", m.name))
                })?;
                let value = format!("{}({inner})", pattern::literal(&prefix));
                if value.chars().count() > MAX_REGEX {
                    return Err(Error::bad_input(format!("{}: a pattern is too long for Elasticsearch", m.name)));
                }
                any.push(regexp(&path, &value));
            }
            return Ok(());
        }
        TextTest::Contains(operands) => (operands, "*", "*"),
        TextTest::StartsWith(operands) => (operands, "", "*"),
        TextTest::EndsWith(operands) => (operands, "*", ""),
    };
    let (short, long): (Vec<&String>, Vec<&String>) = if operands.len() <= FEW {
        (Vec::new(), operands.iter().collect())
    } else {
        operands.iter().partition(|o| o.len() < MAX_ALTERNATIVES / 4)
    };
    any.extend(long.into_iter().map(|o| wildcard(before, o, after)));
    let dots = |star: &str| if star.is_empty() { "" } else { ".*" };
    let mut alternatives = String::new();
    let mut push = |alternatives: &str| {
        let value = format!("{}{}({alternatives}){}", pattern::literal(&prefix), dots(before), dots(after));
        any.push(regexp(&path, &value));
    };
    for operand in short {
        if alternatives.len() > MAX_ALTERNATIVES {
            push(&std::mem::take(&mut alternatives));
        }
        if !alternatives.is_empty() {
            alternatives.push('|');
        }
        alternatives.push_str(&pattern::literal(operand));
    }
    if !alternatives.is_empty() {
        push(&alternatives);
    }
    Ok(())
}

fn regexp(path: &str, value: &str) -> Value {
    json!({ "regexp": { path: { "value": value, "flags": "NONE", "max_determinized_states": 100_000 } } })
}

/// Text of a wildcard query that means just itself.
fn plain(text: &str) -> String {
    text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")
}
