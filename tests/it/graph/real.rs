//! The graph of the real logs.
use super::{dump, event, open, put};
use crate::support::{self, at};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::Instant,
};
use sysmonsearch::{
    event::{Event, Fence, Field, Period, Scope},
    graph::{GraphStore, NeighbourFilter, NodeId, project::project},
};

async fn graph_of(events: &[Event]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for batch in events.chunks(1000) {
        put(&*store, batch).await;
    }
    dump(&store, &Scope::All).await
}

/// Files below a folder, by name without ending.
fn by_name(dir: &Path, all: &mut BTreeMap<String, PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            by_name(&path, all);
        } else {
            all.insert(path.file_stem().unwrap().to_string_lossy().into_owned(), path);
        }
    }
}

#[tokio::test]
async fn the_same_events_in_three_layouts_give_the_same_graph() {
    let Some(data) = support::data() else { return };
    let mut evtx = BTreeMap::new();
    by_name(&data.join("evtx"), &mut evtx);
    let mut compared = 0;
    for layout in ["xml", "json-winlogbeat7"] {
        let mut copies = BTreeMap::new();
        by_name(&data.join(layout), &mut copies);
        for (name, copy) in copies {
            let original = support::read(&evtx[&name]).events;
            let copied = support::read(&copy).events;
            assert_eq!(original.len(), copied.len(), "{layout} {name}");
            assert!(graph_of(&original).await == graph_of(&copied).await, "{layout} {name}");
            compared += 1;
        }
    }
    assert!(compared >= 25, "{compared}");
}

/// Tree and lineage of a real log, against what its events say of parents.
#[tokio::test]
async fn trees_of_a_real_log() {
    let name = "evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx";
    let Some(events) = support::file_events(name) else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&*store, &events).await;
    let mut parents: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut known: HashSet<NodeId> = HashSet::new();
    for e in &events {
        let fields = [Field::ProcessGuid, Field::ParentProcessGuid, Field::SourceProcessGuid, Field::TargetProcessGuid];
        known.extend(fields.iter().filter_map(|f| e.get(*f)).map(NodeId::process));
        if let (1, Some(own), Some(parent)) = (e.code, e.get(Field::ProcessGuid), e.get(Field::ParentProcessGuid)) {
            parents.insert(NodeId::process(own), NodeId::process(parent));
        }
    }
    assert!(parents.len() > 500);
    let host = events[0].host();
    let tree = store.tree(&Scope::All, &host, Period::default(), None, 10_000).await.unwrap();
    assert_eq!((tree.total, tree.processes.len()), (known.len() as u64, known.len()));
    let mut children: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut above = HashSet::new();
    for p in &tree.processes {
        assert_eq!(p.parent, parents.get(&p.node.id).copied());
        assert_eq!(p.node.inferred, !parents.contains_key(&p.node.id), "{}", p.node.label);
        assert!(p.parent.is_none_or(|parent| above.contains(&parent)));
        above.insert(p.node.id);
        *children.entry(p.node.id).or_default() += 0;
        if let Some(parent) = p.parent {
            *children.entry(parent).or_default() += 1;
        }
    }
    let (busiest, count) = children.iter().max_by_key(|c| c.1).unwrap();
    let lineage = store.lineage(&Scope::All, *busiest, 10_000).await.unwrap();
    assert_eq!(lineage.descendants.iter().filter(|d| d.parent == Some(*busiest)).count(), *count);
    let mut up = *busiest;
    for ancestor in &lineage.ancestors[1..] {
        assert_eq!(ancestor.node.id, parents[&up]);
        up = ancestor.node.id;
    }
    let few = store.lineage(&Scope::All, *busiest, 3).await.unwrap();
    assert_eq!((few.descendants.len(), few.descendants_left_out as usize), (3, lineage.descendants.len() - 3));
}

/// Seconds of CPU that the threads of this name have used (Linux); 0 elsewhere.
fn cpu(thread: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let read = |t: &std::fs::DirEntry, name: &str| std::fs::read_to_string(t.path().join(name)).unwrap_or_default();
    let used = |t: &std::fs::DirEntry| read(t, "schedstat").split(' ').next().and_then(|n| n.parse::<f64>().ok());
    tasks.filter(|t| read(t, "comm").trim() == thread).filter_map(|t| used(&t)).sum::<f64>() / 1e9
}

/// CPU of both halves, on all real events.
#[test]
#[ignore = "measures; run it optimised and with --nocapture"]
fn speed() {
    let Some(events) = support::real_events(1) else { return };
    let run = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for repeat in 0..2 {
        let (mut projecting, before, start) = (0.0, cpu("graph-writer"), Instant::now());
        for (i, chunk) in events.chunks(4000).enumerate() {
            let own = cpu_of_this_thread();
            let batch = project(chunk);
            projecting += cpu_of_this_thread() - own;
            run.block_on(store.upsert(batch, &at(i as u64), Fence::default())).unwrap();
        }
        let n = events.len() as f64;
        println!(
            "pass {repeat}: {n} events, per CPU second: project {:.0}, upsert {:.0}; wall {:.1} s",
            n / projecting,
            n / (cpu("graph-writer") - before),
            start.elapsed().as_secs_f64()
        );
    }
    let counts = run.block_on(store.counts()).unwrap();
    println!(
        "{} nodes, {} edges, {} bytes, {counts:?}",
        counts.nodes.iter().map(|c| c.1).sum::<u64>(),
        counts.edges.iter().map(|c| c.1).sum::<u64>(),
        std::fs::metadata(dir.path().join("graph.db")).unwrap().len()
    );
}

fn cpu_of_this_thread() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// Time to open a node with 50,000 neighbours.
#[tokio::test]
#[ignore = "measures; run it with --nocapture"]
async fn hub() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let connection = |i: i64| {
        let own = super::guid(i as u32);
        let to = [("ProcessGuid", own.as_str()), ("Initiated", "true"), ("DestinationIp", "9.9.9.9")];
        event(3, "h1", i % 5000, &to)
    };
    for from in (0..50_000).step_by(5000) {
        let batch: Vec<Event> = (from..from + 5000).map(connection).collect();
        put(&*store, &batch).await;
    }
    let id = NodeId::ip("9.9.9.9").unwrap();
    let filter = NeighbourFilter::default();
    let mut after = None;
    for _ in 0..3 {
        let start = Instant::now();
        store.degrees(&Scope::All, &[id], Period::default()).await.unwrap();
        let degrees = start.elapsed();
        let page = store.neighbours(&Scope::All, id, &filter, after.as_deref(), 100).await.unwrap();
        println!("degrees {degrees:?}, a page of 100 of {} {:?}", page.total, start.elapsed() - degrees);
        after = page.next;
    }
}
