//! What is particular to the engine on a cluster, and the real servers that it is tested with.
use super::conformance::comparison;
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use sysmonsearch::{
    elastic::{Access, Client, Login, groups::by},
    event::{Event, EventId, Key, Period, Position, Scope, Time, condition::Operator},
    store::{
        EventStore, Query,
        elasticsearch::{Elasticsearch, Foreign, Settings, Substring},
    },
};

/// The indices of one test, removed at its end.
pub struct Indices {
    url: String,
    prefix: String,
}

/// An empty store on the server whose address is in the environment. Without one: `None` and a visible note, a failure
/// where the servers are required.
pub fn open(server: &str) -> Option<(Arc<Elasticsearch>, Indices)> {
    let indices = indices(server)?;
    Some((indices.store(), indices))
}

/// As [`open`], where the way to find a text inside of values is forced.
pub fn open_by(server: &str, substring: Substring) -> Option<(Arc<Elasticsearch>, Indices)> {
    let indices = indices(server)?;
    Some((indices.store_by(substring), indices))
}

/// Names for the indices of one test.
pub fn indices(server: &str) -> Option<Indices> {
    let Ok(url) = std::env::var(server) else {
        assert!(std::env::var_os("CI").is_none(), "no real server: set {server}, or run ./test");
        eprintln!("SKIPPED: no real server; set {server}, or run ./test");
        return None;
    };
    let prefix = format!("t-{}", uuid::Uuid::now_v7().simple());
    Some(Indices { url, prefix })
}

pub fn settings(url: &str, prefix: &str) -> Settings {
    let access = Access { nodes: vec![url.to_owned()], ..Access::default() };
    Settings { access, prefix: prefix.to_owned(), shards: 1, substring: None, foreign: None, keep_months: None }
}

impl Indices {
    /// One more process that uses them.
    pub fn store(&self) -> Arc<Elasticsearch> {
        Elasticsearch::new(settings(&self.url, &self.prefix)).unwrap()
    }

    pub fn store_by(&self, substring: Substring) -> Arc<Elasticsearch> {
        Elasticsearch::new(Settings { substring: Some(substring), ..settings(&self.url, &self.prefix) }).unwrap()
    }

    /// A store that also has the indices that others fill.
    pub fn store_with(&self, foreign: Foreign) -> Arc<Elasticsearch> {
        Elasticsearch::new(Settings { foreign: Some(foreign), ..settings(&self.url, &self.prefix) }).unwrap()
    }

    /// A name that is removed too, and is not one of the store's.
    pub fn other(&self) -> String {
        format!("o-{}", self.prefix)
    }

    pub fn request(&self, method: &str, path: &str) -> String {
        self.send(method, path, "")
    }

    pub fn send(&self, method: &str, path: &str, body: &str) -> String {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        let head = "Content-Type: application/json\r\nConnection: close";
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Names of the indices there are.
    fn names(&self) -> BTreeSet<String> {
        let stats = self.request("GET", &format!("/{}-*/_stats/docs?filter_path=indices.*.uuid", self.prefix));
        stats.split('"').filter(|t| t.starts_with(&self.prefix)).map(str::to_owned).collect()
    }
}

impl Drop for Indices {
    fn drop(&mut self) {
        for name in self.names() {
            self.request("DELETE", &format!("/{name}"));
        }
        for name in [format!("{}_places", self.prefix), self.other()] {
            self.request("DELETE", &format!("/{name}?ignore_unavailable=true"));
        }
        self.request("DELETE", &format!("/_index_template/{}", self.prefix));
    }
}

#[tokio::test]
async fn followers_find_what_others_store_whatever_its_time() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((ours, indices)) = open(server) else { continue };
        let theirs = indices.store();
        let events = super::sample::events(31, 60);
        // The same events weeks and years earlier, as a second shipper may bring them.
        let moved = |by: i64| -> Vec<Event> {
            let old = |e: &Event| Event { id: EventId(e.id.0 ^ by as u128), time: Time(e.time.0 - by), ..e.clone() };
            events.iter().map(old).collect()
        };
        let (mut at, mut found) = (Position::default(), Vec::new());
        for (store, part) in [(&ours, moved(0)), (&theirs, moved(7 * 86_400_000)), (&theirs, moved(40_000_000_000))] {
            store.append(part.clone()).await.unwrap();
            assert!(ours.head().await.unwrap() > at);
            let mut new = Vec::new();
            loop {
                let piece = ours.read(&at, 50).await.unwrap();
                (at, new) = (piece.next, [new, piece.events].concat());
                if !piece.more {
                    break;
                }
            }
            assert_eq!(new.iter().map(|e| (**e).clone()).collect::<Vec<_>>(), part);
            found.extend(new);
        }
        assert_eq!((found.len(), ours.head().await.unwrap()), (180, at.clone()));
        assert!(ours.read(&at, 50).await.unwrap().events.is_empty());
        // Each month has an index, and an import after months changes nothing.
        assert_eq!(indices.names().len(), 2);
        let again = theirs.append(moved(40_000_000_000)).await.unwrap();
        assert_eq!((again.stored, again.duplicates, again.head), (0, 60, at));
        ours.refresh().await.unwrap();
        let ids: Vec<EventId> = found.iter().map(|e| e.id).collect();
        assert!(ours.events(&Scope::All, &ids).await.unwrap().iter().all(Option::is_some));
    }
}

#[tokio::test]
async fn pieces_of_an_answer_are_of_one_moment() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some(indices) = indices(server) else { continue };
        let index = indices.other();
        let fill = |numbers: std::ops::Range<u32>| {
            let lines: String = numbers.map(|n| format!("{{\"index\":{{}}}}\n{{\"k\":{n}}}\n")).collect();
            let done = indices.send("POST", &format!("/{index}/_bulk?refresh=true"), &lines);
            assert!(done.contains("\"errors\":false"), "{done}");
        };
        let client = Client::new(&indices.url).unwrap();
        fill(0..5_200);
        // Those that are written while the first piece is read sort behind all others.
        for (meanwhile, expected) in [(9_000..9_010, 5_200), (0..0, 5_210)] {
            let mut counted = 0;
            let all = serde_json::json!({ "match_all": {} });
            let count = |_| {
                if counted == 0 && !meanwhile.is_empty() {
                    fill(meanwhile.clone());
                }
                counted += 1;
                Ok(true)
            };
            client.groups(&index, &all, &[by("k", "k")], None, count).await.unwrap();
            assert_eq!(counted, expected);
        }
    }
}

#[tokio::test]
async fn a_cluster_that_is_away_is_unavailable() {
    let away = settings("http://127.0.0.1:9", "events");
    let store = Elasticsearch::new(away.clone()).unwrap();
    let refused = store.append(super::sample::events(1, 1)).await.unwrap_err();
    assert_eq!(refused.code, sysmonsearch::error::Code::Unavailable);
    for prefix in ["", "Events", "a,b", "*", "_all"] {
        assert!(Elasticsearch::new(Settings { prefix: prefix.into(), ..away.clone() }).is_err(), "{prefix}");
    }
    for indices in ["", "*", "-x", "a,b", "events-2020.01", "ev*", "X-*"] {
        let foreign = Some(Foreign { indices: vec![indices.into()], normalise: |_| None });
        assert!(Elasticsearch::new(Settings { foreign, ..away.clone() }).is_err(), "{indices}");
    }
}

#[tokio::test]
async fn another_node_is_asked_where_one_is_away() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some(indices) = indices(server) else { continue };
        let mut with = settings(&indices.url, &indices.prefix);
        with.access.nodes.insert(0, "http://127.0.0.1:9".into());
        let store = Elasticsearch::new(with).unwrap();
        for seed in 1..4 {
            assert_eq!(store.append(super::sample::events(seed, 5)).await.unwrap().stored, 5);
        }
    }
}

/// A server that tells what it was sent, once.
fn listen() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let told = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4_096];
        while !request.windows(4).any(|w| w == b"\r\n\r\n") {
            let n = stream.read(&mut part).unwrap();
            request.extend_from_slice(&part[..n]);
        }
        let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    (url, told)
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let password = Login::Password { user: "hunt".into(), password: "geheim".to_owned().into() };
    let key = Login::ApiKey("Z2VoZWlt".to_owned().into());
    for (login, header) in [(password, "basic ahvuddpnzwhlaw0="), (key, "apikey z2vozwlt")] {
        let (url, told) = listen();
        let mut with = settings(&url, "events");
        with.access.login = login;
        let shown = format!("{with:?}");
        let refused = Elasticsearch::new(with).unwrap().head().await.unwrap_err();
        assert_eq!(refused.code, sysmonsearch::error::Code::Unavailable);
        assert!(refused.message.contains("credentials"), "{refused}");
        assert!(told.join().unwrap().to_lowercase().contains(&format!("authorization: {header}")));
        for text in [shown, format!("{refused:?}")] {
            assert!(!text.contains("geheim") && !text.contains("Z2VoZWlt"), "{text}");
        }
    }
}

#[tokio::test]
async fn the_best_way_to_look_inside_of_values_is_found() {
    let Some(elasticsearch) = indices("ELASTICSEARCH_URL") else { return };
    let Some(opensearch) = indices("OPENSEARCH_URL") else { return };
    assert_eq!(opensearch.store().substring().await.unwrap(), Substring::Wildcard);
    for way in Substring::ALL {
        assert_eq!(opensearch.store_by(way).substring().await.unwrap(), way);
        let has = elasticsearch.store_by(way).substring().await;
        // The tests' own server has none of the parts; a whole Elasticsearch has all of them.
        match elasticsearch.store().substring().await.unwrap() {
            Substring::Keyword if way != Substring::Keyword => {
                assert_eq!(has.unwrap_err().code, sysmonsearch::error::Code::BadInput);
            }
            _ => assert_eq!(has.unwrap(), way),
        }
    }
}

#[tokio::test]
async fn indices_of_every_mapping_are_searched_together() {
    let Some(indices) = indices("OPENSEARCH_URL") else { return };
    let mut events = Vec::new();
    for (n, way) in (0..).zip(Substring::ALL) {
        let month: Vec<Event> = super::sample::events(40 + n as u64, 1_500)
            .into_iter()
            .map(|e| Event { time: Time(e.time.0 + 40 * 86_400_000 * n), ..e })
            .collect();
        let store = indices.store_by(way);
        store.append(month.clone()).await.unwrap();
        store.refresh().await.unwrap();
        events.extend(month);
    }
    assert_eq!(indices.names().len(), 3);
    let store = indices.store();
    for (name, operator, operand) in [
        ("Image", Operator::Contains, "SHELL"),
        ("Image", Operator::Contains, r"\"),
        ("CommandLine", Operator::EndsWith, "*.tmp"),
        ("process", Operator::EndsWith, "cmd.exe"),
        ("CommandLine", Operator::Regex, r"tool\.exe. -[xy]"),
        ("TargetObject", Operator::StartsWith, "hkl"),
        ("Image", Operator::Wildcard, r"C:\Windows\System32\cmd.exe"),
        ("data.Brand-new", Operator::Contains, "one\nline"),
    ] {
        let condition = comparison(name, operator, &[operand]);
        let expected = events.iter().filter(|e| condition.is_match(e)).count() as u64;
        let query = Query { condition, period: Period::default() };
        assert_eq!(store.count(&Scope::All, &query).await.unwrap(), expected, "{name} {operand}");
        assert!(expected > 0, "{name} {operand}");
    }
}

#[tokio::test]
async fn indices_of_older_versions_are_searched_too() {
    let Some(indices) = indices("OPENSEARCH_URL") else { return };
    let events = super::sample::events(61, 200);
    let store = indices.store();
    store.append(events.clone()).await.unwrap();
    // The mapping as it was: it does not tell a way, and has the fields of none.
    let of_now = indices.request("GET", &format!("/{}", indices.names().first().unwrap()));
    let body = of_now.split_once("\r\n\r\n").unwrap().1;
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let mut mappings = answer.as_object().unwrap().values().next().unwrap()["mappings"].clone();
    mappings.as_object_mut().unwrap().remove("_meta");
    for field in mappings["properties"]["s"]["properties"]["v"]["properties"].as_object_mut().unwrap().values_mut() {
        field.as_object_mut().unwrap().remove("fields");
    }
    indices.request("DELETE", &format!("/_index_template/{}", indices.prefix));
    let old = serde_json::json!({ "mappings": mappings }).to_string();
    let made = indices.send("PUT", &format!("/{}-2020.01", indices.prefix), &old);
    assert!(made.contains("\"acknowledged\":true"), "{made}");
    let year = Time(1_577_900_000_000);
    let earlier = |e: Event| Event { id: EventId(e.id.0 ^ 1), time: Time(year.0 + e.time.0 % 1_000_000), ..e };
    store.append(events.iter().cloned().map(earlier).collect()).await.unwrap();
    store.refresh().await.unwrap();
    assert_eq!(indices.names().len(), 2);
    for text in ["SHELL", r"\", "e"] {
        let condition = comparison("Image", Operator::Contains, &[text]);
        let expected = 2 * events.iter().filter(|e| condition.is_match(e)).count() as u64;
        let query = Query { condition, period: Period::default() };
        assert_eq!(store.count(&Scope::All, &query).await.unwrap(), expected, "{text}");
        assert!(expected > 0, "{text}");
    }
}

#[tokio::test]
async fn only_indices_of_months_that_are_over_are_dropped() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some(indices) = indices(server) else { continue };
        let mut with = settings(&indices.url, &indices.prefix);
        with.keep_months = Some(2);
        let store = Elasticsearch::new(with).unwrap();
        // In the middle of November 2023, and at the ends of months before it; the last time is one of a wrong clock.
        let now = Time(1_700_000_000_000);
        let times = ["2023-11-14", "2023-09-01", "2023-08-31", "2022-11-14", "1999-01-01"];
        let times = times.map(|day| Time::parse(&format!("{day}T00:00:00Z")).unwrap());
        let events = super::sample::events(71, times.len());
        let events: Vec<Event> = events.into_iter().zip(times).map(|(e, time)| Event { time, ..e }).collect();
        store.append(events.clone()).await.unwrap();
        let head = store.head().await.unwrap();
        assert!(indices.store().drop_old(now).await.unwrap().is_empty(), "by default all is kept");
        let dropped = store.drop_old(now).await.unwrap();
        let names = ["2022.11", "2023.08"].map(|month| format!("{}-{month}", indices.prefix));
        assert_eq!(BTreeSet::from_iter(dropped), BTreeSet::from(names));
        assert!(store.drop_old(now).await.unwrap().is_empty());
        store.refresh().await.unwrap();
        let ids: Vec<EventId> = events.iter().map(|e| e.id).collect();
        let left = store.events(&Scope::All, &ids).await.unwrap();
        assert_eq!(left.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, false, true]);
        assert!(store.read(&head, 10).await.unwrap().events.is_empty());
    }
}

#[tokio::test]
async fn a_piece_of_big_events_is_small() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((store, _indices)) = open(server) else { continue };
        let big = |mut e: Event| {
            e.data.push((Key::Other("big".into()), "x".repeat(900_000).into()));
            e
        };
        let events: Vec<Event> = super::sample::events(71, 30).into_iter().map(big).collect();
        assert_eq!(store.append(events.clone()).await.unwrap().stored, 30);
        let (mut at, mut pieces, mut found) = (Position::default(), 0, Vec::new());
        loop {
            let piece = store.read(&at, 2_000).await.unwrap();
            let bytes: usize = piece.events.iter().map(|e| e.size()).sum();
            assert!(bytes < 20 << 20, "{bytes}");
            (at, pieces) = (piece.next, pieces + 1);
            found.extend(piece.events.iter().map(|e| e.id));
            if !piece.more {
                break;
            }
        }
        assert_eq!(found, events.iter().map(|e| e.id).collect::<Vec<_>>());
        store.refresh().await.unwrap();
        let again = store.events(&Scope::All, &found).await.unwrap();
        assert!(again.iter().all(Option::is_some));
        assert!(pieces > 1);
    }
}

#[tokio::test]
async fn what_one_event_brings_stops_no_other() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((store, indices)) = open(server) else { continue };
        let mut events = super::sample::events(72, 3);
        // Longer than a term of the index.
        events[1].system.computer = "h".repeat(40_000).into();
        let done = store.append(events.clone()).await.unwrap();
        assert_eq!((done.stored, done.refused.len()), (3, 0));
        // An index that cannot take one of them.
        let index = format!("{}-2020.02", indices.prefix);
        let mapping = r#"{"mappings":{"properties":{"winlog":{"properties":{"channel":{"type":"long"}}}}}}"#;
        assert!(indices.send("PUT", &format!("/{index}"), mapping).contains("\"acknowledged\":true"));
        let there = Time::parse("2020-02-03T10:00:00Z").unwrap();
        let mut bad = Event { id: EventId(7), time: there, ..events[0].clone() };
        bad.system.channel = "no number".into();
        let mut good = Event { id: EventId(8), ..bad.clone() };
        good.system.channel = "1".into();
        let done = store.append(vec![bad, good]).await.unwrap();
        assert_eq!((done.stored, done.refused.len()), (1, 1), "{done:?}");
        let refused = &done.refused[0];
        assert!(refused.id == EventId(7) && refused.record.contains("no number"), "{refused:?}");
    }
}

/// A way to a server that can be cut.
struct Gate {
    url: String,
    open: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    fn to(url: &str) -> Self {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Self { url, open: Arc::new(AtomicBool::new(true)), streams: Arc::default() };
        let (open, streams) = (gate.open.clone(), gate.streams.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok).filter(|_| open.load(Ordering::SeqCst)) {
                let far = TcpStream::connect(&server).unwrap();
                for (mut from, mut to) in [(near.try_clone(), far.try_clone()), (far.try_clone(), near.try_clone())]
                    .map(|(from, to)| (from.unwrap(), to.unwrap()))
                {
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
                streams.lock().unwrap().extend([near, far]);
            }
        });
        gate
    }

    fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

#[tokio::test]
async fn a_cluster_that_comes_back_empty_gets_the_mapping_again() {
    let Some(indices) = indices("ELASTICSEARCH_URL") else { return };
    let gate = Gate::to(&indices.url);
    let store = Elasticsearch::new(settings(&gate.url, &indices.prefix)).unwrap();
    let events = super::sample::events(73, 5);
    assert_eq!(store.append(events.clone()).await.unwrap().stored, 5);
    gate.cut();
    assert!(store.head().await.is_err());
    for name in indices.names() {
        indices.request("DELETE", &format!("/{name}"));
    }
    indices.request("DELETE", &format!("/_index_template/{}", indices.prefix));
    gate.open.store(true, Ordering::SeqCst);
    assert_eq!(store.append(events).await.unwrap().stored, 5);
    let mapping = indices.request("GET", &format!("/{}-*/_mapping?filter_path=*.mappings.dynamic", indices.prefix));
    assert!(mapping.contains("\"dynamic\":\"false\""), "{mapping}");
}
