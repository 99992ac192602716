//! Writing: each event is created under its own id, so that a second time changes nothing.
use super::{
    Store,
    client::{self, Method},
    document,
};
use crate::{
    error::{Code, Error, Result},
    event::Event,
    store::Appended,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Size of one request: bytes of documents, and their number.
const MAX_BYTES: usize = 8 << 20;
pub const MAX_EVENTS: usize = 5_000;
/// Waits before what was refused is sent again; behind the last the sender is told.
const WAITS_MS: &[u64] = &[50, 200, 500, 1_000, 2_000, 4_000, 8_000];

impl Store {
    pub async fn append(&self, events: Vec<Event>) -> Result<Appended> {
        self.ready().await?;
        let mut done = Appended::default();
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for event in events {
            let at = json!({ "create": { "_index": document::index(&self.prefix, event.time), "_id": event.id.to_string() } });
            let line = format!("{at}\n{}\n", document::write(&event));
            if !lines.is_empty() && (bytes + line.len() > MAX_BYTES || lines.len() >= MAX_EVENTS) {
                self.bulk(std::mem::take(&mut lines), &mut done).await?;
                bytes = 0;
            }
            bytes += line.len();
            lines.push(line);
        }
        if !lines.is_empty() {
            self.bulk(lines, &mut done).await?;
        }
        done.head = self.head().await?;
        Ok(done)
    }

    /// Stores the documents; sends only those again that the cluster had no room for.
    pub async fn bulk(&self, mut lines: Vec<String>, done: &mut Appended) -> Result<()> {
        for wait in WAITS_MS {
            let path = "_bulk?filter_path=errors,items.*.status,items.*.error";
            let sent = self.client.send(Method::Post, path, "application/x-ndjson", lines.concat()).await;
            match sent {
                Ok((200, answer)) => {
                    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                    if items.len() != lines.len() {
                        return Err(Error::internal("Elasticsearch did not answer for each event"));
                    }
                    lines = self.refused(lines, items, done)?;
                    if lines.is_empty() {
                        return Ok(());
                    }
                }
                Ok((status, answer)) => {
                    let e = client::failure(status, &answer);
                    if e.code != Code::Unavailable {
                        return Err(e);
                    }
                }
                // The connection may have broken behind the write: then the second time is a duplicate, no loss.
                Err(e) if e.code != Code::Unavailable => return Err(e),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(*wait)).await;
        }
        Err(Error::new(Code::Unavailable, "Elasticsearch has no room for more events: try again later"))
    }

    /// The documents to send again.
    fn refused(&self, lines: Vec<String>, items: &[Value], done: &mut Appended) -> Result<Vec<String>> {
        let mut again = Vec::new();
        for (line, item) in lines.into_iter().zip(items) {
            let item = &item["create"];
            match item["status"].as_u64() {
                Some(200 | 201) => done.stored += 1,
                Some(409) => done.duplicates += 1,
                Some(429 | 503) => again.push(line),
                status => return Err(client::failure(status.unwrap_or(500) as u16, item)),
            }
        }
        Ok(again)
    }
}
