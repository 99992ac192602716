//! What is on the disk: survives a kill, refuses what it does not know.
use super::{dump, open, put, started};
use crate::support::at;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use sysmonsearch::{
    error::Code,
    event::{Event, Fence, Scope},
    graph::{GraphStore, embedded::Sqlite, project::project},
};

const FOLDER: &str = "SYSMONSEARCH_TEST_GRAPH";
const PER_BATCH: u32 = 20;

/// The `n`-th batch: each grows a chain of processes.
fn batch(n: u64) -> Vec<Event> {
    let first = n as u32 * PER_BATCH;
    (first..first + PER_BATCH).map(|i| started("h1", i64::from(i), i + 1, i)).collect()
}

/// Writes until it is killed.
#[tokio::test]
#[ignore = "run by survives_a_kill in a process of its own"]
async fn writes_for_ever() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let store = open(&dir);
    for n in 0.. {
        store.upsert(project(&batch(n)), &at(n + 1), Fence::default()).await.unwrap();
    }
}

#[tokio::test]
async fn survives_a_kill() {
    for _ in 0..2 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "graph::durable::writes_for_ever", "--ignored"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !dir.path().join("graph.db-wal").exists() && start.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(dir.path());
        let upto = store.checkpoint().await.unwrap().entries();
        assert!(upto > 0, "nothing was written before the kill");
        let expected = tempfile::tempdir().unwrap();
        let other = open(expected.path());
        for n in 0..upto {
            put(&*other, &batch(n)).await;
        }
        let (a, b) = (dump(&store, &Scope::All).await, dump(&other, &Scope::All).await);
        assert!(a == b, "after the kill: exactly the batches up to the checkpoint {upto}");
    }
}

#[tokio::test]
async fn opens_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.upsert(project(&batch(3)), &at(7), Fence::default()).await.unwrap();
    let before = dump(&store, &Scope::All).await;
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.checkpoint().await.unwrap(), at(7));
    assert_eq!(dump(&store, &Scope::All).await, before);
}

fn refused(path: &Path) -> sysmonsearch::error::Error {
    Sqlite::open(path).err().expect("refused")
}

#[tokio::test]
async fn refuses_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = dir.path().join("graph.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let e = refused(&path);
    assert_eq!(e.code, Code::Conflict);
    assert!(e.message.contains("version 99") && e.message.contains("rebuild"), "{e}");

    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    assert_eq!(refused(&other).code, Code::Conflict);

    let rubbish = dir.path().join("rubbish.db");
    std::fs::write(&rubbish, "this is no database, but long enough to look like one. ".repeat(100)).unwrap();
    assert!(refused(&rubbish).message.contains("cannot be opened"));
}

/// Reads go on while batches are written, each over one state of the graph.
#[tokio::test(flavor = "multi_thread")]
async fn readers_and_the_writer_do_not_wait_for_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..30 {
                store.upsert(project(&batch(n)), &at(n + 1), Fence::default()).await.unwrap();
            }
        })
    };
    let reads = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let all = store.tree(&Scope::All, "h1", Default::default(), None, 10_000).await.unwrap();
            assert_eq!(all.total, all.processes.len() as u64);
        })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
    writing.await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), at(30));
}
