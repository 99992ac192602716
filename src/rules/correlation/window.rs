//! Which events of a group complete a window. One pass: a window loses what it leaves behind and gains the next event.
use super::{Comparison, Correlation, Kind};
use crate::event::Time;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An event in a group.
#[derive(Debug)]
pub(super) struct Entry {
    pub time: Time,
    /// Which members have matched it.
    pub members: BTreeSet<usize>,
    /// Of each field of the condition, its folded values.
    pub values: Vec<BTreeSet<String>>,
}

/// Positions, in a group in order, of the events that complete a window.
pub(super) fn completed(asks: &Correlation, members: usize, entries: &[Entry]) -> Vec<usize> {
    if asks.kind == Kind::TemporalOrdered {
        return in_order(asks.span, members, entries);
    }
    let mut window = Window::new(asks, members);
    let (mut start, mut out) = (0, Vec::new());
    for (at, last) in entries.iter().enumerate() {
        // Both edges belong to the window.
        while start < at && last.time.0.saturating_sub(entries[start].time.0) > asks.span {
            window.remove(&entries[start]);
            start += 1;
        }
        let before = window.holds();
        window.add(last);
        if window.holds() && !before {
            out.push(at);
        }
    }
    out
}

/// Events that end a chain, one event for each member, one behind the other, where no chain was in the window before.
fn in_order(span: i64, members: usize, entries: &[Entry]) -> Vec<usize> {
    // Of the chains that have come as far as each member, the latest beginning.
    let mut begun: Vec<Option<i64>> = vec![None; members];
    let mut out = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let first = entry.time.0.saturating_sub(span);
        let whole = |begun: &[Option<i64>]| begun.last().copied().flatten().is_some_and(|t| t >= first);
        let before = whole(&begun);
        // From the last one down: an event is one step of a chain.
        for member in entry.members.iter().rev().filter(|m| **m < members) {
            let chain = match member.checked_sub(1) {
                None => Some(entry.time.0),
                Some(previous) => begun[previous],
            };
            begun[*member] = begun[*member].max(chain);
        }
        if whole(&begun) && !before {
            out.push(at);
        }
    }
    out
}

/// What is in a window, as far as the condition asks.
struct Window<'a> {
    asks: &'a Correlation,
    members: usize,
    events: usize,
    /// Events by member.
    matched: BTreeMap<usize, usize>,
    /// Events by value, or by combination of values.
    distinct: HashMap<String, usize>,
    /// Events by number, in millionths: whole numbers add up the same in any order.
    numbers: BTreeMap<i128, usize>,
    sum: i128,
    count: usize,
}

impl<'a> Window<'a> {
    fn new(asks: &'a Correlation, members: usize) -> Self {
        let (matched, distinct, numbers) = Default::default();
        Self { asks, members, events: 0, matched, distinct, numbers, sum: 0, count: 0 }
    }

    fn add(&mut self, entry: &Entry) {
        self.events += 1;
        match self.asks.kind {
            Kind::Temporal => entry.members.iter().for_each(|m| more(&mut self.matched, *m)),
            Kind::ValueCount => combinations(entry).into_iter().for_each(|v| *self.distinct.entry(v).or_default() += 1),
            Kind::ValueSum | Kind::ValueAvg | Kind::ValuePercentile => {
                for number in numbers(entry) {
                    more(&mut self.numbers, number);
                    self.sum += number;
                    self.count += 1;
                }
            }
            Kind::EventCount | Kind::TemporalOrdered => {}
        }
    }

    fn remove(&mut self, entry: &Entry) {
        self.events -= 1;
        match self.asks.kind {
            Kind::Temporal => entry.members.iter().for_each(|m| less(&mut self.matched, *m)),
            Kind::ValueCount => {
                for value in combinations(entry) {
                    if let Some(events) = self.distinct.get_mut(&value) {
                        *events -= 1;
                        if *events == 0 {
                            self.distinct.remove(&value);
                        }
                    }
                }
            }
            Kind::ValueSum | Kind::ValueAvg | Kind::ValuePercentile => {
                for number in numbers(entry) {
                    less(&mut self.numbers, number);
                    self.sum -= number;
                    self.count -= 1;
                }
            }
            Kind::EventCount | Kind::TemporalOrdered => {}
        }
    }

    fn holds(&self) -> bool {
        if self.asks.kind == Kind::Temporal && self.asks.condition.is_empty() {
            return self.matched.len() == self.members;
        }
        self.measure().is_some_and(|value| self.asks.condition.iter().all(|c| compared(*c, value)))
    }

    /// What the condition compares; `None` where no event of the window has a value.
    fn measure(&self) -> Option<f64> {
        let whole = |n: usize| (n > 0).then_some(n as f64);
        match self.asks.kind {
            Kind::Temporal => whole(self.matched.len()),
            Kind::ValueCount => whole(self.distinct.len()),
            Kind::ValueSum => whole(self.count).map(|_| units(self.sum)),
            Kind::ValueAvg => whole(self.count).map(|count| units(self.sum) / count),
            Kind::ValuePercentile => self.percentile(),
            Kind::EventCount | Kind::TemporalOrdered => whole(self.events),
        }
    }

    /// The least value that at least that part of all values does not exceed (nearest rank).
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is within the list")]
    fn percentile(&self) -> Option<f64> {
        let rank = (self.asks.percentile / 100.0 * self.count as f64).ceil().max(1.0) as usize;
        let mut below = 0;
        let mut reached = |(number, events): (&i128, &usize)| {
            below += events;
            (below >= rank).then_some(units(*number))
        };
        self.numbers.iter().find_map(&mut reached)
    }
}

fn more<K: Ord>(of: &mut BTreeMap<K, usize>, key: K) {
    *of.entry(key).or_default() += 1;
}

fn less<K: Ord>(of: &mut BTreeMap<K, usize>, key: K) {
    if let Some(events) = of.get_mut(&key) {
        *events -= 1;
        if *events == 0 {
            of.remove(&key);
        }
    }
}

/// Of one field each value counts; of several, their combination, where none is absent.
fn combinations(entry: &Entry) -> Vec<String> {
    match entry.values.as_slice() {
        [only] => only.iter().cloned().collect(),
        all if all.iter().any(BTreeSet::is_empty) => Vec::new(),
        all => {
            let fields = all.iter().map(|f| f.iter().map(String::as_str).collect::<Vec<_>>().join("\n"));
            vec![fields.collect::<Vec<_>>().join("\0")]
        }
    }
}

const MILLIONTHS: i128 = 1_000_000;

fn numbers(entry: &Entry) -> impl Iterator<Item = i128> {
    entry.values.iter().flatten().filter_map(|v| number(v))
}

/// In millionths: decimal, or hexadecimal as Sysmon writes masks.
#[allow(clippy::cast_possible_truncation, reason = "what does not fit is no number")]
fn number(text: &str) -> Option<i128> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(|n| i128::from(n) * MILLIONTHS);
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(i128::from(whole) * MILLIONTHS);
    }
    let number = text.parse::<f64>().ok().filter(|n| n.abs() < 1e20)?;
    Some((number * MILLIONTHS as f64).round() as i128)
}

fn units(millionths: i128) -> f64 {
    millionths as f64 / MILLIONTHS as f64
}

fn compared((comparison, with): (Comparison, f64), value: f64) -> bool {
    let same = (value - with).abs() < f64::EPSILON * value.abs().max(1.0);
    match comparison {
        Comparison::Gt => value > with,
        Comparison::Gte => value >= with,
        Comparison::Lt => value < with,
        Comparison::Lte => value <= with,
        Comparison::Eq => same,
        Comparison::Neq => !same,
    }
}
