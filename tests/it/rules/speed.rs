//! How fast all published rules match the real mix of events. Prints; run with `--ignored --nocapture`.
use crate::support::{cpu_seconds, data, file_events};
use std::{collections::BTreeMap, time::Instant};
use sysmonsearch::rules::{self, RuleSet};

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|l| l.strip_prefix("RssAnon:"))
        .and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

#[test]
#[ignore = "a measurement"]
fn events_per_second() {
    let Some(data) = data() else { return };
    let before = resident_mib();
    let loaded = rules::load(&data.join("rules/sigma-rules-windows.tar.xz")).unwrap();
    let started = Instant::now();
    let (set, _) = RuleSet::compile(&loaded.rules);
    println!("{set:?} in {:?}; {} MiB more", started.elapsed(), resident_mib() - before);
    let mut names: Vec<String> = std::fs::read_dir(data.join("json-nxlog-flat"))
        .unwrap()
        .map(|e| format!("json-nxlog-flat/{}", e.unwrap().file_name().to_string_lossy()))
        .collect();
    names.sort();
    let (mut events, mut hits, mut wall, mut cpu) = (0, 0, 0.0, 0.0);
    let mut by_code = BTreeMap::<u32, (u64, f64)>::new();
    for name in names {
        let all = file_events(&name).unwrap();
        let busy = cpu_seconds();
        for event in &all {
            let started = Instant::now();
            hits += set.matches(event).len();
            let took = started.elapsed().as_secs_f64();
            let slot = by_code.entry(event.code).or_default();
            *slot = (slot.0 + 1, slot.1 + took);
            wall += took;
        }
        cpu += cpu_seconds() - busy;
        events += all.len();
    }
    println!("{events} events, {hits} hits; {cpu:.2} s of one core, {wall:.2} s by the clock");
    println!("{:.0} events per CPU second", events as f64 / cpu);
    for (code, (n, s)) in by_code {
        println!("code {code:3}: {n:7} events, {:6.1} µs each, {:4.1} %", s / n as f64 * 1e6, s / wall * 100.0);
    }
}
