//! Edges around several nodes at once, for walks that need no more than their times.
use super::read::{View, bounds, columns, edge_type};
use crate::{
    error::Result,
    event::Time,
    graph::{Direction, EdgeType, Link, NeighbourFilter, NodeId, Seen},
};
use rusqlite::params;
use std::collections::{HashMap, hash_map::Entry};

impl View<'_> {
    pub fn links(&self, ids: &[NodeId], filter: &NeighbourFilter, most: usize) -> Result<Vec<Link>> {
        let mut found: HashMap<(NodeId, EdgeType, NodeId), Link> = HashMap::new();
        let mut known: HashMap<i64, NodeId> = HashMap::new();
        let edges = if filter.edges.is_empty() { EdgeType::ALL } else { &filter.edges };
        let edges = serde_json::to_string(&edges.iter().map(|e| *e as u8).collect::<Vec<_>>())?;
        let (from, to) = bounds(filter.period);
        for id in ids {
            let Some(node) = self.number(*id)? else { continue };
            known.insert(node, *id);
            for direction in [Direction::Out, Direction::In] {
                if filter.direction.is_some_and(|d| d != direction) {
                    continue;
                }
                let (own, other, index) = columns(direction);
                // Rows of several hosts tell of one edge: the period is compared with all of them together.
                let sql = format!(
                    "SELECT type, {other}, min(first), max(last) FROM edge INDEXED BY {index}
                     WHERE {own} = ?2 AND {} AND type IN (SELECT value FROM json_each(?3))
                     GROUP BY type, {other} HAVING max(last) >= ?4 AND min(first) < ?5",
                    self.visible()
                );
                let mut find = self.db.prepare_cached(&sql)?;
                let mut rows = find.query(params![self.hosts(), node, edges, from, to])?;
                while let Some(row) = rows.next()? {
                    if found.len() >= most {
                        return Ok(found.into_values().collect());
                    }
                    let number = row.get(1)?;
                    let end = match known.entry(number) {
                        Entry::Occupied(e) => *e.get(),
                        Entry::Vacant(e) => *e.insert(self.id(number)?),
                    };
                    let (from, to) = if direction == Direction::Out { (*id, end) } else { (end, *id) };
                    let edge = edge_type(row.get(0)?)?;
                    let seen = Seen { first: Time(row.get(2)?), last: Time(row.get(3)?) };
                    found.insert((from, edge, to), Link { from, edge, to, seen });
                }
            }
        }
        Ok(found.into_values().collect())
    }
}
