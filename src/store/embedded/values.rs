//! Values of fields with when and where they occur, compared with a baseline. Exact.
//!
//! Of one field, the merged term dictionaries are walked and memory is bounded by the number of values asked.
//! Combinations of several fields are collected in memory, up to a bound that is an error, never a cut.
use super::{
    Seq,
    bits::Bits,
    matching::{Matcher, each_posting},
    terms::{Digest, digest, long_values},
    view::Segment,
};
use crate::{
    error::{Code, Error, Result},
    event::{Field, Key, Time},
    store::{FieldValue, ValueOrder, Values, ValuesQuery},
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    sync::Arc,
};
use tantivy::{columnar::ColumnValues, termdict::TermMerger};

/// A segment with what matches the query, and what matches the baseline.
pub struct Part {
    pub segment: Arc<Segment>,
    pub bits: Bits,
    pub baseline: Bits,
}

/// Bytes of distinct values that combinations may hold.
const MAX_BYTES: usize = 64 << 20;

/// Numbers of one value.
#[derive(Debug, Clone)]
struct Stat {
    events: u64,
    first: i64,
    last: i64,
    hosts: BTreeSet<u32>,
    baseline: u64,
    baseline_hosts: BTreeSet<u32>,
}

impl Default for Stat {
    fn default() -> Self {
        let none = BTreeSet::new;
        Self { events: 0, first: i64::MAX, last: i64::MIN, hosts: none(), baseline: 0, baseline_hosts: none() }
    }
}

/// Host numbers over all segments.
struct Hosts(Vec<Vec<u32>>);

impl Hosts {
    fn new(parts: &[Part]) -> Self {
        let names: BTreeSet<&str> = parts.iter().flat_map(|p| &p.segment.hosts).map(String::as_str).collect();
        let numbers: HashMap<&str, u32> = names.into_iter().zip(0..).collect();
        let of = |p: &Part| p.segment.hosts.iter().filter_map(|h| numbers.get(h.as_str()).copied()).collect();
        Self(parts.iter().map(of).collect())
    }

    fn get(&self, part: usize, segment: &Segment, doc: u32) -> Option<u32> {
        self.0.get(part)?.get(segment.host(doc)?).copied()
    }
}

impl Stat {
    fn add(&mut self, hosts: &Hosts, i: usize, part: &Part, doc: u32) {
        let (asked, baseline) = (part.bits.contains(doc), part.baseline.contains(doc));
        if !asked && !baseline {
            return;
        }
        let host = hosts.get(i, &part.segment, doc);
        if asked {
            let time = part.segment.time.get_val(doc);
            self.events += 1;
            (self.first, self.last) = (self.first.min(time), self.last.max(time));
            self.hosts.extend(host);
        }
        if baseline {
            self.baseline += 1;
            self.baseline_hosts.extend(host);
        }
    }
}

/// A value and its place in the order; the best are the least.
struct Ranked {
    rank: i128,
    /// Order of the values themselves is turned over.
    reversed: bool,
    value: FieldValue,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = self.value.values.cmp(&other.value.values);
        self.rank.cmp(&other.rank).then(if self.reversed { by_value.reverse() } else { by_value })
    }
}
impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Ranked {}

/// The best values so far; the worst of them on top.
struct Best<'a> {
    ask: &'a ValuesQuery,
    heap: BinaryHeap<Ranked>,
    distinct: u64,
}

impl Best<'_> {
    fn offer(&mut self, stat: &Stat, values: impl FnOnce() -> Result<Vec<String>>) -> Result<()> {
        if stat.events == 0 || self.ask.only_new && stat.baseline > 0 {
            return Ok(());
        }
        self.distinct += 1;
        let number = match self.ask.order {
            ValueOrder::Events => i128::from(stat.events),
            ValueOrder::Hosts => stat.hosts.len() as i128,
            ValueOrder::FirstSeen => i128::from(stat.first),
            ValueOrder::LastSeen => i128::from(stat.last),
            ValueOrder::Baseline => i128::from(stat.baseline),
            ValueOrder::Change => i128::from(stat.events) - i128::from(stat.baseline),
            ValueOrder::Value => 0,
        };
        let rank = if self.ask.descending { -number } else { number };
        let full = self.heap.len() >= self.ask.first;
        if full && self.heap.peek().is_none_or(|worst| rank > worst.rank) {
            return Ok(());
        }
        let value = FieldValue {
            values: values()?,
            events: stat.events,
            hosts: stat.hosts.len() as u64,
            first: Time(stat.first),
            last: Time(stat.last),
            baseline_events: stat.baseline,
            baseline_hosts: stat.baseline_hosts.len() as u64,
        };
        let reversed = self.ask.descending && self.ask.order == ValueOrder::Value;
        self.heap.push(Ranked { rank, reversed, value });
        if self.heap.len() > self.ask.first {
            self.heap.pop();
        }
        Ok(())
    }
}

pub fn values(matcher: &Matcher<'_>, parts: &[Part], ask: &ValuesQuery) -> Result<Values> {
    let mut best = Best { ask, heap: BinaryHeap::new(), distinct: 0 };
    let hosts = Hosts::new(parts);
    match ask.fields[..] {
        [] => return Err(Error::bad_input("name at least one field")),
        [field] => of_field(matcher, parts, &hosts, field, &mut best)?,
        _ if ask.fields.len() > ValuesQuery::MAX_FIELDS => {
            return Err(Error::bad_input(format!("more than {} fields combined", ValuesQuery::MAX_FIELDS)));
        }
        _ => combined(matcher, parts, &hosts, &mut best)?,
    }
    let distinct = best.distinct;
    let values = best.heap.into_sorted_vec().into_iter().map(|r| r.value).collect();
    Ok(Values { values, distinct, events: carriers(matcher, parts, &ask.fields)? })
}

/// Matching events that carry all of the fields.
fn carriers(matcher: &Matcher<'_>, parts: &[Part], fields: &[Field]) -> Result<u64> {
    let mut events = 0;
    for part in parts.iter().filter(|p| !p.bits.is_empty()) {
        let mut all = part.bits.clone();
        for field in fields {
            let mut carriers = Bits::empty(part.segment.docs);
            matcher.add_carriers(&part.segment, *field, &mut carriers)?;
            all.and(&carriers);
        }
        events += all.count();
    }
    Ok(events)
}

/// Calls `f` with every value of a field and the part and documents that carry it.
fn each_value(
    matcher: &Matcher<'_>,
    parts: &[Part],
    field: Field,
    mut f: impl FnMut(&str, &mut dyn Iterator<Item = (usize, Vec<u32>)>) -> Result<()>,
) -> Result<()> {
    let Some(index_field) = matcher.fields.values(field) else { return Ok(()) };
    let indexes =
        parts.iter().map(|p| Ok(p.segment.reader.inverted_index(index_field)?)).collect::<Result<Vec<_>>>()?;
    let streams = indexes.iter().map(|index| index.terms().stream()).collect::<std::io::Result<_>>()?;
    let mut merged = TermMerger::new(streams);
    while merged.advance() {
        let mut found = Vec::new();
        for (i, term) in merged.current_segment_ords_and_term_infos() {
            let (Some(index), Some(part)) = (indexes.get(i), parts.get(i)) else { continue };
            let mut docs = Vec::new();
            each_posting(index, &term, |doc| {
                if part.bits.contains(doc) || part.baseline.contains(doc) {
                    docs.push(doc);
                }
            })?;
            found.push((i, docs));
        }
        f(&String::from_utf8_lossy(merged.key()), &mut found.into_iter())?;
    }
    Ok(())
}

/// Calls `f` with every value that is too long for a term: its digest, part, document and event.
fn each_long(
    matcher: &Matcher<'_>,
    parts: &[Part],
    field: Field,
    mut f: impl FnMut(Digest, usize, u32, Seq) -> Result<()>,
) -> Result<()> {
    for (i, part) in parts.iter().enumerate() {
        for doc in matcher.oversize(&part.segment, &Key::Field(field))? {
            if part.bits.contains(doc) || part.baseline.contains(doc) {
                let seq = part.segment.seq.get_val(doc);
                for value in long_values(matcher, field, seq)? {
                    f(digest(&value), i, doc, seq)?;
                }
            }
        }
    }
    Ok(())
}

fn of_field(matcher: &Matcher<'_>, parts: &[Part], hosts: &Hosts, field: Field, best: &mut Best<'_>) -> Result<()> {
    each_value(matcher, parts, field, |value, docs| {
        let mut stat = Stat::default();
        for (i, docs) in docs {
            let Some(part) = parts.get(i) else { continue };
            docs.into_iter().for_each(|doc| stat.add(hosts, i, part, doc));
        }
        best.offer(&stat, || Ok(vec![value.to_owned()]))
    })?;
    let mut long: BTreeMap<Digest, (Stat, Seq)> = BTreeMap::new();
    each_long(matcher, parts, field, |id, i, doc, seq| {
        let (stat, _) = long.entry(id).or_insert((Stat::default(), seq));
        if let Some(part) = parts.get(i) {
            stat.add(hosts, i, part, doc);
        }
        Ok(())
    })?;
    for (id, (stat, seq)) in long {
        best.offer(&stat, || Ok(vec![Text::Long(seq, id).read(matcher, field)?]))?;
    }
    Ok(())
}

/// A distinct value of a field.
enum Text {
    Short(String),
    /// Read again from an event that has it.
    Long(Seq, Digest),
}

impl Text {
    fn read(&self, matcher: &Matcher<'_>, field: Field) -> Result<String> {
        match self {
            Self::Short(text) => Ok(text.clone()),
            Self::Long(seq, id) => {
                let value = long_values(matcher, field, *seq)?.into_iter().find(|v| digest(v) == *id);
                value.ok_or_else(|| Error::internal("an event of the index is not in the log"))
            }
        }
    }
}

/// The distinct values of one field, and which documents carry which.
#[derive(Default)]
struct Column {
    texts: Vec<Text>,
    /// Of each part: document and number of the value, ascending.
    docs: Vec<Vec<(u32, u32)>>,
}

impl Column {
    fn read(matcher: &Matcher<'_>, parts: &[Part], field: Field, bytes: &mut usize) -> Result<Self> {
        let mut column = Self { texts: Vec::new(), docs: parts.iter().map(|_| Vec::new()).collect() };
        each_value(matcher, parts, field, |value, docs| {
            let number = column.texts.len() as u32;
            let mut seen = false;
            for (i, docs) in docs {
                seen |= !docs.is_empty();
                if let Some(of_part) = column.docs.get_mut(i) {
                    of_part.extend(docs.into_iter().map(|doc| (doc, number)));
                }
            }
            if seen {
                *bytes += value.len();
                column.texts.push(Text::Short(value.to_owned()));
            }
            check(column.texts.len(), *bytes)
        })?;
        let mut long: HashMap<Digest, u32> = HashMap::new();
        each_long(matcher, parts, field, |id, i, doc, seq| {
            let number = *long.entry(id).or_insert_with(|| {
                column.texts.push(Text::Long(seq, id));
                column.texts.len() as u32 - 1
            });
            if let Some(of_part) = column.docs.get_mut(i) {
                of_part.push((doc, number));
            }
            check(column.texts.len(), *bytes)
        })?;
        column.docs.iter_mut().for_each(|d| d.sort_unstable());
        Ok(column)
    }

    /// Numbers of the values of a document.
    fn of(&self, part: usize, doc: u32) -> impl Iterator<Item = u32> + '_ {
        let docs = self.docs.get(part).map_or(&[][..], Vec::as_slice);
        let start = docs.partition_point(|(d, _)| *d < doc);
        docs.iter().skip(start).take_while(move |(d, _)| *d == doc).map(|(_, number)| *number)
    }
}

fn check(combinations: usize, bytes: usize) -> Result<()> {
    if combinations <= ValuesQuery::MAX_COMBINATIONS && bytes <= MAX_BYTES {
        return Ok(());
    }
    let most = ValuesQuery::MAX_COMBINATIONS;
    let message = format!("the fields have more than {most} combinations: ask for a shorter period or fewer events");
    Err(Error::new(Code::TooLarge, message))
}

fn combined(matcher: &Matcher<'_>, parts: &[Part], hosts: &Hosts, best: &mut Best<'_>) -> Result<()> {
    let fields = &best.ask.fields;
    let mut bytes = 0;
    let columns = fields.iter().map(|f| Column::read(matcher, parts, *f, &mut bytes)).collect::<Result<Vec<_>>>()?;
    let Some((lead, rest)) = columns.split_first() else { return Ok(()) };
    let mut stats: HashMap<Vec<u32>, Stat> = HashMap::new();
    for (i, (part, docs)) in parts.iter().zip(&lead.docs).enumerate() {
        for (doc, number) in docs {
            let mut keys = vec![vec![*number]];
            for column in rest {
                let longer = |key: &Vec<u32>| column.of(i, *doc).map(|n| [&key[..], &[n]].concat()).collect::<Vec<_>>();
                keys = keys.iter().flat_map(longer).collect();
            }
            for key in keys {
                stats.entry(key).or_default().add(hosts, i, part, *doc);
                check(stats.len(), bytes)?;
            }
        }
    }
    let text = |key: &[u32]| -> Result<Vec<String>> {
        let texts = key.iter().zip(&columns).zip(fields);
        texts.filter_map(|((n, c), f)| c.texts.get(*n as usize).map(|t| t.read(matcher, *f))).collect()
    };
    for (key, stat) in &stats {
        best.offer(stat, || text(key))?;
    }
    Ok(())
}
