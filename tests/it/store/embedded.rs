//! What is particular to the embedded engine: files, crashes, two processes.
use super::{conformance::all, sample};
use std::{path::Path, sync::Arc};
use sysmonsearch::{
    error::Code,
    event::Scope,
    store::{
        EventStore,
        embedded::{Settings, Tantivy},
    },
};

/// With a small heap, so that segments and merges happen in tests.
pub fn open(dir: &Path) -> Arc<Tantivy> {
    Tantivy::open(dir, Settings { index_heap: 15 << 20, recent_bytes: 100_000, ..Settings::default() }).unwrap()
}

#[tokio::test]
async fn events_are_there_after_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let events = sample::events(10, 900);
    for (i, part) in events.chunks(300).enumerate() {
        let store = open(dir.path());
        assert_eq!(store.head().await.unwrap(), 300 * i as u64);
        store.refresh().await.unwrap();
        assert_eq!(store.count(&Scope::All, &all()).await.unwrap(), 300 * i as u64);
        store.append(part.to_vec()).await.unwrap();
        assert_eq!(store.append(events[..300].to_vec()).await.unwrap().duplicates, 300);
    }
}

#[tokio::test]
async fn a_damaged_or_missing_index_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let events = sample::events(11, 500);
    open(dir.path()).append(events.clone()).await.unwrap();
    let index = dir.path().join("index");
    let damages: [&dyn Fn(); 4] = [
        &|| std::fs::remove_dir_all(&index).unwrap(),
        &|| std::fs::write(index.join("meta.json"), "{").unwrap(),
        &|| {
            for file in std::fs::read_dir(&index).unwrap().flatten() {
                if file.path().extension().is_some_and(|e| e == "term" || e == "idx") {
                    std::fs::write(file.path(), "gone").unwrap();
                }
            }
        },
        &|| {
            for file in std::fs::read_dir(&index).unwrap().flatten() {
                if file.path().extension().is_some_and(|e| e == "fast") {
                    std::fs::remove_file(file.path()).unwrap();
                }
            }
        },
    ];
    for damage in damages {
        damage();
        let store = open(dir.path());
        store.refresh().await.unwrap();
        assert_eq!(store.count(&Scope::All, &all()).await.unwrap(), 500);
        assert_eq!(
            store.summary(&Scope::All, &all(), sysmonsearch::store::Interval::Buckets(5)).await.unwrap().total,
            500
        );
    }
}

#[tokio::test]
async fn a_second_opener_and_a_newer_format_are_clear_errors() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let second = Tantivy::open(dir.path(), Settings::default()).err().unwrap();
    assert_eq!(second.code, Code::Conflict);
    assert!(second.message.contains("another process"), "{second}");
    drop(store);
    let db = rusqlite::Connection::open(dir.path().join("events.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let newer = Tantivy::open(dir.path(), Settings::default()).err().unwrap();
    assert_eq!(newer.code, Code::Conflict);
    assert!(newer.message.contains("format 99"), "{newer}");
}
