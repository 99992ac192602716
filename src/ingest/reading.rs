//! The reading of one input: hands events out in batches, and issues with their position.
use super::{
    Options, Sink,
    normalise::{Normaliser, Record},
};
use crate::{
    error::{Issue, Result},
    event::Event,
};
use std::{cell::Cell, rc::Rc};

/// Events handed out at a time.
const BATCH: usize = 512;
/// And how many bytes of them.
const BATCH_BYTES: usize = 4 << 20;
/// Records between two reports of progress, where none is handed out.
const PROGRESS: u32 = 8192;

pub struct Reading<'s> {
    pub options: Options,
    pub normaliser: Normaliser,
    sink: &'s mut dyn Sink,
    batch: Vec<Event>,
    batch_bytes: usize,
    skipped: u32,
    source: String,
    /// Bytes read of the outermost file, and its size.
    read: Rc<Cell<u64>>,
    total: Option<u64>,
}

impl<'s> Reading<'s> {
    pub fn new(options: &Options, sink: &'s mut dyn Sink, read: Rc<Cell<u64>>, total: Option<u64>) -> Self {
        let normaliser = Normaliser::new(options);
        Self {
            options: *options,
            normaliser,
            sink,
            batch: Vec::new(),
            batch_bytes: 0,
            skipped: 0,
            source: String::new(),
            read,
            total,
        }
    }

    /// Starts a file or a member of an archive: identical records are counted anew.
    pub fn begin(&mut self, source: &str) -> Result<()> {
        self.flush()?;
        self.source = source.into();
        self.normaliser = Normaliser::new(&self.options);
        Ok(())
    }

    pub fn record(&mut self, record: Record) -> Result<()> {
        match record {
            Record::Event(event) => {
                self.batch_bytes += event.size();
                self.batch.push(event);
                let full = self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES;
                if full { self.flush() } else { Ok(()) }
            }
            Record::Other(provider) => {
                self.sink.skipped(&provider);
                self.skipped += 1;
                if self.skipped.is_multiple_of(PROGRESS) { self.flush() } else { Ok(()) }
            }
        }
    }

    pub fn issue(&mut self, position: impl Into<String>, reason: impl Into<String>, record: Option<&[u8]>) {
        self.sink.issue(issue(&self.source, position, reason, record));
    }

    pub fn flush(&mut self) -> Result<()> {
        self.normaliser.ordinals.check()?;
        self.batch_bytes = 0;
        if !self.batch.is_empty() {
            self.sink.events(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH)))?;
        }
        self.sink.progress(self.read.get(), self.total);
        Ok(())
    }
}

/// An issue with the bad record as text, cut to what the dead-letter list takes (and said so).
pub fn issue(source: &str, position: impl Into<String>, reason: impl Into<String>, record: Option<&[u8]>) -> Issue {
    let mut reason = reason.into();
    let record = record.map(|bytes| {
        let cut = bytes.get(..Issue::MAX_RECORD).unwrap_or(bytes);
        if cut.len() < bytes.len() {
            reason.push_str(&format!(" (first {} of {} bytes of the record kept)", cut.len(), bytes.len()));
        }
        let mut text = String::from_utf8_lossy(cut).into_owned();
        let mut end = text.len().min(Issue::MAX_RECORD);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    });
    Issue { source: source.into(), position: position.into(), reason, record }
}
