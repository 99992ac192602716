//! The one integration binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic and print, in its helpers too"
)]
mod support;

mod api;
mod catalog;
mod cli;
mod correlation;
mod demo;
mod deploy;
mod faults;
mod graph;
mod hunt;
mod ingest;
mod intel;
mod joined;
mod large;
mod pipeline;
mod rules;
mod store;
mod tidy;
