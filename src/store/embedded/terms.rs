//! Top and rare values of a field: the term dictionaries of all segments merged in order of value, each value counted
//! by its postings within the matching documents. Exact; memory is bounded by the number of values asked.
use super::{
    Seq,
    bits::Bits,
    matching::{Matcher, each_posting},
    schema::MAX_TERM,
    view::Segment,
};
use crate::{
    error::Result,
    event::{Field, Key, text},
    store::{Term, TermOrder, Terms},
};
use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    sync::Arc,
};
use tantivy::{columnar::ColumnValues, termdict::TermMerger};

/// The best `first` values; the worst of them on top.
struct Best {
    order: TermOrder,
    first: usize,
    heap: BinaryHeap<(i128, String)>,
    distinct: u64,
}

impl Best {
    fn offer(&mut self, value: &str, events: u64) {
        self.distinct += 1;
        let rank = match self.order {
            TermOrder::Top => -i128::from(events),
            TermOrder::Rare => i128::from(events),
        };
        if self.heap.len() >= self.first {
            match self.heap.peek() {
                Some((worst, worst_value)) if (rank, value) < (*worst, worst_value.as_str()) => self.heap.pop(),
                _ => return,
            };
        }
        self.heap.push((rank, value.to_owned()));
    }

    fn finish(self) -> Vec<Term> {
        let term = |(rank, value): (i128, String)| Term { value, events: rank.unsigned_abs() as u64 };
        self.heap.into_sorted_vec().into_iter().map(term).collect()
    }
}

pub fn terms(
    matcher: &Matcher<'_>,
    matches: &[(Arc<Segment>, Bits)],
    field: Field,
    order: TermOrder,
    first: usize,
) -> Result<Terms> {
    let mut best = Best { order, first, heap: BinaryHeap::new(), distinct: 0 };
    let mut events = 0;
    let Some(index_field) = matcher.fields.values(field) else {
        return Ok(Terms { values: Vec::new(), distinct: 0, events: 0 });
    };
    let matches: Vec<_> = matches.iter().filter(|(_, bits)| !bits.is_empty()).collect();
    let mut indexes = Vec::with_capacity(matches.len());
    for (segment, bits) in &matches {
        let mut carriers = Bits::empty(segment.docs);
        matcher.add_carriers(segment, field, &mut carriers)?;
        carriers.and(bits);
        events += carriers.count();
        indexes.push((segment.reader.inverted_index(index_field)?, bits, bits.is_full()));
    }
    let streams = indexes.iter().map(|(index, ..)| index.terms().stream()).collect::<std::io::Result<_>>()?;
    let mut merged = TermMerger::new(streams);
    while merged.advance() {
        let mut n = 0;
        for (segment, term) in merged.current_segment_ords_and_term_infos() {
            let Some((index, bits, full)) = indexes.get(segment) else { continue };
            if *full {
                n += u64::from(term.doc_freq);
            } else {
                each_posting(index, &term, |doc| n += u64::from(bits.contains(doc)))?;
            }
        }
        if n > 0 {
            best.offer(&String::from_utf8_lossy(merged.key()), n);
        }
    }
    add_oversize(matcher, &matches, field, &mut best)?;
    let distinct = best.distinct;
    Ok(Terms { values: best.finish(), distinct, events })
}

/// Values too long for a term are counted by digest, and read again one by one to be ranked.
fn add_oversize(matcher: &Matcher<'_>, matches: &[&(Arc<Segment>, Bits)], field: Field, best: &mut Best) -> Result<()> {
    let mut counts: HashMap<Digest, (u64, Seq)> = HashMap::new();
    for (segment, bits) in matches {
        for doc in matcher.oversize(segment, &Key::Field(field))?.into_iter().filter(|d| bits.contains(*d)) {
            let seq = segment.seq.get_val(doc);
            for value in long_values(matcher, field, seq)? {
                counts.entry(digest(&value)).or_insert((0, seq)).0 += 1;
            }
        }
    }
    for (id, (n, seq)) in counts {
        if let Some(value) = long_values(matcher, field, seq)?.into_iter().find(|v| digest(v) == id) {
            best.offer(&value, n);
        }
    }
    Ok(())
}

/// Stands for a value that is too long to be kept.
pub type Digest = uuid::Uuid;

pub fn digest(value: &str) -> Digest {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, value.as_bytes())
}

/// Folded values of an event's field that are too long for a term.
pub fn long_values(matcher: &Matcher<'_>, field: Field, seq: Seq) -> Result<HashSet<String>> {
    let events = matcher.log.at(&[seq])?;
    let values = events.iter().flat_map(|e| e.values(field)).map(|v| text::fold(&v));
    Ok(values.filter(|v| v.len() > MAX_TERM).collect())
}
