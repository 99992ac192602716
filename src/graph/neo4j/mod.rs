//! The graph on a Neo4j server. Every statement is a file below `cypher/`, with parameters only.
//!
//! An entity is one node with the label of its kind (`Process`, `File`, …) and `Entity`; an edge is one relation of its
//! type. Both carry what all hosts together say, so that an analyst with Neo4j's own browser sees the graph as
//! documented. Whoever may see some hosts only gets what these say: while one host reports a thing, its name stands on
//! it; when a second comes, each has a row of its own, a `Sighting` node beside an entity, a `REPORTED` relation beside an
//! edge.
mod merge;
mod read;
mod said;
mod tree;
mod write;

use super::{
    Batch, Counts, Degree, GraphStore, Grouping, Groups, Lineage, Link, NeighbourFilter, Neighbours, Node, NodeId,
    Tree, line,
};
use crate::{
    checkup::Finding,
    error::{Code, Error, Result},
    event::{Fence, Period, Position, Scope},
    neo4j::{Client, cypher, statement},
};
use async_trait::async_trait;
use read::{State, View};
use std::sync::Arc;

/// Version of what is stored.
const VERSION: i64 = 1;
/// Constraints and indexes.
const SCHEMA: &[&str] = &[
    statement!("cypher/schema/checkpoint.cypher"),
    statement!("cypher/schema/entity.cypher"),
    statement!("cypher/schema/process_host.cypher"),
    statement!("cypher/schema/sighting.cypher"),
    statement!("cypher/schema/sighting_entity.cypher"),
    statement!("cypher/schema/sighting_host.cypher"),
    statement!("cypher/schema/flow.cypher"),
    statement!("cypher/schema/flow_tuple.cypher"),
];
/// Its name in a checkup.
const PART: &str = "graph in Neo4j";
/// Seconds until the indexes of a graph that is already large must answer.
const INDEXED: i64 = 300;
/// Entities read at once for a dump.
const PAGE: usize = 1_000;

/// [`GraphStore`] on a Neo4j server, 5.26 or later.
pub struct Neo4j {
    client: Client,
    /// Of the installation whose graph is looked for.
    prefix: Option<String>,
}

fn newer(version: i64) -> Error {
    let text = format!(
        "the graph in Neo4j has version {version}, this program knows up to {VERSION}: use a newer program, or another \
         database, and rebuild the graph from the events"
    );
    Error::new(Code::Conflict, text)
}

fn of_another(prefix: &str) -> Error {
    let text = format!(
        "the graph in this database of Neo4j is that of the installation with --prefix {prefix}: give each installation a \
         database of its own. If that one is no more, `MATCH (c:GraphCheckpoint) REMOVE c.prefix, c.fence` frees the \
         graph; then rebuild it"
    );
    Error::new(Code::Conflict, text)
}

impl Neo4j {
    /// Connects, makes constraints and indexes where they are missing, and waits until they answer.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the server does not answer, `CONFLICT` when a newer program wrote the graph.
    pub async fn open(uri: &str, user: &str, password: &str) -> Result<Arc<Self>> {
        let graph = Arc::new(Self { client: Client::new(uri, user, password)?, prefix: None });
        let client = &graph.client;
        for statement in SCHEMA {
            client.run(neo4rs::query(statement)).await?;
        }
        client.run(cypher!("cypher/schema/await.cypher").param("seconds", INDEXED)).await?;
        client.run(cypher!("cypher/schema/start.cypher").param("version", VERSION)).await?;
        let version = read::state(client).await?.version;
        if version > VERSION {
            return Err(newer(version));
        }
        Ok(graph)
    }

    /// The graph of an installation as it is, for a checkup: nothing is asked or made yet.
    ///
    /// # Errors
    /// `BAD_INPUT` for what is no address.
    pub fn look(uri: &str, user: &str, password: &str, prefix: &str) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { client: Client::new(uri, user, password)?, prefix: Some(prefix.to_owned()) }))
    }

    /// The graph of a database is that of one installation, because its labels and names are as documented. `prefix` says
    /// which one.
    ///
    /// # Errors
    /// `CONFLICT` where the graph is that of another one.
    pub async fn claim(&self, prefix: &str) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Owner {
            prefix: String,
        }
        let query = cypher!("cypher/schema/claim.cypher").param("prefix", prefix);
        match self.client.change::<Owner>(query).await?.first() {
            Some(owner) if owner.prefix != prefix => Err(of_another(&owner.prefix)),
            _ => Ok(()),
        }
    }

    fn view(&self, scope: &Scope) -> View<'_> {
        View::new(&self.client, scope)
    }

    /// Everything that the scope sees, a line for each node and edge, sorted by id: two graphs are equal
    /// when their lines are.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn dump(&self, scope: &Scope, mut each: impl FnMut(String) + Send) -> Result<()> {
        let view = self.view(scope);
        let mut ids = view.ids(PAGE).await?;
        ids.sort_unstable_by_key(|id| id.key);
        for some in ids.chunks(PAGE) {
            let nodes = view.nodes(some).await?;
            let edges = view.edges_from(some).await?;
            for node in some.iter().filter_map(|id| nodes.get(id)) {
                each(line::node(node));
                let from = edges.partition_point(|e| e.from < node.id);
                edges.iter().skip(from).take_while(|e| e.from == node.id).for_each(|e| each(line::edge(e)));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl GraphStore for Neo4j {
    async fn upsert(&self, batch: Batch, upto: &Position, fence: Fence) -> Result<()> {
        write::upsert(&self.client, &write::Incoming::new(batch)?, upto, fence).await
    }

    async fn checkpoint(&self) -> Result<Position> {
        read::position(&self.client).await
    }

    async fn take_over(&self, fence: Fence) -> Result<Position> {
        write::take_over(&self.client, fence).await?;
        self.checkpoint().await
    }

    async fn clear(&self, fence: Fence) -> Result<()> {
        write::clear(&self.client, fence).await
    }

    async fn nodes(&self, scope: &Scope, ids: &[NodeId]) -> Result<Vec<Option<Node>>> {
        let found = self.view(scope).nodes(ids).await?;
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn degrees(&self, scope: &Scope, ids: &[NodeId], period: Period) -> Result<Vec<Vec<Degree>>> {
        let found = self.view(scope).degrees(ids, period).await?;
        Ok(ids.iter().map(|id| found.get(id).cloned().unwrap_or_default()).collect())
    }

    async fn neighbours(
        &self,
        scope: &Scope,
        id: NodeId,
        filter: &NeighbourFilter,
        after: Option<&str>,
        first: usize,
    ) -> Result<Neighbours> {
        self.view(scope).neighbours(id, filter, after, first).await
    }

    async fn groups(
        &self,
        scope: &Scope,
        id: NodeId,
        filter: &NeighbourFilter,
        by: Grouping,
        most: usize,
    ) -> Result<Groups> {
        self.view(scope).groups(id, filter, by, most).await
    }

    async fn links(&self, scope: &Scope, ids: &[NodeId], filter: &NeighbourFilter, most: usize) -> Result<Vec<Link>> {
        self.view(scope).links(ids, filter, most).await
    }

    async fn tree(&self, scope: &Scope, host: &str, period: Period, after: Option<&str>, first: usize) -> Result<Tree> {
        if !scope.allows(host) {
            return Ok(Tree { processes: Vec::new(), next: None, total: 0 });
        }
        self.view(scope).tree(host, period, after, first).await
    }

    async fn lineage(&self, scope: &Scope, process: NodeId, max_descendants: usize) -> Result<Lineage> {
        self.view(scope).lineage(process, max_descendants).await
    }

    async fn checkup(&self) -> Vec<Finding> {
        let mut found = self.client.checkup(PART, SCHEMA).await;
        found.push(match read::found(&self.client).await {
            Ok(None) => Finding::bad(PART, "there is no graph yet", "start the program, which makes it"),
            Ok(Some(state)) if state.version > VERSION => Finding::failed(PART, &newer(state.version)),
            Ok(Some(State { version, prefix: Some(owner), .. })) => match &self.prefix {
                Some(prefix) if *prefix != owner => Finding::failed(PART, &of_another(&owner)),
                _ => Finding::good(PART, format!("layout {version} of --prefix {owner}")),
            },
            Ok(Some(state)) => Finding::good(PART, format!("layout {}", state.version)),
            Err(e) => Finding::failed(PART, &e),
        });
        found
    }

    async fn counts(&self) -> Result<Counts> {
        read::counts(&self.client).await
    }
}
