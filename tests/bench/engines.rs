//! The embedded engines against Elasticsearch and Neo4j, on the same real events in one run:
//! `cargo bench --bench engines -- 50000` with `ELASTICSEARCH_URL` and `NEO4J_URI` set (`tests/servers/servers start`
//! prints them).
//!
//! Prints events per second until all are found, projected and matched, and the median latency of ten searches, a
//! process tree and a two-step expansion. The graph in Neo4j is emptied first; what else is stored is removed at the end.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]
#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../it/support/cluster.rs"]
mod cluster;
mod support;

use cluster::{Namespace, Turn};
use std::time::Instant;
use sysmonsearch::{
    config::Servers,
    elastic::Access,
    event::{
        Condition, Event, Field, Period, Scope,
        condition::{Match, Operator},
    },
    graph::{NeighbourFilter, NodeId},
    pipeline::{Engines, Pipeline},
    store::{Interval, Order, Query, TermOrder},
};

/// Of each question.
const RUNS: usize = 9;
const CHUNK: usize = 2_000;

fn query(name: &str, operator: Operator, operand: &str) -> Query {
    let operands: &[String] = if operand.is_empty() { &[] } else { &[operand.to_owned()] };
    Query { condition: Condition::Match(Match::new(name, operator, operands).unwrap()), period: Period::default() }
}

/// Milliseconds of the median run.
async fn median<T>(mut work: impl AsyncFnMut() -> T) -> f64 {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        work().await;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Events per second, and the latency of each question with its name and what it found.
async fn measure(engines: Engines, events: &[Event]) -> (f64, Vec<(String, f64, u64)>) {
    let folder = tempfile::tempdir().unwrap();
    let p = Pipeline::start(engines, folder.path().join("spool")).await.unwrap();
    p.import_rules(support::published_rules()).await.unwrap();
    let begun = Instant::now();
    for chunk in events.chunks(CHUNK) {
        p.append(chunk.to_vec()).await.unwrap();
    }
    p.caught_up().await.unwrap();
    let rate = events.len() as f64 / begun.elapsed().as_secs_f64();

    let mut asked = Vec::new();
    let scope = Scope::All;
    for (name, operator, operand) in [
        ("ip", Operator::Cidr, "10.0.0.0/8"),
        ("port", Operator::Equals, "443"),
        ("process", Operator::Contains, "powershell"),
        ("file", Operator::EndsWith, ".exe"),
        ("registryKey", Operator::StartsWith, "HKLM\\System"),
        ("hash", Operator::Exists, ""),
        ("CommandLine", Operator::Regex, "-e(nc|xec)"),
    ] {
        let query = query(name, operator, operand);
        let page = || async { p.store.search(&scope, &query, Order::NewestFirst, None, 50).await.unwrap() };
        let found = p.store.count(&scope, &query).await.unwrap();
        asked.push((format!("page: {name} {operator:?} {operand}"), median(page).await, found));
    }
    let everything = Query { condition: Condition::All, period: Period::default() };
    let summary = || async { p.store.summary(&scope, &everything, Interval::Buckets(60)).await.unwrap() };
    let hosts = summary().await.hosts;
    asked.push(("summary of all".into(), median(summary).await, hosts));
    let terms = || async { p.store.terms(&scope, &everything, Field::Image, TermOrder::Top, 20).await.unwrap() };
    let distinct = terms().await.distinct;
    asked.push(("top values of Image".into(), median(terms).await, distinct));
    let list = || async { p.store.hosts(&scope, Period::default(), None, 50).await.unwrap() };
    let counted = list().await;
    asked.push(("hosts with counts".into(), median(list).await, counted.len() as u64));

    let host = counted.iter().max_by_key(|h| h.events).unwrap().host.clone();
    let tree = || async { p.graph.tree(&scope, &host, Period::default(), None, 200).await.unwrap() };
    let processes: Vec<NodeId> = tree().await.processes.iter().map(|t| t.node.id).collect();
    asked.push(("process tree".into(), median(tree).await, processes.len() as u64));
    let filter = NeighbourFilter::default();
    let around = p.graph.first_neighbours(&scope, &processes, &filter, 1).await.unwrap();
    // All of its neighbours: which come first among those of one moment is for each engine to choose.
    let few = around.into_iter().zip(processes).filter(|(n, _)| n.total <= 100);
    let busiest = few.max_by_key(|(n, id)| (n.total, *id)).unwrap().1;
    let expand = || async {
        let near = p.graph.neighbours(&scope, busiest, &filter, None, 100).await.unwrap();
        let ids: Vec<NodeId> = near.items.iter().map(|n| n.node.id).collect();
        let further = p.graph.first_neighbours(&scope, &ids, &filter, 20).await.unwrap();
        (ids.len() + further.iter().map(|n| n.items.len()).sum::<usize>()) as u64
    };
    let seen = expand().await;
    asked.push(("two steps from a process".into(), median(expand).await, seen));
    p.shutdown().await;
    (rate, asked)
}

fn main() {
    let most = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(50_000);
    let mut events = support::events_of(&support::files());
    events.truncate(most);
    let namespace = Namespace::with_neo4j("ELASTICSEARCH_URL").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (fast, embedded) = runtime.block_on(measure(Engines::embedded(folder.path()).unwrap(), &events));
    let neo4j = namespace.neo4j();
    let servers = Servers {
        elasticsearch: Access { nodes: vec![namespace.elastic.clone()], ..Access::default() },
        neo4j: neo4j.uri.clone(),
        user: neo4j.user.clone(),
        password: neo4j.password.clone(),
        name: namespace.name.clone(),
        shards: 1,
        substring: None,
        foreign: Vec::new(),
        keep_months: None,
    };
    let (slow, cluster) = runtime.block_on(async {
        let _turn = Turn::take(neo4j).await;
        measure(Engines::cluster(servers).await.unwrap(), &events).await
    });
    drop(namespace);
    println!(
        "{} events, all rules; events/s: embedded {fast:.0}, cluster {slow:.0}, ratio {:.2}",
        events.len(),
        slow / fast
    );
    println!(
        "{:50} {:>10} {:>12} {:>12} {:>8}",
        "median of 9, one after the other", "found", "embedded ms", "cluster ms", "ratio"
    );
    for ((name, ours, found), (_, theirs, also)) in embedded.into_iter().zip(cluster) {
        assert_eq!(found, also, "{name}: another answer");
        println!("{name:50} {found:>10} {ours:>12.1} {theirs:>12.1} {:>8.1}", theirs / ours);
    }
}
