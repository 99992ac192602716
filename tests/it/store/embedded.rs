//! What is particular to the embedded engine: files, crashes, two processes.
use super::{
    conformance::{all, comparison, pages},
    naive, sample,
};
use crate::support::at;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use sysmonsearch::{
    error::Code,
    event::{Condition, Event, Field, Period, Scope, condition::Operator},
    store::{
        EventStore, Order, Query, TermOrder,
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
        assert_eq!(store.head().await.unwrap(), at(300 * i as u64));
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

/// The other process of the next test: appends until it is killed, and says after each answer how far it came.
#[tokio::test]
#[ignore = "run by the test below in a process of its own"]
async fn append_until_killed() {
    let Some(dir) = std::env::var_os("STORE_CRASH_DIR") else { return };
    let store = open(Path::new(&dir));
    for part in sample::events(12, CRASH_EVENTS).chunks(90) {
        let head = store.append(part.to_vec()).await.unwrap().head.entries();
        println!("\nacknowledged {head}");
    }
    std::future::pending::<()>().await;
}

const CRASH_EVENTS: usize = 4_000;

#[tokio::test]
async fn what_was_acknowledged_survives_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let events = sample::events(12, CRASH_EVENTS);
    for answers in [1, 3, 8, 15, 30] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["store::embedded::append_until_killed", "--exact", "--ignored", "--nocapture"])
            .env("STORE_CRASH_DIR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let heads = lines.filter_map(|l| l.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        let acknowledged = heads.take(answers).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(dir.path());
        let head = store.head().await.unwrap().entries();
        assert!(head >= acknowledged && acknowledged > 0, "{head} of {acknowledged}");
        let read = store.read(&at(0), CRASH_EVENTS).await.unwrap();
        assert!(read.events.len() as u64 == head && read.next == at(head) && !read.more);
        assert!(read.events.iter().zip(&events).all(|(read, event)| **read == *event));
        store.refresh().await.unwrap();
        assert_eq!(pages(&*store, &Scope::All, &all(), Order::OldestFirst, 500).await.len() as u64, head);
        let again = store.append(events[..head as usize].to_vec()).await.unwrap();
        assert_eq!((again.stored, again.head), (0, at(head)));
    }
}

#[tokio::test]
async fn values_too_long_for_a_term_are_found_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let events = sample::events(13, 2_000);
    let long = |e: &&Event| e.get(Field::CommandLine).is_some_and(|c| c.len() > 32_768);
    assert!(events.iter().filter(long).count() > 5);
    store.append(events.clone()).await.unwrap();
    store.refresh().await.unwrap();
    let x = "x".repeat(33_000);
    for condition in [
        comparison("CommandLine", Operator::StartsWith, &[&x]),
        comparison("CommandLine", Operator::EndsWith, &["xLONG1", "xlong2"]),
        comparison("CommandLine", Operator::Regex, &["x+long[12]$"]),
        Condition::Not(Box::new(comparison("CommandLine", Operator::Exists, &[]))),
        comparison("data.Blob", Operator::Contains, &["yyYY"]),
        comparison("data.Blob", Operator::Equals, &[&"y".repeat(70_000)]),
        comparison("data.Blob", Operator::Exists, &[]),
        comparison("data.Brand", Operator::StartsWith, &["new"]),
    ] {
        let query = Query { condition, period: Period::default() };
        let expected = naive::matching(&events, &Scope::All, &query);
        assert!(!expected.is_empty());
        assert_eq!(store.count(&Scope::All, &query).await.unwrap(), expected.len() as u64);
        for order in [TermOrder::Top, TermOrder::Rare] {
            let terms = store.terms(&Scope::All, &query, Field::CommandLine, order, 2_000).await.unwrap();
            assert!(terms == naive::terms(&expected, Field::CommandLine, order, 2_000));
        }
    }
}
