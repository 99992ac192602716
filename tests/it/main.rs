//! The one integration binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic, in its helpers too")]
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
