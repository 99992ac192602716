//! What rules and indicators cost, on the real nxlog logs: `cargo bench --bench rules -- [TURNS]` (2).
//!
//! Prints events per second of matching alone, and of the whole path from files to hits, without rules, with 300, with all,
//! and with all and 100,000 indicators. Each is measured in turns, so that whatever else runs on the machine falls on all,
//! and the best of each counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first failure")]
mod support;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};
use support::{Quiet, cpu};
use sysmonsearch::{
    event::detection::Rule,
    ingest::Options,
    intel::{self, Report},
    pipeline::{Engines, Pipeline},
    rules::{self, RuleSet},
};

/// Names of what is measured, and how many rules of it.
const SETS: [(&str, usize, bool); 4] = [
    ("no rules", 0, false),
    ("300 rules", 300, false),
    ("all rules", usize::MAX, false),
    ("all rules, 100,000 indicators", usize::MAX, true),
];

/// Half hashes of three kinds, half domains.
fn report() -> Report {
    let mut list = String::new();
    for n in 0_u128..50_000 {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        match n % 3 {
            0 => list.push_str(&format!("{mixed:032x}\n")),
            1 => list.push_str(&format!("{mixed:032x}{n:08x}\n")),
            _ => list.push_str(&format!("{mixed:032x}{mixed:032x}\n")),
        }
        list.push_str(&format!("host{n}.bad{}.example\n", n % 977));
    }
    intel::read(list.into_bytes(), "list", "bench").unwrap()
}

/// Events per second by the clock and by CPU time: the best so far of each set.
#[derive(Default)]
struct Best(BTreeMap<usize, (f64, f64)>);

impl Best {
    /// What `events` took since the clock and CPU time of `since`.
    fn take(&mut self, set: usize, events: u64, since: (Instant, f64)) {
        let (clock, busy) = since;
        let (clock, busy) = (events as f64 / clock.elapsed().as_secs_f64(), events as f64 / (cpu() - busy));
        let best = self.0.entry(set).or_default();
        *best = (best.0.max(clock), best.1.max(busy));
    }

    /// Ratios are by CPU time, which other work on the machine disturbs less.
    fn print(&self, what: &str) {
        println!("{what:<34} {:>10} {:>14} {:>9} {:>9}", "events/s", "events/CPU s", "of none", "of all");
        let of = |set: usize, busy: f64| self.0.get(&set).map_or("-".into(), |b| format!("{:.2}", busy / b.1));
        for (set, (clock, busy)) in &self.0 {
            let name = SETS[*set].0;
            println!("{name:<34} {clock:>10.0} {busy:>14.0} {:>9} {:>9}", of(0, *busy), of(2, *busy));
        }
    }
}

async fn import(dir: &Path, rules: Vec<Rule>, report: Option<Report>, files: &[PathBuf], best: &mut Best, set: usize) {
    let pipeline = Pipeline::start(Engines::embedded(dir).unwrap(), dir.join("spool")).await.unwrap();
    pipeline.import_rules(rules).await.unwrap();
    if let Some(report) = report {
        pipeline.import_indicators(report).await.unwrap();
    }
    let (since, mut events) = ((Instant::now(), cpu()), 0);
    for file in files {
        let name = file.display().to_string();
        events += pipeline.import_file(&name, file, Options::default(), None, &mut Quiet).await.unwrap().read;
    }
    pipeline.caught_up().await.unwrap();
    best.take(set, events, since);
    pipeline.shutdown().await;
}

fn main() {
    let turns: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let files = support::files();
    let usable: Vec<Rule> = support::published_rules().into_iter().filter(|r| r.refused.is_none()).collect();
    let report = report();
    let made: Vec<Rule> = report.rules.iter().flat_map(|t| rules::parse(t, "list").rules).collect();
    let of = |count: usize| usable.iter().take(count).cloned().collect::<Vec<Rule>>();

    let (events, count) = (support::events_of(&files), report.indicators.len());
    println!("{} events, {} rules, {count} indicators", events.len(), usable.len());
    let mut alone = Best::default();
    let sets: Vec<(usize, RuleSet)> = SETS
        .iter()
        .enumerate()
        .skip(1)
        .map(|(n, (_, rules, listed))| {
            let mut rules = of(*rules);
            rules.extend(made.iter().filter(|_| *listed).cloned());
            (n, RuleSet::compile(&rules).0)
        })
        .collect();
    for _ in 0..turns {
        for (n, set) in &sets {
            let since = (Instant::now(), cpu());
            let hits: usize = events.iter().map(|e| set.matches(e).len()).sum();
            assert_ne!(hits, 0);
            alone.take(*n, events.len() as u64, since);
        }
    }
    alone.print("matching alone");
    drop((events, sets));

    let mut path = Best::default();
    for _ in 0..turns {
        for (n, (_, rules, listed)) in SETS.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let report = listed.then(|| report.clone());
            runtime.block_on(import(dir.path(), of(*rules), report, &files, &mut path, n));
        }
    }
    path.print("the whole path");
}
