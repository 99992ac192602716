//! Nodes and edges of some events, merged in memory before they go to the store.
use super::{
    key,
    model::{EdgeType, NodeId, NodeKind},
    property::{Prop, Stamp, Stamped},
};
use crate::event::{Event, Time};
use std::collections::HashMap;

/// Where a node or edge was seen, what was said about it: by the events of one host.
/// Merging is commutative, associative and idempotent: the graph depends only on the set of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub first: Time,
    pub last: Time,
    pub inferred: bool,
    pub properties: Stamped,
}

impl Facts {
    pub fn at(time: Time, inferred: bool) -> Self {
        Self { first: time, last: time, inferred, properties: Stamped::default() }
    }

    fn see(&mut self, time: Time, inferred: bool) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.inferred &= inferred;
    }

    /// Whether anything changed.
    pub fn merge(&mut self, other: Self) -> bool {
        let before = (self.first, self.last, self.inferred);
        self.see(other.first, other.inferred);
        self.see(other.last, other.inferred);
        let said = self.properties.merge(other.properties);
        said || before != (self.first, self.last, self.inferred)
    }
}

/// Number of a node within its batch.
pub type Local = u32;

#[derive(Debug)]
pub struct DraftNode {
    pub id: NodeId,
    /// Number of the reporting host in `Batch::hosts`.
    pub host: u32,
    pub facts: Facts,
}

/// One side's view of a connection; two matching ones of both sides make a `TALKED_TO`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow {
    /// Protocol, initiator's address and port, responder's address and port.
    pub tuple: u128,
    /// Seen from the initiator's side.
    pub initiator: bool,
    pub process: Local,
    pub time: Time,
}

/// Nodes and edges of some events, merged: what a store upserts. Filled by [`super::project::project`].
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) hosts: Vec<Box<str>>,
    host_numbers: HashMap<Box<str>, u32>,
    pub(super) nodes: Vec<DraftNode>,
    /// Each host that reports a node has its own draft of it.
    numbers: HashMap<(u128, u32), Local>,
    pub(super) edges: HashMap<(Local, EdgeType, Local), Facts>,
    pub(super) flows: Vec<Flow>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
    pub fn nodes(&self) -> &[DraftNode] {
        &self.nodes
    }
    pub fn edges(&self) -> &HashMap<(Local, EdgeType, Local), Facts> {
        &self.edges
    }
    fn host_number(&mut self, host: &str) -> u32 {
        if let Some(n) = self.host_numbers.get(host) {
            return *n;
        }
        let n = self.hosts.len() as u32;
        self.hosts.push(host.into());
        self.host_numbers.insert(host.into(), n);
        n
    }
}

/// Writes the nodes and edges of one event into a batch.
pub(super) struct Writer<'a> {
    batch: &'a mut Batch,
    pub event: &'a Event,
    /// Normal form.
    pub host: String,
    host_number: u32,
    stamp: Stamp,
}

impl<'a> Writer<'a> {
    pub fn new(batch: &'a mut Batch, event: &'a Event) -> Self {
        let host = event.host();
        let host_number = batch.host_number(&host);
        let stamp = Stamp { time: event.time.0, event: event.id.0 };
        Self { batch, event, host, host_number, stamp }
    }

    /// The node, seen at the time of the event.
    pub fn node(&mut self, id: NodeId) -> Local {
        self.see(id, false)
    }

    /// The node, known by reference only.
    pub fn reference(&mut self, id: NodeId) -> Local {
        self.see(id, true)
    }

    fn see(&mut self, id: NodeId, inferred: bool) -> Local {
        let time = self.event.time;
        let next = self.batch.nodes.len() as Local;
        let n = *self.batch.numbers.entry((id.key, self.host_number)).or_insert(next);
        if n == next {
            self.batch.nodes.push(DraftNode { id, host: self.host_number, facts: Facts::at(time, inferred) });
        } else {
            self.batch.nodes[n as usize].facts.see(time, inferred);
        }
        n
    }

    pub fn set(&mut self, node: Local, prop: Prop, value: &str) {
        self.batch.nodes[node as usize].facts.properties.set(prop, self.stamp, value);
    }

    pub fn set_some(&mut self, node: Local, prop: Prop, value: Option<&str>) {
        if let Some(v) = value {
            self.set(node, prop, v);
        }
    }

    pub fn edge(&mut self, from: Local, edge: EdgeType, to: Local) {
        let time = self.event.time;
        self.batch
            .edges
            .entry((from, edge, to))
            .and_modify(|f| f.see(time, false))
            .or_insert_with(|| Facts::at(time, false));
    }

    /// An edge with what this event says about it.
    pub fn edge_with(&mut self, from: Local, edge: EdgeType, to: Local, said: &[(Prop, Option<&str>)]) {
        self.edge(from, edge, to);
        if let Some(facts) = self.batch.edges.get_mut(&(from, edge, to)) {
            for (prop, value) in said {
                if let Some(v) = value {
                    facts.properties.set(*prop, self.stamp, v);
                }
            }
        }
    }

    pub fn flow(&mut self, tuple: u128, initiator: bool, process: Local) {
        self.batch.flows.push(Flow { tuple, initiator, process, time: self.event.time });
    }
}

/// What a person calls the node, from its properties.
pub fn label(kind: NodeKind, properties: &super::model::Properties) -> String {
    let get = |p: Prop| properties.get(p.as_str()).map(String::as_str);
    let any = |names: &[Prop]| names.iter().find_map(|p| get(*p)).unwrap_or_default().to_owned();
    match kind {
        NodeKind::Process => {
            let image = get(Prop::Image).map_or("?", |i| i.rsplit(['\\', '/']).next().unwrap_or(i));
            get(Prop::Pid).map_or_else(|| image.to_owned(), |pid| format!("{image} ({pid})"))
        }
        NodeKind::RegistryValue => {
            format!("{}\\{}", get(Prop::Key).unwrap_or_default(), get(Prop::ValueName).unwrap_or_default())
        }
        NodeKind::LogonSession => match (get(Prop::User), any(&[Prop::LogonId, Prop::LogonGuid])) {
            (Some(user), id) => format!("{user} {id}"),
            (None, id) => id,
        },
        NodeKind::Binary => any(&[Prop::Sha256, Prop::Sha1, Prop::Md5]),
        NodeKind::File | NodeKind::Stream => any(&[Prop::Path]),
        NodeKind::RegistryKey => any(&[Prop::Key]),
        NodeKind::IpAddress => any(&[Prop::Address]),
        NodeKind::Device => any(&[Prop::Device]),
        NodeKind::Clipboard => any(&[Prop::ClientInfo, Prop::Session]),
        NodeKind::SysmonConfig => any(&[Prop::Configuration, Prop::ConfigurationFileHash]),
        NodeKind::Host
        | NodeKind::User
        | NodeKind::Signer
        | NodeKind::Domain
        | NodeKind::Pipe
        | NodeKind::WmiFilter
        | NodeKind::WmiConsumer => any(&[Prop::Name]),
    }
}

/// Host that a node belongs to: the reporting one, unless it is shared. A host belongs to itself.
pub fn owner(kind: NodeKind, reporter: &str, properties: &super::model::Properties) -> Option<String> {
    match kind {
        NodeKind::Host => properties.get(Prop::Name.as_str()).cloned(),
        k if key::is_shared(k) => None,
        _ => Some(reporter.to_owned()),
    }
}
