//! Pages of events, each of one moment. Events never change, so the next page goes on behind the last (time, id) without a
//! point in time kept for the reader.
use super::{Asked, Store, document, mapping, pace::Pace, query};
use crate::{
    error::{Error, Result},
    event::{Event, EventId, Scope, Time},
    store::{Cursor, Order, Page, Query},
};
use serde_json::{Value, json};
use std::{cmp::Ordering, collections::HashMap, sync::Arc};

/// Events of the first answer of the cluster, before it is known how big they are: those of a page.
const FIRST_PIECE: usize = 101;

impl Store {
    pub async fn search(
        &self,
        scope: &Scope,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        first: usize,
    ) -> Result<Page> {
        let behind = match after {
            None => None,
            Some(cursor) => Some(self.sort_values(order, cursor).await?),
        };
        let theirs = match order {
            Order::By { .. } => self.theirs(scope, query).await?,
            _ => self.first_theirs(scope, query, order, after, first + 1).await?,
        };
        let filter = self.filter(scope, query).await?;
        let (mut events, mut more) = self.page(&filter, &sort(order), behind, first).await?;
        if !theirs.is_empty() {
            let mut both: Vec<(Key, Arc<Event>)> = theirs.into_iter().map(|e| (Key::of(&e, order), e)).collect();
            if let (Order::By { .. }, Some(cursor)) = (order, after) {
                let found = self.events(&Scope::All, &[cursor.id]).await?.pop().flatten();
                let at = found.map(|e| Key::of(&e, order));
                both.retain(|(key, _)| at.as_ref().is_none_or(|at| key.cmp(at, order).is_gt()));
            }
            both.extend(events.into_iter().map(|e| (Key::of(&e, order), e)));
            both.sort_by(|(a, _), (b, _)| a.cmp(b, order));
            more |= both.len() > first;
            events = both.into_iter().map(|(_, e)| e).collect();
        }
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
        after: Option<Value>,
        first: usize,
    ) -> Result<(Vec<Arc<Event>>, bool)> {
        let mut events = Vec::new();
        self.each(filter, sort, after, first + 1, |event| {
            events.push(event);
            Ok(())
        })
        .await?;
        let more = events.len() > first;
        Ok((events, more))
    }

    /// Calls `f` with up to `most` events behind `after`. Pieces are small where events are big.
    async fn each(
        &self,
        filter: &Value,
        sort: &Value,
        mut after: Option<Value>,
        most: usize,
        mut f: impl FnMut(Arc<Event>) -> Result<()> + Send,
    ) -> Result<()> {
        let body = |size: usize, after: Option<Value>| {
            let mut body = json!({ "query": filter, "sort": sort, "size": size, "track_total_hits": false });
            if let Some(after) = after {
                body["search_after"] = after;
            }
            body
        };
        let (mut left, mut size, mut pace) = (most, most.min(FIRST_PIECE), Pace::default());
        let whole = size;
        let is_last =
            |answer: &Value| answer["hits"]["hits"].as_array().is_none_or(|h| h.len() < whole || whole == most);
        self.client
            .in_pieces(&self.indices(), body(size, after.take()), is_last, |mut answer| {
                let hits = hits(&mut answer);
                let mut bytes = 0;
                for hit in &hits {
                    let event = document::read(hit)?;
                    bytes += event.size();
                    f(event)?;
                }
                left -= hits.len().min(left);
                if hits.len() < size || left == 0 {
                    return Ok(None);
                }
                pace.saw(hits.len(), bytes);
                size = pace.size().min(left);
                Ok(Some(body(size, hits.last().map(|h| h["sort"].clone()))))
            })
            .await
    }

    /// Calls `f` with every event of a query, by time and id.
    pub async fn walk(&self, filter: &Value, mut f: impl FnMut(&Event) -> Result<()> + Send) -> Result<()> {
        self.each(filter, &sort(Order::OldestFirst), None, usize::MAX, |event| f(&event)).await
    }

    pub async fn count(&self, asked: &Asked) -> Result<u64> {
        Ok(self.count_ours(&asked.ours).await? + asked.theirs.len() as u64)
    }

    pub async fn count_ours(&self, filter: &Value) -> Result<u64> {
        self.client.count(&self.indices(), filter).await
    }

    pub async fn latest(&self, asked: &Asked, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>> {
        let mut theirs: HashMap<String, &Arc<Event>> = HashMap::new();
        for event in &asked.theirs {
            theirs.insert(event.host(), event);
        }
        let mut out = Vec::with_capacity(hosts.len());
        for hosts in hosts.chunks(100) {
            let body = |host: &String| {
                let filter = query::all_of(&[asked.ours.clone(), query::hosts_filter(std::slice::from_ref(host))]);
                json!({ "query": filter, "sort": sort(Order::NewestFirst), "size": 1, "track_total_hits": false })
            };
            let bodies: Vec<Value> = hosts.iter().map(body).collect();
            for (host, mut answer) in hosts.iter().zip(self.client.searches(&self.indices(), &bodies).await?) {
                let ours = hits(&mut answer).first().map(document::read).transpose()?;
                out.push(ours.into_iter().chain(theirs.get(host).map(|e| (*e).clone())).max_by_key(|e| (e.time, e.id)));
            }
        }
        Ok(out)
    }

    pub async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>> {
        let mut found: HashMap<EventId, Arc<Event>> = HashMap::new();
        let (mut rest, mut pace) = (ids, Pace::default());
        while !rest.is_empty() {
            let (ids, after) = rest.split_at(pace.size().min(rest.len()));
            rest = after;
            let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let mut filters = vec![json!({ "ids": { "values": texts } })];
            if let Scope::Hosts(hosts) = scope {
                filters.push(query::hosts_filter(hosts));
            }
            let body = json!({ "query": query::all_of(&filters), "size": ids.len(), "track_total_hits": false });
            let hits = hits(&mut self.ask(&body).await?);
            let mut bytes = 0;
            for hit in &hits {
                let event = document::read(hit)?;
                bytes += event.size();
                found.insert(event.id, event);
            }
            pace.saw(hits.len(), bytes);
        }
        let missing: Vec<EventId> = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
        found.extend(self.at_places(scope, &missing).await?);
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }
}

/// What an event is sorted by.
struct Key {
    value: Option<(usize, String)>,
    time: Time,
    id: EventId,
}

impl Key {
    fn of(event: &Event, order: Order) -> Self {
        let value = match order {
            Order::By { field, descending } => {
                Order::value(event, field, descending).map(|v| (if Order::by_length(field) { v.len() } else { 0 }, v))
            }
            _ => None,
        };
        Self { value, time: event.time, id: event.id }
    }

    fn cmp(&self, other: &Self, order: Order) -> Ordering {
        let key = |k: &Self| (k.value.clone(), k.time, k.id);
        let by = key(self).cmp(&key(other));
        let descending = matches!(order, Order::NewestFirst | Order::By { descending: true, .. });
        // Events without a value come last, in either direction.
        self.value.is_none().cmp(&other.value.is_none()).then(if descending { by.reverse() } else { by })
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
