//! Writing documents: what the cluster had no room for is sent again.
use super::{Client, Method, failure, is_closing};
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::time::Duration;

/// Size of one request: bytes of documents, and their number.
const MAX_BYTES: usize = 8 << 20;
const MAX_ITEMS: usize = 5_000;
/// Waits before what was refused is sent again; behind the last the sender is told.
const WAITS_MS: &[u64] = &[50, 200, 500, 1_000, 2_000, 4_000, 8_000];

/// What became of one item of a bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Written,
    /// The document was there already, or there is a later version of it.
    Conflict,
    /// A document to delete was not there.
    Absent,
    /// The cluster cannot take this document, now or later: why, and its item.
    Refused(String, String),
}

impl Client {
    /// Sends the items of a bulk request, each an action and its document with their line ends, in pieces; calls
    /// `each` with the number of every one and what became of it, in no order.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the cluster is away or full for some seconds. Some items may be written then.
    pub async fn bulk(
        &self,
        items: impl IntoIterator<Item = String, IntoIter: Send> + Send,
        mut each: impl FnMut(usize, Done) + Send,
    ) -> Result<()> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for (n, line) in items.into_iter().enumerate() {
            if !lines.is_empty() && (bytes + line.len() > MAX_BYTES || lines.len() >= MAX_ITEMS) {
                self.piece(std::mem::take(&mut lines), &mut each).await?;
                bytes = 0;
            }
            bytes += line.len();
            lines.push((n, line));
        }
        if lines.is_empty() { Ok(()) } else { self.piece(lines, &mut each).await }
    }

    /// Sends only those again that the cluster had no room for.
    async fn piece(&self, mut lines: Vec<(usize, String)>, each: &mut (impl FnMut(usize, Done) + Send)) -> Result<()> {
        for wait in WAITS_MS {
            let path = "_bulk?filter_path=errors,items.*.status,items.*.error";
            let body = lines.iter().map(|(_, line)| line.as_str()).collect();
            let sent = self.send(Method::Post, path, "application/x-ndjson", body).await;
            match sent {
                Ok((200, answer)) => {
                    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                    if items.len() != lines.len() {
                        return Err(Error::internal("Elasticsearch did not answer for each document"));
                    }
                    lines = refused(lines, items, each)?;
                    if lines.is_empty() {
                        return Ok(());
                    }
                }
                Ok((status, answer)) => {
                    let e = failure(status, &answer);
                    if e.code != Code::Unavailable {
                        return Err(e);
                    }
                }
                // The connection may have broken behind the write: then the second time is a conflict, no loss.
                Err(e) if e.code != Code::Unavailable => return Err(e),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(*wait)).await;
        }
        Err(Error::new(Code::Unavailable, "Elasticsearch has no room for more documents: try again later"))
    }
}

/// The items to send again.
fn refused(
    lines: Vec<(usize, String)>,
    items: &[Value],
    each: &mut impl FnMut(usize, Done),
) -> Result<Vec<(usize, String)>> {
    let mut again = Vec::new();
    for ((n, line), item) in lines.into_iter().zip(items) {
        let (action, item) = item.as_object().and_then(|o| o.iter().next()).unzip();
        let item = item.unwrap_or(&Value::Null);
        match item["status"].as_u64() {
            Some(200 | 201) => each(n, Done::Written),
            Some(409) => each(n, Done::Conflict),
            Some(404) if action.is_some_and(|a| a == "delete") => each(n, Done::Absent),
            Some(429 | 503) => again.push((n, line)),
            Some(500) if is_closing(item) => again.push((n, line)),
            Some(400) if is_of_document(&item["error"]) => each(n, Done::Refused(reason(&item["error"]), line)),
            status => return Err(failure(status.unwrap_or(500) as u16, item)),
        }
    }
    Ok(again)
}

/// Whether a document is the reason; an index that cannot be made, a block and the like are not.
fn is_of_document(error: &Value) -> bool {
    let kinds = ["document_parsing_exception", "mapper_parsing_exception", "illegal_argument_exception"];
    error["type"].as_str().is_some_and(|kind| kinds.contains(&kind))
}

fn reason(error: &Value) -> String {
    let text = error["reason"].as_str().unwrap_or_default();
    format!("Elasticsearch cannot take it: {}", text.chars().take(500).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_document_that_is_refused_does_not_stop_the_others() {
        let lines = || (0..4).map(|n| (n, n.to_string())).collect::<Vec<_>>();
        let error = |kind: &str, reason: &str| json!({ "type": kind, "reason": reason });
        let mut items = vec![
            json!({ "create": { "status": 201 } }),
            json!({ "create": { "status": 400, "error": error("illegal_argument_exception", "immense term") } }),
            json!({ "create": { "status": 429, "error": error("es_rejected_execution_exception", "full") } }),
            json!({ "create": { "status": 409, "error": error("version_conflict_engine_exception", "there") } }),
        ];
        let mut done = Vec::new();
        let again = refused(lines(), &items, &mut |n, d| done.push((n, d))).unwrap();
        assert_eq!(again, [(2, "2".to_owned())]);
        let why = "Elasticsearch cannot take it: immense term".to_owned();
        assert_eq!(done, [(0, Done::Written), (1, Done::Refused(why, "1".to_owned())), (3, Done::Conflict)]);
        // The fault of no document.
        let full = "Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] \
                    maximum normal shards open;";
        items[1] = json!({ "create": { "status": 400, "error": error("validation_exception", full) } });
        let e = refused(lines(), &items, &mut |_, _| ()).unwrap_err();
        assert!(e.code == Code::Unavailable && e.message.contains("--keep-months"), "{e}");
        items[1] = json!({ "create": { "status": 404, "error": error("index_not_found_exception", "none") } });
        assert_eq!(refused(lines(), &items, &mut |_, _| ()).unwrap_err().code, Code::Internal);
    }
}
