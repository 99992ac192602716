//! The API over real HTTP and WebSocket, on the embedded stores.
mod alerts;
mod app;
mod batching;
mod bulk;
mod editor;
mod graph;
mod guards;
mod http;
mod hunts;
mod indicators;
mod schema;
mod search;
mod statistics;
mod subscription;
mod upload;
