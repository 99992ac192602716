//! Elasticsearch, Neo4j and the product are killed at random moments under load, and started again. In the end every event
//! that was acknowledged is there once, the graph is that of a rebuild, and every hit is there once.
//!
//! `tests/faults` runs it with more kills, and with Elasticsearch away for a minute.
use crate::graph::order::graph_of;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use sysmonsearch::{
    catalog::{Catalog, HitFilter},
    config::Servers,
    demo,
    elastic::Access,
    event::{Event, Period, Scope, Time, document::document},
    graph::neo4j::Neo4j,
    pipeline::{Engines, Pipeline},
    rules,
    store::{Cursor, EventStore, Order, Query},
};

const PASSWORD: &str = "the password of this test";
/// Events of the demo's past that are sent.
const EVENTS: usize = 6_000;
const BATCH: usize = 150;
/// Longest time for the followers to come to the end.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Elasticsearch,
    Neo4j,
    Product,
}

/// Real servers of this test alone, and the real program.
struct Cluster {
    folder: PathBuf,
    elastic: u16,
    neo4j: u16,
    product: u16,
    child: Child,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn servers(folder: &Path, elastic: u16, neo4j: u16, arguments: &[&str]) {
    let done = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/servers"))
        .args(arguments)
        .env("SERVERS_DATA", folder)
        .env("ELASTICSEARCH_PORT", elastic.to_string())
        .env("NEO4J_PORT", neo4j.to_string())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "servers {arguments:?}");
}

impl Cluster {
    fn settings(elastic: u16, neo4j: u16) -> Servers {
        Servers {
            elasticsearch: Access { nodes: vec![format!("http://127.0.0.1:{elastic}")], ..Access::default() },
            neo4j: format!("bolt://127.0.0.1:{neo4j}"),
            user: "neo4j".into(),
            password: String::new(),
            name: "faults".into(),
            shards: 2,
            substring: None,
            foreign: Vec::new(),
            keep_months: None,
        }
    }

    fn spawn(folder: &Path, elastic: u16, neo4j: u16, product: u16) -> Child {
        let data = folder.join("product");
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(folder.join("product.log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_sysmonsearch"))
            .args(["serve", "--listen", &format!("127.0.0.1:{product}"), "--prefix", "faults", "--shards", "2"])
            .args(["--elasticsearch", &format!("http://127.0.0.1:{elastic}")])
            .args(["--neo4j", &format!("bolt://127.0.0.1:{neo4j}")])
            .env("SYSMONSEARCH_DATA", data)
            .env("SYSMONSEARCH_ADMIN_PASSWORD_FILE", folder.join("password"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn kill(&mut self, part: Part) {
        match part {
            Part::Elasticsearch => servers(&self.folder, self.elastic, self.neo4j, &["kill", "elasticsearch"]),
            Part::Neo4j => servers(&self.folder, self.elastic, self.neo4j, &["kill", "neo4j"]),
            Part::Product => {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
            }
        }
    }

    /// Starts what was killed; the servers have come up on return.
    fn start(&mut self, part: Part) {
        match part {
            Part::Elasticsearch => servers(&self.folder, self.elastic, self.neo4j, &["start", "elasticsearch"]),
            Part::Neo4j => servers(&self.folder, self.elastic, self.neo4j, &["start", "neo4j"]),
            Part::Product => self.child = Self::spawn(&self.folder, self.elastic, self.neo4j, self.product),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        servers(&self.folder, self.elastic, self.neo4j, &["kill", "elasticsearch", "neo4j"]);
    }
}

/// Sends all events again and again until told to stop, each batch until it is acknowledged.
async fn send(url: String, events: Arc<Vec<Event>>, stop: Arc<AtomicBool>, refusals: Arc<AtomicUsize>) -> usize {
    let client = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let mut acknowledged = 0;
    loop {
        for batch in events.chunks(BATCH) {
            let lines: String =
                batch.iter().map(|e| format!("{{\"create\":{{\"_index\":\"w\"}}}}\n{}\n", document(e))).collect();
            loop {
                let request = client.post(format!("{url}/_bulk")).basic_auth("admin", Some(PASSWORD));
                let sent = request.header("content-type", "application/x-ndjson").body(lines.clone()).send().await;
                let answer: Option<Value> = match sent {
                    Ok(answer) if answer.status() == 200 => answer.json().await.ok(),
                    _ => None,
                };
                let items = answer.as_ref().and_then(|a| a["items"].as_array());
                let done = |i: &Value| matches!(i["create"]["status"].as_u64(), Some(200 | 201 | 409));
                if items.is_some_and(|all| all.len() == batch.len() && all.iter().all(done)) {
                    break;
                }
                refusals.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            acknowledged += batch.len();
            if stop.load(Ordering::Relaxed) && acknowledged >= events.len() {
                return acknowledged;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Asks the product; `None` while it does not answer.
async fn ask(client: &Client, url: &str, query: &str) -> Option<Value> {
    let post = async |token: &str, body: Value| -> Option<Value> {
        let answer = client.post(format!("{url}/graphql")).bearer_auth(token).json(&body).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        (answer["errors"].is_null() && answer["data"].is_object()).then(|| answer["data"].clone())
    };
    let login = format!("mutation {{ login(input: {{name: \"admin\", password: \"{PASSWORD}\"}}) {{ token }} }}");
    let login = client.post(format!("{url}/graphql")).json(&json!({ "query": login })).send().await.ok()?;
    let login: Value = login.json().await.ok()?;
    post(login["data"]["login"]["token"].as_str()?, json!({ "query": query })).await
}

/// Waits until both followers have read everything.
async fn settled(client: &Client, url: &str) {
    let began = Instant::now();
    let mut seen = Value::Null;
    while began.elapsed() < PATIENCE {
        if let Some(answer) = ask(client, url, "{ checkup { part state text } }").await {
            let all = answer["checkup"].as_array().unwrap();
            let done = |f: &&Value| f["text"] == "has read everything";
            if all.iter().filter(done).count() == 2 {
                return;
            }
            seen = answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the followers do not come to the end: {seen:#}");
}

async fn stored(store: &dyn EventStore) -> Vec<String> {
    store.refresh().await.unwrap();
    let query = Query { condition: sysmonsearch::event::Condition::All, period: Period::default() };
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store.search(&Scope::All, &query, Order::OldestFirst, after, 2_000).await.unwrap();
        ids.extend(page.events.iter().map(|e| e.id.to_string()));
        match page.events.last() {
            Some(last) if page.more => after = Some(Cursor { time: last.time, id: last.id }),
            _ => return ids,
        }
    }
}

/// Rule, version and event of every hit.
async fn hits(catalog: &dyn Catalog) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = catalog.hits(&Scope::All, &HitFilter::default(), before, 500).await.unwrap();
        all.extend(page.hits.iter().map(|h| format!("{} {} {}", h.hit.rule_id, h.hit.rule_version, h.hit.event_id)));
        before = page.hits.last().map(|h| h.number);
        if !page.more {
            return all;
        }
    }
}

async fn lines(neo4j: &Neo4j) -> Vec<String> {
    let mut all = Vec::new();
    neo4j.dump(&Scope::All, |line| all.push(line)).await.unwrap();
    all
}

fn demo_rules() -> Vec<sysmonsearch::event::detection::Rule> {
    demo::rules().into_iter().flat_map(|(name, yaml)| rules::parse(yaml, name).rules).collect()
}

#[test]
fn what_was_acknowledged_survives_the_death_of_each_part() {
    let given = |name| std::env::var_os(name).is_some();
    if !given("SERVERS_DIR") {
        assert!(!given("CI"), "SERVERS_DIR is not set: run ./test");
        eprintln!("SKIPPED: no programs of servers; run ./test or tests/faults");
        return;
    }
    let kills: usize = std::env::var("SYSMONSEARCH_TEST_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(3);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(kills));
}

async fn run(kills: usize) {
    // Elasticsearch runs as another user where this one is root, so not in a folder that is for one user only.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (elastic, neo4j, product) = (free_port(), free_port(), free_port());
    servers(&folder, elastic, neo4j, &["start", "elasticsearch", "neo4j"]);
    let settings = Cluster::settings(elastic, neo4j);
    Engines::cluster(settings.clone()).await.unwrap().catalog.put_rules(&demo_rules()).await.unwrap();
    let child = Cluster::spawn(&folder, elastic, neo4j, product);
    let mut cluster = Cluster { folder: folder.clone(), elastic, neo4j, product, child };

    let seed = rand::random::<u64>();
    println!("seed {seed}, {kills} kills, logs in {}", folder.display());
    let mut dice = StdRng::seed_from_u64(seed);
    let mut events: Vec<Event> = demo::history(1, Time::now()).collect();
    events.drain(..events.len().saturating_sub(EVENTS));
    let expected: BTreeSet<String> = events.iter().map(|e| e.id.to_string()).collect();
    events.shuffle(&mut dice);
    let events = Arc::new(events);
    let url = format!("http://127.0.0.1:{product}");
    let (stop, refusals) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sender = tokio::spawn(send(url.clone(), events.clone(), stop.clone(), refusals.clone()));

    let mut killed: BTreeMap<Part, usize> = BTreeMap::new();
    let mut parts = [Part::Elasticsearch, Part::Neo4j, Part::Product];
    for n in 0..kills {
        // Each once, then again in another order.
        if n % parts.len() == 0 {
            parts.shuffle(&mut dice);
        }
        let part = parts[n % parts.len()];
        tokio::time::sleep(Duration::from_millis(dice.random_range(500..4_000))).await;
        let minute = kills > 10 && part == Part::Elasticsearch && !killed.contains_key(&part);
        let away = Duration::from_millis(if minute { 60_000 } else { dice.random_range(0..3_000) });
        *killed.entry(part).or_default() += 1;
        println!("kill {}: {part:?}, away for {} ms", n + 1, away.as_millis());
        cluster = tokio::task::spawn_blocking(move || {
            cluster.kill(part);
            std::thread::sleep(away);
            cluster.start(part);
            cluster
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let acknowledged = tokio::time::timeout(PATIENCE, sender).await.expect("the sender gets through").unwrap();
    let client = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    settled(&client, &url).await;

    let engines = Engines::cluster(settings.clone()).await.unwrap();
    let ids = stored(&*engines.store).await;
    let distinct: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!((ids.len(), distinct == expected), (expected.len(), true), "every event once");

    let graph = Neo4j::open(&settings.neo4j, &settings.user, &settings.password).await.unwrap();
    let projected = lines(&graph).await;
    assert!(projected == graph_of(&events, &[1_000], &Scope::All).await, "the graph of the embedded engine");

    let found = hits(&*engines.catalog).await;
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(once.len(), found.len(), "every hit once");
    let own = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::start(Engines::embedded(own.path()).unwrap(), own.path().join("spool")).await.unwrap();
    pipeline.import_rules(demo_rules()).await.unwrap();
    pipeline.append(events.to_vec()).await.unwrap();
    pipeline.caught_up().await.unwrap();
    let expected_hits: BTreeSet<String> = hits(&*pipeline.catalog).await.into_iter().collect();
    assert!(!expected_hits.is_empty());
    assert!(once == expected_hits, "the hits of the embedded engine: {} and {}", once.len(), expected_hits.len());
    pipeline.shutdown().await;

    for _ in 0..if kills > 10 { 10 } else { 1 } {
        for part in ["GRAPH", "HITS"] {
            let rebuild = format!("mutation {{ rebuild(input: {{part: {part}}}) {{ errors {{ message }} }} }}");
            let answer = ask(&client, &url, &rebuild).await.expect("the rebuild is taken");
            assert_eq!(answer["rebuild"]["errors"], json!([]), "{answer}");
        }
        settled(&client, &url).await;
        let rebuilt = lines(&graph).await;
        let place = projected.iter().zip(&rebuilt).position(|(a, b)| a != b).unwrap_or(0);
        let there = [&projected, &rebuilt].map(|lines| lines.iter().skip(place).take(3).collect::<Vec<_>>());
        assert!(
            rebuilt == projected,
            "a rebuild gives the same graph: {} and {} lines, at line {place} {there:#?}",
            projected.len(),
            rebuilt.len()
        );
        let again: BTreeSet<String> = hits(&*engines.catalog).await.into_iter().collect();
        assert!(again == once, "a rebuild gives the same hits");
    }

    println!(
        "killed {killed:?}; {acknowledged} events acknowledged ({} refusals), {} distinct, {} stored, {} nodes and edges, {} hits",
        refusals.load(Ordering::Relaxed),
        expected.len(),
        ids.len(),
        projected.len(),
        found.len()
    );
    drop(cluster);
    let _ = std::fs::remove_dir_all(&folder);
}
