//! The whole product on a listener of its own, with a client that talks to it.
use crate::support::{self, engines::Place};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::{ffi::OsString, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use sysmonsearch::{
    catalog::Role,
    event::Event,
    pipeline::{Engines, Pipeline},
    rules,
    serve::{self, Settings, auth},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub const ADMIN: &str = "an admin's password";
pub const ANALYST: &str = "an analyst's password";
pub const VIEWER: &str = "a viewer's password";

/// A rule that matches the connections of [`events`].
pub const RULE: &str = r#"
title: Test connection to a documentation network
id: 6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11
status: test
level: high
description: Finds the connections of the tests.
tags: [attack.t1071]
logsource: {product: windows, category: network_connection}
detection:
  selection: {DestinationIp|startswith: '203.0.113.'}
  condition: selection
"#;

pub struct TestApp {
    pub address: SocketAddr,
    pub pipeline: Arc<Pipeline>,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<sysmonsearch::error::Result<()>>,
    place: Arc<Place>,
    spool: PathBuf,
}

/// What a test may change before the start.
pub type Wrap = Box<dyn FnOnce(Engines) -> Engines>;

impl TestApp {
    pub async fn start() -> Self {
        Self::with(Settings::default(), Box::new(|e| e)).await
    }

    /// `wrap` sees the engines that the API reads with; the pipeline keeps its own.
    pub async fn with(settings: Settings, wrap: Wrap) -> Self {
        Self::at(Place::new().await, settings, wrap).await
    }

    pub async fn at(place: Place, settings: Settings, wrap: Wrap) -> Self {
        let place = Arc::new(place);
        let engines = place.engines().await;
        Self::of(place, engines, "spool", settings, wrap).await
    }

    /// One of several processes, or one after another, each with a spool folder of its own.
    pub async fn of(place: Arc<Place>, engines: Engines, spool: &str, settings: Settings, wrap: Wrap) -> Self {
        let catalog = &*engines.catalog;
        if catalog.users().await.unwrap().is_empty() {
            auth::create_user(catalog, "admin", ADMIN, Role::Admin).await.unwrap();
            auth::create_user(catalog, "analyst", ANALYST, Role::Analyst).await.unwrap();
            auth::create_user(catalog, "viewer", VIEWER, Role::Viewer).await.unwrap();
        }
        let spool = place.folder().join(spool);
        let pipeline = Pipeline::start(engines.clone(), spool.clone()).await.unwrap();
        let Engines { store, graph, catalog } = wrap(engines);
        let app = serve::App::with_stores(pipeline.clone(), store, graph, catalog, settings).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve::run(listener, app, async {
            let _ = stopped.await;
        }));
        let client = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { address, pipeline, client, stop: Some(stop), server, place, spool }
    }

    /// Names of the files that are spooled.
    pub fn spooled(&self) -> Vec<OsString> {
        std::fs::read_dir(&self.spool).unwrap().map(|f| f.unwrap().file_name()).collect()
    }

    /// Stores events and waits until they are found, projected and matched.
    pub async fn store(&self, events: Vec<Event>) {
        self.pipeline.append(events).await.unwrap();
        self.pipeline.caught_up().await.unwrap();
    }

    pub async fn load_rule(&self) {
        let loaded = rules::parse(RULE, "test");
        assert!(loaded.issues.is_empty(), "{:?}", loaded.issues);
        self.pipeline.import_rules(loaded.rules).await.unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub async fn login(&self, name: &str, password: &str) -> String {
        let query =
            "mutation($i: LoginInput!) { login(input: $i) { token expiresAt viewer { name role } errors { code } } }";
        let (_, answer) = self.send(None, query, json!({"i": {"name": name, "password": password}})).await;
        answer["data"]["login"]["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Status and body of one GraphQL request.
    pub async fn send(&self, token: Option<&str>, query: &str, variables: Value) -> (StatusCode, Value) {
        let mut request = self.request(Method::POST, "/graphql").json(&json!({"query": query, "variables": variables}));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Data of a request that must not fail.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Value {
        let (_, mut answer) = self.send(Some(token), query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer:#}");
        answer["data"].take()
    }

    /// Code of the first error of a request that must fail.
    pub async fn code(&self, token: Option<&str>, query: &str, variables: Value) -> String {
        let (_, answer) = self.send(token, query, variables).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        code.unwrap_or_else(|| panic!("{query}: no code in {answer:#}")).to_owned()
    }

    pub async fn shut_down(self) {
        self.stopped().await;
    }

    /// Ends it; what is stored stays at its place.
    pub async fn stopped(mut self) -> Arc<Place> {
        self.stop.take().unwrap().send(()).unwrap();
        self.server.await.unwrap().unwrap();
        self.pipeline.shutdown().await;
        self.place
    }
}

/// Events of our own making: `n` processes on `hosts` hosts, each with a connection; every tenth goes to the
/// network of [`RULE`].
pub fn events(n: usize, hosts: usize) -> Vec<Event> {
    let lines: String = (0..n).flat_map(|i| [process(i, hosts), connection(i, hosts)]).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    let read = support::read(file.path());
    assert!(read.issues.is_empty(), "{:?}", read.issues);
    assert_eq!(read.events.len(), 2 * n);
    read.events
}

pub fn time(i: usize) -> String {
    let (h, m, s) = (i / 3600 % 24, i / 60 % 60, i % 60);
    format!("2026-03-{:02} {h:02}:{m:02}:{s:02}.000", 1 + i / 86_400)
}

fn guid(i: usize) -> String {
    format!("{{aaaaaaaa-0000-0000-0000-{i:012}}}")
}

/// One winlogbeat document as a line.
pub fn document(code: u32, record: usize, host: usize, time: &str, data: Value) -> String {
    let stamp = format!("{}Z", time.replace(' ', "T"));
    let document = json!({
        "@timestamp": stamp,
        "winlog": {
            "provider_name": "Microsoft-Windows-Sysmon", "channel": "Microsoft-Windows-Sysmon/Operational",
            "computer_name": format!("HOST{host}.example"), "record_id": record, "event_id": code, "event_data": data,
        },
    });
    format!("{document}\n")
}

pub fn process(i: usize, hosts: usize) -> String {
    document(
        1,
        2 * i + 1,
        i % hosts,
        &time(i),
        json!({
            "UtcTime": time(i), "ProcessGuid": guid(i), "ProcessId": 1000 + i, "Image": format!("C:\\Tools\\tool{i}.exe"),
            "CommandLine": format!("tool{i}.exe --run {i}"), "User": "EXAMPLE\\ann",
            "ParentProcessGuid": guid(900_000 + i % hosts), "ParentProcessId": 4, "ParentImage": "C:\\Windows\\explorer.exe",
        }),
    )
}

pub fn connection(i: usize, hosts: usize) -> String {
    let net = if i.is_multiple_of(10) { "203.0.113" } else { "198.51.100" };
    document(
        3,
        2 * i + 2,
        i % hosts,
        &time(i),
        json!({
            "UtcTime": time(i), "ProcessGuid": guid(i), "ProcessId": 1000 + i, "Image": format!("C:\\Tools\\tool{i}.exe"),
            "User": "EXAMPLE\\ann", "Protocol": "tcp", "Initiated": "true", "SourceIp": "10.0.0.9", "SourcePort": 50_000,
            "DestinationIp": format!("{net}.{}", 1 + i % 200), "DestinationPort": 443,
        }),
    )
}
