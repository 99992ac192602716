//! The answers by going through all events: what every store must agree with.
use std::collections::{BTreeMap, BTreeSet};
use sysmonsearch::{
    event::{Event, Field, Scope, Time, text},
    store::{HostCount, Query, Term, TermOrder, Terms},
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
