//! The real servers that tests run against, and a part of them for each test.
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};
use sysmonsearch::{
    catalog, elastic,
    event::Fence,
    graph::{self, GraphStore as _},
    neo4j,
};

/// Addresses of the servers for one test, and a name for what it stores there, which is removed at its end.
pub struct Namespace {
    pub name: String,
    pub elastic: String,
    neo4j: Option<Neo4j>,
}

#[derive(Clone)]
pub struct Neo4j {
    pub uri: String,
    pub user: String,
    pub password: String,
}

/// What a server's address is in, and a visible note where it is not set: a failure where the servers are required.
fn required(name: &str) -> Option<String> {
    let found = std::env::var(name).ok().filter(|v| !v.is_empty());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no real server: set {name}, or run ./test");
        eprintln!("SKIPPED: no real server; set {name}, or run ./test");
    }
    found
}

impl Neo4j {
    /// `None` without a server.
    pub fn from_environment() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
        let user = variable("NEO4J_USER").unwrap_or_else(|| "neo4j".to_owned());
        Some(Self { uri: required("NEO4J_URI")?, user, password: variable("NEO4J_PASSWORD").unwrap_or_default() })
    }

    pub fn client(&self) -> neo4j::Client {
        neo4j::Client::new(&self.uri, &self.user, &self.password).unwrap()
    }
}

/// The right to use the graph in Neo4j: its database has room for one, so one test of all processes at a time.
/// Given back when it is dropped.
pub struct Turn(std::fs::File);

impl Turn {
    /// Waits for it, and empties the graph.
    pub async fn take(neo4j: &Neo4j) -> Self {
        let path = std::env::temp_dir().join("sysmonsearch-test-graph.lock");
        let lock = move || {
            let file = std::fs::File::create(path).unwrap();
            file.lock().unwrap();
            file
        };
        let file = tokio::task::spawn_blocking(lock).await.unwrap();
        let graph = graph::neo4j::Neo4j::open(&neo4j.uri, &neo4j.user, &neo4j.password).await.unwrap();
        // Of the test before.
        let free = neo4rs::query("MATCH (c:GraphCheckpoint) REMOVE c.prefix, c.fence");
        neo4j.client().run(free).await.unwrap();
        graph.clear(Fence::default()).await.unwrap();
        Self(file)
    }
}

impl Namespace {
    /// On the Elasticsearch or OpenSearch whose address is in the variable `server`. `None` without one.
    pub fn on(server: &str) -> Option<Self> {
        let name = format!("t-{}", uuid::Uuid::now_v7().simple());
        Some(Self { name, elastic: required(server)?, neo4j: None })
    }

    /// On Neo4j too.
    pub fn with_neo4j(server: &str) -> Option<Self> {
        let neo4j = Neo4j::from_environment()?;
        let mut namespace = Self::on(server)?;
        namespace.neo4j = Some(neo4j);
        Some(namespace)
    }

    pub fn neo4j(&self) -> &Neo4j {
        self.neo4j.as_ref().unwrap()
    }

    /// Another process's catalog.
    pub async fn catalog(&self) -> Arc<catalog::cluster::Cluster> {
        let elastic = elastic::Client::new(&self.elastic).unwrap();
        catalog::cluster::Cluster::open(self.neo4j().client(), elastic, &self.name).await.unwrap()
    }

    pub fn request(&self, method: &str, path: &str) -> String {
        let host = self.elastic.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Names of the indices there are.
    pub fn indices(&self) -> BTreeSet<String> {
        let stats = self.request("GET", &format!("/{}*/_stats/docs?filter_path=indices.*.uuid", self.name));
        stats.split('"').filter(|t| t.starts_with(&self.name)).map(str::to_owned).collect()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        for index in self.indices() {
            self.request("DELETE", &format!("/{index}"));
        }
        self.request("DELETE", &format!("/_index_template/{}*", self.name));
        let Some(neo4j) = self.neo4j.take() else { return };
        let name = format!("{}/", self.name);
        // A runtime of its own, because the test's may be about to end.
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = neo4j.client();
                for query in [
                    "MATCH (n:Catalog) WHERE n.key STARTS WITH $name CALL (n) { DELETE n } IN TRANSACTIONS",
                    "MATCH (n:CatalogIndicator) WHERE n.of STARTS WITH $name CALL (n) { DELETE n } IN TRANSACTIONS",
                ] {
                    client.run(neo4rs::query(query).param("name", &*name)).await.unwrap();
                }
            });
        });
        if removing.join().is_err() {
            eprintln!("the nodes of a test stay in Neo4j");
        }
    }
}
