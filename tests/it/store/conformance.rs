//! What every event store promises.
use super::{naive, sample};
use std::sync::Arc;
use sysmonsearch::{
    event::{
        Condition, Event, EventId, Field, Period, Position, Scope, Time,
        condition::{Match, Operator},
    },
    store::{Cursor, EventStore, Interval, Order, Query, TermOrder},
};

/// An engine under test, with what keeps it alive.
pub struct Engine {
    pub store: Arc<dyn EventStore>,
    _keep: Box<dyn std::any::Any>,
}

impl Engine {
    pub fn new<S: EventStore>((store, keep): (Arc<S>, impl std::any::Any)) -> Self {
        Self { store, _keep: Box::new(keep) }
    }
}

/// Every engine, empty.
pub fn engines() -> Vec<Engine> {
    let dir = tempfile::tempdir().unwrap();
    let store = super::embedded::open(dir.path());
    let mut engines = vec![Engine { store, _keep: Box::new(dir) }];
    engines
        .extend(["ELASTICSEARCH_URL", "OPENSEARCH_URL"].into_iter().filter_map(super::cluster::open).map(Engine::new));
    engines
}

pub fn all() -> Query {
    Query { condition: Condition::All, period: Period::default() }
}

pub fn comparison(name: &str, operator: Operator, operands: &[&str]) -> Condition {
    let operands: Vec<String> = operands.iter().map(|o| (*o).to_owned()).collect();
    Condition::Match(Match::new(name, operator, &operands).unwrap())
}

/// Reads all pages by cursor.
pub async fn pages(store: &dyn EventStore, scope: &Scope, query: &Query, order: Order, size: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = store.search(scope, query, order, after, size).await.unwrap();
        assert!(page.events.len() <= size);
        ids.extend(page.events.iter().map(|e| e.id));
        after = page.events.last().map(|e| Cursor { time: e.time, id: e.id });
        if !page.more {
            return ids;
        }
        assert_eq!(page.events.len(), size);
    }
}

#[tokio::test]
async fn appends_are_idempotent_and_positions_have_no_gap() {
    for engine in engines() {
        let store = &engine.store;
        let events = sample::events(1, 300);
        assert_eq!(store.head().await.unwrap(), Position::default());
        assert!(store.read(&Position::default(), 10).await.unwrap().events.is_empty());
        let first = store.append(events[..100].to_vec()).await.unwrap();
        assert_eq!((first.stored, first.duplicates, first.head.entries()), (100, 0, 100));
        let mut mixed = events[50..200].to_vec();
        mixed.extend_from_slice(&events[150..200]);
        let second = store.append(mixed).await.unwrap();
        assert_eq!((second.stored, second.duplicates, second.head.entries()), (100, 100, 200));
        let none = store.append(Vec::new()).await.unwrap();
        assert_eq!((none.stored, none.duplicates, none.head.entries()), (0, 0, 200));
        store.append(events.clone()).await.unwrap();
        let (mut at, mut read) = (Position::default(), Vec::new());
        loop {
            let part = store.read(&at, 7).await.unwrap();
            assert!(part.events.len() <= 7 && part.next > at);
            at = part.next;
            read.extend(part.events);
            if !part.more {
                break;
            }
        }
        assert_eq!((read.len(), at), (300, store.head().await.unwrap()));
        assert!(read.iter().zip(&events).all(|(read, event)| **read == *event), "in order of arrival, unchanged");
        store.refresh().await.unwrap();
        assert_eq!(store.count(&Scope::All, &all()).await.unwrap(), 300);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_appends_store_each_event_once() {
    for engine in engines() {
        let events = sample::events(2, 500);
        let tasks: Vec<_> = (0..8)
            .map(|i| {
                let (store, mut events) = (engine.store.clone(), events.clone());
                events.rotate_left(i * 60);
                tokio::spawn(async move {
                    let mut stored = 0;
                    for part in events.chunks(37) {
                        stored += store.append(part.to_vec()).await.unwrap().stored;
                    }
                    stored
                })
            })
            .collect();
        let mut stored = 0;
        for task in tasks {
            stored += task.await.unwrap();
        }
        assert_eq!(stored, 500);
        let read = engine.store.read(&Position::default(), 1_000).await.unwrap().events;
        assert_eq!(read.len(), 500);
        let ids: std::collections::HashSet<EventId> = read.iter().map(|e| e.id).collect();
        assert_eq!(ids.len(), 500);
    }
}

#[tokio::test]
async fn pages_reach_every_event_past_any_depth() {
    for engine in engines() {
        let events = sample::events(3, 12_000);
        for part in events.chunks(2_500) {
            engine.store.append(part.to_vec()).await.unwrap();
            engine.store.refresh().await.unwrap();
        }
        let mut expected: Vec<EventId> = naive::matching(&events, &Scope::All, &all()).iter().map(|e| e.id).collect();
        assert_eq!(pages(&*engine.store, &Scope::All, &all(), Order::OldestFirst, 499).await, expected);
        expected.reverse();
        assert_eq!(pages(&*engine.store, &Scope::All, &all(), Order::NewestFirst, 500).await, expected);
        let page = engine.store.search(&Scope::All, &all(), Order::NewestFirst, None, 0).await.unwrap();
        assert!(page.events.is_empty() && page.more);
    }
}

#[tokio::test]
async fn every_verb_counts_right_and_keeps_to_the_scope() {
    let events = sample::events(4, 3_000);
    let shell = comparison("Image", Operator::Contains, &["POWERshell"]);
    let middle = Period { from: Some(Time(1_700_050_000_000)), to: Some(Time(1_700_150_000_000)) };
    let queries = [
        all(),
        Query { condition: shell.clone(), period: Period::default() },
        Query { condition: Condition::Not(Box::new(shell)), period: middle },
        Query { condition: Condition::Or(Vec::new()), period: Period::default() },
        Query { condition: Condition::And(Vec::new()), period: Period { from: None, to: Some(Time(i64::MIN)) } },
    ];
    let scopes = [Scope::All, Scope::hosts(["dc-01", "WS-02.corp.example", "unknown"]), Scope::hosts(["x"; 0])];
    for engine in engines() {
        let store = &*engine.store;
        for part in events.chunks(700) {
            store.append(part.to_vec()).await.unwrap();
            store.refresh().await.unwrap();
        }
        for scope in &scopes {
            for query in &queries {
                let expected = naive::matching(&events, scope, query);
                agree(store, scope, query, &expected).await;
            }
            let visible = naive::matching(&events, scope, &all());
            let hosts = naive::hosts(&visible);
            assert_eq!(store.hosts(scope, Period::default(), None, 100).await.unwrap(), hosts);
            if let [first, rest @ ..] = &hosts[..] {
                let after = store.hosts(scope, Period::default(), Some(&first.host), 2).await.unwrap();
                assert_eq!(after, rest[..rest.len().min(2)]);
            }
            let mut ids: Vec<EventId> = events[..50].iter().map(|e| e.id).collect();
            ids.push(EventId(1));
            let found = store.events(scope, &ids).await.unwrap();
            for (found, event) in found[..50].iter().zip(&events) {
                assert_eq!(found.as_deref(), scope.allows(&event.host()).then_some(event));
            }
            assert!(found[50].is_none());
        }
    }
}

/// All verbs that count agree with `expected`.
async fn agree(store: &dyn EventStore, scope: &Scope, query: &Query, expected: &[&Event]) {
    assert_eq!(store.count(scope, query).await.unwrap(), expected.len() as u64);
    let ids: Vec<EventId> = expected.iter().map(|e| e.id).collect();
    assert_eq!(pages(store, scope, query, Order::OldestFirst, 400).await, ids);
    for interval in [Interval::Millis(3_600_000), Interval::Buckets(20), Interval::Buckets(1)] {
        let summary = store.summary(scope, query, interval).await.unwrap();
        assert_eq!(summary.total, expected.len() as u64);
        assert_eq!(summary.hosts, naive::host_names(expected).len() as u64);
        assert_eq!(summary.codes, naive::codes(expected));
        assert_eq!(summary.histogram, naive::histogram(expected, summary.interval_ms));
        let timeline = store.timeline(scope, query, interval).await.unwrap();
        assert_eq!(timeline.buckets, naive::timeline(expected, timeline.interval_ms));
        match interval {
            Interval::Millis(width) => assert_eq!((summary.interval_ms, timeline.interval_ms), (width, width)),
            Interval::Buckets(n) => assert!(summary.histogram.len() <= n as usize),
        }
    }
    for field in [
        Field::Image,
        Field::CommandLine,
        Field::DestinationPort,
        Field::HashValue,
        Field::Computer,
        Field::EventId,
        Field::State,
    ] {
        for order in [TermOrder::Top, TermOrder::Rare] {
            let terms = store.terms(scope, query, field, order, 12).await.unwrap();
            assert_eq!(terms, naive::terms(expected, field, order, 12), "{field:?} {order:?}");
        }
    }
}

#[tokio::test]
async fn a_bad_interval_is_an_error() {
    for engine in engines() {
        engine.store.append(sample::events(5, 100)).await.unwrap();
        engine.store.refresh().await.unwrap();
        for interval in [Interval::Millis(0), Interval::Millis(-5), Interval::Millis(1), Interval::Buckets(0)] {
            assert!(engine.store.summary(&Scope::All, &all(), interval).await.is_err(), "{interval:?}");
        }
    }
}
