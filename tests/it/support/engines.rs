//! Both sets of engines. Tests of the whole product run on the embedded ones; `on_a_cluster` runs them once more.
use super::cluster::{Namespace, Turn};
use std::{path::Path, process::Command, time::Duration};
use sysmonsearch::{config::Servers, elastic::Access, error::Code, pipeline::Engines};
use tempfile::TempDir;

/// Set to `cluster` in the process that runs tests on Elasticsearch and Neo4j.
const VARIABLE: &str = "SYSMONSEARCH_TEST_ENGINES";

/// Where the engines of one test are, over restarts. What is there is removed at its end.
pub struct Place {
    cluster: Option<(Namespace, Turn)>,
    folder: TempDir,
}

impl Place {
    pub async fn new() -> Self {
        if std::env::var(VARIABLE).is_ok_and(|v| v == "cluster") {
            return Self::cluster().await.expect("servers");
        }
        Self::embedded()
    }

    pub fn embedded() -> Self {
        Self { cluster: None, folder: tempfile::tempdir().unwrap() }
    }

    /// `None` (and a visible note) without servers.
    pub async fn cluster() -> Option<Self> {
        let namespace = Namespace::with_neo4j("ELASTICSEARCH_URL")?;
        let turn = Turn::take(namespace.neo4j()).await;
        Some(Self { cluster: Some((namespace, turn)), ..Self::embedded() })
    }

    /// Folder of the embedded engines, and for what a process keeps.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn is_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// Those of one more process.
    pub async fn engines(&self) -> Engines {
        let Some((namespace, _)) = &self.cluster else { return opened(self.folder()).await };
        let neo4j = namespace.neo4j();
        Engines::cluster(Servers {
            elasticsearch: Access { nodes: vec![namespace.elastic.clone()], ..Access::default() },
            neo4j: neo4j.uri.clone(),
            user: neo4j.user.clone(),
            password: neo4j.password.clone(),
            name: namespace.name.clone(),
            shards: 2,
            substring: None,
            foreign: Vec::new(),
            keep_months: None,
        })
        .await
        .unwrap()
    }
}

/// What the folder's last user has not dropped yet is awaited.
async fn opened(folder: &Path) -> Engines {
    for _ in 0..200 {
        match Engines::embedded(folder) {
            Err(e) if e.code == Code::Conflict => tokio::time::sleep(Duration::from_millis(50)).await,
            done => return done.unwrap(),
        }
    }
    panic!("{} stays open", folder.display());
}

/// Runs the tests of `room` on Elasticsearch and Neo4j, in a process of their own; a visible note without servers.
pub fn run_on_a_cluster(room: &str) {
    if std::env::var_os(VARIABLE).is_some() || Namespace::with_neo4j("ELASTICSEARCH_URL").is_none() {
        return;
    }
    let tests = std::env::current_exe().unwrap();
    let out = Command::new(tests)
        .args([&format!("{room}::"), "--skip", "on_a_cluster", "--test-threads", "3"])
        .env(VARIABLE, "cluster")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let ran = text.lines().filter(|l| l.starts_with("test ") && l.ends_with(" ... ok")).count();
    println!("{ran} tests of {room} ran on a cluster");
    assert!(out.status.success() && ran > 0, "on a cluster:\n{text}\n{}", String::from_utf8_lossy(&out.stderr));
}
