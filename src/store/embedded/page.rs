//! A page of a search: the first events behind a cursor, by (time, id).
use super::{Seq, bits::Bits, view::Segment};
use crate::store::{Cursor, Order};
use std::{collections::BinaryHeap, sync::Arc};
use tantivy::columnar::ColumnValues;

/// Sorts in the order of the page: for the newest first, the bits of both parts are turned over.
type Rank = (i64, u128);

fn rank(order: Order, time: i64, id: u128) -> Rank {
    match order {
        Order::OldestFirst => (time, id),
        Order::NewestFirst => (!time, !id),
    }
}

/// Positions of the first `first` matching events after the cursor, and whether more follow.
/// Memory is bounded by `first`, whatever the depth.
pub fn page(matches: &[(Arc<Segment>, Bits)], order: Order, after: Option<Cursor>, first: usize) -> (Vec<Seq>, bool) {
    let after = after.map(|c| rank(order, c.time.0, c.id.0));
    let keep = first.saturating_add(1);
    // The worst of the kept ones is on top.
    let mut best: BinaryHeap<(Rank, Seq)> = BinaryHeap::new();
    let ends = |s: &Segment| {
        let (a, b) = (rank(order, s.times.0, 0).0, rank(order, s.times.1, 0).0);
        (a.min(b), a.max(b))
    };
    let mut by_time: Vec<_> = matches.iter().collect();
    by_time.sort_by_key(|(s, _)| ends(s).0);
    for (segment, bits) in by_time {
        let (lowest, highest) = ends(segment);
        let full = best.len() == keep;
        if full && best.peek().is_some_and(|(worst, _)| lowest > worst.0) || after.is_some_and(|a| highest < a.0) {
            continue;
        }
        segment.each(bits, |doc, time, _| {
            let early = rank(order, time, 0).0;
            let full = best.len() == keep;
            if after.is_some_and(|a| early < a.0) || full && best.peek().is_some_and(|(worst, _)| early > worst.0) {
                return;
            }
            let rank = rank(order, time, segment.event_id(doc));
            if after.is_some_and(|a| rank <= a) || full && best.peek().is_some_and(|(worst, _)| rank >= *worst) {
                return;
            }
            best.push((rank, segment.seq.get_val(doc)));
            if best.len() > keep {
                best.pop();
            }
        });
    }
    let mut seqs: Vec<Seq> = best.into_sorted_vec().into_iter().map(|(_, seq)| seq).collect();
    let more = seqs.len() > first;
    seqs.truncate(first);
    (seqs, more)
}
