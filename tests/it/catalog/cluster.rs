//! What is particular to the catalog of a cluster: several processes, and one that is killed.
use super::{each_engine, hit, numbers, rule, user};
use crate::support::{at, cluster::Namespace};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use sysmonsearch::{
    catalog::{AlertFilter, Catalog, Found, HitFilter, StoredHit, cluster::Cluster},
    error::Code,
    event::{Fence, Scope},
};

const SERVERS: [&str; 2] = ["ELASTICSEARCH_URL", "OPENSEARCH_URL"];

/// Reads on behind its cursor until it has `wanted` hits, as a subscriber does.
async fn follow(catalog: Arc<dyn Catalog>, wanted: usize) -> Vec<StoredHit> {
    let mut seen: Vec<StoredHit> = Vec::new();
    while seen.len() < wanted {
        let after = seen.last().map_or(0, |h| h.number);
        seen.extend(catalog.hits_since(&Scope::All, &HitFilter::default(), after, 7).await.unwrap());
        tokio::task::yield_now().await;
    }
    seen
}

async fn readers_meet_no_gap_while_others_write(catalog: &Arc<dyn Catalog>) {
    let reader = tokio::spawn(follow(catalog.clone(), 200));
    let writers = (0..4u64).map(|w| {
        let catalog = catalog.clone();
        tokio::spawn(async move {
            for batch in 0..10 {
                let start = w * 50 + batch * 5;
                catalog.put_hits((start..start + 5).map(hit).collect(), &at(start)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let seen = reader.await.unwrap();
    assert!(numbers(&seen).iter().copied().eq(1..=200));
}

each_engine!(readers_meet_no_gap_while_others_write);

/// What must hold at any moment: hits are numbered without a gap, and alerts count just them.
async fn check(catalog: &dyn Catalog) -> Vec<StoredHit> {
    let hits = catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 100_000).await.unwrap();
    assert!(numbers(&hits).iter().copied().eq(1..=hits.len() as u64), "{:?}", numbers(&hits));
    let ids: BTreeSet<&str> = hits.iter().map(|h| h.hit.id.as_str()).collect();
    assert_eq!(ids.len(), hits.len(), "no hit is there twice");
    let alerts = catalog.alerts(&Scope::All, &AlertFilter::default(), None, 1_000).await.unwrap().alerts;
    assert_eq!(alerts.iter().map(|a| a.hits).sum::<u64>(), hits.len() as u64);
    hits
}

/// A writer that is gone in the middle leaves all of its change or nothing, and the next one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_killed_leaves_all_or_nothing() {
    for server in SERVERS {
        let Some(namespace) = Namespace::with_neo4j(server) else { continue };
        let survivor = namespace.catalog().await;
        let (mut killed, mut whole) = (0, 0);
        for n in 0..30u64 {
            let writer = namespace.catalog().await;
            // Half of it overlaps with what the last one may have left.
            let hits = move || (n * 20..n * 20 + 40).map(hit).collect::<Vec<_>>();
            let task = tokio::spawn(async move { writer.put_hits(hits(), &at(n + 1)).await.unwrap() });
            tokio::time::sleep(Duration::from_millis(n * 3)).await;
            task.abort();
            killed += usize::from(task.await.is_err());
            // What was on its way arrives, later where the servers are busy.
            let mut before = None;
            let done = loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let done = survivor.detect_checkpoint().await.unwrap() == at(n + 1);
                if before.replace(done) == Some(done) {
                    break done;
                }
            };
            let stored = check(&*survivor).await;
            whole += usize::from(done);
            let has = |h| stored.iter().any(|s| s.hit == hit(h));
            assert!((n * 20 + 20..n * 20 + 40).all(|h| has(h) == done), "checkpoint and hits");
            survivor.put_hits(hits(), &at(n + 1)).await.unwrap();
            assert_eq!(check(&*survivor).await.len() as u64, n * 20 + 40);
        }
        assert!(killed > 0, "no writer was killed");
        println!("{server}: of 30 writers {killed} were killed, {whole} had stored all");
    }
}

/// Two processes that store the same and other things at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn processes_share_one_catalog() {
    let Some(namespace) = Namespace::with_neo4j("ELASTICSEARCH_URL") else { return };
    let one: Arc<dyn Catalog> = namespace.catalog().await;
    let two: Arc<dyn Catalog> = namespace.catalog().await;
    let reader = tokio::spawn(follow(namespace.catalog().await, 300));
    let write = |catalog: Arc<dyn Catalog>, shift: u64| async move {
        let mut stored = Vec::new();
        for batch in 0..25 {
            let start = batch * 10 + shift;
            let hits = (start..start + 20).map(hit).collect();
            let withdrawn = Vec::new();
            let found = Found { hits, withdrawn, ..Found::default() };
            stored.extend(catalog.put_found(found, &at(start)).await.unwrap());
        }
        stored
    };
    let (a, b) = tokio::join!(tokio::spawn(write(one.clone(), 0)), tokio::spawn(write(two.clone(), 40)));
    let mut stored = [a.unwrap(), b.unwrap()].concat();
    stored.sort_by_key(|s| s.number);
    assert_eq!(check(&*one).await, stored, "each hit was new for one of them");
    assert_eq!(reader.await.unwrap(), stored, "as a third one saw it");

    one.create_user(&user("u1", "anna"), "$hash").await.unwrap();
    assert_eq!(two.create_user(&user("u2", "Anna"), "$hash").await.unwrap_err().code, Code::Conflict);
    let many = futures_util::future::join_all((0..6).map(|n| {
        let catalog = if n % 2 == 0 { &one } else { &two };
        async move { catalog.create_user(&user(&format!("v{n}"), "berta"), "$hash").await.is_ok() }
    }));
    assert_eq!(many.await.into_iter().filter(|made| *made).count(), 1, "a name is given once");
    let secrets = tokio::join!(one.secret("tokens"), two.secret("tokens"));
    assert_eq!(secrets.0.unwrap(), secrets.1.unwrap());
    one.put_rules(&[rule("a", "1")]).await.unwrap();
    assert_eq!((two.rules_version().await.unwrap(), two.rules().await.unwrap()), (1, vec![rule("a", "1")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_of_one_server_do_not_know_each_other() {
    let names = ["ELASTICSEARCH_URL", "ELASTICSEARCH_URL"].map(Namespace::with_neo4j);
    let [Some(a), Some(b)] = names else { return };
    let (one, two) = (a.catalog().await, b.catalog().await);
    one.create_user(&user("u1", "anna"), "$hash").await.unwrap();
    one.put_rules(&[rule("a", "1")]).await.unwrap();
    one.put_hits((0..10).map(hit).collect(), &at(1)).await.unwrap();
    assert!(two.users().await.unwrap().is_empty() && two.rules().await.unwrap().is_empty());
    assert_eq!(two.count_hits(&Scope::All, &HitFilter::default()).await.unwrap(), 0);
    assert_eq!(two.count_alerts(&Scope::All, &AlertFilter::default()).await.unwrap(), 0);
    two.create_user(&user("u1", "anna"), "$hash").await.unwrap();
    two.clear_hits(Fence::default()).await.unwrap();
    assert_eq!(check(&*one).await.len(), 10);
}

/// Who hung while another took over his work changes nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_whose_lease_has_passed_on_is_refused() {
    let Some(namespace) = Namespace::with_neo4j("ELASTICSEARCH_URL") else { return };
    let (old, new) = (namespace.catalog().await, namespace.catalog().await);
    let put = async |catalog: &Cluster, n: u64, fence| {
        let found = Found { hits: vec![hit(n)], fence: Some(Fence(fence)), ..Found::default() };
        catalog.put_found(found, &at(n)).await.map_err(|e| e.code)
    };
    put(&old, 1, 4).await.unwrap();
    put(&new, 2, 5).await.unwrap();
    assert_eq!(put(&old, 3, 4).await, Err(Code::Conflict));
    assert_eq!(old.retain_correlated(&[], Fence(4)).await.unwrap_err().code, Code::Conflict);
    new.clear_hits(Fence(5)).await.unwrap();
    assert_eq!(put(&old, 9, 4).await, Err(Code::Conflict));
    assert_eq!(old.clear_hits(Fence(4)).await.unwrap_err().code, Code::Conflict);
    assert_eq!((new.detect_checkpoint().await.unwrap(), check(&*new).await.len()), (at(0), 0));
    put(&new, 1, 5).await.unwrap();
    // Not only from its first write on.
    assert_eq!(old.take_over_detect(Fence(6)).await.unwrap(), at(1));
    assert_eq!(put(&new, 2, 5).await, Err(Code::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_is_told() {
    let elastic = || sysmonsearch::elastic::Client::new("http://127.0.0.1:9").unwrap();
    let away = sysmonsearch::neo4j::Client::new("bolt://127.0.0.1:1", "neo4j", "x").unwrap();
    let e = Cluster::open(away, elastic(), "t").await.err().expect("nobody listens there");
    assert_eq!(e.code, Code::Unavailable);
    let Some(namespace) = Namespace::with_neo4j("ELASTICSEARCH_URL") else { return };
    let client = || namespace.neo4j().client();
    for name in ["", "A", "a,b", "*"] {
        assert_eq!(Cluster::open(client(), elastic(), name).await.err().unwrap().code, Code::BadInput, "{name}");
    }
    // Without Elasticsearch no hit is taken, and the checkpoint stays.
    let lame = Cluster::open(client(), elastic(), &namespace.name).await.unwrap();
    let e = lame.put_hits(vec![hit(1)], &at(5)).await.unwrap_err();
    assert_eq!(e.code, Code::Unavailable);
    assert_eq!(lame.detect_checkpoint().await.unwrap(), at(0));
    assert!(lame.users().await.unwrap().is_empty(), "the rest works");
}
