//! Requests to the cluster, and its errors as ours. With [`super::access`] the only file that knows the client library.
use super::access::Access;
use crate::error::{Code, Error, Result};
pub use elasticsearch::http::Method;
use elasticsearch::{
    Elasticsearch,
    http::headers::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

pub struct Client {
    inner: Elasticsearch,
    nodes: usize,
}

impl Client {
    /// # Errors
    /// `BAD_INPUT` for what cannot be an access. The server is not asked yet.
    pub fn new(access: &Access) -> Result<Self> {
        Ok(Self { inner: Elasticsearch::new(access.transport()?), nodes: access.nodes.len() })
    }

    /// Status and answer. `path` may carry a query string.
    ///
    /// # Errors
    /// `UNAVAILABLE` when no answer comes.
    pub async fn send(&self, method: Method, path: &str, kind: &'static str, body: String) -> Result<(u16, Value)> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let unavailable =
            |e: elasticsearch::Error| Error::new(Code::Unavailable, "Elasticsearch cannot be reached").with(e);
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

    /// The answer of a request that must succeed.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.send(method, path, "application/json", body).await?;
        checked(status, answer)
    }

    /// Several searches at once; the answers in the same order.
    pub async fn searches(&self, indices: &str, bodies: &[Value]) -> Result<Vec<Value>> {
        let head = json!({ "index": indices, "ignore_unavailable": true, "allow_no_indices": true });
        let lines: String = bodies.iter().map(|b| format!("{head}\n{b}\n")).collect();
        let (status, mut answer) = self.send(Method::Post, "_msearch", "application/x-ndjson", lines).await?;
        if let Value::Array(list) = answer["responses"].take() {
            let each = |a: Value| checked(a["status"].as_u64().unwrap_or(200) as u16, a);
            return list.into_iter().map(each).collect();
        }
        Err(failure(status, &answer))
    }
}

fn checked(status: u16, answer: Value) -> Result<Value> {
    let failed = answer["_shards"]["failed"].as_u64().unwrap_or(0) > 0 || answer["timed_out"] == true;
    if (200..300).contains(&status) && !failed { Ok(answer) } else { Err(failure(status, &answer)) }
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
    match status {
        200..300 | 429 | 502..=504 => {
            Error::new(Code::Unavailable, "Elasticsearch is overloaded or starting").with(source)
        }
        401 | 403 => Error::new(Code::Unavailable, "Elasticsearch refuses the credentials").with(source),
        _ => Error::internal(source),
    }
}
