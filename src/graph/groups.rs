//! Neighbours in groups: what a node with thousands of them shows first. What they have in common is told from their
//! labels, hosts and times, the same way in every engine; an engine reads no more of each than its group needs.
use super::{GraphStore, Neighbour, NeighbourFilter, Node, NodeId, NodeKind, model::Properties};
use crate::{
    error::Result,
    event::{Scope, Time, text},
};
use std::{collections::HashMap, net::IpAddr};

/// Neighbours that one grouping looks at: the last seen.
pub const MOST: usize = 200_000;
/// Neighbours read at once to be shown.
const SHOWN: usize = 2_000;

/// What the neighbours of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grouping {
    Kind,
    Host,
    /// Last part of a path, image without process number, whole name of the rest.
    Name,
    /// Folder of a path, key above a key, network of an address (/24, /64), domain above a name.
    Place,
    /// Day (UTC) of the last time.
    Day,
}

impl Grouping {
    /// The group of a neighbour over an edge that was `last` seen then; empty where it has none, such as the host of an
    /// address.
    pub fn key(self, node: &Node, last: Time) -> String {
        let Node { id, label, host, properties, .. } = node;
        match self {
            Self::Kind => Self::kind(id.kind),
            Self::Host => host.clone().unwrap_or_default(),
            Self::Name | Self::Place => self.named(id.kind, label, properties),
            Self::Day => Self::day(last),
        }
    }

    pub(super) fn kind(kind: NodeKind) -> String {
        kind.to_string()
    }

    pub(super) fn day(last: Time) -> String {
        last.to_string().chars().take(10).collect()
    }

    /// The group by name or place, which both follow from what the node is called.
    pub(super) fn named(self, kind: NodeKind, label: &str, properties: &Properties) -> String {
        match self {
            Self::Place => text::fold(&place(kind, label, properties)),
            _ => text::fold(name(kind, label)),
        }
    }
}

fn name(kind: NodeKind, label: &str) -> &str {
    match kind {
        NodeKind::Process => label.rsplit_once(" (").map_or(label, |(image, _)| image),
        NodeKind::File | NodeKind::Stream | NodeKind::RegistryKey | NodeKind::RegistryValue => {
            label.rsplit(['\\', '/']).next().unwrap_or(label)
        }
        _ => label,
    }
}

fn place(kind: NodeKind, label: &str, properties: &Properties) -> String {
    match kind {
        NodeKind::Process => above(properties.get("image").map_or("", String::as_str)),
        NodeKind::IpAddress => match text::ip(label) {
            Some(IpAddr::V4(v4)) => {
                let [a, b, c, _] = v4.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Some(IpAddr::V6(v6)) => {
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            None => String::new(),
        },
        NodeKind::Domain => label.split_once('.').map_or(label, |(_, up)| up).to_owned(),
        _ => above(label),
    }
}

fn above(path: &str) -> String {
    path.rfind(['\\', '/']).and_then(|end| path.get(..end)).unwrap_or_default().to_owned()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub key: String,
    pub count: u64,
}

#[derive(Debug, Clone)]
pub struct Groups {
    /// The largest first, then by key.
    pub items: Vec<Group>,
    /// Neighbours that were looked at.
    pub looked_at: u64,
    /// All neighbours that match.
    pub total: u64,
}

impl Groups {
    /// Of the group of each neighbour that was looked at.
    pub fn of(keys: impl IntoIterator<Item = String>, total: u64) -> Self {
        let (mut counts, mut looked_at) = (HashMap::<String, u64>::new(), 0);
        for key in keys {
            looked_at += 1;
            *counts.entry(key).or_default() += 1;
        }
        let mut items: Vec<Group> = counts.into_iter().map(|(key, count)| Group { key, count }).collect();
        items.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        Self { items, looked_at, total }
    }
}

/// Where the reading of a group stands: the page of neighbours, and how many of it are done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub page: Option<String>,
    pub done: usize,
}

#[derive(Debug, Clone)]
pub struct Members {
    /// As in [`super::Neighbours`].
    pub items: Vec<Neighbour>,
    /// Place behind the last neighbour that was looked at, if there may be more.
    pub next: Option<Place>,
}

/// The neighbours of one group: at most `first`, and fewer, even none, where they are rare among the next `pages` of
/// neighbours.
///
/// # Errors
/// Those of the store.
pub async fn members(
    store: &dyn GraphStore,
    scope: &Scope,
    id: NodeId,
    filter: &NeighbourFilter,
    (by, key): (Grouping, &str),
    (place, first, pages): (Place, usize, usize),
) -> Result<Members> {
    let mut found = Members { items: Vec::new(), next: None };
    let Place { mut page, mut done } = place;
    for _ in 0..pages {
        let read = store.neighbours(scope, id, filter, page.as_deref(), SHOWN).await?;
        let mut fitting =
            read.items.into_iter().enumerate().skip(done).filter(|(_, n)| by.key(&n.node, n.edge.seen.last) == key);
        for (i, n) in fitting.by_ref() {
            found.items.push(n);
            if found.items.len() == first {
                done = i + 1;
                break;
            }
        }
        let more_here = fitting.next().is_some();
        drop(fitting);
        if found.items.len() == first {
            found.next = match (more_here, read.next) {
                (true, _) => Some(Place { page, done }),
                (false, Some(next)) => Some(Place { page: Some(next), done: 0 }),
                (false, None) => None,
            };
            return Ok(found);
        }
        let Some(next) = read.next else { return Ok(found) };
        (page, done) = (Some(next), 0);
    }
    found.next = Some(Place { page, done });
    Ok(found)
}
