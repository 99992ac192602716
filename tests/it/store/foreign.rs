//! Indices that winlogbeat has filled are searched together with our own, where they lie.
use super::{
    cluster::{self, Indices},
    conformance::{all, comparison, pages},
};
use crate::support::{data, real_events};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use sysmonsearch::{
    event::{Condition, Event, EventId, Field, Period, Position, Scope, Time, condition::Operator},
    ingest,
    store::{EventStore, Interval, Order, Query, TermOrder, ValueOrder, ValuesQuery, elasticsearch::Foreign},
};

/// A document as winlogbeat 7 ships it.
fn winlogbeat7(e: &Event) -> Value {
    let mut data: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    e.data.iter().for_each(|(key, value)| data.entry(key.name()).or_default().push(value));
    let data: BTreeMap<&str, Value> =
        data.into_iter().map(|(k, v)| (k, if v.len() == 1 { json!(v[0]) } else { json!(v) })).collect();
    let s = &e.system;
    json!({
        "@timestamp": s.time_created.unwrap_or(e.time).rfc3339(),
        "agent": { "type": "winlogbeat", "version": "7.17.9" },
        "ecs": { "version": "1.12.0" },
        "event": { "code": e.code, "kind": "event", "provider": &*s.provider },
        "host": { "name": &*s.computer },
        "log": { "level": "information" },
        "winlog": {
            "api": "wineventlog", "channel": &*s.channel, "computer_name": &*s.computer, "event_data": data,
            "event_id": e.code, "opcode": "Info", "process": { "pid": s.process_id }, "version": s.version,
            "provider_guid": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}", "provider_name": &*s.provider,
            "record_id": s.record_id,
        },
    })
}

/// As in winlogbeat 7's own template.
fn mapping() -> Value {
    let keyword = json!({ "type": "keyword", "ignore_above": 1024 });
    let of = |names: &[&str]| -> Value {
        let fields: serde_json::Map<String, Value> = names.iter().map(|n| ((*n).to_owned(), keyword.clone())).collect();
        json!({ "properties": fields })
    };
    let mut winlog = of(&["api", "channel", "computer_name", "event_id", "opcode", "provider_guid", "provider_name"]);
    winlog["properties"]["record_id"] = keyword.clone();
    winlog["properties"]["event_data"] = json!({ "type": "object" });
    json!({
        "settings": { "number_of_replicas": 0 },
        "mappings": {
            "date_detection": false,
            "dynamic_templates": [
                { "winlog.event_data": {
                    "path_match": "winlog.event_data.*", "match_mapping_type": "string", "mapping": keyword,
                }},
                { "strings_as_keyword": { "match_mapping_type": "string", "mapping": keyword } },
            ],
            "properties": {
                "@timestamp": { "type": "date" },
                "event": of(&["code", "kind", "provider", "module"]),
                "host": of(&["name"]),
                "message": { "type": "text", "norms": false },
                "winlog": winlog,
            },
        },
    })
}

fn normalise(json: &str) -> Option<Event> {
    ingest::document(json).ok().flatten()
}

/// Real documents of winlogbeat 7, and what its agent and its pipeline for Sysmon make of events.
fn real_documents() -> Vec<Value> {
    let Some(data) = data() else { return Vec::new() };
    let mut docs = Vec::new();
    for folder in ["json-winlogbeat7", "winlogbeat-golden"] {
        let mut files: Vec<_> = std::fs::read_dir(data.join(folder)).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            match serde_json::from_str::<Vec<Value>>(&text) {
                Ok(all) => docs.extend(all),
                // Long files are of one kind.
                Err(_) => docs.extend(text.lines().take(60).map(|line| serde_json::from_str(line).unwrap())),
            }
        }
    }
    docs
}

fn fill(indices: &Indices, docs: &[Value]) {
    let index = indices.other();
    let made = indices.send("PUT", &format!("/{index}"), &mapping().to_string());
    assert!(made.contains("\"acknowledged\":true"), "{made}");
    for part in docs.chunks(500) {
        let lines: String = part.iter().map(|d| format!("{{\"index\":{{}}}}\n{d}\n")).collect();
        let done = indices.send("POST", &format!("/{index}/_bulk"), &lines);
        assert!(done.contains("\"errors\":false"), "{done}");
    }
    indices.send("POST", &format!("/{index}/_refresh"), "");
}

fn queries() -> Vec<Query> {
    let all = || Period::default();
    let of = |name, operator, operands: &[&str]| comparison(name, operator, operands);
    let shell = || of("process", Operator::EndsWith, &["POWERSHELL.exe", r"\cmd.exe"]);
    let conditions = vec![
        of("CommandLine", Operator::Regex, &[r"-[a-z]+ .*\.(dll|exe)"]),
        Condition::All,
        shell(),
        Condition::Not(Box::new(shell())),
        Condition::And(vec![
            of("EventID", Operator::Equals, &["1", "3", "11", "13"]),
            Condition::Or(vec![
                of("Image", Operator::Contains, &["svchost", "WINDOWS"]),
                of("ip", Operator::Exists, &[]),
            ]),
        ]),
        of("ip", Operator::Cidr, &["10.0.0.0/8", "192.168.0.0/16"]),
        of("port", Operator::Gt, &["400"]),
        of("hash", Operator::StartsWith, &["a", "b"]),
        of("CommandLine", Operator::EndsWith, &["long0", "long1", "LONG2"]),
        of("registryValue", Operator::Contains, &["DWORD"]),
        of("Computer", Operator::Contains, &["-0", "wind"]),
        of("data.Brand-new", Operator::Exists, &[]),
    ];
    let middle = Period { from: Some(Time(1_600_000_000_000)), to: Some(Time(1_700_100_000_000)) };
    let mut queries: Vec<Query> = conditions.into_iter().map(|condition| Query { condition, period: all() }).collect();
    queries.push(Query { condition: Condition::All, period: middle });
    queries.push(Query { condition: shell(), period: middle });
    queries
}

#[tokio::test]
async fn an_index_of_winlogbeat_7_and_our_own_are_one_store() {
    let mut all_events = super::sample::events(51, 350);
    all_events.extend(real_events(150).unwrap_or_default());
    let third = all_events.len() / 3;
    // A third is ours, a third theirs, a third is in both.
    let (ours, shipped) = (&all_events[..2 * third], &all_events[third..]);
    let mut docs: Vec<Value> = shipped.iter().map(winlogbeat7).collect();
    let real = real_documents();
    docs.extend(real.iter().cloned());
    let mut theirs: Vec<Event> = docs.iter().filter_map(|d| normalise(&d.to_string())).collect();
    assert_eq!(theirs.len(), docs.len());
    // Two shippers may have read the same log.
    let mut seen = BTreeSet::new();
    theirs.retain(|e| seen.insert(e.id));
    assert!(theirs.len() > shipped.len() + real.len() / 2);
    let same = theirs.iter().zip(shipped).filter(|(a, b)| a.id == b.id).count();
    assert!(same > shipped.len() / 2, "only {same} of {} have one id in both", shipped.len());
    // What is no event of Sysmon, and the same document twice.
    docs.push(
        json!({ "@timestamp": "2023-11-15T00:00:00Z", "winlog": { "provider_name": "Service Control Manager" } }),
    );
    docs.push(docs[5].clone());
    let dir = tempfile::tempdir().unwrap();
    let embedded = super::embedded::open(dir.path());
    embedded.append(ours.to_vec()).await.unwrap();
    embedded.append(theirs.clone()).await.unwrap();
    embedded.refresh().await.unwrap();
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some(indices) = cluster::indices(server) else { continue };
        fill(&indices, &docs);
        let store = indices.store_with(Foreign { indices: vec![indices.other()], normalise });
        store.append(ours.to_vec()).await.unwrap();
        store.refresh().await.unwrap();
        let hosts: BTreeSet<String> = all_events.iter().chain(&theirs).map(Event::host).collect();
        let some = Scope::hosts(hosts.iter().step_by(2));
        for (step, scope) in [(2, &Scope::All), (7, &some), (14, &Scope::hosts(["x"; 0]))] {
            for query in queries().iter().step_by(step) {
                agree(&*store, &*embedded, scope, query).await;
            }
            let counts =
                |s: Arc<dyn EventStore>| async move { s.hosts(scope, Period::default(), None, 9).await.unwrap() };
            assert_eq!(counts(store.clone()).await, counts(embedded.clone()).await);
        }
        by_id_and_followed(&indices, &*store, ours, &theirs).await;
    }
}

/// All verbs of both stores answer the same.
async fn agree(store: &dyn EventStore, embedded: &dyn EventStore, scope: &Scope, query: &Query) {
    let expected = pages(embedded, scope, query, Order::OldestFirst, 200).await;
    let found = pages(store, scope, query, Order::OldestFirst, 200).await;
    let lost: Vec<EventId> = expected.iter().filter(|e| !found.contains(e)).copied().take(2).collect();
    let lost = embedded.events(&Scope::All, &lost).await.unwrap();
    assert!(lost.is_empty(), "{query:?}\n{lost:#?}");
    assert_eq!(found, expected, "{query:?}");
    assert_eq!(store.count(scope, query).await.unwrap(), expected.len() as u64, "{query:?}");
    let image = Order::By { field: Field::Image, descending: true };
    for order in [Order::NewestFirst, image] {
        let expected = pages(embedded, scope, query, order, 150).await;
        assert!(pages(store, scope, query, order, 150).await == expected, "{order:?} {query:?}");
    }
    let buckets = Interval::Buckets(30);
    let summary = embedded.summary(scope, query, buckets).await.unwrap();
    assert_eq!(store.summary(scope, query, buckets).await.unwrap(), summary, "{query:?}");
    let timeline = embedded.timeline(scope, query, buckets).await.unwrap();
    assert_eq!(store.timeline(scope, query, buckets).await.unwrap(), timeline, "{query:?}");
    for field in [Field::Image, Field::HashValue] {
        let terms = embedded.terms(scope, query, field, TermOrder::Top, 20).await.unwrap();
        assert_eq!(store.terms(scope, query, field, TermOrder::Top, 20).await.unwrap(), terms, "{query:?}");
    }
    let baseline =
        Some(Query { condition: Condition::All, period: Period { from: None, to: Some(Time(1_650_000_000_000)) } });
    let fields = vec![Field::ParentImage, Field::Image];
    let ask = ValuesQuery { fields, baseline, only_new: false, order: ValueOrder::Change, descending: true, first: 30 };
    let values = embedded.values(scope, query, &ask).await.unwrap();
    assert_eq!(store.values(scope, query, &ask).await.unwrap(), values, "{query:?}");
    let hosts = ["dc-01", "nowhere", "ws-02.corp.example"].map(str::to_owned);
    let latest = embedded.latest(scope, query, &hosts).await.unwrap();
    assert_eq!(store.latest(scope, query, &hosts).await.unwrap(), latest, "{query:?}");
}

/// Followers read all documents, and from then on each event is found by its id, also by a new process.
async fn by_id_and_followed(indices: &Indices, store: &dyn EventStore, ours: &[Event], theirs: &[Event]) {
    let (mut at, mut read) = (Position::default(), BTreeSet::new());
    loop {
        let piece = store.read(&at, 300).await.unwrap();
        assert!(piece.events.len() <= 300);
        read.extend(piece.events.iter().map(|e| e.id));
        at = piece.next;
        if !piece.more {
            break;
        }
    }
    let ids: BTreeSet<EventId> = ours.iter().chain(theirs).map(|e| e.id).collect();
    assert_eq!((read, &at), (ids.clone(), &store.head().await.unwrap()));
    indices.request("POST", "/*_places/_refresh");
    let other = indices.store_with(Foreign { indices: vec![indices.other()], normalise });
    let ids: Vec<EventId> = ids.into_iter().collect();
    let found = other.events(&Scope::All, &ids).await.unwrap();
    assert!(found.iter().zip(&ids).all(|(e, id)| e.as_ref().is_some_and(|e| e.id == *id)));
    // Late, and old by its own time: it is found by its arrival.
    let mut late = winlogbeat7(&ours[0]);
    late["winlog"]["record_id"] = 9_999_999.into();
    late["winlog"]["event_data"]["UtcTime"] = "2014-05-13 16:53:20.000".into();
    let line = format!("{{\"index\":{{}}}}\n{late}\n");
    indices.send("POST", &format!("/{}/_bulk", indices.other()), &line);
    let piece = store.read(&at, 300).await.unwrap();
    assert_eq!(piece.events.len(), 1);
    assert_eq!(piece.events[0].time, Time(1_400_000_000_000));
    assert_eq!(store.count(&Scope::All, &all()).await.unwrap(), ids.len() as u64 + 1);
}
