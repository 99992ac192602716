//! The pipeline: files in, searches, graph and hits out; restarts and repeats change nothing.
use crate::support::{self, engines::Place};
use sysmonsearch::{
    catalog::HitFilter,
    event::{Condition, EventId, Period, Position, Scope, Time, detection::Hit},
    ingest::Options,
    pipeline::{Pipeline, Watch},
    rules,
    store::Query,
};

struct Quiet;
impl Watch for Quiet {}

#[test]
fn on_a_cluster() {
    support::engines::run_on_a_cluster("pipeline");
}

async fn start(place: &Place) -> std::sync::Arc<Pipeline> {
    Pipeline::start(place.engines().await, place.folder().join("spool")).await.expect("pipeline")
}

async fn totals(p: &Pipeline) -> (u64, u64, sysmonsearch::graph::Counts) {
    p.caught_up().await.expect("caught up");
    let query = Query { condition: Condition::All, period: Period::default() };
    (
        p.store.count(&Scope::All, &query).await.expect("count"),
        p.catalog.count_hits(&Scope::All, &HitFilter::default()).await.expect("hits"),
        p.graph.counts().await.expect("counts"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_through_every_room_and_repeats_change_nothing() {
    let Some(data) = support::data() else { return };
    let place = Place::new().await;
    let file = data.join("evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx");
    let first = {
        let p = start(&place).await;
        let loaded = rules::load(&data.join("rules/sigma-rules-windows.tar.xz")).expect("rules");
        p.import_rules(loaded.rules).await.expect("import rules");
        let mut live = p.hits();
        let report = p.import_file("panache", &file, Options::default(), None, &mut Quiet).await.expect("import");
        assert!(report.stored > 500, "{report:?}");
        let first = totals(&p).await;
        assert_eq!(first.0, report.stored);
        assert!(first.1 > 0, "no hit");
        assert_eq!(live.recv().await.expect("a live hit").number, 1);

        let again = p.import_file("panache", &file, Options::default(), None, &mut Quiet).await.expect("again");
        assert_eq!((again.stored, again.duplicates), (0, report.stored));
        assert_eq!(totals(&p).await, first);
        p.shutdown().await;
        first
    };
    let p = start(&place).await;
    assert_eq!(totals(&p).await, first, "after a restart");
    p.rebuild_graph().await.expect("rebuild graph");
    p.rebuild_hits().await.expect("rebuild hits");
    assert_eq!(totals(&p).await, first, "after a rebuild");
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_after_a_restart() {
    let Some(data) = support::data() else { return };
    let place = Place::new().await;
    let file = data.join("evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx");
    let id = {
        let p = start(&place).await;
        let (id, spool) = p.new_spool_file();
        std::fs::copy(&file, &spool).expect("spool");
        p.import_spooled(&id, "panache.evtx", Options { keep_other: true }).await.expect("job");
        p.shutdown().await;
        id
    };
    let never_complete = place.folder().join("spool/0193");
    std::fs::write(&never_complete, "half of an upl").expect("spool");
    let p = start(&place).await;
    assert!(!never_complete.exists(), "an upload without a job is removed");
    let job = loop {
        let job = p.catalog.job(&id).await.expect("catalog").expect("job");
        if job.state != sysmonsearch::catalog::JobState::Running {
            break job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(job.state, sysmonsearch::catalog::JobState::Done, "{job:?}");
    assert!(job.keep_other, "what was asked for holds after the restart");
    assert!(totals(&p).await.0 > 500);
    assert!(!place.folder().join("spool").join(&id).exists(), "the spool file is removed");
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_beside_a_server_leaves_its_uploads_and_its_work_alone() {
    let place = Place::new().await;
    if !place.is_cluster() {
        return;
    }
    let server = start(&place).await;
    assert!(server.owns_folder());
    let pause = std::time::Duration::from_millis(100);
    for work in ["project", "detect"] {
        let life = std::time::Duration::from_millis(1);
        while server.catalog.lease(work, "another", life, false).await.expect("catalog").is_some() {
            tokio::time::sleep(pause).await;
        }
    }
    let (_, upload) = server.new_spool_file();
    std::fs::write(&upload, "half of an upl").expect("spool");
    let command = start(&place).await;
    assert!(!command.owns_folder() && upload.exists(), "an upload that is being received");
    // What another process changes reaches those who follow alerts here, where the rules are matched.
    let mut changes = server.alert_changes();
    changes.borrow_and_update();
    let hit = Hit {
        id: "h".into(),
        rule_id: "r".into(),
        rule_version: "1".into(),
        rule_title: "a rule".into(),
        level: "high".into(),
        event_id: EventId(1),
        time: Time(0),
        host: "a".into(),
        found: Time(0),
        matched: Vec::new(),
        joined: Vec::new(),
    };
    command.catalog.put_hits(vec![hit], &Position::default()).await.expect("hits");
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), changes.changed()).await;
    told.expect("told").expect("alive");
    command.shutdown().await;
    for work in ["project", "detect"] {
        let life = std::time::Duration::from_secs(1);
        assert_eq!(server.catalog.lease(work, "another", life, false).await.expect("catalog"), None, "{work}");
    }
    server.shutdown().await;
    let next = start(&place).await;
    assert!(next.owns_folder() && !upload.exists());
    next.shutdown().await;
}
