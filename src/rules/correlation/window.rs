//! Which events of a group complete a window.
use super::{Comparison, Correlation, Kind, link::Entry};
use std::collections::BTreeSet;

/// Positions, in a group in order, of the events that complete a window.
pub(super) fn completed(asks: &Correlation, members: usize, entries: &[Entry]) -> Vec<usize> {
    let mut start = 0;
    let mut out = Vec::new();
    for (at, last) in entries.iter().enumerate() {
        // Both edges belong to the window.
        while last.event.time.0.saturating_sub(entries[start].event.time.0) > asks.span {
            start += 1;
        }
        if holds(asks, members, &entries[start..=at]) && !holds(asks, members, &entries[start..at]) {
            out.push(at);
        }
    }
    out
}

fn holds(asks: &Correlation, members: usize, window: &[Entry]) -> bool {
    if window.is_empty() {
        return false;
    }
    match asks.kind {
        Kind::TemporalOrdered => in_order(members, window),
        Kind::Temporal => {
            let seen = window.iter().flat_map(|e| &e.members).collect::<BTreeSet<_>>().len();
            if asks.condition.is_empty() { seen == members } else { compared(asks, seen as f64) }
        }
        _ => measure(asks, window).is_some_and(|value| compared(asks, value)),
    }
}

/// Whether there is an event of its own for each member, one behind the other.
fn in_order(members: usize, window: &[Entry]) -> bool {
    let mut next = 0;
    for entry in window {
        if next < members && entry.members.contains(&next) {
            next += 1;
        }
    }
    next == members
}

fn compared(asks: &Correlation, value: f64) -> bool {
    asks.condition.iter().all(|(comparison, with)| match comparison {
        Comparison::Gt => value > *with,
        Comparison::Gte => value >= *with,
        Comparison::Lt => value < *with,
        Comparison::Lte => value <= *with,
        Comparison::Eq => (value - with).abs() < f64::EPSILON * value.abs().max(1.0),
        Comparison::Neq => (value - with).abs() >= f64::EPSILON * value.abs().max(1.0),
    })
}

/// What the condition compares; `None` where no event of the window has a value.
fn measure(asks: &Correlation, window: &[Entry]) -> Option<f64> {
    match asks.kind {
        Kind::ValueCount => {
            let distinct: BTreeSet<&[BTreeSet<String>]> =
                window.iter().map(|e| e.values.as_slice()).filter(|v| v.iter().all(|f| !f.is_empty())).collect();
            // Of one field each value counts; of several, their combination in an event.
            let count = match asks.fields.as_slice() {
                [_] => distinct.iter().flat_map(|v| v.iter().flatten()).collect::<BTreeSet<_>>().len(),
                _ => distinct.len(),
            };
            (count > 0).then_some(count as f64)
        }
        Kind::ValueSum | Kind::ValueAvg | Kind::ValuePercentile => {
            let mut values: Vec<f64> =
                window.iter().flat_map(|e| e.values.iter().flatten()).filter_map(|v| number(v)).collect();
            if values.is_empty() {
                return None;
            }
            let sum: f64 = values.iter().sum();
            match asks.kind {
                Kind::ValueSum => Some(sum),
                Kind::ValueAvg => Some(sum / values.len() as f64),
                _ => {
                    values.sort_by(f64::total_cmp);
                    percentile(&values, asks.percentile)
                }
            }
        }
        _ => Some(window.len() as f64),
    }
}

/// Decimal, or hexadecimal as Sysmon writes masks.
fn number(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n as f64),
        None => text.parse::<f64>().ok().filter(|n| n.is_finite()),
    }
}

/// The least value that at least `percent` of all values do not exceed (nearest rank).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is within the list")]
fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()) - 1).copied()
}
