//! The graph depends on the set of events only: not on their order, repetition or batches.
use super::{START, dump, event, guid, open, put, started};
use crate::support::{self, at};
use proptest::{prelude::*, test_runner::TestRunner};
use std::collections::BTreeSet;
use sysmonsearch::{
    event::{Event, Fence, Scope, Time},
    graph::{GraphStore, project::project},
};

pub fn block_on<T>(f: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(f)
}

/// The graph of the events, put in batches of these sizes, round and round.
pub async fn graph_of(events: &[Event], sizes: &[usize], scope: &Scope) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put_in_batches(&*store, events, sizes).await;
    dump(&store, scope).await
}

pub async fn put_in_batches(store: &dyn GraphStore, events: &[Event], sizes: &[usize]) {
    let (mut rest, mut sizes) = (events, sizes.iter().cycle());
    while !rest.is_empty() {
        let (batch, behind) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        put(store, batch).await;
        rest = behind;
    }
}

pub fn assert_same(a: &[String], b: &[String], what: &str) {
    if let Some((i, (x, y))) = a.iter().zip(b).enumerate().find(|(_, (x, y))| x != y) {
        panic!("{what}: line {i}\n{x}\n{y}");
    }
    assert_eq!(a.len(), b.len(), "{what}");
}

/// A small generator, so that a failure can be repeated.
pub fn shuffle(events: &mut [Event], mut seed: u64) {
    for i in (1..events.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(i, (seed >> 33) as usize % (i + 1));
    }
}

fn joined<'a>(base: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [base, more].concat()
}

/// Events of few hosts, processes, addresses and times: everything meets everything.
pub fn small_events() -> impl Strategy<Value = Vec<Event>> {
    let one = (0u32..9, 0u32..3, 0i64..6, 0u32..4, 0u32..4).prop_map(|(what, host, at, a, b)| {
        let host = format!("h{host}");
        let (own, other) = (guid(a), guid(b));
        let image = format!(r"C:\p{b}.exe");
        let ip = format!("10.0.0.{b}");
        let base = [("ProcessGuid", own.as_str()), ("Image", image.as_str())];
        let with = |more| joined(&base, more);
        let connection = |initiated| {
            [
                ("Initiated", initiated),
                ("Protocol", "tcp"),
                ("SourceIp", "10.0.0.9"),
                ("SourcePort", "5"),
                ("DestinationIp", &ip),
                ("DestinationHostname", "n.example"),
                ("DestinationPort", "6"),
            ]
        };
        match what {
            0 => started(&host, at, a, b),
            1 => event(3, &host, at, &with(&connection("true"))),
            2 => event(3, &host, at, &with(&connection("false"))),
            3 => event(5, &host, at, &with(&[])),
            4 => event(22, &host, at, &with(&[("QueryName", "n.example"), ("QueryResults", &ip)])),
            5 => event(
                10,
                &host,
                at,
                &[("SourceProcessGuid", own.as_str()), ("TargetProcessGuid", &other), ("GrantedAccess", "0x10")],
            ),
            6 => event(13, &host, at, &with(&[("TargetObject", r"HKLM\a\v"), ("Details", &image)])),
            7 => event(11, &host, at, &with(&[("TargetFilename", &image), ("CreationUtcTime", "2024-01-01 00:00:00")])),
            _ => event(
                7,
                &host,
                at,
                &with(&[
                    ("ImageLoaded", &image),
                    ("Signature", "Maker"),
                    ("Hashes", "MD5=0123456789abcdef0123456789abcdef"),
                ]),
            ),
        }
    });
    proptest::collection::vec(one, 1..60)
}

#[test]
fn any_order_repetition_and_split_give_the_same_graph() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() });
    let input = (small_events(), any::<u64>(), proptest::collection::vec(1usize..20, 1..6));
    runner
        .run(&input, |(events, seed, sizes)| {
            let plain = block_on(graph_of(&events, &[events.len()], &Scope::All));
            let mut mixed = [events.clone(), events.clone()].concat();
            shuffle(&mut mixed, seed);
            let other = block_on(graph_of(&mixed, &sizes, &Scope::All));
            prop_assert_eq!(plain, other);
            Ok(())
        })
        .unwrap();
}

/// What a caller with some hosts sees is the graph of these hosts' events, down to each property.
/// Only edges between processes of two hosts need both.
#[test]
fn a_scope_sees_the_graph_of_its_hosts() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() });
    runner
        .run(&(small_events(), proptest::collection::vec(1usize..20, 1..6)), |(events, sizes)| {
            for hosts in [&["h0"][..], &["h0", "h2"], &[]] {
                let scope = Scope::hosts(hosts);
                let seen = block_on(graph_of(&events, &sizes, &scope));
                let own: Vec<Event> = events.iter().filter(|e| scope.allows(&e.host())).cloned().collect();
                prop_assert_eq!(seen, block_on(graph_of(&own, &[usize::MAX], &Scope::All)));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn real_events_in_any_order_give_the_same_graph() {
    let Some(events) = support::real_events(40) else { return };
    let plain = block_on(graph_of(&events, &[1000], &Scope::All));
    for seed in [1, 2] {
        let again = support::real_events(40 * 3).unwrap();
        let mut mixed = [events.clone(), again].concat();
        shuffle(&mut mixed, seed);
        let other = block_on(graph_of(&mixed, &[1, 700, 30, 2500], &Scope::All));
        assert_same(&plain, &other, "shuffled, repeated, split");
    }
    let hosts: BTreeSet<String> = events.iter().map(Event::host).collect();
    let some: Vec<&String> = hosts.iter().step_by(3).collect();
    let scope = Scope::hosts(&some);
    let own: Vec<Event> = events.iter().filter(|e| scope.allows(&e.host())).cloned().collect();
    let seen = block_on(graph_of(&events, &[800], &scope));
    assert_same(&seen, &block_on(graph_of(&own, &[5000], &Scope::All)), "scope");
}

/// Both sides of a connection make one edge between their processes, whoever reports first.
#[tokio::test]
async fn both_sides_of_a_connection_meet() {
    let side = |host: &str, n: u32, initiated: &str, at: i64, port: &str| {
        let own = guid(n);
        let data = [
            ("ProcessGuid", own.as_str()),
            ("Protocol", "tcp"),
            ("Initiated", initiated),
            ("SourceIp", "10.0.0.1"),
            ("SourcePort", port),
            ("DestinationIp", "10.0.0.2"),
            ("DestinationPort", "445"),
        ];
        event(3, host, at, &data)
    };
    let here = side("h1", 1, "true", 10, "50000");
    let there = side("h2", 2, "false", 11, "50000");
    let other_port = side("h2", 2, "false", 11, "50001");
    let too_late = side("h2", 3, "false", 100, "50000");
    let events = [here, there, other_port, too_late];
    let talked = |lines: Vec<String>| lines.into_iter().filter(|l| l.contains(" TALKED_TO ")).collect::<Vec<_>>();
    let all = talked(graph_of(&events, &[1], &Scope::All).await);
    assert_eq!(all.len(), 1, "{all:?}");
    let (first, last) = (Time(START + 10_000), Time(START + 11_000));
    assert!(all[0].contains(&format!("{first}..{last}")), "{all:?}");
    let reversed: Vec<Event> = events.iter().rev().cloned().collect();
    assert_eq!(all, talked(graph_of(&reversed, &[9], &Scope::All).await));
    assert_eq!(all, talked(graph_of(&events, &[2], &Scope::hosts(["h1", "h2"])).await));
    assert!(talked(graph_of(&events, &[2], &Scope::hosts(["h1"])).await).is_empty(), "both hosts must be in scope");
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.upsert(project(&events), &at(4), Fence::default()).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), at(4));
}
