//! Conditions as queries of the cluster. Text is folded before it is indexed, so that the rules of case are those of the
//! evaluator in memory. Values too long for a term are tested in memory and their events named by id. Of an operand too
//! long for a pattern a part is asked for, and the distinct values that have it are tested in memory.
use super::{
    Store,
    mapping::{self, MAX_REGEX, MAX_TERM},
    pattern,
};
use crate::{
    elastic::groups::by,
    error::{Error, Result},
    event::{
        Condition, Event, Key, Period, Scope, Time,
        condition::{Match, Test, TextTest, key_type},
    },
    store::Query,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

/// So many texts are one query each; more are put together as alternatives.
const FEW: usize = 16;
/// Longest alternatives in one expression, in characters.
const MAX_ALTERNATIVES: usize = 2_000;
/// Longest operand that becomes a pattern, in characters. The work to prepare one can grow with the square of its length.
const MAX_OPERAND: usize = 256;
/// Distinct values that may have to be tested in memory for one operand.
const MAX_TESTED: usize = 60_000;
/// Terms of one query; the cluster takes 65,536.
const MAX_TERMS: usize = 60_000;

/// What is found out before the query is written.
#[derive(Default)]
struct Known {
    /// Events with a compared value that is too long for a term.
    events: Vec<Arc<Event>>,
    /// Terms of a path that match a long operand.
    terms: HashMap<Long, Vec<String>>,
}

/// A comparison with an operand that is too long for a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Long {
    path: String,
    /// What stands before the values in the path.
    prefix: String,
    place: Place,
    operand: String,
}

/// Where in a value an operand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Anywhere,
    Start,
    End,
}

impl Place {
    fn is_match(self, value: &str, operand: &str) -> bool {
        match self {
            Self::Anywhere => value.contains(operand),
            Self::Start => value.starts_with(operand),
            Self::End => value.ends_with(operand),
        }
    }

    /// What every value that matches has too.
    fn part(self, operand: &str) -> String {
        let skipped = if self == Self::End { operand.chars().count().saturating_sub(MAX_OPERAND) } else { 0 };
        operand.chars().skip(skipped).take(MAX_OPERAND).collect()
    }
}

/// Operands of a text test that is no equality and no pattern.
fn operands(text: &TextTest) -> Option<(Place, &[String])> {
    match text {
        TextTest::Contains(o) => Some((Place::Anywhere, o)),
        TextTest::StartsWith(o) => Some((Place::Start, o)),
        TextTest::EndsWith(o) => Some((Place::End, o)),
        TextTest::Equals(_) | TextTest::Regex(_) => None,
    }
}

fn is_long(operand: &str) -> bool {
    operand.len() > MAX_OPERAND && operand.chars().nth(MAX_OPERAND).is_some()
}

/// Where the values of a key are, and what stands before them there.
fn path(key: &Key) -> (String, String) {
    match key {
        Key::Field(f) => (format!("s.v.{}", f.name()), String::new()),
        Key::Other(name) => ("s.x".to_owned(), mapping::other_prefix(name)),
    }
}

impl Store {
    /// Everything that a query asks, inside the scope.
    pub async fn filter(&self, scope: &Scope, query: &Query) -> Result<Value> {
        let mut filters = Vec::new();
        if let Scope::Hosts(hosts) = scope {
            filters.push(hosts_filter(hosts));
        }
        filters.extend(period(query.period));
        if !matches!(query.condition, Condition::All) {
            let known = self.known(&query.condition, &all_of(&filters)).await?;
            filters.push(condition(&query.condition, &known)?);
        }
        Ok(all_of(&filters))
    }

    async fn known(&self, condition: &Condition, within: &Value) -> Result<Known> {
        let (mut names, mut long) = (Vec::new(), Vec::new());
        each_match(condition, &mut |m| {
            if !matches!(m.test, Test::Exists) {
                names.extend(m.keys.iter().map(mapping::name).filter(|n| n.len() <= MAX_TERM));
            }
            if let Test::Text(text) = &m.test
                && let Some((place, operands)) = operands(text)
            {
                for operand in operands.iter().filter(|o| is_long(o)) {
                    long.extend(m.keys.iter().map(path).map(|(path, prefix)| Long {
                        path,
                        prefix,
                        place,
                        operand: operand.clone(),
                    }));
                }
            }
        });
        let mut known = Known::default();
        if !names.is_empty() {
            known.events = self.all(&json!({ "terms": { "s.big": names } })).await?;
        }
        for one in long {
            if let Entry::Vacant(place) = known.terms.entry(one) {
                let terms = self.tested(place.key(), within).await?;
                place.insert(terms);
            }
        }
        Ok(known)
    }

    /// Terms that match a long operand.
    async fn tested(&self, long: &Long, within: &Value) -> Result<Vec<String>> {
        let mut part = Vec::new();
        pattern_of(&long.path, &long.prefix, long.place, &[long.place.part(&long.operand)], &mut part);
        let filter = all_of(&[within.clone(), any_of(part)]);
        let (mut terms, mut seen) = (Vec::new(), 0);
        self.groups(&filter, &[by("value", &long.path)], false, |group| {
            seen += 1;
            if seen > MAX_TESTED {
                return Err(Error::bad_input("too many values have a part of this long text: give another part of it"));
            }
            let term = group.text("value");
            let value = term.strip_prefix(long.prefix.as_str());
            if value.is_some_and(|v| long.place.is_match(v, &long.operand)) {
                terms.push(term.to_owned());
            }
            Ok(true)
        })
        .await?;
        Ok(terms)
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

fn each_match(condition: &Condition, f: &mut impl FnMut(&Match)) {
    match condition {
        Condition::All => {}
        Condition::And(c) | Condition::Or(c) => c.iter().for_each(|c| each_match(c, f)),
        Condition::Not(c) => each_match(c, f),
        Condition::Match(m) => f(m),
    }
}

fn condition(c: &Condition, known: &Known) -> Result<Value> {
    let each = |all: &[Condition]| all.iter().map(|c| condition(c, known)).collect::<Result<Vec<_>>>();
    Ok(match c {
        Condition::All => json!({ "match_all": {} }),
        Condition::And(all) => all_of(&each(all)?),
        Condition::Or(any) => any_of(each(any)?),
        Condition::Not(c) => json!({ "bool": { "must_not": [condition(c, known)?] } }),
        Condition::Match(m) => comparison(m, known)?,
    })
}

fn any_of(mut any: Vec<Value>) -> Value {
    match any.len() {
        0 => json!({ "match_none": {} }),
        1 => any.remove(0),
        _ => json!({ "bool": { "should": any, "minimum_should_match": 1 } }),
    }
}

fn comparison(m: &Match, known: &Known) -> Result<Value> {
    let mut any = Vec::new();
    for key in &m.keys {
        test(m, key, known, &mut any)?;
    }
    if !matches!(m.test, Test::Exists) {
        let ids: Vec<String> = known.events.iter().filter(|e| m.is_match(e)).map(|e| e.id.to_string()).collect();
        any.extend(terms("s.id", ids));
    }
    Ok(any_of(any))
}

/// Queries any of which must match.
fn test(m: &Match, key: &Key, known: &Known, any: &mut Vec<Value>) -> Result<()> {
    let (path, prefix) = path(key);
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
            if let Some((from, to)) = mapping::range(key_type(key), *from, *to) {
                any.push(json!({ "range": { format!("s.n.{}", key.name()): { "gte": from, "lte": to } } }));
            }
            return Ok(());
        }
    };
    match text {
        TextTest::Equals(operands) => any.extend(terms(&path, operands.iter().map(|o| format!("{prefix}{o}")))),
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
        }
        text => {
            let Some((place, operands)) = operands(text) else { return Ok(()) };
            let (long, short): (Vec<String>, Vec<String>) = operands.iter().cloned().partition(|o| is_long(o));
            for operand in long {
                let long = Long { path: path.clone(), prefix: prefix.clone(), place, operand };
                any.extend(terms(&path, known.terms.get(&long).into_iter().flatten().cloned()));
            }
            pattern_of(&path, &prefix, place, &short, any);
        }
    }
    Ok(())
}

/// Queries for values with one of the operands, none of which is long.
fn pattern_of(path: &str, prefix: &str, place: Place, operands: &[String], any: &mut Vec<Value>) {
    let (before, after) = match place {
        Place::Anywhere => ("*", "*"),
        Place::Start => ("", "*"),
        Place::End => ("*", ""),
    };
    if operands.len() <= FEW {
        any.extend(operands.iter().map(|operand| {
            let value = format!("{}{before}{}{after}", plain(prefix), plain(operand));
            json!({ "wildcard": { path: { "value": value } } })
        }));
        return;
    }
    let dots = |star: &str| if star.is_empty() { "" } else { ".*" };
    let mut alternatives = String::new();
    let mut push = |alternatives: &str| {
        let value = format!("{}{}({alternatives}){}", pattern::literal(prefix), dots(before), dots(after));
        any.push(regexp(path, &value));
    };
    for operand in operands {
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
}

/// Queries for exact terms. A longer one than an index can have is in none.
fn terms(path: &str, terms: impl IntoIterator<Item = String>) -> Vec<Value> {
    let terms: Vec<String> = terms.into_iter().filter(|t| t.len() <= MAX_TERM).collect();
    terms.chunks(MAX_TERMS).map(|some| json!({ "terms": { path: some } })).collect()
}

fn regexp(path: &str, value: &str) -> Value {
    json!({ "regexp": { path: { "value": value, "flags": "NONE", "max_determinized_states": 100_000 } } })
}

/// Text of a wildcard query that means just itself.
fn plain(text: &str) -> String {
    text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")
}
