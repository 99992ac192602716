//! Hunt in Windows Sysmon logs.
//!
//! ```text
//!  files, uploads, _bulk -> ingest -> EventStore.append -+-> project -> GraphStore
//!                                                        +-> detect  -> hits (Catalog) -> subscribers
//!                                   GraphQL API <- EventStore, GraphStore, Catalog
//! ```
//! Arrows go one way: `{event, neo4j, elastic} <- {ingest, store, graph, rules, intel, catalog} <- pipeline <- serve <- cli <- main`.
//!
//! | room | what |
//! | --- | --- |
//! | [`event`] | what a Sysmon record is: codes, fields, identity, the condition |
//! | [`ingest`] | bytes in, events and issues out |
//! | [`store`] | the event store: append, search, count |
//! | [`graph`] | events as nodes and edges |
//! | [`rules`] | Sigma: load, compile, match |
//! | [`intel`] | threat reports in, indicators and their rules out |
//! | [`catalog`] | what people and rules make: users, rules, indicators, hits, jobs |
//! | [`neo4j`], [`elastic`] | talking to the servers of a cluster: below store, graph and catalog |
//! | [`demo`] | a generated intrusion, for newcomers |
//! | [`pipeline`] | the only place where rooms meet |
//! | [`serve`] | HTTP, GraphQL, the page |
//! | [`cli`] | the commands |
//!
//! Beside the rooms: [`error`] (the one error type, and the issues of an import), [`checkup`] (what
//! `doctor` finds), [`config`] (flags and environment),
//! [`telemetry`] (logging).
pub mod catalog;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod demo;
pub mod elastic;
pub mod error;
pub mod event;
pub mod graph;
pub mod ingest;
pub mod intel;
pub mod neo4j;
pub mod pipeline;
pub mod rules;
pub mod serve;
pub mod store;
pub mod telemetry;
