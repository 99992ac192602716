//! The order of arrival: each shard numbers its operations, and tells up to which number all of them are on disk in every
//! copy. So a follower misses nothing, whoever wrote it and whatever time the event bears.
use super::{
    Store, document,
    pace::{self, Pace},
};
use crate::{
    elastic::{Method, WHOLE},
    error::Result,
    event::Position,
    store::Arrivals,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// Most events of one piece, and bytes of them.
const MAX_PIECE: usize = 2_000;
const MAX_BYTES: usize = 16 << 20;

/// One shard.
pub struct Part {
    /// Id of the shard's history and its number: an index that is made anew, or restored from a snapshot, starts anew.
    name: Arc<str>,
    index: String,
    shard: String,
    /// Operations that are complete.
    entries: u64,
    /// Whether others fill it.
    theirs: bool,
}

impl Store {
    async fn parts(&self) -> Result<Vec<Part>> {
        let mut parts = self.parts_of(&self.indices(), false).await?;
        if let Some(foreign) = &self.foreign {
            parts.extend(self.parts_of(&foreign.names(), true).await?);
        }
        Ok(parts)
    }

    pub async fn parts_of(&self, indices: &str, theirs: bool) -> Result<Vec<Part>> {
        let path = format!(
            "{indices}/_stats/docs?level=shards&ignore_unavailable=true&filter_path=_shards,indices.*.uuid,\
             indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no.global_checkpoint,\
             indices.*.shards.*.commit.user_data.history_uuid"
        );
        let answer = self.client.ask(Method::Get, &path, &Value::Null).await?;
        let mut parts = Vec::new();
        for (index, stats) in answer["indices"].as_object().into_iter().flatten() {
            let uuid = stats["uuid"].as_str().unwrap_or_default();
            for (shard, copies) in stats["shards"].as_object().into_iter().flatten() {
                let primary = copies.as_array().into_iter().flatten().find(|c| c["routing"]["primary"] == true);
                // -1 is "none".
                let entries = primary.and_then(|c| c["seq_no"]["global_checkpoint"].as_i64()).map_or(0, |n| n + 1);
                let history = primary.and_then(|c| c["commit"]["user_data"]["history_uuid"].as_str());
                let name = format!("{}/{shard}", history.unwrap_or(uuid)).into();
                let entries = u64::try_from(entries).unwrap_or(0);
                parts.push(Part { name, index: index.clone(), shard: shard.clone(), entries, theirs });
            }
        }
        Ok(parts)
    }

    pub async fn head(&self) -> Result<Position> {
        Ok(self.parts().await?.into_iter().map(|p| (p.name, p.entries)).collect())
    }

    pub async fn own_head(&self) -> Result<Position> {
        Ok(self.parts_of(&self.indices(), false).await?.into_iter().map(|p| (p.name, p.entries)).collect())
    }

    pub async fn read(&self, after: &Position, max: usize) -> Result<Arrivals> {
        let mut parts = self.parts().await?;
        parts.retain(|p| p.entries > after.of(&p.name));
        let mut out = Arrivals { next: after.clone(), ..Arrivals::default() };
        let behind: BTreeSet<&str> = parts.iter().map(|p| p.index.as_str()).collect();
        for index in behind {
            self.client.refresh(index).await?;
        }
        // Documents of others may be no events: what is looked at is bounded, not what is found.
        let (mut room, mut bytes, mut pace, mut places) = (max.min(MAX_PIECE), 0, Pace::default(), Vec::new());
        'all: for part in parts {
            let mut from = after.of(&part.name);
            while from < part.entries {
                if room == 0 || bytes >= MAX_BYTES {
                    out.more = true;
                    break 'all;
                }
                let size = pace.size().min(room);
                let hits = self.arrived(&part, from, size).await?;
                let weight: usize = hits.iter().map(pace::weight).sum();
                room -= hits.len().min(room);
                bytes += weight;
                pace.saw(hits.len(), weight);
                for hit in &hits {
                    match self.foreign.as_ref().filter(|_| part.theirs) {
                        None => out.events.push(document::read(hit)?),
                        Some(foreign) => out.events.extend(foreign.read(hit).inspect(|e| {
                            self.places.saw(e.id, hit);
                            places.push(e.id);
                        })),
                    }
                }
                let last = hits.last().filter(|_| hits.len() == size).and_then(|h| h["sort"][0].as_u64());
                from = last.map_or(part.entries, |n| n + 1);
                out.next.advance(part.name.clone(), from);
            }
        }
        self.keep_places(&places).await?;
        Ok(out)
    }

    /// Documents of a part in order of arrival.
    async fn arrived(&self, part: &Part, from: u64, size: usize) -> Result<Vec<Value>> {
        let path = format!("{}/_search?preference=_shards:{}&{WHOLE}", part.index, part.shard);
        let body = json!({
            "query": { "range": { "_seq_no": { "gte": from, "lt": part.entries } } },
            "sort": [{ "_seq_no": "asc" }], "size": size, "track_total_hits": false,
        });
        let mut answer = self.client.ask(Method::Post, &path, &body).await?;
        Ok(match answer["hits"]["hits"].take() {
            Value::Array(hits) => hits,
            _ => Vec::new(),
        })
    }
}
