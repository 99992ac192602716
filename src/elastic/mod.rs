//! Requests to an Elasticsearch or OpenSearch cluster, and its errors as ours: what the event store and the catalog need of
//! it. With `access` the only file that knows the client library.
mod access;
mod bulk;
mod checkup;
pub mod groups;
mod moment;
mod needed;

pub use access::{Access, Login, Secret};
pub use bulk::Done;
pub use moment::Way;
pub use needed::Needed;

use crate::error::{Code, Error, Result};
pub use elasticsearch::http::Method;
use elasticsearch::{
    Elasticsearch,
    http::headers::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::OnceCell;

/// Waits before a request is sent again.
const WAITS_MS: &[u64] = &[20, 50, 100, 200, 400, 800];
/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Parameter of a search: rather no answer than a part of it.
pub const WHOLE: &str = "allow_partial_search_results=false";

/// Refuses what cannot be the beginning of the name of an index.
///
/// # Errors
/// `BAD_INPUT` says what can.
pub fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::bad_input(format!("{name:?} cannot be the prefix of an index: use lower-case letters")))
}

pub struct Client {
    inner: Elasticsearch,
    nodes: usize,
    way: OnceCell<Way>,
    /// How often nobody answered.
    lost: AtomicU64,
}

impl Client {
    /// On one node that asks nobody to log in.
    ///
    /// # Errors
    /// `BAD_INPUT` for a text that is no address. The server is not asked yet.
    pub fn new(url: &str) -> Result<Self> {
        Self::connect(&Access { nodes: vec![url.to_owned()], ..Access::default() })
    }

    /// # Errors
    /// `BAD_INPUT` for what cannot be an access. The server is not asked yet.
    pub fn connect(access: &Access) -> Result<Self> {
        let inner = Elasticsearch::new(access.transport()?);
        Ok(Self { inner, nodes: access.nodes.len(), way: OnceCell::new(), lost: AtomicU64::new(0) })
    }

    /// Status and answer. `path` may carry a query string.
    ///
    /// # Errors
    /// `UNAVAILABLE` when no answer comes.
    pub async fn send(&self, method: Method, path: &str, kind: &'static str, body: String) -> Result<(u16, Value)> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let unavailable = |e: elasticsearch::Error| {
            self.lost.fetch_add(1, Ordering::Relaxed);
            Error::new(Code::Unavailable, "Elasticsearch cannot be reached").with(e)
        };
        let mut body = (!body.is_empty()).then_some(body);
        let mut left = self.nodes;
        let sent = loop {
            left -= 1;
            let this = if left == 0 { body.take() } else { body.clone() };
            let sent = self.inner.send(method, path, headers.clone(), None::<&()>, this, Some(TIMEOUT)).await;
            // Whatever is asked may be asked twice, of another node; not what took too long once.
            if left == 0 || sent.as_ref().err().is_none_or(elasticsearch::Error::is_timeout) {
                break sent;
            }
        };
        let sent = sent.map_err(unavailable)?;
        let status = sent.status_code().as_u16();
        let text = sent.text().await.map_err(unavailable)?;
        Ok((
            status,
            serde_json::from_str(&text).ok().filter(Value::is_object).unwrap_or_else(|| json!({ "text": text })),
        ))
    }

    /// The answer of a request that must succeed. It must not matter whether it comes twice.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let check = if looks_at_all_shards(path) { whole } else { checked };
        self.asked(method, path, "application/json", &body, check).await
    }

    /// The answer of one search. Indices may be missing.
    pub async fn search(&self, indices: &str, body: &Value) -> Result<Value> {
        let path = format!("{indices}/_search?ignore_unavailable=true&allow_no_indices=true&{WHOLE}");
        self.asked(Method::Post, &path, "application/json", &body.to_string(), whole).await
    }

    /// Number of documents. Indices may be missing.
    pub async fn count(&self, indices: &str, filter: &Value) -> Result<u64> {
        let path = format!("{indices}/_count?ignore_unavailable=true&allow_no_indices=true");
        let body = json!({ "query": filter }).to_string();
        let answer = self.asked(Method::Post, &path, "application/json", &body, whole).await?;
        answer["count"].as_u64().ok_or_else(|| Error::internal("a count without a number"))
    }

    /// Makes everything written so far searchable.
    pub async fn refresh(&self, indices: &str) -> Result<()> {
        let path = format!("{indices}/_refresh?ignore_unavailable=true&allow_no_indices=true");
        self.asked(Method::Post, &path, "application/json", "", checked).await.map(drop)
    }

    /// Several searches at once; the answers in the same order.
    pub async fn searches(&self, indices: &str, bodies: &[Value]) -> Result<Vec<Value>> {
        let head = json!({
            "index": indices, "ignore_unavailable": true, "allow_no_indices": true, "allow_partial_search_results": false,
        });
        let lines: String = bodies.iter().map(|b| format!("{head}\n{b}\n")).collect();
        let all = |status, mut answer: Value| {
            let Value::Array(list) = answer["responses"].take() else { return Err(failure(status, &answer)) };
            let each = |a: Value| whole(a["status"].as_u64().unwrap_or(200) as u16, a);
            list.into_iter().map(each).collect()
        };
        self.asked(Method::Post, "_msearch", "application/x-ndjson", &lines, all).await
    }

    /// What `check` takes from an answer. A cluster that answers but cannot yet, as when an index has just been made or it
    /// has too much to do, is asked again.
    async fn asked<T>(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: &str,
        check: impl Fn(u16, Value) -> Result<T> + Sync,
    ) -> Result<T> {
        let mut waits = WAITS_MS.iter();
        loop {
            let (status, answer) = self.send(method, path, kind, body.to_owned()).await?;
            match check(status, answer) {
                Err(e) if e.code == Code::Unavailable && !matches!(status, 401 | 403) => match waits.next() {
                    Some(wait) => tokio::time::sleep(Duration::from_millis(*wait)).await,
                    None => return Err(e),
                },
                done => return done,
            }
        }
    }
}

fn checked(status: u16, answer: Value) -> Result<Value> {
    let failed = answer["_shards"]["failed"].as_u64().unwrap_or(0) > 0 || answer["timed_out"] == true;
    if (200..300).contains(&status) && !failed { Ok(answer) } else { Err(failure(status, &answer)) }
}

/// As [`checked`], for what looks at one copy of each shard. OpenSearch does not count a shard as failed that is away.
/// Skipped ones are successful: they can have no match.
fn whole(status: u16, answer: Value) -> Result<Value> {
    let answer = checked(status, answer)?;
    let shards = |name: &str| answer["_shards"][name].as_u64();
    let away = shards("total").zip(shards("successful")).is_some_and(|(total, successful)| successful < total);
    let unknown = answer["failed_indices"].as_u64().unwrap_or(0) > 0;
    if away || unknown { Err(failure(status, &answer)) } else { Ok(answer) }
}

/// Others count every copy of a shard, also those that a small cluster has no node for.
fn looks_at_all_shards(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    ["_search", "_search/scroll", "_pit", "_search/point_in_time", "_field_caps"]
        .iter()
        .any(|verb| path.strip_suffix(verb).is_some_and(|before| before.is_empty() || before.ends_with('/')))
}

/// Whether a node stopped in an orderly way while it was asked, or its shard was moved. `answer` is that of a request or of
/// an item of a bulk request.
fn is_closing(answer: &Value) -> bool {
    const TYPES: [&str; 4] = [
        "node_closed_exception",
        "already_closed_exception",
        "alreadyclosed_exception",
        "illegal_index_shard_state_exception",
    ];
    let roots = answer["error"]["root_cause"].as_array().into_iter().flatten();
    let mut causes = roots.chain([&answer["error"], &answer["error"]["caused_by"]]);
    causes.any(|e| e["type"].as_str().is_some_and(|name| TYPES.contains(&name)))
}

/// What the caller can do about a refusal. An answer of a part of the shards is one too: nothing is cut silently.
pub fn failure(status: u16, answer: &Value) -> Error {
    let text = answer.to_string();
    let source = format!("status {status}: {}", text.chars().take(2_000).collect::<String>());
    if ["too_many_clauses", "too_many_nested_clauses", "too_complex_to_determinize", "Determinizing"]
        .iter()
        .any(|s| text.contains(s))
        || text.contains("max_regex_length")
    {
        return Error::bad_input("the condition is too complex for Elasticsearch: take fewer or simpler patterns")
            .with(source);
    }
    if text.contains("maximum normal shards open") || text.contains("maximum shards open") {
        let message = "Elasticsearch has no room for a further index: drop old ones (--keep-months), add a node, or raise \
                       cluster.max_shards_per_node";
        return Error::new(Code::Unavailable, message).with(source);
    }
    match status {
        200..300 | 429 | 502..=504 => {
            Error::new(Code::Unavailable, "Elasticsearch is overloaded or starting").with(source)
        }
        500 if is_closing(answer) => Error::new(Code::Unavailable, "Elasticsearch is being stopped").with(source),
        403 if text.contains("cluster_block_exception") => {
            Error::new(Code::Unavailable, "Elasticsearch takes no writes: look whether its disk is full").with(source)
        }
        401 | 403 => Error::credentials(Code::Unavailable, "Elasticsearch").with(source),
        _ => Error::internal(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_answer_is_none() {
        // As OpenSearch 2.19 answers while a primary is away.
        let away = json!({ "_shards": { "total": 2, "successful": 1, "skipped": 0, "failed": 0 } });
        let skipped = json!({ "_shards": { "total": 2, "successful": 2, "skipped": 1, "failed": 0 } });
        let failed = json!({ "_shards": { "total": 2, "successful": 1, "failed": 1 } });
        let code = |answer: Result<Value>| answer.map(drop).map_err(|e| e.code);
        for (answer, searched, written) in [
            (away, Err(Code::Unavailable), Ok(())),
            (skipped, Ok(()), Ok(())),
            (failed, Err(Code::Unavailable), Err(Code::Unavailable)),
            (json!({ "failed_indices": 1 }), Err(Code::Unavailable), Ok(())),
            (json!({ "pit_id": "x" }), Ok(()), Ok(())),
        ] {
            assert_eq!(code(whole(200, answer.clone())), searched, "{answer}");
            assert_eq!(code(checked(200, answer.clone())), written, "{answer}");
        }
    }

    #[test]
    fn who_is_being_stopped_is_asked_again() {
        let closed = json!({ "type": "node_closed_exception", "reason": "node closed" });
        for answer in [
            json!({ "error": closed, "status": 500 }),
            json!({ "error": { "type": "x", "root_cause": [closed] } }),
            json!({ "error": { "type": "x", "caused_by": closed } }),
        ] {
            assert_eq!(failure(500, &answer).code, Code::Unavailable, "{answer}");
        }
        assert_eq!(failure(500, &json!({ "error": { "type": "null_pointer_exception" } })).code, Code::Internal);
        assert_eq!(failure(400, &json!({ "error": closed })).code, Code::Internal);
    }

    #[test]
    fn what_looks_at_all_shards() {
        for path in ["_search", "a-*/_search?scroll=2m", "a/_pit?x", "a/_search/point_in_time?x", "_search/scroll"] {
            assert!(looks_at_all_shards(path), "{path}");
        }
        for path in ["a/_stats/docs?level=shards", "a/_refresh", "my_search/_mapping", "a/_create/_search_", "a_search"]
        {
            assert!(!looks_at_all_shards(path), "{path}");
        }
    }
}
