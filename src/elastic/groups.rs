//! Exact counts by pages of composite aggregations: however many groups there are, none is left out or estimated.
use super::Client;
use crate::error::Result;
use serde_json::{Map, Value, json};

/// Groups of one answer of the cluster.
const PIECE: usize = 5_000;

/// One group: its key and count, and first and last time where they were asked for.
pub struct Group {
    pub key: Map<String, Value>,
    pub events: u64,
    pub first: i64,
    pub last: i64,
}

impl Group {
    pub fn text(&self, name: &str) -> &str {
        self.key.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> i64 {
        self.key.get(name).map(whole).unwrap_or_default()
    }
}

/// A source of groups: the values of a field.
pub fn by(name: &str, path: &str) -> Value {
    json!({ name: { "terms": { "field": path } } })
}

/// A number that the cluster may write with a fraction.
pub fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| value.as_f64().unwrap_or_default() as i64)
}

impl Client {
    /// Calls `f` with every group in the order of its key, until it says no; `time` is the field of first and last time.
    pub async fn groups(
        &self,
        indices: &str,
        filter: &Value,
        sources: &[Value],
        time: Option<&str>,
        mut f: impl FnMut(Group) -> Result<bool> + Send,
    ) -> Result<()> {
        let body = |after: Value| {
            let mut composite = json!({ "size": PIECE, "sources": sources });
            if !after.is_null() {
                composite["after"] = after;
            }
            let mut groups = json!({ "composite": composite });
            if let Some(time) = time {
                groups["aggs"] = json!({ "first": { "min": { "field": time } }, "last": { "max": { "field": time } } });
            }
            json!({ "query": filter, "size": 0, "track_total_hits": false, "aggs": { "g": groups } })
        };
        let is_last = |answer: &Value| {
            let groups = &answer["aggregations"]["g"];
            groups["buckets"].as_array().is_none_or(|b| b.len() < PIECE) || groups["after_key"].is_null()
        };
        self.in_pieces(indices, body(Value::Null), is_last, |mut answer| {
            let last = is_last(&answer);
            let mut answer = answer["aggregations"]["g"].take();
            let Value::Array(buckets) = answer["buckets"].take() else { return Ok(None) };
            for mut bucket in buckets {
                let Value::Object(key) = bucket["key"].take() else { continue };
                let events = bucket["doc_count"].as_u64().unwrap_or_default();
                let (first, last) = (whole(&bucket["first"]["value"]), whole(&bucket["last"]["value"]));
                if !f(Group { key, events, first, last })? {
                    return Ok(None);
                }
            }
            Ok((!last).then(|| body(answer["after_key"].take())))
        })
        .await
    }
}
