//! The API over real HTTP and WebSocket, on the embedded stores.
mod app;
mod batching;
mod bulk;
mod graph;
mod guards;
mod http;
mod schema;
mod search;
mod subscription;
mod upload;
