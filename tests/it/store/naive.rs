//! The answers by going through all events: what every store must agree with.
use std::collections::{BTreeMap, BTreeSet};
use sysmonsearch::{
    event::{Event, Field, Scope, Time, text},
    store::{FieldValue, HostCount, Order, Query, Term, TermOrder, Terms, ValueOrder, Values, ValuesQuery},
};

pub fn matching<'a>(events: &'a [Event], scope: &Scope, query: &Query) -> Vec<&'a Event> {
    let mut found: Vec<&Event> = events
        .iter()
        .filter(|e| scope.allows(&e.host()) && query.period.contains(e.time) && query.condition.is_match(e))
        .collect();
    found.sort_by_key(|e| (e.time, e.id));
    found
}

pub fn codes(events: &[&Event]) -> Vec<(u32, u64)> {
    let mut codes = BTreeMap::new();
    events.iter().for_each(|e| *codes.entry(e.code).or_insert(0) += 1);
    codes.into_iter().collect()
}

pub fn histogram(events: &[&Event], width: i64) -> Vec<(Time, u64)> {
    let mut buckets = BTreeMap::new();
    events.iter().for_each(|e| *buckets.entry(Time(e.time.0.div_euclid(width) * width)).or_insert(0) += 1);
    buckets.into_iter().collect()
}

pub fn timeline(events: &[&Event], width: i64) -> Vec<(Time, u32, u64)> {
    let mut buckets = BTreeMap::new();
    let start = |e: &Event| Time(e.time.0.div_euclid(width) * width);
    events.iter().for_each(|e| *buckets.entry((start(e), e.code)).or_insert(0) += 1);
    buckets.into_iter().map(|((time, code), n)| (time, code, n)).collect()
}

pub fn host_names(events: &[&Event]) -> BTreeSet<String> {
    events.iter().map(|e| e.host()).filter(|h| !h.is_empty()).collect()
}

pub fn hosts(events: &[&Event]) -> Vec<HostCount> {
    host_names(events)
        .into_iter()
        .map(|host| {
            let own: Vec<&Event> = events.iter().filter(|e| e.host() == host).copied().collect();
            HostCount {
                events: own.len() as u64,
                first: own.iter().map(|e| e.time).min().unwrap(),
                last: own.iter().map(|e| e.time).max().unwrap(),
                codes: codes(&own),
                host,
            }
        })
        .collect()
}

pub fn terms(events: &[&Event], field: Field, order: TermOrder, first: usize) -> Terms {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut carriers = 0;
    for e in events {
        let values: BTreeSet<String> = e.values(field).iter().map(|v| text::fold(v)).collect();
        carriers += u64::from(!values.is_empty());
        values.into_iter().for_each(|v| *counts.entry(v).or_default() += 1);
    }
    let distinct = counts.len() as u64;
    let mut values: Vec<Term> = counts.into_iter().map(|(value, events)| Term { value, events }).collect();
    match order {
        TermOrder::Top => values.sort_by_key(|t| std::cmp::Reverse(t.events)),
        TermOrder::Rare => values.sort_by_key(|t| t.events),
    }
    values.truncate(first);
    Terms { values, distinct, events: carriers }
}

/// By the value of a field; events without one last.
pub fn sorted<'a>(events: &[&'a Event], field: Field, descending: bool) -> Vec<&'a Event> {
    let value = |e: &Event| {
        let value = Order::value(e, field, descending);
        value.map(|v| (if Order::by_length(field) { v.len() } else { 0 }, v))
    };
    let mut keyed: Vec<_> = events.iter().map(|e| (value(e), e.time, e.id, *e)).collect();
    keyed.sort_by(|a, b| {
        let key = |x: &(Option<(usize, String)>, Time, _, _)| (x.0.clone(), x.1, x.2);
        let by_key = if descending { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) };
        a.0.is_none().cmp(&b.0.is_none()).then(by_key)
    });
    keyed.into_iter().map(|k| k.3).collect()
}

/// Combinations of the folded values of an event's fields.
fn combinations(event: &Event, fields: &[Field]) -> BTreeSet<Vec<String>> {
    let mut all = BTreeSet::from([Vec::new()]);
    for field in fields {
        let values: BTreeSet<String> = event.values(*field).iter().map(|v| text::fold(v)).collect();
        let longer =
            |c: Vec<String>| values.iter().map(move |v| [&c[..], std::slice::from_ref(v)].concat()).collect::<Vec<_>>();
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

pub fn values(events: &[&Event], baseline: &[&Event], ask: &ValuesQuery) -> Values {
    let group = |events: &[&Event]| {
        let mut found: BTreeMap<Vec<String>, Vec<Event>> = BTreeMap::new();
        for e in events {
            for values in combinations(e, &ask.fields) {
                found.entry(values).or_default().push((*e).clone());
            }
        }
        found
    };
    let hosts = |e: &[Event]| host_names(&e.iter().collect::<Vec<_>>()).len() as u64;
    let before = group(baseline);
    let mut values: Vec<FieldValue> = group(events)
        .into_iter()
        .map(|(values, own)| {
            let before = before.get(&values).map_or(&[][..], Vec::as_slice);
            FieldValue {
                events: own.len() as u64,
                hosts: hosts(&own),
                first: own.iter().map(|e| e.time).min().unwrap(),
                last: own.iter().map(|e| e.time).max().unwrap(),
                baseline_events: before.len() as u64,
                baseline_hosts: hosts(before),
                values,
            }
        })
        .filter(|v| !ask.only_new || v.baseline_events == 0)
        .collect();
    let key = |v: &FieldValue| match ask.order {
        ValueOrder::Events => v.events as i64,
        ValueOrder::Hosts => v.hosts as i64,
        ValueOrder::FirstSeen => v.first.0,
        ValueOrder::LastSeen => v.last.0,
        ValueOrder::Baseline => v.baseline_events as i64,
        ValueOrder::Change => v.events as i64 - v.baseline_events as i64,
        ValueOrder::Value => 0,
    };
    match (ask.order, ask.descending) {
        (ValueOrder::Value, true) => values.reverse(),
        (_, true) => values.sort_by_key(|v| std::cmp::Reverse(key(v))),
        (_, false) => values.sort_by_key(key),
    }
    let distinct = values.len() as u64;
    values.truncate(ask.first);
    let carriers = events.iter().filter(|e| ask.fields.iter().all(|f| !e.values(*f).is_empty())).count() as u64;
    Values { values, distinct, events: carriers }
}

pub fn latest<'a>(events: &[&'a Event], hosts: &[String]) -> Vec<Option<&'a Event>> {
    let of = |host: &String| events.iter().filter(|e| e.host() == *host).max_by_key(|e| (e.time, e.id)).copied();
    hosts.iter().map(of).collect()
}
