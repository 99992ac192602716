//! From an event to nodes and edges, by `reference/graph.md`: pure, no I/O.
/// Nodes and edges of some events, merged.
#[derive(Debug, Default)]
pub struct Batch {}
