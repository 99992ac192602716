//! Merging a batch into the file: one transaction, on the one writer thread.
use super::schema;
use crate::{
    error::{Error, Result},
    event::{Position, Time},
    graph::{
        batch::{Batch, DraftNode, Facts, Flow, Local},
        model::{EdgeType, NodeId, NodeKind},
        property::Stamped,
    },
};
use lru::LruCache;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use std::{collections::HashMap, num::NonZeroUsize};

/// Node numbers kept in memory: some 100 bytes each.
const CACHED_NODES: usize = 200_000;
/// Both ends of a connection report it within this time, in milliseconds.
const FLOW_WINDOW: i64 = 60_000;

/// The one writer, with the numbers of nodes and hosts that it knows.
pub struct Writer {
    db: Connection,
    nodes: LruCache<u128, i64>,
    hosts: HashMap<Box<str>, i64>,
}

impl Writer {
    pub fn open(path: &std::path::Path) -> Result<Self> {
        let nodes = LruCache::new(NonZeroUsize::new(CACHED_NODES).unwrap_or(NonZeroUsize::MIN));
        Ok(Self { db: schema::writer(path)?, nodes, hosts: HashMap::new() })
    }

    /// # Errors
    /// Nothing of the batch is stored then.
    pub fn upsert(&mut self, batch: Batch, upto: &Position) -> Result<()> {
        let done = self.merge(batch, upto);
        if done.is_err() {
            // Numbers of a transaction that was rolled back.
            self.forget();
        }
        done
    }

    fn forget(&mut self) {
        self.nodes.clear();
        self.hosts.clear();
    }

    pub fn clear(&mut self) -> Result<()> {
        self.forget();
        let t = self.db.transaction()?;
        t.execute_batch(
            "DELETE FROM flow; DELETE FROM edge; DELETE FROM seen; DELETE FROM node; DELETE FROM host;
             UPDATE meta SET position = '', generation = generation + 1;",
        )?;
        t.commit()?;
        Ok(())
    }

    fn merge(&mut self, batch: Batch, upto: &Position) -> Result<()> {
        let Batch { hosts: names, nodes, edges, flows, .. } = batch;
        let t = self.db.transaction()?;
        {
            let mut s = Statements::prepare(&t)?;
            let mut hosts = Vec::with_capacity(names.len());
            for name in &names {
                let n = match self.hosts.get(name) {
                    Some(n) => *n,
                    None => host_number(&t, name, "")?,
                };
                self.hosts.insert(name.clone(), n);
                hosts.push(n);
            }
            let mut ids = Vec::with_capacity(nodes.len());
            let mut kinds = Vec::with_capacity(nodes.len());
            for DraftNode { id, host, facts } in nodes {
                let host = number(&hosts, host)?;
                let (node, new) = s.node(&mut self.nodes, id)?;
                s.see(node, id.kind, host, facts, new)?;
                ids.push((node, host, new));
                kinds.push(id);
            }
            let mut rows = Vec::with_capacity(edges.len());
            for ((from, edge, to), facts) in edges {
                let ((source, host, a), (target, _, b)) = (number(&ids, from)?, number(&ids, to)?);
                rows.push((EdgeRow { source, edge, target, host, new: a || b }, facts));
            }
            // Neighbouring rows together.
            rows.sort_unstable_by_key(|(r, _)| (r.source, r.edge, r.target, r.host));
            let mut before = None;
            for (mut row, facts) in rows {
                let key = (row.source, row.edge, row.target);
                // Another host of this batch reports it too.
                row.new &= before != Some(key);
                before = Some(key);
                s.edge(&row, facts)?;
            }
            for flow in flows {
                let (process, host, _) = number(&ids, flow.process)?;
                s.flow(&flow, process, host)?;
            }
        }
        t.prepare_cached("UPDATE meta SET position = ?1")?.execute([upto.to_string()])?;
        t.commit()?;
        Ok(())
    }
}

fn number<T: Copy>(all: &[T], n: Local) -> Result<T> {
    all.get(n as usize).copied().ok_or_else(|| Error::internal("a batch refers to a node or host that it lacks"))
}

/// Number of a host, or of a pair of hosts.
fn host_number(db: &Connection, name: &str, other: &str) -> Result<i64> {
    let found = db
        .prepare_cached("SELECT id FROM host WHERE name = ?1 AND other = ?2")?
        .query_row([name, other], |r| r.get(0))
        .optional()?;
    if let Some(n) = found {
        return Ok(n);
    }
    db.prepare_cached("INSERT INTO host (name, other) VALUES (?1, ?2)")?.execute([name, other])?;
    Ok(db.last_insert_rowid())
}

struct EdgeRow {
    source: i64,
    edge: EdgeType,
    target: i64,
    host: i64,
    /// One end is new, so the edge is.
    new: bool,
}

/// A stored row: its host, whether it is the main one, and what it says.
struct Stored {
    host: i64,
    main: bool,
    facts: Facts,
    /// The bytes of its properties.
    said: Vec<u8>,
}

fn stored(r: &Row<'_>) -> rusqlite::Result<Stored> {
    let said: Vec<u8> = r.get(5)?;
    Ok(Stored {
        host: r.get(0)?,
        main: r.get(1)?,
        facts: Facts {
            first: Time(r.get(2)?),
            last: Time(r.get(3)?),
            inferred: r.get(4)?,
            properties: Stamped::default(),
        },
        said,
    })
}

impl Stored {
    fn decode(mut self) -> Result<Self> {
        self.facts.properties = Stamped::decode(&self.said).map_err(Error::internal)?;
        Ok(self)
    }
}

struct Statements<'c> {
    db: &'c Connection,
    find_node: CachedStatement<'c>,
    new_node: CachedStatement<'c>,
    find_seen: CachedStatement<'c>,
    any_seen: CachedStatement<'c>,
    put_seen: CachedStatement<'c>,
    change_seen: CachedStatement<'c>,
    demote_seen: CachedStatement<'c>,
    find_edge: CachedStatement<'c>,
    any_edge: CachedStatement<'c>,
    put_edge: CachedStatement<'c>,
    change_edge: CachedStatement<'c>,
    demote_edge: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(db: &'c Connection) -> Result<Self> {
        Ok(Self {
            db,
            find_node: db.prepare_cached("SELECT id FROM node WHERE key = ?1")?,
            new_node: db.prepare_cached("INSERT INTO node (kind, key) VALUES (?1, ?2)")?,
            find_seen: db.prepare_cached(
                "SELECT host, main, first, last, inferred, properties FROM seen WHERE node = ?1 AND host = ?2",
            )?,
            // Host 0 sorts first; else there is one row at most.
            any_seen: db.prepare_cached(
                "SELECT host, main, first, last, inferred, properties FROM seen WHERE node = ?1 ORDER BY host LIMIT 1",
            )?,
            put_seen: db.prepare_cached(
                "INSERT INTO seen (node, host, main, kind, first, last, inferred, properties)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
            change_seen: db.prepare_cached(
                "UPDATE seen SET first = ?3, last = ?4, inferred = ?5, properties = ?6 WHERE node = ?1 AND host = ?2",
            )?,
            demote_seen: db.prepare_cached("UPDATE seen SET main = 0 WHERE node = ?1 AND host = ?2")?,
            find_edge: db.prepare_cached(
                "SELECT host, main, first, last, 0, properties FROM edge
                 WHERE source = ?1 AND type = ?2 AND target = ?3 AND host = ?4",
            )?,
            any_edge: db.prepare_cached(
                "SELECT host, main, first, last, 0, properties FROM edge
                 WHERE source = ?1 AND type = ?2 AND target = ?3 ORDER BY host LIMIT 1",
            )?,
            put_edge: db.prepare_cached(
                "INSERT INTO edge (source, type, target, host, main, first, last, properties)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
            change_edge: db.prepare_cached(
                "UPDATE edge SET first = ?5, last = ?6, properties = ?7
                 WHERE source = ?1 AND type = ?2 AND target = ?3 AND host = ?4",
            )?,
            demote_edge: db.prepare_cached(
                "UPDATE edge SET main = 0 WHERE source = ?1 AND type = ?2 AND target = ?3 AND host = ?4",
            )?,
        })
    }

    /// Number of a node, and whether it is new.
    fn node(&mut self, known: &mut LruCache<u128, i64>, id: NodeId) -> Result<(i64, bool)> {
        if let Some(n) = known.get(&id.key) {
            return Ok((*n, false));
        }
        let key = id.key.to_be_bytes();
        let found: Option<i64> = self.find_node.query_row([&key[..]], |r| r.get(0)).optional()?;
        let (n, new) = match found {
            Some(n) => (n, false),
            None => {
                self.new_node.execute(params![id.kind as u8, &key[..]])?;
                (self.db.last_insert_rowid(), true)
            }
        };
        known.put(id.key, n);
        Ok((n, new))
    }

    fn see(&mut self, node: i64, kind: NodeKind, host: i64, facts: Facts, new: bool) -> Result<()> {
        if new {
            return self.insert_seen(node, kind, host, true, &facts);
        }
        let own = self.find_seen.query_row([node, host], stored).optional()?;
        if own.as_ref().is_some_and(|o| o.main) {
            return self.change_seen(node, own, facts);
        }
        // Several hosts report it: keep this host's own row, and the one of all.
        let first = self.any_seen.query_row([node], stored).optional()?;
        match first {
            None => return self.insert_seen(node, kind, host, true, &facts),
            Some(sole) if sole.host != 0 => {
                let mut all = sole.decode()?;
                self.demote_seen.execute([node, all.host])?;
                all.facts.merge(facts.clone());
                self.insert_seen(node, kind, 0, true, &all.facts)?;
            }
            all => self.change_seen(node, all, facts.clone())?,
        }
        match own {
            None => self.insert_seen(node, kind, host, false, &facts),
            own => self.change_seen(node, own, facts),
        }
    }

    fn insert_seen(&mut self, node: i64, kind: NodeKind, host: i64, main: bool, f: &Facts) -> Result<()> {
        let said = f.properties.encode();
        self.put_seen.execute(params![node, host, main, kind as u8, f.first.0, f.last.0, f.inferred, said])?;
        Ok(())
    }

    fn change_seen(&mut self, node: i64, row: Option<Stored>, facts: Facts) -> Result<()> {
        let Some(row) = row else { return Ok(()) };
        let mut row = row.decode()?;
        if row.facts.merge(facts) {
            let f = &row.facts;
            let said = f.properties.encode();
            self.change_seen.execute(params![node, row.host, f.first.0, f.last.0, f.inferred, said])?;
        }
        Ok(())
    }

    fn edge(&mut self, e: &EdgeRow, facts: Facts) -> Result<()> {
        if e.new {
            return self.insert_edge(e, e.host, true, &facts);
        }
        let key = params![e.source, e.edge as u8, e.target, e.host];
        let own = self.find_edge.query_row(key, stored).optional()?;
        if own.as_ref().is_some_and(|o| o.main) {
            return self.change_edge(e, own, facts);
        }
        let first = self.any_edge.query_row(params![e.source, e.edge as u8, e.target], stored).optional()?;
        match first {
            None => return self.insert_edge(e, e.host, true, &facts),
            Some(sole) if sole.host != 0 => {
                let mut all = sole.decode()?;
                self.demote_edge.execute(params![e.source, e.edge as u8, e.target, all.host])?;
                all.facts.merge(facts.clone());
                self.insert_edge(e, 0, true, &all.facts)?;
            }
            all => self.change_edge(e, all, facts.clone())?,
        }
        match own {
            None => self.insert_edge(e, e.host, false, &facts),
            own => self.change_edge(e, own, facts),
        }
    }

    fn insert_edge(&mut self, e: &EdgeRow, host: i64, main: bool, f: &Facts) -> Result<()> {
        let said = if f.properties.is_empty() { Vec::new() } else { f.properties.encode() };
        self.put_edge.execute(params![e.source, e.edge as u8, e.target, host, main, f.first.0, f.last.0, said])?;
        Ok(())
    }

    fn change_edge(&mut self, e: &EdgeRow, row: Option<Stored>, facts: Facts) -> Result<()> {
        let Some(row) = row else { return Ok(()) };
        let mut row = row.decode()?;
        if row.facts.merge(facts) {
            let f = &row.facts;
            let said = if f.properties.is_empty() { Vec::new() } else { f.properties.encode() };
            let key = params![e.source, e.edge as u8, e.target, row.host, f.first.0, f.last.0, said];
            self.change_edge.execute(key)?;
        }
        Ok(())
    }

    /// Keeps one side's view of a connection, and joins it with the views of the other side.
    fn flow(&mut self, flow: &Flow, process: i64, host: i64) -> Result<()> {
        let db = self.db;
        let tuple = flow.tuple.to_be_bytes();
        let new = db
            .prepare_cached(
                "INSERT OR IGNORE INTO flow (tuple, initiator, time, process, host) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![&tuple[..], flow.initiator, flow.time.0, process, host])?;
        if new == 0 {
            return Ok(());
        }
        let mut others = db.prepare_cached(
            "SELECT f.process, f.host, f.time, a.name, b.name FROM flow f
             JOIN host a ON a.id = ?5 JOIN host b ON b.id = f.host
             WHERE f.tuple = ?1 AND f.initiator = ?2 AND f.time BETWEEN ?3 AND ?4",
        )?;
        let time = flow.time.0;
        let around = (time.saturating_sub(FLOW_WINDOW), time.saturating_add(FLOW_WINDOW));
        let matches = others
            .query_map(params![&tuple[..], !flow.initiator, around.0, around.1, host], |r| {
                Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?, r.get::<_, String>(3)?, r.get(4)?))
            })?
            .collect::<rusqlite::Result<Vec<(i64, i64, i64, String, String)>>>()?;
        for (other, other_host, at, a, b) in matches {
            // Only who may see both hosts sees an edge between them.
            let both = match a.cmp(&b) {
                std::cmp::Ordering::Equal => other_host,
                std::cmp::Ordering::Less => host_number(db, &a, &b)?,
                std::cmp::Ordering::Greater => host_number(db, &b, &a)?,
            };
            let (source, target) = if flow.initiator { (process, other) } else { (other, process) };
            let row = EdgeRow { source, edge: EdgeType::TalkedTo, target, host: both, new: false };
            let mut facts = Facts::at(Time(time.min(at)), false);
            facts.last = Time(time.max(at));
            self.edge(&row, facts)?;
        }
        Ok(())
    }
}
