//! From a condition to the documents of a segment that satisfy it.
//!
//! Text tests run over the term dictionary of a field: every distinct value is compared once, by the very test that
//! the evaluator in memory uses, and the postings of the matching values are united. Segments never change, so the
//! result of a test is kept.
use super::{
    bits::{Bits, Packed},
    log::Log,
    schema::{self, Fields, Shape},
    view::Segment,
};
use crate::{
    error::{Code, Error, Result},
    event::{
        Condition, Field, Key, Period, Scope,
        condition::{Match, Test, TextTest, key_type},
    },
    store::Query,
};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use lru::LruCache;
use memchr::memmem::Finder;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tantivy::{
    DocSet, TERMINATED,
    columnar::ColumnValues,
    index::{InvertedIndexReader, SegmentId},
    postings::TermInfo,
    schema::{Field as IndexField, IndexRecordOption},
    termdict::TermStreamer,
};

/// Results of tests on segments, bounded by bytes.
pub struct Cache {
    max_bytes: usize,
    kept: Mutex<Kept>,
}

/// A segment, and a test as text.
type TestKey = (SegmentId, Arc<str>);

struct Kept {
    sets: LruCache<TestKey, Arc<Packed>>,
    bytes: usize,
}

impl Cache {
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, kept: Mutex::new(Kept { sets: LruCache::unbounded(), bytes: 0 }) }
    }

    fn get(&self, key: &TestKey) -> Option<Arc<Packed>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).sets.get(key).cloned()
    }

    fn put(&self, key: TestKey, set: Arc<Packed>) {
        let size = |k: &TestKey, v: &Packed| 128 + k.1.len() + v.bytes();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += size(&key, &set);
        if let Some((k, v)) = kept.sets.push(key, set) {
            kept.bytes -= size(&k, &v);
        }
        while kept.bytes > self.max_bytes {
            let Some((k, v)) = kept.sets.pop_lru() else { break };
            kept.bytes -= size(&k, &v);
        }
    }
}

/// What matching needs besides the segment.
pub struct Matcher<'a> {
    pub fields: &'a Fields,
    pub log: &'a Log,
    pub cache: &'a Cache,
    /// Set when nobody waits for the answer any more.
    pub given_up: &'a AtomicBool,
}

impl Matcher<'_> {
    /// # Errors
    /// When nobody waits for the answer any more.
    fn go_on(&self) -> Result<()> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Unavailable, "the search was given up"));
        }
        Ok(())
    }

    /// Documents that the caller may see and that the query asks for.
    pub fn query(&self, segment: &Segment, scope: &Scope, query: &Query) -> Result<Bits> {
        let Some(mut bits) = period(segment, query.period) else { return Ok(Bits::empty(segment.docs)) };
        if let Scope::Hosts(hosts) = scope {
            bits.and(&self.hosts(segment, hosts)?);
        }
        if !bits.is_empty() && !matches!(query.condition, Condition::All) {
            bits.and(&self.condition(segment, &query.condition)?);
        }
        Ok(bits)
    }

    fn condition(&self, segment: &Segment, condition: &Condition) -> Result<Bits> {
        Ok(match condition {
            Condition::All => Bits::full(segment.docs),
            Condition::And(all) => {
                let mut bits = Bits::full(segment.docs);
                for c in all {
                    if bits.is_empty() {
                        break;
                    }
                    bits.and(&self.condition(segment, c)?);
                }
                bits
            }
            Condition::Or(any) => {
                let mut bits = Bits::empty(segment.docs);
                for c in any {
                    bits.or(&self.condition(segment, c)?);
                }
                bits
            }
            Condition::Not(c) => {
                let mut bits = self.condition(segment, c)?;
                bits.not();
                bits
            }
            Condition::Match(m) => self.comparison(segment, m)?,
        })
    }

    fn comparison(&self, segment: &Segment, m: &Match) -> Result<Bits> {
        let mut bits = Bits::empty(segment.docs);
        for key in &m.keys {
            let set = self.kept(segment, format!("{key:?} {:?}", m.test), || self.test(segment, key, &m.test))?;
            set.add_to(&mut bits);
        }
        Ok(bits)
    }

    fn hosts(&self, segment: &Segment, hosts: &[String]) -> Result<Bits> {
        let find = || {
            let mut bits = Bits::empty(segment.docs);
            let index = segment.reader.inverted_index(self.fields.host)?;
            for host in hosts {
                if let Some(term) = index.terms().get(host.as_bytes())? {
                    add_postings(&index, &term, &mut bits)?;
                }
            }
            Ok(bits)
        };
        let mut bits = Bits::empty(segment.docs);
        self.kept(segment, format!("hosts {hosts:?}"), find)?.add_to(&mut bits);
        Ok(bits)
    }

    /// The set of this name, from the cache or made now.
    fn kept(&self, segment: &Segment, name: String, make: impl FnOnce() -> Result<Bits>) -> Result<Arc<Packed>> {
        let key = (segment.id, name.into());
        if let Some(set) = self.cache.get(&key) {
            return Ok(set);
        }
        let set = Arc::new(Packed::new(&make()?));
        self.cache.put(key, set.clone());
        Ok(set)
    }

    /// Documents with a value of `key` that satisfies `test`.
    fn test(&self, segment: &Segment, key: &Key, test: &Test) -> Result<Bits> {
        let mut bits = Bits::empty(segment.docs);
        if let (Key::Field(field), Test::Exists) = (key, test) {
            self.add_carriers(segment, *field, &mut bits)?;
            return Ok(bits);
        }
        let (field, prefix) = match key {
            Key::Field(f) => (self.fields.values(*f), Vec::new()),
            Key::Other(name) => (Some(self.fields.other), schema::other_prefix(name)),
        };
        if let Some(field) = field {
            self.add_terms(segment, field, &prefix, key, test, &mut bits)?;
        }
        for doc in self.oversize(segment, key)? {
            self.go_on()?;
            let seq = segment.seq.get_val(doc);
            let ty = key_type(key);
            if self.log.at(&[seq])?.iter().any(|e| e.key_values(key).iter().any(|v| test.is_match(ty, v))) {
                bits.insert(doc);
            }
        }
        Ok(bits)
    }

    fn add_terms(
        &self,
        segment: &Segment,
        field: IndexField,
        prefix: &[u8],
        key: &Key,
        test: &Test,
        bits: &mut Bits,
    ) -> Result<()> {
        let index = segment.reader.inverted_index(field)?;
        let starts = |operand: &str| [prefix, operand.as_bytes()].concat();
        match test {
            Test::Text(TextTest::Equals(operands)) => {
                for operand in operands {
                    if let Some(term) = index.terms().get(starts(operand))? {
                        add_postings(&index, &term, bits)?;
                    }
                }
            }
            Test::Text(TextTest::StartsWith(operands)) => {
                for operand in operands {
                    let mut terms = terms_from(&index, &starts(operand))?;
                    while terms.advance() {
                        add_postings(&index, terms.value(), bits)?;
                    }
                }
            }
            Test::Text(TextTest::Contains(operands)) => {
                let find = AnyOf::new(operands)?;
                let mut terms = terms_from(&index, prefix)?;
                while terms.advance() {
                    self.go_on()?;
                    let value = terms.key().get(prefix.len()..).unwrap_or_default();
                    if find.is_in(value) {
                        add_postings(&index, terms.value(), bits)?;
                    }
                }
            }
            _ => {
                let ty = key_type(key);
                let mut terms = terms_from(&index, prefix)?;
                while terms.advance() {
                    self.go_on()?;
                    let value = terms.key().get(prefix.len()..).unwrap_or_default();
                    if std::str::from_utf8(value).is_ok_and(|v| test.is_match(ty, v)) {
                        add_postings(&index, terms.value(), bits)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the documents that carry `field`.
    pub fn add_carriers(&self, segment: &Segment, field: Field, bits: &mut Bits) -> Result<()> {
        let index = segment.reader.inverted_index(self.fields.shape)?;
        let mut shapes = index.terms().stream()?;
        while shapes.advance() {
            if Shape::term_has(shapes.key(), field) {
                add_postings(&index, shapes.value(), bits)?;
            }
        }
        Ok(())
    }

    /// Documents with a value of `key` that is too long to be a term.
    pub fn oversize(&self, segment: &Segment, key: &Key) -> Result<Vec<u32>> {
        let index = segment.reader.inverted_index(self.fields.oversize)?;
        let mut docs = Vec::new();
        if let Some(term) = index.terms().get(schema::oversize_term(key))? {
            each_posting(&index, &term, |doc| docs.push(doc))?;
        }
        Ok(docs)
    }
}

/// Whether one of some texts is in a value.
enum AnyOf<'o> {
    Few(Vec<Finder<'o>>),
    /// One pass over the value, however many texts there are.
    Many(AhoCorasick),
}

/// Bytes of texts that a table is made for.
const MAX_TABLE: usize = 10_000;
/// So many texts are found faster one after the other.
const FEW: usize = 8;

impl<'o> AnyOf<'o> {
    fn new(texts: &'o [String]) -> Result<Self> {
        if texts.len() <= FEW {
            return Ok(Self::Few(texts.iter().map(Finder::new).collect()));
        }
        // To prepare a table takes the square of the length of a text that repeats itself.
        let long = texts.iter().map(String::len).sum::<usize>() > MAX_TABLE;
        let kind = long.then_some(AhoCorasickKind::ContiguousNFA);
        AhoCorasick::builder().kind(kind).build(texts).map(Self::Many).map_err(Error::internal)
    }

    fn is_in(&self, value: &[u8]) -> bool {
        match self {
            Self::Few(finders) => finders.iter().any(|f| f.find(value).is_some()),
            Self::Many(automaton) => automaton.is_match(value),
        }
    }
}

/// Terms that start with `prefix`.
fn terms_from<'a>(index: &'a InvertedIndexReader, prefix: &[u8]) -> Result<TermStreamer<'a>> {
    let range = index.terms().range().ge(prefix);
    Ok(match after_prefix(prefix) {
        Some(end) => range.lt(end).into_stream()?,
        None => range.into_stream()?,
    })
}

/// Least bytes above all that start with `prefix`.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

pub fn each_posting(index: &InvertedIndexReader, term: &TermInfo, mut f: impl FnMut(u32)) -> Result<()> {
    let mut postings = index.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
    let mut doc = postings.doc();
    while doc != TERMINATED {
        f(doc);
        doc = postings.advance();
    }
    Ok(())
}

fn add_postings(index: &InvertedIndexReader, term: &TermInfo, bits: &mut Bits) -> Result<()> {
    each_posting(index, term, |doc| bits.insert(doc))
}

/// Documents in the period; `None` when there are none.
fn period(segment: &Segment, period: Period) -> Option<Bits> {
    let (min, max) = segment.times;
    let from = period.from.map_or(i64::MIN, |t| t.0);
    // An end of i64::MIN leaves nothing.
    let last = period.to.map_or(Some(i64::MAX), |t| t.0.checked_sub(1))?;
    if max < from || last < min {
        return None;
    }
    if from <= min && max <= last {
        return Some(Bits::full(segment.docs));
    }
    let mut bits = Bits::empty(segment.docs);
    let mut times = [0; 1024];
    for start in (0..segment.docs).step_by(times.len()) {
        let part = &mut times[..(segment.docs - start).min(1024) as usize];
        segment.time.get_range(u64::from(start), part);
        for (time, doc) in part.iter().zip(start..) {
            if (from..=last).contains(time) {
                bits.insert(doc);
            }
        }
    }
    Some(bits)
}
