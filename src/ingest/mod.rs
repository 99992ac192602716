//! Bytes in, events and issues out.
//!
//! [`files`] lists what is to be read, [`read_path`] reads one file, [`read_file`] an open one (an upload
//! spooled to disk). The format is told by content; archives and compression are looked through. What is
//! wrong with the input becomes an [`Issue`] with its position, and the rest is read on.
mod buffer;
pub mod bulk;
mod ecs;
mod evtx;
mod flat;
mod input;
mod json;
mod message;
mod names;
mod node;
mod normalise;
mod ordinals;
mod reading;
mod utf16;
mod xml;

use crate::{
    error::{Issue, Result},
    event::Event,
};
use std::{
    borrow::Cow,
    cell::Cell,
    fs::File,
    path::{Path, PathBuf},
    rc::Rc,
};

/// A record of more bytes than this is an issue, not an event. Windows' own limit is 64 KiB; a parsed
/// record may take thirty times its bytes in memory.
const MAX_RECORD: usize = 1 << 20;

/// What a reader hands out. Called from a blocking thread; a slow sink slows the reader (back-pressure).
pub trait Sink {
    /// Events in the order of the source, some hundreds at a time.
    ///
    /// # Errors
    /// Ends the reading.
    fn events(&mut self, events: Vec<Event>) -> Result<()>;
    /// Something wrong with one part; the rest goes on.
    fn issue(&mut self, issue: Issue);
    /// An event of another provider, not asked for.
    fn skipped(&mut self, provider: &str);
    /// Bytes of the source read so far, of all in all where known.
    fn progress(&mut self, read: u64, total: Option<u64>);
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Keep events of other providers too, raw.
    pub keep_other: bool,
}

/// Reads one file.
///
/// # Errors
/// The sink's, or no temporary space. A file that cannot be opened is an issue.
pub fn read_path(path: &Path, options: &Options, sink: &mut dyn Sink) -> Result<()> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_file(&name, file, options, sink),
        Err(e) => {
            sink.issue(reading::issue(&name, "file", format!("cannot be opened: {e}"), None));
            Ok(())
        }
    }
}

/// Reads an open file, called `name` in issues.
///
/// # Errors
/// As [`read_path`].
pub fn read_file(name: &str, file: File, options: &Options, sink: &mut dyn Sink) -> Result<()> {
    let meta = file.metadata();
    // A pipe has no size and cannot be gone back in.
    let is_regular = meta.as_ref().is_ok_and(std::fs::Metadata::is_file);
    let size = meta.map(|m| m.len()).unwrap_or_default();
    let read = Rc::new(Cell::new(0));
    let mut reading = reading::Reading::new(options, sink, read.clone(), is_regular.then_some(size));
    input::read(&mut reading, name, input::open(file, read, is_regular), &input::Budget::of(size), 0)
}

/// The event of one JSON document, such as winlogbeat stores it; `None` for an event of another provider.
///
/// # Errors
/// Why it is not an event.
pub fn document(json: &str) -> Result<Option<Event>, Cow<'static, str>> {
    let node = serde_json::from_str(json).map_err(|e| Cow::from(format!("bad JSON: {e}")))?;
    Ok(match normalise::Normaliser::default().json(&node)? {
        normalise::Record::Event(event) => Some(event),
        normalise::Record::Other(_) => None,
    })
}

/// All files at or below the paths, in the order given and by name within a folder. A path that cannot be
/// listed becomes an issue.
pub fn files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Issue>) {
    let (mut found, mut issues) = (Vec::new(), Vec::new());
    // Nearest first: a stack of what is still to be looked at.
    let mut todo: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    while let Some(path) = todo.pop() {
        let listed = std::fs::metadata(&path).and_then(|meta| {
            if !meta.is_dir() {
                return Ok(None);
            }
            let mut inner = std::fs::read_dir(&path)?
                .map(|entry| {
                    let entry = entry?;
                    let kind = entry.file_type()?;
                    // Reading a pipe or a device of a folder would wait for ever.
                    if !(kind.is_dir() || kind.is_file() || kind.is_symlink()) {
                        let name = entry.path().display().to_string();
                        issues.push(reading::issue(&name, "file", "neither a file nor a folder", None));
                        return Ok(None);
                    }
                    // Links inside a folder are not followed: they may lead round.
                    Ok((!kind.is_symlink()).then(|| entry.path()))
                })
                .filter_map(std::io::Result::transpose)
                .collect::<std::io::Result<Vec<_>>>()?;
            inner.sort();
            Ok(Some(inner))
        });
        match listed {
            Ok(None) => found.push(path),
            Ok(Some(inner)) => todo.extend(inner.into_iter().rev()),
            Err(e) => {
                issues.push(reading::issue(&path.display().to_string(), "file", format!("cannot be read: {e}"), None));
            }
        }
    }
    (found, issues)
}
