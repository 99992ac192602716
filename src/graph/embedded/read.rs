//! Reading nodes, degrees and neighbours, for one caller's scope.
use crate::graph::Seen;
use crate::{
    error::{Error, Result},
    event::{Period, Scope, Time},
    graph::{
        Counts, Degree, Direction, Edge, EdgeType, Grouping, Groups, Neighbour, NeighbourFilter, Neighbours, Node,
        NodeId, NodeKind,
        batch::{self, Facts},
        key,
        property::Stamped,
    },
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The graph as one caller sees it, over one snapshot.
pub struct View<'c> {
    pub db: &'c Connection,
    /// Numbers of the hosts that he may see, as JSON; `None`: all.
    allowed: Option<String>,
    generation: i64,
}

/// Position of a neighbour: last seen descending, then type, direction, and number of the node descending.
#[derive(Debug, Clone, Copy)]
struct Position {
    last: i64,
    edge: EdgeType,
    direction: Direction,
    other: i64,
}

impl Position {
    fn rank(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.last), self.edge, self.direction, std::cmp::Reverse(self.other))
    }
}

/// Facts of a row, from columns first, last, inferred, properties.
fn facts(r: &Row<'_>) -> rusqlite::Result<(Facts, Vec<u8>)> {
    let facts =
        Facts { first: Time(r.get(0)?), last: Time(r.get(1)?), inferred: r.get(2)?, properties: Stamped::default() };
    Ok((facts, r.get(3)?))
}

fn decode((mut facts, said): (Facts, Vec<u8>)) -> Result<Facts> {
    facts.properties = Stamped::decode(&said).map_err(Error::internal)?;
    Ok(facts)
}

/// All rows together.
fn merged(rows: impl IntoIterator<Item = (Facts, Vec<u8>)>) -> Result<Option<Facts>> {
    let mut all: Option<Facts> = None;
    for row in rows {
        let facts = decode(row)?;
        match &mut all {
            None => all = Some(facts),
            Some(a) => {
                a.merge(facts);
            }
        }
    }
    Ok(all)
}

/// Bounds for `last >= from AND first < to`.
pub fn bounds(period: Period) -> (i64, i64) {
    (period.from.map_or(i64::MIN, |t| t.0), period.to.map_or(i64::MAX, |t| t.0))
}

/// Column of the node itself, of the other end, and the index, per direction.
pub fn columns(direction: Direction) -> (&'static str, &'static str, &'static str) {
    match direction {
        Direction::Out => ("source", "target", "edge_out"),
        Direction::In => ("target", "source", "edge_in"),
    }
}

impl<'c> View<'c> {
    pub fn new(db: &'c Connection, scope: &Scope) -> Result<Self> {
        let generation = db.query_row("SELECT generation FROM meta", [], |r| r.get(0))?;
        let allowed = match scope {
            Scope::All => None,
            Scope::Hosts(names) => {
                let names = serde_json::to_string(&names[..])?;
                let mut find = db.prepare_cached(
                    "SELECT id FROM host WHERE name IN (SELECT value FROM json_each(?1))
                     AND (other = '' OR other IN (SELECT value FROM json_each(?1)))",
                )?;
                let ids = find.query_map([names], |r| r.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
                Some(serde_json::to_string(&ids)?)
            }
        };
        Ok(Self { db, allowed, generation })
    }

    /// Condition on rows that this caller may see. `?1` is bound to [`Self::hosts`] in every statement.
    pub fn visible(&self) -> &'static str {
        match self.allowed {
            None => "?1 IS NULL AND main = 1",
            Some(_) => "main IN (0, 1) AND host IN (SELECT value FROM json_each(?1))",
        }
    }

    pub fn hosts(&self) -> Option<&str> {
        self.allowed.as_deref()
    }

    /// How many rows of one node or edge to read: there is one main row, and it comes first by host.
    fn rows(&self) -> i64 {
        if self.allowed.is_some() { -1 } else { 1 }
    }

    pub fn number(&self, id: NodeId) -> Result<Option<i64>> {
        let mut find = self.db.prepare_cached("SELECT id FROM node WHERE key = ?1 AND kind = ?2")?;
        Ok(find.query_row(params![&id.key.to_be_bytes()[..], id.kind as u8], |r| r.get(0)).optional()?)
    }

    pub fn id(&self, number: i64) -> Result<NodeId> {
        let mut find = self.db.prepare_cached("SELECT kind, key FROM node WHERE id = ?1")?;
        let (kind, key): (i64, [u8; 16]) = find.query_row([number], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let kind = NodeKind::from_number(kind).ok_or_else(|| Error::internal("unknown kind of node in the graph"))?;
        Ok(NodeId { kind, key: u128::from_be_bytes(key) })
    }

    fn kind(&self, number: i64) -> Result<NodeKind> {
        let mut find = self.db.prepare_cached("SELECT kind FROM node WHERE id = ?1")?;
        let kind = find.query_row([number], |r| r.get(0))?;
        NodeKind::from_number(kind).ok_or_else(|| Error::internal("unknown kind of node in the graph"))
    }

    /// What the hosts that the caller may see say of a node; `None` when they say nothing.
    fn said(&self, number: i64) -> Result<Option<Facts>> {
        let sql = format!(
            "SELECT first, last, inferred, properties FROM seen WHERE node = ?2 AND {} ORDER BY host LIMIT ?3",
            self.visible()
        );
        let mut find = self.db.prepare_cached(&sql)?;
        let rows =
            find.query_map(params![self.hosts(), number, self.rows()], facts)?.collect::<rusqlite::Result<Vec<_>>>()?;
        merged(rows)
    }

    /// `None` when the caller may not see it.
    pub fn node(&self, number: i64, id: NodeId) -> Result<Option<Node>> {
        let Some(facts) = self.said(number)? else { return Ok(None) };
        let properties = facts.properties.texts();
        let reporter = if key::is_shared(id.kind) { String::new() } else { self.reporter(number)? };
        Ok(Some(Node {
            id,
            label: batch::label(id.kind, &properties),
            host: batch::owner(id.kind, &reporter, &properties),
            seen: Seen { first: facts.first, last: facts.last },
            inferred: facts.inferred,
            properties,
        }))
    }

    /// The host that reported the node; of several the latest.
    fn reporter(&self, number: i64) -> Result<String> {
        let only = if self.allowed.is_some() { "s.host IN (SELECT value FROM json_each(?1))" } else { "?1 IS NULL" };
        let sql = format!(
            "SELECT h.name FROM seen s JOIN host h ON h.id = s.host WHERE s.node = ?2 AND {only}
             ORDER BY s.last DESC, h.name LIMIT 1"
        );
        Ok(self.db.prepare_cached(&sql)?.query_row(params![self.hosts(), number], |r| r.get(0))?)
    }

    /// Number of edges per type in one direction: all, and in the period.
    fn count(&self, node: i64, direction: Direction, main: bool, period: Period) -> Result<Vec<(EdgeType, u64, u64)>> {
        let (own, other, index) = columns(direction);
        let main = u8::from(main);
        let sql = match &self.allowed {
            None => format!(
                "SELECT type, count(*), count(CASE WHEN last >= ?3 AND first < ?4 THEN 1 END) FROM edge INDEXED BY {index}
                 WHERE ?1 IS NULL AND {own} = ?2 AND main = {main} GROUP BY type"
            ),
            Some(_) => format!(
                "SELECT type, count(*), count(CASE WHEN l >= ?3 AND f < ?4 THEN 1 END) FROM (
                   SELECT type, max(last) AS l, min(first) AS f FROM edge INDEXED BY {index}
                   WHERE {own} = ?2 AND main = {main} AND host IN (SELECT value FROM json_each(?1))
                   GROUP BY type, {other}) GROUP BY type"
            ),
        };
        let (from, to) = bounds(period);
        let mut find = self.db.prepare_cached(&sql)?;
        let rows = find.query_map(params![self.hosts(), node, from, to], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?))
        })?;
        rows.map(|row| {
            let (edge, total, inside) = row?;
            Ok((edge_type(edge)?, total.unsigned_abs(), inside.unsigned_abs()))
        })
        .collect()
    }

    /// Rows of all hosts together, and for a limited scope those of single hosts.
    fn kinds_of_rows(&self) -> &'static [bool] {
        if self.allowed.is_some() { &[true, false] } else { &[true] }
    }

    pub fn degrees(&self, node: i64, period: Period) -> Result<Vec<Degree>> {
        let mut all: Vec<Degree> = Vec::new();
        for direction in [Direction::Out, Direction::In] {
            for main in self.kinds_of_rows() {
                for (edge, total, in_period) in self.count(node, direction, *main, period)? {
                    match all.iter_mut().find(|d| d.edge == edge && d.direction == direction) {
                        Some(d) => {
                            d.total += total;
                            d.in_period += in_period;
                        }
                        None => all.push(Degree { edge, direction, total, in_period }),
                    }
                }
            }
        }
        all.sort_unstable_by_key(|d| (d.edge, d.direction));
        Ok(all)
    }

    /// The neighbours behind `after`, the last seen first: at least the first of them, if there are so many; and how many
    /// there are in all.
    fn positions(
        &self,
        node: i64,
        filter: &NeighbourFilter,
        after: Option<Position>,
        first: usize,
    ) -> Result<(Vec<Position>, u64)> {
        let (mut positions, mut total) = (Vec::new(), 0);
        for direction in [Direction::Out, Direction::In] {
            if filter.direction.is_some_and(|d| d != direction) {
                continue;
            }
            for main in self.kinds_of_rows() {
                for (edge, _, count) in self.count(node, direction, *main, filter.period)? {
                    if count > 0 && (filter.edges.is_empty() || filter.edges.contains(&edge)) {
                        total += count;
                        positions.extend(self.lane(node, (edge, direction, *main), filter.period, after, first)?);
                    }
                }
            }
        }
        positions.sort_unstable_by_key(Position::rank);
        Ok((positions, total))
    }

    pub fn neighbours(
        &self,
        id: NodeId,
        filter: &NeighbourFilter,
        after: Option<&str>,
        first: usize,
    ) -> Result<Neighbours> {
        let after = after.map(|c| self.position(c)).transpose()?;
        let mut found = Neighbours { items: Vec::new(), next: None, total: 0 };
        let Some(node) = self.number(id)? else { return Ok(found) };
        let (mut positions, total) = self.positions(node, filter, after, first)?;
        found.total = total;
        let more = positions.len() > first;
        positions.truncate(first);
        if let Some(last) = positions.last().filter(|_| more) {
            found.next = Some(self.cursor(last));
        }
        for p in positions {
            found.items.push(self.neighbour(id, node, p)?);
        }
        Ok(found)
    }

    pub fn groups(&self, id: NodeId, filter: &NeighbourFilter, by: Grouping, most: usize) -> Result<Groups> {
        let Some(node) = self.number(id)? else { return Ok(Groups::of([], 0)) };
        let (mut positions, total) = self.positions(node, filter, None, most)?;
        positions.truncate(most);
        let keys = positions.iter().map(|p| self.group(p, by)).collect::<Result<Vec<_>>>()?;
        Ok(Groups::of(keys, total))
    }

    fn group(&self, p: &Position, by: Grouping) -> Result<String> {
        if by == Grouping::Day {
            return Ok(Grouping::day(Time(p.last)));
        }
        let kind = self.kind(p.other)?;
        let called = || -> Result<_> {
            let facts = self.said(p.other)?.ok_or_else(|| Error::internal("an edge to a node that is not there"))?;
            Ok(facts.properties.texts())
        };
        match by {
            Grouping::Kind => Ok(Grouping::kind(kind)),
            Grouping::Host if kind == NodeKind::Host => Ok(batch::owner(kind, "", &called()?).unwrap_or_default()),
            Grouping::Host if key::is_shared(kind) => Ok(String::new()),
            Grouping::Host => self.reporter(p.other),
            _ => {
                let properties = called()?;
                Ok(by.named(kind, &batch::label(kind, &properties), &properties))
            }
        }
    }

    /// The next `first + 1` of one edge type and direction.
    fn lane(
        &self,
        node: i64,
        (edge, direction, main): (EdgeType, Direction, bool),
        period: Period,
        after: Option<Position>,
        first: usize,
    ) -> Result<Vec<Position>> {
        let (own, other, index) = columns(direction);
        let same = "FROM edge o WHERE o.source = e.source AND o.type = e.type AND o.target = e.target AND o.main = 0
                    AND o.host IN (SELECT value FROM json_each(?1))";
        let rows = match (&self.allowed, main) {
            (None, _) => "?1 IS NULL AND main = 1 AND first < ?7".to_owned(),
            (Some(_), true) => "main = 1 AND first < ?7 AND host IN (SELECT value FROM json_each(?1))".to_owned(),
            // Of several hosts' rows of one edge the last one stands for all.
            (Some(_), false) => format!(
                "main = 0 AND host IN (SELECT value FROM json_each(?1)) AND (SELECT min(o.first) {same}) < ?7
                 AND NOT EXISTS (SELECT 1 {same} AND (o.last, o.host) > (e.last, e.host))"
            ),
        };
        let sql = format!(
            "SELECT last, {other} FROM edge e INDEXED BY {index}
             WHERE {own} = ?2 AND type = ?3 AND (last, {other}) < (?4, ?5) AND last >= ?6 AND {rows}
             ORDER BY last DESC, {other} DESC LIMIT ?8"
        );
        let (last, below) = match after {
            None => (i64::MAX, i64::MAX),
            Some(p) => match (edge, direction).cmp(&(p.edge, p.direction)) {
                std::cmp::Ordering::Less => (p.last, i64::MIN),
                std::cmp::Ordering::Equal => (p.last, p.other),
                std::cmp::Ordering::Greater => (p.last, i64::MAX),
            },
        };
        let (from, to) = bounds(period);
        let limit = i64::try_from(first.saturating_add(1)).unwrap_or(i64::MAX);
        let mut find = self.db.prepare_cached(&sql)?;
        let rows = find.query_map(params![self.hosts(), node, edge as u8, last, below, from, to, limit], |r| {
            Ok(Position { last: r.get(0)?, edge, direction, other: r.get(1)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn neighbour(&self, id: NodeId, number: i64, p: Position) -> Result<Neighbour> {
        let other = self.id(p.other)?;
        let gone = || Error::internal("an edge to a node that is not there");
        let node = self.node(p.other, other)?.ok_or_else(gone)?;
        let edge = match p.direction {
            Direction::Out => self.edge((number, id), p.edge, (p.other, other))?,
            Direction::In => self.edge((p.other, other), p.edge, (number, id))?,
        };
        Ok(Neighbour { edge: edge.ok_or_else(gone)?, node, direction: p.direction })
    }

    pub fn edge(&self, from: (i64, NodeId), edge: EdgeType, to: (i64, NodeId)) -> Result<Option<Edge>> {
        let sql = format!(
            "SELECT first, last, 0, properties FROM edge WHERE source = ?2 AND type = ?3 AND target = ?4 AND {}
             ORDER BY host LIMIT ?5",
            self.visible()
        );
        let mut find = self.db.prepare_cached(&sql)?;
        let rows = find
            .query_map(params![self.hosts(), from.0, edge as u8, to.0, self.rows()], facts)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(merged(rows)?.map(|f| Edge {
            from: from.1,
            to: to.1,
            edge,
            seen: Seen { first: f.first, last: f.last },
            properties: f.properties.texts(),
        }))
    }

    fn cursor(&self, p: &Position) -> String {
        format!(
            "{}.{}.{}.{}.{}",
            self.generation,
            p.last,
            p.edge as u8,
            u8::from(p.direction == Direction::In),
            p.other
        )
    }

    fn position(&self, cursor: &str) -> Result<Position> {
        let [last, edge, direction, other] = self.numbers(cursor)?;
        let edge = EdgeType::from_number(edge).ok_or_else(|| Error::bad_input("this is no cursor of the graph"))?;
        let direction = if direction == 0 { Direction::Out } else { Direction::In };
        Ok(Position { last, edge, direction, other })
    }

    /// Numbers of a cursor behind its generation.
    pub fn numbers<const N: usize>(&self, cursor: &str) -> Result<[i64; N]> {
        let bad = || Error::bad_input("this is no cursor of the graph");
        let mut parts = cursor.split('.').map(|p| p.parse::<i64>().map_err(|_| bad()));
        if parts.next().ok_or_else(bad)?? != self.generation {
            return Err(Error::bad_input(
                "the graph was rebuilt since this cursor was given: start from the first page",
            ));
        }
        let numbers: Vec<i64> = parts.collect::<Result<_>>()?;
        numbers.try_into().map_err(|_| bad())
    }

    /// A cursor of these numbers.
    pub fn cursor_of(&self, numbers: [i64; 2]) -> String {
        format!("{}.{}.{}", self.generation, numbers[0], numbers[1])
    }
}

pub fn edge_type(number: i64) -> Result<EdgeType> {
    EdgeType::from_number(number).ok_or_else(|| Error::internal("unknown type of edge in the graph"))
}

pub fn counts(db: &Connection) -> Result<Counts> {
    let all = |sql: &str| -> Result<Vec<(i64, u64)>> {
        let mut find = db.prepare(sql)?;
        let rows = find.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let mut counts = Counts::default();
    for (kind, n) in all("SELECT kind, count(*) FROM node GROUP BY kind")? {
        let kind = NodeKind::from_number(kind).ok_or_else(|| Error::internal("unknown kind of node in the graph"))?;
        counts.nodes.push((kind, n));
    }
    for (edge, n) in all("SELECT type, count(*) FROM edge WHERE main = 1 GROUP BY type")? {
        counts.edges.push((edge_type(edge)?, n));
    }
    Ok(counts)
}
