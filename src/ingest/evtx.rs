//! Windows event log files. Records are rendered by the `evtx` crate and read as the JSON layout they are.
use super::{node::Node, reading::Reading};
use crate::error::Result;
use ::evtx::{EvtxParser, ParserSettings, err::EvtxError};
use std::{
    error::Error as _,
    io::{self, Read, Seek, SeekFrom},
};

const HEADER: u64 = 4096;
const CHUNK: u64 = 65536;

/// A log that was cut off, as if its last chunk were whole: what is missing reads as zeroes, so that the
/// records before the cut are found.
struct Padded<R> {
    inner: R,
    position: u64,
    length: u64,
    padded: u64,
}

impl<R: Read + Seek> Padded<R> {
    fn new(mut inner: R) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        let chunks = length.saturating_sub(HEADER).div_ceil(CHUNK);
        inner.rewind()?;
        Ok(Self { inner, position: 0, length, padded: if chunks == 0 { length } else { HEADER + chunks * CHUNK } })
    }
}

impl<R: Read + Seek> Read for Padded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = if self.position < self.length {
            self.inner.read(buf)?
        } else {
            let left = usize::try_from(self.padded.saturating_sub(self.position)).unwrap_or(usize::MAX);
            let n = buf.len().min(left);
            buf.iter_mut().take(n).for_each(|b| *b = 0);
            n
        };
        self.position += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for Padded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.padded.checked_add_signed(n),
            SeekFrom::Current(n) => self.position.checked_add_signed(n),
        };
        let target = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.inner.seek(SeekFrom::Start(target.min(self.length)))?;
        self.position = target;
        Ok(target)
    }
}

/// Reads all records of a log; a chunk or record that cannot be read becomes an issue.
///
/// # Errors
/// The sink's.
pub fn read(reading: &mut Reading, input: impl Read + Seek) -> Result<()> {
    let input = match Padded::new(input) {
        Ok(input) => input,
        Err(e) => {
            reading.issue("file", format!("cannot be read: {e}"), None);
            return Ok(());
        }
    };
    let (length, padded) = (input.length, input.padded);
    let mut parser = match EvtxParser::from_read_seek(input) {
        Ok(p) => p.with_configuration(ParserSettings::new().num_threads(1)),
        Err(e) => {
            reading.issue("file header", format!("not a readable event log: {}", reason(&e)), None);
            return Ok(());
        }
    };
    let (whole, named) = (length.saturating_sub(HEADER) / CHUNK, u64::from(parser.header().chunk_count));
    if padded != length || named > whole {
        let reason =
            format!("the file ends inside the log: {whole} whole chunks of {named}; the rest of it is missing");
        reading.issue(format!("chunk {whole}"), reason, None);
    }
    for record in parser.records_json_bytes() {
        match record {
            Ok(record) => {
                let outcome = serde_json::from_slice::<Node>(&record.data)
                    .map_err(|e| format!("bad record: {e}").into())
                    .and_then(|node| reading.normaliser.json(&node));
                match outcome {
                    Ok(event) => reading.record(event)?,
                    Err(reason) => {
                        reading.issue(format!("record {}", record.event_record_id), reason, Some(&record.data));
                    }
                }
            }
            Err(e) => reading.issue(position(&e), reason(&e), None),
        }
    }
    Ok(())
}

fn position(e: &EvtxError) -> String {
    match e {
        EvtxError::FailedToParseChunk { chunk_id, .. } => format!("chunk {chunk_id}"),
        EvtxError::FailedToParseRecord { record_id, .. } => format!("record {record_id}"),
        EvtxError::FailedToReadRecordAt { chunk: Some(chunk), offset, .. } => format!("chunk {chunk}, byte {offset}"),
        _ => "file".into(),
    }
}

/// The error with its causes.
fn reason(e: &EvtxError) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(c) = cause {
        text.push_str(": ");
        text.push_str(&c.to_string());
        cause = c.source();
    }
    text
}
