//! Writing documents: what the cluster had no room for is sent again.
use super::{Client, Method, failure};
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::time::Duration;

/// Size of one request: bytes of documents, and their number.
const MAX_BYTES: usize = 8 << 20;
const MAX_ITEMS: usize = 5_000;
/// Waits before what was refused is sent again; behind the last the sender is told.
const WAITS_MS: &[u64] = &[50, 200, 500, 1_000, 2_000, 4_000, 8_000];

/// What became of one item of a bulk request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Written,
    /// The document was there already, or there is a later version of it.
    Conflict,
    /// A document to delete was not there.
    Absent,
}

impl Client {
    /// Sends the items of a bulk request, each an action and its document with their line ends, in pieces; calls
    /// `each` with what became of every one, in no order.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the cluster is away or full for some seconds. Some items may be written then.
    pub async fn bulk(
        &self,
        items: impl IntoIterator<Item = String, IntoIter: Send> + Send,
        mut each: impl FnMut(Done) + Send,
    ) -> Result<()> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for line in items {
            if !lines.is_empty() && (bytes + line.len() > MAX_BYTES || lines.len() >= MAX_ITEMS) {
                self.piece(std::mem::take(&mut lines), &mut each).await?;
                bytes = 0;
            }
            bytes += line.len();
            lines.push(line);
        }
        if lines.is_empty() { Ok(()) } else { self.piece(lines, &mut each).await }
    }

    /// Sends only those again that the cluster had no room for.
    async fn piece(&self, mut lines: Vec<String>, each: &mut (impl FnMut(Done) + Send)) -> Result<()> {
        for wait in WAITS_MS {
            let path = "_bulk?filter_path=errors,items.*.status,items.*.error";
            let sent = self.send(Method::Post, path, "application/x-ndjson", lines.concat()).await;
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
fn refused(lines: Vec<String>, items: &[Value], each: &mut impl FnMut(Done)) -> Result<Vec<String>> {
    let mut again = Vec::new();
    for (line, item) in lines.into_iter().zip(items) {
        let (action, item) = item.as_object().and_then(|o| o.iter().next()).unzip();
        let item = item.unwrap_or(&Value::Null);
        match item["status"].as_u64() {
            Some(200 | 201) => each(Done::Written),
            Some(409) => each(Done::Conflict),
            Some(404) if action.is_some_and(|a| a == "delete") => each(Done::Absent),
            Some(429 | 503) => again.push(line),
            status => return Err(failure(status.unwrap_or(500) as u16, item)),
        }
    }
    Ok(again)
}
