//! Is it alive, is it ready, which version.
use super::App;
use crate::{
    event::{Condition, Period, Scope, Time},
    graph::NodeId,
    store::Query,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{future::Future, time::Duration};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Time for each store to answer.
const ANSWER: Duration = Duration::from_secs(3);

pub async fn live() -> &'static str {
    "ok\n"
}

/// 200 when every store answers, else 503; tells which one does not.
pub async fn ready(State(app): State<App>) -> Response {
    let core = &app.core;
    let nothing = Query { condition: Condition::All, period: Period { from: None, to: Some(Time(i64::MIN)) } };
    let nobody = [NodeId::host("")];
    let (store, graph, catalog) = tokio::join!(
        // Not only that it answers: that its index moves.
        answers("event store", core.store.count(&Scope::All, &nothing)),
        // What waits for no writer.
        answers("graph store", core.graph.nodes(&Scope::All, &nobody)),
        answers("catalog", core.catalog.newest_hit()),
    );
    let status = if store && graph && catalog { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let state = |ok: bool| if ok { "ready" } else { "not ready" };
    let body = json!({"eventStore": state(store), "graphStore": state(graph), "catalog": state(catalog)});
    (status, Json(body)).into_response()
}

async fn answers<T>(what: &str, ask: impl Future<Output = crate::error::Result<T>>) -> bool {
    match tokio::time::timeout(ANSWER, ask).await {
        Ok(Ok(_)) => true,
        Ok(Err(e)) => {
            tracing::warn!(error = super::reply::chain(&e), "the {what} is not ready");
            false
        }
        Err(_) => {
            tracing::warn!("the {what} did not answer in time");
            false
        }
    }
}

pub async fn version() -> Json<Value> {
    Json(json!({"name": "sysmonsearch", "version": VERSION}))
}
