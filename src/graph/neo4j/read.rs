//! Reading nodes, degrees, neighbours and links, for one caller's scope.
use super::{
    said::{Said, merged},
    write::{EntityRow, parse},
};
use crate::{
    error::{Error, Result},
    event::{Period, Position, Scope, Time},
    graph::{
        Counts, Degree, Direction, Edge, EdgeType, Grouping, Groups, Link, Neighbour, NeighbourFilter, Neighbours,
        Node, NodeId, NodeKind, Seen, batch, batch::Facts, key,
    },
    neo4j::{Client, cypher},
};
use neo4rs::Query;
use serde::Deserialize;
use std::collections::HashMap;

/// The graph as one caller sees it.
pub struct View<'c> {
    pub client: &'c Client,
    /// Hosts that he may see; `None`: all.
    hosts: Option<Vec<String>>,
}

/// What the checkpoint tells.
#[derive(Deserialize)]
pub struct State {
    pub version: i64,
    /// Grows with every clear; part of every cursor.
    pub generation: i64,
    /// Of the installation that has claimed the graph.
    pub prefix: Option<String>,
}

fn lost() -> Error {
    Error::internal("the graph in Neo4j has lost its checkpoint")
}

/// `None` where there is no graph.
pub async fn found(client: &Client) -> Result<Option<State>> {
    Ok(client.rows(cypher!("cypher/read/checkpoint.cypher")).await?.into_iter().next())
}

pub async fn state(client: &Client) -> Result<State> {
    found(client).await?.ok_or_else(lost)
}

/// Position of the checkpoint; what it tells is there whole.
pub async fn position(client: &Client) -> Result<Position> {
    #[derive(Deserialize)]
    struct Settled {
        position: String,
    }
    let rows = client.change::<Settled>(cypher!("cypher/write/settled.cypher")).await?;
    Position::parse(&rows.first().ok_or_else(lost)?.position)
}

/// Entities read at once for groups.
const AT_ONCE: usize = 10_000;

pub fn bad_cursor() -> Error {
    Error::bad_input("this is no cursor of the graph")
}

/// Parts of a cursor behind its generation.
pub fn parts<const N: usize>(cursor: &str, generation: i64) -> Result<[&str; N]> {
    let (first, rest) = cursor.split_once('.').ok_or_else(bad_cursor)?;
    if first.parse::<i64>().map_err(|_| bad_cursor())? != generation {
        return Err(Error::bad_input("the graph was rebuilt since this cursor was given: start from the first page"));
    }
    rest.split('.').collect::<Vec<_>>().try_into().map_err(|_| bad_cursor())
}

/// Bounds for `last >= from AND first < to`.
pub fn bounds(period: Period) -> (i64, i64) {
    (period.from.map_or(i64::MIN, |t| t.0), period.to.map_or(i64::MAX, |t| t.0))
}

pub fn texts(ids: &[NodeId]) -> Vec<String> {
    ids.iter().map(NodeId::to_string).collect()
}

pub fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn edge_type(name: &str) -> Result<EdgeType> {
    EdgeType::parse(name).ok_or_else(|| Error::internal("unknown type of edge in the graph"))
}

fn edge_types(filter: &NeighbourFilter) -> Vec<&'static str> {
    filter.edges.iter().map(|e| e.as_str()).collect()
}

fn goes(filter: &NeighbourFilter, direction: Direction) -> bool {
    filter.direction.is_none_or(|d| d == direction)
}

/// The statement with what says which edges.
fn around(query: Query, filter: &NeighbourFilter) -> Query {
    let (from, to) = bounds(filter.period);
    query
        .param("edges", edge_types(filter))
        .param("outgoing", goes(filter, Direction::Out))
        .param("incoming", goes(filter, Direction::In))
        .param("from", from)
        .param("to", to)
}

fn direction(number: i64) -> Direction {
    if number == 0 { Direction::Out } else { Direction::In }
}

fn edge(from: NodeId, edge: EdgeType, to: NodeId, rows: &[Said]) -> Result<Edge> {
    let facts = merged(rows.iter().map(Said::facts))?.ok_or_else(|| Error::internal("an edge that nobody reports"))?;
    let seen = Seen { first: facts.first, last: facts.last };
    Ok(Edge { from, to, edge, seen, properties: facts.properties.texts() })
}

impl<'c> View<'c> {
    pub fn new(client: &'c Client, scope: &Scope) -> Self {
        let hosts = match scope {
            Scope::All => None,
            Scope::Hosts(names) => Some(names.to_vec()),
        };
        Self { client, hosts }
    }

    /// The statement with the hosts that the caller may see.
    pub fn seen(&self, query: Query) -> Query {
        query.param("hosts", self.hosts.clone())
    }

    pub async fn nodes(&self, ids: &[NodeId]) -> Result<HashMap<NodeId, Node>> {
        let mut found: HashMap<NodeId, (String, Facts)> = HashMap::new();
        let mut several = Vec::new();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        for row in
            self.client.rows::<EntityRow>(cypher!("cypher/read/entities.cypher").param("ids", texts(ids))).await?
        {
            let id = parse(&row.id)?;
            match (&row.host, &self.hosts) {
                (Some(host), Some(hosts)) if !hosts.contains(host) => {}
                (Some(host), _) => {
                    found.insert(id, (host.clone(), row.facts()?));
                }
                (None, None) if key::is_shared(id.kind) => {
                    found.insert(id, (String::new(), row.facts()?));
                }
                (None, _) => several.push(row.id),
            }
        }
        if !several.is_empty() {
            let query = self.seen(cypher!("cypher/read/sightings.cypher").param("ids", several));
            let mut rows: Vec<EntityRow> = self.client.rows(query).await?;
            // The host that saw it last is told.
            rows.sort_unstable_by(|a, b| (b.last, &a.host).cmp(&(a.last, &b.host)));
            for row in rows {
                let facts = row.facts()?;
                match found.entry(parse(&row.id)?) {
                    std::collections::hash_map::Entry::Vacant(v) => {
                        v.insert((row.host.unwrap_or_default(), facts));
                    }
                    std::collections::hash_map::Entry::Occupied(mut o) => {
                        o.get_mut().1.merge(facts);
                    }
                }
            }
        }
        let node = |(id, (reporter, facts)): (NodeId, (String, Facts))| {
            let properties = facts.properties.texts();
            let node = Node {
                id,
                label: batch::label(id.kind, &properties),
                host: batch::owner(id.kind, &reporter, &properties),
                seen: Seen { first: facts.first, last: facts.last },
                inferred: facts.inferred,
                properties,
            };
            (id, node)
        };
        Ok(found.into_iter().map(node).collect())
    }

    /// By node; nodes without edges are left out.
    pub async fn degrees(&self, ids: &[NodeId], period: Period) -> Result<HashMap<NodeId, Vec<Degree>>> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            edge: String,
            direction: i64,
            total: i64,
            inside: i64,
        }
        let (from, to) = bounds(period);
        let query = cypher!("cypher/read/degrees.cypher").param("ids", texts(ids)).param("from", from).param("to", to);
        let mut all: HashMap<NodeId, Vec<Degree>> = HashMap::new();
        for r in self.client.rows::<Row>(self.seen(query)).await? {
            all.entry(parse(&r.id)?).or_default().push(Degree {
                edge: edge_type(&r.edge)?,
                direction: direction(r.direction),
                total: r.total.unsigned_abs(),
                in_period: r.inside.unsigned_abs(),
            });
        }
        for degrees in all.values_mut() {
            degrees.sort_unstable_by_key(|d| (d.edge, d.direction));
        }
        Ok(all)
    }

    pub async fn neighbours(
        &self,
        id: NodeId,
        filter: &NeighbourFilter,
        after: Option<&str>,
        first: usize,
    ) -> Result<Neighbours> {
        #[derive(Deserialize)]
        struct Row {
            edge: String,
            direction: i64,
            other: String,
            rows: Vec<Said>,
        }
        let generation = state(self.client).await?.generation;
        let after = after.map(|c| place(c, generation)).transpose()?;
        let total = self.total(id, filter).await?;
        let mut found = Neighbours { items: Vec::new(), next: None, total };
        if total == 0 {
            return Ok(found);
        }
        let place = after.as_ref();
        let query = around(cypher!("cypher/read/neighbours.cypher"), filter)
            .param("id", id.to_string())
            .param("limit", limit(first.saturating_add(1)))
            .param("last", place.map(|p| p.last))
            .param("edge", place.map(|p| p.edge.as_str()))
            .param("direction", place.map(|p| p.direction as i64))
            .param("other", place.map(|p| p.other.to_string()));
        let mut rows: Vec<Row> = self.client.rows(self.seen(query)).await?;
        let more = rows.len() > first;
        rows.truncate(first);
        let others = rows.iter().map(|r| parse(&r.other)).collect::<Result<Vec<_>>>()?;
        let nodes = self.nodes(&others).await?;
        for (row, other) in rows.iter().zip(&others) {
            let (direction, kind) = (direction(row.direction), edge_type(&row.edge)?);
            let (from, to) = if direction == Direction::Out { (id, *other) } else { (*other, id) };
            let edge = edge(from, kind, to, &row.rows)?;
            if more {
                let place = Place { last: edge.seen.last.0, edge: kind, direction, other: *other };
                found.next = Some(place.cursor(generation));
            }
            // It is gone only if the graph was cleared in between.
            if let Some(node) = nodes.get(other).cloned() {
                found.items.push(Neighbour { edge, node, direction });
            }
        }
        Ok(found)
    }

    /// How many neighbours match.
    async fn total(&self, id: NodeId, filter: &NeighbourFilter) -> Result<u64> {
        let degrees = self.degrees(&[id], filter.period).await?.remove(&id).unwrap_or_default();
        let fits =
            |d: &&Degree| goes(filter, d.direction) && (filter.edges.is_empty() || filter.edges.contains(&d.edge));
        Ok(degrees.iter().filter(fits).map(|d| d.in_period).sum())
    }

    pub async fn groups(&self, id: NodeId, filter: &NeighbourFilter, by: Grouping, most: usize) -> Result<Groups> {
        #[derive(Deserialize)]
        struct Row {
            other: String,
            last: i64,
        }
        let total = self.total(id, filter).await?;
        let query =
            around(cypher!("cypher/read/ends.cypher"), filter).param("id", id.to_string()).param("limit", limit(most));
        let rows: Vec<Row> = self.client.rows(self.seen(query)).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for some in rows.chunks(AT_ONCE) {
            let ids = some.iter().map(|r| parse(&r.other)).collect::<Result<Vec<_>>>()?;
            let nodes = match by {
                Grouping::Day | Grouping::Kind => HashMap::new(),
                _ => self.nodes(&ids).await?,
            };
            keys.extend(some.iter().zip(&ids).filter_map(|(row, id)| match by {
                Grouping::Day => Some(Grouping::day(Time(row.last))),
                Grouping::Kind => Some(Grouping::kind(id.kind)),
                // It is gone only if the graph was cleared in between.
                _ => nodes.get(id).map(|n| by.key(n, Time(row.last))),
            }));
        }
        Ok(Groups::of(keys, total))
    }

    pub async fn links(&self, ids: &[NodeId], filter: &NeighbourFilter, most: usize) -> Result<Vec<Link>> {
        #[derive(Deserialize)]
        struct Row {
            source: String,
            edge: String,
            target: String,
            first: i64,
            last: i64,
        }
        let query =
            around(cypher!("cypher/read/links.cypher"), filter).param("ids", texts(ids)).param("limit", limit(most));
        let rows: Vec<Row> = self.client.rows(self.seen(query)).await?;
        let link = |r: &Row| {
            let seen = Seen { first: Time(r.first), last: Time(r.last) };
            Ok(Link { from: parse(&r.source)?, edge: edge_type(&r.edge)?, to: parse(&r.target)?, seen })
        };
        rows.iter().map(link).collect()
    }

    /// All entities, seen or not, read so many at a time.
    pub async fn ids(&self, page: usize) -> Result<Vec<NodeId>> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
        }
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let query = cypher!("cypher/read/ids.cypher").param("after", after).param("limit", limit(page));
            let rows: Vec<Row> = self.client.rows(query).await?;
            let Some(last) = rows.last() else { return Ok(all) };
            after = last.id.clone();
            for row in &rows {
                all.push(parse(&row.id)?);
            }
        }
    }

    /// Edges that begin at the nodes, by node, type and other end.
    pub async fn edges_from(&self, ids: &[NodeId]) -> Result<Vec<Edge>> {
        #[derive(Deserialize)]
        struct Row {
            source: String,
            edge: String,
            target: String,
            rows: Vec<Said>,
        }
        let query = self.seen(cypher!("cypher/read/edges_from.cypher").param("ids", texts(ids)));
        let rows: Vec<Row> = self.client.rows(query).await?;
        let one = |r: &Row| edge(parse(&r.source)?, edge_type(&r.edge)?, parse(&r.target)?, &r.rows);
        let mut all = rows.iter().map(one).collect::<Result<Vec<Edge>>>()?;
        all.sort_unstable_by_key(|e| (e.from, e.edge, e.to.key));
        Ok(all)
    }
}

/// Where a page of neighbours ends.
struct Place {
    last: i64,
    edge: EdgeType,
    direction: Direction,
    other: NodeId,
}

impl Place {
    fn cursor(&self, generation: i64) -> String {
        let (edge, direction, kind) = (self.edge as u8, self.direction as u8, self.other.kind as u8);
        format!("{generation}.{}.{edge}.{direction}.{kind}.{:032x}", self.last, self.other.key)
    }
}

fn place(cursor: &str, generation: i64) -> Result<Place> {
    let [last, edge, direction, kind, key] = parts(cursor, generation)?;
    let number = |text: &str| text.parse::<i64>().map_err(|_| bad_cursor());
    let kind = NodeKind::from_number(number(kind)?).ok_or_else(bad_cursor)?;
    Ok(Place {
        last: number(last)?,
        edge: EdgeType::from_number(number(edge)?).ok_or_else(bad_cursor)?,
        direction: if number(direction)? == 0 { Direction::Out } else { Direction::In },
        other: NodeId { kind, key: u128::from_str_radix(key, 16).map_err(|_| bad_cursor())? },
    })
}

pub async fn counts(client: &Client) -> Result<Counts> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
        n: i64,
    }
    let mut counts = Counts::default();
    for r in client.rows::<Row>(cypher!("cypher/read/count_entities.cypher")).await? {
        // An analyst may have given labels of his own.
        if let Some(kind) = NodeKind::parse(&r.name) {
            counts.nodes.push((kind, r.n.unsigned_abs()));
        }
    }
    for r in client.rows::<Row>(cypher!("cypher/read/count_edges.cypher")).await? {
        if let Some(edge) = EdgeType::parse(&r.name) {
            counts.edges.push((edge, r.n.unsigned_abs()));
        }
    }
    counts.nodes.sort_unstable();
    counts.edges.sort_unstable();
    Ok(counts)
}
