//! From events to nodes and edges: pure, no I/O. One function per group of event codes.
mod file;
mod network;
mod reference;
mod registry;
mod system;
mod wmi;

pub use super::batch::Batch;
use super::{
    batch::{Local, Writer},
    key,
    model::{EdgeType, NodeId},
    property::Prop,
};
use crate::event::{
    Event,
    Field::{self, *},
};

/// Nodes and edges of the events, merged. Events of other providers make none.
pub fn project<'a>(events: impl IntoIterator<Item = &'a Event>) -> Batch {
    let mut batch = Batch::default();
    for event in events {
        add(&mut batch, event);
    }
    batch
}

/// Adds the nodes and edges of one event.
pub fn add(batch: &mut Batch, event: &Event) {
    if !event.is_sysmon() {
        return;
    }
    let w = &mut Writer::new(batch, event);
    let host = system::host(w);
    match event.code {
        1 => process_created(w, host),
        2 | 11 | 23 | 26..=29 => file::touched(w),
        3 => network::connected(w, host),
        4 | 16 | 255 => system::sysmon(w, host),
        5 => process_ended(w),
        6 => file::driver_loaded(w, host),
        7 => file::module_loaded(w),
        8 | 10 => other_process(w),
        9 => file::raw_read(w),
        12..=14 => registry::changed(w),
        15 => file::stream(w),
        17 | 18 => system::pipe(w),
        19 => wmi::filter(w, host),
        20 => wmi::consumer(w, host),
        21 => wmi::binding(w),
        22 => network::queried(w),
        24 => system::clipboard(w),
        25 => tampered(w),
        _ => {
            acting(w);
        }
    }
}

/// Node of the process that did what the event tells: the source of codes 8 and 10.
pub fn acting_process(event: &Event) -> Option<NodeId> {
    let side = if matches!(event.code, 8 | 10) { &SOURCE } else { &OWN };
    side.id(event, &event.host())
}

/// All nodes that an event tells of.
pub fn nodes(event: &Event) -> Vec<NodeId> {
    project([event]).nodes().iter().map(|n| n.id).collect()
}

/// Nodes of the content hashes in an event: the first algorithm of SHA256, SHA1, MD5 that it has.
pub fn binary(event: &Event) -> Option<NodeId> {
    file::identity(&event.hashes())
}

/// In which fields an event names a process.
struct Side {
    guid: Field,
    pid: Field,
    image: Field,
    user: Field,
}

const OWN: Side = Side { guid: ProcessGuid, pid: ProcessId, image: Image, user: User };
const SOURCE: Side = Side { guid: SourceProcessGuid, pid: SourceProcessId, image: SourceImage, user: SourceUser };
const TARGET: Side = Side { guid: TargetProcessGuid, pid: TargetProcessId, image: TargetImage, user: TargetUser };
const PARENT: Side = Side { guid: ParentProcessGuid, pid: ParentProcessId, image: ParentImage, user: ParentUser };

impl Side {
    fn id(&self, event: &Event, host: &str) -> Option<NodeId> {
        if let Some(guid) = event.get(self.guid) {
            return Some(NodeId::process(guid));
        }
        let pid = event.get(self.pid)?;
        Some(NodeId::process_by_number(host, pid, event.get(self.image).unwrap_or_default()))
    }
}

/// The process on that side of the event, as known by reference.
fn process(w: &mut Writer<'_>, side: &Side) -> Option<Local> {
    let e = w.event;
    let p = w.reference(side.id(e, &w.host)?);
    match e.get(side.guid) {
        Some(guid) => w.set(p, Prop::Guid, guid),
        None => w.set(p, Prop::Identity, "host, process id and image"),
    }
    w.set_some(p, Prop::Pid, e.get(side.pid));
    w.set_some(p, Prop::Image, e.get(side.image).filter(|i| *i != "<unknown process>"));
    w.set_some(p, Prop::User, e.get(side.user));
    Some(p)
}

fn acting(w: &mut Writer<'_>) -> Option<Local> {
    process(w, &OWN)
}

fn user(w: &mut Writer<'_>, name: &str) -> Local {
    let u = w.node(NodeId::user(name));
    w.set(u, Prop::Name, name);
    u
}

/// The file at a path, unless the text is no path (`System`).
fn file_node(w: &mut Writer<'_>, path: &str) -> Option<Local> {
    key::is_path(path).then(|| {
        let f = w.node(NodeId::file(&w.host, path));
        w.set(f, Prop::Path, &key::path(path));
        f
    })
}

fn process_created(w: &mut Writer<'_>, host: Local) {
    let e = w.event;
    let Some(mut p) = acting(w) else { return };
    if let Some(guid) = e.get(ProcessGuid) {
        p = w.node(NodeId::process(guid));
    }
    for (prop, field) in [
        (Prop::CommandLine, CommandLine),
        (Prop::CurrentDirectory, CurrentDirectory),
        (Prop::IntegrityLevel, IntegrityLevel),
        (Prop::TerminalSessionId, TerminalSessionId),
        (Prop::OriginalFileName, OriginalFileName),
        (Prop::Company, Company),
        (Prop::Product, Product),
        (Prop::Description, Description),
        (Prop::FileVersion, FileVersion),
    ] {
        w.set_some(p, prop, e.get(field));
    }
    w.set(p, Prop::Start, &e.time.rfc3339());
    w.edge(p, EdgeType::On, host);
    if let Some(parent) = process(w, &PARENT) {
        w.set_some(parent, Prop::CommandLine, e.get(ParentCommandLine));
        w.edge(parent, EdgeType::Spawned, p);
    }
    if let Some(f) = e.get(Image).and_then(|i| file_node(w, i)) {
        w.edge(p, EdgeType::Executed, f);
        file::has_hash(w, f, file::VERSION);
    }
    if let Some(name) = e.get(User) {
        let u = user(w, name);
        w.edge(p, EdgeType::RanAs, u);
    }
    if let Some(logon) = e.get(LogonGuid).or_else(|| e.get(LogonId)) {
        let s = w.node(NodeId::logon_session(&w.host, logon));
        w.set_some(s, Prop::LogonGuid, e.get(LogonGuid));
        w.set_some(s, Prop::LogonId, e.get(LogonId));
        w.set_some(s, Prop::TerminalSessionId, e.get(TerminalSessionId));
        w.set_some(s, Prop::User, e.get(User));
        w.edge(p, EdgeType::InSession, s);
    }
}

fn process_ended(w: &mut Writer<'_>) {
    if let Some(p) = acting(w) {
        w.set(p, Prop::End, &w.event.time.rfc3339());
    }
}

/// Codes 8 and 10.
fn other_process(w: &mut Writer<'_>) {
    let e = w.event;
    let (source, target) = (process(w, &SOURCE), process(w, &TARGET));
    let (Some(source), Some(target)) = (source, target) else { return };
    if e.code == 8 {
        let said = [
            (Prop::StartModule, e.get(StartModule)),
            (Prop::StartFunction, e.get(StartFunction)),
            (Prop::StartAddress, e.get(StartAddress)),
        ];
        w.edge_with(source, EdgeType::CreatedThreadIn, target, &said);
    } else {
        w.edge_with(source, EdgeType::Accessed, target, &[(Prop::GrantedAccess, e.get(GrantedAccess))]);
    }
}

fn tampered(w: &mut Writer<'_>) {
    let e = w.event;
    if let Some(p) = acting(w) {
        w.set(p, Prop::Tampered, e.get(Type).unwrap_or("yes"));
        w.edge_with(p, EdgeType::Tampered, p, &[(Prop::Type, e.get(Type))]);
    }
}
