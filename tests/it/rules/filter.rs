//! Filters leave out what they name, of the rules that they name, and nothing else.
use super::events::{event, rule};
use sysmonsearch::{
    event::{Event, detection::Rule},
    rules::{self, RuleSet},
};

fn parsed(text: &str) -> Rule {
    let loaded = rules::parse(text, "made.yml");
    let rule = loaded.rules.into_iter().next().unwrap();
    assert_eq!(rule.refused, None, "{text}");
    rule
}

fn filter(rules: &str, detection: &str) -> Rule {
    let detection: String = detection.lines().map(|l| format!("  {l}\n")).collect();
    parsed(&format!(
        "title: here\nid: f\nlogsource:\n  category: process_creation\n  product: windows\nfilter:\n  rules: {rules}\n{detection}"
    ))
}

fn hits(all: &[Rule], event: &Event) -> Vec<String> {
    let (set, failed) = RuleSet::compile(all);
    assert_eq!(failed, []);
    set.matches(event).iter().map(|m| m.rule_id.to_string()).collect()
}

#[test]
fn a_filter_joins_the_rules_that_it_names() {
    // Selectors of rule and filter do not reach over to each other.
    let named =
        parsed(&rule("process_creation", "sel_a:\n  Image: a\nsel_b:\n  CommandLine: x\ncondition: all of them"));
    let other = Rule {
        id: "other".into(),
        ..parsed(&rule("process_creation", "s:\n  Image: a\ncondition: s").replace("made-process_creation", "other"))
    };
    let ours = event(1, &[("Image", "a"), ("CommandLine", "x"), ("User", "EXAMPLE\\ann")]);
    let theirs = event(1, &[("Image", "a"), ("CommandLine", "x"), ("User", "EXAMPLE\\bob")]);
    let f = filter("[made-process_creation]", "selection:\n  User|endswith: ann\ncondition: not selection");
    let all = [named.clone(), other.clone(), f.clone()];
    assert_eq!(hits(&all, &ours), ["other"]);
    assert_eq!(hits(&all, &theirs), ["made-process_creation", "other"]);
    // Its order does not matter, and what is switched off has no effect.
    assert_eq!(hits(&[f.clone(), named.clone(), other.clone()], &ours), ["other"]);
    let off = Rule { enabled: false, ..f };
    assert_eq!(hits(&[named.clone(), other.clone(), off], &ours).len(), 2);
    let any = filter("any", "s1:\n  User|endswith: ann\ns2:\n  User|endswith: bob\ncondition: not 1 of s*");
    assert_eq!(hits(&[named.clone(), other.clone(), any], &theirs), Vec::<String>::new());
    let two =
        filter("any", "s1:\n  User|endswith: ann\ns2:\n  Image: a\ns3:\n  CommandLine: y\ncondition: not 2 of s*");
    assert_eq!(hits(&[named, other, two.clone()], &ours), Vec::<String>::new());
    // Of rules about other events it changes nothing.
    let file = parsed(&rule("file_event", "s:\n  Image: a\ncondition: s"));
    assert_eq!(hits(&[file.clone(), two], &event(11, &[("Image", "a"), ("User", "ann")])), [file.id]);
}

#[test]
fn a_rule_is_not_matched_without_its_filter() {
    let whole = parsed(
        "title: t\nid: w\nlogsource:\n  product: windows\n  service: sysmon\ndetection:\n  s:\n    Image: a\n  condition: s\n",
    );
    let f = filter("[w]", "selection:\n  User: ann\ncondition: not selection");
    let (set, failed) = RuleSet::compile(&[whole, f]);
    assert!(set.is_empty());
    assert!(failed[0].1.contains("a part of its events"), "{failed:?}");
}
