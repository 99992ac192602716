//! The event store. `conformance` and `agreement` are written against the trait, for every engine; `embedded` is about
//! files, crashes and two processes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]
mod agreement;
pub mod cluster;
mod conformance;
mod embedded;
mod foreign;
mod naive;
mod sample;
mod values;
