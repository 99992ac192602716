//! Nodes and edges as text, for comparing graphs.
use super::{Edge, Node};

pub(super) fn node(n: &Node) -> String {
    let host = n.host.as_deref().unwrap_or("-");
    let inferred = if n.inferred { " inferred" } else { "" };
    format!("{} {:?} on {host} {}..{}{inferred} {:?}", n.id, n.label, n.seen.first, n.seen.last, n.properties)
}

pub(super) fn edge(e: &Edge) -> String {
    format!("{} {} {} {}..{} {:?}", e.from, e.edge, e.to, e.seen.first, e.seen.last, e.properties)
}
