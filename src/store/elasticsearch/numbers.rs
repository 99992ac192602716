//! Numbers about all matching events. All exact.
use super::{Store, query};
use crate::{
    elastic::groups::{by, whole},
    error::Result,
    event::{Period, Scope, Time},
    store::{HostCount, Interval, Summary, Timeline},
};
use serde_json::{Value, json};

impl Store {
    /// Time of the first and the last matching event.
    async fn ends(&self, filter: &Value) -> Result<Option<(Time, Time)>> {
        let aggs = json!({ "first": { "min": { "field": "t" } }, "last": { "max": { "field": "t" } } });
        let answer = self.ask(&json!({ "query": filter, "size": 0, "track_total_hits": false, "aggs": aggs })).await?;
        let end = |name: &str| Some(&answer["aggregations"][name]["value"]).filter(|v| v.is_number()).map(whole);
        Ok(end("first").zip(end("last")).map(|(first, last)| (Time(first), Time(last))))
    }

    pub async fn summary(&self, filter: &Value, interval: Interval) -> Result<Summary> {
        let interval_ms = interval.width(self.ends(filter).await?)?;
        let mut summary = Summary { total: 0, hosts: 0, histogram: Vec::new(), interval_ms, codes: Vec::new() };
        self.groups(filter, &[by_time(interval_ms)], false, |g| {
            summary.histogram.push((Time(g.number("time")), g.events));
            Ok(true)
        })
        .await?;
        self.groups(filter, &[by("code", "s.code")], false, |g| {
            summary.total += g.events;
            summary.codes.push((g.number("code") as u32, g.events));
            Ok(true)
        })
        .await?;
        self.groups(filter, &[by("host", "s.host")], false, |g| {
            summary.hosts += u64::from(!g.text("host").is_empty());
            Ok(true)
        })
        .await?;
        Ok(summary)
    }

    pub async fn timeline(&self, filter: &Value, interval: Interval) -> Result<Timeline> {
        let interval_ms = interval.width(self.ends(filter).await?)?;
        let mut buckets = Vec::new();
        self.groups(filter, &[by_time(interval_ms), by("code", "s.code")], false, |g| {
            buckets.push((Time(g.number("time")), g.number("code") as u32, g.events));
            Ok(true)
        })
        .await?;
        Ok(Timeline { interval_ms, buckets })
    }

    pub async fn hosts(
        &self,
        scope: &Scope,
        period: Period,
        after: Option<&str>,
        first: usize,
    ) -> Result<Vec<HostCount>> {
        let mut filters: Vec<Value> = query::period(period).into_iter().collect();
        if let Scope::Hosts(hosts) = scope {
            filters.push(query::hosts_filter(hosts));
        }
        filters.push(json!({ "range": { "s.host": { "gt": after.unwrap_or_default() } } }));
        let mut hosts: Vec<HostCount> = Vec::new();
        self.groups(&query::all_of(&filters), &[by("host", "s.host"), by("code", "s.code")], true, |g| {
            let (at, code) = (g.text("host"), (g.number("code") as u32, g.events));
            let (from, to) = (Time(g.first), Time(g.last));
            let full = hosts.len() >= first;
            match hosts.last_mut().filter(|h| h.host == at) {
                Some(h) => {
                    h.events += g.events;
                    (h.first, h.last) = (h.first.min(from), h.last.max(to));
                    h.codes.push(code);
                }
                None if full => return Ok(false),
                None => {
                    let host = at.to_owned();
                    hosts.push(HostCount { host, events: g.events, first: from, last: to, codes: vec![code] });
                }
            }
            Ok(true)
        })
        .await?;
        Ok(hosts)
    }
}

/// Buckets are multiples of the width since 1970, as everywhere.
fn by_time(width: i64) -> Value {
    json!({ "time": { "histogram": { "field": "t", "interval": width } } })
}
