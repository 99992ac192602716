//! Opaque global ids and the `Node` interface.
use super::{
    alert::{self, AlertObject},
    event::EventObject,
    hit::HitObject,
    hunt::HuntJob,
    job::ImportJob,
    load::Loaders,
    node::GraphNode,
    rule::RuleObject,
    session,
};
use crate::{
    error::{Error, Result},
    event::EventId,
    graph::NodeId,
    pipeline::webhook::Named,
};
use async_graphql::{Context, ID, Interface};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// Something with a global id.
#[derive(Interface)]
#[graphql(name = "Node", field(name = "id", ty = "ID", desc = "Global id, to be given to `node`."))]
pub enum NodeObject {
    Event(EventObject),
    GraphNode(GraphNode),
    Rule(RuleObject),
    Hit(HitObject),
    ImportJob(ImportJob),
    HuntJob(HuntJob),
    Alert(AlertObject),
}

/// What a global id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GlobalId {
    Event(EventId),
    Node(NodeId),
    Rule(String),
    /// A hit is found by its event.
    Hit(EventId, String),
    Job(String),
    Hunt(String),
    Alert(String),
}

impl fmt::Display for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Event(id) => format!("Event:{id}"),
            Self::Node(id) => id.to_string(),
            Self::Rule(id) => format!("Rule:{id}"),
            Self::Hit(event, id) => format!("Hit:{event}:{id}"),
            Self::Job(id) => format!("ImportJob:{id}"),
            Self::Hunt(id) => format!("HuntJob:{id}"),
            Self::Alert(id) => format!("Alert:{id}"),
        };
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl GlobalId {
    pub fn parse(id: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        let (kind, key) = text.split_once(':')?;
        match kind {
            "Event" => EventId::parse(key).map(Self::Event),
            "Rule" => Some(Self::Rule(key.into())),
            "Hit" => {
                let (event, hit) = key.split_once(':')?;
                Some(Self::Hit(EventId::parse(event)?, hit.into()))
            }
            "ImportJob" => Some(Self::Job(key.into())),
            "HuntJob" => Some(Self::Hunt(key.into())),
            "Alert" => Some(Self::Alert(key.into())),
            _ => NodeId::parse(&text).map(Self::Node),
        }
    }

    /// # Errors
    /// `BAD_INPUT` for text that is no id of this API.
    pub fn read(id: &ID) -> Result<Self> {
        Self::parse(id).ok_or_else(|| bad(id, "an id of this API"))
    }
}

/// Global id of an import job, as the upload answers it.
pub fn job_id(id: &str) -> GlobalId {
    GlobalId::Job(id.into())
}

/// Global id of what a message to a webhook names.
pub fn named(thing: Named<'_>) -> String {
    let id = match thing {
        Named::Alert(id) => GlobalId::Alert(id.into()),
        Named::Hit(hit) => GlobalId::Hit(hit.event_id, hit.id.clone()),
        Named::Event(id) => GlobalId::Event(id),
    };
    id.to_string()
}

/// Global id of a retro-hunt.
pub fn hunt_id(id: &str) -> GlobalId {
    GlobalId::Hunt(id.into())
}

fn bad(id: &ID, what: &str) -> Error {
    let shown: String = id.chars().take(80).collect();
    Error::bad_input(format!("{shown:?} is not {what}"))
}

/// Id of an event: its global id or its `eventId`.
pub fn event_id(id: &ID) -> Result<EventId> {
    match GlobalId::parse(id) {
        Some(GlobalId::Event(id)) => Ok(id),
        Some(_) => Err(bad(id, "the id of an event")),
        None => EventId::parse(id).ok_or_else(|| bad(id, "the id of an event")),
    }
}

/// Id of a rule: its global id or its `ruleId`.
pub fn rule_id(id: &ID) -> Result<String> {
    match GlobalId::parse(id) {
        Some(GlobalId::Rule(id)) => Ok(id),
        Some(_) => Err(bad(id, "the id of a rule")),
        None => Ok(id.to_string()),
    }
}

pub fn graph_id(id: &ID) -> Result<NodeId> {
    match GlobalId::parse(id) {
        Some(GlobalId::Node(id)) => Ok(id),
        _ => Err(bad(id, "the id of a node of the graph")),
    }
}

/// Own id of an alert from its global id.
pub fn alert_id(id: &ID) -> Result<String> {
    match GlobalId::parse(id) {
        Some(GlobalId::Alert(id)) => Ok(id),
        _ => Err(bad(id, "the id of an alert")),
    }
}

/// Own id of an import job from its global or own id.
pub fn job_key(id: &ID) -> Result<String> {
    match GlobalId::parse(id) {
        Some(GlobalId::Job(id)) => Ok(id),
        Some(_) => Err(bad(id, "the id of an import job")),
        None => Ok(id.to_string()),
    }
}

/// Import job by its global or own id; `None` where there is none.
pub async fn job(ctx: &Context<'_>, id: &ID) -> Result<Option<ImportJob>> {
    Ok(session::core(ctx)?.catalog.job(&job_key(id)?).await?.and_then(ImportJob::of))
}

/// Whatever a global id names, in the caller's scope.
pub async fn resolve(ctx: &Context<'_>, id: GlobalId) -> Result<Option<NodeObject>> {
    let load = Loaders::of(ctx)?;
    Ok(match id {
        GlobalId::Event(id) => load.event(id).await?.map(|e| NodeObject::Event(EventObject(e))),
        GlobalId::Node(id) => load.node(id).await?.map(|n| NodeObject::GraphNode(GraphNode(n))),
        GlobalId::Rule(id) => load.rule(id).await?.map(|r| NodeObject::Rule(RuleObject(r))),
        GlobalId::Hit(event, id) => {
            load.hits(event).await?.iter().find(|h| h.id == id).map(|h| NodeObject::Hit(HitObject(h.clone())))
        }
        GlobalId::Job(id) => {
            let job = session::core(ctx)?.catalog.job(&id).await?;
            job.and_then(ImportJob::of).map(NodeObject::ImportJob)
        }
        // Its counts are of all hosts.
        GlobalId::Hunt(_) if session::all_hosts(ctx).is_err() => None,
        GlobalId::Hunt(id) => {
            let job = session::core(ctx)?.catalog.job(&id).await?;
            job.and_then(HuntJob::of).map(NodeObject::HuntJob)
        }
        GlobalId::Alert(id) => alert::find(ctx, id).await?.map(NodeObject::Alert),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::NodeKind;

    #[test]
    fn ids_are_read_as_written_and_nothing_else_is() {
        for id in [
            GlobalId::Event(EventId(7)),
            GlobalId::Node(NodeId::new(NodeKind::Process, &["x"])),
            GlobalId::Rule("a:b".into()),
            GlobalId::Hit(EventId(9), "h".into()),
            job_id("j"),
            GlobalId::Hunt("j".into()),
            GlobalId::Alert("[\"a:b\",\"h\",1]".into()),
        ] {
            assert_eq!(GlobalId::parse(&id.to_string()), Some(id));
        }
        for odd in ["", "é", "RXZlbnQ6eA", "UHJvY2Vzczox", "x:y"] {
            assert_eq!(GlobalId::parse(odd), None, "{odd}");
        }
    }
}
