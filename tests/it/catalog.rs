//! Conformance of every catalog: users, rules, hits, jobs, dead letters.
mod alerts;
mod cluster;
mod indicators;
mod items;
mod rules;

use crate::support::{at, cluster::Namespace};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use sysmonsearch::{
    catalog::{
        Catalog, Counts, Found, HitFilter, Hunt, Job, JobKind, JobState, Role, SavedSearch, User, embedded::Sqlite,
    },
    error::{Code, Issue},
    event::{
        EventId, Fence, Period, Position, Scope, Time,
        correlated::{Change, Group, Kept, Sighting, Stretch},
        detection::{Hit, Rule},
    },
};

fn user(id: &str, name: &str) -> User {
    User {
        id: id.into(),
        name: name.into(),
        role: Role::Analyst,
        scope: Scope::hosts(["PC1.example.", "pc2"]),
        disabled: false,
        token_generation: 0,
        created: Time(1_000),
    }
}

fn rule(id: &str, version: &str) -> Rule {
    Rule {
        id: id.into(),
        version: version.into(),
        title: format!("Rule {id}"),
        level: "high".into(),
        status: "test".into(),
        description: "Looks for something".into(),
        tags: vec!["attack.t1059".into(), "attack.execution".into()],
        logsource: "process_creation".into(),
        text: format!("title: Rule {id}\nversion: {version}\n"),
        origin: "rules.zip!a.yml".into(),
        enabled: true,
        refused: None,
        loaded: Time(2_000),
    }
}

/// The `n`th hit: event `n`, one of three hosts, one of two rules.
fn hit(n: u64) -> Hit {
    let rule_id = if n.is_multiple_of(2) { "even" } else { "odd" };
    let event_id = EventId(u128::from(n) << 64 | 7);
    Hit {
        id: Hit::id(rule_id, "1", event_id),
        rule_id: rule_id.into(),
        rule_version: "1".into(),
        rule_title: "A title".into(),
        level: if n.is_multiple_of(10) { "critical" } else { "low" }.into(),
        event_id,
        time: Time(i64::try_from(n).unwrap() * 1_000),
        host: format!("pc{}", n % 3),
        found: Time(5),
        matched: Vec::new(),
        joined: Vec::new(),
    }
}

fn numbers(hits: &[sysmonsearch::catalog::StoredHit]) -> Vec<u64> {
    hits.iter().map(|h| h.number).collect()
}

async fn keeps_users(catalog: &Arc<dyn Catalog>) {
    assert!(catalog.users().await.unwrap().is_empty());
    let mut anna = user("u1", "Anna");
    catalog.create_user(&anna, "$hash1").await.unwrap();
    let everywhere = User { scope: Scope::All, role: Role::Admin, ..user("u2", "berta") };
    catalog.create_user(&everywhere, "$hash2").await.unwrap();
    let nowhere = User { scope: Scope::hosts(Vec::<String>::new()), ..user("u3", "carla") };
    catalog.create_user(&nowhere, "$hash3").await.unwrap();

    assert_eq!(catalog.users().await.unwrap(), [anna.clone(), everywhere.clone(), nowhere]);
    assert_eq!(catalog.user("u2").await.unwrap().as_ref(), Some(&everywhere));
    assert_eq!(catalog.user("u9").await.unwrap(), None);
    assert_eq!(catalog.user_by_name("aNNa").await.unwrap().as_ref(), Some(&anna), "names differ by more than case");
    assert_eq!(catalog.user_by_name("nobody").await.unwrap(), None);
    let taken = catalog.create_user(&user("u4", "ANNA"), "$x").await.unwrap_err();
    assert_eq!(taken.code, Code::Conflict);
    assert!(taken.message.contains("ANNA"), "{taken}");

    assert_eq!(catalog.password_hash("u1").await.unwrap().as_deref(), Some("$hash1"));
    assert_eq!(catalog.password_hash("u9").await.unwrap(), None);
    catalog.set_password("u1", "$new").await.unwrap();
    assert_eq!(catalog.password_hash("u1").await.unwrap().as_deref(), Some("$new"));
    assert_eq!(catalog.user("u1").await.unwrap().unwrap().token_generation, 1, "a new password ends the sessions");
    assert_eq!(catalog.set_password("u9", "$new").await.unwrap_err().code, Code::NotFound);

    anna.disabled = true;
    anna.role = Role::Viewer;
    anna.scope = Scope::All;
    catalog.update_user(&anna).await.unwrap();
    let found = catalog.user("u1").await.unwrap().unwrap();
    assert_eq!(found, User { token_generation: 1, ..anna.clone() }, "a stale copy does not revive old sessions");
    anna.name = "Berta".into();
    assert_eq!(catalog.update_user(&anna).await.unwrap_err().code, Code::Conflict);
    assert_eq!(catalog.update_user(&user("u9", "x")).await.unwrap_err().code, Code::NotFound);

    let (one, two) = tokio::join!(catalog.secret("tokens"), catalog.secret("tokens"));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two);
    assert_eq!(one.len(), 32);
    assert_ne!(one, catalog.secret("other").await.unwrap());
}

async fn keeps_rules(catalog: &Arc<dyn Catalog>) {
    let rules = [rule("a", "1"), rule("b", "1"), Rule { refused: Some("unknown field".into()), ..rule("c", "1") }];
    assert_eq!(catalog.put_rules(&rules).await.unwrap(), 3);
    assert_eq!(catalog.put_rules(&rules).await.unwrap(), 0, "the same again changes nothing");
    assert_eq!(catalog.rules().await.unwrap(), rules);
    assert!(catalog.enable_rule("a", false).await.unwrap());
    assert!(!catalog.enable_rule("x", false).await.unwrap());
    assert_eq!(catalog.put_rules(&[rule("a", "2"), rule("b", "1")]).await.unwrap(), 1);
    assert_eq!(catalog.rule("a").await.unwrap(), Some(Rule { enabled: false, ..rule("a", "2") }));
    let found = catalog.rules_by_id(&["b".into(), "x".into(), "b".into()]).await.unwrap();
    assert_eq!(found, [Some(rule("b", "1")), None, Some(rule("b", "1"))]);
    let versions = async |id: &str| {
        let found = catalog.rule_versions(&["x".into(), id.into()]).await.unwrap();
        assert!(found[0].is_empty());
        found[1].iter().map(|v| v.version.clone()).collect::<Vec<_>>()
    };
    assert_eq!((versions("a").await, versions("b").await), (vec!["2".into(), "1".into()], vec!["1".into()]));
    catalog.put_rules(&[rule("a", "1")]).await.unwrap();
    assert_eq!(versions("a").await, ["1", "2", "1"], "going back is a change too");
    assert!(catalog.delete_rule("b").await.unwrap());
    assert!(versions("b").await.is_empty());
    assert!(!catalog.delete_rule("b").await.unwrap());
    assert_eq!(catalog.rule("b").await.unwrap(), None);
}

async fn keeps_hits(catalog: &Arc<dyn Catalog>) {
    let (all, any) = (Scope::All, HitFilter::default());
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), at(0));
    let new = catalog.put_hits((0..30).map(hit).collect(), &at(100)).await.unwrap();
    assert_eq!(numbers(&new), (1..=30).collect::<Vec<_>>());
    let last = catalog.last_hits(&all, &["odd".into(), "none".into(), "even".into()]).await.unwrap();
    assert_eq!(last, [Some(Time(29_000)), None, Some(Time(28_000))]);
    let last = catalog.last_hits(&Scope::hosts(["pc0"]), &["odd".into()]).await.unwrap();
    assert_eq!(last, [Some(Time(27_000))]);
    let again = catalog.put_hits((25..35).map(hit).collect(), &at(200)).await.unwrap();
    assert_eq!(numbers(&again), [31, 32, 33, 34, 35], "known hits take no number");
    assert_eq!(again[0].hit, hit(30));
    let within = catalog.put_hits(vec![hit(40), hit(40)], &at(150)).await.unwrap();
    assert_eq!(numbers(&within), [36], "the same hit twice in one call");
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), at(200), "it never goes back");
    catalog.put_hits(vec![], &at(300)).await.unwrap();
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), at(300));
    assert_eq!(catalog.count_hits(&all, &any).await.unwrap(), 36);
    let missed = catalog.hits_since(&all, &any, 33, 2).await.unwrap();
    assert_eq!(numbers(&missed), [34, 35]);
    let page = catalog.hits(&all, &any, None, 4).await.unwrap();
    assert_eq!((numbers(&page.hits), page.more), (vec![36, 35, 34, 33], true));
    assert_eq!(page.hits[0].hit, hit(40), "every part of a hit comes back");
    let last = catalog.hits(&all, &any, Some(5), 4).await.unwrap();
    assert_eq!((numbers(&last.hits), last.more), (vec![4, 3, 2, 1], false));
    let count = |scope: Scope, filter: HitFilter| async move { catalog.count_hits(&scope, &filter).await.unwrap() };
    assert_eq!(count(all.clone(), HitFilter { rule_id: Some("odd".into()), ..any.clone() }).await, 17);
    assert_eq!(count(all.clone(), HitFilter { host: Some("PC1.".into()), ..any.clone() }).await, 13);
    assert_eq!(count(all.clone(), HitFilter { levels: vec!["critical".into()], ..any.clone() }).await, 5);
    let levels = vec!["critical".into(), "low".into(), "medium".into()];
    assert_eq!(count(all.clone(), HitFilter { levels, ..any.clone() }).await, 36);
    let period = Period { from: Some(Time(10_000)), to: Some(Time(20_000)) };
    assert_eq!(count(all.clone(), HitFilter { period, ..any.clone() }).await, 10, "from is in, to is out");
    let narrow = HitFilter { host: Some("pc1".into()), rule_id: Some("even".into()), period, ..any.clone() };
    assert_eq!(count(all.clone(), narrow).await, 2);
    let per_rule = catalog.hits_per_rule(&all, &any).await.unwrap();
    assert_eq!(per_rule, [("even".into(), 19), ("odd".into(), 17)]);
    let ids = [hit(3).event_id, EventId(1), hit(3).event_id, hit(1).event_id];
    let of_events = catalog.hits_of_events(&all, &ids).await.unwrap();
    assert_eq!(of_events, [vec![hit(3)], vec![], vec![hit(3)], vec![hit(1)]]);
    catalog.clear_hits(Fence::default()).await.unwrap();
    assert_eq!(catalog.count_hits(&all, &any).await.unwrap(), 0);
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), at(0));
    let rebuilt = catalog.put_hits(vec![hit(1)], &at(1)).await.unwrap();
    assert_eq!(numbers(&rebuilt), [37], "a cursor from before a rebuild skips nothing");
}

async fn keeps_what_correlations_have_seen(catalog: &Arc<dyn Catalog>) {
    let group = |rule: &str, value: &str| Group {
        rule_id: rule.into(),
        rule_version: "1".into(),
        values: vec![value.into(), "b".into()],
    };
    let seen = |n: u64, member: u32| Sighting {
        time: Time(i64::try_from(n).unwrap() * 1_000),
        event_id: hit(n).event_id,
        member,
        source: u128::from(member) << 100,
        values: vec![vec![format!("v{n}"), "\u{1}\"".into()], vec![]],
    };
    let (k, other) = (group("k", "a"), group("other", "a"));
    assert_ne!(k.key(), group("k", "c").key());
    let key = |n: u64| (seen(n, 0).time, seen(n, 0).event_id);
    let change = |group: &Group| Change {
        group: group.clone(),
        came: vec![seen(3, 0), seen(1, 1), seen(1, 0), seen(2, 0)],
        went: vec![],
        fired: vec![key(3), key(2)],
        unfired: vec![],
    };
    let found = Found {
        hits: vec![hit(1), hit(2)],
        withdrawn: vec![],
        changes: vec![change(&k), change(&other)],
        ..Found::default()
    };
    for new in [2, 0] {
        let stored = catalog.put_found(found.clone(), &at(1)).await.unwrap();
        assert_eq!(stored.len(), new, "the same again changes nothing");
    }
    let stretch = |group: &Group, from, to| Stretch { group: group.key(), from: Time(from), to: Time(to) };
    let asked = [stretch(&k, 1_000, 2_000), stretch(&group("k", "c"), 0, 9_000), stretch(&other, 2_001, 3_000)];
    let kept = catalog.correlated(&asked, 9).await.unwrap();
    let first = Kept { seen: vec![seen(1, 0), seen(1, 1), seen(2, 0)], fired: vec![key(2)], more: false };
    let last = Kept { seen: vec![seen(3, 0)], fired: vec![key(3)], more: false };
    assert_eq!(kept, [first, Kept::default(), last.clone()], "in order, both ends included");
    let cut = catalog.correlated(&asked, 2).await.unwrap();
    assert_eq!(cut.iter().map(|k| (k.seen.len(), k.more)).collect::<Vec<_>>(), [(2, true), (0, false), (1, false)]);
    assert!(!catalog.correlated(&asked, 3).await.unwrap()[0].more, "as many as asked for");
    let gone = Change {
        came: vec![],
        went: vec![seen(1, 1), seen(9, 0)],
        fired: vec![],
        unfired: vec![key(2)],
        group: k.clone(),
    };
    let withdrawn = vec![hit(2).id, "unknown".into()];
    let found = Found { hits: vec![hit(3)], withdrawn, changes: vec![gone], ..Found::default() };
    assert_eq!(numbers(&catalog.put_found(found, &at(2)).await.unwrap()), [3], "a number is given once");
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), at(2));
    let hits = catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 9).await.unwrap();
    assert_eq!(numbers(&hits), [1, 3]);
    let kept = catalog.correlated(&[stretch(&k, 0, 9_000)], 9).await.unwrap();
    assert_eq!(kept, [Kept { seen: vec![seen(1, 0), seen(2, 0), seen(3, 0)], fired: vec![key(3)], more: false }]);
    catalog
        .retain_correlated(&[("other".into(), "1".into()), ("k".into(), "2".into())], Fence::default())
        .await
        .unwrap();
    let kept = catalog.correlated(&[stretch(&k, 0, 9_000), asked[2].clone()], 9).await.unwrap();
    assert_eq!(kept, [Kept::default(), last]);
    catalog.clear_hits(Fence::default()).await.unwrap();
    assert_eq!(catalog.correlated(&asked[2..], 9).await.unwrap(), [Kept::default()]);
}

async fn hides_hits_out_of_scope(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits((0..300).map(hit).collect(), &at(1)).await.unwrap();
    let any = HitFilter::default();
    let many = (0..50_000).map(|n| format!("server{n}")).chain(["PC1".to_owned()]);
    for (scope, seen) in [
        (Scope::hosts(["pc1"]), 100),
        (Scope::hosts(many), 100),
        (Scope::hosts(["pc0", "pc2"]), 200),
        (Scope::hosts(["pc"]), 0),
        (Scope::hosts(Vec::<String>::new()), 0),
    ] {
        assert_eq!(catalog.count_hits(&scope, &any).await.unwrap(), seen);
        let since = catalog.hits_since(&scope, &any, 0, 1_000).await.unwrap();
        assert_eq!(since.len() as u64, seen);
        assert!(since.iter().all(|h| scope.allows(&h.hit.host)));
        let page = catalog.hits(&scope, &any, None, 1_000).await.unwrap();
        assert!(page.hits.iter().rev().eq(&since));
        let per_rule: u64 = catalog.hits_per_rule(&scope, &any).await.unwrap().iter().map(|(_, n)| n).sum();
        assert_eq!(per_rule, seen);
        let ids: Vec<EventId> = (0..300).map(|n| hit(n).event_id).collect();
        let of_events = catalog.hits_of_events(&scope, &ids).await.unwrap();
        assert_eq!(of_events.iter().flatten().count() as u64, seen);
    }
    let elsewhere = HitFilter { host: Some("pc2".into()), ..any };
    assert_eq!(catalog.count_hits(&Scope::hosts(["pc1"]), &elsewhere).await.unwrap(), 0, "a filter widens no scope");
}

async fn pages_past_ten_thousand_hits(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits((0..12_345).map(hit).collect(), &at(1)).await.unwrap();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = catalog.hits(&Scope::All, &HitFilter::default(), before, 500).await.unwrap();
        seen.extend(numbers(&page.hits));
        before = seen.last().copied();
        if !page.more {
            break;
        }
    }
    assert!(seen.iter().copied().eq((1..=12_345).rev()));
    let since = catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 20_000).await.unwrap();
    assert_eq!(since.len(), 12_345);
}

async fn numbers_hits_of_concurrent_writers(catalog: &Arc<dyn Catalog>) {
    let tasks = (0..8u64).map(|task| {
        let catalog = Arc::clone(catalog);
        tokio::spawn(async move {
            let mut stored = Vec::new();
            for batch in 0..20 {
                let start = task * 50 + batch * 5;
                let new = catalog.put_hits((start..start + 10).map(hit).collect(), &at(start)).await.unwrap();
                stored.extend(new.into_iter().map(|s| (s.number, s.hit.id)));
            }
            stored
        })
    });
    let mut stored = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        stored.extend(task.await.unwrap());
    }
    let ids: BTreeSet<_> = stored.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), stored.len(), "no hit is new twice");
    let numbers: BTreeSet<u64> = stored.iter().map(|(n, _)| *n).collect();
    assert!(numbers.iter().copied().eq(1..=stored.len() as u64), "no gap, no number twice");
    let count = catalog.count_hits(&Scope::All, &HitFilter::default()).await.unwrap();
    assert_eq!(count, stored.len() as u64);
}

fn job(id: &str, started: i64, state: JobState) -> Job {
    Job {
        id: id.into(),
        name: "a.evtx".into(),
        state,
        bytes_read: 10,
        bytes_total: Some(20),
        stored: 3,
        duplicates: 2,
        skipped: 1,
        issues: 4,
        started: Time(started),
        finished: (state != JobState::Running).then_some(Time(started + 1)),
        message: None,
        counts: Counts {
            codes: [(1, 3), (22, 2)].into(),
            hosts: [("pc1".into(), 5)].into(),
            providers: [("Other".into(), 1)].into(),
        },
        keep_other: true,
        node: "n1".into(),
        hunt: None,
    }
}

async fn keeps_jobs_and_dead_letters(catalog: &Arc<dyn Catalog>) {
    for (n, state) in [JobState::Done, JobState::Failed, JobState::Cancelled].into_iter().enumerate() {
        catalog.put_job(&job(&format!("j{n}"), n as i64, state)).await.unwrap();
    }
    let mut changed = job("j0", 0, JobState::Done);
    changed.bytes_total = None;
    changed.message = Some("finished".into());
    catalog.put_job(&changed).await.unwrap();
    assert_eq!(catalog.job("j0").await.unwrap(), Some(changed.clone()));
    assert_eq!(catalog.job("j9").await.unwrap(), None);
    let newest = catalog.jobs(JobKind::Import, None, 2).await.unwrap();
    assert_eq!(newest, [job("j2", 2, JobState::Cancelled), job("j1", 1, JobState::Failed)]);
    let list = async |kind, state| {
        let jobs = catalog.jobs(kind, state, 10).await.unwrap();
        jobs.into_iter().map(|j| j.id).collect::<Vec<_>>()
    };
    assert_eq!(list(JobKind::Import, None).await, ["j2", "j1", "j0"]);
    assert!(!catalog.put_job(&job("j2", 2, JobState::Running)).await.unwrap(), "a cancelled job stays so");
    assert_eq!(list(JobKind::Import, Some(JobState::Cancelled)).await, ["j2"]);

    let after = Some((Time(5), EventId(u128::MAX)));
    let hunt = Hunt { rules: vec!["r".into()], by: "ann".into(), after, ..Hunt::default() };
    let hunting = Job { hunt: Some(hunt.clone()), ..job("h", 3, JobState::Running) };
    assert!(catalog.put_job(&hunting).await.unwrap());
    assert_eq!(
        (list(JobKind::Hunt, Some(JobState::Running)).await, list(JobKind::Hunt, Some(JobState::Done)).await),
        (vec!["h".into()], vec![])
    );
    let upto = catalog.detect_checkpoint().await.unwrap();
    let known = catalog.count_hits(&Scope::All, &HitFilter::default()).await.unwrap();
    let grown = Job { hunt: Some(Hunt { events: 7, hits: 2, ..hunt.clone() }), ..hunting.clone() };
    for _ in 0..2 {
        let found = Found { hits: vec![hit(9_001), hit(9_002)], job: Some(grown.clone()), ..Found::default() };
        catalog.put_found(found, &Position::default()).await.unwrap();
        let new = catalog.count_hits(&Scope::All, &HitFilter::default()).await.unwrap() - known;
        let stored = catalog.job("h").await.unwrap().unwrap();
        assert_eq!((new, stored.hunt.clone().unwrap().events), (2, 7));
    }
    assert_eq!(catalog.job("h").await.unwrap().unwrap().hunt.unwrap().new, 0, "written as it is, and nothing was new");
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), upto);
    assert!(catalog.cancel_job("h", Time(9)).await.unwrap());
    assert!(!catalog.cancel_job("h", Time(10)).await.unwrap());
    let ended = catalog.job("h").await.unwrap().unwrap();
    assert_eq!((ended.state, ended.finished), (JobState::Cancelled, Some(Time(9))));
    let found = Found { job: Some(hunting), ..Found::default() };
    catalog.put_found(found, &Position::default()).await.unwrap();
    assert_eq!(catalog.job("h").await.unwrap(), Some(ended));

    let issue = |n: u64| Issue {
        source: "a.evtx".into(),
        position: format!("record {n}"),
        reason: "the chunk is broken".into(),
        record: (n.is_multiple_of(2)).then(|| "\u{0}<Event>".into()),
    };
    catalog.put_dead_letters(Some("j1"), &(1..=3).map(issue).collect::<Vec<_>>()).await.unwrap();
    catalog.put_dead_letters(Some("j1"), &(1..=3).map(issue).collect::<Vec<_>>()).await.unwrap();
    catalog.put_dead_letters(None, &[issue(4)]).await.unwrap();
    assert_eq!(catalog.count_dead_letters(None).await.unwrap(), 4);
    assert_eq!(catalog.count_dead_letters(Some("j1")).await.unwrap(), 3);
    let letters = catalog.dead_letters(None, None, 2).await.unwrap();
    assert_eq!(letters.iter().map(|l| (l.number, &l.issue)).collect::<Vec<_>>(), [(4, &issue(4)), (3, &issue(3))]);
    assert_eq!((letters[0].job_id.as_deref(), letters[1].job_id.as_deref()), (None, Some("j1")));
    let rest = catalog.dead_letters(None, Some(3), 10).await.unwrap();
    assert_eq!(rest.iter().map(|l| l.number).collect::<Vec<_>>(), [2, 1]);
    let of_job = catalog.dead_letters(Some("j1"), Some(3), 1).await.unwrap();
    assert_eq!(of_job.iter().map(|l| l.number).collect::<Vec<_>>(), [2]);
    assert!(catalog.dead_letters(Some("j9"), None, 10).await.unwrap().is_empty());
}

async fn leases_have_one_owner(catalog: &Arc<dyn Catalog>) {
    const LONG: Duration = Duration::from_secs(600);
    let lease = async |name: &str, owner: &str, life, force| catalog.lease(name, owner, life, force).await.unwrap();
    let first = lease("project", "a", LONG, false).await.expect("nobody had it");
    assert_eq!(lease("project", "b", LONG, false).await, None);
    assert_eq!(lease("project", "a", LONG, false).await, Some(first), "renewed");
    assert!(lease("detect", "b", LONG, false).await.is_some(), "each name is a lease of its own");

    catalog.release("project", "b").await.unwrap();
    assert_eq!(lease("project", "b", LONG, false).await, None, "who does not have it cannot give it back");
    catalog.release("project", "a").await.unwrap();
    let second = lease("project", "b", LONG, false).await.expect("given back");
    assert!(second > first, "each owner has an epoch of his own");

    let third = lease("project", "a", Duration::from_millis(1), true).await.expect("forced");
    assert!(third > second);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let fourth = lease("project", "b", LONG, false).await.expect("the other's has run out");
    assert!(fourth > third);

    let takers = (0..8).map(|n| format!("taker {n}")).collect::<Vec<_>>();
    let taken = futures_util::future::join_all(takers.iter().map(|t| lease("new", t, LONG, false))).await;
    assert_eq!(taken.iter().flatten().count(), 1, "of many at once one gets it: {taken:?}");
}

/// What an engine lives in, as long as it is used.
type Home = Box<dyn std::any::Any + Send>;

/// Every engine, with nothing in it: SQLite, and Neo4j with Elasticsearch and with OpenSearch.
async fn engines() -> Vec<(Home, Arc<dyn Catalog>)> {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&dir.path().join("catalog.sqlite")).unwrap();
    let mut engines: Vec<(Home, Arc<dyn Catalog>)> = vec![(Box::new(dir), sqlite)];
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        if let Some(namespace) = Namespace::with_neo4j(server) {
            let catalog = namespace.catalog().await;
            engines.push((Box::new(namespace), catalog));
        }
    }
    engines
}

/// Runs each part on every engine.
macro_rules! each_engine {
    ($($name:ident),* $(,)?) => { mod conformance { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            for (_kept, catalog) in $crate::catalog::engines().await {
                super::$name(&catalog).await;
            }
        }
    )* } };
}
use each_engine;

each_engine!(
    keeps_users,
    keeps_rules,
    keeps_hits,
    keeps_what_correlations_have_seen,
    hides_hits_out_of_scope,
    pages_past_ten_thousand_hits,
    numbers_hits_of_concurrent_writers,
    keeps_jobs_and_dead_letters,
    leases_have_one_owner,
    saved_searches_are_seen_by_their_owner_or_all_and_changed_by_their_owner_only,
);

#[tokio::test]
async fn sqlite_keeps_everything_when_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let secret = {
        let catalog = Sqlite::open(&path).unwrap();
        catalog.create_user(&user("u1", "anna"), "$hash").await.unwrap();
        catalog.put_rules(&[rule("a", "1")]).await.unwrap();
        catalog.put_hits((0..5).map(hit).collect(), &at(77)).await.unwrap();
        catalog.put_job(&job("cut", 1, JobState::Running)).await.unwrap();
        catalog.secret("tokens").await.unwrap()
    };
    #[cfg(unix)]
    for name in ["catalog.sqlite", "catalog.sqlite-wal"] {
        use std::os::unix::fs::PermissionsExt as _;
        if let Ok(file) = std::fs::metadata(dir.path().join(name)) {
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    let catalog = Sqlite::open(&path).unwrap();
    assert_eq!(catalog.users().await.unwrap(), [user("u1", "anna")]);
    assert_eq!(catalog.rules().await.unwrap(), [rule("a", "1")]);
    assert_eq!(catalog.detect_checkpoint().await.unwrap(), at(77));
    assert_eq!(catalog.secret("tokens").await.unwrap(), secret);
    let new = catalog.put_hits(vec![hit(4), hit(5)], &at(78)).await.unwrap();
    assert_eq!(numbers(&new), [6]);
    let running = catalog.job("cut").await.unwrap();
    assert_eq!(running, Some(job("cut", 1, JobState::Running)), "so that the import can go on");
}

#[test]
fn sqlite_refuses_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    drop(Sqlite::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Sqlite::open(&path).err().unwrap();
    assert_eq!(error.code, Code::Conflict);
    assert!(error.message.contains("newer version"), "{error}");

    let other = dir.path().join("other.sqlite");
    std::fs::write(&other, "no database at all, but long enough to be read as the header of one ".repeat(20)).unwrap();
    let error = Sqlite::open(&other).err().unwrap();
    assert!(error.message.contains("other.sqlite"), "{error}");
}

async fn saved_searches_are_seen_by_their_owner_or_all_and_changed_by_their_owner_only(catalog: &Arc<dyn Catalog>) {
    for (id, name) in [("u1", "ann"), ("u2", "bob")] {
        catalog.create_user(&user(id, name), "hash").await.unwrap();
    }
    let search = |id: &str, owner: &str, shared: bool| SavedSearch {
        id: id.into(),
        name: format!("Search {id}"),
        owner_id: owner.into(),
        owner_name: if owner == "u1" { "ann" } else { "bob" }.into(),
        shared,
        condition: Some(r#"{"not":{"and":[]}}"#.into()),
        last: None,
        period: Period { from: Some(Time(5)), to: None },
        updated: Time(7),
    };
    let (a, b, c) = (search("a", "u1", false), search("b", "u1", true), search("c", "u2", false));
    for s in [&c, &b, &a] {
        catalog.put_saved_search(s, true).await.unwrap();
    }
    assert_eq!(catalog.saved_searches("u1").await.unwrap(), [a.clone(), b.clone()]);
    assert_eq!(catalog.saved_searches("u2").await.unwrap(), [b.clone(), c.clone()]);
    let renamed = SavedSearch { name: "Zebra".into(), last: Some("24h".into()), condition: None, ..a.clone() };
    catalog.put_saved_search(&renamed, false).await.unwrap();
    assert_eq!(catalog.saved_searches("u1").await.unwrap(), [b.clone(), renamed]);
    let stolen = SavedSearch { owner_id: "u2".into(), ..b.clone() };
    assert_eq!(catalog.put_saved_search(&stolen, false).await.unwrap_err().code, Code::NotFound);
    assert!(!catalog.delete_saved_search("b", "u2").await.unwrap());
    assert!(catalog.delete_saved_search("b", "u1").await.unwrap());
    assert!(!catalog.delete_saved_search("b", "u1").await.unwrap());
    assert_eq!(catalog.saved_searches("u2").await.unwrap(), [c]);
}
