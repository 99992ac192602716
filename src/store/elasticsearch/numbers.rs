//! Numbers about all matching events. All exact.
use super::{Asked, Store, query};
use crate::{
    elastic::groups::{by, whole},
    error::Result,
    event::{Condition, Event, Period, Scope, Time},
    store::{HostCount, Interval, Query, Summary, Timeline},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Store {
    /// Time of the first and the last matching event.
    async fn ends(&self, asked: &Asked) -> Result<Option<(Time, Time)>> {
        let aggs = json!({ "first": { "min": { "field": "t" } }, "last": { "max": { "field": "t" } } });
        let body = json!({ "query": asked.ours, "size": 0, "track_total_hits": false, "aggs": aggs });
        let answer = self.ask(&body).await?;
        let end = |name: &str| Some(&answer["aggregations"][name]["value"]).filter(|v| v.is_number()).map(whole);
        let ours = end("first").zip(end("last")).map(|(first, last)| (Time(first), Time(last)));
        let theirs = asked.theirs.first().zip(asked.theirs.last()).map(|(first, last)| (first.time, last.time));
        Ok(match (ours, theirs) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (ours, theirs) => ours.or(theirs),
        })
    }

    pub async fn summary(&self, asked: &Asked, interval: Interval) -> Result<Summary> {
        let interval_ms = interval.width(self.ends(asked).await?)?;
        let (mut histogram, mut codes, mut hosts) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for e in &asked.theirs {
            *histogram.entry(start(e, interval_ms)).or_default() += 1;
            *codes.entry(e.code).or_default() += 1;
            hosts.insert(e.host());
        }
        self.groups(&asked.ours, &[by_time(interval_ms)], false, |g| {
            *histogram.entry(Time(g.number("time"))).or_default() += g.events;
            Ok(true)
        })
        .await?;
        self.groups(&asked.ours, &[by("code", "s.code")], false, |g| {
            *codes.entry(g.number("code") as u32).or_default() += g.events;
            Ok(true)
        })
        .await?;
        self.groups(&asked.ours, &[by("host", "s.host")], false, |g| {
            hosts.insert(g.text("host").to_owned());
            Ok(true)
        })
        .await?;
        hosts.remove("");
        Ok(Summary {
            total: codes.values().sum(),
            hosts: hosts.len() as u64,
            histogram: histogram.into_iter().collect(),
            interval_ms,
            codes: codes.into_iter().collect(),
        })
    }

    pub async fn timeline(&self, asked: &Asked, interval: Interval) -> Result<Timeline> {
        let interval_ms = interval.width(self.ends(asked).await?)?;
        let mut buckets = BTreeMap::new();
        for e in &asked.theirs {
            *buckets.entry((start(e, interval_ms), e.code)).or_default() += 1;
        }
        self.groups(&asked.ours, &[by_time(interval_ms), by("code", "s.code")], false, |g| {
            *buckets.entry((Time(g.number("time")), g.number("code") as u32)).or_default() += g.events;
            Ok(true)
        })
        .await?;
        Ok(Timeline { interval_ms, buckets: buckets.into_iter().map(|((t, code), n)| (t, code, n)).collect() })
    }

    pub async fn hosts(
        &self,
        scope: &Scope,
        period: Period,
        after: Option<&str>,
        first: usize,
    ) -> Result<Vec<HostCount>> {
        let after = after.unwrap_or_default();
        let mut hosts: BTreeMap<String, Found> = BTreeMap::new();
        for e in self.theirs(scope, &Query { condition: Condition::All, period }).await? {
            let host = e.host();
            if host.as_str() > after {
                hosts.entry(host).or_default().add(e.code, 1, (e.time, e.time));
            }
        }
        let mut filters: Vec<Value> = query::period(period).into_iter().collect();
        if let Scope::Hosts(hosts) = scope {
            filters.push(query::hosts_filter(hosts));
        }
        filters.push(json!({ "range": { "s.host": { "gt": after } } }));
        let (mut ours, mut last) = (0, String::new());
        self.groups(&query::all_of(&filters), &[by("host", "s.host"), by("code", "s.code")], true, |g| {
            let host = g.text("host");
            if host != last {
                if ours >= first {
                    return Ok(false);
                }
                ours += 1;
                host.clone_into(&mut last);
            }
            let times = (Time(g.first), Time(g.last));
            hosts.entry(host.to_owned()).or_default().add(g.number("code") as u32, g.events, times);
            Ok(true)
        })
        .await?;
        let count = |(host, f): (String, Found)| {
            let (first, last) = f.times.unwrap_or_default();
            HostCount { host, events: f.codes.values().sum(), first, last, codes: f.codes.into_iter().collect() }
        };
        Ok(hosts.into_iter().take(first).map(count).collect())
    }
}

/// What was found of a host.
#[derive(Default)]
struct Found {
    codes: BTreeMap<u32, u64>,
    times: Option<(Time, Time)>,
}

impl Found {
    fn add(&mut self, code: u32, events: u64, (from, to): (Time, Time)) {
        *self.codes.entry(code).or_default() += events;
        self.times = Some(self.times.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
    }
}

fn start(event: &Event, width: i64) -> Time {
    Time(event.time.0.div_euclid(width).saturating_mul(width))
}

/// Buckets are multiples of the width since 1970, as everywhere.
fn by_time(width: i64) -> Value {
    json!({ "time": { "histogram": { "field": "t", "interval": width } } })
}
