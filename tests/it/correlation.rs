//! Correlations in the running product: what fires follows from the stored events, whatever the order of their arrival.
use crate::{store::cluster, support};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngSeed, TestRunner},
};
use std::{collections::BTreeSet, path::Path, sync::Arc};
use sysmonsearch::{
    catalog::HitFilter,
    event::{
        Event, EventBuilder, Field, Ordinals, SYSMON_CHANNEL, SYSMON_PROVIDER, Scope, Time,
        detection::{Hit, Rule},
    },
    pipeline::{Engines, Pipeline},
    rules::{self, RuleSet, correlation::Seen},
    store::EventStore,
};

const BASES: &str = r"
title: Process
id: process
name: any process
logsource: {product: windows, category: process_creation}
detection: {sel: {Image|contains: '\'}, condition: sel}
---
title: Connection
id: connection
name: any connection
logsource: {product: windows, category: network_connection}
detection: {sel: {Image|contains: '\'}, condition: sel}
---
title: Registry
id: registry
logsource: {product: windows, category: registry_set}
detection: {sel: {TargetObject|contains: '\'}, condition: sel}
";

/// (id, body): each type, beginnings and ends of windows, groups, aliases, members by id and by name, chains.
const CORRELATIONS: &[(&str, &str)] = &[
    ("count", "type: event_count\nrules: [process]\ngroup-by: [Computer, Image]\ntimespan: 5s\ncondition: {gte: 3}"),
    (
        "few",
        "type: event_count\nrules: [process, connection]\ngroup-by: [Computer]\ntimespan: 2s\ncondition: {lt: 3}\ngenerate: true",
    ),
    ("exactly", "type: event_count\nrules: [registry]\ntimespan: 4s\ncondition: {eq: 2}"),
    (
        "values",
        "type: value_count\nrules: [any connection]\ngroup-by: [Image]\ntimespan: 6s\ncondition: {field: DestinationPort, gte: 3}",
    ),
    (
        "pairs",
        "type: value_count\nrules: [connection]\ntimespan: 3s\ncondition: {field: [Image, DestinationPort], gt: 3}",
    ),
    ("near", "type: temporal\nrules: [process, connection, registry]\ngroup-by: [Computer, Image]\ntimespan: 4s"),
    (
        "two of",
        "type: temporal\nrules: [process, connection, registry]\ngroup-by: [Image]\ntimespan: 2s\ncondition: {gte: 2}",
    ),
    (
        "ordered",
        "type: temporal_ordered\nrules: [any process, any connection]\ngroup-by: [Computer, Image]\ntimespan: 4s",
    ),
    (
        "sum",
        "type: value_sum\nrules: [connection]\ngroup-by: [Image]\ntimespan: 5s\ncondition: {field: DestinationPort, gte: 900}",
    ),
    (
        "average",
        "type: value_avg\nrules: [connection]\ngroup-by: [Computer]\ntimespan: 5s\ncondition: {field: DestinationPort, lt: 300}",
    ),
    (
        "rank",
        "type: value_percentile\nrules: [connection]\ngroup-by: [Computer]\ntimespan: 5s\ncondition: {field: DestinationPort, percentile: 75, gt: 400}",
    ),
    (
        "alias",
        "type: temporal\nrules: [process, connection]\ngroup-by: [name]\naliases:\n  name: {process: ParentImage, connection: Image}\ntimespan: 3s",
    ),
    ("chain", "type: event_count\nrules: [count, few]\ngroup-by: [Computer]\ntimespan: 20s\ncondition: {gte: 2}"),
    ("long chain", "type: temporal_ordered\nrules: [chain, sum]\ntimespan: 1m"),
];

pub fn made_rules() -> Vec<Rule> {
    let mut text = BASES.to_owned();
    // Behind what builds on them, so that the order of documents plays no part.
    for (id, body) in CORRELATIONS.iter().rev() {
        let body: String = body.lines().map(|l| format!("  {l}\n")).collect();
        text.push_str(&format!("---\ntitle: Made {id}\nid: {id}\nlevel: low\ncorrelation:\n{body}"));
    }
    let loaded = rules::parse(&text, "made.yml");
    assert_eq!(loaded.issues, []);
    assert_eq!(loaded.rules.iter().filter_map(|r| r.refused.as_deref()).collect::<Vec<_>>(), Vec::<&str>::new());
    loaded.rules
}

/// The same with other windows, for logs of whole days.
pub fn longer(rules: Vec<Rule>) -> Vec<Rule> {
    let longer = |r: Rule| rules::parse(&r.text.replace("timespan: ", "timespan: 10"), "longer.yml").rules.remove(0);
    rules.into_iter().map(longer).collect()
}

struct Once;
impl Ordinals for Once {
    fn next(&mut self, _: u128) -> u64 {
        0
    }
}

/// Code 1, 3 or 13; quarter seconds; host; program; port.
type Made = (usize, i64, usize, usize, u32);

fn made(number: usize, (kind, quarters, host, image, port): Made) -> Event {
    let mut b = EventBuilder::default();
    b.code = [1, 3, 13][kind];
    b.system.provider = SYSMON_PROVIDER.into();
    b.system.channel = SYSMON_CHANNEL.into();
    b.system.computer = ["ws1.example", "WS2.example"][host].into();
    b.system.record_id = Some(number as u64);
    let images = [r"C:\a.exe", r"C:\A.exe", r"C:\b.exe"];
    b.data("UtcTime", &Time(1_700_000_000_000 + quarters * 250).sysmon());
    b.data("Image", images[image]);
    match kind {
        0 => b.data("ParentImage", images[(image + 1) % 3]),
        1 => b.data("DestinationPort", &(port * 100).to_string()),
        _ => b.data("TargetObject", r"HKLM\x"),
    };
    b.finish(&mut Once)
}

async fn start(dir: &Path) -> Arc<Pipeline> {
    Pipeline::start(Engines::embedded(dir).unwrap(), dir.join("spool")).await.unwrap()
}

async fn hits(p: &Pipeline) -> BTreeSet<String> {
    p.caught_up().await.unwrap();
    let all = p.catalog.hits_since(&Scope::All, &HitFilter::default(), 0, usize::MAX).await.unwrap();
    let count = all.len();
    let shown = |h: Hit| format!("{} {} {} {} {} {:?}", h.rule_id, h.time.0, h.event_id, h.id, h.host, h.matched);
    let shown: BTreeSet<String> = all.into_iter().map(|h| shown(h.hit)).collect();
    assert_eq!(shown.len(), count);
    shown
}

/// Rule and id of each hit that there must be.
fn expected(rules: &[Rule], events: &[Event]) -> BTreeSet<(String, String)> {
    let (set, failed) = RuleSet::compile(rules);
    assert_eq!(failed, []);
    let (mut seen, mut out) = (Vec::new(), BTreeSet::new());
    for event in events {
        let rules::Detected { matched: matches, wanted, open } = set.detect(event);
        assert!(open.is_empty());
        let event = Arc::new(event.clone());
        out.extend(matches.iter().map(|m| (m.rule_id.to_string(), Hit::id(&m.rule_id, &m.version, event.id))));
        seen.extend(wanted.into_iter().map(|rule_id| Seen { rule_id, event: event.clone(), joined: None }));
    }
    let firings = set.correlations().firings(&seen);
    let loud = firings.iter().filter(|f| !set.correlations().silences(&f.group.rule_id));
    out.extend(loud.map(|f| (f.group.rule_id.clone(), f.id())));
    out
}

/// Feeds the events in pieces, each finished before the next, and gives the hits, which must be those of a rebuild.
async fn fed(rules: &[Rule], events: &[Event], piece: usize) -> BTreeSet<String> {
    fed_into(None, rules, events, piece).await
}

async fn fed_into(
    store: Option<Arc<dyn EventStore>>,
    rules: &[Rule],
    events: &[Event],
    piece: usize,
) -> BTreeSet<String> {
    let dir = tempfile::tempdir().unwrap();
    let p = crate::joined::start(dir.path(), store.as_ref()).await;
    p.import_rules(rules.to_vec()).await.unwrap();
    for some in events.chunks(piece) {
        p.append(some.to_vec()).await.unwrap();
        p.caught_up().await.unwrap();
    }
    let live = hits(&p).await;
    p.rebuild_hits().await.unwrap();
    assert_eq!(hits(&p).await, live, "live and again over the same events");
    p.shutdown().await;
    live
}

fn runner(seed: u64) -> TestRunner {
    TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(seed), ..ProptestConfig::default() })
}

fn shuffled(events: &[Event], seed: u64) -> Vec<Event> {
    Just(events.to_vec()).prop_shuffle().new_tree(&mut runner(seed)).unwrap().current()
}

fn check(found: &BTreeSet<String>, rules: &[Rule], events: &[Event]) {
    let expected = expected(rules, events);
    let missing: Vec<_> = expected.iter().filter(|(_, id)| !found.iter().any(|f| f.contains(id.as_str()))).collect();
    assert_eq!((found.len(), missing.as_slice()), (expected.len(), &[][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_any_pieces_give_the_hits_of_a_rebuild() {
    let rules = made_rules();
    let event = (0_usize..3, 0_i64..120, 0_usize..2, 0_usize..3, 1_u32..7);
    let strategy = proptest::collection::vec(event, 60..160);
    let mut fired = BTreeSet::new();
    for seed in 0..3 {
        let raw = strategy.new_tree(&mut runner(seed)).unwrap().current();
        let mut events: Vec<Event> = raw.into_iter().enumerate().map(|(n, e)| made(n, e)).collect();
        events.sort_by_key(|e| e.time);
        let whole = fed(&rules, &events, 1_000).await;
        check(&whole, &rules, &events);
        assert_eq!(fed(&rules, &events, 1 + seed as usize * 7).await, whole, "in order, in pieces");
        assert_eq!(fed(&rules, &shuffled(&events, seed), 5).await, whole, "in any order");
        events.reverse();
        assert_eq!(fed(&rules, &events, 11).await, whole, "the latest first");
        fired.extend(expected(&rules, &events).into_iter().map(|(rule, _)| rule));
    }
    let members = ["count", "few", "chain", "sum"];
    for (id, _) in CORRELATIONS.iter().filter(|(id, _)| !members.contains(id)) {
        assert!(fired.contains(*id), "no hit of {id}");
    }
    assert!(fired.contains("process") && fired.contains("connection"), "generate: true");
    assert!(!fired.contains("registry") && !fired.contains("count"), "members do not alert by themselves: {fired:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_events_give_the_same_on_a_cluster() {
    let rules = made_rules();
    let event = (0_usize..3, 0_i64..120, 0_usize..2, 0_usize..3, 1_u32..7);
    let raw = proptest::collection::vec(event, 120).new_tree(&mut runner(7)).unwrap().current();
    let events: Vec<Event> = raw.into_iter().enumerate().map(|(n, e)| made(n, e)).collect();
    let whole = fed(&rules, &events, 1_000).await;
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((store, _indices)) = cluster::open(server) else { continue };
        assert_eq!(fed_into(Some(store), &rules, &shuffled(&events, 8), 30).await, whole, "{server}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_events_in_any_order_give_the_hits_of_a_rebuild() {
    let Some(mut events) = support::real_events(1) else { return };
    events.retain(|e| [1, 3, 13].contains(&e.code) && e.get(Field::Image).is_some());
    let events: Vec<Event> = events.into_iter().step_by(5).collect();
    let rules = longer(made_rules());
    let whole = fed(&rules, &events, 2_000).await;
    check(&whole, &rules, &events);
    let of = |id: &str| whole.iter().filter(|h| h.starts_with(&format!("{id} "))).count();
    let counts: Vec<(&str, usize)> = CORRELATIONS.iter().map(|(id, _)| (*id, of(id))).collect();
    println!("{} events: {counts:?}", events.len());
    assert!(counts.iter().filter(|(_, n)| *n > 0).count() > 6, "{counts:?}");
    assert_eq!(fed(&rules, &shuffled(&events, 1), 700).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_event_adds_firings_and_takes_some_back() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path()).await;
    p.import_rules(made_rules()).await.unwrap();
    let of = async |id: &str| -> Vec<i64> {
        let filter = HitFilter { rule_id: Some(id.into()), ..HitFilter::default() };
        p.caught_up().await.unwrap();
        let hits = p.catalog.hits_since(&Scope::All, &filter, 0, 99).await.unwrap();
        hits.iter().map(|h| h.hit.time.0 - 1_700_000_000_000).collect()
    };
    let registry = |number, quarters| made(number, (2, quarters, 0, 0, 1));
    p.append(vec![registry(1, 0), registry(2, 8)]).await.unwrap();
    assert_eq!(of("exactly").await, [2_000]);
    let mut live = p.hits();
    p.append(vec![registry(3, 4)]).await.unwrap();
    assert_eq!(of("exactly").await, [1_000], "the second event is another one now");
    assert_eq!(live.recv().await.unwrap().hit.time.0, 1_700_000_001_000);
    p.shutdown().await;
    drop(p);

    // What was seen is kept over a restart.
    let p = start(dir.path()).await;
    let connection = |number, quarters, port| made(number, (1, quarters, 0, 2, port));
    p.append(vec![connection(4, 100, 1), connection(5, 104, 2)]).await.unwrap();
    p.caught_up().await.unwrap();
    p.shutdown().await;
    drop(p);
    let p = start(dir.path()).await;
    p.append(vec![connection(6, 108, 3)]).await.unwrap();
    p.caught_up().await.unwrap();
    let filter = HitFilter { rule_id: Some("values".into()), ..HitFilter::default() };
    let hits = p.catalog.hits_since(&Scope::All, &filter, 0, 99).await.unwrap();
    let [hit] = hits.as_slice() else { panic!("{hits:?}") };
    assert_eq!((hit.hit.time.0, hit.hit.host.as_str()), (1_700_000_027_000, "ws1.example"));
    assert_eq!((hit.hit.level.as_str(), &*hit.hit.matched), ("low", &[r"Image: c:\b.exe".to_owned()][..]));
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_says_why_it_cannot_fire_until_its_members_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path()).await;
    let (bases, correlations): (Vec<Rule>, Vec<Rule>) =
        made_rules().into_iter().partition(|r| r.logsource != "correlation");
    let refused = async |id: &str| p.catalog.rule(id).await.unwrap().unwrap().refused.unwrap_or_default();
    p.import_rules(correlations).await.unwrap();
    assert!(refused("values").await.contains("no enabled rule 'any connection'"));
    assert!(refused("chain").await.contains("cannot be matched"));
    p.import_rules(bases).await.unwrap();
    assert_eq!((refused("values").await, refused("chain").await), (String::new(), String::new()));

    p.catalog.enable_rule("connection", false).await.unwrap();
    p.reload_rules().await.unwrap();
    assert!(refused("values").await.contains("no enabled rule"));
    assert_eq!(refused("count").await, "");
    // A rule that no correlation wants any more alerts again.
    let registry = made(1, (2, 0, 0, 0, 1));
    p.append(vec![registry]).await.unwrap();
    assert_eq!(hits(&p).await.len(), 0);
    for id in ["exactly", "near", "two of"] {
        p.catalog.delete_rule(id).await.unwrap();
    }
    p.reload_rules().await.unwrap();
    p.append(vec![made(2, (2, 0, 0, 0, 1))]).await.unwrap();
    assert_eq!(hits(&p).await.len(), 1);
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exception_hides_is_counted_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path()).await;
    let many = "title: Many\nid: many\ncorrelation: {type: event_count, rules: [registry], timespan: 1d, condition: {gte: 3}}\n";
    p.import_rules(rules::parse(&format!("{BASES}---\n{many}"), "made.yml").rules).await.unwrap();
    let registry = |number: usize, image| made(number, (2, number as i64 * 4, 0, image, 1));
    p.append(vec![registry(1, 0), registry(2, 0)]).await.unwrap();
    p.caught_up().await.unwrap();
    let exception = "title: Ours\nid: ours\nlogsource: {product: windows, category: registry_set}\n\
        filter: {rules: [registry], s: {Image|endswith: a.exe}, condition: not s}\n";
    p.import_rules(rules::parse(exception, "made.yml").rules).await.unwrap();
    p.append(vec![registry(3, 2)]).await.unwrap();
    assert_eq!(hits(&p).await, BTreeSet::new(), "the third match, two of which are hidden now");
    p.append(vec![registry(4, 0), registry(5, 2), registry(6, 2)]).await.unwrap();
    let live = hits(&p).await;
    assert_eq!(live.len(), 1, "{live:?}");
    p.rebuild_hits().await.unwrap();
    assert_eq!(hits(&p).await, live);
    p.shutdown().await;
}
