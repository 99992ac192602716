//! The whole path against its stages, on the real nxlog logs: `cargo bench --bench path`.
//!
//! Prints events per second, CPU seconds and the ratio to reading and parsing alone, all from one run; then
//! anonymous memory and the cost of searches as the store grows. Arguments: number of events for the
//! growth part (default 1,000,000; 0 leaves it out).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first failure")]
mod support;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use support::{Quiet, cpu};
use sysmonsearch::{
    error::{Issue, Result},
    event::{
        Condition, Event, EventId, Fence, Field, Period, Position, Scope, Time,
        condition::{Match, Operator},
        detection::Rule,
        fields::Type,
    },
    graph::{self, GraphStore},
    ingest::{self, Options, Sink},
    pipeline::{Engines, Pipeline},
    rules::RuleSet,
    store::{EventStore, Interval, Order, Query, TermOrder},
};

fn proc_status(key: &str) -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|l| l.strip_prefix(key)?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

struct Stage {
    name: &'static str,
    seconds: f64,
    cpu: f64,
}

fn stage<T>(stages: &mut Vec<Stage>, name: &'static str, work: impl FnOnce() -> T) -> T {
    let (t, c) = (Instant::now(), cpu());
    let result = work();
    stages.push(Stage { name, seconds: t.elapsed().as_secs_f64(), cpu: cpu() - c });
    result
}

struct Count(u64);
impl Sink for Count {
    fn events(&mut self, events: Vec<Event>) -> Result<()> {
        self.0 += events.len() as u64;
        Ok(())
    }
    fn issue(&mut self, _: Issue) {}
    fn skipped(&mut self, _: &str) {}
    fn progress(&mut self, _: u64, _: Option<u64>) {}
}

fn read_all(sink: &mut dyn Sink, files: &[PathBuf]) {
    for f in files {
        ingest::read_path(f, &Options::default(), sink).unwrap();
    }
}

/// The same story on other machines: host names, GUIDs, record numbers and times are shifted.
fn replica(event: &Event, n: u64) -> Event {
    let mut e = event.clone();
    e.system.computer = format!("{}-{}", n % 200, event.system.computer).into();
    e.time = Time(e.time.0 + (n as i64) * 3_600_000);
    for (key, value) in &mut e.data {
        if let sysmonsearch::event::Key::Field(f) = key {
            if f.ty() == Type::Guid {
                *value = format!("{{{:08x}{}", n as u32, &value[9..]).into();
            } else if matches!(f, Field::CommandLine | Field::TargetFilename) && n % 2 == 1 {
                *value = format!("{value} {n}").into();
            }
        }
    }
    e.id = EventId(event.id.0 ^ (u128::from(n) << 64).rotate_left(17));
    e
}

async fn start(dir: &Path, rules: Vec<Rule>) -> Arc<Pipeline> {
    let pipeline = Pipeline::start(Engines::embedded(dir).unwrap(), dir.join("spool")).await.unwrap();
    pipeline.import_rules(rules).await.unwrap();
    pipeline
}

async fn import(pipeline: &Pipeline, files: &[PathBuf]) {
    for f in files {
        pipeline.import_file(&f.display().to_string(), f, Options::default(), None, &mut Quiet).await.unwrap();
    }
    pipeline.caught_up().await.unwrap();
}

fn main() {
    let grow: u64 = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let files = support::files();
    let mut stages = Vec::new();

    let mut count = Count(0);
    stage(&mut stages, "read and parse", || read_all(&mut count, &files));
    let total = count.0;

    let rules = support::published_rules();
    let (set, _) = stage(&mut stages, "compile all rules", || RuleSet::compile(&rules));
    let events: Vec<Arc<Event>> = support::events_of(&files).into_iter().map(Arc::new).collect();

    let hits = stage(&mut stages, "match all rules", || events.iter().map(|e| set.matches(e).len()).sum::<usize>());
    let dir = tempfile::tempdir().unwrap();
    let store = sysmonsearch::store::embedded::Tantivy::open(&dir.path().join("events"), Default::default()).unwrap();
    stage(&mut stages, "store and index", || {
        runtime.block_on(async {
            for chunk in events.chunks(2_000) {
                store.append(chunk.iter().map(|e| (**e).clone()).collect()).await.unwrap();
            }
            store.refresh().await.unwrap();
        });
    });
    let batches = stage(&mut stages, "project", || {
        events.chunks(2_000).map(|c| graph::project::project(c.iter().map(|e| &**e))).collect::<Vec<_>>()
    });
    let graph_store = graph::embedded::Sqlite::open(&dir.path().join("graph.db")).unwrap();
    stage(&mut stages, "graph upsert", || {
        runtime.block_on(async {
            for (n, b) in batches.into_iter().enumerate() {
                graph_store.upsert(b, &Position::at("log", n as u64 + 1), Fence::default()).await.unwrap();
            }
        });
    });
    drop((store, graph_store, events, set));

    let whole = tempfile::tempdir().unwrap();
    let pipeline = runtime.block_on(start(whole.path(), rules));
    stage(&mut stages, "whole path", || runtime.block_on(import(&pipeline, &files)));

    println!("{total} events of {} files, {hits} hits", files.len());
    println!(
        "{:<20} {:>9} {:>9} {:>12} {:>14} {:>10}",
        "stage", "wall s", "CPU s", "events/s", "events/CPU s", "ratio"
    );
    let base = stages[0].seconds;
    for s in &stages {
        println!(
            "{:<20} {:>9.2} {:>9.2} {:>12.0} {:>14.0} {:>10.2}",
            s.name,
            s.seconds,
            s.cpu,
            total as f64 / s.seconds,
            total as f64 / s.cpu,
            s.seconds / base
        );
    }
    println!("anonymous memory after the whole path: {} MiB", proc_status("RssAnon:") / 1024);
    runtime.block_on(searches(&pipeline, total));

    if grow > total {
        runtime.block_on(async {
            let t = Instant::now();
            let mut peak = 0;
            for n in 1.. {
                for f in &files {
                    let head = pipeline.positions().head.entries();
                    if head >= grow {
                        break;
                    }
                    for chunk in support::events_of(std::slice::from_ref(f)).chunks(2_000) {
                        pipeline.append(chunk.iter().map(|e| replica(e, n)).collect()).await.unwrap();
                    }
                    peak = peak.max(proc_status("RssAnon:") / 1024);
                }
                if pipeline.positions().head.entries() >= grow {
                    break;
                }
            }
            pipeline.caught_up().await.unwrap();
            let head = pipeline.positions().head.entries();
            println!(
                "grown to {head} events: {:.0} events/s, anonymous memory at most {peak} MiB, now {} MiB",
                (head - total) as f64 / t.elapsed().as_secs_f64(),
                proc_status("RssAnon:") / 1024
            );
            searches(&pipeline, head).await;
            println!("disk: {} MiB", size(whole.path()) / 1_048_576);
        });
    }
    runtime.block_on(pipeline.shutdown());
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) })
        .sum()
}

async fn searches(pipeline: &Pipeline, events: u64) {
    let one =
        |field: &str, op: Operator, value: &str| Condition::Match(Match::new(field, op, &[value.to_owned()]).unwrap());
    println!("searches over {events} events: first, second time (ms), total");
    for (name, condition) in [
        ("all events", Condition::All),
        ("CommandLine contains", one("CommandLine", Operator::Contains, "invoke-")),
        ("file contains", one("file", Operator::Contains, "temp\\")),
        ("process ends with", one("process", Operator::EndsWith, "\\powershell.exe")),
        ("registryKey contains", one("registryKey", Operator::Contains, "currentversion\\run")),
        ("CallTrace regex", one("CallTrace", Operator::Regex, r"unknown\([0-9a-f]+\)")),
        ("ip in network", one("ip", Operator::Cidr, "172.16.0.0/12")),
        ("port equals", one("port", Operator::Equals, "445")),
        ("hash equals", one("hash", Operator::Equals, "0123456789abcdef0123456789abcdef")),
    ] {
        let query = Query { condition, period: Period::default() };
        let mut times = Vec::new();
        let mut total = 0;
        for _ in 0..2 {
            let t = Instant::now();
            pipeline.store.search(&Scope::All, &query, Order::NewestFirst, None, 50).await.unwrap();
            total = pipeline.store.summary(&Scope::All, &query, Interval::Buckets(60)).await.unwrap().total;
            times.push(t.elapsed().as_secs_f64() * 1e3);
        }
        println!("  {name:<24} {:>9.1} {:>9.1} {total:>9}", times[0], times[1]);
    }
    let query = Query { condition: Condition::All, period: Period::default() };
    for field in [Field::Image, Field::DestinationIp, Field::CommandLine] {
        let t = Instant::now();
        let terms = pipeline.store.terms(&Scope::All, &query, field, TermOrder::Rare, 20).await.unwrap();
        println!(
            "  rare {:<19} {:>9.1} ms, {} distinct",
            field.name(),
            t.elapsed().as_secs_f64() * 1e3,
            terms.distinct
        );
    }
}
