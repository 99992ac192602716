//! What every graph store promises of walks over several nodes: parts of the conformance suite.
use super::{
    conformance::{at, period, process, queried},
    event, guid, put, started,
};
use std::collections::BTreeSet;
use sysmonsearch::{
    event::{Event, Period, Scope},
    graph::{
        Direction, EdgeType, GraphStore, NeighbourFilter, NodeId,
        groups::{Grouping, Groups, MOST, Place, members},
        paths::{PathFilter, paths},
    },
};

/// Process `n` of `host` does something to a file.
fn file(code: u32, host: &str, seconds: i64, n: u32, path: &str) -> Event {
    event(code, host, seconds, &[("ProcessGuid", &guid(n)), ("TargetFilename", path)])
}

/// Process `n` of `host` runs a file, started by process `parent`.
fn runs(host: &str, seconds: i64, n: u32, parent: u32, image: &str) -> Event {
    let (own, up) = (guid(n), guid(parent));
    event(1, host, seconds, &[("ProcessGuid", &own), ("Image", image), ("ParentProcessGuid", &up)])
}

/// A process tells when it was started, in a tree and in a lineage; who sees one host sees its times only.
pub async fn spawned_times(store: &dyn GraphStore) {
    put(store, &[started("h1", 10, 1, 0), started("h1", 25, 2, 1), started("h1", 30, 3, 2)]).await;
    for scope in [Scope::All, Scope::hosts(["h1"])] {
        let tree = store.tree(&scope, "h1", Period::default(), None, 10).await.unwrap();
        let times: Vec<_> = tree.processes.iter().map(|p| p.spawned.map(|s| (s.first, s.last))).collect();
        let spawned = |seconds| Some((at(seconds), at(seconds)));
        assert_eq!(times, [None, spawned(10), spawned(25), spawned(30)]);
        let l = store.lineage(&scope, process(2), 10).await.unwrap();
        let up: Vec<_> = l.ancestors.iter().map(|a| (a.node.id, a.parent, a.spawned.map(|s| s.first))).collect();
        assert_eq!(
            up,
            [
                (process(2), Some(process(1)), Some(at(25))),
                (process(1), Some(process(0)), Some(at(10))),
                (process(0), None, None)
            ]
        );
        assert_eq!(l.descendants[0].spawned.unwrap().first, at(30));
    }
}

/// Several nodes at once are the same as one after the other, unknown ones included.
pub async fn several_at_once(store: &dyn GraphStore) {
    put(store, &[started("h1", 10, 1, 0), started("h1", 20, 2, 1), started("h2", 30, 5, 4)]).await;
    let ids = [process(2), process(77), process(1), process(5)];
    for scope in [Scope::All, Scope::hosts(["h1"])] {
        let filter = NeighbourFilter::default();
        let many = store.first_neighbours(&scope, &ids, &filter, 2).await.unwrap();
        let lineages = store.lineages(&scope, &ids, 5).await.unwrap();
        assert_eq!((many.len(), lineages.len()), (4, 4));
        for (id, (many, lineage)) in ids.iter().zip(many.iter().zip(&lineages)) {
            let one = store.neighbours(&scope, *id, &filter, None, 2).await.unwrap();
            let found = |n: &sysmonsearch::graph::Neighbours| n.items.iter().map(|i| i.node.id).collect::<Vec<_>>();
            assert_eq!((found(many), many.total, many.next.is_some()), (found(&one), one.total, one.next.is_some()));
            let alone = store.lineage(&scope, *id, 5).await.unwrap();
            let chain = |l: &sysmonsearch::graph::Lineage| l.ancestors.iter().map(|a| a.node.id).collect::<Vec<_>>();
            assert_eq!(chain(lineage), chain(&alone));
        }
    }
}

pub async fn links_around(store: &dyn GraphStore) {
    put(
        store,
        &[
            started("h1", 0, 1, 0),
            queried("h1", 10, 1, "a.example", "1.1.1.1"),
            queried("h2", 40, 5, "a.example", "1.1.1.1"),
        ],
    )
    .await;
    let (a, ip) = (NodeId::domain("a.example").unwrap(), NodeId::ip("1.1.1.1").unwrap());
    let ask = async |scope: &Scope, ids: &[NodeId], filter: &NeighbourFilter, most: usize| {
        let links = store.links(scope, ids, filter, most).await.unwrap();
        let all: BTreeSet<_> = links.iter().map(|l| (l.from, l.edge, l.to, l.seen.first, l.seen.last)).collect();
        assert_eq!(all.len(), links.len(), "each edge once");
        all.into_iter().collect::<Vec<_>>()
    };
    use EdgeType::{Queried, ResolvedTo};
    let dns = NeighbourFilter { edges: vec![Queried, ResolvedTo], ..Default::default() };
    let resolved = |first, last| (a, ResolvedTo, ip, at(first), at(last));
    let (one, two) = ((process(1), Queried, a, at(10), at(10)), (process(5), Queried, a, at(40), at(40)));
    let sorted = |mut all: Vec<_>| {
        all.sort();
        all
    };
    assert_eq!(ask(&Scope::All, &[a, ip], &dns, 99).await, sorted(vec![one, two, resolved(10, 40)]));
    assert_eq!(ask(&Scope::hosts(["h2"]), &[a, ip], &dns, 99).await, sorted(vec![two, resolved(40, 40)]));
    assert_eq!(ask(&Scope::hosts(["h3"]), &[a, ip], &dns, 99).await, []);
    let late = NeighbourFilter { period: period(20, 30), ..dns.clone() };
    assert_eq!(ask(&Scope::All, &[a], &late, 99).await, [resolved(10, 40)], "times of all hosts together");
    let out = NeighbourFilter { direction: Some(Direction::Out), ..dns.clone() };
    assert_eq!(ask(&Scope::All, &[a], &out, 99).await, [resolved(10, 40)]);
    assert_eq!(ask(&Scope::All, &[a, ip], &dns, 2).await.len(), 2);
    assert_eq!(ask(&Scope::All, &[process(1)], &NeighbourFilter::default(), 99).await.len(), 5);
    assert_eq!(ask(&Scope::All, &[process(99)], &dns, 9).await, []);
}

/// A dropper writes a file, another process runs it, that one talks to an address, and another host does as well.
pub async fn paths_in_time(store: &dyn GraphStore) {
    let connects = |host: &str, seconds, n| {
        let own = guid(n);
        event(3, host, seconds, &[("ProcessGuid", &own), ("Initiated", "true"), ("DestinationIp", "9.9.9.9")])
    };
    put(
        store,
        &[
            started("h1", 0, 1, 0),
            file(11, "h1", 10, 1, r"C:\t\drop.exe"),
            runs("h1", 20, 2, 90, r"C:\t\drop.exe"),
            // It ran before it was written: an older file of that name.
            runs("h1", 5, 3, 91, r"C:\t\drop.exe"),
            connects("h1", 30, 2),
            connects("h2", 60, 6),
            connects("h2", 25, 7),
        ],
    )
    .await;
    let (dropped, address) = (NodeId::file("h1", r"C:\t\drop.exe"), NodeId::ip("9.9.9.9").unwrap());
    let all = PathFilter { edges: Vec::new(), period: Period::default(), longest: 6 };
    let ask = async |scope: &Scope, from: NodeId, to: NodeId, filter: &PathFilter| {
        let found = paths(store, scope, (from, to), filter, 5).await.unwrap();
        assert!(found.complete && !found.more);
        for p in &found.items {
            assert_eq!((p.nodes.len(), p.times.len()), (p.links.len() + 1, p.links.len()));
            assert!(p.times.is_sorted());
        }
        found.items.into_iter().map(|p| p.nodes).collect::<Vec<_>>()
    };
    let way = [process(0), process(1), dropped, process(2), address];
    assert_eq!(ask(&Scope::All, process(0), address, &all).await, [way.to_vec()]);
    assert_eq!(ask(&Scope::hosts(["h1"]), process(0), address, &all).await, [way.to_vec()]);
    let none: Vec<Vec<NodeId>> = Vec::new();
    assert_eq!(ask(&Scope::hosts(["h2"]), process(0), address, &all).await, none);
    assert_eq!(ask(&Scope::All, address, process(0), &all).await, none, "effect never comes before cause");
    assert_eq!(ask(&Scope::All, process(1), process(3), &all).await, none, "it ran before the file was written");
    let on = [&way[..], &[process(6)]].concat();
    assert_eq!(ask(&Scope::All, process(0), process(6), &all).await, [on], "across hosts by the address");
    assert_eq!(ask(&Scope::All, process(0), process(7), &all).await, none, "that host was there before");
    let short = PathFilter { longest: 3, ..all.clone() };
    assert_eq!(ask(&Scope::All, process(0), address, &short).await, none);
    let early = PathFilter { period: period(0, 15), ..all.clone() };
    assert_eq!(ask(&Scope::All, process(0), address, &early).await, none);
    let only = PathFilter { edges: vec![EdgeType::Spawned], ..all.clone() };
    assert_eq!(ask(&Scope::All, process(0), process(1), &only).await, [[process(0), process(1)]]);
    assert_eq!(ask(&Scope::All, process(0), process(0), &all).await, none);
    // Of many ways the shortest come first, and that there are more is told.
    let more = (0..9).flat_map(|i| {
        let path = format!(r"C:\t\{i}.exe");
        [file(11, "h1", 100 + i, 1, &path), runs("h1", 200 + i, 300, 91, &path)]
    });
    put(store, &more.collect::<Vec<_>>()).await;
    let found = paths(store, &Scope::All, (process(1), process(300)), &all, 4).await.unwrap();
    assert_eq!((found.items.len(), found.more), (4, true));
    assert!(found.items.is_sorted_by_key(|p| (p.nodes.len(), p.times.last().copied())));
}

/// Neighbours in groups: counted exactly, and every member found once whatever the page.
pub async fn grouped(store: &dyn GraphStore) {
    let mut events = Vec::new();
    for i in 0..2_300_u32 {
        let host = if i % 3 == 0 { "h1" } else { "h2" };
        let own = guid(i);
        let image = format!(r"C:\bin\{}.exe", if i % 10 == 0 { "rare" } else { "usual" });
        let to =
            [("ProcessGuid", own.as_str()), ("Image", &image), ("Initiated", "true"), ("DestinationIp", "9.9.9.9")];
        events.push(event(3, host, i64::from(i % 5), &to));
    }
    let (own, image) = (guid(9_000), r"C:\bin\usual.exe");
    let to = [("ProcessGuid", own.as_str()), ("Image", image), ("Initiated", "true"), ("DestinationIp", "9.9.9.9")];
    events.push(event(3, "h3", -10, &to));
    put(store, &events).await;
    let hub = NodeId::ip("9.9.9.9").unwrap();
    let filter = NeighbourFilter { edges: vec![EdgeType::Connected], ..Default::default() };
    for (scope, by, expected) in [
        (Scope::All, Grouping::Host, vec![("h2", 1533), ("h1", 767), ("h3", 1)]),
        (Scope::All, Grouping::Name, vec![("usual.exe", 2071), ("rare.exe", 230)]),
        (Scope::All, Grouping::Place, vec![(r"c:\bin", 2301)]),
        (Scope::All, Grouping::Kind, vec![("Process", 2301)]),
        (Scope::hosts(["h1"]), Grouping::Day, vec![("2024-01-01", 767)]),
    ] {
        let found = store.groups(&scope, hub, &filter, by, MOST).await.unwrap();
        let counts: Vec<_> = found.items.iter().map(|g| (g.key.as_str(), g.count)).collect();
        assert_eq!(counts, expected);
        assert_eq!((found.looked_at, found.total), (expected.iter().map(|g| g.1).sum(), found.looked_at));
        for (key, count) in expected {
            let (mut all, mut place) = (BTreeSet::new(), Some(Place::default()));
            while let Some(at) = place {
                let page = members(store, &scope, hub, &filter, (by, key), (at, 400, 2)).await.unwrap();
                assert!(page.items.len() <= 400);
                for n in page.items {
                    assert_eq!(by.key(&n.node, n.edge.seen.last), key);
                    assert!(all.insert(n.node.id), "once");
                }
                place = page.next;
            }
            assert_eq!(all.len() as u64, count, "{by:?} {key}");
        }
    }
    // The oldest of all: not among the first page of neighbours, and told to be further on.
    let alone = (Grouping::Host, "h3");
    let first = members(store, &Scope::All, hub, &filter, alone, (Place::default(), 400, 1)).await.unwrap();
    assert_eq!((first.items.len(), first.next.is_some()), (0, true));
    let second = members(store, &Scope::All, hub, &filter, alone, (first.next.unwrap(), 400, 1)).await.unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
    let none = store.groups(&Scope::All, NodeId::host("nowhere"), &filter, Grouping::Host, MOST).await.unwrap();
    assert_eq!((none.items.len(), none.total), (0, 0));
    // Only the last seen are looked at, and it is told.
    let some = store.groups(&Scope::All, hub, &filter, Grouping::Host, 2_300).await.unwrap();
    assert_eq!((some.items.len(), some.looked_at, some.total), (2, 2_300, 2_301));
    // Whatever the group and the scope, it is the one that each neighbour says of itself.
    put(store, &[queried("h1", 10, 1, "a.example", "9.9.9.9"), queried("h2", 90_000, 7, "b.a.example", "9.9.9.9")])
        .await;
    let any = NeighbourFilter::default();
    for scope in [Scope::All, Scope::hosts(["h2"]), Scope::hosts(["h1", "h3"])] {
        for id in [hub, process(1), NodeId::domain("a.example").unwrap()] {
            let all = store.neighbours(&scope, id, &any, None, 5_000).await.unwrap();
            for by in [Grouping::Kind, Grouping::Host, Grouping::Name, Grouping::Place, Grouping::Day] {
                let found = store.groups(&scope, id, &any, by, MOST).await.unwrap();
                let expected = Groups::of(all.items.iter().map(|n| by.key(&n.node, n.edge.seen.last)), all.total);
                assert_eq!((found.items, found.total), (expected.items, expected.total), "{by:?}");
            }
        }
    }
}
