//! A threat report of any format: STIX 1 and 2, OpenIOC, MISP, CSV, lists. The seeds decide which reader is met.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sysmonsearch::{event::detection::Rule, intel, rules};

fuzz_target!(|bytes: &[u8]| {
    let Ok(report) = intel::read(bytes.to_vec(), "fuzzed", "nobody") else { return };
    assert_eq!(report.import.indicators, report.indicators.len() as u64);
    // Each rule that comes of a report is one that the program itself can read.
    for text in &report.rules {
        let loaded = rules::parse(text, "fuzzed");
        assert!(matches!(loaded.rules.as_slice(), [Rule { .. }]), "{:?}\n{text}", loaded.issues);
    }
});
