//! UTF-16 text (`wevtutil`, PowerShell) as UTF-8.
use std::io::{self, Read};

pub struct Utf16<R> {
    input: R,
    big_endian: bool,
    /// Bytes of an unfinished unit, and the first half of a surrogate pair.
    rest: Vec<u8>,
    high: Option<u16>,
    out: Vec<u8>,
    given: usize,
}

/// Byte order of UTF-16 text that begins with a mark, `<`, `{` or `[`; `None` for anything else.
pub fn big_endian(head: &[u8]) -> Option<bool> {
    match head {
        [0xff, 0xfe, ..] | [b'<' | b'{' | b'[', 0, ..] => Some(false),
        [0xfe, 0xff, ..] | [0, b'<' | b'{' | b'[', ..] => Some(true),
        _ => None,
    }
}

impl<R: Read> Utf16<R> {
    pub fn new(input: R, big_endian: bool) -> Self {
        Self { input, big_endian, rest: Vec::new(), high: None, out: Vec::new(), given: 0 }
    }

    /// Decodes one more piece of input. Whether there was one. What is not UTF-16 becomes U+FFFD.
    fn more(&mut self) -> io::Result<bool> {
        let have = self.rest.len();
        self.rest.resize(64 * 1024, 0);
        let n = match self.input.read(self.rest.get_mut(have..).unwrap_or_default()) {
            Ok(n) => n,
            Err(e) => {
                self.rest.truncate(have);
                return Err(e);
            }
        };
        self.rest.truncate(have + n);
        self.out.clear();
        self.given = 0;
        let end = n == 0;
        let whole = self.rest.len() & !1;
        let units: Vec<u16> = self
            .high
            .take()
            .into_iter()
            .chain(self.rest.get(..whole).unwrap_or_default().chunks_exact(2).map(|b| match (b, self.big_endian) {
                ([a, b], false) => u16::from_le_bytes([*a, *b]),
                ([a, b], true) => u16::from_be_bytes([*a, *b]),
                _ => 0xfffd,
            }))
            .collect();
        self.rest.drain(..whole);
        let units = match units.split_last() {
            Some((last, before)) if !end && (0xd800..0xdc00).contains(last) => {
                self.high = Some(*last);
                before
            }
            _ => units.as_slice(),
        };
        let mut text = [0; 4];
        for c in char::decode_utf16(units.iter().copied()) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(c.encode_utf8(&mut text).as_bytes());
        }
        if end && !self.rest.is_empty() {
            self.rest.clear();
            self.out.extend_from_slice("\u{fffd}".as_bytes());
        }
        Ok(!end || !self.out.is_empty())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.out.len() {
            if !self.more()? {
                return Ok(0);
            }
        }
        let n = self.out.get(self.given..).unwrap_or_default().read(buf)?;
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_in_small_pieces() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                let n = self.0.len().min(buf.len()).min(1);
                buf[..n].copy_from_slice(&self.0[..n]);
                self.0 = &self.0[n..];
                Ok(n)
            }
        }
        let text = "<a>é😀</a>";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, big) in [(le, false), (be, true)] {
            assert_eq!(big_endian(&bytes), Some(big));
            let mut out = String::new();
            Utf16::new(Drip(&bytes), big).read_to_string(&mut out).unwrap();
            assert_eq!(out, text);
        }
        let mut out = String::new();
        Utf16::new(&[0x3d, 0xd8][..], false).read_to_string(&mut out).unwrap();
        assert_eq!(out, "\u{fffd}");
    }
}
