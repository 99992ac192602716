//! What searches look at: the segments of the index at one commit, with their columns open.
use super::{bits::Bits, schema};
use crate::error::Result;
use std::{collections::HashMap, sync::Arc};
use tantivy::{
    Searcher, SegmentReader,
    columnar::{Column, ColumnValues},
    index::SegmentId,
};

/// Documents whose columns are read at a time.
const BATCH: usize = 256;

/// An immutable part of the index.
pub struct Segment {
    pub id: SegmentId,
    pub reader: SegmentReader,
    pub docs: u32,
    pub time: Arc<dyn ColumnValues<i64>>,
    pub seq: Arc<dyn ColumnValues<u64>>,
    code: Arc<dyn ColumnValues<u64>>,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
    /// Number of the document's host in `hosts`.
    host: Option<Column<u64>>,
    /// Hosts of the segment, ascending.
    pub hosts: Vec<String>,
    /// Least and greatest time.
    pub times: (i64, i64),
}

impl Segment {
    fn open(reader: &SegmentReader) -> Result<Self> {
        let columns = reader.fast_fields();
        let time = columns.column_first_or_default::<i64>(schema::TIME)?;
        let mut hosts = Vec::new();
        let host = match columns.bytes(schema::HOST)? {
            Some(column) => {
                let mut names = column.dictionary().stream()?;
                while names.advance() {
                    hosts.push(String::from_utf8_lossy(names.key()).into_owned());
                }
                Some(column.ords().clone())
            }
            None => None,
        };
        Ok(Self {
            id: reader.segment_id(),
            docs: reader.max_doc(),
            times: (time.min_value(), time.max_value()),
            time,
            seq: columns.column_first_or_default(schema::SEQ)?,
            code: columns.column_first_or_default(schema::CODE)?,
            id_high: columns.column_first_or_default(schema::ID_HIGH)?,
            id_low: columns.column_first_or_default(schema::ID_LOW)?,
            host,
            hosts,
            reader: reader.clone(),
        })
    }

    /// Calls `f` with every document of the set, its time and its event code.
    pub fn each(&self, bits: &Bits, mut f: impl FnMut(u32, i64, u32)) {
        let (mut docs, mut times, mut codes) = ([0; BATCH], [0; BATCH], [0; BATCH]);
        let mut iter = bits.iter();
        loop {
            let mut n = 0;
            while n < BATCH
                && let Some(doc) = iter.next()
            {
                docs[n] = doc;
                n += 1;
            }
            self.time.get_vals(&docs[..n], &mut times[..n]);
            self.code.get_vals(&docs[..n], &mut codes[..n]);
            for i in 0..n {
                // The column holds 64 bits; codes have 32.
                f(docs[i], times[i], codes[i] as u32);
            }
            if n < BATCH {
                return;
            }
        }
    }

    pub fn event_id(&self, doc: u32) -> u128 {
        u128::from(self.id_high.get_val(doc)) << 64 | u128::from(self.id_low.get_val(doc))
    }

    /// Number of the document's host in `hosts`.
    pub fn host(&self, doc: u32) -> Option<usize> {
        usize::try_from(self.host.as_ref()?.first(doc)?).ok()
    }
}

/// All segments at one commit.
#[derive(Default)]
pub struct View {
    pub segments: Vec<Arc<Segment>>,
}

impl View {
    /// Segments that were open before stay open.
    pub fn new(searcher: &Searcher, before: &Self) -> Result<Self> {
        let known: HashMap<SegmentId, &Arc<Segment>> = before.segments.iter().map(|s| (s.id, s)).collect();
        let segments = searcher
            .segment_readers()
            .iter()
            .map(|r| match known.get(&r.segment_id()) {
                Some(segment) => Ok((*segment).clone()),
                None => Segment::open(r).map(Arc::new),
            })
            .collect::<Result<_>>()?;
        Ok(Self { segments })
    }
}
