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

/// Code 11 in the second `at`, of one program.
fn tick(at: i64) -> Event {
    crate::joined::file_event(at, r"C:\tick.exe")
}

const TICKS: &str = r"
title: Tick
id: tick
logsource: {product: windows, category: file_event}
detection: {s: {Image|endswith: tick.exe}, condition: s}
---
title: Ticks
id: ticks
correlation: {type: event_count, rules: [tick], timespan: 10s, condition: {gte: 3}}
generate: true
";

fn rules(text: &str) -> Vec<Rule> {
    let loaded = sysmonsearch::rules::parse(text, "made.yml");
    assert_eq!(loaded.issues, []);
    loaded.rules
}

/// Second and rule of each hit.
async fn ticks(p: &Pipeline) -> Vec<(i64, String)> {
    p.caught_up().await.unwrap();
    let all = p.catalog.hits_since(&Scope::All, &HitFilter::default(), 0, usize::MAX).await.unwrap();
    let mut all: Vec<_> = all.into_iter().map(|h| (crate::joined::second(h.hit.time), h.hit.rule_id)).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunt_over_a_period_keeps_to_it_and_fires_only_what_fires_live() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.append((0..60).chain(80..85).map(tick).collect()).await.unwrap();
    p.caught_up().await.unwrap();
    p.import_rules(rules(TICKS)).await.unwrap();
    let ids = || vec!["tick".to_owned(), "ticks".to_owned()];
    let from = |second: i64| Period { from: Some(tick(second).time), to: None };
    let job = ended(&p, &p.start_hunt(ids(), from(50), "ann").await.unwrap()).await;
    let expected = |from: i64, fired: &[i64]| {
        let single = (0..60).chain(80..85).filter(move |t| *t >= from).map(|t| (t, "tick".to_owned()));
        let mut all: Vec<_> = single.chain(fired.iter().map(|t| (*t, "ticks".to_owned()))).collect();
        all.sort();
        all
    };
    // The third of second 40 to 42 fires only to one who does not see what was before.
    assert_eq!(ticks(&p).await, expected(50, &[82]));
    assert_eq!(job.hunt.unwrap().hits, 16);
    // What is known to fire and was before the period becomes a hit when it is hunted.
    ended(&p, &p.start_hunt(ids(), from(45), "ann").await.unwrap()).await;
    assert_eq!(ticks(&p).await, expected(45, &[82]));
    ended(&p, &p.start_hunt(ids(), Period::default(), "ann").await.unwrap()).await;
    assert_eq!(ticks(&p).await, expected(0, &[2, 82]));
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_that_moves_to_before_the_period_of_a_hunt_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.append([97, 98, 99, 115].map(tick).to_vec()).await.unwrap();
    p.caught_up().await.unwrap();
    let long = "---\ntitle: Long\nid: long\ncorrelation: {type: event_count, rules: [tick], timespan: 1m, condition: {gte: 99}}\n";
    p.import_rules(rules(&format!("{TICKS}{long}"))).await.unwrap();
    p.append([116, 117, 121].map(tick).to_vec()).await.unwrap();
    let fired =
        async || ticks(&p).await.into_iter().filter(|(_, rule)| rule == "ticks").map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(fired().await, [121]);
    // With what was stored before there were rules, the run begins earlier. An older one is none of the period's.
    let period = Period { from: Some(tick(120).time), to: None };
    let job = p.start_hunt(vec!["ticks".into(), "long".into()], period, "ann").await.unwrap();
    assert_eq!(ended(&p, &job).await.state, JobState::Done);
    assert_eq!(fired().await, [117]);
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_begins_anew_with_a_new_version_of_its_member() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.import_rules(rules(TICKS)).await.unwrap();
    p.append([0, 1].map(tick).to_vec()).await.unwrap();
    p.caught_up().await.unwrap();
    // What the former version matched is none of the new one's matches.
    let narrower = TICKS.replace("Image|endswith: tick.exe", "Image|endswith: other.exe");
    p.import_rules(rules(&narrower)).await.unwrap();
    p.append(vec![tick(2), crate::joined::file_event(3, r"C:\other.exe")]).await.unwrap();
    assert!(!ticks(&p).await.iter().any(|(_, rule)| rule == "ticks"), "{:?}", ticks(&p).await);
    let more = [4, 5].map(|at| crate::joined::file_event(at, r"C:\other.exe"));
    p.append(more.to_vec()).await.unwrap();
    assert!(ticks(&p).await.contains(&(5, "ticks".into())));
    let rule = p.catalog.rule("ticks").await.unwrap().unwrap();
    let hits = p.catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 99).await.unwrap();
    let own: Vec<_> = hits.iter().filter(|h| h.hit.rule_id == "ticks").map(|h| &h.hit.rule_version).collect();
    assert_eq!(own, [&rule.version], "a hit is of the correlation's own version");
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunt_over_a_period_finds_what_live_matching_finds_there() {
    let mut fired = 0;
    for seed in 10..16 {
        let events = events(seed, 160);
        let period = Period { from: Some(events[70].time), to: Some(events[130].time) };
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let live = start(dirs[0].path(), None).await;
        live.import_rules(made_rules()).await.unwrap();
        live.append(events.clone()).await.unwrap();
        live.caught_up().await.unwrap();
        let hunted = start(dirs[1].path(), None).await;
        hunted.append(events.clone()).await.unwrap();
        hunted.caught_up().await.unwrap();
        hunted.import_rules(made_rules()).await.unwrap();
        ended(&hunted, &hunted.start_hunt(ids(&made_rules()), period, "ann").await.unwrap()).await;
        let filter = HitFilter { period, ..HitFilter::default() };
        let expected = live.catalog.hits_since(&Scope::All, &filter, 0, usize::MAX).await.unwrap();
        let mut expected: Vec<(String, String)> = expected.into_iter().map(|h| (h.hit.rule_id, h.hit.id)).collect();
        expected.sort();
        let found: Vec<(String, String)> = hits(&hunted).await.into_iter().map(|h| (h.0, h.1)).collect();
        fired += expected.iter().filter(|h| h.0 == "parents" || h.0 == "users").count();
        assert_eq!(found, expected, "seed {seed}");
        live.shutdown().await;
        hunted.shutdown().await;
    }
    assert!(fired > 0, "no correlation fires in any of the periods");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_over_one_that_is_known_is_hunted_too() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.import_rules(rules(TICKS)).await.unwrap();
    p.append([0, 1, 2, 30, 31, 32].map(tick).to_vec()).await.unwrap();
    p.caught_up().await.unwrap();
    let above = "title: Above\nid: above\ncorrelation: {type: event_count, rules: [ticks], timespan: 1m, condition: {gte: 2}}\n";
    p.import_rules(rules(above)).await.unwrap();
    ended(&p, &p.start_hunt(vec!["above".into()], Period::default(), "ann").await.unwrap()).await;
    assert!(ticks(&p).await.contains(&(32, "above".into())));
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_hunt_heeds_what_becomes_of_its_rules() {
    let text = |version: &str| {
        format!(
            "title: Any\nid: any\ndescription: {version}\nlogsource: {{product: windows, category: file_event}}\ndetection: {{s: {{Image|contains: exe}}, condition: s}}\n"
        )
    };
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    let count = 24_000;
    for some in (0..count).map(tick).collect::<Vec<_>>().chunks(8_000) {
        p.append(some.to_vec()).await.unwrap();
    }
    // What comes to the rule from now on is the hunt's alone.
    p.caught_up().await.unwrap();
    p.import_rules(rules(&text("first"))).await.unwrap();
    let begun = async |job: &Job| {
        while p.catalog.job(&job.id).await.unwrap().unwrap().hunt.unwrap().events == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    // Changed: what is left is matched with the rule as it is.
    let job = p.start_hunt(vec!["any".into()], Period::default(), "ann").await.unwrap();
    begun(&job).await;
    p.import_rules(rules(&text("second"))).await.unwrap();
    assert_eq!(ended(&p, &job).await.state, JobState::Done);
    let all = p.catalog.hits_since(&Scope::All, &HitFilter::default(), 0, usize::MAX).await.unwrap();
    let now = p.catalog.rule("any").await.unwrap().unwrap().version;
    let new = all.iter().filter(|h| h.hit.rule_version == now).count() as i64;
    assert!(new > 0 && new < count && all.len() as i64 == count, "{new} of {}", all.len());

    // Switched off: it ends.
    let job = p.start_hunt(vec!["any".into()], Period::default(), "ann").await.unwrap();
    begun(&job).await;
    p.catalog.enable_rule("any", false).await.unwrap();
    p.reload_rules().await.unwrap();
    let job = ended(&p, &job).await;
    assert_eq!(job.state, JobState::Failed, "{job:?}");
    assert!(job.message.unwrap().contains("none of the rules is there any more"));
    assert!(job.hunt.unwrap().events < count as u64);
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_that_would_look_at_too_much_says_so_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    let text = TICKS.replace("\ngenerate: true", "")
        + &TICKS.split("---").next().unwrap().replace("tick\nlogsource", "tock\nlogsource").replacen('\n', "---\n", 1)
        + "---\ntitle: Day\nid: day\ncorrelation: {type: event_count, rules: [tock], timespan: 1d, condition: {gte: 99999}}\n";
    p.import_rules(rules(&text)).await.unwrap();
    let refused = async |p: &Pipeline, id: &str| p.catalog.rule(id).await.unwrap().unwrap().refused;
    for some in (0..9_000).map(tick).collect::<Vec<_>>().chunks(3_000) {
        p.append(some.to_vec()).await.unwrap();
    }
    p.caught_up().await.unwrap();
    assert_eq!(refused(&p, "day").await, None);
    let costs = p.rule_costs().await.unwrap();
    assert!(
        costs.costs["ticks"].nanoseconds > 0 && costs.costs["day"].nanoseconds > costs.costs["ticks"].nanoseconds,
        "{costs:?}"
    );
    for some in (9_000..15_000).map(tick).collect::<Vec<_>>().chunks(3_000) {
        p.append(some.to_vec()).await.unwrap();
    }
    p.caught_up().await.unwrap();
    let why = refused(&p, "day").await.expect("a verdict");
    assert!(why.contains("too noisy") && why.contains("10000 matches"), "{why}");
    assert_eq!(refused(&p, "ticks").await, None);
    // It stays so, over a restart too; its members are no louder than before, and others go on.
    p.shutdown().await;
    drop(p);
    let p = start(dir.path(), None).await;
    assert_eq!(refused(&p, "day").await, Some(why.clone()));
    p.append([20_000, 20_001, 20_002].map(tick).to_vec()).await.unwrap();
    assert_eq!(ticks(&p).await, [(2, "ticks".into()), (20_002, "ticks".into())]);
    // Who is switched off and on begins anew.
    p.catalog.enable_rule("day", false).await.unwrap();
    p.reload_rules().await.unwrap();
    assert_eq!(refused(&p, "day").await, None);
    p.catalog.enable_rule("day", true).await.unwrap();
    p.reload_rules().await.unwrap();
    p.append([20_010].map(tick).to_vec()).await.unwrap();
    p.caught_up().await.unwrap();
    assert_eq!(refused(&p, "day").await, None);
    p.shutdown().await;
}
