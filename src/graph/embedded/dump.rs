//! The whole graph as text, for comparing.
use super::read::{View, edge_type};
use crate::{error::Result, graph::line};
use rusqlite::params;

/// A line per node by key, each followed by its outgoing edges by type and key.
pub fn dump(view: &View<'_>, mut each: impl FnMut(String)) -> Result<()> {
    let mut nodes = view.db.prepare("SELECT id FROM node ORDER BY key")?;
    let sql = format!(
        "SELECT DISTINCT e.type, e.target, n.key FROM edge e JOIN node n ON n.id = e.target
         WHERE e.source = ?2 AND {} ORDER BY e.type, n.key",
        view.visible()
    );
    let mut edges = view.db.prepare(&sql)?;
    let mut rows = nodes.query([])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let id = view.id(number)?;
        let Some(node) = view.node(number, id)? else { continue };
        each(line::node(&node));
        let mut found = edges.query(params![view.hosts(), number])?;
        while let Some(r) = found.next()? {
            let (edge, target) = (edge_type(r.get(0)?)?, r.get(1)?);
            if let Some(edge) = view.edge((number, id), edge, (target, view.id(target)?))? {
                each(line::edge(&edge));
            }
        }
    }
    Ok(())
}
