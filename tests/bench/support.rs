//! What the benches share.
use std::path::PathBuf;
use sysmonsearch::{
    error::{Issue, Result},
    event::Event,
    ingest::{Options, Sink, files, read_path},
};

#[derive(Default)]
struct Collect(Vec<Event>);

impl Sink for Collect {
    fn events(&mut self, events: Vec<Event>) -> Result<()> {
        self.0.extend(events);
        Ok(())
    }
    fn issue(&mut self, _: Issue) {}
    fn skipped(&mut self, _: &str) {}
    fn progress(&mut self, _: u64, _: Option<u64>) {}
}

/// The events of the real `json-nxlog-flat` logs.
pub fn real_events() -> Vec<Event> {
    let data = std::env::var_os("SYSMON_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let mut all = Collect::default();
    for file in files(&[data.join("json-nxlog-flat")]).0 {
        read_path(&file, &Options::default(), &mut all).unwrap();
    }
    assert!(!all.0.is_empty(), "no real logs: set SYSMON_TEST_DATA");
    all.0
}
