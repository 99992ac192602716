//! What 100,000 indicators cost: the same events with all published rules, without and with them.
//! Prints; run with `--ignored --nocapture`.
use crate::support::{data, file_events};
use std::time::Instant;
use sysmonsearch::{
    event::{Event, detection::Rule},
    intel,
    rules::{self, RuleSet},
};

/// Half hashes of three kinds, half domains.
fn list() -> String {
    let mut out = String::new();
    for n in 0_u128..50_000 {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        match n % 3 {
            0 => out.push_str(&format!("{mixed:032x}\n")),
            1 => out.push_str(&format!("{mixed:032x}{n:08x}\n")),
            _ => out.push_str(&format!("{mixed:032x}{mixed:032x}\n")),
        }
        out.push_str(&format!("host{n}.bad{}.example\n", n % 977));
    }
    out
}

fn per_second(set: &RuleSet, events: &[Event]) -> f64 {
    let started = Instant::now();
    let hits: usize = events.iter().map(|e| set.matches(e).len()).sum();
    assert!(hits > 0);
    events.len() as f64 / started.elapsed().as_secs_f64()
}

#[test]
#[ignore = "a measurement"]
fn one_hundred_thousand_indicators_cost_little() {
    let Some(data) = data() else { return };
    let loaded = rules::load(&data.join("rules/sigma-rules-windows.tar.xz")).unwrap();
    let started = Instant::now();
    let report = intel::read(list().into_bytes(), "list", "test").unwrap();
    println!("{} indicators, {} rules, read in {:?}", report.indicators.len(), report.rules.len(), started.elapsed());
    let started = Instant::now();
    let made: Vec<Rule> = report.rules.iter().flat_map(|t| rules::parse(t, "list").rules).collect();
    println!(
        "parsed in {:?}; {} bytes of rules",
        started.elapsed(),
        report.rules.iter().map(String::len).sum::<usize>()
    );
    let (without, _) = RuleSet::compile(&loaded.rules);
    let started = Instant::now();
    let (with, failed) = RuleSet::compile(&[loaded.rules.clone(), made.clone()].concat());
    println!("{with:?} compiled in {:?}", started.elapsed());
    assert!(failed.iter().all(|(id, _)| made.iter().all(|r| r.id != *id)));
    let (only, _) = RuleSet::compile(&made);
    let mut names: Vec<_> =
        std::fs::read_dir(data.join("json-nxlog-flat")).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let mut events = Vec::new();
    for name in names {
        let name = format!("json-nxlog-flat/{}", name.file_name().unwrap().to_string_lossy());
        let all = file_events(&name).unwrap();
        events.extend(all.iter().step_by(4).cloned());
    }
    let started = Instant::now();
    let none: usize = events.iter().map(|e| only.matches(e).len()).sum();
    let alone = started.elapsed().as_secs_f64() / events.len() as f64 * 1e6;
    println!("{} events; indicators alone: {none} hits, {alone:.2} µs per event", events.len());
    // In turns, so that whatever else runs on the machine falls on both; the best of each counts.
    let (mut best_without, mut best_with) = (0.0_f64, 0.0_f64);
    for _ in 0..5 {
        best_without = best_without.max(per_second(&without, &events));
        best_with = best_with.max(per_second(&with, &events));
    }
    let cost = 1.0 - best_with / best_without;
    println!("{best_without:.0} events/s without, {best_with:.0} with: {:.1} % less", cost * 100.0);
    assert!(cost < 0.2, "indicators cost {:.1} % of the throughput", cost * 100.0);
}
