//! How fast reading is. Run by hand: `cargo test --release --test it ingest::speed -- --ignored --nocapture`.
use crate::support::{Collected, data};
use std::time::Instant;
use sysmonsearch::ingest::{Options, files, read_path};

/// Prints events per second of one core for a folder of the real logs.
fn measure(folder: &str, rounds: usize) {
    let Some(data) = data() else { return };
    let files = files(&[data.join(folder)]).0;
    let (mut events, start) = (0, Instant::now());
    for file in files.iter().cycle().take(files.len() * rounds).filter(|f| f.extension().is_some_and(|e| e != "yml")) {
        let mut all = Collected::default();
        read_path(file, &Options::default(), &mut all).unwrap();
        events += all.events.len() + all.skipped.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{folder}: {events} events in {seconds:.2} s, {:.0} per second", events as f64 / seconds);
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    measure("json-nxlog-flat", 1);
    measure("json-winlogbeat6", 1);
    measure("evtx", 10);
    measure("xml", 10);
}
