//! The body of a `_bulk` request.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sysmonsearch::ingest::{Options, bulk::bulk};

fuzz_target!(|body: &[u8]| {
    let mut items = bulk(body, "fuzzed", &Options::default());
    let lines = body.split(|b| *b == b'\n').count();
    assert!(items.by_ref().count() <= lines, "more items than lines");
    items.check().unwrap();
});
