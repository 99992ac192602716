//! The text of rules: parsed, checked, compiled, and turned into a search.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sysmonsearch::{
    event::Event,
    ingest::{
        Options,
        bulk::{Outcome, bulk},
    },
    rules::{self, RuleSet, search},
};

const EVENT: &str = r#"{"create": {}}
{"@timestamp": "2026-03-01T00:00:00.000Z", "winlog": {"provider_name": "Microsoft-Windows-Sysmon", "channel": "Microsoft-Windows-Sysmon/Operational", "computer_name": "HOST1.example", "record_id": 1, "event_id": 1, "event_data": {"UtcTime": "2026-03-01 00:00:00.000", "ProcessGuid": "{aaaaaaaa-0000-0000-0000-000000000001}", "ProcessId": "7", "Image": "C:\\Tools\\tool.exe", "CommandLine": "tool.exe /run -x", "User": "EXAMPLE\\ann"}}}
"#;

fn event() -> Event {
    match bulk(EVENT.as_bytes(), "own", &Options::default()).next().unwrap().outcome {
        Outcome::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fuzz_target!(|text: &str| {
    let loaded = rules::parse(text, "fuzzed");
    rules::check::check(text);
    let (set, _) = RuleSet::compile(&loaded.rules);
    set.matches(&event());
    for rule in &loaded.rules {
        if let Ok(condition) = search::to_condition(&rule.text) {
            condition.is_match(&event());
        }
    }
});
