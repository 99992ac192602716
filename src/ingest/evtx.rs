//! Windows event log files. Records are rendered by the `evtx` crate and read as the JSON layout they are.
use super::{node::Node, reading::Reading};
use crate::error::Result;
use ::evtx::{EvtxParser, ParserSettings, err::EvtxError};
use std::{
    error::Error as _,
    io::{Read, Seek},
};

/// Reads all records of a log; a chunk or record that cannot be read becomes an issue.
///
/// # Errors
/// The sink's.
pub fn read(reading: &mut Reading, input: impl Read + Seek) -> Result<()> {
    let mut parser = match EvtxParser::from_read_seek(input) {
        Ok(p) => p.with_configuration(ParserSettings::new().num_threads(1)),
        Err(e) => {
            reading.issue("file header", format!("not a readable event log: {}", reason(&e)), None);
            return Ok(());
        }
    };
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
