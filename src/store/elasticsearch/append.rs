//! Writing: each event is created under its own id, so that a second time changes nothing.
use super::{Store, document};
use crate::{
    elastic::Done,
    error::Result,
    event::{Event, EventId},
    store::{Appended, Refused},
};
use serde_json::json;

impl Store {
    pub async fn append(&self, events: Vec<Event>) -> Result<Appended> {
        self.ready().await?;
        let mut done = Appended::default();
        let ids: Vec<EventId> = events.iter().map(|e| e.id).collect();
        let items = events.into_iter().map(|event| {
            let index = document::index(&self.prefix, event.time);
            let at = json!({ "create": { "_index": index, "_id": event.id.to_string() } });
            format!("{at}\n{}\n", document::write(&event))
        });
        let each = |n: usize, d| match d {
            Done::Written => done.stored += 1,
            Done::Conflict | Done::Absent => done.duplicates += 1,
            Done::Refused(reason, item) => {
                let record = document::of_item(&item);
                done.refused.extend(ids.get(n).map(|id| Refused { id: *id, reason, record }));
            }
        };
        self.client.bulk(items, each).await?;
        done.head = self.own_head().await?;
        Ok(done)
    }
}
