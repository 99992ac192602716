//! Numbers about all matching events, counted over the columns of the index. All exact.
use super::{Seq, bits::Bits, view::Segment};
use crate::{
    error::Result,
    event::Time,
    store::{HostCount, Interval, Summary, Timeline},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use tantivy::columnar::ColumnValues;

type Matches = [(Arc<Segment>, Bits)];

/// Least and greatest time of the matches.
fn ends(matches: &Matches) -> Option<(Time, Time)> {
    let mut ends: Option<(i64, i64)> = None;
    for (segment, bits) in matches {
        let widen = |ends: Option<(i64, i64)>, (a, b): (i64, i64)| {
            Some(ends.map_or((a, b), |(min, max)| (min.min(a), max.max(b))))
        };
        if bits.is_full() && segment.docs > 0 {
            ends = widen(ends, segment.times);
        } else {
            segment.each(bits, |_, time, _| ends = widen(ends, (time, time)));
        }
    }
    ends.map(|(a, b)| (Time(a), Time(b)))
}

/// Start of the bucket of a time.
fn bucket(time: i64, width: i64) -> i64 {
    time.saturating_sub(time.rem_euclid(width))
}

pub fn summary(matches: &Matches, interval: Interval) -> Result<Summary> {
    let width = interval.width(ends(matches))?;
    let mut total = 0;
    let mut hosts: BTreeSet<&str> = BTreeSet::new();
    let mut histogram: HashMap<i64, u64> = HashMap::new();
    let mut codes: BTreeMap<u32, u64> = BTreeMap::new();
    for (segment, bits) in matches {
        let mut seen = vec![false; segment.hosts.len()];
        segment.each(bits, |doc, time, code| {
            total += 1;
            *histogram.entry(bucket(time, width)).or_default() += 1;
            *codes.entry(code).or_default() += 1;
            if let Some(slot) = segment.host(doc).and_then(|h| seen.get_mut(h)) {
                *slot = true;
            }
        });
        hosts.extend(segment.hosts.iter().zip(seen).filter(|(_, seen)| *seen).map(|(h, _)| h.as_str()));
    }
    let mut histogram: Vec<_> = histogram.into_iter().map(|(t, n)| (Time(t), n)).collect();
    histogram.sort_unstable();
    Ok(Summary { total, hosts: hosts.len() as u64, histogram, interval_ms: width, codes: codes.into_iter().collect() })
}

pub fn timeline(matches: &Matches, interval: Interval) -> Result<Timeline> {
    let width = interval.width(ends(matches))?;
    let mut counts: HashMap<(i64, u32), u64> = HashMap::new();
    for (segment, bits) in matches {
        segment.each(bits, |_, time, code| *counts.entry((bucket(time, width), code)).or_default() += 1);
    }
    let mut buckets: Vec<_> = counts.into_iter().map(|((t, code), n)| (Time(t), code, n)).collect();
    buckets.sort_unstable();
    Ok(Timeline { interval_ms: width, buckets })
}

/// The first hosts by name behind `after` that have a match.
pub fn hosts(matches: &Matches, after: Option<&str>, first: usize) -> Vec<HostCount> {
    let behind = |name: &str| after.is_none_or(|a| name > a);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (segment, bits) in matches {
        let mut seen = vec![false; segment.hosts.len()];
        for host in bits.iter().filter_map(|doc| segment.host(doc)) {
            if let Some(slot) = seen.get_mut(host) {
                *slot = true;
            }
        }
        let found = segment.hosts.iter().zip(seen).filter(|(h, seen)| *seen && behind(h));
        names.extend(found.map(|(h, _)| h.as_str()).take(first));
    }
    let empty = |host: &str| HostCount {
        host: host.to_owned(),
        events: 0,
        first: Time(i64::MAX),
        last: Time(i64::MIN),
        codes: Vec::new(),
    };
    let mut counts: Vec<(HostCount, BTreeMap<u32, u64>)> =
        names.into_iter().take(first).map(|h| (empty(h), BTreeMap::new())).collect();
    for (segment, bits) in matches {
        let mut wanted: Vec<_> = segment.hosts.iter().map(|_| None).collect();
        for count in &mut counts {
            if let Ok(i) = segment.hosts.binary_search(&count.0.host) {
                wanted[i] = Some(count);
            }
        }
        segment.each(bits, |doc, time, code| {
            let Some(Some((count, codes))) = segment.host(doc).and_then(|h| wanted.get_mut(h)) else { return };
            count.events += 1;
            count.first = count.first.min(Time(time));
            count.last = count.last.max(Time(time));
            *codes.entry(code).or_default() += 1;
        });
    }
    let finish =
        |(count, codes): (HostCount, BTreeMap<u32, u64>)| HostCount { codes: codes.into_iter().collect(), ..count };
    counts.into_iter().map(finish).collect()
}

/// Position of the newest match, by time and id, of each host asked.
pub fn latest(matches: &Matches, hosts: &[String]) -> Vec<Option<Seq>> {
    let mut newest: Vec<Option<((i64, u128), Seq)>> = vec![None; hosts.len()];
    for (segment, bits) in matches {
        let mut asked = vec![None; segment.hosts.len()];
        for (i, host) in hosts.iter().enumerate() {
            if let Ok(at) = segment.hosts.binary_search(host) {
                asked[at] = Some(i);
            }
        }
        segment.each(bits, |doc, time, _| {
            let slot = segment.host(doc).and_then(|h| *asked.get(h)?).and_then(|i| newest.get_mut(i));
            if let Some(slot) = slot.filter(|s| s.is_none_or(|((newest, _), _)| time >= newest)) {
                let rank = (time, segment.event_id(doc));
                if slot.is_none_or(|(newest, _)| rank > newest) {
                    *slot = Some((rank, segment.seq.get_val(doc)));
                }
            }
        });
    }
    newest.into_iter().map(|n| n.map(|(_, seq)| seq)).collect()
}
