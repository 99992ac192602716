//! Where the events of others are, by event id: an event is asked for by its id (from a hit, from the graph), which
//! their documents do not have. A follower reads each of them once; then its place is kept in a small index of ours.
use super::super::{Store, pace};
use crate::{
    elastic::{self, Method},
    error::Result,
    event::{Event, EventId, Scope},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

/// Places of events that were shown before a follower has come to them.
const MAX_SEEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(100_000);
/// Documents of one request.
const PIECE: usize = pace::MOST;

type Place = (String, String);

pub struct Places(Mutex<lru::LruCache<EventId, Place>>);

impl Default for Places {
    fn default() -> Self {
        Self(Mutex::new(lru::LruCache::new(MAX_SEEN)))
    }
}

impl Places {
    pub fn saw(&self, id: EventId, hit: &Value) {
        if let (Some(index), Some(doc)) = (hit["_index"].as_str(), hit["_id"].as_str()) {
            let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.put(id, (index.to_owned(), doc.to_owned()));
        }
    }

    fn of(&self, id: EventId) -> Option<Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Store {
    /// The index of places.
    fn places_index(&self) -> String {
        format!("{}_places", self.prefix)
    }

    /// Keeps the places of events for good.
    pub async fn keep_places(&self, ids: &[EventId]) -> Result<()> {
        let index = self.places_index();
        let items = ids.iter().filter_map(|id| {
            let (at, doc) = self.places.of(*id)?;
            // Written anew where it is there: the index that it was in may be gone.
            let head = json!({ "index": { "_index": index, "_id": id.to_string() } });
            Some(format!("{head}\n{}\n", json!({ "index": at, "doc": doc })))
        });
        let items: Vec<String> = items.collect();
        self.client.bulk(items, |_, _| ()).await
    }

    /// Events of theirs by id.
    pub async fn at_places(&self, scope: &Scope, ids: &[EventId]) -> Result<HashMap<EventId, Arc<Event>>> {
        let mut found = HashMap::new();
        let Some(of) = &self.foreign else { return Ok(found) };
        for ids in ids.chunks(PIECE) {
            let mut docs: Vec<Place> = ids.iter().filter_map(|id| self.places.of(*id)).collect();
            let unseen: Vec<String> =
                ids.iter().filter(|id| self.places.of(**id).is_none()).map(ToString::to_string).collect();
            if !unseen.is_empty() {
                let body = json!({ "query": { "ids": { "values": unseen } }, "size": PIECE });
                let answer = self.client.search(&self.places_index(), &body).await?;
                let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                let hits = answer["hits"]["hits"].as_array().into_iter().flatten();
                docs.extend(hits.map(|h| (text(&h["_source"]["index"]), text(&h["_source"]["doc"]))));
            }
            if docs.is_empty() {
                continue;
            }
            let docs: Vec<Value> = docs.iter().map(|(index, doc)| json!({ "_index": index, "_id": doc })).collect();
            let answer = self.client.ask(Method::Post, "_mget", &json!({ "docs": docs })).await?;
            let docs = answer["docs"].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_away = |d: &&Value| !d["error"].is_null() && d["error"]["type"] != "index_not_found_exception";
            if let Some(away) = docs.iter().find(is_away) {
                return Err(elastic::failure(503, away));
            }
            let docs = docs.iter().filter(|d| d["found"] == true);
            let events = docs.filter_map(|d| of.read(d)).filter(|e| ids.contains(&e.id) && scope.allows(&e.host()));
            found.extend(events.map(|e| (e.id, e)));
        }
        Ok(found)
    }
}
