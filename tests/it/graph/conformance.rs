//! What every graph store promises, told through the trait only.
use super::{
    START, event, guid,
    neo4j::fresh,
    open, put, started,
    walks::{grouped, links_around, paths_in_time, several_at_once, spawned_times},
};
use crate::support::at as log_at;
use std::collections::{BTreeSet, HashSet};
use sysmonsearch::{
    error::Code,
    event::{Event, Fence, Period, Scope, Time},
    graph::{Counts, Degree, Direction, EdgeType, GraphStore, NeighbourFilter, NodeId, NodeKind, project::project},
};

/// Runs each part of the suite on a fresh store, and keeps beside it what it lives in.
macro_rules! each_part {
    ($fresh:expr) => {
        each_part! { $fresh;
            nodes degrees_and_periods neighbours_filtered shared_edges cursors hubs
            tree_of_a_host tree_is_connected lineage_up_and_down circles counts_checkpoint_clear
            spawned_times several_at_once links_around paths_in_time grouped
        }
    };
    ($fresh:expr; $($part:ident)*) => {$({
        let (store, _kept) = $fresh;
        $part(&*store).await;
    })*};
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded() {
    each_part!({
        let dir = tempfile::tempdir().unwrap();
        (open(dir.path()), dir)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn on_neo4j() {
    each_part!({
        let Some(fresh) = fresh().await else { return };
        fresh
    });
}

pub fn at(seconds: i64) -> Time {
    Time(START + seconds * 1000)
}

pub fn period(from: i64, to: i64) -> Period {
    Period { from: Some(at(from)), to: Some(at(to)) }
}

pub fn process(n: u32) -> NodeId {
    NodeId::process(&guid(n))
}

/// Process `n` of `host` asks for a name, and gets an address.
pub fn queried(host: &str, seconds: i64, n: u32, name: &str, ip: &str) -> Event {
    event(22, host, seconds, &[("ProcessGuid", &guid(n)), ("QueryName", name), ("QueryResults", ip)])
}

async fn nodes(store: &dyn GraphStore) {
    put(store, &[event(5, "h1", 9, &[("ProcessGuid", &guid(1)), ("Image", r"C:\bin\P1.exe")])]).await;
    let find = async |scope: Scope, ids: &[NodeId]| store.nodes(&scope, ids).await.unwrap();
    let one = find(Scope::All, &[process(1)]).await.remove(0).unwrap();
    assert!(one.inferred, "its start is not known yet");
    put(store, &[started("h1", 1, 1, 2), started("h2", 5, 3, 4)]).await;
    let user = NodeId::user(r"corp\ANNA");
    let found = find(Scope::All, &[process(9), process(1), user, process(2)]).await;
    assert!(found[0].is_none());
    let one = found[1].as_ref().unwrap();
    assert_eq!((one.label.as_str(), one.host.as_deref(), one.inferred), ("P1.exe (1)", Some("h1"), false));
    assert_eq!((one.seen.first, one.seen.last), (at(1), at(9)));
    assert_eq!(one.properties["image"], r"C:\bin\P1.exe", "the latest writing");
    let anna = found[2].as_ref().unwrap();
    assert_eq!((anna.label.as_str(), anna.host.as_deref()), (r"CORP\anna", None));
    assert_eq!((anna.seen.first, anna.seen.last), (at(1), at(5)));
    assert!(found[3].as_ref().unwrap().inferred, "a parent is known by reference");
    let seen = find(Scope::hosts(["H2."]), &[process(1), process(3), user]).await;
    assert!(seen[0].is_none() && seen[1].is_some());
    assert_eq!(seen[2].as_ref().unwrap().seen.first, at(5), "times of the hosts in scope only");
    assert!(find(Scope::hosts(["h3"]), &[process(1), user]).await.iter().all(Option::is_none));
    assert!(find(Scope::hosts([""; 0]), &[user]).await[0].is_none());
    assert!(find(Scope::All, &[]).await.is_empty());
}

async fn degrees_and_periods(store: &dyn GraphStore) {
    put(
        store,
        &[
            started("h1", 0, 1, 2),
            queried("h1", 10, 1, "a.example", "1.1.1.1"),
            queried("h1", 20, 1, "a.example", "1.1.1.2"),
            queried("h1", 30, 1, "b.example", "1.1.1.1"),
            queried("h2", 40, 5, "a.example", "1.1.1.1"),
        ],
    )
    .await;
    let a = NodeId::domain("a.example").unwrap();
    let ask = async |scope: Scope, id: NodeId, p: Period| store.degrees(&scope, &[id], p).await.unwrap().remove(0);
    let d = |edge, direction, total, in_period| Degree { edge, direction, total, in_period };
    use Direction::{In, Out};
    use EdgeType::{Executed, On, Queried, RanAs, ResolvedTo, Spawned};
    assert_eq!(
        ask(Scope::All, process(1), period(15, 25)).await,
        [d(Spawned, In, 1, 0), d(Executed, Out, 1, 0), d(RanAs, Out, 1, 0), d(On, Out, 1, 0), d(Queried, Out, 2, 1)]
    );
    assert_eq!(ask(Scope::All, a, Period::default()).await, [d(Queried, In, 2, 2), d(ResolvedTo, Out, 2, 2)]);
    // The end of a period is outside of it.
    assert_eq!(ask(Scope::All, a, period(0, 10)).await, [d(Queried, In, 2, 0), d(ResolvedTo, Out, 2, 0)]);
    assert_eq!(ask(Scope::All, a, period(40, 41)).await, [d(Queried, In, 2, 1), d(ResolvedTo, Out, 2, 1)]);
    assert_eq!(ask(Scope::hosts(["h2"]), a, period(0, 35)).await, [d(Queried, In, 1, 0), d(ResolvedTo, Out, 1, 0)]);
    assert_eq!(
        ask(Scope::hosts(["h1", "h2"]), a, period(0, 35)).await,
        [d(Queried, In, 2, 1), d(ResolvedTo, Out, 2, 2)]
    );
    assert!(ask(Scope::hosts(["h3"]), a, Period::default()).await.is_empty());
    assert!(ask(Scope::hosts(["h2"]), process(1), Period::default()).await.is_empty());
    assert!(ask(Scope::All, process(99), Period::default()).await.is_empty());
}

/// All pages: label and direction of each neighbour, and the total that each page told.
async fn pages(
    store: &dyn GraphStore,
    scope: &Scope,
    id: NodeId,
    filter: &NeighbourFilter,
    first: usize,
) -> (Vec<(String, Direction, EdgeType, Time)>, BTreeSet<u64>) {
    let (mut all, mut totals, mut after) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let page = store.neighbours(scope, id, filter, after.as_deref(), first).await.unwrap();
        assert!(page.items.len() <= first);
        totals.insert(page.total);
        for n in page.items {
            let ends = if n.direction == Direction::Out { (id, n.node.id) } else { (n.node.id, id) };
            assert_eq!((n.edge.from, n.edge.to), ends);
            all.push((n.node.label, n.direction, n.edge.edge, n.edge.seen.last));
        }
        after = page.next;
        if after.is_none() {
            return (all, totals);
        }
    }
}

async fn neighbours_filtered(store: &dyn GraphStore) {
    let mut events = vec![started("h1", 0, 1, 2), event(25, "h1", 50, &[("ProcessGuid", &guid(1))])];
    for i in 0..5 {
        events.push(queried("h1", 10 + i, 1, &format!("d{i}.example"), "-"));
    }
    put(store, &events).await;
    let labels = async |filter: NeighbourFilter, first: usize| {
        let (all, totals) = pages(store, &Scope::All, process(1), &filter, first).await;
        assert_eq!(totals, BTreeSet::from([all.len() as u64]), "exact on every page");
        assert!(all.is_sorted_by_key(|n| std::cmp::Reverse(n.3)), "the last seen first");
        all.into_iter().map(|n| n.0).collect::<Vec<_>>()
    };
    let of = |edges: &[EdgeType], direction| NeighbourFilter { edges: edges.to_vec(), direction, ..Default::default() };
    let all = labels(of(&[], None), 100).await;
    assert_eq!(all.len(), 4 + 5 + 2, "a tampered process is its own neighbour in both directions");
    for first in 1..5 {
        assert_eq!(labels(of(&[], None), first).await, all);
    }
    assert_eq!(
        labels(of(&[EdgeType::Queried], None), 2).await,
        ["d4.example", "d3.example", "d2.example", "d1.example", "d0.example"]
    );
    assert_eq!(labels(of(&[EdgeType::Spawned, EdgeType::On], None), 1).await.len(), 2);
    assert_eq!(labels(of(&[EdgeType::Spawned], Some(Direction::Out)), 9).await.len(), 0);
    assert_eq!(labels(of(&[EdgeType::Spawned], Some(Direction::In)), 9).await, ["p2.exe"]);
    let some = NeighbourFilter { period: period(11, 13), ..of(&[EdgeType::Queried], Some(Direction::Out)) };
    assert_eq!(labels(some, 1).await, ["d2.example", "d1.example"]);
    let (none, _) = pages(store, &Scope::hosts(["h2"]), process(1), &of(&[], None), 9).await;
    assert!(none.is_empty());
    let (nobody, _) = pages(store, &Scope::All, process(77), &of(&[], None), 9).await;
    assert!(nobody.is_empty());
}

/// Edges between nodes that join hosts are one edge, with the times of the hosts in scope.
async fn shared_edges(store: &dyn GraphStore) {
    for (host, seconds, n) in [("h1", 10, 1), ("h2", 20, 2), ("h3", 30, 3), ("h1", 40, 1)] {
        put(store, &[queried(host, seconds, n, "a.example", "1.1.1.1")]).await;
    }
    let a = NodeId::domain("a.example").unwrap();
    for (hosts, period, expected) in [
        (None, Period::default(), Some((10, 40))),
        (Some(&["h1"][..]), Period::default(), Some((10, 40))),
        (Some(&["h2"]), Period::default(), Some((20, 20))),
        (Some(&["h2", "h3"]), Period::default(), Some((20, 30))),
        (Some(&["h2", "h3"]), period(24, 26), Some((20, 30))),
        (Some(&["h2", "h3"]), period(31, 99), None),
        (Some(&["h4"]), Period::default(), None),
    ] {
        let scope = hosts.map_or(Scope::All, Scope::hosts);
        let filter = NeighbourFilter { edges: vec![EdgeType::ResolvedTo], period, ..Default::default() };
        let page = store.neighbours(&scope, a, &filter, None, 10).await.unwrap();
        let seen: Vec<_> = page.items.iter().map(|n| (n.edge.seen.first, n.edge.seen.last)).collect();
        let expected: Vec<_> = expected.map(|(f, l)| (at(f), at(l))).into_iter().collect();
        assert_eq!(seen, expected, "{scope:?} {period:?}");
        assert_eq!(page.total, expected.len() as u64);
    }
}

async fn cursors(store: &dyn GraphStore) {
    let asked: Vec<Event> = (0..3).map(|i| queried("h1", i, 1, &format!("d{i}.example"), "-")).collect();
    put(store, &asked).await;
    let filter = NeighbourFilter::default();
    let page = store.neighbours(&Scope::All, process(1), &filter, None, 1).await.unwrap();
    let next = page.next.unwrap();
    let longer = format!("{next}.1");
    for bad in ["", "x", "1", "1.2.3", "9.9.9.9.9.9.9", "1.99999999999999999999.0.0.1", "1.1.250.0.1", &longer] {
        let e = store.neighbours(&Scope::All, process(1), &filter, Some(bad), 1).await.unwrap_err();
        assert_eq!(e.code, Code::BadInput, "{bad}");
        let e = store.tree(&Scope::All, "h1", Period::default(), Some(bad), 1).await;
        assert!(bad == "1.2.3" || e.unwrap_err().code == Code::BadInput, "{bad}");
    }
    store.clear(Fence::default()).await.unwrap();
    put(store, &asked).await;
    let e = store.neighbours(&Scope::All, process(1), &filter, Some(&next), 1).await.unwrap_err();
    assert_eq!(e.code, Code::BadInput, "a cursor from before a rebuild");
}

/// Nodes with more neighbours than any page holds: every one is found once, the total is exact.
async fn hubs(store: &dyn GraphStore) {
    const MANY: u32 = 10_500;
    let hosts = ["h1", "h2", "h3"];
    let far = |i: u32| format!("10.{}.{}.{}", i / 65536, i / 256 % 256, i % 256);
    let mut events = Vec::new();
    for i in 0..MANY {
        let host = hosts[i as usize % 3];
        // Few times, so that many are seen last at the same moment.
        let seconds = i64::from(i % 7);
        let (own, ip) = (guid(i), far(i));
        let to = [("ProcessGuid", own.as_str()), ("Initiated", "true"), ("DestinationIp", "9.9.9.9")];
        events.push(event(3, host, seconds, &to));
        events.push(queried(host, seconds, i, "hub.example", &ip));
        if i.is_multiple_of(2) {
            events.push(queried(hosts[(i as usize + 1) % 3], seconds + 100, 1_000_000, "hub.example", &ip));
        }
    }
    for batch in events.chunks(4000) {
        put(store, batch).await;
    }
    let address = NodeId::ip("9.9.9.9").unwrap();
    let domain = NodeId::domain("hub.example").unwrap();
    let (only, some) = (Scope::hosts(["h1"]), Scope::hosts(["h1", "h3"]));
    let in_hosts = |allowed: &[u32]| (0..MANY).filter(|i| allowed.contains(&(i % 3))).count() as u64;
    let resolved = |allowed: &[u32]| {
        let seen = |i: &u32| allowed.contains(&(i % 3)) || i.is_multiple_of(2) && allowed.contains(&((i + 1) % 3));
        (0..MANY).filter(seen).count() as u64
    };
    for (id, edge, scope, expected) in [
        (address, EdgeType::Connected, &Scope::All, u64::from(MANY)),
        (address, EdgeType::Connected, &only, in_hosts(&[0])),
        (domain, EdgeType::ResolvedTo, &Scope::All, u64::from(MANY)),
        (domain, EdgeType::ResolvedTo, &only, resolved(&[0])),
        (domain, EdgeType::ResolvedTo, &some, resolved(&[0, 2])),
    ] {
        let filter = NeighbourFilter { edges: vec![edge], ..Default::default() };
        let (mut found, mut after, mut total) = (HashSet::new(), None, 0);
        let mut last = Time(i64::MAX);
        loop {
            let page = store.neighbours(scope, id, &filter, after.as_deref(), 1000).await.unwrap();
            for n in &page.items {
                assert!(n.edge.seen.last <= last, "the last seen first");
                last = n.edge.seen.last;
                assert!(found.insert(n.node.id), "{} came twice", n.node.id);
            }
            total = page.total.max(total);
            assert_eq!(page.total, expected, "{edge} {scope:?}");
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.len() as u64, expected, "{edge} {scope:?}");
        let degrees = store.degrees(scope, &[id], period(0, 50)).await.unwrap().remove(0);
        let degree = degrees.iter().find(|d| d.edge == edge).unwrap();
        assert_eq!((degree.total, degree.in_period), (expected, degree.in_period.min(expected)));
    }
}

async fn tree_of_a_host(store: &dyn GraphStore) {
    // 0 <- 1 <- {2, 3}, 3 <- 4; another host has its own.
    put(
        store,
        &[
            started("h1", 10, 1, 0),
            started("h1", 20, 2, 1),
            started("h1", 30, 3, 1),
            started("h1", 40, 4, 3),
            event(5, "h1", 60, &[("ProcessGuid", &guid(2))]),
            started("h2", 30, 9, 8),
        ],
    )
    .await;
    let ask = async |scope: Scope, p: Period, after: Option<&str>, first: usize| {
        store.tree(&scope, "h1", p, after, first).await.unwrap()
    };
    let all = ask(Scope::All, Period::default(), None, 100).await;
    assert_eq!((all.total, all.processes.len(), all.next.is_none()), (5, 5, true));
    let rows: Vec<_> = all.processes.iter().map(|p| (p.node.id, p.parent, p.context)).collect();
    assert_eq!(
        rows,
        [
            (process(0), None, false),
            (process(1), Some(process(0)), false),
            (process(2), Some(process(1)), false),
            (process(3), Some(process(1)), false),
            (process(4), Some(process(3)), false),
        ]
    );
    let late = ask(Scope::All, period(40, 50), None, 100).await;
    let rows: Vec<_> = late.processes.iter().map(|p| (p.node.id, p.context)).collect();
    assert_eq!(late.total, 3, "2 ended later, 3 started a child, 4 started");
    let expected =
        [(process(0), true), (process(1), true), (process(2), false), (process(3), false), (process(4), false)];
    assert_eq!(rows, expected);
    assert_eq!(ask(Scope::All, period(100, 200), None, 9).await.total, 0);
    for scope in [Scope::hosts(["h2"]), Scope::hosts([""; 0])] {
        let none = ask(scope, Period::default(), None, 9).await;
        assert_eq!((none.total, none.processes.len()), (0, 0));
    }
    assert_eq!(ask(Scope::hosts(["h1"]), Period::default(), None, 9).await.total, 5);
    assert_eq!(store.tree(&Scope::All, "nowhere", Period::default(), None, 9).await.unwrap().total, 0);
}

/// Whatever the page size: each process is listed once, and its parent is on the same page before it.
async fn tree_is_connected(store: &dyn GraphStore) {
    let events: Vec<Event> = (1..200).map(|i| started("h1", i64::from(i / 10), i, i / 3)).collect();
    put(store, &events).await;
    for (first, scope) in [(1, Scope::All), (7, Scope::hosts(["h1"])), (1000, Scope::All)] {
        let (mut listed, mut after) = (HashSet::new(), None);
        loop {
            let tree = store.tree(&scope, "h1", Period::default(), after.as_deref(), first).await.unwrap();
            assert_eq!(tree.total, 200);
            let mut above = HashSet::new();
            for p in tree.processes {
                assert!(p.parent.is_none_or(|parent| above.contains(&parent)), "parents come first");
                assert_eq!(p.parent.is_none(), p.node.id == process(0));
                assert!(above.insert(p.node.id), "once on a page");
                assert!(p.context || listed.insert(p.node.id), "listed once");
            }
            after = tree.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed.len(), 200);
    }
}

async fn lineage_up_and_down(store: &dyn GraphStore) {
    let mut events = vec![started("h1", 1, 1, 0), started("h1", 2, 2, 1)];
    events.extend((10..30).map(|i| started("h1", i64::from(i), i, 2)));
    events.extend((30..40).map(|i| started("h1", i64::from(i), i, 10)));
    put(store, &events).await;
    let ask = async |scope: Scope, n: u32, max: usize| store.lineage(&scope, process(n), max).await.unwrap();
    let l = ask(Scope::All, 2, 100).await;
    assert_eq!(l.ancestors.iter().map(|n| n.node.id).collect::<Vec<_>>(), [process(2), process(1), process(0)]);
    assert_eq!((l.descendants.len(), l.descendants_left_out), (30, 0));
    let mut known = HashSet::from([process(2)]);
    for d in &l.descendants {
        assert!(known.contains(&d.parent.unwrap()), "parents first");
        known.insert(d.node.id);
    }
    let l = ask(Scope::hosts(["h1"]), 2, 12).await;
    assert_eq!((l.descendants.len(), l.descendants_left_out), (12, 18));
    let l = ask(Scope::All, 0, 0).await;
    assert_eq!((l.ancestors.len(), l.descendants_left_out), (1, 32));
    for l in [ask(Scope::hosts(["h2"]), 2, 9).await, ask(Scope::All, 99, 9).await] {
        assert!(l.ancestors.is_empty() && l.descendants.is_empty() && l.descendants_left_out == 0);
    }
}

/// Bad data: a process that started itself, and two that started each other.
async fn circles(store: &dyn GraphStore) {
    put(store, &[started("h1", 1, 1, 1), started("h1", 1, 2, 3), started("h1", 1, 3, 2), started("h1", 2, 4, 3)]).await;
    let tree = store.tree(&Scope::All, "h1", Period::default(), None, 9).await.unwrap();
    assert_eq!((tree.total, tree.processes.len()), (4, 4));
    let mut above = HashSet::new();
    for p in tree.processes {
        assert!(p.parent.is_none_or(|parent| above.contains(&parent)));
        above.insert(p.node.id);
    }
    let l = store.lineage(&Scope::All, process(2), 9).await.unwrap();
    assert_eq!((l.ancestors.len(), l.descendants.len()), (2, 2));
    assert_eq!(store.lineage(&Scope::All, process(1), 9).await.unwrap().ancestors.len(), 1);
}

async fn counts_checkpoint_clear(store: &dyn GraphStore) {
    assert_eq!(store.checkpoint().await.unwrap(), log_at(0));
    assert_eq!(store.counts().await.unwrap(), Counts::default());
    store
        .upsert(
            project(&[started("h1", 1, 1, 2), queried("h2", 1, 9, "a.example", "1.1.1.1")]),
            &log_at(17),
            Fence::default(),
        )
        .await
        .unwrap();
    store.upsert(project(&[queried("h1", 1, 1, "a.example", "1.1.1.1")]), &log_at(18), Fence::default()).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), log_at(18));
    let counts = store.counts().await.unwrap();
    let nodes: Vec<(NodeKind, u64)> = counts.nodes;
    assert_eq!(
        nodes,
        [
            (NodeKind::Host, 2),
            (NodeKind::Process, 3),
            (NodeKind::User, 1),
            (NodeKind::File, 1),
            (NodeKind::IpAddress, 1),
            (NodeKind::Domain, 1)
        ]
    );
    let resolved = counts.edges.iter().find(|e| e.0 == EdgeType::ResolvedTo).unwrap();
    assert_eq!(resolved.1, 1, "one edge, though two hosts report it");
    store.upsert(project(&[]), &log_at(19), Fence::default()).await.unwrap();
    assert_eq!(
        store.checkpoint().await.unwrap(),
        log_at(19),
        "events without a trace in the graph move the checkpoint too"
    );
    store.clear(Fence::default()).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), log_at(0));
    assert_eq!(store.counts().await.unwrap(), Counts::default());
    assert!(store.nodes(&Scope::All, &[process(1)]).await.unwrap()[0].is_none());
}
