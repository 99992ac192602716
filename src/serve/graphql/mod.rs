//! The GraphQL API: queries, mutations, subscriptions.
//!
//! Every root field, and every field that reads a store, carries a guard on its own line. Reads go through
//! `load::Loaders`, one set per request with the caller's scope inside.
//! Cost: one point per field, a list's fields times its `first`, and more for what a store has to work on.
mod alert;
mod alert_input;
mod attack;
mod audit;
mod burden;
mod checkup;
mod condition;
mod cost;
mod describe;
mod editor;
mod enums;
mod event;
mod exception;
mod exec;
mod export;
mod follow;
mod hit;
mod host;
mod hunt;
mod id;
mod indicator;
mod job;
mod load;
mod lookup;
mod mutation;
mod neighbours;
mod node;
mod page;
mod query;
mod report;
mod rule;
mod rule_hits;
mod saved;
mod scalar;
mod session;
mod socket;
mod statistics;
mod subscription;
mod user;
mod webhook;
mod webhook_input;

pub use audit::{imported, indicators as importing_indicators, superseded};
pub use exec::http;
pub use export::{Export, Format};
pub use hunt::begin_at_once;
pub use id::{hunt_id, job_id, named};
pub use socket::{Sockets, websocket};

use super::{Core, limits};
use async_graphql::SDLExportOptions;
use std::sync::Arc;

pub type Schema = async_graphql::Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// The schema; without a core it can only be exported.
pub fn schema(core: Option<Arc<Core>>) -> Schema {
    let builder = Schema::build(query::Query, mutation::Mutation, subscription::Subscription)
        .register_output_type::<id::NodeObject>()
        .limit_depth(limits::DEPTH)
        .limit_complexity(limits::COST)
        .limit_directives(10)
        .disable_suggestions()
        .extension(cost::Cost);
    match core {
        Some(core) => builder.data(core).finish(),
        None => builder.finish(),
    }
}

/// The schema as text, sorted: the content of `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .use_space_ident()
        .include_specified_by();
    let sdl = schema(None).sdl_with_options(options);
    let mut text = sdl.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}
