//! The stored form of events: a block of the log. Versioned; compressed with zstd.
//!
//! Block: version, then events until the end. Numbers are LEB128; a text is its length and its bytes.
//! Known fields are written as [`Field::index`] + 1, other names behind a 0.
use crate::event::{Event, EventId, Field, Key, System, Time};
use std::{collections::HashSet, sync::Arc};

const VERSION: u8 = 1;
/// Level 1: about three times the speed of the default, for a tenth more bytes.
const LEVEL: i32 = 1;

/// Why a block cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("block of the event log was written by a newer version ({0}) of this program")]
    Newer(u8),
    #[error("block of the event log is damaged")]
    Damaged,
    #[error("block of the event log does not decompress: {0}")]
    Compression(#[from] std::io::Error),
}

/// Writes blocks; keeps its buffers.
pub struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
    buffer: Vec<u8>,
}

impl Encoder {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { zstd: zstd::bulk::Compressor::new(LEVEL)?, buffer: Vec::new() })
    }

    pub fn block(&mut self, events: &[Arc<Event>]) -> std::io::Result<Vec<u8>> {
        self.buffer.clear();
        self.buffer.push(VERSION);
        for e in events {
            write_event(&mut self.buffer, e);
        }
        self.zstd.compress(&self.buffer)
    }
}

/// Reads a block. `max` bounds what it may decompress to.
pub fn decode(block: &[u8], max: usize) -> Result<Vec<Arc<Event>>, Unreadable> {
    let size = zstd::zstd_safe::get_frame_content_size(block)
        .ok()
        .flatten()
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| *n <= max)
        .ok_or(Unreadable::Damaged)?;
    let raw = zstd::bulk::decompress(block, size)?;
    let mut r = Reader { rest: &raw, names: HashSet::new() };
    match r.byte() {
        Some(VERSION) => {}
        Some(v) if v > VERSION => return Err(Unreadable::Newer(v)),
        _ => return Err(Unreadable::Damaged),
    }
    let mut events = Vec::new();
    while !r.rest.is_empty() {
        events.push(Arc::new(r.event().ok_or(Unreadable::Damaged)?));
    }
    Ok(events)
}

fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn signed(out: &mut Vec<u8>, n: i64) {
    number(out, ((n << 1) ^ (n >> 63)) as u64);
}

fn text(out: &mut Vec<u8>, s: &str) {
    number(out, s.len() as u64);
    out.extend_from_slice(s.as_bytes());
}

fn write_event(out: &mut Vec<u8>, e: &Event) {
    out.extend_from_slice(&e.id.0.to_be_bytes());
    number(out, u64::from(e.code));
    signed(out, e.time.0);
    let s = &e.system;
    text(out, &s.provider);
    text(out, &s.channel);
    text(out, &s.computer);
    let numbers = optional_numbers(s);
    let mut present = 0;
    for (i, n) in numbers.iter().enumerate() {
        present |= u64::from(n.is_some()) << i;
    }
    present |= u64::from(s.time_created.is_some()) << numbers.len();
    present |= u64::from(s.user_id.is_some()) << (numbers.len() + 1);
    number(out, present);
    for n in numbers.into_iter().flatten() {
        number(out, n);
    }
    if let Some(t) = s.time_created {
        signed(out, t.0);
    }
    if let Some(u) = &s.user_id {
        text(out, u);
    }
    number(out, e.data.len() as u64);
    for (k, v) in &e.data {
        match k {
            Key::Field(f) => number(out, f.index() as u64 + 1),
            Key::Other(name) => {
                number(out, 0);
                text(out, name);
            }
        }
        text(out, v);
    }
}

/// In the order of the stored form.
fn optional_numbers(s: &System) -> [Option<u64>; 8] {
    [
        s.record_id,
        s.version.map(u64::from),
        s.level.map(u64::from),
        s.task.map(u64::from),
        s.opcode.map(u64::from),
        s.keywords,
        s.process_id.map(u64::from),
        s.thread_id.map(u64::from),
    ]
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Texts of `System` sections, shared among the events of the block.
    names: HashSet<Arc<str>>,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Some(n);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let n = self.number()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let n = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.bytes(n)?).ok()
    }

    fn shared(&mut self) -> Option<Arc<str>> {
        let text = self.text()?;
        if let Some(known) = self.names.get(text) {
            return Some(known.clone());
        }
        let new: Arc<str> = text.into();
        self.names.insert(new.clone());
        Some(new)
    }

    fn event(&mut self) -> Option<Event> {
        let id = EventId(u128::from_be_bytes(self.bytes(16)?.try_into().ok()?));
        let code = u32::try_from(self.number()?).ok()?;
        let time = Time(self.signed()?);
        let mut system =
            System { provider: self.shared()?, channel: self.shared()?, computer: self.shared()?, ..System::default() };
        let present = self.number()?;
        let mut numbers = [None; 8];
        for (i, slot) in numbers.iter_mut().enumerate() {
            if present & (1 << i) != 0 {
                *slot = Some(self.number()?);
            }
        }
        let short = |n: Option<u64>| n.map(u32::try_from).transpose().ok();
        system.record_id = numbers[0];
        system.version = short(numbers[1])?;
        system.level = short(numbers[2])?;
        system.task = short(numbers[3])?;
        system.opcode = short(numbers[4])?;
        system.keywords = numbers[5];
        system.process_id = short(numbers[6])?;
        system.thread_id = short(numbers[7])?;
        if present & (1 << 8) != 0 {
            system.time_created = Some(Time(self.signed()?));
        }
        if present & (1 << 9) != 0 {
            system.user_id = Some(self.shared()?);
        }
        let count = usize::try_from(self.number()?).ok()?;
        let mut data = Vec::with_capacity(count.min(256));
        for _ in 0..count {
            let key = match usize::try_from(self.number()?).ok()? {
                0 => Key::Other(self.shared()?),
                i => Key::Field(Field::from_index(i - 1)?),
            };
            data.push((key, self.text()?.into()));
        }
        Some(Event { id, code, time, system, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_and_damage_is_told() {
        let event = Event {
            id: EventId(u128::MAX - 5),
            code: 4242,
            time: Time(-1),
            system: System {
                provider: "p".into(),
                computer: "Hö.st".into(),
                record_id: Some(u64::MAX),
                thread_id: Some(7),
                time_created: Some(Time(i64::MIN)),
                user_id: Some("S-1-5-18".into()),
                ..System::default()
            },
            data: vec![(Key::Field(Field::Image), "C:\\a.exe".into()), (Key::Other("New one".into()), "é".into())],
        };
        let events = vec![
            Arc::new(event),
            Arc::new(Event { id: EventId(1), code: 0, time: Time(0), system: System::default(), data: Vec::new() }),
        ];
        let block = Encoder::new().unwrap().block(&events).unwrap();
        assert_eq!(decode(&block, 1 << 20).unwrap(), events);
        assert!(decode(&block, 10).is_err(), "bounded");
        for cut in 0..block.len() {
            assert!(decode(&block[..cut], 1 << 20).is_err());
        }
        let newer = zstd::bulk::compress(&[VERSION + 1], 1).unwrap();
        assert!(matches!(decode(&newer, 1 << 20), Err(Unreadable::Newer(_))));
        let garbage = zstd::bulk::compress(&[VERSION, 1, 2, 3], 1).unwrap();
        assert!(matches!(decode(&garbage, 1 << 20), Err(Unreadable::Damaged)));
    }
}
