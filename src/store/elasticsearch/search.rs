//! Pages of events. Events never change, so a page goes on behind its last (time, id) without a point in time.
use super::{Store, document, mapping, query};
use crate::{
    error::{Error, Result},
    event::{Event, EventId, Scope},
    store::{Cursor, Order, Page, Query},
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

/// Events of one answer of the cluster.
const PIECE: usize = 2_000;

impl Store {
    pub async fn search(
        &self,
        scope: &Scope,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        first: usize,
    ) -> Result<Page> {
        let after = match after {
            None => None,
            Some(cursor) => Some(self.sort_values(order, cursor).await?),
        };
        let filter = self.filter(scope, query).await?;
        let (mut events, more) = self.page(&filter, &sort(order), after, first).await?;
        events.truncate(first);
        Ok(Page { events, more })
    }

    /// What the event of a cursor is sorted by.
    async fn sort_values(&self, order: Order, cursor: Cursor) -> Result<Value> {
        let Order::By { field, descending } = order else {
            return Ok(json!([cursor.time.0, cursor.id.to_string()]));
        };
        let found = self.events(&Scope::All, &[cursor.id]).await?.pop().flatten();
        let event = found.ok_or_else(|| Error::bad_input("the event of the cursor is not there"))?;
        let value = Order::value(&event, field, descending).map(|v| mapping::order_value(field, &v));
        Ok(json!([value, cursor.time.0, cursor.id.to_string()]))
    }

    /// The first events behind `after`, and whether there are more.
    async fn page(
        &self,
        filter: &Value,
        sort: &Value,
        mut after: Option<Value>,
        first: usize,
    ) -> Result<(Vec<Arc<Event>>, bool)> {
        let mut events = Vec::new();
        loop {
            let size = (first + 1 - events.len()).min(PIECE);
            let mut body = json!({ "query": filter, "sort": sort, "size": size, "track_total_hits": false });
            if let Some(after) = after.take() {
                body["search_after"] = after;
            }
            let mut answer = self.ask(&body).await?;
            let hits = hits(&mut answer);
            for hit in &hits {
                events.push(document::read(hit)?);
            }
            if hits.len() < size || events.len() > first {
                let more = events.len() > first;
                return Ok((events, more));
            }
            after = hits.last().map(|h| h["sort"].clone());
        }
    }

    /// Every event of a query, by time and id. For the few with values that are too long for a term.
    pub async fn all(&self, filter: &Value) -> Result<Vec<Arc<Event>>> {
        Ok(self.page(filter, &sort(Order::OldestFirst), None, usize::MAX - 1).await?.0)
    }

    pub async fn count(&self, filter: &Value) -> Result<u64> {
        self.client.count(&self.indices(), filter).await
    }

    pub async fn latest(&self, filter: &Value, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>> {
        let mut out = Vec::with_capacity(hosts.len());
        for hosts in hosts.chunks(100) {
            let body = |host: &String| {
                let filter = query::all_of(&[filter.clone(), query::hosts_filter(std::slice::from_ref(host))]);
                json!({ "query": filter, "sort": sort(Order::NewestFirst), "size": 1, "track_total_hits": false })
            };
            let bodies: Vec<Value> = hosts.iter().map(body).collect();
            for mut answer in self.client.searches(&self.indices(), &bodies).await? {
                out.push(hits(&mut answer).first().map(document::read).transpose()?);
            }
        }
        Ok(out)
    }

    pub async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>> {
        let mut found: HashMap<EventId, Arc<Event>> = HashMap::new();
        for ids in ids.chunks(PIECE) {
            let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let mut filters = vec![json!({ "ids": { "values": texts } })];
            if let Scope::Hosts(hosts) = scope {
                filters.push(query::hosts_filter(hosts));
            }
            let body = json!({ "query": query::all_of(&filters), "size": ids.len(), "track_total_hits": false });
            for hit in &hits(&mut self.ask(&body).await?) {
                let event = document::read(hit)?;
                found.insert(event.id, event);
            }
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }
}

fn hits(answer: &mut Value) -> Vec<Value> {
    match answer["hits"]["hits"].take() {
        Value::Array(hits) => hits,
        _ => Vec::new(),
    }
}

fn sort(order: Order) -> Value {
    let by = |descending: bool| if descending { "desc" } else { "asc" };
    match order {
        Order::NewestFirst => json!([{ "t": by(true) }, { "s.id": by(true) }]),
        Order::OldestFirst => json!([{ "t": by(false) }, { "s.id": by(false) }]),
        // Of several values the cluster takes the least, or the greatest when descending.
        Order::By { field, descending: d } => {
            let value = json!({ mapping::order_path(field): { "order": by(d), "missing": "_last" } });
            json!([value, { "t": by(d) }, { "s.id": by(d) }])
        }
    }
}
