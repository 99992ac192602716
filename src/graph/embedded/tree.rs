//! Process trees and lineage. Bad data may hold circles and several parents: nothing here walks in one.
use super::read::{View, bounds};
use crate::{
    error::Result,
    event::{Period, Time},
    graph::{EdgeType, Lineage, Node, NodeId, Seen, Tree, TreeProcess},
};
use rusqlite::{OptionalExtension, Row, params};
use std::collections::{HashSet, VecDeque};

const SPAWNED: u8 = EdgeType::Spawned as u8;

/// The other end of an edge with the edge's times.
fn end(r: &Row<'_>) -> rusqlite::Result<(i64, Seen)> {
    Ok((r.get(0)?, Seen { first: Time(r.get(1)?), last: Time(r.get(2)?) }))
}

impl View<'_> {
    /// `host` is in scope.
    pub fn tree(&self, host: &str, period: Period, after: Option<&str>, first: usize) -> Result<Tree> {
        let [start, number] = match after {
            Some(cursor) => self.numbers(cursor)?,
            None => [i64::MIN, i64::MIN],
        };
        let mut tree = Tree { processes: Vec::new(), next: None, total: 0 };
        let mut find = self.db.prepare_cached("SELECT id FROM host WHERE name = ?1 AND other = ''")?;
        let Some(host): Option<i64> = find.query_row([host], |r| r.get(0)).optional()? else { return Ok(tree) };
        let (from, to) = bounds(period);
        const RAN: &str =
            "FROM seen INDEXED BY seen_process WHERE kind = 1 AND host = ?1 AND first < ?2 AND last >= ?3";
        let mut count = self.db.prepare_cached(&format!("SELECT count(*) {RAN}"))?;
        tree.total = count.query_row([host, to, from], |r| r.get::<_, i64>(0))?.unsigned_abs();
        let sql = format!("SELECT first, node {RAN} AND (first, node) > (?4, ?5) ORDER BY first, node LIMIT ?6");
        let limit = i64::try_from(first.saturating_add(1)).unwrap_or(i64::MAX);
        let mut page = self.db.prepare_cached(&sql)?;
        let mut rows = page
            .query_map([host, to, from, start, number, limit], |r| Ok([r.get(0)?, r.get(1)?]))?
            .collect::<rusqlite::Result<Vec<[i64; 2]>>>()?;
        let more = rows.len() > first;
        rows.truncate(first);
        if let Some(last) = rows.last().filter(|_| more) {
            tree.next = Some(self.cursor_of(*last));
        }
        let listed: HashSet<i64> = rows.iter().map(|r| r[1]).collect();
        let mut shown = HashSet::new();
        for [_, node] in rows {
            self.with_ancestors(node, &listed, &mut shown, &mut tree.processes)?;
        }
        Ok(tree)
    }

    /// Adds the process behind those of its ancestors that are not there yet.
    fn with_ancestors(
        &self,
        node: i64,
        listed: &HashSet<i64>,
        shown: &mut HashSet<i64>,
        out: &mut Vec<TreeProcess>,
    ) -> Result<()> {
        let mut chain = Vec::new();
        let mut below = HashSet::new();
        let mut next = Some(node);
        while let Some(n) = next.filter(|n| shown.insert(*n)) {
            let parent = self.parent(n)?;
            // A circle is cut here: its first process stands as a root.
            below.insert(n);
            let parent = parent.filter(|(p, _)| !below.contains(p));
            chain.push((n, parent));
            next = parent.map(|(p, _)| p);
        }
        for (n, parent) in chain.into_iter().rev() {
            out.extend(self.branch(n, parent, !listed.contains(&n))?);
        }
        Ok(())
    }

    fn branch(&self, number: i64, parent: Option<(i64, Seen)>, context: bool) -> Result<Option<TreeProcess>> {
        let Some(node) = self.process(number)? else { return Ok(None) };
        let spawned = parent.map(|(_, seen)| seen);
        let parent = parent.map(|(p, _)| self.id(p)).transpose()?;
        Ok(Some(TreeProcess { node, parent, spawned, context }))
    }

    fn process(&self, number: i64) -> Result<Option<Node>> {
        self.node(number, self.id(number)?)
    }

    /// Who started the process, and when; of several the one seen last.
    fn parent(&self, process: i64) -> Result<Option<(i64, Seen)>> {
        let sql = format!(
            "SELECT e.source, min(e.first), max(e.last) FROM edge e INDEXED BY edge_in JOIN node n ON n.id = e.source
             WHERE e.target = ?2 AND e.type = {SPAWNED} AND {} GROUP BY e.source
             ORDER BY max(e.last) DESC, n.key DESC LIMIT 1",
            self.visible()
        );
        let mut find = self.db.prepare_cached(&sql)?;
        Ok(find.query_row(params![self.hosts(), process], end).optional()?)
    }

    fn children(&self, process: i64) -> Result<Vec<(i64, Seen)>> {
        let sql = format!(
            "SELECT target, min(first), max(last) FROM edge INDEXED BY edge_out
             WHERE source = ?2 AND type = {SPAWNED} AND {} GROUP BY target ORDER BY min(first), target",
            self.visible()
        );
        let mut find = self.db.prepare_cached(&sql)?;
        let rows = find.query_map(params![self.hosts(), process], end)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub fn lineage(&self, process: NodeId, max_descendants: usize) -> Result<Lineage> {
        let mut lineage = Lineage { ancestors: Vec::new(), descendants: Vec::new(), descendants_left_out: 0 };
        let Some(start) = self.number(process)? else { return Ok(lineage) };
        let mut up = HashSet::new();
        let mut next = Some(start);
        while let Some(n) = next.filter(|n| up.insert(*n)) {
            // A circle is cut where it would close.
            let parent = self.parent(n)?.filter(|(p, _)| !up.contains(p));
            lineage.ancestors.extend(self.branch(n, parent, false)?);
            next = parent.map(|(p, _)| p);
        }
        if lineage.ancestors.is_empty() {
            return Ok(lineage);
        }
        let mut seen = HashSet::from([start]);
        let mut queue = VecDeque::from([start]);
        while let Some(parent) = queue.pop_front() {
            for (child, spawned) in self.children(parent)? {
                if !seen.insert(child) {
                    continue;
                }
                queue.push_back(child);
                if lineage.descendants.len() >= max_descendants {
                    lineage.descendants_left_out += 1;
                } else {
                    lineage.descendants.extend(self.branch(child, Some((parent, spawned)), false)?);
                }
            }
        }
        Ok(lineage)
    }
}
