//! Hits as documents of Elasticsearch: one index, the id of the document is that of the hit.
//!
//! A document is written and deleted under a version that follows from the number of the change. So whatever comes late,
//! from a writer that was taken for dead, is older than what is there, and refused.
use super::state::Detected;
use crate::{
    catalog::{HitFilter, StoredHit},
    error::{Error, Result},
    event::{EventId, Scope, Time, detection::Hit, normal_host},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest value in the index, in bytes; Lucene takes some more.
const MAX_TERM: usize = 8_000;
/// How long the cluster knows which version was deleted, so that an older one is refused that a writer has been hanging with.
pub const GC_DELETES: &str = "1d";
/// Values of one list in a query; the cluster takes some more.
const MAX_TERMS: usize = 50_000;

/// Namespace of what stands for longer ones; part of the stored form, never to be changed.
const LONG: uuid::Uuid = uuid::Uuid::from_u128(0x3f6b_81d2_0c95_5e47_a4d8_6be1_92f0_57c3);

/// Explicit fields only.
pub fn template(index: &str) -> Value {
    let (keyword, long) = (json!({ "type": "keyword" }), json!({ "type": "long" }));
    json!({
        "index_patterns": [index],
        "priority": 500,
        "template": {
            "settings": {
                "auto_expand_replicas": "0-1", "refresh_interval": "1s", "index.gc_deletes": GC_DELETES,
            },
            "mappings": {
                "dynamic": false,
                "properties": {
                    "number": long, "time": long, "id": keyword, "rule": keyword, "level": keyword, "host": keyword,
                    "event": keyword, "matched": keyword,
                    // All of it, as it is.
                    "hit": { "type": "object", "enabled": false },
                },
            },
        },
    })
}

/// A value as the index has it.
pub fn term(value: &str) -> String {
    if value.len() <= MAX_TERM {
        value.to_owned()
    } else {
        format!("uuid:{}", uuid::Uuid::new_v5(&LONG, value.as_bytes()))
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    number: u64,
    event: String,
    /// Former numbers; the first one, or `true`, in what earlier versions wrote.
    #[serde(default)]
    again: Value,
    #[serde(default)]
    floor: u64,
    hit: Parts,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    id: String,
    rule_id: String,
    rule_version: String,
    rule_title: String,
    level: String,
    time: Time,
    host: String,
    found: Time,
    matched: Vec<String>,
    joined: Vec<String>,
}

/// The lines of a bulk request that write a hit.
pub fn write(index: &str, StoredHit { number, hit, again, floor }: &StoredHit, change: u64) -> String {
    let version = change * 2 + 1;
    let at = json!({ "index": { "_index": index, "_id": hit.id, "version": version, "version_type": "external" } });
    let matched: Vec<String> = hit.matched.iter().map(|m| term(m)).collect();
    let parts = json!({
        "id": hit.id, "rule_id": hit.rule_id, "rule_version": hit.rule_version, "rule_title": hit.rule_title,
        "level": hit.level, "time": hit.time, "host": hit.host, "found": hit.found, "matched": hit.matched,
        "joined": hit.joined,
    });
    let document = json!({
        "number": number, "time": hit.time, "id": hit.id, "rule": term(&hit.rule_id), "level": term(&hit.level),
        "host": term(&hit.host), "event": hit.event_id.to_string(), "matched": matched, "again": again, "floor": floor,
        "hit": parts,
    });
    format!("{at}\n{document}\n")
}

/// The line of a bulk request that deletes a hit; in one change it comes before what is written.
pub fn delete(index: &str, id: &str, change: u64) -> String {
    let version = change * 2;
    let at = json!({ "delete": { "_index": index, "_id": id, "version": version, "version_type": "external_gte" } });
    format!("{at}\n")
}

/// The hit of an answer of the cluster.
pub fn read(found: &mut Value) -> Result<StoredHit> {
    let Document { number, event, again, floor, hit } = serde_json::from_value(found["_source"].take())?;
    let event_id = EventId::parse(&event).ok_or_else(|| Error::internal("a hit without the id of an event"))?;
    let Parts { id, rule_id, rule_version, rule_title, level, time, host, found, matched, joined } = hit;
    let hit = Hit { id, rule_id, rule_version, rule_title, level, event_id, time, host, found, matched, joined };
    let again = match again {
        Value::Bool(true) => vec![1],
        Value::Array(all) => all.iter().filter_map(Value::as_u64).collect(),
        one => one.as_u64().into_iter().collect(),
    };
    Ok(StoredHit { number, hit, again, floor })
}

/// Documents that hold one of the values.
pub fn any_of(field: &str, values: &[String]) -> Value {
    let terms: Vec<String> = values.iter().map(|v| term(v)).collect();
    let parts: Vec<Value> = terms.chunks(MAX_TERMS).map(|some| json!({ "terms": { field: some } })).collect();
    match parts.as_slice() {
        [] => json!({ "match_none": {} }),
        [one] => one.clone(),
        _ => json!({ "bool": { "should": parts, "minimum_should_match": 1 } }),
    }
}

pub fn one(field: &str, value: &str) -> Value {
    json!({ "term": { field: term(value) } })
}

pub fn all_of(filters: &[Value]) -> Value {
    json!({ "bool": { "filter": filters } })
}

/// The hits that are there, and that the scope sees. `after` and `before` are numbers, exclusive.
pub fn seen(state: &Detected, scope: &Scope, after: Option<u64>, before: Option<u64>) -> Vec<Value> {
    let after = after.unwrap_or(0).max(state.floor);
    let upto = before.map_or(state.visible, |n| n.saturating_sub(1).min(state.visible));
    let mut filters = vec![json!({ "range": { "number": { "gt": after, "lte": upto } } })];
    if let Scope::Hosts(hosts) = scope {
        filters.push(any_of("host", hosts));
    }
    filters
}

pub fn matching(filter: &HitFilter) -> Vec<Value> {
    let mut filters = Vec::new();
    if let Some(rule) = &filter.rule_id {
        filters.push(one("rule", rule));
    }
    if let Some(host) = &filter.host {
        filters.push(one("host", &normal_host(host)));
    }
    if !filter.levels.is_empty() {
        filters.push(any_of("level", &filter.levels));
    }
    if let Some(from) = filter.period.from {
        filters.push(json!({ "range": { "time": { "gte": from } } }));
    }
    if let Some(to) = filter.period.to {
        filters.push(json!({ "range": { "time": { "lt": to } } }));
    }
    filters
}
