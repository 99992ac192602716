//! One record gives one event, whatever the layout it came in.
use crate::support::{data, file_events, real_events};
use sysmonsearch::{
    event::{Event, Field, Key, document::document},
    ingest::{
        Options,
        bulk::{Outcome, bulk},
    },
};

/// Events of an EVTX file of this set by the name of its copy in another layout.
fn original(copy: &str) -> Option<Vec<Event>> {
    let name = std::path::Path::new(copy).with_extension("evtx");
    let found = sysmonsearch::ingest::files(&[data()?.join("evtx")]).0;
    let path = found.into_iter().find(|f| f.file_name() == name.file_name()).unwrap();
    Some(crate::support::read(&path).events)
}

fn copies(folder: &str) -> Vec<String> {
    let Some(data) = data() else { return Vec::new() };
    let files = sysmonsearch::ingest::files(&[data.join(folder)]).0;
    files.iter().map(|f| f.strip_prefix(&data).unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn xml_equals_evtx() {
    for copy in copies("xml") {
        assert_same(&copy, &original(&copy).unwrap(), &file_events(&copy).unwrap());
    }
}

#[test]
fn winlogbeat_equals_evtx_in_what_it_carries() {
    for copy in copies("json-winlogbeat7") {
        let mut want = original(&copy).unwrap();
        // Task is there by name only, keywords only where they have names.
        for e in &mut want {
            e.system.task = None;
            e.system.keywords = None;
        }
        assert_same(&copy, &want, &file_events(&copy).unwrap());
    }
}

fn assert_same(what: &str, want: &[Event], got: &[Event]) {
    assert_eq!(want.len(), got.len(), "{what}");
    for (want, got) in want.iter().zip(got) {
        assert_eq!(want, got, "{what}");
    }
}

#[test]
fn a_document_reads_back_as_the_same_event() {
    let Some(events) = real_events(7) else { return };
    let mut body = String::new();
    for e in &events {
        body.push_str("{\"create\":{\"_index\":\"winlogbeat\"}}\n");
        body.push_str(&document(e).to_string());
        body.push('\n');
    }
    let items: Vec<_> = bulk(body.as_bytes(), "test", &Options::default()).collect();
    assert_eq!(items.len(), events.len());
    for (item, mut want) in items.into_iter().zip(events) {
        let Outcome::Event(got) = item.outcome else { panic!("{:?}", item.outcome) };
        // An event without a record number is told by its ordinal, which a sample changes.
        if want.system.record_id.is_none() {
            want.id = got.id;
        }
        assert_eq!(want, *got);
    }
}

#[test]
fn the_ecs_pipeline_is_read_back() {
    let names = ["sysmon-11-filedelete", "sysmon-12-processcreate", "sysmon-13-processtampering"];
    for name in names {
        let Some(before) = file_events(&format!("winlogbeat-golden/collection__{name}.evtx.golden.json")) else {
            return;
        };
        let after = file_events(&format!("winlogbeat-golden/ingest__{name}.golden.json")).unwrap();
        for (b, a) in before.iter().zip(&after) {
            assert_eq!(b.id, a.id, "{name}");
            assert_eq!(b.time, a.time, "{name}");
            // The pipeline drops all-zero hashes and folds the others.
            let hashes = |e: &Event| {
                let mut all: Vec<_> = e.hashes().iter().map(|(a, v)| (a.to_lowercase(), v.to_lowercase())).collect();
                all.sort();
                all
            };
            assert_eq!(hashes(b), hashes(a), "{name}");
            for (key, value) in b.data.iter().filter(|(k, _)| *k != Key::Field(Field::Hashes)) {
                let got = a.key_values(key).first().map(|v| v.to_lowercase());
                assert_eq!(got, Some(value.to_lowercase()), "{name} {key:?}");
            }
        }
    }
}
