//! Process trees and lineage. Bad data may hold circles and several parents: nothing here walks in one.
use super::read::{View, bounds};
use crate::{
    error::Result,
    event::Period,
    graph::{EdgeType, Lineage, Node, NodeId, Tree, TreeProcess},
};
use rusqlite::{OptionalExtension, params};
use std::collections::{HashSet, VecDeque};

const SPAWNED: u8 = EdgeType::Spawned as u8;

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
            let circle = parent.is_some_and(|p| below.contains(&p));
            let parent = parent.filter(|_| !circle);
            chain.push((n, parent));
            next = parent;
        }
        for (n, parent) in chain.into_iter().rev() {
            if let Some(node) = self.process(n)? {
                let parent = parent.map(|p| self.id(p)).transpose()?;
                out.push(TreeProcess { node, parent, context: !listed.contains(&n) });
            }
        }
        Ok(())
    }

    fn process(&self, number: i64) -> Result<Option<Node>> {
        self.node(number, self.id(number)?)
    }

    /// Who started the process; of several the one seen last.
    fn parent(&self, process: i64) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT e.source FROM edge e INDEXED BY edge_in JOIN node n ON n.id = e.source
             WHERE e.target = ?2 AND e.type = {SPAWNED} AND {} ORDER BY e.last DESC, n.key DESC LIMIT 1",
            self.visible()
        );
        let mut find = self.db.prepare_cached(&sql)?;
        Ok(find.query_row(params![self.hosts(), process], |r| r.get(0)).optional()?)
    }

    fn children(&self, process: i64) -> Result<Vec<i64>> {
        let sql = format!(
            "SELECT target FROM edge INDEXED BY edge_out WHERE source = ?2 AND type = {SPAWNED} AND {}
             ORDER BY first, target",
            self.visible()
        );
        let mut find = self.db.prepare_cached(&sql)?;
        let rows = find.query_map(params![self.hosts(), process], |r| r.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub fn lineage(&self, process: NodeId, max_descendants: usize) -> Result<Lineage> {
        let mut lineage = Lineage { ancestors: Vec::new(), descendants: Vec::new(), descendants_left_out: 0 };
        let Some(start) = self.number(process)? else { return Ok(lineage) };
        let mut up = HashSet::new();
        let mut next = Some(start);
        while let Some(n) = next.filter(|n| up.insert(*n)) {
            lineage.ancestors.extend(self.process(n)?);
            next = self.parent(n)?;
        }
        if lineage.ancestors.is_empty() {
            return Ok(lineage);
        }
        let mut seen = HashSet::from([start]);
        let mut queue = VecDeque::from([start]);
        while let Some(parent) = queue.pop_front() {
            let parent_id = self.id(parent)?;
            for child in self.children(parent)? {
                if !seen.insert(child) {
                    continue;
                }
                queue.push_back(child);
                if lineage.descendants.len() >= max_descendants {
                    lineage.descendants_left_out += 1;
                } else if let Some(node) = self.process(child)? {
                    lineage.descendants.push(TreeProcess { node, parent: Some(parent_id), context: false });
                }
            }
        }
        Ok(lineage)
    }
}
