//! How fast reading is. Run by hand: `cargo test --release --test it ingest::speed -- --ignored --nocapture`.
use crate::support::{Collected, data};
use std::time::Instant;
use sysmonsearch::ingest::{Options, files, read_path};

/// CPU seconds of this thread, where the system tells: other work on the machine does not count.
fn cpu(start: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanos.map_or_else(|| start.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// Prints events per second of one core for a folder of the real logs.
fn measure(folder: &str, rounds: usize) {
    let Some(data) = data() else { return };
    let files = files(&[data.join(folder)]).0;
    let (mut events, clock) = (0, Instant::now());
    let start = cpu(clock);
    for file in files.iter().cycle().take(files.len() * rounds).filter(|f| f.extension().is_some_and(|e| e != "yml")) {
        let mut all = Collected::default();
        read_path(file, &Options::default(), &mut all).unwrap();
        events += all.events.len() + all.skipped.len();
    }
    let seconds = cpu(clock) - start;
    println!("{folder}: {events} events in {seconds:.2} CPU s, {:.0} per CPU second", events as f64 / seconds);
}

/// The `evtx` crate alone, rendering JSON that nobody reads.
fn bare_evtx(rounds: usize) {
    let Some(data) = data() else { return };
    let files = files(&[data.join("evtx")]).0;
    let (mut events, clock) = (0, Instant::now());
    let start = cpu(clock);
    for file in files.iter().cycle().take(files.len() * rounds) {
        events += evtx::EvtxParser::from_path(file).unwrap().records_json_bytes().count();
    }
    let seconds = cpu(clock) - start;
    println!("bare evtx: {events} events in {seconds:.2} CPU s, {:.0} per CPU second", events as f64 / seconds);
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    measure("json-nxlog-flat", 1);
    measure("json-winlogbeat6", 1);
    measure("evtx", 10);
    bare_evtx(10);
    measure("xml", 10);
}
