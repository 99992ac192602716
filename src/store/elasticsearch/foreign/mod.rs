//! Indices that others fill, such as those of winlogbeat, read where they lie.
//!
//! Their documents become events by the same code as on import ([`Foreign::normalise`]). The cluster narrows down which of
//! them a question may be about; whether they match is said in memory. An event that we have too is ours.
mod narrow;
pub mod places;

use super::{Store, query::MAX_TESTED};
use crate::{
    elastic::{Method, WHOLE, Way},
    error::{Code, Error, Result},
    event::{Event, EventId, Period, Scope, Time},
    store::{Cursor, Order, Query},
};
use narrow::Fields;
use serde_json::{Value, json};
use std::{cmp::Ordering, collections::HashSet, sync::Arc};

/// Documents of one answer.
const PIECE: usize = 250;
/// Bytes of events that one question may hold in memory.
const MAX_BYTES: usize = 256 << 20;
/// How long the cluster keeps a walk open between two pieces.
const KEPT: &str = "2m";

/// Indices that others fill.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// Names or patterns, such as `winlogbeat-*`.
    pub indices: Vec<String>,
    pub normalise: Normalise,
}

/// Makes an event of the JSON text of a document; `None` for what is no event of Sysmon, or cannot be read.
pub type Normalise = fn(&str) -> Option<Event>;

impl Foreign {
    /// # Errors
    /// `BAD_INPUT` for what cannot be a pattern of indices, or is one of ours.
    pub fn check(&self, prefix: &str) -> Result<()> {
        let own = format!("{prefix}-2000.01");
        for name in &self.indices {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '*');
            let literal = name.trim_matches(|c| matches!(c, '*' | '-' | '.' | '_'));
            if literal.is_empty() || !name.chars().all(fits) || name.starts_with(['-', '_']) {
                return Err(Error::bad_input(format!("{name:?} cannot be a pattern of indices such as winlogbeat-*")));
            }
            if name.split('*').next().is_some_and(|head| own.starts_with(head) || head.starts_with(prefix)) {
                return Err(Error::bad_input(format!("{name:?} takes in the indices of this program itself")));
            }
        }
        Ok(())
    }

    pub fn names(&self) -> String {
        self.indices.join(",")
    }

    /// The event of a hit.
    pub fn read(&self, hit: &Value) -> Option<Arc<Event>> {
        (self.normalise)(&hit["_source"].to_string()).map(Arc::new)
    }
}

/// Events gathered in memory, within bounds.
#[derive(Default)]
struct Gathered {
    events: Vec<Arc<Event>>,
    tested: usize,
    bytes: usize,
}

impl Gathered {
    fn add(&mut self, event: Option<Arc<Event>>, asked: impl Fn(&Event) -> bool) -> Result<()> {
        self.tested += 1;
        if let Some(event) = event.filter(|e| asked(e)) {
            self.bytes += event.size();
            self.events.push(event);
        }
        if self.tested > MAX_TESTED || self.bytes > MAX_BYTES {
            return Err(Error::new(
                Code::TooLarge,
                format!(
                    "the question is about more than {MAX_TESTED} documents of indices that others have filled: ask \
                     for a shorter period or fewer hosts"
                ),
            ));
        }
        Ok(())
    }
}

impl Store {
    async fn fields(&self, of: &Foreign) -> Result<Fields> {
        let path = format!(
            "{}/_field_caps?fields={}&ignore_unavailable=true&allow_no_indices=true&include_unmapped=true",
            of.names(),
            narrow::ASKED
        );
        let caps = self.client.ask(Method::Get, &path, &Value::Null).await?;
        Ok(Fields::new(&caps, self.client.way().await? == Way::Elasticsearch))
    }

    /// All events of theirs that a query asks for, and that we do not have: by time, then id.
    pub async fn theirs(&self, scope: &Scope, query: &Query) -> Result<Vec<Arc<Event>>> {
        let Some(of) = self.foreign.as_ref().filter(|_| !is_empty(query.period)) else { return Ok(Vec::new()) };
        let fields = self.fields(of).await?;
        let mut found = Gathered::default();
        for filter in [fields.timed(scope, &query.condition, query.period), fields.untimed(scope, query.period)] {
            let body = json!({ "query": filter, "sort": ["_doc"], "size": PIECE });
            self.scroll(of, &body, |event| found.add(event, |e| asked(scope, query, e)).map(|()| true)).await?;
        }
        self.not_ours(found.events).await
    }

    /// The first events of theirs behind a cursor, in an order by time; at least `first`, where there are so many.
    pub async fn first_theirs(
        &self,
        scope: &Scope,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        first: usize,
    ) -> Result<Vec<Arc<Event>>> {
        let Some(of) = &self.foreign else { return Ok(Vec::new()) };
        let fields = self.fields(of).await?;
        let newest = order == Order::NewestFirst;
        let query = Query { condition: query.condition.clone(), period: behind(query.period, newest, after) };
        let beyond = |e: &Event| {
            after.is_none_or(|c| {
                (e.time, e.id).cmp(&(c.time, c.id)) == if newest { Ordering::Less } else { Ordering::Greater }
            })
        };
        let asked = |e: &Event| beyond(e) && self::asked(scope, &query, e);
        let mut untimed = Gathered::default();
        let body = json!({ "query": fields.untimed(scope, query.period), "sort": ["_doc"], "size": PIECE });
        self.scroll(of, &body, |event| untimed.add(event, asked).map(|()| true)).await?;
        let mut wanted = first;
        loop {
            let mut found = Gathered::default();
            let timed = fields.timed(scope, &query.condition, query.period);
            let sort = match fields.utc() {
                Some(path) => json!([{ path: if newest { "desc" } else { "asc" } }]),
                None => json!(["_doc"]),
            };
            let in_order = fields.utc().is_some();
            let body = json!({ "query": timed, "sort": sort, "size": PIECE.min(wanted.max(1)) });
            let mut ended = true;
            self.scroll(of, &body, |event| {
                // Times that are written shorter may stand a little apart.
                let time = event.as_ref().map(|e| e.time);
                found.add(event, asked)?;
                let last = wanted.checked_sub(1).and_then(|n| found.events.get(n)).map(|e| e.time);
                let passed = time.zip(last).is_some_and(|(now, last)| (now.0 - last.0).abs() > narrow::SLACK_MS);
                ended = !(in_order && passed);
                Ok(ended)
            })
            .await?;
            found.events.extend(untimed.events.iter().cloned());
            let mut events = self.not_ours(found.events).await?;
            if newest {
                events.reverse();
            }
            if ended || events.len() >= first {
                return Ok(events);
            }
            // Some of them were ours, or the same.
            wanted = wanted.saturating_mul(4);
        }
    }

    /// Each once, without those that we have: by time, then id.
    async fn not_ours(&self, mut events: Vec<Arc<Event>>) -> Result<Vec<Arc<Event>>> {
        events.sort_by_key(|e| (e.time, e.id));
        events.dedup_by_key(|e| e.id);
        let mut ours: HashSet<EventId> = HashSet::new();
        for part in events.chunks(1_000) {
            let ids: Vec<String> = part.iter().map(|e| e.id.to_string()).collect();
            let body = json!({ "query": { "ids": { "values": ids } }, "size": part.len(), "_source": false });
            let answer = self.ask(&body).await?;
            let hits = answer["hits"]["hits"].as_array().into_iter().flatten();
            ours.extend(hits.filter_map(|h| EventId::parse(h["_id"].as_str()?)));
        }
        events.retain(|e| !ours.contains(&e.id));
        Ok(events)
    }

    /// Calls `f` with what each document is, until it says no. The cluster keeps one state for the walk.
    async fn scroll(
        &self,
        of: &Foreign,
        body: &Value,
        mut f: impl FnMut(Option<Arc<Event>>) -> Result<bool> + Send,
    ) -> Result<()> {
        let mut id = None;
        let done = self.scrolled(of, body, &mut id, &mut f).await;
        if let Some(id) = id {
            let closed = self.client.ask(Method::Delete, "_search/scroll", &json!({ "scroll_id": [id] })).await;
            if let Err(e) = closed {
                tracing::debug!(error = %e, "a walk stays open in the cluster until its time is over");
            }
        }
        done
    }

    async fn scrolled(
        &self,
        of: &Foreign,
        body: &Value,
        id: &mut Option<String>,
        f: &mut (dyn FnMut(Option<Arc<Event>>) -> Result<bool> + Send),
    ) -> Result<()> {
        let path =
            format!("{}/_search?scroll={KEPT}&ignore_unavailable=true&allow_no_indices=true&{WHOLE}", of.names());
        let mut answer = self.client.ask(Method::Post, &path, body).await?;
        loop {
            if let Some(new) = answer["_scroll_id"].as_str() {
                *id = Some(new.to_owned());
            }
            let hits = answer["hits"]["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
            for hit in hits {
                let event = of.read(hit);
                if let Some(event) = &event {
                    self.places.saw(event.id, hit);
                }
                if !f(event)? {
                    return Ok(());
                }
            }
            let Some(open) = id.as_ref().filter(|_| !hits.is_empty()) else { return Ok(()) };
            let next = json!({ "scroll": KEPT, "scroll_id": open });
            answer = self.client.ask(Method::Post, "_search/scroll", &next).await?;
        }
    }
}

/// Whether no time is in a period: then only the engine itself is asked, as by `/readyz`.
fn is_empty(period: Period) -> bool {
    period.to.is_some_and(|to| to <= period.from.unwrap_or(Time(i64::MIN)))
}

fn asked(scope: &Scope, query: &Query, event: &Event) -> bool {
    query.period.contains(event.time) && scope.allows(&event.host()) && query.condition.is_match(event)
}

/// The part of a period that is behind a cursor.
fn behind(mut period: Period, newest: bool, after: Option<Cursor>) -> Period {
    let Some(cursor) = after else { return period };
    if newest {
        let end = Time(cursor.time.0.saturating_add(1));
        period.to = Some(period.to.map_or(end, |to| to.min(end)));
    } else {
        period.from = Some(period.from.map_or(cursor.time, |from| from.max(cursor.time)));
    }
    period
}
