//! The one integration binary.
mod support;

mod api;
mod catalog;
mod cli;
mod demo;
mod graph;
mod ingest;
mod pipeline;
mod rules;
mod store;
mod tidy;
