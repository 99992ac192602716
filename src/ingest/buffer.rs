//! A window that moves over a stream, knowing line and byte of its start.
use std::io::{self, Read};

const CHUNK: usize = 128 * 1024;

pub struct Buffer<R> {
    input: R,
    data: Vec<u8>,
    start: usize,
    end: bool,
    line: u64,
    offset: u64,
    column: u64,
}

impl<R: Read> Buffer<R> {
    pub fn new(input: R) -> Self {
        Self { input, data: Vec::new(), start: 0, end: false, line: 1, offset: 0, column: 0 }
    }

    /// What is there, from the current position.
    pub fn bytes(&self) -> &[u8] {
        self.data.get(self.start..).unwrap_or_default()
    }

    /// Number of the current line, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of the stream before the current position.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes between the start of the line and the current position.
    pub fn column(&self) -> u64 {
        self.column
    }

    /// Reads until `wanted` bytes are there or the stream ends. How many are there.
    pub fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        while self.bytes().len() < wanted && !self.end {
            if self.start > 0 && (self.start >= self.data.len() || self.start > self.data.len() / 2) {
                self.data.drain(..self.start);
                self.start = 0;
            }
            let have = self.data.len();
            let room = CHUNK.max(wanted.saturating_sub(self.bytes().len()));
            self.data.resize(have + room, 0);
            let n = loop {
                match self.input.read(self.data.get_mut(have..).unwrap_or_default()) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            self.data.truncate(have + *n.as_ref().unwrap_or(&0));
            match n {
                Ok(0) => self.end = true,
                Ok(_) => {}
                Err(e) => {
                    self.end = true;
                    return Err(e);
                }
            }
        }
        Ok(self.bytes().len())
    }

    /// Position of `byte`, reading on as far as `max` bytes. `None`: not in them.
    pub fn find(&mut self, byte: u8, max: usize) -> io::Result<Option<usize>> {
        let mut seen = 0;
        loop {
            let bytes = self.bytes();
            let part = bytes.get(seen..bytes.len().min(max)).unwrap_or_default();
            if let Some(at) = memchr::memchr(byte, part) {
                return Ok(Some(seen + at));
            }
            seen = bytes.len();
            if seen >= max || self.fill(seen + 1)? <= seen {
                return Ok(None);
            }
        }
    }

    pub fn consume(&mut self, len: usize) {
        let taken = self.data.get(self.start..self.start + len).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', taken).count() as u64;
        self.column = match memchr::memrchr(b'\n', taken) {
            Some(at) => (taken.len() - at - 1) as u64,
            None => self.column + taken.len() as u64,
        };
        self.line += lines;
        self.offset += taken.len() as u64;
        self.start += taken.len();
    }
}
