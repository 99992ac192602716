//! Windows event XML: any number of `<Event>` elements, with or without a root around them.
use super::{MAX_RECORD, buffer::Buffer, node::Node, reading::Reading};
use crate::error::Result;
use memchr::memmem;
use quick_xml::{
    Reader,
    events::{BytesStart, Event as Xml},
};
use std::{borrow::Cow, io::Read};

const OPEN: &[u8] = b"<Event";
const CLOSE: &[u8] = b"</Event>";
/// Elements in elements; events have five levels.
const MAX_DEPTH: usize = 64;

/// Reads all events of `input`. A broken one is an issue; the next begins at the next `<Event`.
///
/// # Errors
/// The sink's.
pub fn read(reading: &mut Reading, input: impl Read) -> Result<()> {
    let mut buffer = Buffer::new(input);
    let mut found = false;
    loop {
        match next_event(reading, &mut buffer) {
            Ok(true) => found = true,
            Ok(false) => break,
            Err(e) => {
                reading.issue(format!("byte {}", buffer.offset()), format!("cannot be read further: {e}"), None);
                return Ok(());
            }
        }
        event(reading, &mut buffer)?;
    }
    if !found {
        reading.issue("file", "XML without any <Event> element", None);
    }
    Ok(())
}

/// Moves to the next `<Event`. `false` at the end of the input.
fn next_event(reading: &mut Reading, buffer: &mut Buffer<impl Read>) -> std::io::Result<bool> {
    let mut lost = None;
    let found = loop {
        let bytes = buffer.bytes();
        let at = opening(bytes, 0);
        // Keep what may be the beginning of a tag.
        let skip = at.unwrap_or(bytes.len().saturating_sub(OPEN.len()));
        let gap = bytes.get(..skip).unwrap_or_default();
        if lost.is_none() && is_record_like(gap) {
            let kept = gap.get(..crate::error::Issue::MAX_RECORD).unwrap_or(gap);
            lost = Some((format!("line {}", buffer.line()), kept.to_vec()));
        }
        let have = bytes.len() - skip;
        buffer.consume(skip);
        if at.is_some() {
            break true;
        }
        if buffer.fill(have.max(OPEN.len()) + 1)? <= have {
            break false;
        }
    };
    if let Some((position, gap)) = lost {
        reading.issue(position, "text outside of any event", Some(&gap));
    }
    Ok(found)
}

/// Parts of an event, or plain text, where no event is.
fn is_record_like(gap: &[u8]) -> bool {
    let text = gap.trim_ascii().strip_prefix(b"\xEF\xBB\xBF").unwrap_or(gap.trim_ascii());
    (!text.is_empty() && !text.starts_with(b"<") && !text.ends_with(b">"))
        || [CLOSE, b"<System>", b"<EventData>"].iter().any(|part| memmem::find(gap, part).is_some())
}

/// Position of the next opening tag of an event (not `<EventData`, `<Events`).
fn opening(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memmem::find(bytes.get(at..)?, OPEN)?;
        if bytes.get(at + OPEN.len()).is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/')) {
            return Some(at);
        }
        at += 1;
    }
}

/// Reads the event at the start of the buffer.
fn event(reading: &mut Reading, buffer: &mut Buffer<impl Read>) -> Result<()> {
    let position = format!("line {}", buffer.line());
    let (mut seen, mut failed) = (0, None);
    let close = loop {
        let bytes = buffer.bytes();
        if let Some(at) = memmem::find(bytes.get(seen..).unwrap_or_default(), CLOSE) {
            break Some(seen + at + CLOSE.len());
        }
        seen = bytes.len().saturating_sub(CLOSE.len() - 1);
        let have = bytes.len();
        if have >= MAX_RECORD {
            break None;
        }
        match buffer.fill(have + 1) {
            Ok(n) if n <= have => break None,
            Ok(_) => {}
            Err(e) => {
                failed = Some(e);
                break None;
            }
        }
    };
    let bytes = buffer.bytes();
    let end = close.unwrap_or(bytes.len());
    let text = bytes.get(..end).unwrap_or_default();
    if let Some(next) = opening(text, 1) {
        reading.issue(position, "an event without its end tag", text.get(..next));
        buffer.consume(next);
        return Ok(());
    }
    match (close, failed) {
        (Some(_), _) => match parse(text).map_err(Cow::Owned).and_then(|node| reading.normaliser.json(&node)) {
            Ok(record) => reading.record(record)?,
            Err(reason) => reading.issue(position, reason, Some(text)),
        },
        (None, Some(e)) => reading.issue(position, format!("the input ends inside this event: {e}"), Some(text)),
        (None, None) if end >= MAX_RECORD => {
            reading.issue(position, format!("an event of more than {} MiB", MAX_RECORD >> 20), Some(text));
        }
        (None, None) => reading.issue(position, "the input ends inside this event", Some(text)),
    }
    buffer.consume(end);
    Ok(())
}

/// One element as a node in the layout of `evtx_dump`: `#attributes`, children by name, `#text`.
pub fn parse(bytes: &[u8]) -> Result<Node<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))?;
    let mut reader = Reader::from_str(text);
    let broken = |e: &dyn std::fmt::Display| format!("bad XML: {e}");
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|e| broken(&e))?;
        let Some(top) = open.last_mut() else { return Err("bad XML: an end tag too many".into()) };
        match event {
            Xml::Start(tag) => {
                if open.len() > MAX_DEPTH {
                    return Err(format!("bad XML: more than {MAX_DEPTH} elements in each other"));
                }
                open.push(Element::new(&tag).map_err(|e| broken(&e))?);
            }
            Xml::Empty(tag) => {
                let element = Element::new(&tag).map_err(|e| broken(&e))?;
                top.children.push(element.finish());
            }
            Xml::End(_) => {
                if let (Some(element), Some(parent)) = (open.pop(), open.last_mut()) {
                    parent.children.push(element.finish());
                }
            }
            Xml::Text(t) => top.push(t.decode().map_err(|e| broken(&e))?),
            Xml::CData(t) => top.push(t.decode().map_err(|e| broken(&e))?),
            Xml::GeneralRef(name) => {
                let raw = name.decode().map_err(|e| broken(&e))?;
                let resolved = match name.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    _ => quick_xml::escape::resolve_predefined_entity(&raw).map(String::from),
                };
                // What XML forbids, such as `&#1;`, stays as it is written.
                top.push(Cow::Owned(resolved.unwrap_or_else(|| format!("&{raw};"))));
            }
            Xml::Eof => break,
            Xml::Comment(_) | Xml::Decl(_) | Xml::PI(_) | Xml::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(root), true) => Ok(Node::Map(root.children)),
        _ => Err("bad XML: an end tag is missing".into()),
    }
}

#[derive(Default)]
struct Element<'a> {
    name: String,
    attributes: Vec<(Cow<'a, str>, Node<'a>)>,
    children: Vec<(Cow<'a, str>, Node<'a>)>,
    text: Option<Cow<'a, str>>,
}

impl<'a> Element<'a> {
    fn new(tag: &BytesStart<'a>) -> Result<Self, Box<dyn std::error::Error>> {
        let mut element = Self { name: std::str::from_utf8(tag.local_name().as_ref())?.into(), ..Self::default() };
        for attribute in tag.attributes() {
            let attribute = attribute?;
            let name = std::str::from_utf8(attribute.key.as_ref())?.to_owned();
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0)?.into_owned();
            element.attributes.push((name.into(), Node::Text(value.into())));
        }
        Ok(element)
    }

    fn push(&mut self, text: Cow<'a, str>) {
        match &mut self.text {
            Some(before) => before.to_mut().push_str(&text),
            none => *none = Some(text),
        }
    }

    fn finish(self) -> (Cow<'a, str>, Node<'a>) {
        // White space between children is layout.
        let text = self.text.filter(|t| self.children.is_empty() || !t.trim().is_empty());
        if self.attributes.is_empty() && self.children.is_empty() {
            return (self.name.into(), text.map_or(Node::Null, Node::Text));
        }
        let mut members = Vec::with_capacity(self.children.len() + 2);
        if !self.attributes.is_empty() {
            members.push((Cow::Borrowed("#attributes"), Node::Map(self.attributes)));
        }
        members.extend(self.children);
        if let Some(text) = text {
            members.push((Cow::Borrowed("#text"), Node::Text(text)));
        }
        (self.name.into(), Node::Map(members))
    }
}
