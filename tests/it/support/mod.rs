//! Shared by the tests: where the real logs are, and the events in them.
use std::path::PathBuf;

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
