//! All events of a search as one stream.
use super::{
    App, Core,
    auth::Caller,
    graphql::{Export, Format},
    limits,
    reply::{Address, Failure, authorization},
};
use crate::{
    error::{Code, Error, Result},
    event::Time,
    store::Cursor,
};
use axum::{
    Form,
    body::{Body, Bytes},
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Events read at a time.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
pub struct Params {
    /// What to export, as JSON: `condition`, `period`, `order`, `sort` as in the API's `events`; `format` is `NDJSON`
    /// or `CSV`, `columns` those of CSV.
    query: String,
    /// The token, for a form of a page, which sends no headers (RFC 6750, 2.2).
    access_token: Option<String>,
}

struct Run {
    core: Arc<Core>,
    caller: Caller,
    export: Export,
    after: Option<Cursor>,
    state: Step,
    _turn: OwnedSemaphorePermit,
}

enum Step {
    Head,
    Events,
    Done,
}

/// `POST /api/export`, form-encoded: answers with the file. It breaks off when a store fails or the session ends, so
/// that a part is never taken for the whole.
pub async fn export(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    params: Result<Form<Params>, FormRejection>,
) -> Result<Response, Failure> {
    let Form(params) = params.map_err(|e| Error::bad_input(e.body_text()))?;
    let core = app.core.clone();
    let bearer = params.access_token.map(|t| format!("Bearer {t}"));
    let caller = core.auth.header(authorization(&headers).or(bearer.as_deref()), address, false).await?;
    let caller = caller.ok_or_else(|| Error::new(Code::Unauthenticated, "log in first"))?;
    let export = Export::read(&params.query)?;
    let turn = core.exports.clone().try_acquire_owned();
    let turn = turn.map_err(|_| Error::new(Code::TooMany, "too many exports at once: try again later"))?;
    let (mime, ending) = match export.format {
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let stamp: String = Time::now().rfc3339().chars().filter(char::is_ascii_digit).take(14).collect();
    let name = format!("attachment; filename=\"events-{stamp}.{ending}\"");
    let run = Run { core, caller, export, after: None, state: Step::Head, _turn: turn };
    let mut response = Body::from_stream(stream::try_unfold(run, next)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(Error::internal)?);
    Ok(response)
}

/// The next piece: a page of events at a time, as fast as the client takes them.
async fn next(mut run: Run) -> Result<Option<(Bytes, Run)>> {
    match run.state {
        Step::Done => return Ok(None),
        Step::Head => {
            run.state = Step::Events;
            let head = run.export.head();
            if !head.is_empty() {
                return Ok(Some((head.into(), run)));
            }
        }
        Step::Events => {}
    }
    let Run { core, caller, export, .. } = &run;
    let (user, expires) = (&caller.user, caller.expires);
    let caller = core.auth.recheck(&user.id, user.token_generation, expires).await?;
    let search = core.store.search(caller.scope(), &export.query, export.order, run.after, PAGE);
    let page = tokio::time::timeout(limits::OPERATION_TIME, search)
        .await
        .map_err(|_| Error::new(Code::Unavailable, "the event store took too long"))??;
    let mut text = String::new();
    page.events.iter().for_each(|e| export.add(e, &mut text));
    run.after = page.events.last().map(|e| Cursor { time: e.time, id: e.id });
    run.caller = caller;
    if !page.more {
        run.state = Step::Done;
    }
    Ok((!text.is_empty()).then(|| (text.into(), run)))
}
