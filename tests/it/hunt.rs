//! Retro-hunts: the same hits as live matching, over what is stored already; resumed, cancelled, beside new events.
use crate::{
    correlation,
    joined::{Found, events, expected, hits, made_rules, shuffled, start},
    store::cluster,
    support,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use sysmonsearch::{
    catalog::{AlertFilter, HitFilter, Job, JobState},
    event::{Condition, Event, Period, Scope, Time, detection::Rule},
    pipeline::Pipeline,
    rules::{RuleSet, correlation::LOGSOURCE, superset::superset},
    store::EventStore,
};

async fn ended(p: &Pipeline, job: &Job) -> Job {
    loop {
        let job = p.catalog.job(&job.id).await.unwrap().unwrap();
        if job.state != JobState::Running {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn ids(rules: &[Rule]) -> Vec<String> {
    rules.iter().filter(|r| r.refused.is_none() && r.logsource != "filter").map(|r| r.id.clone()).collect()
}

/// Rule, host and number of hits of each alert.
async fn alerts(p: &Pipeline) -> Vec<(String, String, u64)> {
    let page = p.catalog.alerts(&Scope::All, &AlertFilter::default(), None, usize::MAX - 1).await.unwrap();
    let mut all: Vec<_> = page.alerts.into_iter().map(|a| (a.rule_id, a.host, a.hits)).collect();
    all.sort();
    all
}

/// Hunts with all rules over stored events, and compares with live matching.
async fn compare(rules: &[Rule], events: &[Event], store: Option<Arc<dyn EventStore>>, what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), store.as_ref()).await;
    for some in events.chunks(3_000) {
        p.append(some.to_vec()).await.unwrap();
    }
    p.caught_up().await.unwrap();
    p.import_rules(rules.to_vec()).await.unwrap();
    assert_eq!(hits(&p).await.len(), 0);
    let job = p.start_hunt(ids(rules), Period::default(), "ann").await.unwrap();
    let job = ended(&p, &job).await;
    assert_eq!((job.state, &job.message), (JobState::Done, &None), "{what}");
    let expected = expected(rules, events);
    let found = hits(&p).await;
    let differ: Vec<_> = found.symmetric_difference(&expected).take(5).collect();
    assert_eq!((found.len(), differ.as_slice()), (expected.len(), &[][..]), "{what}");
    let hunt = job.hunt.unwrap();
    assert_eq!((hunt.hits, hunt.new), (expected.len() as u64, expected.len() as u64), "{what}");
    assert_eq!(hunt.events, hunt.total);
    assert!(hunt.events <= events.len() as u64);
    let of_hunt = alerts(&p).await;

    // Once more: nothing is new, nothing is twice.
    let again = ended(&p, &p.start_hunt(ids(rules), Period::default(), "ann").await.unwrap()).await.hunt.unwrap();
    assert_eq!(again.new, 0, "{what}");
    assert_eq!(hits(&p).await, expected, "{what}: again");
    p.rebuild_hits().await.unwrap();
    assert_eq!(hits(&p).await, expected, "{what}: by live matching");
    assert_eq!(alerts(&p).await, of_hunt, "{what}");
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunt_finds_what_live_matching_finds() {
    compare(&made_rules(), &events(3, 200), None, "made events").await;
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((store, _indices)) = cluster::open(server) else { continue };
        compare(&made_rules(), &events(4, 120), Some(store), server).await;
    }
}

fn published() -> Option<(Vec<Rule>, Vec<Event>)> {
    let events = support::real_events(37)?;
    let archive = support::data()?.join("rules/sigma-rules-windows.tar.xz");
    let mut rules = sysmonsearch::rules::load(&archive).unwrap().rules;
    rules.extend(made_rules());
    rules.extend(correlation::longer(correlation::made_rules()));
    Some((rules, events))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunt_finds_what_live_matching_finds_in_real_events() {
    let Some((rules, events)) = published() else { return };
    compare(&rules, &events, None, "embedded").await;
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((store, _indices)) = cluster::open(server) else { continue };
        compare(&rules, &events, Some(store), server).await;
    }
}

#[test]
fn the_search_of_a_rule_finds_every_event_that_it_matches() {
    let Some((rules, events)) = published() else { return };
    let (set, _) = RuleSet::compile(&rules);
    let single = rules.iter().filter(|r| r.logsource != LOGSOURCE);
    let searches: BTreeMap<&str, Option<Condition>> =
        single.map(|r| (r.id.as_str(), superset(std::slice::from_ref(r)))).collect();
    let narrow =
        searches.values().filter(|s| s.as_ref().is_some_and(|s| events.iter().any(|e| !s.is_match(e)))).count();
    assert!(narrow > 1_000, "{narrow} of {} narrow the search", searches.len());
    let mut matches = 0;
    for event in &support::real_events(9).unwrap() {
        for m in set.matches(event) {
            matches += 1;
            let search = searches[&*m.rule_id].as_ref();
            assert!(search.is_none_or(|s| s.is_match(event)), "{}: {event:?}", m.title);
        }
    }
    assert!(matches > 100, "{matches}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunt_goes_on_after_a_restart_beside_new_events() {
    let (rules, all) = (made_rules(), shuffled(&events(5, 240), 5));
    // Many times the same, so that there are some pages.
    let (old, new) = all.split_at(120);
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.append(old.to_vec()).await.unwrap();
    p.append(crate::joined::noise(9_000)).await.unwrap();
    p.caught_up().await.unwrap();
    p.import_rules(rules.clone()).await.unwrap();
    let job = p.start_hunt(ids(&rules), Period::default(), "ann").await.unwrap();
    p.append(new[..60].to_vec()).await.unwrap();
    p.shutdown().await;
    drop(p);
    let p = start(dir.path(), None).await;
    for some in new[60..].chunks(7) {
        p.append(some.to_vec()).await.unwrap();
    }
    let job = ended(&p, &job).await;
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let found: Found = hits(&p).await;
    let mut whole = all.clone();
    whole.extend(crate::joined::noise(9_000));
    let expected = expected(&rules, &whole);
    let differ: Vec<_> = found.symmetric_difference(&expected).take(5).collect();
    assert_eq!((found.len(), differ.as_slice()), (expected.len(), &[][..]));
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_hunted_is_refused_and_a_cancelled_hunt_does_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.append(events(6, 100)).await.unwrap();
    p.append(crate::joined::noise(20_000)).await.unwrap();
    p.import_rules(made_rules()).await.unwrap();
    p.caught_up().await.unwrap();
    p.rebuild_hits().await.unwrap();
    p.caught_up().await.unwrap();
    let hunt = |ids: &[&str]| p.start_hunt(ids.iter().map(ToString::to_string).collect(), Period::default(), "ann");
    assert!(hunt(&["nothing"]).await.unwrap_err().message.contains("there is no rule nothing"));
    assert!(hunt(&[]).await.unwrap_err().message.contains("no rule"));
    p.catalog.enable_rule("user", false).await.unwrap();
    assert!(hunt(&["user"]).await.unwrap_err().message.contains("not enabled"));

    let first = hunt(&["alone", "grand", "not", "users"]).await.unwrap();
    let second = hunt(&["either"]).await.unwrap();
    assert!(p.cancel_job(&second.id).await.unwrap());
    assert!(!p.cancel_job("nothing").await.unwrap());
    assert_eq!(ended(&p, &first).await.state, JobState::Done);
    let second = p.catalog.job(&second.id).await.unwrap().unwrap();
    assert_eq!((second.state, second.hunt.unwrap().events), (JobState::Cancelled, 0));

    // A period that begins behind a hit.
    let filter = HitFilter { rule_id: Some("alone".into()), ..HitFilter::default() };
    let known = p.catalog.hits_since(&Scope::All, &filter, 0, usize::MAX).await.unwrap();
    let from = Time(known.iter().map(|h| h.hit.time.0).min().unwrap() + 1);
    let period = Period { from: Some(from), to: None };
    let job = ended(&p, &p.start_hunt(vec!["alone".into()], period, "ann").await.unwrap()).await.hunt.unwrap();
    let all = ended(&p, &hunt(&["alone"]).await.unwrap()).await.hunt.unwrap();
    assert!(job.hits < all.hits && job.events < all.events && all.new == 0, "{job:?} {all:?}");
    p.shutdown().await;
}
