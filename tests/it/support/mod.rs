//! Shared by the tests: where the real logs are, and the events in them.
#![allow(dead_code, reason = "each room uses some of it")]
pub mod cluster;
pub mod engines;

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};
use sysmonsearch::{
    error::{Issue, Result},
    event::{Event, Position},
    ingest::{Options, Sink, files, read_path},
};

/// Folder of the real logs: `SYSMON_TEST_DATA`, by default `../shared/data`. `None` (and a visible note) where it is absent.
pub fn data() -> Option<PathBuf> {
    let dir = std::env::var_os("SYSMON_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    if dir.join("manifest.csv").is_file() {
        return Some(dir);
    }
    assert!(std::env::var_os("CI").is_none(), "the real logs are missing: set SYSMON_TEST_DATA");
    eprintln!("SKIPPED: no real logs at {}; set SYSMON_TEST_DATA", dir.display());
    None
}

/// The position behind `n` events of a log with one part.
pub fn at(n: u64) -> Position {
    Position::at("log", n)
}

/// Everything a reader hands out.
#[derive(Debug, Default)]
pub struct Collected {
    pub events: Vec<Event>,
    pub issues: Vec<Issue>,
    pub skipped: Vec<String>,
}

impl Sink for Collected {
    fn events(&mut self, events: Vec<Event>) -> Result<()> {
        self.events.extend(events);
        Ok(())
    }
    fn issue(&mut self, issue: Issue) {
        self.issues.push(issue);
    }
    fn skipped(&mut self, provider: &str) {
        self.skipped.push(provider.into());
    }
    fn progress(&mut self, _read: u64, _total: Option<u64>) {}
}

/// Reads one file with default options.
pub fn read(path: &Path) -> Collected {
    let mut all = Collected::default();
    read_path(path, &Options::default(), &mut all).unwrap();
    all
}

/// Sysmon events of one file below [`data`]. `None` where the real logs are absent.
pub fn file_events(path: &str) -> Option<Vec<Event>> {
    let all = read(&data()?.join(path));
    assert!(all.issues.is_empty(), "{path}: {:?}", all.issues);
    Some(all.events)
}

/// Every `every`-th Sysmon event of the real logs (without the copies in other layouts): 1 gives all
/// 326,000, 100 a quick sample of every kind. Read once per process. `None` where the real logs are absent.
pub fn real_events(every: usize) -> Option<Vec<Event>> {
    static ALL: OnceLock<Option<Vec<Event>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let data = data()?;
        let folders = ["evtx", "json-event-data-array", "json-nxlog-flat", "json-winlogbeat6", "sigma-regression"];
        let folders: Vec<PathBuf> = folders.iter().map(|f| data.join(f)).collect();
        let logs = files(&folders).0.into_iter().filter(|f| !f.to_string_lossy().ends_with(".yml"));
        let regression = |f: &PathBuf| !(f.starts_with(&folders[4]) && f.extension().is_some_and(|e| e == "json"));
        Some(logs.filter(regression).flat_map(|f| read(&f).events).collect())
    });
    Some(all.as_ref()?.iter().step_by(every.max(1)).cloned().collect())
}

/// CPU time of this thread.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}
