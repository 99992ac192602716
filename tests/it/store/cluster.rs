//! What is particular to the engine on a cluster, and the real servers that it is tested with.
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};
use sysmonsearch::{
    event::{Event, EventId, Position, Scope, Time},
    store::{
        EventStore,
        elasticsearch::{Elasticsearch, Settings},
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
    let Ok(url) = std::env::var(server) else {
        assert!(std::env::var_os("CI").is_none(), "no real server: set {server}, or run ./test");
        eprintln!("SKIPPED: no real server; set {server}, or run ./test");
        return None;
    };
    let prefix = format!("t-{}", uuid::Uuid::now_v7().simple());
    let indices = Indices { url, prefix };
    Some((indices.store(), indices))
}

impl Indices {
    /// One more process that uses them.
    fn store(&self) -> Arc<Elasticsearch> {
        Elasticsearch::new(Settings { url: self.url.clone(), prefix: self.prefix.clone(), shards: 1 }).unwrap()
    }

    fn request(&self, method: &str, path: &str) -> String {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
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
async fn a_cluster_that_is_away_is_unavailable() {
    let settings = Settings { url: "http://127.0.0.1:9".into(), prefix: "events".into(), shards: 1 };
    let store = Elasticsearch::new(settings.clone()).unwrap();
    let refused = store.append(super::sample::events(1, 1)).await.unwrap_err();
    assert_eq!(refused.code, sysmonsearch::error::Code::Unavailable);
    for prefix in ["", "Events", "a,b", "*", "_all"] {
        assert!(Elasticsearch::new(Settings { prefix: prefix.into(), ..settings.clone() }).is_err(), "{prefix}");
    }
}
