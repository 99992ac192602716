//! The index: which fields a document has, and how an event becomes one.
//!
//! Every field of the table is a field of the index whose terms are the distinct folded values; conditions are
//! answered over these term dictionaries. `shape` says in one term which fields an event carries.
use super::Seq;
use crate::event::{Event, Field, Key, fields::Source, text};
use tantivy::{
    TantivyDocument,
    schema::{BytesOptions, FAST, Field as IndexField, Schema},
};

/// Longest folded value that becomes a term; tantivy drops terms of 64 KiB. Events with a longer value are
/// listed under [`Fields::oversize`] and compared with the event itself.
pub const MAX_TERM: usize = 32 * 1024;

pub const TIME: &str = "time";
pub const SEQ: &str = "seq";
pub const CODE: &str = "code";
pub const ID_HIGH: &str = "id_high";
pub const ID_LOW: &str = "id_low";
pub const HOST: &str = "host";

/// Handles of the index's fields.
#[derive(Debug, Clone)]
pub struct Fields {
    pub schema: Schema,
    values: Vec<IndexField>,
    /// Values under other names; see [`other_term`].
    pub other: IndexField,
    /// [`Shape`] of the event.
    pub shape: IndexField,
    /// [`Field::index`] of fields with a value over [`MAX_TERM`]; [`OVERSIZE_OTHER`] for other names.
    pub oversize: IndexField,
    /// Host in normal form; absent where the event names none.
    pub host: IndexField,
    time: IndexField,
    seq: IndexField,
    code: IndexField,
    id_high: IndexField,
    id_low: IndexField,
}

/// In place of a field's index, for names that the table does not know.
const OVERSIZE_OTHER: usize = 0xffff;

impl Fields {
    pub fn new() -> Self {
        let mut b = Schema::builder();
        let terms = || BytesOptions::default().set_indexed();
        let values = Field::all().map(|f| b.add_bytes_field(&format!("value_{}", f.index()), terms())).collect();
        let other = b.add_bytes_field("other", terms());
        let shape = b.add_bytes_field("shape", terms());
        let oversize = b.add_bytes_field("oversize", terms());
        let host = b.add_bytes_field(HOST, terms().set_fast());
        let time = b.add_i64_field(TIME, FAST);
        let seq = b.add_u64_field(SEQ, FAST);
        let code = b.add_u64_field(CODE, FAST);
        let id_high = b.add_u64_field(ID_HIGH, FAST);
        let id_low = b.add_u64_field(ID_LOW, FAST);
        Self { schema: b.build(), values, other, shape, oversize, host, time, seq, code, id_high, id_low }
    }

    pub fn values(&self, field: Field) -> Option<IndexField> {
        self.values.get(field.index()).copied()
    }

    pub fn document(&self, seq: Seq, event: &Event) -> TantivyDocument {
        let mut doc = TantivyDocument::with_capacity(2 * event.size());
        let mut shape = Shape::default();
        let mut value = |doc: &mut TantivyDocument, field: Field, value: &str| {
            shape.set(field);
            let folded = text::fold(value);
            match self.values(field) {
                Some(index) if folded.len() <= MAX_TERM => doc.add_bytes(index, folded.as_bytes()),
                _ => doc.add_bytes(self.oversize, &oversize_term(&Key::Field(field))),
            }
        };
        for (key, text) in &event.data {
            match key {
                Key::Field(f) => value(&mut doc, *f, text),
                Key::Other(name) => {
                    let term = other_term(name, &text::fold(text));
                    if term.len() <= MAX_TERM {
                        doc.add_bytes(self.other, &term);
                    } else {
                        doc.add_bytes(self.oversize, &oversize_term(key));
                    }
                }
            }
        }
        for field in Field::all().filter(|f| f.source() != Source::Data) {
            for text in event.values(field) {
                value(&mut doc, field, &text);
            }
        }
        doc.add_bytes(self.shape, &shape.0);
        let host = event.host();
        if !host.is_empty() && host.len() <= MAX_TERM {
            doc.add_bytes(self.host, host.as_bytes());
        }
        doc.add_i64(self.time, event.time.0);
        doc.add_u64(self.seq, seq);
        doc.add_u64(self.code, u64::from(event.code));
        doc.add_u64(self.id_high, (event.id.0 >> 64) as u64);
        doc.add_u64(self.id_low, event.id.0 as u64);
        doc
    }
}

/// Term under which events with a long value of `key` are listed.
pub fn oversize_term(key: &Key) -> [u8; 2] {
    let index = match key {
        Key::Field(f) => f.index(),
        Key::Other(_) => OVERSIZE_OTHER,
    };
    (index as u16).to_be_bytes()
}

/// Start of the terms of another name: its length, then the name, so that no name is the start of another.
pub fn other_prefix(name: &str) -> Vec<u8> {
    let mut out = (name.len() as u64).to_be_bytes().to_vec();
    out.extend_from_slice(name.as_bytes());
    out
}

fn other_term(name: &str, folded: &str) -> Vec<u8> {
    let mut out = other_prefix(name);
    out.extend_from_slice(folded.as_bytes());
    out
}

/// Which fields an event carries, one bit each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape([u8; Field::COUNT.div_ceil(8)]);

impl Shape {
    fn set(&mut self, field: Field) {
        self.0[field.index() / 8] |= 1 << (field.index() % 8);
    }

    /// Whether the term of a shape has `field`.
    pub fn term_has(term: &[u8], field: Field) -> bool {
        term.get(field.index() / 8).is_some_and(|b| b & (1 << (field.index() % 8)) != 0)
    }
}
