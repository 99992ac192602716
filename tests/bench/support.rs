//! What the benches share.
#![allow(dead_code, reason = "each bench uses some of it")]
use std::path::PathBuf;
use sysmonsearch::{
    error::{Issue, Result},
    event::{Event, detection::Rule},
    ingest::{self, Options, Sink},
    pipeline::Watch,
    rules,
};

/// Keeps the events that are read.
#[derive(Default)]
pub struct Keep(pub Vec<Event>);

impl Sink for Keep {
    fn events(&mut self, mut events: Vec<Event>) -> Result<()> {
        self.0.append(&mut events);
        Ok(())
    }
    fn issue(&mut self, _: Issue) {}
    fn skipped(&mut self, _: &str) {}
    fn progress(&mut self, _: u64, _: Option<u64>) {}
}

pub struct Quiet;
impl Watch for Quiet {}

/// Folder of the real logs.
pub fn data() -> PathBuf {
    std::env::var_os("SYSMON_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from)
}

/// The real `json-nxlog-flat` logs.
pub fn files() -> Vec<PathBuf> {
    ingest::files(&[data().join("json-nxlog-flat")]).0
}

/// The events of files.
pub fn events_of(files: &[PathBuf]) -> Vec<Event> {
    let mut keep = Keep::default();
    for file in files {
        ingest::read_path(file, &Options::default(), &mut keep).unwrap();
    }
    assert!(!keep.0.is_empty(), "no real logs: set SYSMON_TEST_DATA");
    keep.0
}

/// Every published rule.
pub fn published_rules() -> Vec<Rule> {
    rules::load(&data().join("rules/sigma-rules-windows.tar.xz")).unwrap().rules
}

/// CPU seconds of the process so far, user and system.
pub fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, r)| r);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}
