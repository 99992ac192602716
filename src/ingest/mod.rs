//! Bytes in, events and issues out.
use crate::{error::{Issue, Result}, event::Event};
use std::path::{Path, PathBuf};

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
