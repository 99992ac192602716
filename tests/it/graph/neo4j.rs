//! The graph on a real Neo4j server is the graph of the embedded store.
use super::{
    dump, open,
    order::{assert_same, block_on, graph_of, put_in_batches, shuffle, small_events},
    started,
};
use crate::support::{
    self, at,
    cluster::{Neo4j as Server, Turn},
};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use sysmonsearch::{
    error::Code,
    event::{Event, Fence, Scope},
    graph::{GraphStore, neo4j::Neo4j, project::project},
};

async fn connect() -> Option<Arc<Neo4j>> {
    let server = Server::from_environment()?;
    Some(Neo4j::open(&server.uri, &server.user, &server.password).await.unwrap())
}

/// An empty graph on the server of `NEO4J_URI`, for as long as the turn lives. `None` (and a visible note) without one.
pub async fn fresh() -> Option<(Arc<Neo4j>, Turn)> {
    let turn = Turn::take(&Server::from_environment()?).await;
    Some((connect().await?, turn))
}

async fn lines(store: &Neo4j, scope: &Scope) -> Vec<String> {
    let mut all = Vec::new();
    store.dump(scope, |l| all.push(l)).await.unwrap();
    all
}

/// Whatever the order, repetition and split, and whoever looks: the lines of the embedded store.
#[test]
fn any_order_gives_the_graph_of_the_embedded_store() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() });
    let input = (small_events(), any::<u64>(), proptest::collection::vec(1usize..20, 1..6));
    runner
        .run(&input, |(events, seed, sizes)| {
            let mut mixed = [events.clone(), events.clone()].concat();
            shuffle(&mut mixed, seed);
            block_on(async {
                let Some((store, _guard)) = fresh().await else { return Ok(()) };
                put_in_batches(&*store, &mixed, &sizes).await;
                for scope in [Scope::All, Scope::hosts(["h0"]), Scope::hosts(["h0", "h2"]), Scope::hosts([""; 0])] {
                    let expected = graph_of(&events, &[events.len()], &scope).await;
                    prop_assert_eq!(lines(&store, &scope).await, expected);
                }
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn real_events_give_the_graph_of_the_embedded_store() {
    let Some(events) = support::real_events(80) else { return };
    let Some((store, _guard)) = fresh().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let embedded = open(dir.path());
    put_in_batches(&*embedded, &events, &[1000]).await;
    let mut mixed = [events.clone(), support::real_events(400).unwrap()].concat();
    shuffle(&mut mixed, 5);
    put_in_batches(&*store, &mixed, &[900, 20, 2500]).await;
    let expected = embedded.counts().await.unwrap();
    assert_eq!(store.counts().await.unwrap(), expected);
    let hosts: BTreeSet<String> = events.iter().map(Event::host).collect();
    let some: Vec<&String> = hosts.iter().step_by(3).collect();
    for scope in [Scope::All, Scope::hosts(&some)] {
        let expected = dump(&embedded, &scope).await;
        assert!(expected.len() > 100);
        assert_same(&lines(&store, &scope).await, &expected, "Neo4j and SQLite");
    }
    println!("{} events, {} nodes and edges compared", mixed.len(), lines(&store, &Scope::All).await.len());
}

/// Writers at the same moment, each with a connection of its own and rows that the others write too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_the_same_moment_lose_nothing() {
    let Some((store, _guard)) = fresh().await else { return };
    let events: Vec<Event> =
        (0..240).map(|i| started(["h1", "h2", "h3"][i as usize % 3], i64::from(i), i + 1, i / 4)).collect();
    let mut writers = Vec::new();
    for seed in 0..6 {
        let mut own = events.clone();
        shuffle(&mut own, seed);
        let other = connect().await.unwrap();
        writers.push(tokio::spawn(async move { put_in_batches(&*other, &own, &[40]).await }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(lines(&store, &Scope::All).await, graph_of(&events, &[240], &Scope::All).await);
}

#[tokio::test]
async fn opens_again_as_it_was() {
    let Some((store, _guard)) = fresh().await else { return };
    store.upsert(project(&[started("h1", 1, 2, 1)]), &at(7), Fence::default()).await.unwrap();
    let again = connect().await.unwrap();
    assert_eq!(again.checkpoint().await.unwrap(), at(7));
    assert_eq!(lines(&again, &Scope::All).await, lines(&store, &Scope::All).await);
}

/// A writer that is gone in the middle leaves nothing of its batch and no checkpoint, and holds nobody up.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_goes_leaves_nothing_half_done() {
    let Some((store, _guard)) = fresh().await else { return };
    let batch = |n: u32| (n * 300..n * 300 + 300).map(|i| started("h1", 1, i + 1, i)).collect::<Vec<Event>>();
    let graph = |batches: usize| {
        let events: Vec<Event> = (0..batches as u32).flat_map(batch).collect();
        async move { graph_of(&events, &[usize::MAX], &Scope::All).await }
    };
    let mut cut_off = 0;
    for (n, pause) in [1, 4, 9, 16, 30, 60, 90].into_iter().enumerate() {
        let upto = at(n as u64 + 1);
        let (writing, events, to) = (Arc::clone(&store), batch(n as u32), upto.clone());
        let task = tokio::spawn(async move { writing.upsert(project(&events), &to, Fence::default()).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        task.abort();
        cut_off += usize::from(task.await.is_err());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let whole = store.checkpoint().await.unwrap() == upto;
        assert_eq!(lines(&store, &Scope::All).await, graph(n + usize::from(whole)).await, "checkpoint and batch");
        store.upsert(project(&batch(n as u32)), &upto, Fence::default()).await.unwrap();
    }
    assert!(cut_off > 0, "no writer was cut off");
    assert_eq!(lines(&store, &Scope::All).await, graph(7).await);
}

/// Who hung while another took over his work changes nothing any more.
#[tokio::test]
async fn a_writer_whose_lease_has_passed_on_is_refused() {
    let Some((store, _guard)) = fresh().await else { return };
    let put = async |n: u32, fence| {
        let batch = project(&[started("h1", 1, n, 0)]);
        store.upsert(batch, &at(u64::from(n)), Fence(fence)).await.map_err(|e| e.code)
    };
    put(1, 4).await.unwrap();
    put(2, 5).await.unwrap();
    let before = lines(&store, &Scope::All).await;
    assert_eq!(put(3, 4).await, Err(Code::Conflict));
    assert_eq!(store.clear(Fence(4)).await.unwrap_err().code, Code::Conflict);
    assert_eq!((store.checkpoint().await.unwrap(), lines(&store, &Scope::All).await), (at(2), before));
    store.clear(Fence(6)).await.unwrap();
    assert_eq!(put(9, 5).await, Err(Code::Conflict));
    assert_eq!(store.checkpoint().await.unwrap(), at(0));
    put(1, 6).await.unwrap();
    assert_eq!(store.take_over(Fence(7)).await.unwrap(), at(1));
    assert_eq!(put(2, 6).await, Err(Code::Conflict));
}

/// The server shows a change piece by piece: who asks how far the graph is waits until all of it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_told_when_all_before_it_is_there() {
    let Some((store, _guard)) = fresh().await else { return };
    store.upsert(project(&[started("h1", 1, 2, 1)]), &at(1), Fence::default()).await.unwrap();
    let mut writing = Server::from_environment().unwrap().client().begin().await.unwrap();
    let moves = neo4rs::query("MATCH (c:GraphCheckpoint) SET c.position = $to").param("to", at(2).to_string());
    writing.run(moves).await.unwrap();
    let mut asked = std::pin::pin!(store.checkpoint());
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut asked).await.is_err(), "the writer is not ready");
    writing.commit().await.unwrap();
    assert_eq!(asked.await.unwrap(), at(2));
}

/// Who was cut off while he cleared deletes nothing of what his successor projects.
#[tokio::test(flavor = "multi_thread")]
async fn a_clearing_that_another_has_taken_over_goes_no_further() {
    let Some((store, _guard)) = fresh().await else { return };
    let batch = |n: u32| (n * 2_000..n * 2_000 + 2_000).map(|i| started("h1", 1, i + 1, i)).collect::<Vec<Event>>();
    for n in 0..8 {
        store.upsert(project(&batch(n)), &at(u64::from(n) + 1), Fence(1)).await.unwrap();
    }
    let nodes = async || store.counts().await.unwrap().nodes.iter().map(|n| n.1).sum::<u64>();
    let clearing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.clear(Fence(1)).await.map_err(|e| e.code) }
    });
    while store.checkpoint().await.unwrap() != at(0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.take_over(Fence(2)).await.unwrap();
    let left = nodes().await;
    assert!(left > 0, "the clearing was at its end already");
    assert_eq!(clearing.await.unwrap(), Err(Code::Conflict));
    assert_eq!((nodes().await, store.checkpoint().await.unwrap()), (left, at(0)));
    // The successor finishes it before he writes.
    store.upsert(project(&batch(9)), &at(1), Fence(2)).await.unwrap();
    assert_eq!(lines(&store, &Scope::All).await, graph_of(&batch(9), &[usize::MAX], &Scope::All).await);
}

#[tokio::test]
async fn a_server_that_is_away_is_told() {
    let e = Neo4j::open("bolt://127.0.0.1:1", "neo4j", "x").await.err().expect("nobody listens there");
    assert_eq!((e.code, &*e.message), (Code::Unavailable, "Neo4j cannot be reached"));
}

#[tokio::test]
async fn a_graph_is_that_of_one_installation() {
    let Some((store, _turn)) = fresh().await else { return };
    store.claim("one").await.unwrap();
    assert_eq!(store.claim("two").await.unwrap_err().code, Code::Conflict);
    // A rebuild gives it to nobody else.
    store.clear(Fence::default()).await.unwrap();
    store.claim("one").await.unwrap();
    let refused = store.claim("two").await.unwrap_err();
    assert!(refused.code == Code::Conflict && refused.message.contains("--prefix one"), "{refused}");
}
