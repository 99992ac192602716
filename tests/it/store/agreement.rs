//! Conditions on the store agree with the evaluator in memory, over real events of every code and made ones.
use super::{
    cluster,
    conformance::{Engine, comparison, engines},
    sample::{self, Dice},
};
use crate::support::real_events;
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashSet},
};
use sysmonsearch::{
    event::{
        Condition, Event, EventBuilder, EventId, Field, Key, Period, Scope, Time,
        condition::{CRITERIA, MAX_DEPTH, MAX_OPERANDS, Match, Operator, key_type},
        fields::Type,
    },
    store::{EventStore, Order, Query, elasticsearch::Substring},
};
use tokio::runtime::Runtime;

/// Real events, up to `each` of every code, and `made` made ones.
fn events(each: usize, made: usize) -> Vec<Event> {
    let mut by_code: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    for e in real_events(1).unwrap_or_default() {
        by_code.entry(e.code).or_default().push(e);
    }
    let mut out = sample::events(77, made);
    for of_code in by_code.into_values() {
        let step = of_code.len().div_ceil(each);
        out.extend(of_code.into_iter().step_by(step));
    }
    out
}

/// Every engine, and on OpenSearch every way to look inside of values.
fn stored(runtime: &Runtime, events: &[Event]) -> Vec<Engine> {
    let mut engines = engines();
    for way in [Substring::Ngram, Substring::Keyword] {
        engines.extend(cluster::open_by("OPENSEARCH_URL", way).map(Engine::new));
    }
    for engine in &engines {
        for part in events.chunks(events.len().div_ceil(4)) {
            runtime.block_on(engine.store.append(part.to_vec())).unwrap();
            runtime.block_on(engine.store.refresh()).unwrap();
        }
    }
    engines
}

/// Engines to ask the `n`th question: the ways of OpenSearch by turns.
fn by_turns(engines: &[Engine], n: usize) -> impl Iterator<Item = &Engine> {
    let (always, ways) = engines.split_at(engines.len().min(2));
    always.iter().chain(ways.get(n % ways.len().max(1)))
}

fn find(runtime: &Runtime, store: &dyn EventStore, condition: &Condition) -> BTreeSet<EventId> {
    let query = Query { condition: condition.clone(), period: Period::default() };
    let page = runtime.block_on(store.search(&Scope::All, &query, Order::OldestFirst, None, 100_000)).unwrap();
    assert_eq!(runtime.block_on(store.count(&Scope::All, &query)).unwrap(), page.events.len() as u64);
    page.events.iter().map(|e| e.id).collect()
}

fn naive(events: &[Event], condition: &Condition) -> BTreeSet<EventId> {
    events.iter().filter(|e| condition.is_match(e)).map(|e| e.id).collect()
}

/// A part of `value`, on character boundaries.
fn part(value: &str, dice: &mut Dice) -> (usize, usize) {
    let cuts: Vec<usize> = value.char_indices().map(|(i, _)| i).chain([value.len()]).collect();
    let (a, b) = (dice.roll(cuts.len()), dice.roll(cuts.len()));
    let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 30));
    (cuts[a], cuts[b])
}

/// A comparison with what an event holds under `name`, by a random operator that fits.
fn leaf(name: &str, ty: Type, value: &str, dice: &mut Dice) -> Option<Match> {
    let upper = |s: &str| if s.is_ascii() { s.to_ascii_uppercase() } else { s.to_owned() };
    let (a, b) = part(value, dice);
    let escaped = |s: &str| s.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?");
    let (operator, operand) = match dice.roll(12) {
        0 | 1 => (Operator::Equals, upper(value)),
        2 | 3 => (Operator::Contains, upper(&value[a..b])),
        4 => (Operator::StartsWith, value[..b].to_owned()),
        5 => (Operator::EndsWith, upper(&value[a..])),
        6 => (Operator::Wildcard, format!("*{}?*", escaped(&value[a..b]))),
        7 => (Operator::Regex, format!("{}.*{}$", regex::escape(&value[..a.min(20)]), regex::escape(&value[b..]))),
        8 => (Operator::Exists, String::new()),
        9 if ty == Type::Ip => (Operator::Cidr, format!("{value}/{}", [8, 16, 24, 30][dice.roll(4)])),
        n @ 9..=11 if matches!(ty, Type::UInt | Type::Hex | Type::Time) => {
            ([Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte][(n + dice.roll(4)) % 4], value.to_owned())
        }
        _ => (Operator::Contains, value[a..b].to_owned()),
    };
    Match::new(name, operator, &[operand]).ok()
}

/// Comparisons for every field of every code, every criterion over every code that carries it, and other names.
fn leaves(events: &[Event], dice: &mut Dice) -> Vec<Match> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for e in events {
        let criteria = CRITERIA.iter().flat_map(|c| c.fields.iter().map(|f| (c.name.to_owned(), Key::Field(*f))));
        let fields = Field::all().map(|f| (f.name().to_owned(), Key::Field(f)));
        let others = e.data.iter().filter(|(k, _)| matches!(k, Key::Other(_)));
        let others = others.map(|(k, _)| (format!("data.{}", k.name()), k.clone()));
        for (name, key) in criteria.chain(fields).chain(others) {
            for value in e.key_values(&key) {
                // Three values of each kind are enough.
                if (0..3).any(|n| seen.insert((e.code, name.clone(), key.clone(), n))) {
                    out.extend((0..2).filter_map(|_| leaf(&name, key_type(&key), &value, dice)));
                }
            }
        }
    }
    out
}

#[test]
fn each_comparison_agrees_with_the_evaluator_in_memory() {
    let runtime = Runtime::new().unwrap();
    let events = events(60, 700);
    let engines = stored(&runtime, &events);
    let leaves = leaves(&events, &mut Dice(5));
    let mut hits = 0;
    for (n, m) in leaves.into_iter().enumerate() {
        let condition = Condition::Match(m);
        let expected = naive(&events, &condition);
        hits += usize::from(!expected.is_empty());
        // A cluster takes long for each: there, one in ten.
        for engine in by_turns(&engines, n / 10).take(if n.is_multiple_of(10) { usize::MAX } else { 1 }) {
            assert!(find(&runtime, &*engine.store, &condition) == expected, "{condition:?}");
        }
    }
    assert!(hits > 1_000, "only {hits} comparisons have a match");
}

#[test]
fn every_criterion_finds_every_event_code_that_carries_it() {
    let runtime = Runtime::new().unwrap();
    let events = events(60, 0);
    let engines = stored(&runtime, &events);
    for (n, criterion) in CRITERIA.iter().enumerate() {
        let condition = Condition::Match(Match::new(criterion.name, Operator::Exists, &[]).unwrap());
        let carries = |e: &&Event| criterion.fields.iter().any(|f| !e.values(*f).is_empty());
        let expected: BTreeSet<u32> = events.iter().filter(carries).map(|e| e.code).collect();
        for engine in by_turns(&engines, n) {
            let found = find(&runtime, &*engine.store, &condition);
            let codes: BTreeSet<u32> = events.iter().filter(|e| found.contains(&e.id)).map(|e| e.code).collect();
            assert_eq!(codes, expected, "{}", criterion.name);
        }
    }
}

/// A nested condition over leaves given by number.
#[derive(Debug, Clone)]
enum Tree {
    All,
    Leaf(usize),
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
}

impl Tree {
    fn condition(&self, leaves: &[Match]) -> Condition {
        let all = |t: &[Tree]| t.iter().map(|t| t.condition(leaves)).collect();
        match self {
            Self::All => Condition::All,
            Self::Leaf(n) => Condition::Match(leaves[n % leaves.len()].clone()),
            Self::And(t) => Condition::And(all(t)),
            Self::Or(t) => Condition::Or(all(t)),
            Self::Not(t) => Condition::Not(Box::new(t.condition(leaves))),
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![20 => any::<usize>().prop_map(Tree::Leaf), 1 => Just(Tree::All)];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Or),
            inner.prop_map(|t| Tree::Not(Box::new(t))),
        ]
    })
}

#[test]
fn nested_conditions_agree_with_the_evaluator_in_memory() {
    let runtime = Runtime::new().unwrap();
    let events = events(40, 300);
    let engines = stored(&runtime, &events);
    let leaves = leaves(&events, &mut Dice(9));
    let turn = Cell::new(0);
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    // The same conditions in every run: one that fails can be looked at again. A number in SYSMON_TEST_SEED asks others.
    let rng = match std::env::var("SYSMON_TEST_SEED") {
        Ok(n) => TestRng::from_seed(RngAlgorithm::ChaCha, &n.parse::<u64>().unwrap().to_be_bytes().repeat(4)),
        Err(_) => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let agreed = runner.run(&trees(), |tree| {
        let condition = tree.condition(&leaves);
        let expected = naive(&events, &condition);
        for (n, engine) in by_turns(&engines, turn.replace(turn.get() + 1)).enumerate() {
            let found = find(&runtime, &*engine.store, &condition);
            let differ: Vec<_> = found.symmetric_difference(&expected).collect();
            prop_assert!(differ.is_empty(), "engine {n} of turn {}, {differ:?}: {condition:?}", turn.get());
        }
        Ok(())
    });
    assert!(agreed.is_ok(), "{agreed:?}");
}

/// What is too short to be looked up inside of values.
#[test]
fn short_patterns_agree_with_the_evaluator_in_memory() {
    let runtime = Runtime::new().unwrap();
    let events = events(40, 300);
    let engines = stored(&runtime, &events);
    for pattern in [r"*\S?*", r"*\s?*", r"*\D?*", r"*S?*"] {
        let condition = comparison("TargetFilename", Operator::Wildcard, &[pattern]);
        let expected = naive(&events, &condition);
        for (n, engine) in engines.iter().enumerate() {
            let found = find(&runtime, &*engine.store, &condition);
            let differ: Vec<_> = found.symmetric_difference(&expected).collect();
            let first: Vec<_> = events.iter().filter(|e| differ.contains(&&e.id)).take(2).collect();
            assert!(differ.is_empty(), "engine {n}, {pattern}: {} of {}: {first:#?}", found.len(), expected.len());
        }
    }
}

/// Nothing is below 0 or above the greatest number.
#[test]
fn bounds_at_the_ends_of_numbers_agree_with_the_evaluator_in_memory() {
    let runtime = Runtime::new().unwrap();
    let mut ordinals = sample::Count::default();
    let numbers = [0, 1, u64::MAX - 1, u64::MAX];
    let events = numbers.map(|n| {
        let mut event = EventBuilder::default();
        event.code = 3;
        event.received = Some(Time(1_700_000_000_000));
        event.data("DestinationPort", &n.to_string());
        event.finish(&mut ordinals)
    });
    let engines = stored(&runtime, &events);
    for operator in [Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte] {
        for n in numbers {
            let condition = Condition::Match(Match::new("DestinationPort", operator, &[n.to_string()]).unwrap());
            let expected = naive(&events, &condition);
            for engine in &engines {
                assert_eq!(find(&runtime, &*engine.store, &condition), expected, "{condition:?}");
            }
        }
    }
}

/// However long a text is, and whatever is in it: a pattern of it would be too much work for the cluster.
#[test]
fn long_operands_agree_with_the_evaluator_in_memory() {
    let runtime = Runtime::new().unwrap();
    let mut events = sample::events(77, 40);
    let texts = [300, 9_000, 60_000].into_iter().flat_map(|n: usize| {
        let repeated = "a".repeat(n);
        let varied: String = (0..n).map(|i| ['\\', '*', 'é', 'x', '?', '0', '"', '京'][i * i % 11 % 8]).collect();
        [format!("begin {repeated}"), format!("{varied} end"), format!("{varied}{repeated}")]
    });
    let texts: Vec<String> = texts.collect();
    let mut ordinals = sample::Count::default();
    events.extend(texts.iter().map(|text| {
        let mut event = EventBuilder::default();
        event.code = 1;
        event.received = Some(Time(1_700_000_000_000));
        event.system.computer = "long".into();
        event.data("CommandLine", text);
        event.data("Unheard", text);
        event.finish(&mut ordinals)
    }));
    let engines = stored(&runtime, &events);
    let (mut hits, mut turn) = (0, 0);
    for text in &texts {
        let of = |from: usize, to: usize| text.chars().skip(from).take(to - from).collect::<String>();
        let n = text.chars().count();
        for operand in [text.clone(), of(0, n / 2), of(n / 3, n), format!("{text}!")] {
            for key in ["CommandLine", "data.Unheard"] {
                for operator in [Operator::Equals, Operator::Contains, Operator::StartsWith, Operator::EndsWith] {
                    let one = Condition::Match(Match::new(key, operator, std::slice::from_ref(&operand)).unwrap());
                    hits += usize::from(!naive(&events, &one).is_empty());
                    let condition = if key == "CommandLine" { one } else { Condition::Not(Box::new(one)) };
                    let expected = naive(&events, &condition);
                    for engine in by_turns(&engines, turn) {
                        let found = find(&runtime, &*engine.store, &condition);
                        assert!(found == expected, "{key} {operator:?} {} characters", operand.len());
                    }
                    turn += 1;
                }
            }
        }
    }
    assert!(hits > 100, "only {hits} comparisons have a match");
}

/// Text in which every piece is different.
fn varied(seed: u64, chars: usize) -> String {
    let mut dice = Dice(seed);
    let parts = [r"C:\Temp\", "*", "?", "ab", "x", "ä", r"\\", "0", " -enc ", "%", "(", "ſ"];
    let mut text = String::new();
    while text.chars().count() < chars {
        text.push_str(dice.pick::<&str>(&parts));
    }
    text.chars().take(chars).collect()
}

/// Also of a pattern, and of many texts at once.
/// Longest pattern of the next test, in bytes.
const MAX_PATTERN: usize = 2_000;

#[test]
fn long_patterns_agree_with_the_evaluator_in_memory() {
    let runtime = Runtime::new().unwrap();
    let mut ordinals = sample::Count::default();
    let mut event = |text: &str| {
        let mut event = EventBuilder::default();
        event.code = 1;
        event.received = Some(Time(1_700_000_000_000));
        event.data("CommandLine", text);
        event.data("Other", text);
        event.finish(&mut ordinals)
    };
    let sizes = [60, 190, 210, 1_100, 31_000];
    let texts = sizes.map(|n| [varied(n as u64, n), "x".repeat(n) + "y"]).concat();
    let mut events = vec![event("short")];
    for text in &texts {
        events.extend([text, &format!("<{text}>"), &text.replace("ab", "xy"), &text.to_uppercase()].map(|t| event(t)));
    }
    let engines = stored(&runtime, &events);
    let (mut hits, mut turn) = (0, 0);
    for text in &texts {
        let escaped = text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?");
        let many = (0..30).map(|n| format!("{n}{text}")).chain([text.clone()]).collect();
        for (operator, operands) in [
            (Operator::Contains, many),
            (Operator::Wildcard, vec![format!("*{escaped}*"), "nowhere".into()]),
            (Operator::Wildcard, vec![format!("?{escaped}?")]),
            (Operator::Regex, vec![format!("^<?{}", regex::escape(text)), "nowhere$".into()]),
        ] {
            for name in ["CommandLine", "data.Other"] {
                // The work of a pattern in memory grows with the square of its length.
                if operator != Operator::Contains && text.len() > MAX_PATTERN {
                    continue;
                }
                let Ok(one) = Match::new(name, operator, &operands) else { continue };
                let one = Condition::Match(one);
                for condition in [Condition::Not(Box::new(one.clone())), one] {
                    let expected = naive(&events, &condition);
                    hits += usize::from((1..events.len() - 1).contains(&expected.len()));
                    for engine in by_turns(&engines, turn) {
                        let found = find(&runtime, &*engine.store, &condition);
                        assert!(found == expected, "{name} {operator:?} {} characters", text.chars().count());
                    }
                    turn += 1;
                }
            }
        }
    }
    assert!(hits > 80, "only {hits} conditions divide the events");
}

#[test]
fn conditions_may_be_as_deep_and_as_wide_as_a_search_allows() {
    let runtime = Runtime::new().unwrap();
    let events = events(5, 200);
    let engines = stored(&runtime, &events);
    let image = |text: &str| comparison("Image", Operator::Contains, &[text]);
    let mut deep = Condition::Not(Box::new(image("cmd")));
    let mut level = 1;
    while level < MAX_DEPTH - 1 {
        let parts = vec![deep, image(if level % 3 == 0 { "powershell" } else { "system32" })];
        deep = if level % 2 == 0 { Condition::And(parts) } else { Condition::Or(parts) };
        level += 1;
    }
    let deeper = Condition::Not(Box::new(deep.clone()));
    deeper.check().unwrap();
    let hashes: Vec<String> = (0..MAX_OPERANDS).map(|n| format!("{n:064x}")).collect();
    let texts: Vec<String> = (0..2_000).map(|n| format!("{n:020} tool")).chain(["cmd.exe".into()]).collect();
    let nets: Vec<String> = (0..3_000).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256)).collect();
    let wide =
        [("hash", Operator::Equals, hashes), ("process", Operator::EndsWith, texts), ("ip", Operator::Cidr, nets)];
    let wide = wide.map(|(name, operator, operands)| Condition::Match(Match::new(name, operator, &operands).unwrap()));
    for condition in [deep, deeper].into_iter().chain(wide) {
        let expected = naive(&events, &condition);
        for engine in &engines {
            assert!(find(&runtime, &*engine.store, &condition) == expected);
        }
    }
}
