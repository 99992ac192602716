//! From the arrival of an event to a subscriber's screen, over real HTTP and WebSocket:
//! `cargo bench --bench latency -- [EVENTS PER SECOND] [SECONDS]` (2,000 for 20 s).
//!
//! Sends real events through `_bulk` with all the published rules loaded and prints the time from the sending of
//! a request to the receipt of each hit of its events.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench ends at the first failure"
)]
mod support;

use futures_util::{SinkExt, StreamExt};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use sysmonsearch::{
    event::document,
    ingest,
    pipeline::{Engines, Pipeline},
    serve::{self, App, Settings, auth},
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let rate = numbers.first().copied().unwrap_or(2_000) as usize;
    let seconds = numbers.get(1).copied().unwrap_or(20) as usize;
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(rate, seconds));
}

async fn run(rate: usize, seconds: usize) {
    // Few hits on the noisy logs, many on the attack samples: mixed one to ten.
    let noise = support::events_of(&support::files());
    let mut attacks = support::events_of(&ingest::files(&[support::data().join("evtx")]).0).into_iter();
    let mut events = Vec::new();
    for (n, event) in noise.into_iter().take(rate * seconds).enumerate() {
        events.push(event);
        if n % 20 == 0 {
            events.extend(attacks.next());
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::start(Engines::embedded(dir.path()).unwrap(), dir.path().join("spool")).await.unwrap();
    pipeline.import_rules(support::published_rules()).await.unwrap();
    let password = auth::ensure_admin(&*pipeline.catalog).await.unwrap().unwrap();
    let app = App::new(pipeline.clone(), Settings::default()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve::run(listener, app, std::future::pending::<()>()));
    let http = reqwest::Client::new();
    let login: serde_json::Value = http
        .post(format!("http://{address}/graphql"))
        .json(&serde_json::json!({
            "query": "mutation($i: LoginInput!) { login(input: $i) { token errors { message } } }",
            "variables": {"i": {"name": "admin", "password": password}},
        }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let token = login["data"]["login"]["token"].as_str().expect("a token").to_owned();

    let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let text = |v: serde_json::Value| Message::text(v.to_string());
    socket.send(text(serde_json::json!({"type": "connection_init", "payload": {"token": token}}))).await.unwrap();
    while !socket.next().await.unwrap().unwrap().to_string().contains("connection_ack") {}
    socket
        .send(text(serde_json::json!({"id": "1", "type": "subscribe", "payload": {
            "query": "subscription { hits { __typename ... on HitEvent { hit { eventId } } ... on Lagged { missed } } }"
        }})))
        .await
        .unwrap();
    let receiver = tokio::spawn(async move {
        let mut received = Vec::new();
        let mut lagged = 0;
        while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(5), socket.next()).await {
            let now = Instant::now();
            let Ok(v) = serde_json::from_str::<serde_json::Value>(&message.to_string()) else { continue };
            if v["type"] == "ping" {
                socket.send(Message::text(r#"{"type":"pong"}"#)).await.unwrap();
            }
            let hit = &v["payload"]["data"]["hits"];
            if let Some(missed) = hit["missed"].as_u64() {
                lagged += missed;
            }
            if let Some(id) = hit["hit"]["eventId"].as_str() {
                received.push((id.to_owned(), now));
            }
        }
        (received, lagged)
    });

    let chunk = (rate / 20).max(1);
    let mut sent: HashMap<String, Instant> = HashMap::new();
    let started = Instant::now();
    let mut posts = tokio::task::JoinSet::new();
    for (n, chunk) in events.chunks(chunk).enumerate() {
        let mut body = String::new();
        for event in chunk {
            body.push_str("{\"create\":{\"_index\":\"winlogbeat-bench\"}}\n");
            body.push_str(&document::document(event).to_string());
            body.push('\n');
        }
        tokio::time::sleep_until((started + Duration::from_millis(50 * n as u64)).into()).await;
        let now = Instant::now();
        sent.extend(chunk.iter().map(|e| (e.id.to_string(), now)));
        let post = http
            .post(format!("http://{address}/_bulk"))
            .bearer_auth(&token)
            .header("content-type", "application/x-ndjson")
            .body(body)
            .send();
        posts.spawn(async move {
            let status = post.await.unwrap().status();
            assert!(status.is_success(), "{status}");
        });
    }
    while let Some(done) = posts.join_next().await {
        done.unwrap();
    }
    let took = started.elapsed();
    pipeline.caught_up().await.unwrap();
    let (received, lagged) = receiver.await.unwrap();
    let mut latencies: Vec<f64> = received
        .iter()
        .filter_map(|(id, at)| {
            use base64::Engine;
            // The API's id is the base64 of "Event:<event id>".
            let id = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(id)
                .or_else(|_| base64::engine::general_purpose::STANDARD.decode(id))
                .ok()
                .and_then(|b| String::from_utf8(b).ok())
                .map_or_else(|| id.clone(), |t| t.rsplit(':').next().unwrap_or_default().to_owned());
            sent.get(&id).map(|s| at.duration_since(*s).as_secs_f64() * 1e3)
        })
        .collect();
    latencies.sort_by(f64::total_cmp);
    let at = |p: f64| latencies.get(((latencies.len() as f64 - 1.0) * p) as usize).copied().unwrap_or(f64::NAN);
    println!(
        "{} events in {:.1} s = {:.0} events/s; {} hits received, {} timed, {lagged} told as missed",
        events.len(),
        took.as_secs_f64(),
        events.len() as f64 / took.as_secs_f64(),
        received.len(),
        latencies.len()
    );
    println!("latency ms: p50 {:.0}, p95 {:.0}, p99 {:.0}, max {:.0}", at(0.5), at(0.95), at(0.99), at(1.0));
    server.abort();
    pipeline.shutdown().await;
}
