//! A log file of any format: EVTX, XML, JSON, packed or in archives. The format is told by content, so the seeds
//! decide which reader is met.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::io::{Seek as _, Write as _};
use sysmonsearch::{
    error::{Issue, Result},
    event::Event,
    ingest::{Options, Sink, read_file},
};

#[derive(Default)]
struct Told {
    events: Vec<Event>,
}

impl Sink for Told {
    fn events(&mut self, events: Vec<Event>) -> Result<()> {
        self.events.extend(events);
        Ok(())
    }
    fn issue(&mut self, issue: Issue) {
        assert!(!issue.reason.is_empty() && !issue.position.is_empty(), "an issue that says nothing");
    }
    fn skipped(&mut self, _provider: &str) {}
    fn progress(&mut self, read: u64, total: Option<u64>) {
        assert!(total.is_none_or(|t| read <= t), "more read than there is");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let read = || {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut told = Told::default();
        read_file("fuzzed", file, &Options { keep_other: true }, &mut told).unwrap();
        told.events
    };
    let (first, again) = (read(), read());
    assert!(first.iter().map(|e| e.id).eq(again.iter().map(|e| e.id)), "the same bytes are the same events");
});
