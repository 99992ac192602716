//! The boundary cases of the specification, and that order does not matter.
use super::{Correlations, Firing, Seen, Touched};
use crate::{
    event::{
        Event, EventBuilder, EventId, Ordinals, SYSMON_CHANNEL, SYSMON_PROVIDER, Time,
        correlated::{Group, Kept, Sighting, Stretch},
        detection::Rule,
    },
    rules::{Placeholders, RuleSet, parse as parse_rules},
};
use proptest::{prelude::*, sample::Index};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

const NONE: [i64; 0] = [];

struct Once;
impl Ordinals for Once {
    fn next(&mut self, _: u128) -> u64 {
        0
    }
}

fn event(millis: i64, data: &[(&str, &str)]) -> Arc<Event> {
    let mut b = EventBuilder::default();
    b.code = 3;
    b.system.provider = SYSMON_PROVIDER.into();
    b.system.channel = SYSMON_CHANNEL.into();
    b.system.computer = "ws1.example".into();
    for (name, value) in data {
        b.data(name, value);
    }
    b.data("UtcTime", &Time(1_700_000_000_000 + millis).sysmon());
    Arc::new(b.finish(&mut Once))
}

fn seen(rule: &str, millis: i64, data: &[(&str, &str)]) -> Seen {
    Seen { rule_id: rule.into(), event: event(millis, data), joined: None }
}

/// Rules `a`, `b` and `c`, the last two found by name only.
fn rules(correlations: &[&str]) -> Vec<Rule> {
    let mut text = String::new();
    for (head, name) in [("id: a\n", "an"), ("id: b-id\n", "b"), ("", "c")] {
        text.push_str(&format!(
            "title: base {name}\n{head}name: {name}\nlogsource:\n  product: windows\n  category: network_connection\ndetection:\n  sel:\n    Image: {name}\n  condition: sel\n---\n"
        ));
    }
    for (n, body) in correlations.iter().enumerate() {
        let body: String = body.lines().map(|l| format!("  {l}\n")).collect();
        text.push_str(&format!("title: made {n}\nid: k{n}\nname: n{n}\ncorrelation:\n{body}---\n"));
    }
    let loaded = parse_rules(&text, "made.yml");
    assert_eq!(loaded.issues, []);
    loaded.rules
}

fn link(rules: &[Rule]) -> (Correlations, Vec<(String, String)>) {
    Correlations::link(rules, |_| String::new())
}

fn linked(correlations: &[&str]) -> Correlations {
    let (set, failed) = link(&rules(correlations));
    assert_eq!(failed, []);
    set
}

/// Milliseconds of the completing events, in order.
fn times(firings: &[Firing], rule: &str) -> Vec<i64> {
    firings.iter().filter(|f| f.group.rule_id == rule).map(|f| f.event.time.0 - 1_700_000_000_000).collect()
}

fn fires(correlation: &str, seen: &[Seen]) -> Vec<i64> {
    times(&linked(&[correlation]).firings(seen), "k0")
}

/// (rule, milliseconds, Image, SourcePort)
fn fires_on(correlation: &str, seen_: &[(&str, i64, &str, &str)]) -> Vec<i64> {
    let seen: Vec<Seen> =
        seen_.iter().map(|(r, t, image, port)| seen(r, *t, &[("Image", image), ("SourcePort", port)])).collect();
    fires(correlation, &seen)
}

#[test]
fn counts_hold_at_both_edges_of_the_window() {
    let of = |condition: &str| format!("type: event_count\nrules: a\ntimespan: 10s\ncondition:\n  {condition}");
    for (condition, times, expected) in [
        ("gte: 3", &[0, 5_000, 10_000][..], &[10_000][..]),
        ("gte: 3", &[0, 5_000, 10_001], &[]),
        ("gt: 2", &[0, 5_000, 10_000], &[10_000]),
        // The fourth event completes nothing: the condition held before it.
        ("gte: 3", &[0, 1, 2, 3], &[2]),
        // A gap ends the window; it is completed again.
        ("gte: 2", &[0, 1, 20_000, 20_001], &[1, 20_001]),
        ("eq: 2", &[0, 1, 2], &[1]),
        ("neq: 2", &[0, 1, 2], &[0, 2]),
        ("lt: 2", &[0, 1], &[0]),
        ("lte: 0", &[0, 1], &[]),
        ("gte: 1", &[0], &[0]),
        ("gte: 2\n  lt: 3", &[0, 1, 2, 3], &[1]),
    ] {
        let seen: Vec<_> = times.iter().map(|t| ("a", *t, "x", "1")).collect();
        assert_eq!(fires_on(&of(condition), &seen), expected, "{condition} over {times:?}");
    }
}

#[test]
fn an_event_counts_once_whatever_matches_it_and_other_rules_do_not() {
    let k = "type: event_count\nrules: [a, b]\ntimespan: 10s\ncondition:\n  gte: 2";
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 0, "x", "1"), ("other", 1, "x", "1")]), NONE);
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("a", 0, "x", "1")]), NONE);
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 1, "x", "1")]), [1]);
    // At one time there are two events: the one with the greater id comes last.
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 0, "y", "1")]), [0]);
}

#[test]
fn groups_are_apart_folded_and_need_a_value() {
    let k = "type: event_count\nrules: a\ngroup-by: [Image]\ntimespan: 10s\ncondition:\n  gte: 2";
    let all = [("a", 0, "x", "1"), ("a", 1, "y", "1"), ("a", 2, "X", "1"), ("a", 3, "-", "1"), ("a", 4, "-", "1")];
    assert_eq!(fires_on(k, &all), [2]);
    let both = "type: event_count\nrules: a\ngroup-by: [Image, Computer]\ntimespan: 10s\ncondition:\n  gte: 2";
    let seen: Vec<Seen> = [0, 1].map(|t| seen("a", t, &[("Image", "X")])).into();
    let set = linked(&[both]);
    let firings = set.firings(&seen);
    let group: Vec<_> = set.named_values(&firings[0].group).collect();
    assert_eq!(group, [("Image", "x"), ("Computer", "ws1.example")]);
}

#[test]
fn aliases_say_which_field_is_meant() {
    let k = "type: temporal\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 10s\naliases:\n  ip:\n    a: SourceIp\n    b: DestinationIp";
    let pair = |t, source, target| {
        fires(k, &[seen("a", 0, &[("SourceIp", source)]), seen("b-id", t, &[("DestinationIp", target)])])
    };
    assert_eq!(pair(1, "10.0.0.1", "10.0.0.1"), [1]);
    assert_eq!(pair(1, "10.0.0.1", "10.0.0.2"), NONE);
    // One event in two groups gives two firings with ids of their own.
    let one = "type: event_count\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 10s\naliases:\n  ip:\n    a: SourceIp\n    b: DestinationIp\ncondition:\n  gte: 1";
    let data = [("SourceIp", "10.0.0.1"), ("DestinationIp", "10.0.0.2")];
    let firings = linked(&[one]).firings(&[seen("a", 0, &data), seen("b-id", 0, &data)]);
    assert_eq!(firings.len(), 2);
    assert_ne!(firings[0].id(), firings[1].id());
}

#[test]
fn an_alias_without_a_field_in_a_member_is_refused_unless_it_is_a_field_itself() {
    let of = |alias: &str, rules: &str| {
        format!(
            "type: event_count\nrules: {rules}\ngroup-by: [{alias}]\ntimespan: 10s\naliases:\n  {alias}:\n    a: SourceIp\ncondition:\n  gte: 2"
        )
    };
    let (_, failed) = link(&rules(&[&of("ip", "[a, b]")]));
    assert!(failed.len() == 1 && failed[0].1.contains("alias 'ip' has no field of rule 'b'"), "{failed:?}");
    let counted = of("ip", "[a, b]").replace("event_count", "value_count").replace("group-by: [ip]\n", "");
    let (_, failed) = link(&rules(&[&format!("{counted}\n  field: ip")]));
    assert!(failed.len() == 1 && failed[0].1.contains("alias 'ip'"), "{failed:?}");
    // Where another engine leaves the name as it is, and events have it.
    let own = of("destinationip", "[a, b]");
    let both = [seen("a", 0, &[("SourceIp", "10.0.0.1")]), seen("b-id", 1, &[("DestinationIp", "10.0.0.1")])];
    assert_eq!(fires(&own, &both), [1]);
    // What fires brings the values of its groups by their names.
    let inner = "type: event_count\nrules: [b]\ngroup-by: [ip]\ntimespan: 10s\naliases:\n  ip:\n    b: DestinationIp\ncondition:\n  gte: 1";
    let set = linked(&[&of("ip", "[a, k1]"), inner]);
    assert_eq!(times(&set.firings(&both), "k0"), [1]);
    // Or by those that an alias gives to them.
    let renamed = of("address", "[a, k1]").replace("    a: SourceIp", "    a: SourceIp\n    k1: ip");
    let set = linked(&[&renamed, inner]);
    assert_eq!(times(&set.firings(&both), "k0"), [1]);
    let (_, failed) = link(&rules(&[&renamed.replace("k1: ip", "k1: pi"), inner]));
    assert!(failed.len() == 1 && failed[0].1.contains("'pi' is no field"), "{failed:?}");
}

#[test]
fn distinct_values_are_counted() {
    let k = "type: value_count\nrules: a\ntimespan: 10s\ncondition:\n  field: SourcePort\n  gte: 2";
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("a", 1, "x", "1"), ("a", 2, "x", "-"), ("a", 3, "x", "2")]), [3]);
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("a", 10_001, "x", "2")]), NONE);
    let two = "type: value_count\nrules: a\ntimespan: 10s\ncondition:\n  field: [Image, SourcePort]\n  gte: 3";
    assert_eq!(fires_on(two, &[("a", 0, "x", "1"), ("a", 1, "x", "2"), ("a", 2, "X", "2"), ("a", 3, "y", "2")]), [3]);
}

#[test]
fn temporal_wants_every_member_in_any_order() {
    let k = "type: temporal\nrules: [a, b, c]\ntimespan: 10s";
    let c = rules(&[k])[2].id.clone();
    let c = c.as_str();
    assert_eq!(fires_on(k, &[("a", 0, "x", "1")]), NONE);
    assert_eq!(fires_on(k, &[(c, 0, "x", "1"), ("b-id", 1, "x", "1"), ("a", 10_000, "x", "1")]), [10_000]);
    assert_eq!(fires_on(k, &[(c, 0, "x", "1"), ("b-id", 1, "x", "1"), ("a", 10_001, "x", "1")]), NONE);
    // One event may be all of them; a second one completes nothing new.
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 0, "x", "1"), (c, 0, "x", "1"), ("a", 1, "x", "1")]), [0]);
    let two_of = format!("{k}\ncondition:\n  gte: 2");
    assert_eq!(fires_on(&two_of, &[("a", 0, "x", "1"), ("a", 1, "x", "1"), (c, 2, "x", "1")]), [2]);
}

#[test]
fn temporal_ordered_wants_them_one_after_the_other() {
    let k = "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s";
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 1, "x", "1")]), [1]);
    assert_eq!(fires_on(k, &[("b-id", 0, "x", "1"), ("a", 1, "x", "1")]), NONE);
    assert_eq!(fires_on(k, &[("b-id", 0, "x", "1"), ("a", 1, "x", "1"), ("b-id", 2, "x", "1")]), [2]);
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 10_000, "x", "1")]), [10_000]);
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 10_001, "x", "1")]), NONE);
    // One event is one step.
    assert_eq!(fires_on(k, &[("a", 0, "x", "1"), ("b-id", 0, "x", "1")]), NONE);
}

#[test]
fn events_of_one_time_are_in_either_order() {
    let k = "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s";
    // Ids follow from the content: of several pairs some are in the other order.
    for port in ["1", "2", "3", "4", "5", "6"] {
        assert_eq!(fires_on(k, &[("b-id", 5, "x", port), ("a", 5, "y", port)]), [5], "{port}");
        assert_eq!(fires_on(k, &[("b-id", 4, "x", port), ("a", 5, "y", port)]), NONE, "{port}");
    }
}

#[test]
fn values_are_added_averaged_and_ranked() {
    let of = |kind: &str, condition: &str| {
        format!("type: {kind}\nrules: a\ntimespan: 10s\ncondition:\n  field: SourcePort\n  {condition}")
    };
    let all = [("a", 0, "x", "10"), ("a", 1, "x", "20"), ("a", 2, "x", "-"), ("a", 3, "x", "60")];
    for (kind, condition, expected) in [
        ("value_sum", "gte: 90", &[3][..]),
        ("value_sum", "gt: 90", &[]),
        ("value_avg", "gte: 30", &[3]),
        ("value_avg", "eq: 15", &[1]),
        ("value_percentile", "gt: 10\n  percentile: 50", &[3]),
        ("value_percentile", "gt: 10\n  percentile: 100", &[1]),
        ("value_percentile", "lte: 10\n  percentile: 0", &[0]),
    ] {
        assert_eq!(fires_on(&of(kind, condition), &all), expected, "{kind} {condition}");
    }
    // Without a number there is nothing to compare.
    assert_eq!(fires_on(&of("value_sum", "lt: 5"), &[("a", 0, "x", "-")]), NONE);
}

#[test]
fn numbers_hold_at_both_edges_of_the_window_and_within_a_group() {
    let of = |kind: &str, condition: &str| {
        format!("type: {kind}\nrules: a\ntimespan: 10s\ncondition:\n  field: SourcePort\n  {condition}")
    };
    for (kind, condition, inside, outside) in [
        ("value_sum", "gte: 30", &[10_000][..], &[][..]),
        // What has left the window is no longer added, averaged or ranked.
        ("value_sum", "eq: 20", &[], &[10_001]),
        ("value_avg", "eq: 15", &[10_000], &[]),
        ("value_avg", "gt: 15", &[], &[10_001]),
        ("value_percentile", "gt: 10\n  percentile: 50", &[], &[10_001]),
        ("value_percentile", "gt: 10\n  percentile: 51", &[10_000], &[10_001]),
        ("value_percentile", "eq: 10\n  percentile: 50", &[0], &[0]),
    ] {
        let k = of(kind, condition);
        let pair = |t| fires_on(&k, &[("a", 0, "x", "10"), ("a", t, "x", "20")]);
        assert_eq!((pair(10_000), pair(10_001)), (inside.to_vec(), outside.to_vec()), "{kind} {condition}");
        // Each group has its own window: values of others do not count.
        let grouped = k.replace("timespan", "group-by: [Image]\ntimespan");
        let all = [("a", 0, "x", "10"), ("a", 1, "y", "1000"), ("a", 2, "-", "1000"), ("a", 10_000, "X", "20")];
        let mut expected = inside.to_vec();
        if condition.starts_with("gt") || condition.starts_with("gte") {
            expected.insert(0, 1);
        }
        assert_eq!(fires_on(&grouped, &all), expected, "{kind} {condition} by Image");
    }
}

#[test]
fn correlations_build_on_correlations_in_any_order_of_documents() {
    let chain = "type: event_count\nrules: n1\ngroup-by: Image\ntimespan: 1h\ncondition:\n  gte: 2";
    let inner = "type: event_count\nrules: an\ngroup-by: [Image]\ntimespan: 10s\ncondition:\n  gte: 2\ngenerate: true";
    let set = linked(&[chain, inner]);
    let at = |t| seen("a", t, &[("Image", "x")]);
    let firings = set.firings(&[at(0), at(1), at(60_000), at(60_001)]);
    assert_eq!((times(&firings, "k1"), times(&firings, "k0")), (vec![1, 60_001], vec![60_001]));
    assert_eq!(["a", "b-id", "k0", "k1"].map(|id| set.wants(id)), [true, false, false, true]);
    assert!(set.silences("k1"));
    assert!(!set.silences("a") && !set.silences("b-id"), "a alerts too, as its correlation says");
}

#[test]
fn what_is_kept_belongs_to_the_exceptions_and_placeholders_of_members_too() {
    let inner = "type: event_count\nrules: [a, b]\ntimespan: 10s\ncondition:\n  gte: 2";
    let chain = "type: event_count\nrules: n0\ntimespan: 1h\ncondition:\n  gte: 2";
    let other = "type: event_count\nrules: c\ntimespan: 10s\ncondition:\n  gte: 2";
    let filter = |id: &str, category: &str, of: &str, value: &str| {
        let text = format!(
            "title: f\nid: {id}\nlogsource:\n  product: windows\n  category: {category}\nfilter:\n  rules: {of}\n  s:\n    Image{value}\n  condition: not s\n"
        );
        parse_rules(&text, "made.yml").rules.remove(0)
    };
    let connections = |of: &str, value: &str| filter("f", "network_connection", of, value);
    let values = |text: &str| Arc::new(Placeholders::read(text).unwrap());
    let states = |added: &[Rule], placeholders: &Arc<Placeholders>| -> [String; 3] {
        let mut all = rules(&[inner, chain, other]);
        for rule in all.iter_mut().filter(|r| r.id == "b-id") {
            rule.text = format!("{}\nrelated:\n- {{id: old, type: obsolete}}\n", rule.text.trim_end());
        }
        all.extend(added.iter().cloned());
        let (set, failed) = RuleSet::compile_with(&all, placeholders);
        assert_eq!(failed, []);
        let state = |set: &RuleSet, id: &str| {
            set.correlations().all().iter().find(|l| *l.id == *id).map(|l| l.state().to_owned()).unwrap()
        };
        // A hunt keeps under the same.
        let (part, failed) = RuleSet::part(&all, &BTreeSet::from(["k1".to_owned()]), placeholders);
        assert_eq!((failed, state(&part, "k1")), (vec![], state(&set, "k1")));
        ["k0", "k1", "k2"].map(|id| state(&set, id))
    };
    let (none, xy) = (Arc::default(), values("{x: one, z: two}"));
    let plain = states(&[], &none);
    assert_eq!(states(&[], &xy), plain, "no rule uses them");
    // By id, by name, by the id of what is superseded, and all rules.
    for (of, meets_other) in [("[a]", false), ("[b]", false), ("[old]", false), ("any", true)] {
        let state = states(&[connections(of, ": x")], &none);
        assert!(state[0] != plain[0] && state[1] != plain[1], "{of}");
        assert_eq!(state[2] != plain[2], meets_other, "{of}");
    }
    let one = states(&[connections("[a]", ": x")], &none);
    assert_ne!(states(&[connections("[a]", ": y")], &none), one, "another version of it");
    let second = filter("g", "network_connection", "[a]", ": z");
    assert_ne!(states(&[connections("[a]", ": x"), second.clone()], &none), one);
    // What is switched off, or about other events, hides nothing.
    let off = Rule { enabled: false, ..second };
    assert_eq!(states(&[connections("[a]", ": x"), off], &none), one);
    assert_eq!(states(&[filter("f", "process_creation", "any", ": x")], &none), plain);
    let expanded = [connections("[a]", "|expand: '%x%'")];
    let first = states(&expanded, &xy);
    assert_eq!(states(&expanded, &values("{x: one, z: three}")), first, "not used");
    assert_ne!(states(&expanded, &values("{x: two, z: two}")), first);
    // Of the rule itself.
    let base = rules(&[inner]).swap_remove(0);
    let base = parse_rules(&base.text.replace("Image: an", "Image|expand: '%x%'"), "made.yml").rules.remove(0);
    let state = |text: &str| {
        let mut all = rules(&[inner]);
        all[0] = base.clone();
        let (set, failed) = RuleSet::compile_with(&all, &values(text));
        assert_eq!(failed, []);
        set.correlations().all()[0].state().to_owned()
    };
    assert_eq!(state("x: one"), state("{x: one, z: two}"));
    assert_ne!(state("x: one"), state("x: two"));
}

#[test]
fn what_cannot_be_honoured_is_refused_with_the_reason() {
    let good = "type: event_count\nrules: a\ntimespan: 1m\ncondition:\n  gte: 2";
    for (text, reason) in [
        (good.replace("event_count", "value_median"), "type 'value_median' is not known"),
        (good.replace("1m", "1w"), "timespan"),
        (good.replace("1m", "0s"), "timespan"),
        (good.replace("gte: 2", "gte: many"), "no number"),
        (good.replace("gte: 2", "about: 2"), "'about' in the condition"),
        (good.replace("rules: a", "rules: []"), "no rules"),
        (good.replace("rules: a", "rules: [a, a]"), "'a' is there twice"),
        (good.replace("rules: a", "rules: [a, an]"), "named twice"),
        (good.replace("rules: a", "rules: [z]"), "no enabled rule 'z'"),
        (good.replace("rules: a", "rules: [n0]"), "builds on this one"),
        (good.replace("event_count", "value_count"), "needs a field"),
        (good.replace("event_count", "value_avg"), "exactly one field"),
        (good.replace("event_count", "value_percentile") + "\n  field: Image", "which percentile"),
        (good.replace("event_count", "temporal_ordered"), "temporal_ordered"),
        (format!("{good}\n  field: Image"), "takes no field"),
        (format!("{good}\nwindow: session"), "attribute 'window'"),
        (format!("{good}\naliases:\n  x:\n    b: Image"), "'b', which is not among"),
        ("type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a and b".to_owned(), "other than a comparison"),
        ("type: event_count\nrules: a\ntimespan: 1m".to_owned(), "no condition"),
        ("type: event_count\nrules: a\ncondition:\n  gte: 1".to_owned(), "no timespan"),
    ] {
        let (_, failed) = link(&rules(&[&text]));
        assert!(failed.len() == 1 && failed[0].1.contains(reason), "{text}: {failed:?}");
    }
}

/// Of every type one, and a chain.
const ALL: &[&str] = &[
    "type: event_count\nrules: [a, b]\ngroup-by: [Image]\ntimespan: 3s\ncondition:\n  gte: 3",
    "type: event_count\nrules: [a]\ntimespan: 3s\ncondition:\n  eq: 2",
    "type: value_count\nrules: [a, b]\ntimespan: 3s\ncondition:\n  field: SourcePort\n  gte: 3",
    "type: temporal\nrules: [a, b]\ngroup-by: [Image]\ntimespan: 2s",
    "type: temporal_ordered\nrules: [a, b, an0]\ntimespan: 4s",
    "type: value_sum\nrules: [a]\ntimespan: 3s\ncondition:\n  field: SourcePort\n  gte: 9",
    "type: value_avg\nrules: [a]\ntimespan: 3s\ncondition:\n  field: SourcePort\n  lt: 3",
    "type: value_percentile\nrules: [a]\ntimespan: 3s\ncondition:\n  field: SourcePort\n  percentile: 75\n  gt: 3",
    "type: event_count\nrules: [n3, n2]\ntimespan: 5s\ncondition:\n  gte: 2",
];

proptest! {
    #[test]
    fn any_order_and_any_pieces_give_the_same_firings(
        raw in proptest::collection::vec((0_usize..2, 0_i64..20, 0_usize..3, 1_u32..6), 0..40),
        moves in proptest::collection::vec(any::<Index>(), 40),
        piece in 1_usize..7,
    ) {
        let all: Vec<String> = ALL.iter().map(|k| k.replace("an0", "n3")).collect();
        let set = linked(&all.iter().map(String::as_str).collect::<Vec<_>>());
        let matches: Vec<Seen> = raw
            .iter()
            .map(|(rule, t, image, port)| {
                let data = [("Image", ["x", "y", "Z"][*image]), ("SourcePort", &*port.to_string())];
                seen(["a", "b-id"][*rule], t * 500, &data)
            })
            .collect();
        let whole = set.firings(&matches);
        let mut shuffled = matches.clone();
        for (n, to) in moves.iter().take(shuffled.len()).enumerate() {
            let to = to.index(shuffled.len());
            shuffled.swap(n, to);
        }
        prop_assert_eq!(&set.firings(&shuffled), &whole);

        // Piece by piece, late ones too: only windows that a piece can touch are looked at again.
        let mut kept = Catalog::default();
        for some in shuffled.chunks(piece) {
            kept.take(&set, some);
        }
        let fired: Vec<_> = whole.iter().map(|f| (f.group.clone(), (f.event.time, f.event.id))).collect();
        prop_assert_eq!(kept.fired, fired.into_iter().collect());
    }
}

/// What is kept between pieces.
#[derive(Default)]
struct Catalog {
    events: HashMap<EventId, Arc<Event>>,
    seen: BTreeMap<u128, Vec<Sighting>>,
    fired: BTreeSet<(Group, (Time, EventId))>,
}

impl Catalog {
    fn take(&mut self, set: &Correlations, piece: &[Seen]) {
        let mut open: Vec<BTreeMap<Group, Touched>> = vec![BTreeMap::new(); set.all().len()];
        for s in piece {
            self.events.insert(s.event.id, s.event.clone());
            for p in set.places(&s.rule_id, &s.event, None) {
                open[p.correlation].entry(p.group).or_default().came.push(p.sighting);
            }
        }
        for (n, linked) in set.all().iter().enumerate() {
            for (group, touched) in std::mem::take(&mut open[n]) {
                let kept = linked.stretches(&group, &touched).iter().map(|s| self.kept(&group, s)).collect();
                let (change, _) = linked.change(group, touched, kept);
                let seen = self.seen.entry(change.group.key()).or_default();
                seen.retain(|s| !change.went.iter().chain(&change.came).any(|w| w.key() == s.key()));
                seen.extend(change.came.iter().cloned());
                for (events, came) in [(&change.fired, true), (&change.unfired, false)] {
                    for key in events {
                        let changed = (change.group.clone(), *key);
                        assert!(if came { self.fired.insert(changed) } else { self.fired.remove(&changed) });
                        for p in set.places(&linked.id, &self.events[&key.1], Some(&change.group)) {
                            let of = open[p.correlation].entry(p.group).or_default();
                            if came { &mut of.came } else { &mut of.went }.push(p.sighting);
                        }
                    }
                }
            }
        }
    }

    fn kept(&self, group: &Group, stretch: &Stretch) -> Kept {
        let inside = |t: Time| (stretch.from..=stretch.to).contains(&t);
        let seen = self.seen.get(&stretch.group).into_iter().flatten().filter(|s| inside(s.time)).cloned().collect();
        let fired = self.fired.iter().filter(|(g, (t, _))| g == group && inside(*t)).map(|(_, key)| *key).collect();
        Kept { seen, fired, more: false }
    }
}
