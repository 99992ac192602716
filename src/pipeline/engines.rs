//! Which engines there are: in a folder, or on a cluster.
use crate::{
    catalog::{self, Catalog},
    config::{self, Servers},
    elastic,
    error::{Error, Result},
    event::Event,
    graph::{self, GraphStore},
    ingest, neo4j,
    store::{
        self, EventStore,
        elasticsearch::{Foreign, Substring},
    },
};
use std::{path::Path, sync::Arc};

/// The engines of one installation.
#[derive(Clone)]
pub struct Engines {
    pub store: Arc<dyn EventStore>,
    pub graph: Arc<dyn GraphStore>,
    pub catalog: Arc<dyn Catalog>,
}

impl Engines {
    /// Opens the embedded engines in a data folder, which it makes if needed.
    ///
    /// # Errors
    /// `UNAVAILABLE` when another process has the folder open; `INTERNAL` when the disk fails.
    pub fn embedded(data: &Path) -> Result<Self> {
        // Logs tell about people: a new folder is for its owner only.
        private_folder(data)
            .and_then(|()| private_folder(&data.join("events")))
            .and_then(|()| private_folder(&data.join("graph")))
            .map_err(|e| Error::bad_input(format!("cannot make the data folder {}: {e}", data.display())))?;
        Ok(Self {
            store: store::embedded::Tantivy::open(&data.join("events"), Default::default())?,
            graph: graph::embedded::Sqlite::open(&data.join("graph/graph.db"))?,
            catalog: catalog::embedded::Sqlite::open(&data.join("catalog.db"))?,
        })
    }

    /// Connects to the servers of a cluster and makes what is missing there.
    ///
    /// # Errors
    /// `BAD_INPUT` for an address or a name that is none; `UNAVAILABLE` when Neo4j does not answer; `CONFLICT` when a newer
    /// program wrote what is there. Elasticsearch is not asked before its first use.
    pub async fn cluster(servers: Servers) -> Result<Self> {
        let Servers { elasticsearch, neo4j, user, password, name, .. } = servers.clone();
        let elastic = elastic::Client::connect(&elasticsearch)?;
        elastic::check_name(&name)?;
        let graph = graph::neo4j::Neo4j::open(&neo4j, &user, &password).await?;
        graph.claim(&name).await?;
        Ok(Self {
            store: store_on(servers)?,
            catalog: catalog::cluster::Cluster::open(neo4j::Client::new(&neo4j, &user, &password)?, elastic, &name)
                .await?,
            graph,
        })
    }

    /// What is on the servers of a cluster as it is, for a checkup: nothing is asked or made yet.
    ///
    /// # Errors
    /// `BAD_INPUT` for an address or a name that is none.
    pub fn look(servers: Servers) -> Result<Self> {
        let Servers { elasticsearch, neo4j, user, password, name, .. } = servers.clone();
        let elastic = elastic::Client::connect(&elasticsearch)?;
        Ok(Self {
            catalog: catalog::cluster::Cluster::look(neo4j::Client::new(&neo4j, &user, &password)?, elastic, &name)?,
            graph: graph::neo4j::Neo4j::look(&neo4j, &user, &password, &name)?,
            store: store_on(servers)?,
        })
    }
}

fn store_on(servers: Servers) -> Result<Arc<store::elasticsearch::Elasticsearch>> {
    let Servers { elasticsearch, name, shards, substring, foreign, keep_months, .. } = servers;
    store::elasticsearch::Elasticsearch::new(store::elasticsearch::Settings {
        access: elasticsearch,
        prefix: format!("{name}-events"),
        shards,
        substring: substring.map(|way| match way {
            config::Substring::Wildcard => Substring::Wildcard,
            config::Substring::Ngram => Substring::Ngram,
            config::Substring::Keyword => Substring::Keyword,
        }),
        foreign: Some(Foreign { indices: foreign, normalise }),
        keep_months,
    })
}

/// The event of a document that another program has stored.
fn normalise(json: &str) -> Option<Event> {
    ingest::document(json).ok().flatten()
}

/// Makes a folder that only its owner can look into; one that is there stays as it is.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}
