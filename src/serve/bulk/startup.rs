//! The questions that libbeat asks before it sends events: who are you, your licence, is my policy, template,
//! data stream, alias, pipeline there. Fields, types and storage are this product's own matter: a policy or
//! template is there already under any name, and one that is put is acknowledged and not needed.
use super::{App, PRODUCT, Params, allow, refuse, respond};
use crate::serve::{
    limits,
    reply::{self, Address},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{self, MethodRouter},
};
use serde_json::{Value, json};

/// Version that shippers are told: the last of the line that both winlogbeat 7.17 and 8 speak to.
const VERSION: &str = "8.17.0";
/// Name and id of the one "node".
const NODE: &str = "sysmonsearch";

pub fn routes() -> Router<App> {
    let mut router = Router::new()
        .route("/_license", fixed(license))
        .route("/_xpack", fixed(xpack))
        .route("/_cluster/health", fixed(health))
        .route("/_cluster/health/{name}", fixed(health))
        .route("/_cluster/settings", fixed(|_| json!({"persistent": {}, "transient": {}})))
        .route("/_nodes", fixed(nodes))
        .route("/_nodes/{*which}", fixed(nodes))
        .route("/_cat/templates/{name}", routing::get(cat_template))
        .route("/_resolve/index/{name}", fixed(|_| json!({"indices": [], "aliases": [], "data_streams": []})));
    for (path, answer) in [
        ("/_ilm/policy/{name}", policy as Answer),
        ("/_index_template/{name}", index_template),
        ("/_template/{name}", template),
        ("/_component_template/{name}", component_template),
        ("/_data_stream/{name}", data_stream),
        ("/_alias/{name}", alias),
        ("/_ingest/pipeline/{name}", pipeline),
    ] {
        router = router.route(path, thing(answer));
    }
    router
}

/// The body of an answer about something of that name.
type Answer = fn(&str) -> Value;

fn fixed(answer: Answer) -> MethodRouter<App> {
    routing::get(move |state: State<App>, address: Address, query: Query<Params>, headers: HeaderMap| async move {
        match allow(&state.0, &headers, address.0).await {
            Ok(()) => respond(StatusCode::OK, answer(""), &query.0),
            Err(e) => refuse(&e),
        }
    })
}

/// Something that is there under any name, and may be put.
fn thing(answer: Answer) -> MethodRouter<App> {
    let ask = move |state: State<App>,
                    address: Address,
                    Path(name): Path<String>,
                    query: Query<Params>,
                    method: Method,
                    headers: HeaderMap,
                    body: Body| async move {
        if let Err(e) = allow(&state.0, &headers, address.0).await {
            return refuse(&e);
        }
        if method == Method::GET || method == Method::HEAD {
            return respond(StatusCode::OK, answer(&name), &query.0);
        }
        // What is put is read to its end, so that the connection can be used again.
        match reply::read_body(body, limits::BULK_BODY).await {
            Ok(_) => respond(StatusCode::OK, json!({"acknowledged": true}), &query.0),
            Err(e) => refuse(&e),
        }
    };
    routing::get(ask).put(ask).post(ask)
}

/// `GET /`: what libbeat takes its version check from.
pub async fn greeting(State(app): State<App>, Address(address): Address, headers: HeaderMap) -> Response {
    if let Err(e) = allow(&app, &headers, address).await {
        return refuse(&e);
    }
    let body = json!({
        "name": NODE, "cluster_name": NODE, "cluster_uuid": NODE,
        "version": {
            "number": VERSION, "build_flavor": "default", "build_type": NODE,
            "build_hash": "unknown", "build_date": "2026-01-01T00:00:00.000Z", "build_snapshot": false,
            "lucene_version": "9.12.0", "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    });
    let mut response = Json(body).into_response();
    response.headers_mut().insert(PRODUCT, HeaderValue::from_static("Elasticsearch"));
    response
}

fn license(_: &str) -> Value {
    json!({"license": {
        "status": "active", "uid": NODE, "type": "basic", "issue_date": "2026-01-01T00:00:00.000Z",
        "issue_date_in_millis": 1_767_225_600_000_i64, "max_nodes": 1000, "issued_to": NODE, "issuer": NODE,
        "start_date_in_millis": -1,
    }})
}

fn xpack(_: &str) -> Value {
    let on = json!({"available": true, "enabled": true});
    json!({
        "build": {"hash": "unknown", "date": "2026-01-01T00:00:00.000Z"},
        "license": {"uid": NODE, "type": "basic", "mode": "basic", "status": "active"},
        "features": {"ilm": on, "security": on, "data_streams": on},
    })
}

fn health(_: &str) -> Value {
    json!({
        "cluster_name": NODE, "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0,
    })
}

fn nodes(_: &str) -> Value {
    json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": NODE,
        "nodes": {NODE: {"name": NODE, "version": VERSION, "roles": ["data", "ingest", "master"]}},
    })
}

async fn cat_template(state: State<App>, address: Address, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if let Err(e) = allow(&state.0, &headers, address.0).await {
        return refuse(&e);
    }
    let mut response = format!("{name} [{name}-*] 150\n").into_response();
    response.headers_mut().insert(PRODUCT, HeaderValue::from_static("Elasticsearch"));
    response
}

fn policy(name: &str) -> Value {
    json!({name: {"version": 1, "modified_date": "2026-01-01T00:00:00.000Z", "policy": {"phases": {}}}})
}

fn index_template(name: &str) -> Value {
    let body = json!({"index_patterns": [format!("{name}*")], "priority": 150, "data_stream": {}, "composed_of": []});
    json!({"index_templates": [{"name": name, "index_template": body}]})
}

fn template(name: &str) -> Value {
    json!({name: {"order": 1, "index_patterns": [format!("{name}*")], "settings": {}, "mappings": {}, "aliases": {}}})
}

fn component_template(name: &str) -> Value {
    json!({"component_templates": [{"name": name, "component_template": {"template": {}}}]})
}

fn data_stream(name: &str) -> Value {
    json!({"data_streams": [{
        "name": name, "timestamp_field": {"name": "@timestamp"}, "indices": [], "generation": 1, "status": "GREEN",
        "template": name,
    }]})
}

fn alias(name: &str) -> Value {
    json!({format!("{name}-000001"): {"aliases": {name: {"is_write_index": true}}}})
}

fn pipeline(name: &str) -> Value {
    json!({name: {"description": "events are normalised when they come in", "processors": []}})
}
