//! What Elasticsearch shippers ask: winlogbeat can point its output here. Only `_bulk` stores anything; the
//! rest answers the questions that libbeat asks before it sends ([`startup`]).
mod filter_path;
mod startup;
mod unpack;

use super::{
    App, limits,
    reply::{self, Address, Public, authorization},
};
use crate::{
    catalog::Role,
    error::{Code, Error, Issue, Result},
    event::{Event, EventId},
    ingest::{
        self, Options,
        bulk::{Action, Item, Outcome},
    },
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};
use serde::Deserialize;
use serde_json::{Value, json};
pub use startup::greeting;
use std::time::Instant;

const PRODUCT: HeaderName = HeaderName::from_static("x-elastic-product");

#[derive(Deserialize)]
pub struct Params {
    filter_path: Option<String>,
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/_bulk", routing::post(bulk).put(bulk))
        .route("/{index}/_bulk", routing::post(bulk_into).put(bulk_into))
        .merge(startup::routes())
}

/// A browser asks for HTML; libbeat for JSON, with credentials, or under its own name.
pub fn is_shipper(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let accept = text(header::ACCEPT);
    if accept.contains("text/html") {
        return false;
    }
    accept.contains("json")
        || headers.contains_key(header::AUTHORIZATION)
        || text(header::USER_AGENT).starts_with("Elastic")
}

/// # Errors
/// Unless the caller may import.
async fn allow(app: &App, headers: &HeaderMap, address: std::net::IpAddr) -> Result<()> {
    let caller = app.core.auth.header(authorization(headers), address, true).await?;
    let missing = || Error::new(Code::Unauthenticated, "missing authentication credentials: send user and password");
    caller.ok_or_else(missing)?.require(Role::Analyst)
}

/// JSON with the header by which clients know Elasticsearch.
fn respond(status: StatusCode, body: Value, params: &Params) -> Response {
    let body = match &params.filter_path {
        Some(paths) => filter_path::filter(body, paths),
        None => body,
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(PRODUCT, HeaderValue::from_static("Elasticsearch"));
    response
}

/// An error in the form of Elasticsearch.
fn refuse(error: &Error) -> Response {
    let public = Public::of(error);
    let status = reply::status(public.code);
    let kind = match public.code {
        Code::Unauthenticated | Code::Forbidden => "security_exception",
        Code::TooMany | Code::Unavailable => "es_rejected_execution_exception",
        Code::TooLarge => "content_too_long_exception",
        Code::NotFound => "resource_not_found_exception",
        Code::BadInput | Code::Conflict => "illegal_argument_exception",
        Code::Internal => "internal_server_error",
    };
    let cause = json!({"type": kind, "reason": public.message});
    let body =
        json!({"error": {"root_cause": [cause], "type": kind, "reason": public.message}, "status": status.as_u16()});
    let mut response = respond(status, body, &Params { filter_path: None });
    if status == StatusCode::UNAUTHORIZED {
        let ask = HeaderValue::from_static("Basic realm=\"sysmonsearch\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
    }
    response
}

async fn bulk(
    State(app): State<App>,
    Address(address): Address,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    store(&app, address, None, &params, &headers, body).await.unwrap_or_else(|e| refuse(&e))
}

async fn bulk_into(
    State(app): State<App>,
    Address(address): Address,
    Path(index): Path<String>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    store(&app, address, Some(&index), &params, &headers, body).await.unwrap_or_else(|e| refuse(&e))
}

async fn store(
    app: &App,
    address: std::net::IpAddr,
    index: Option<&str>,
    params: &Params,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response> {
    let start = Instant::now();
    allow(app, headers, address).await?;
    let busy = || Error::new(Code::TooMany, "too many bulk requests at once: send this one again in a moment");
    let _turn = app.core.bulks.try_acquire().map_err(|_| busy())?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).map(str::to_ascii_lowercase);
    let body = reply::read_body(body, limits::BULK_BODY).await?;
    let name = format!("_bulk from {address}");
    let source = name.clone();
    let read = tokio::task::spawn_blocking(move || {
        let body = unpack::unpack(body, encoding.as_deref(), limits::BULK_UNPACKED)?;
        Read::new(&body, &source)
    });
    let Read { events, mut issues, mut items } = read.await??;
    let wanted = events.len() as u64;
    let appended = app.core.pipeline.append(events).await?;
    for refused in appended.refused {
        items.iter_mut().filter(|i| i.event == Some(refused.id)).for_each(|i| i.error = Some(refused.reason.clone()));
        issues.push(refused.issue(&name));
    }
    if !issues.is_empty() {
        app.core.catalog.put_dead_letters(None, &issues).await?;
    }
    let errors = items.iter().any(|i| i.error.is_some());
    let items: Vec<Value> = items.into_iter().map(|i| i.answer(index, appended.stored == wanted)).collect();
    let took = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(respond(StatusCode::OK, json!({"took": took, "errors": errors, "items": items}), params))
}

/// A request, read.
struct Read {
    events: Vec<Event>,
    issues: Vec<Issue>,
    items: Vec<Acknowledged>,
}

/// What is told about one item, in the order of the request.
struct Acknowledged {
    action: Action,
    index: Option<String>,
    id: Option<String>,
    event: Option<EventId>,
    /// An event of another provider is acknowledged, so that the shipper goes on, and not stored.
    skipped: bool,
    error: Option<String>,
}

impl Read {
    fn new(body: &[u8], source: &str) -> Result<Self> {
        let mut read = Self { events: Vec::new(), issues: Vec::new(), items: Vec::new() };
        let mut bulk = ingest::bulk::bulk(body, source, &Options::default());
        for Item { action, index, id, outcome } in bulk.by_ref() {
            let mut item = Acknowledged { action, index, id, event: None, skipped: false, error: None };
            match outcome {
                Outcome::Event(event) => {
                    item.id.get_or_insert_with(|| event.id.to_string());
                    item.event = Some(event.id);
                    read.events.push(*event);
                }
                Outcome::Skipped(_) => item.skipped = true,
                Outcome::Refused(issue) => {
                    item.error = Some(issue.reason.clone());
                    read.issues.push(issue);
                }
            }
            read.items.push(item);
            if read.items.len() > limits::BULK_ITEMS {
                let message =
                    format!("more than {} items in one bulk request: send fewer at a time", limits::BULK_ITEMS);
                return Err(Error::new(Code::TooLarge, message));
            }
        }
        bulk.check()?;
        Ok(read)
    }
}

impl Acknowledged {
    /// `all_new`: every event of the request was new. Otherwise some were there already, and it is not said which:
    /// 200 means that the event is there now.
    fn answer(&self, index: Option<&str>, all_new: bool) -> Value {
        let index = self.index.as_deref().or(index).unwrap_or("sysmonsearch");
        let id = self.id.as_deref().unwrap_or_default();
        let body = match &self.error {
            Some(reason) => json!({
                "_index": index, "_id": id, "status": 400,
                "error": {"type": "document_parsing_exception", "reason": reason},
            }),
            None => {
                let (status, result) = match (self.skipped, all_new) {
                    (true, _) => (200, "noop"),
                    (false, true) => (201, "created"),
                    (false, false) => (200, "updated"),
                };
                json!({
                    "_index": index, "_id": id, "_version": 1, "result": result, "status": status,
                    "_shards": {"total": 1, "successful": 1, "failed": 0}, "_seq_no": 0, "_primary_term": 1,
                })
            }
        };
        json!({ self.action.as_str(): body })
    }
}
