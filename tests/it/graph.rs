//! The graph: what each event code makes, and that the store keeps its promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod codes;
mod conformance;
mod durable;
mod neo4j;
pub mod order;
mod real;
mod walks;

use crate::support::at;
use std::{
    path::Path,
    sync::{Arc, Mutex},
};
use sysmonsearch::{
    event::{Event, EventBuilder, Fence, Ordinals, SYSMON_CHANNEL, SYSMON_PROVIDER, Scope, Time},
    graph::{GraphStore, embedded::Sqlite, project::project},
};

/// Every record is the first of its kind: the events of these tests differ.
struct First;
impl Ordinals for First {
    fn next(&mut self, _: u128) -> u64 {
        0
    }
}

/// 2024-01-01T00:00:00Z
const START: i64 = 1_704_067_200_000;

/// An event of `host`, so many seconds after [`START`].
fn event(code: u32, host: &str, seconds: i64, data: &[(&str, &str)]) -> Event {
    let mut b = EventBuilder::default();
    b.code = code;
    b.system.provider = SYSMON_PROVIDER.into();
    b.system.channel = SYSMON_CHANNEL.into();
    b.system.computer = host.into();
    b.data("UtcTime", &Time(START + seconds * 1000).sysmon());
    for (name, value) in data {
        b.data(name, value);
    }
    b.finish(&mut First)
}

fn guid(n: u32) -> String {
    format!("{{aaaaaaaa-0000-0000-0000-{n:012x}}}")
}

/// Process `n` of `host`, started by process `parent`.
fn started(host: &str, seconds: i64, n: u32, parent: u32) -> Event {
    let (own, up) = (guid(n), guid(parent));
    let image = format!(r"C:\bin\p{n}.exe");
    let parent_image = format!(r"C:\bin\p{parent}.exe");
    let pid = n.to_string();
    event(
        1,
        host,
        seconds,
        &[
            ("ProcessGuid", &own),
            ("ProcessId", &pid),
            ("Image", &image),
            ("ParentProcessGuid", &up),
            ("ParentImage", &parent_image),
            ("User", r"CORP\anna"),
        ],
    )
}

fn open(dir: &Path) -> Arc<Sqlite> {
    Sqlite::open(&dir.join("graph.db")).unwrap()
}

async fn put<'a>(store: &dyn GraphStore, events: impl IntoIterator<Item = &'a Event>) {
    store.upsert(project(events), &at(1), Fence::default()).await.unwrap();
}

async fn dump(store: &Sqlite, scope: &Scope) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    store.dump(scope, move |l| into.lock().unwrap().push(l)).await.unwrap();
    std::mem::take(&mut *lines.lock().unwrap())
}
