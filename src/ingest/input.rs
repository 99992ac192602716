//! What a file is, by its content, and the way through archives and compression to the logs inside.
use super::{evtx, json, reading::Reading, utf16, xml};
use crate::error::{Error, Result};
use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    rc::Rc,
};

/// Archives in archives are opened this deep.
const MAX_DEPTH: u32 = 4;
/// Decompressed bytes that any file may give, and how many times its own size beyond that.
/// Real logs compress up to 200 times.
const EXPANSION_FLOOR: u64 = 64 << 20;
const EXPANSION_RATIO: u64 = 500;

/// Decompressed bytes that one outermost file may still give, at all levels together.
#[derive(Clone)]
pub struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub fn of(size: u64) -> Self {
        Self(Rc::new(Cell::new(EXPANSION_FLOOR.max(size.saturating_mul(EXPANSION_RATIO)))))
    }
}

/// A decompressor that ends with an error when the budget is used up.
struct Bounded<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        match self.budget.0.get().checked_sub(n as u64) {
            Some(left) => self.budget.0.set(left),
            None => {
                return Err(io::Error::other(
                    "decompresses to an implausible size (a decompression bomb?); decompress it yourself to import it",
                ));
            }
        }
        Ok(n)
    }
}

/// The outermost file, counting how far it was read.
pub struct Counting<R> {
    pub inner: R,
    pub position: u64,
    pub read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.position += n as u64;
        self.read.set(self.read.get().max(self.position));
        Ok(n)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Where bytes come from.
pub enum Input<'r> {
    Seekable(Box<dyn ReadSeek + 'r>),
    Stream(Box<dyn Read + 'r>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Empty,
    Gzip,
    Zstd,
    Zip,
    Evtx,
    Json,
    Xml,
    /// Text in this byte order: big-endian or not.
    Utf16 {
        big_endian: bool,
    },
    Unknown,
}

/// Told by magic bytes, else by the first byte that is not white space.
fn format(head: &[u8]) -> Format {
    match head {
        [] => Format::Empty,
        [0x1f, 0x8b, ..] => Format::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Format::Zstd,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Format::Zip,
        _ if head.starts_with(b"ElfFile\0") => Format::Evtx,
        _ => match (text_start(head), utf16::big_endian(head)) {
            (_, Some(big_endian)) => Format::Utf16 { big_endian },
            (Some(b'{' | b'['), None) => Format::Json,
            (Some(b'<'), None) => Format::Xml,
            // Lines of JSON behind a line that is none: that line will be an issue.
            _ if memchr::memmem::find(head, b"\n{").is_some() => Format::Json,
            _ => Format::Unknown,
        },
    }
}

fn text_start(head: &[u8]) -> Option<u8> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    head.iter().copied().find(|b| !b.is_ascii_whitespace())
}

/// Reads one input, whatever it is.
///
/// # Errors
/// The sink's; what is wrong with the input becomes issues.
pub fn read(reading: &mut Reading, name: &str, input: Input, budget: &Budget, depth: u32) -> Result<()> {
    reading.begin(name)?;
    if depth > MAX_DEPTH {
        reading.issue("file", format!("archives nested deeper than {MAX_DEPTH} levels are not opened"), None);
        return Ok(());
    }
    let (head, input) = match peek(input) {
        Ok(peeked) => peeked,
        Err(e) => {
            reading.issue("byte 0", format!("cannot be read: {e}"), None);
            return Ok(());
        }
    };
    match format(&head) {
        Format::Empty => reading.issue("file", "empty file", None),
        Format::Unknown => reading.issue(
            "file",
            "unknown format: expected EVTX, Windows event XML or JSON, plain or in gzip, zstd or zip",
            None,
        ),
        Format::Gzip => {
            let inner = flate2::bufread::MultiGzDecoder::new(BufReader::new(stream(input)));
            let inner = Bounded { inner, budget: budget.clone() };
            read(reading, name, Input::Stream(Box::new(inner)), budget, depth + 1)?;
        }
        Format::Zstd => match zstd::Decoder::new(stream(input)) {
            Ok(inner) => {
                let inner = Bounded { inner, budget: budget.clone() };
                read(reading, name, Input::Stream(Box::new(inner)), budget, depth + 1)?;
            }
            Err(e) => reading.issue("file", format!("cannot be decompressed: {e}"), None),
        },
        Format::Zip => {
            if let Some(file) = seekable(reading, input)? {
                zip(reading, name, file, budget, depth)?;
            }
        }
        Format::Evtx => {
            if let Some(file) = seekable(reading, input)? {
                evtx::read(reading, file)?;
            }
        }
        Format::Json => json::read(reading, stream(input))?,
        Format::Xml => xml::read(reading, stream(input))?,
        Format::Utf16 { big_endian } => {
            let inner = utf16::Utf16::new(stream(input), big_endian);
            read(reading, name, Input::Stream(Box::new(inner)), budget, depth + 1)?;
        }
    }
    reading.flush()
}

fn zip(reading: &mut Reading, name: &str, file: impl Read + Seek, budget: &Budget, depth: u32) -> Result<()> {
    let mut archive = match zip::ZipArchive::new(BufReader::new(file)) {
        Ok(a) => a,
        Err(e) => {
            reading.issue("file", format!("not a readable zip archive: {e}"), None);
            return Ok(());
        }
    };
    for index in 0..archive.len() {
        match archive.by_index(index) {
            Ok(member) if member.is_dir() => {}
            Ok(member) => {
                let inner = match member.name() {
                    Ok(inner) => format!("{name}!{inner}"),
                    Err(_) => format!("{name}!member {index}"),
                };
                let member = Bounded { inner: member, budget: budget.clone() };
                read(reading, &inner, Input::Stream(Box::new(member)), budget, depth + 1)?;
            }
            Err(e) => {
                reading.begin(name)?;
                reading.issue(format!("member {index}"), format!("cannot be opened: {e}"), None);
            }
        }
    }
    Ok(())
}

fn stream<'r>(input: Input<'r>) -> Box<dyn Read + 'r> {
    match input {
        Input::Seekable(file) => Box::new(file),
        Input::Stream(s) => s,
    }
}

/// Formats that need to seek are spooled to a temporary file when they come out of an archive.
fn seekable<'r>(reading: &mut Reading, input: Input<'r>) -> Result<Option<Box<dyn ReadSeek + 'r>>> {
    match input {
        Input::Seekable(file) => Ok(Some(file)),
        Input::Stream(mut stream) => {
            let mut file = tempfile::tempfile().map_err(|e| {
                Error::new(crate::error::Code::Unavailable, "no temporary file can be made to unpack an archive")
                    .with(e)
            })?;
            if let Err(e) = io::copy(&mut stream, &mut file) {
                reading.issue("file", format!("cannot be unpacked completely: {e}"), None);
            }
            file.rewind()?;
            Ok(Some(Box::new(file)))
        }
    }
}

/// The first bytes, and the input as it was.
fn peek(input: Input<'_>) -> io::Result<(Vec<u8>, Input<'_>)> {
    let mut head = Vec::new();
    match input {
        Input::Seekable(mut file) => {
            file.by_ref().take(4096).read_to_end(&mut head)?;
            file.rewind()?;
            Ok((head, Input::Seekable(file)))
        }
        Input::Stream(mut stream) => {
            // What came before an error is worth reading; the error comes again behind it.
            let broken = match stream.by_ref().take(4096).read_to_end(&mut head) {
                Err(e) if head.is_empty() => return Err(e),
                read => Broken(read.err()),
            };
            let again = Cursor::new(head.clone()).chain(broken).chain(stream);
            Ok((head, Input::Stream(Box::new(again))))
        }
    }
}

/// Nothing, or once an error.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Opens a file for [`read`].
pub fn open(file: File, read: Rc<Cell<u64>>, is_regular: bool) -> Input<'static> {
    let file = Box::new(Counting { inner: file, position: 0, read });
    if is_regular { Input::Seekable(file) } else { Input::Stream(file) }
}
