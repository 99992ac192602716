//! Fields that an event lacks, joined from the start of its process: the same hits in whatever order the events come.
use crate::{store::cluster, support};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngSeed, TestRunner},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};
use sysmonsearch::{
    catalog::HitFilter,
    event::{
        Event, EventBuilder, Field, Ordinals, Period, SYSMON_CHANNEL, SYSMON_PROVIDER, Scope, Time,
        detection::{Hit, Rule},
    },
    pipeline::{Engines, Pipeline},
    rules::{
        self, RuleSet,
        correlation::Seen,
        join::{self, Lineage, Start},
    },
    store::EventStore,
};

/// (id, category, detection): joined in conjunctions, alternatives and negations, alone, in long lists, over two steps.
const RULES: &[(&str, &str, &str)] = &[
    ("both", "network_connection", "s: {Image|endswith: a.exe, CommandLine|contains: bad}\ncondition: s"),
    (
        "not",
        "network_connection",
        "s: {Image|endswith: b.exe}\nno: {ParentImage|endswith: a.exe}\ncondition: s and not no",
    ),
    (
        "either",
        "network_connection",
        "s: {DestinationPort: 1}\nt: {ParentCommandLine|contains: bad}\ncondition: 1 of them",
    ),
    ("absent", "network_connection", "s: {IntegrityLevel: null, DestinationPort: [2, 3]}\ncondition: s"),
    ("alone", "file_event", "s: {ParentImage|endswith: b.exe}\ncondition: s"),
    ("user", "file_event", "s: {User: ann}\ncondition: s"),
    (
        "list",
        "file_event",
        "s: {ParentProcessId: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 7, 9, 10, 11]}\ncondition: s",
    ),
    ("grand", "process_creation", "s: {GrandParentImage|endswith: a.exe}\ncondition: s"),
    (
        "grand later",
        "network_connection",
        "s: {GrandParentImage|endswith: b.exe}\nno: {GrandParentCommandLine|contains: bad}\ncondition: s and not no",
    ),
    (
        "two",
        "create_remote_thread",
        "s: {SourceCommandLine|contains: bad}\nt: {TargetParentImage|endswith: b.exe}\ncondition: s or t",
    ),
    ("same", "network_connection", "s: {CommandLine|fieldref|startswith: Image}\ncondition: s"),
    ("word", "network_connection", "s: [bad]\nt: {CommandLine|contains: bad, DestinationPort: 1}\ncondition: s or t"),
    ("member", "network_connection", "s: {ParentImage|contains: exe}\ncondition: s"),
    ("plain member", "file_event", "s: {Image|contains: exe}\ncondition: s"),
];

const CORRELATIONS: &str = r"
title: by parent
id: by parent
correlation: {type: event_count, rules: [member, plain member], group-by: [Computer, ParentImage], timespan: 5s, condition: {gte: 3}}
---
title: users
id: users
correlation: {type: value_count, rules: [member], timespan: 9s, condition: {field: GrandParentProcessId, gte: 2}}
---
title: parents
id: parents
correlation: {type: event_count, rules: [by parent], group-by: [Computer], timespan: 30s, condition: {gte: 1}}
";

pub fn made_rules() -> Vec<Rule> {
    let mut text = CORRELATIONS.to_owned();
    for (id, category, detection) in RULES {
        let detection = detection.replace('\n', "\n  ");
        text.push_str(&format!(
            "---\ntitle: {id}\nid: {id}\nlogsource: {{product: windows, category: {category}}}\ndetection:\n  {detection}\n"
        ));
    }
    // What a search becomes joins nothing.
    text.push_str("---\ntitle: as it is\nid: as it is\nlogsource: {product: windows, service: sysmon}\ndetection:\n  s: {CommandLine|contains: bad}\n  condition: s\n");
    let loaded = rules::parse(&text, "made.yml");
    assert_eq!(loaded.issues, []);
    assert_eq!(loaded.rules.iter().filter_map(|r| r.refused.as_deref()).collect::<Vec<_>>(), Vec::<&str>::new());
    loaded.rules
}

struct Once;
impl Ordinals for Once {
    fn next(&mut self, _: u128) -> u64 {
        0
    }
}

/// Code 1, 3, 8 or 11; quarter seconds; host; process; its parent, or the process acted on; port, program and so on.
type Made = (usize, i64, usize, u32, u32, u32);

fn guid(n: u32) -> String {
    format!("{{aaaaaaaa-0000-0000-0000-{n:012x}}}")
}

fn made(number: usize, (kind, quarters, host, process, other, what): Made) -> Event {
    let mut b = EventBuilder::default();
    b.code = [1, 3, 8, 11][kind];
    b.system.provider = SYSMON_PROVIDER.into();
    b.system.channel = SYSMON_CHANNEL.into();
    b.system.computer = ["ws1.example", "WS2.example"][host].into();
    b.system.record_id = Some(number as u64);
    let image = |n: u32| [r"C:\a.exe", r"C:\b.exe", r"C:\c.exe"][n as usize % 3];
    b.data("UtcTime", &Time(1_700_000_000_000 + quarters * 250).sysmon());
    if kind == 2 {
        b.data("SourceProcessGuid", &guid(process));
        b.data("TargetProcessGuid", &guid(other));
        return b.finish(&mut Once);
    }
    b.data("ProcessGuid", &guid(process));
    b.data("Image", image(process));
    match kind {
        0 => {
            b.data("ParentProcessGuid", &guid(other));
            b.data("ParentImage", image(other));
            b.data("ParentProcessId", &other.to_string());
            b.data("CommandLine", [r"c:\a.exe bad", "good", "-", r"C:\b.exe"][what as usize % 4]);
            b.data("ParentCommandLine", ["bad", "good"][what as usize % 2]);
            b.data("User", ["ann", "bob"][what as usize % 2]);
            b.data("IntegrityLevel", ["High", "-"][what as usize % 2]);
        }
        1 => {
            b.data("DestinationPort", &what.to_string());
            // Its own value wins.
            b.data("CommandLine", ["-", "-", "-", "good"][what as usize % 4]);
        }
        _ => b.data("User", ["-", "bob"][what as usize % 2]),
    }
    b.finish(&mut Once)
}

pub fn events(seed: u64, count: usize) -> Vec<Event> {
    let one = (0_usize..4, 0_i64..200, 0_usize..2, 1_u32..9, 0_u32..9, 0_u32..5);
    let raw = proptest::collection::vec(one, count).new_tree(&mut runner(seed)).unwrap().current();
    let mut events: Vec<Event> = raw.into_iter().enumerate().map(|(n, e)| made(n, e)).collect();
    // A process of which all is known.
    let n = events.len();
    events.extend([made(n, (0, 9, 0, 21, 20, 1)), made(n + 1, (0, 8, 0, 20, 1, 1)), made(n + 2, (1, 9, 0, 21, 0, 4))]);
    events.sort_by_key(|e| e.time);
    events
}

/// Code 11 of a program in some second.
pub fn file_event(second: i64, image: &str) -> Event {
    let mut b = EventBuilder::default();
    b.code = 11;
    b.system.provider = SYSMON_PROVIDER.into();
    b.system.channel = SYSMON_CHANNEL.into();
    b.system.computer = "ws1.example".into();
    b.system.record_id = Some(2_000_000 + second as u64);
    b.data("UtcTime", &Time(1_700_000_000_000 + second * 1_000).sysmon());
    b.data("Image", image);
    b.finish(&mut Once)
}

/// The second of [`file_event`].
pub fn second(time: Time) -> i64 {
    (time.0 - 1_700_000_000_000) / 1_000
}

/// Events that no rule matches.
pub fn noise(count: usize) -> Vec<Event> {
    (0..count).map(|n| made(1_000_000 + n, (3, 1_000 + n as i64, 0, 500, 0, 1))).collect()
}

fn runner(seed: u64) -> TestRunner {
    TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(seed), ..ProptestConfig::default() })
}

pub fn shuffled(events: &[Event], seed: u64) -> Vec<Event> {
    Just(events.to_vec()).prop_shuffle().new_tree(&mut runner(seed)).unwrap().current()
}

/// Rule, id and joined fields of hits.
pub type Found = BTreeSet<(String, String, Vec<String>)>;

/// Rule, id and joined fields of each hit that there must be, by looking at all events.
pub fn expected(rules: &[Rule], events: &[Event]) -> Found {
    let (set, failed) = RuleSet::compile(rules);
    assert_eq!(failed, []);
    let mut starts: HashMap<(String, String), Arc<Start>> = HashMap::new();
    for event in events {
        let Some((guid, start)) = Start::of(event) else { continue };
        let start = Arc::new(start);
        let known = starts.entry((event.host(), guid.to_owned())).or_insert_with(|| start.clone());
        if start.order() > known.order() {
            *known = start;
        }
    }
    let (mut seen, mut out) = (Vec::new(), BTreeSet::new());
    for event in events {
        let of = |guid: Option<&str>| starts.get(&(event.host(), guid?.to_owned())).cloned();
        let process = of(join::process_of(event)).filter(|_| event.code != 1);
        let parent = of(join::parent_of(event, process.as_deref()));
        let lineage = Lineage { process, parent, target: of(join::target_of(event)) };
        let detected = set.detect(event);
        let settled = set.settle(event, &detected.open, &lineage);
        for m in detected.matched.iter().chain(&settled.matched) {
            let joined = m.joined.iter().map(ToString::to_string).collect();
            out.insert((m.rule_id.to_string(), Hit::id(&m.rule_id, &m.version, event.id), joined));
        }
        let (event, joined) = (Arc::new(event.clone()), Arc::new(settled.event));
        let seen_with = |rule_id, joined| Seen { rule_id, event: event.clone(), joined };
        seen.extend(detected.wanted.into_iter().map(|id| seen_with(id, None)));
        seen.extend(settled.wanted.into_iter().map(|id| seen_with(id, Some(joined.clone()))));
    }
    let firings = set.correlations().firings(&seen);
    let loud = firings.iter().filter(|f| !set.correlations().silences(&f.group.rule_id));
    out.extend(loud.map(|f| (f.group.rule_id.clone(), f.id(), Vec::new())));
    out
}

pub async fn start(dir: &Path, store: Option<&Arc<dyn EventStore>>) -> Arc<Pipeline> {
    let mut engines = Engines::embedded(dir).unwrap();
    if let Some(store) = store {
        engines.store = store.clone();
    }
    Pipeline::start(engines, dir.join("spool")).await.unwrap()
}

pub async fn hits(p: &Pipeline) -> Found {
    p.caught_up().await.unwrap();
    let all = p.catalog.hits_since(&Scope::All, &HitFilter::default(), 0, usize::MAX).await.unwrap();
    all.into_iter().map(|h| (h.hit.rule_id, h.hit.id, h.hit.joined)).collect()
}

/// Feeds the events in pieces, each finished before the next, with a restart in the middle, and checks the hits.
async fn feed(rules: &[Rule], events: &[Event], piece: usize, store: Option<Arc<dyn EventStore>>, what: &str) {
    let expected = expected(rules, events);
    let dir = tempfile::tempdir().unwrap();
    let mut p = start(dir.path(), store.as_ref()).await;
    p.import_rules(rules.to_vec()).await.unwrap();
    let pieces = events.chunks(piece).count();
    for (n, some) in events.chunks(piece).enumerate() {
        if n == pieces / 2 {
            p.shutdown().await;
            drop(p);
            p = start(dir.path(), store.as_ref()).await;
        }
        p.append(some.to_vec()).await.unwrap();
        p.caught_up().await.unwrap();
    }
    let live = hits(&p).await;
    let differ: Vec<_> = live.symmetric_difference(&expected).take(5).collect();
    assert_eq!((live.len(), differ.as_slice()), (expected.len(), &[][..]), "{what}");
    p.rebuild_hits().await.unwrap();
    assert_eq!(hits(&p).await, expected, "{what}: again over the same events");
    p.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_gives_the_same_hits() {
    let rules = made_rules();
    let (mut fired, mut with_joined) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..4 {
        let mut events = events(seed, 80 + 40 * seed as usize);
        feed(&rules, &events, 1_000, None, "in one piece").await;
        feed(&rules, &shuffled(&events, seed), 1 + seed as usize * 4, None, "in any order").await;
        let starts = |e: &Event| e.code == 1;
        events.sort_by_key(|e| starts(e));
        feed(&rules, &events, 7, None, "the starts last").await;
        for (rule, _, joined) in expected(&rules, &events) {
            with_joined.extend(joined);
            fired.insert(rule);
        }
    }
    let silent = ["member", "plain member", "by parent"];
    let missing: Vec<_> = RULES.iter().map(|r| r.0).filter(|id| !silent.contains(id) && !fired.contains(*id)).collect();
    assert!(missing.is_empty(), "no hit of {missing:?}");
    assert!(fired.contains("parents") && fired.contains("users") && fired.contains("as it is"), "{fired:?}");
    assert!(with_joined.contains("GrandParentImage") && with_joined.contains("TargetParentImage"), "{with_joined:?}");
}

/// Process 5 was started by 4, and that by b.exe with a good command line.
#[test]
fn a_grandparent_is_joined_through_the_start_of_the_parent() {
    let all = [made(1, (0, 0, 0, 5, 4, 1)), made(2, (0, 0, 0, 4, 1, 1)), made(3, (1, 4, 0, 5, 0, 4))];
    let hit = expected(&made_rules(), &all).into_iter().find(|h| h.0 == "grand later");
    assert_eq!(hit.expect("a hit").2, ["GrandParentImage", "GrandParentCommandLine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_a_cluster() {
    for server in ["ELASTICSEARCH_URL", "OPENSEARCH_URL"] {
        let Some((store, _indices)) = cluster::open(server) else { continue };
        let events = shuffled(&events(9, 120), 9);
        feed(&made_rules(), &events, 30, Some(store), server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_events_in_any_order_with_the_published_rules() {
    let Some(all) = support::real_events(1) else { return };
    let data = support::data().unwrap();
    let mut rules = rules::load(&data.join("rules/sigma-rules-windows.tar.xz")).unwrap().rules;
    rules.extend(made_rules());
    // Whole processes: a start with all that it does.
    let mut by_host: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in all.into_iter().filter(|e| [1, 3, 7, 8, 10, 11, 13, 23].contains(&e.code)) {
        by_host.entry(event.host()).or_default().push(event);
    }
    let events: Vec<Event> = by_host.into_values().filter(|e| e.len() < 2_000).flatten().take(9_000).collect();
    let found = expected(&rules, &events);
    let with = found.iter().filter(|(.., joined)| !joined.is_empty()).count();
    println!("{} events: {} hits, {with} with joined fields", events.len(), found.len());
    assert!(with > 10, "{with}");
    feed(&rules, &shuffled(&events, 3), 900, None, "shuffled").await;
    feed(&rules, &events, 2_000, None, "in order").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_start_gives_and_takes_hits_and_a_trial_and_an_explanation_see_it() {
    let dir = tempfile::tempdir().unwrap();
    let p = start(dir.path(), None).await;
    p.import_rules(made_rules()).await.unwrap();
    // A connection of b.exe, process 4; and one of the same GUID on another host.
    let connection = made(1, (1, 0, 0, 4, 0, 2));
    p.append(vec![connection.clone(), made(2, (1, 0, 1, 4, 0, 2))]).await.unwrap();
    let of = |all: Found, id: &str| all.into_iter().filter(|h| h.0 == id).count();
    assert_eq!(of(hits(&p).await, "not"), 2, "of an unknown process nothing is known");
    // Started by a.exe, on the first host only.
    p.append(vec![made(3, (0, 0, 0, 4, 3, 0))]).await.unwrap();
    assert_eq!(of(hits(&p).await, "not"), 1);
    let either = hits(&p).await.into_iter().find(|h| h.0 == "either").unwrap();
    assert_eq!(either.2, ["ParentCommandLine"]);
    let alerts = p.catalog.alerts(&Scope::All, &Default::default(), None, 99).await.unwrap().alerts;
    assert!(alerts.iter().filter(|a| a.rule_id == "not").all(|a| a.hits == 1 && a.host == "ws2.example"), "{alerts:?}");

    let rule = made_rules().into_iter().find(|r| r.id == "either").unwrap();
    let trial = p.try_rule(&Scope::All, rule.text.clone(), Period::default(), 9).await.unwrap();
    assert_eq!((trial.count, trial.sample[0].id), (1, connection.id));
    let elsewhere = p.try_rule(&Scope::hosts(["ws2.example"]), rule.text.clone(), Period::default(), 9).await.unwrap();
    assert_eq!(elsewhere.count, 0);
    assert!(rules::search::to_condition(&rule.text).unwrap_err().contains("joined"));
    let lineage = p.lineage(&Scope::All, Arc::new(connection.clone())).await.unwrap();
    let explained = rules::explain::explain(&rule, (&[], &Default::default()), &connection, &lineage).unwrap();
    let part = explained.parts.iter().find(|p| p.text.starts_with("ParentCommandLine")).unwrap();
    assert!(explained.matches && part.holds && part.joined && part.event == ["bad"], "{explained:?}");
    assert!(connection.get(Field::ParentCommandLine).is_none());
    p.shutdown().await;
}
