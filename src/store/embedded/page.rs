//! A page of a search: the first events behind a cursor, by (time, id) or by the value of a field.
use super::{
    Seq,
    bits::Bits,
    matching::{Matcher, each_posting},
    view::Segment,
};
use crate::{
    error::{Error, Result},
    event::Field,
    store::{Cursor, Order},
};
use std::{collections::BinaryHeap, sync::Arc};
use tantivy::{columnar::ColumnValues, postings::TermInfo, termdict::TermStreamer};

type Matches = [(Arc<Segment>, Bits)];

/// Sorts in the order of the page: for descending ones, the bits of both parts are turned over.
type Rank = (i64, u128);

fn rank(descending: bool, time: i64, id: u128) -> Rank {
    if descending { (!time, !id) } else { (time, id) }
}

/// The best `keep` documents; the worst of them is on top.
struct Best {
    descending: bool,
    after: Option<Rank>,
    keep: usize,
    heap: BinaryHeap<(Rank, Seq)>,
}

impl Best {
    fn new(descending: bool, after: Option<Cursor>, keep: usize) -> Self {
        let after = after.map(|c| rank(descending, c.time.0, c.id.0));
        Self { descending, after, keep, heap: BinaryHeap::new() }
    }

    fn is_full(&self) -> bool {
        self.heap.len() >= self.keep
    }

    /// Whether no document between two times (in the order of the page) can be among the best.
    fn passes_over(&self, lowest: i64, highest: i64) -> bool {
        self.is_full() && self.heap.peek().is_some_and(|(worst, _)| lowest > worst.0)
            || self.after.is_some_and(|a| highest < a.0)
    }

    fn offer(&mut self, segment: &Segment, doc: u32, time: i64) {
        let early = rank(self.descending, time, 0).0;
        if self.passes_over(early, early) {
            return;
        }
        let rank = rank(self.descending, time, segment.event_id(doc));
        let is_worse = self.is_full() && self.heap.peek().is_none_or(|(worst, _)| rank >= *worst);
        if is_worse || self.after.is_some_and(|a| rank <= a) {
            return;
        }
        self.heap.push((rank, segment.seq.get_val(doc)));
        if self.heap.len() > self.keep {
            self.heap.pop();
        }
    }

    fn finish(self) -> Vec<Seq> {
        self.heap.into_sorted_vec().into_iter().map(|(_, seq)| seq).collect()
    }
}

/// The best `keep` of the matches by time and id.
fn by_time(matches: &Matches, descending: bool, after: Option<Cursor>, keep: usize) -> Vec<Seq> {
    let mut best = Best::new(descending, after, keep);
    let ends = |s: &Segment| {
        let (a, b) = (rank(descending, s.times.0, 0).0, rank(descending, s.times.1, 0).0);
        (a.min(b), a.max(b))
    };
    let mut segments: Vec<_> = matches.iter().collect();
    segments.sort_by_key(|(s, _)| ends(s).0);
    for (segment, bits) in segments {
        let (lowest, highest) = ends(segment);
        if !best.passes_over(lowest, highest) {
            segment.each(bits, |doc, time, _| best.offer(segment, doc, time));
        }
    }
    best.finish()
}

/// Positions of the first `first` matching events after the cursor, and whether more follow.
/// Memory is bounded by `first`, whatever the depth.
pub fn page(
    matcher: &Matcher<'_>,
    matches: Vec<(Arc<Segment>, Bits)>,
    order: Order,
    after: Option<Cursor>,
    first: usize,
) -> Result<(Vec<Seq>, bool)> {
    let keep = first.saturating_add(1);
    let mut seqs = match order {
        Order::NewestFirst => by_time(&matches, true, after, keep),
        Order::OldestFirst => by_time(&matches, false, after, keep),
        Order::By { field, descending } => by_value(matcher, matches, field, descending, after, keep)?,
    };
    let more = seqs.len() > first;
    seqs.truncate(first);
    Ok((seqs, more))
}

/// Walks the term dictionaries in the order of the page. A document is taken at its first value; what is left at the
/// end has none.
fn by_value(
    matcher: &Matcher<'_>,
    mut left: Vec<(Arc<Segment>, Bits)>,
    field: Field,
    descending: bool,
    after: Option<Cursor>,
    keep: usize,
) -> Result<Vec<Seq>> {
    let start = after.map(|c| cursor_value(matcher, c, field, descending)).transpose()?;
    let key = |v: &[u8]| (if Order::by_length(field) { v.len() } else { 0 }, v.to_vec());
    let start_key = start.as_ref().map(|v| v.as_deref().map(|v| key(v.as_bytes())));
    let mut indexes = Vec::new();
    for (segment, (s, bits)) in left.iter().enumerate() {
        for f in Order::fields(field) {
            if let (Some(f), false) = (matcher.fields.values(f), bits.is_empty()) {
                indexes.push((segment, s.reader.inverted_index(f)?));
            }
        }
    }
    let mut found: Vec<Seq> = Vec::new();
    let mut visit = |value: &[u8], terms: &[(usize, TermInfo)]| -> Result<bool> {
        let place = start_key.as_ref().map(|start| match start {
            Some(start) if descending => start.cmp(&key(value)),
            Some(start) => key(value).cmp(start),
            None => std::cmp::Ordering::Less,
        });
        let behind = after.filter(|_| place.is_some_and(std::cmp::Ordering::is_eq));
        let mut best = Best::new(descending, behind, keep - found.len());
        for (i, term) in terms {
            let Some((segment, index)) = indexes.get(*i) else { continue };
            let Some((segment, bits)) = left.get_mut(*segment) else { continue };
            each_posting(index, term, |doc| {
                if bits.take(doc) && !place.is_some_and(std::cmp::Ordering::is_lt) {
                    best.offer(segment, doc, segment.time.get_val(doc));
                }
            })?;
        }
        found.extend(best.finish());
        Ok(found.len() < keep)
    };
    let lengths = if Order::by_length(field) { lengths(&indexes, descending)? } else { vec![None] };
    for length in lengths {
        let mut streams = Streams::open(&indexes, descending)?;
        while let Some((value, terms)) = streams.next() {
            if length.is_none_or(|l| l == value.len()) && !visit(&value, &terms)? {
                return Ok(found);
            }
        }
    }
    let behind = after.filter(|_| start.is_some_and(|v| v.is_none()));
    found.extend(by_time(&left, descending, behind, keep - found.len()));
    Ok(found)
}

type Indexes = [(usize, Arc<tantivy::InvertedIndexReader>)];

/// Lengths of the terms, in the order of the page.
fn lengths(indexes: &Indexes, descending: bool) -> Result<Vec<Option<usize>>> {
    let mut found = std::collections::BTreeSet::new();
    for (_, index) in indexes {
        let mut terms = index.terms().stream()?;
        while terms.advance() {
            found.insert(Some(terms.key().len()));
        }
    }
    let mut lengths: Vec<_> = found.into_iter().collect();
    if descending {
        lengths.reverse();
    }
    Ok(lengths)
}

/// Sort value of the event that a cursor names.
fn cursor_value(matcher: &Matcher<'_>, after: Cursor, field: Field, descending: bool) -> Result<Option<String>> {
    let seq = matcher.log.positions(&[after.id])?.into_iter().flatten().next();
    let event = matcher.log.at(seq.as_slice())?.into_iter().next();
    let event = event.ok_or_else(|| Error::bad_input("after names an event that is not there"))?;
    Ok(Order::value(&event, field, descending))
}

/// A value's term in each stream that has it.
type Places = Vec<(usize, TermInfo)>;

/// Dictionaries merged in either direction; there are few of them.
struct Streams<'a> {
    descending: bool,
    streams: Vec<(TermStreamer<'a>, bool)>,
}

impl<'a> Streams<'a> {
    fn open(indexes: &'a Indexes, descending: bool) -> Result<Self> {
        let mut streams = Vec::with_capacity(indexes.len());
        for (_, index) in indexes {
            let range = index.terms().range();
            let mut stream = if descending { range.backward().into_stream()? } else { range.into_stream()? };
            let more = stream.advance();
            streams.push((stream, more));
        }
        Ok(Self { descending, streams })
    }

    /// The next value with its term in each stream that has it.
    fn next(&mut self) -> Option<(Vec<u8>, Places)> {
        let keys = self.streams.iter().filter(|(_, more)| *more).map(|(s, _)| s.key());
        let value = if self.descending { keys.max() } else { keys.min() }?.to_vec();
        let mut terms = Vec::new();
        for (i, (stream, more)) in self.streams.iter_mut().enumerate() {
            if *more && stream.key() == value {
                terms.push((i, stream.value().clone()));
                *more = stream.advance();
            }
        }
        Some((value, terms))
    }
}
