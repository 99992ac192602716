//! Rules that only ask whether a field has one of many values: found by hash, whatever the number of values
//! and rules. Lists of indicators are such rules.
use super::{
    logsource::Stream,
    value::{Encoding, Op, Test, tests},
    view::key,
};
use crate::event::{Event, Field, Key, Time, condition::parse_number, fields::Type, indicator, text};
use ipnet::IpNet;
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Modifier, Quantifier, SigmaRule, SigmaString, SigmaValue,
};
use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
};

/// Values from which on a rule of any origin is looked up; rules of indicators always are, because the hits name
/// the values.
const MANY: usize = 16;

/// A value of a rule.
#[derive(Clone)]
struct Entry {
    /// Number of the rule.
    rule: usize,
    /// Streams of the rule, a bit for each.
    streams: u64,
    /// Events of this time and later do not match.
    until: Option<Time>,
    /// As the rule writes it.
    value: Arc<str>,
}

#[derive(Default)]
struct Table {
    /// By the folded value.
    exact: HashMap<Box<str>, Vec<Entry>>,
    /// By the last part of a path, with its backslash.
    last: HashMap<Box<str>, Vec<Entry>>,
    nets: HashMap<IpNet, Vec<Entry>>,
    /// Lengths of the prefixes in `nets`.
    prefixes: BTreeSet<u8>,
}

/// All values of all such rules, by field.
#[derive(Default)]
pub struct Lookup(Vec<(Field, Table)>);

/// What one rule asks.
pub struct Asks(Vec<Ask>);

struct Ask {
    field: Field,
    until: Option<Time>,
    how: How,
    value: Arc<str>,
}

enum How {
    Exact(String),
    Last(String),
    Inside(IpNet),
}

impl Asks {
    /// The questions of a rule, and what must hold besides, for the engine: exceptions of a list are such. `None` when the
    /// engine has to answer them all.
    pub fn of(rule: &SigmaRule) -> Option<(Self, Option<SigmaRule>)> {
        let [condition] = rule.detection.conditions.as_slice() else { return None };
        let indicators = rule.tags.iter().any(|t| t == indicator::TAG);
        let mut parts = Vec::new();
        members(condition, &mut parts);
        let is_list = |asks: &Vec<Ask>| !asks.is_empty() && (indicators || asks.len() >= MANY);
        let found = parts.iter().enumerate().find_map(|(n, part)| Some((n, list(part, rule).filter(is_list)?)));
        let (at, asks) = found?;
        let others: Vec<ConditionExpr> =
            parts.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, part)| (*part).clone()).collect();
        let rest = (!others.is_empty()).then(|| {
            let mut rest = rule.clone();
            rest.detection.named.retain(|name, _| others.iter().any(|c| uses(c, name)));
            rest.detection.conditions = vec![ConditionExpr::And(others)];
            rest.detection.condition_strings = rest.detection.conditions.iter().map(ToString::to_string).collect();
            rest
        });
        Some((Self(asks), rest))
    }
}

/// Parts of a condition that must all hold.
fn members<'c>(condition: &'c ConditionExpr, out: &mut Vec<&'c ConditionExpr>) {
    match condition {
        ConditionExpr::And(all) => all.iter().for_each(|c| members(c, out)),
        other => out.push(other),
    }
}

/// Whether a condition asks a part of the detection.
fn uses(condition: &ConditionExpr, name: &str) -> bool {
    match condition {
        ConditionExpr::And(all) | ConditionExpr::Or(all) => all.iter().any(|c| uses(c, name)),
        ConditionExpr::Not(inner) => uses(inner, name),
        ConditionExpr::Identifier(own) => own == name,
        ConditionExpr::Selector { pattern, .. } => pattern.matches_detection_name(name),
    }
}

/// The questions of a condition of which any must hold; `None` where it asks anything else.
fn list<'r>(condition: &'r ConditionExpr, rule: &'r SigmaRule) -> Option<Vec<Ask>> {
    let named = &rule.detection.named;
    let names: Vec<&String> = match condition {
        ConditionExpr::Identifier(name) => vec![name],
        ConditionExpr::Selector { quantifier: Quantifier::Any | Quantifier::Count(1), pattern } => {
            named.keys().filter(|n| pattern.matches_detection_name(n)).collect()
        }
        // As filters write them.
        ConditionExpr::Or(all) => {
            let name = |c: &'r ConditionExpr| match c {
                ConditionExpr::Identifier(name) => Some(name),
                _ => None,
            };
            all.iter().map(name).collect::<Option<_>>()?
        }
        _ => return None,
    };
    let mut asks = Vec::new();
    for name in names {
        let Detection::AllOf(items) = named.get(name)? else { return None };
        let (item, until) = match items.as_slice() {
            [item] => (item, None),
            [item, end] => (item, Some(end_of(end)?)),
            _ => return None,
        };
        asks.extend(of_item(item, until)?);
    }
    Some(asks)
}

/// `UtcTime|lt: time`
fn end_of(item: &DetectionItem) -> Option<Time> {
    let named = item.field.name.as_deref().map(key) == Some(Key::Field(Field::UtcTime));
    match (item.field.modifiers.as_slice(), item.values.as_slice()) {
        ([Modifier::Lt], [SigmaValue::String(s)]) if named => {
            let n = parse_number(Type::Time, &s.original)?;
            i64::try_from(n).ok().map(Time)
        }
        _ => None,
    }
}

fn of_item(item: &DetectionItem, until: Option<Time>) -> Option<Vec<Ask>> {
    let Key::Field(field) = key(item.field.name.as_deref()?) else { return None };
    let op = match item.field.modifiers.as_slice() {
        [] => Op::Exact,
        [Modifier::EndsWith] => Op::EndsWith,
        [Modifier::Cidr] if field.ty() == Type::Ip => {
            let net = |v: &SigmaValue| match v {
                SigmaValue::String(s) => {
                    let net: IpNet = s.original.parse().ok()?;
                    Some(Ask { field, until, how: How::Inside(net.trunc()), value: s.original.as_str().into() })
                }
                _ => None,
            };
            return item.values.iter().map(net).collect();
        }
        _ => return None,
    };
    let ask = |v: &SigmaValue| {
        let text = match v {
            SigmaValue::String(s) => s.clone(),
            SigmaValue::Integer(n) if op == Op::Exact && field.ty() != Type::Hex => {
                SigmaString::from_raw(&n.to_string())
            }
            _ => return None,
        };
        let value = text.as_plain()?.into();
        let mut tests = tests(&text, op, Encoding::default(), field.ty(), true).ok()?;
        let how = match (tests.pop()?, tests.is_empty()) {
            (Test::Text(Op::Exact, t), true) => How::Exact(t),
            (Test::Text(Op::EndsWith, t), true) if t.rfind('\\') == Some(0) => How::Last(t),
            _ => return None,
        };
        Some(Ask { field, until, how, value })
    };
    item.values.iter().map(ask).collect()
}

impl Lookup {
    pub fn add(&mut self, asks: Asks, rule: usize, streams: &[Stream]) {
        let streams = streams.iter().fold(0, |bits, s| bits | 1_u64 << s);
        for Ask { field, until, how, value } in asks.0 {
            let at = match self.0.iter().position(|(f, _)| *f == field) {
                Some(at) => at,
                None => {
                    self.0.push((field, Table::default()));
                    self.0.len() - 1
                }
            };
            let Some((_, table)) = self.0.get_mut(at) else { continue };
            let entries = match how {
                How::Exact(text) => table.exact.entry(text.into()).or_default(),
                How::Last(text) => table.last.entry(text.into()).or_default(),
                How::Inside(net) => {
                    table.prefixes.insert(net.prefix_len());
                    table.nets.entry(net).or_default()
                }
            };
            entries.push(Entry { rule, streams, until, value });
        }
    }

    /// Numbers of the rules that match, with the values that do.
    pub fn find(&self, event: &Event, stream: Stream, found: &mut Vec<(usize, Arc<str>)>) {
        let mut take = |entries: Option<&Vec<Entry>>| {
            let fits = |e: &&Entry| e.streams >> stream & 1 == 1 && e.until.is_none_or(|u| event.time < u);
            found.extend(entries.into_iter().flatten().filter(fits).map(|e| (e.rule, e.value.clone())));
        };
        for (field, table) in &self.0 {
            for value in event.values(*field) {
                let folded = text::fold(&value);
                take(table.exact.get(folded.as_str()));
                if !table.last.is_empty() {
                    let last = folded.rfind('\\').and_then(|at| folded.get(at..));
                    take(last.and_then(|l| table.last.get(l)));
                }
                if !table.nets.is_empty()
                    && let Some(ip) = text::ip(&value)
                {
                    table.around(ip).for_each(|entries| take(Some(entries)));
                }
            }
        }
    }
}

impl Table {
    fn around(&self, ip: IpAddr) -> impl Iterator<Item = &Vec<Entry>> {
        let net = move |p: &u8| IpNet::new(ip, *p).ok().map(|n| n.trunc());
        self.prefixes.iter().filter_map(net).filter_map(|n| self.nets.get(&n))
    }
}
