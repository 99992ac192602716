//! A stream of JSON values: lines, arrays, pretty-printed and concatenated objects, mixed as they come.
use super::{MAX_RECORD, buffer::Buffer, node::Node, normalise::Record, reading::Reading};
use crate::error::Result;
use serde_json::error::Category;
use std::{borrow::Cow, io::Read};

/// First window into a value that is longer than its line.
const WINDOW: usize = 64 * 1024;

/// Reads all values of `input`.
///
/// # Errors
/// The sink's; what is wrong with the input becomes issues.
pub fn read(reading: &mut Reading, input: impl Read) -> Result<()> {
    let mut buffer = Buffer::new(input);
    // After a broken value: what follows may be the rest of it.
    let mut broken = false;
    while skip_space(reading, &mut buffer) {
        let Some(first) = buffer.bytes().first().copied() else { break };
        if first != b'{' {
            let inside = broken && (matches!(first, b'"' | b'}') || buffer.column() > 0);
            let line = take_line(reading, &mut buffer);
            if !inside {
                reading.issue(line.0, "not a JSON object", Some(&line.1));
                broken = true;
            }
            continue;
        }
        let position = format!("line {}", buffer.line());
        match value(reading, &mut buffer) {
            Ok((len, outcome)) => {
                match outcome {
                    Ok(record) => {
                        broken = false;
                        reading.record(record)?;
                    }
                    Err(_) if broken && buffer.column() > 0 => {}
                    Err(reason) => reading.issue(position, reason, buffer.bytes().get(..len)),
                }
                buffer.consume(len);
            }
            Err(reason) => match broken_value(&mut buffer) {
                Some(len) => {
                    reading.issue(position, reason, buffer.bytes().get(..len));
                    buffer.consume(len);
                    broken = false;
                }
                None => {
                    let line = take_line(reading, &mut buffer);
                    reading.issue(position, reason, Some(&line.1));
                    broken = true;
                }
            },
        }
    }
    Ok(())
}

/// Bytes that a value took, and what it is.
type Parsed = (usize, std::result::Result<Record, Cow<'static, str>>);

/// Parses the value at the start of the buffer, taking more input as long as it is merely incomplete.
/// The error says why it is no value.
fn value(reading: &mut Reading, buffer: &mut Buffer<impl Read>) -> std::result::Result<Parsed, String> {
    let mut window = match buffer.find(b'\n', MAX_RECORD) {
        Ok(Some(end)) => end,
        Ok(None) => buffer.bytes().len(),
        Err(e) => return Err(format!("cannot be read further: {e}")),
    };
    loop {
        let bytes = buffer.bytes().get(..window).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Node>();
        match values.next() {
            Some(Ok(node)) => {
                let len = values.byte_offset();
                return Ok((len, reading.normaliser.json(&node)));
            }
            Some(Err(e)) if e.classify() != Category::Eof => return Err(format!("bad JSON: {e}")),
            _ if window >= MAX_RECORD => {
                return Err(format!("a record of more than {} MiB", MAX_RECORD >> 20));
            }
            _ => {}
        }
        let wanted = (window * 2).clamp(WINDOW, MAX_RECORD);
        match buffer.fill(wanted) {
            Ok(have) if have <= window => return Err("the input ends inside this record".into()),
            Ok(have) => window = have.min(wanted),
            Err(e) => return Err(format!("the input ends inside this record: {e}")),
        }
    }
}

/// Bytes of a broken value up to the bracket that closes it, if that is on the same line: behind it the next value
/// of an array may begin.
fn broken_value(buffer: &mut Buffer<impl Read>) -> Option<usize> {
    let end = match buffer.find(b'\n', MAX_RECORD) {
        Ok(Some(end)) => end,
        Ok(None) => buffer.bytes().len().min(MAX_RECORD),
        Err(_) => return None,
    };
    let (mut depth, mut in_string, mut escaped) = (0u32, false, false);
    for (at, byte) in buffer.bytes().get(..end)?.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let rest = buffer.bytes().get(at + 1..end)?.trim_ascii_start();
                    return matches!(rest.first(), None | Some(b',' | b']' | b'{')).then_some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Skips white space, byte order marks, and the brackets and commas of arrays. Whether anything follows.
fn skip_space(reading: &mut Reading, buffer: &mut Buffer<impl Read>) -> bool {
    loop {
        if let Err(e) = buffer.fill(1) {
            reading.issue(format!("byte {}", buffer.offset()), format!("cannot be read further: {e}"), None);
            return false;
        }
        let bytes = buffer.bytes();
        if bytes.is_empty() {
            return false;
        }
        let skip = bytes.iter().take_while(|b| b" \t\r\n,[]\xEF\xBB\xBF\x1e\0".contains(b)).count();
        let more = skip < bytes.len();
        buffer.consume(skip);
        if more {
            return true;
        }
    }
}

/// Takes the rest of the line, without its end; keeps no more of it than an issue needs.
fn take_line(reading: &mut Reading, buffer: &mut Buffer<impl Read>) -> (String, Vec<u8>) {
    let position = format!("line {}", buffer.line());
    let mut kept = Vec::new();
    loop {
        let (len, done) = match buffer.find(b'\n', WINDOW) {
            Ok(Some(end)) => (end, true),
            Ok(None) => (buffer.bytes().len().min(WINDOW), buffer.bytes().len() < WINDOW),
            Err(e) => {
                reading.issue(format!("byte {}", buffer.offset()), format!("cannot be read further: {e}"), None);
                (buffer.bytes().len(), true)
            }
        };
        if kept.len() <= crate::error::Issue::MAX_RECORD {
            kept.extend_from_slice(buffer.bytes().get(..len).unwrap_or_default());
        }
        buffer.consume(len);
        if done {
            return (position, kept);
        }
    }
}
