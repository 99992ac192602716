//! The API over real HTTP and WebSocket, on the embedded engines and on a cluster.
mod alerts;
mod app;
mod attack;
mod audit;
mod batching;
mod bulk;
mod editor;
mod exceptions;
mod graph;
mod guards;
mod http;
mod hunts;
mod indicators;
mod receiver;
mod recorded;
mod rules;
mod schema;
mod search;
mod statistics;
mod subscription;
mod upload;
mod verdicts;
mod webhooks;

#[test]
fn on_a_cluster() {
    crate::support::engines::run_on_a_cluster("api");
}
