//! Files inside of an archive, told by its content: tar (plain, xz, gzip, zstd) and zip.
use crate::error::{Code, Error, Result};
use lzma_rust2::XzReader;
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek},
};

/// Bytes of one rule file.
pub const MAX_FILE: u64 = 4 << 20;
/// Bytes of all files of an archive, unpacked.
const MAX_UNPACKED: u64 = 256 << 20;
/// Memory of the xz decoder, by far enough for the highest level of compression.
const MAX_XZ_KIB: u32 = 256 << 10;

/// Takes a file of an archive, or ends the reading.
pub type Each<'a> = dyn FnMut(&str, Option<Vec<u8>>) -> Result<()> + 'a;

/// What a file holds.
pub enum Content {
    /// Not packed, or a single packed file.
    Plain(Vec<u8>),
    Archive,
}

/// Calls `each` with the name and the content of every file; the content is `None` where it is too large.
/// A file that is no archive is handed back; of a larger one than [`MAX_FILE`] no more than its beginning.
pub fn unpack(file: File, each: &mut Each<'_>) -> Result<Content> {
    let mut file = BufReader::new(file);
    let mut head = Vec::new();
    file.by_ref().take(512).read_to_end(&mut head)?;
    file.rewind()?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        zip(file, each)?;
        return Ok(Content::Archive);
    }
    let mut stream: Box<dyn Read> = match head.get(..6) {
        Some([0xFD, b'7', b'z', b'X', b'Z', 0]) => Box::new(XzReader::new_mem_limit(file, true, MAX_XZ_KIB)),
        Some([0x1F, 0x8B, ..]) => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Some([0x28, 0xB5, 0x2F, 0xFD, ..]) => Box::new(zstd::Decoder::with_buffer(file)?),
        _ => Box::new(file),
    };
    head.clear();
    stream.by_ref().take(512).read_to_end(&mut head).map_err(damaged)?;
    let packed = is_tar(&head);
    let stream = Cursor::new(head).chain(stream);
    if packed {
        tar(stream, each)?;
        return Ok(Content::Archive);
    }
    let mut plain = Vec::new();
    stream.take(MAX_FILE + 1).read_to_end(&mut plain).map_err(damaged)?;
    Ok(Content::Plain(plain))
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

fn damaged(e: io::Error) -> Error {
    Error::bad_input(format!("the archive is damaged: {e}"))
}

fn too_large() -> Error {
    Error::new(Code::TooLarge, format!("the archive holds more than {} MiB", MAX_UNPACKED >> 20))
}

fn tar(stream: impl Read, each: &mut Each<'_>) -> Result<()> {
    let mut limited = BufReader::new(stream.take(MAX_UNPACKED));
    let read = members(&mut limited, each);
    // Whatever stopped the reading, nothing may be left out silently.
    if limited.get_ref().limit() == 0 { Err(too_large()) } else { read }
}

fn members(stream: &mut impl Read, each: &mut Each<'_>) -> Result<()> {
    for entry in tar::Archive::new(stream).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let content = read_capped(&mut entry, MAX_FILE).map_err(damaged)?;
        each(&name, content)?;
    }
    Ok(())
}

fn zip(file: impl Read + Seek, each: &mut Each<'_>) -> Result<()> {
    let broken = |e: zip::result::ZipError| Error::bad_input(format!("the archive is damaged: {e}"));
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    let mut left = MAX_UNPACKED;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(broken)?;
        if !entry.is_file() {
            continue;
        }
        let name = entry.name().map_err(broken)?.into_owned();
        let content = read_capped(&mut entry, MAX_FILE).map_err(damaged)?;
        let size = content.as_ref().map_or(MAX_FILE, |c| c.len() as u64);
        left = left.checked_sub(size).ok_or_else(too_large)?;
        each(&name, content)?;
    }
    Ok(())
}

fn read_capped(from: &mut impl Read, cap: u64) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    from.take(cap + 1).read_to_end(&mut content)?;
    Ok((content.len() as u64 <= cap).then_some(content))
}
