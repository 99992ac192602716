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

const WHOLE: &str = "title: t\nid: w\nlogsource:\n  product: windows\n  service: sysmon\ndetection:\n  s:\n    Image: a\n  condition: s\n";

#[test]
fn a_filter_about_a_part_of_the_events_of_a_rule_leaves_the_others_alone() {
    let ann = |code| event(code, &[("Image", "a"), ("User", "ann")]);
    for named in ["[w]", "any"] {
        let all = [parsed(WHOLE), filter(named, "selection:\n  User: ann\ncondition: not selection")];
        assert_eq!(hits(&all, &ann(1)), Vec::<String>::new(), "{named}");
        assert_eq!(hits(&all, &event(1, &[("Image", "a"), ("User", "bob")])), ["w"]);
        assert_eq!(hits(&all, &ann(3)), ["w"], "{named}: not about connections");
    }
    // So do long lists, which are looked up by hash, and rules that join values.
    let list: String = (0..20).map(|n| format!("'v{n}', ")).collect();
    let list = parsed(&WHOLE.replace("Image: a", &format!("Image: [{list}'a']")));
    let all = [list, filter("any", "selection:\n  User: ann\ncondition: not selection")];
    assert_eq!((hits(&all, &ann(1)), hits(&all, &ann(11))), (vec![], vec!["w".to_owned()]));
    let registry = parsed(&rule("registry_event", "s:\n  Image: a\n  CommandLine: null\ncondition: s"));
    let f = filter("any", "selection:\n  User: ann\ncondition: not selection");
    let f = parsed(&f.text.replace("process_creation", "registry_set"));
    let set =
        |kind| event(if kind == "SetValue" { 13 } else { 12 }, &[("Image", "a"), ("User", "ann"), ("EventType", kind)]);
    let all = [registry, f];
    assert_eq!(hits(&all, &set("SetValue")), Vec::<String>::new());
    assert_eq!(hits(&all, &set("CreateKey")), ["made-registry_event"]);
}

#[test]
fn a_filter_names_a_rule_by_the_id_that_it_has_here() {
    let nameless = |image: &str| parsed(&WHOLE.replace("id: w\n", "").replace("Image: a", &format!("Image: {image}")));
    let (one, other) = (nameless("a"), nameless("A*"));
    assert!(one.id == one.version && one.id != other.id);
    let f = filter(&format!("[{}]", one.id), "selection:\n  User: ann\ncondition: not selection");
    let ann = event(1, &[("Image", "a"), ("User", "ann")]);
    assert_eq!(hits(&[one, other.clone(), f], &ann), [other.id]);

    let collection = "action: global\ntitle: t\nid: shared\nlogsource: {product: windows, category: process_creation}\n---\n\
        detection: {s: {Image: a}, condition: s}\n---\ndetection: {s: {User: ann}, condition: s}\n";
    let members = rules::parse(collection, "made.yml").rules;
    let [first, second] = members.as_slice() else { panic!("{members:?}") };
    assert!(first.id == "shared" && second.id == second.version);
    for (named, left) in [(&first.id, &second.id), (&second.id, &first.id)] {
        let f = filter(&format!("[{named}]"), "selection:\n  User: ann\ncondition: not selection");
        assert_eq!(hits(&[first.clone(), second.clone(), f], &ann), std::slice::from_ref(left), "{named}");
    }
}

#[test]
fn a_filter_that_applies_to_nothing_says_so() {
    let single = parsed(&rule("process_creation", "s:\n  Image: a\ncondition: s"));
    let file = parsed(&rule("file_event", "s:\n  Image: a\ncondition: s"));
    let many = parsed(
        "title: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [made-process_creation]\n  timespan: 1m\n  condition: {gte: 2}\n",
    );
    let rules = [single, file, many];
    for (named, why) in [
        ("[none]", Some("'none' is no rule here")),
        ("[many]", Some("'many' is a correlation: name the rules that it is made of")),
        ("[f]", Some("'f' is a filter itself")),
        ("[made-file_event]", Some("'made-file_event' is about other events than the filter")),
        ("[none, many]", Some("'none' is no rule here; 'many' is a correlation")),
        ("[none, made-process_creation]", None),
        ("any", None),
    ] {
        let mut all = rules.to_vec();
        all.push(filter(named, "selection:\n  User: ann\ncondition: not selection"));
        let (set, failed) = RuleSet::compile(&all);
        match why {
            None => assert_eq!((failed, set.blocked("f")), (vec![], None), "{named}"),
            Some(why) => {
                assert!(set.blocked("f").unwrap().contains(why), "{named}: {failed:?}");
                assert_eq!(set.len(), 3, "the rules are matched");
            }
        }
    }
    // Of a rule that is switched off nothing is wrong with the filter.
    let off = Rule { enabled: false, ..rules[0].clone() };
    let f = filter("[made-process_creation]", "selection:\n  User: ann\ncondition: not selection");
    assert_eq!(RuleSet::compile(&[off, f]).1, []);
}

#[test]
fn a_list_that_is_looked_up_keeps_its_size_beside_an_exception() {
    let values: String = (0..40_000).map(|n| format!("'v{n}', ")).collect();
    let list = parsed(&WHOLE.replace("Image: a", &format!("Image: [{values}'a']")));
    let text = "title: here\nid: f\nfilter:\n  rules: [w]\n  s1:\n    User: ann\n  s2:\n    User|startswith: bo\n  condition: not 1 of s*\n";
    let second = text.replace("id: f", "id: g").replace("ann", "eve");
    let all = [list.clone(), parsed(text), parsed(&second)];
    let (set, failed) = RuleSet::compile(&all);
    assert_eq!(failed, []);
    let found = |user: &str, image: &str| {
        let matched = set.matches(&event(1, &[("Image", image), ("User", user)]));
        matched.iter().flat_map(|m| m.values.iter().map(ToString::to_string)).collect::<Vec<_>>()
    };
    assert_eq!(found("carl", "V7"), ["v7"]);
    for user in ["ann", "bob", "eve"] {
        assert_eq!(found(user, "v7"), Vec::<String>::new(), "{user}");
    }
    assert_eq!(found("carl", "w7"), Vec::<String>::new());
}
