//! A search and a Sigma rule say the same, both ways; check, explain.
use super::events::{compiled, event, rule};
use proptest::prelude::*;
use sysmonsearch::{
    event::{
        Condition, Event,
        condition::{Match, Operator},
    },
    rules::{
        self,
        check::{Severity, check},
        explain::explain,
        join::Lineage,
        search::{Head, to_condition, to_same_condition, to_sigma},
    },
};

fn head() -> Head {
    Head { id: "made".into(), title: "made".into(), description: String::new(), level: "low".into() }
}

fn one(name: &str, operator: Operator, operands: &[&str]) -> Condition {
    let operands: Vec<String> = operands.iter().map(|o| (*o).to_owned()).collect();
    Condition::Match(Match::new(name, operator, &operands).unwrap())
}

/// Texts with everything that YAML, Sigma and wildcards give a meaning.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "a", "B", "*", "?", "\\", "\\\\", "\\*", "\\?", "'", "\"", ":", "#", " ", "-", "|", "%", "{", "ä", "ß", "1",
        "0x1", "null", "true", "\n",
    ]);
    prop::collection::vec(odd, 1..5).prop_map(|v| v.concat()).prop_filter("a value", |t| !matches!(t.trim(), "" | "-"))
}

fn comparison() -> impl Strategy<Value = Condition> {
    let names = prop::sample::select(vec!["Image", "CommandLine", "process", "file", "data.Odd", "host"]);
    let operators = prop::sample::select(vec![
        Operator::Equals,
        Operator::Contains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Wildcard,
    ]);
    let texts = (names, operators, prop::collection::vec(text(), 1..4)).prop_map(|(n, o, v)| {
        let v: Vec<&str> = v.iter().map(String::as_str).collect();
        one(n, o, &v)
    });
    let ports = prop::sample::select(vec![Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte, Operator::Equals]);
    let ports = (prop::sample::select(vec!["port", "DestinationPort"]), ports, 0..5_u16)
        .prop_map(|(n, o, p)| one(n, o, &[&p.to_string()]));
    let regex = prop::sample::select(vec!["^a", "b$", "[ab]+", "a|b", r"\\", "."]);
    prop_oneof![
        6 => texts,
        2 => ports,
        1 => regex.prop_map(|r| one("CommandLine", Operator::Regex, &[r])),
        1 => prop::sample::select(vec!["Image", "process", "ip"]).prop_map(|n| one(n, Operator::Exists, &[])),
        1 => prop::sample::select(vec!["10.0.0.0/8", "10.0.0.1", "2001:db8::/32"])
            .prop_map(|n| one("ip", Operator::Cidr, &[n])),
        1 => Just(Condition::All),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    comparison().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Or),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

fn events() -> impl Strategy<Value = Event> {
    let field = |name: &'static str| prop::option::of(text()).prop_map(move |v| v.map(|v| (name, v)));
    let numbers = (prop::option::of(0..5_u16), prop::option::of(prop::sample::select(vec!["10.0.0.1", "192.0.2.1"])));
    let texts = (field("Image"), field("CommandLine"), field("TargetFilename"), field("Odd"), field("ParentImage"));
    (texts, numbers, prop::sample::select(vec![1_u32, 3, 11])).prop_map(|((a, b, c, d, e), (port, ip), code)| {
        let mut data: Vec<(&str, String)> = [a, b, c, d, e].into_iter().flatten().collect();
        data.extend(port.map(|p| ("DestinationPort", p.to_string())));
        data.extend(ip.map(|i| ("SourceIp", i.to_owned())));
        let data: Vec<(&str, &str)> = data.iter().map(|(k, v)| (*k, v.as_str())).collect();
        event(code, &data)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_search_is_a_rule_and_the_rule_is_the_search(
        condition in conditions(),
        events in prop::collection::vec(events(), 8),
    ) {
        let sigma = to_sigma(&condition, &head()).unwrap();
        let back = to_condition(&sigma).map_err(|e| TestCaseError::fail(format!("{e}\n{sigma}")))?;
        let set = compiled(&sigma);
        for event in &events {
            let expected = condition.is_match(event);
            prop_assert_eq!(!set.matches(event).is_empty(), expected, "rule {} on {:?}", sigma, event.data);
            prop_assert_eq!(back.is_match(event), expected, "back {} on {:?}", sigma, event.data);
        }
        // Nothing is lost: what comes back is written the same.
        prop_assert_eq!(to_sigma(&back, &head()).unwrap(), sigma);
    }
}

#[test]
fn what_sigma_or_a_search_cannot_say_is_refused_by_name() {
    let e = to_sigma(&one("CommandLine", Operator::Equals, &["-"]), &head()).unwrap_err();
    assert!(e.contains("NOT exists"), "{e}");
    for (detection, reason) in [
        ("s:\n  Image|cased: A\ncondition: s", "cased"),
        ("s:\n  Image|re: a\ncondition: s", "tells case apart"),
        ("s:\n  CommandLine|windash|contains: ' -a'\ncondition: s", "windash"),
        ("s:\n  - word\ncondition: s", "keywords"),
        ("a:\n  Image: x\nb:\n  Image: y\nc:\n  Image: z\ncondition: 2 of them", "2 of them"),
    ] {
        let e = to_condition(&rule("process_creation", detection)).unwrap_err();
        assert!(e.contains(reason), "{e} instead of {reason}");
    }
}

#[test]
fn published_forms_become_searches() {
    let text = rule(
        "registry_add",
        "sel:\n  TargetObject|contains|all: [Run, Once]\n  Image: ['*\\\\a.exe', null]\nflt:\n  Details|startswith: x\ncondition: sel and not 1 of flt*",
    );
    let condition = to_condition(&text).unwrap();
    let made = |code, kind: &str, image: Option<&str>, details| {
        let mut data = vec![("EventType", kind), ("TargetObject", r"HKLM\RunOnce"), ("Details", details)];
        data.extend(image.map(|i| ("Image", i)));
        event(code, &data)
    };
    let set = compiled(&text);
    for (event, expected) in [
        (made(12, "CreateKey", Some(r"C:\A.exe"), "y"), true),
        (made(12, "CreateKey", None, "y"), true),
        (made(12, "DeleteKey", None, "y"), false),
        (made(13, "SetValue", None, "y"), false),
        (made(12, "CreateKey", None, "xy"), false),
    ] {
        assert_eq!((condition.is_match(&event), !set.matches(&event).is_empty()), (expected, expected), "{event:?}");
    }
}

#[test]
fn what_an_event_lacks_is_not_different() {
    let text = rule("process_creation", "sel:\n  Company|neq: X\n  Image|endswith|neq: [a, b]\ncondition: sel");
    let not = text.replace("condition: sel", "condition: not sel");
    let all = [&[("Company", "Y"), ("Image", "c")][..], &[("Company", "X"), ("Image", "c")], &[("Image", "c")], &[]];
    for (data, expected) in all.into_iter().zip([true, false, false, false]) {
        let event = event(1, data);
        for (text, expected) in [(&text, expected), (&not, !expected)] {
            let condition = to_condition(text).unwrap();
            let back = to_condition(&to_sigma(&condition, &head()).unwrap()).unwrap();
            let found = [!compiled(text).matches(&event).is_empty(), condition.is_match(&event), back.is_match(&event)];
            assert_eq!(found, [expected; 3], "{data:?} {text}");
        }
    }
    let numbers = rule("network_connection", "sel:\n  DestinationPort|gt|neq: 5\ncondition: sel");
    assert!(to_condition(&numbers).unwrap_err().contains("neq"));
}

#[test]
fn typed_values_mean_the_same_live_and_in_a_search() {
    for (category, code, detection, data) in [
        ("network_connection", 3, "DestinationIp: ['0:0:0:0:0:0:0:1', '10.*']", ("DestinationIp", "::1")),
        ("network_connection", 3, "Initiated: [true, 'n*']", ("Initiated", "true")),
        ("process_access", 10, "GrantedAccess: [0x1410, '0x2*']", ("GrantedAccess", "0x1410")),
        ("process_access", 10, "GrantedAccess|contains: 0x10", ("GrantedAccess", "0x1000")),
        ("process_access", 10, "GrantedAccess|endswith: 0x1410", ("GrantedAccess", "0x1410")),
    ] {
        let text = rule(category, &format!("sel:\n  {detection}\ncondition: sel"));
        let event = event(code, &[data]);
        let found = [!compiled(&text).matches(&event).is_empty(), to_condition(&text).unwrap().is_match(&event)];
        assert_eq!(found, [true; 2], "{detection}");
    }
    // How it was written is lost.
    let text = rule("network_connection", "sel:\n  DestinationIp|startswith: 10.0\ncondition: sel");
    let refused = rules::parse(&text, "made.yml").rules.remove(0).refused.unwrap();
    assert!(refused.contains("DestinationIp") && refused.contains("in quotes"), "{refused}");
    assert!(to_condition(&text).is_err());
    compiled(&rule("network_connection", "sel:\n  DestinationPort|gt: 10.5\ncondition: sel"));
}

#[test]
fn a_name_that_no_table_knows_is_the_same_in_any_case_only_in_a_rule() {
    let text = rule("process_creation", "sel:\n  - Image: a\n  - oDD: x\ncondition: sel");
    assert!(to_same_condition(&text).unwrap_err().contains("'oDD'"));
    assert!(to_condition(&text).is_ok());
    assert!(to_same_condition(&rule("process_creation", "sel:\n  image: a\ncondition: sel")).is_ok());
}

#[test]
fn a_field_called_like_a_criterion_is_the_field() {
    let text = rule("create_stream_hash", "sel:\n  Hash|contains: 'IMPHASH='\ncondition: sel");
    let condition = to_condition(&text).unwrap();
    for (hash, expected) in [("MD5=0123456789ABCDEF0123456789ABCDEF,IMPHASH=F34D", true), ("MD5=F34D", false)] {
        let event = event(15, &[("Hash", hash)]);
        assert_eq!((condition.is_match(&event), !compiled(&text).matches(&event).is_empty()), (expected, expected));
    }
}

#[test]
fn a_check_says_where() {
    let good = rule("process_creation", "sel:\n  Image: a\ncondition: sel");
    assert!(check(&good).iter().all(|p| p.severity != Severity::Error), "{:?}", check(&good));
    for (text, line, part) in [
        (good.replace("condition: sel", "condition: sel and other"), 9, "other"),
        (good.replace("process_creation\n", "nothing\n"), 5, "nothing"),
        (good.replace("Image: a", "Image|cidr|contains: a"), 8, "conflicting"),
        (good.replace("  sel:", " sel: ["), 7, ""),
        ("no rule".to_owned(), 1, "no mapping"),
    ] {
        let problems = check(&text);
        let first = &problems[0];
        assert_eq!(first.severity, Severity::Error, "{text}: {problems:?}");
        assert!(first.message.contains(part), "{first:?}");
        assert!(first.line.abs_diff(line) <= 1, "{text}: {first:?} not in line {line}");
        assert!(first.column >= 1);
    }
}

#[test]
fn a_field_that_no_event_has_is_a_warning_at_its_place() {
    let warned = |category: &str, detection: &str| {
        let problems = check(&rule(category, detection)).into_iter();
        let own = problems.filter(|p| p.message.contains("has a field"));
        own.map(|p| (p.severity, p.line, p.column, p.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        warned("process_creation", "sel:\n  Image: CommandLines\n  CommandLines|contains: x\ncondition: sel"),
        [(
            Severity::Warning,
            9,
            5,
            "no event of process_creation has a field 'CommandLines'; is 'CommandLine' meant?".to_owned()
        )]
    );
    let of = |category: &str, field: &str| {
        let w = warned(category, &format!("sel:\n  - Image: a\n  - {field}: x\ncondition: sel"));
        w.into_iter().next().map(|w| w.3)
    };
    // Carried, joined, of the System section, made of others, in any case.
    for (category, field) in [
        ("file_event", "targetfilename"),
        ("network_connection", "CommandLine"),
        ("process_creation", "GrandParentImage"),
        ("registry_set", "EventType"),
        ("process_creation", "md5"),
        ("process_creation", "Provider_Name"),
        ("image_load", "Imphash"),
    ] {
        assert_eq!(of(category, field), None, "{category} {field}");
    }
    assert!(of("process_creation", "DestinationIp").unwrap().ends_with("'DestinationIp'"), "of another event");
    assert!(of("file_event", "TargetFileName_").unwrap().contains("'TargetFilename' meant"));
    assert!(of("process_creation", "Image|fieldref").unwrap().contains("has a field 'x'"));
    assert_eq!(of("file_rename", "Nonsense"), None, "that rule is refused");
    let whole = rule("process_creation", "sel:\n  DestinationIp: x\n  Parentimage: y\n  Imagge: z\ncondition: sel");
    let whole = whole.replace("category: process_creation", "service: sysmon");
    let found: Vec<_> = check(&whole).into_iter().filter(|p| p.message.contains("has a field")).collect();
    assert!(found.len() == 1 && found[0].message.contains("'Imagge'; is 'Image' meant?"), "{found:?}");
}

#[test]
fn correlations_and_filters_are_warned_of_such_fields_too() {
    let base = format!("{}---\n", rule("process_creation", "sel:\n  Image: a\ncondition: sel"));
    let warned = |text: &str| {
        let problems = check(&format!("{base}{text}")).into_iter();
        problems.filter(|p| p.message.contains("has a field")).map(|p| (p.line, p.message)).collect::<Vec<_>>()
    };
    let lines = base.matches('\n').count();
    let of = |group: &str, rest: &str| {
        format!(
            "title: K\nid: k\ncorrelation:\n  type: event_count\n  rules: [made]\n  group-by: [{group}]\n  timespan: 1m\n  condition: {{gte: 2}}\n{rest}"
        )
    };
    let wrong = warned(&of("Computr", ""));
    assert_eq!(wrong, [(lines + 6, "no event has a field 'Computr'; is 'Computer' meant?".to_owned())]);
    for right in [of("computer", ""), of("who", "  aliases: {who: {made: User}}\n")] {
        assert_eq!(warned(&right), [], "{right}");
    }
    assert_eq!(warned(&of("who", "  aliases: {who: {made: Usr}}\n")).len(), 1);
    let filter = |field: &str| {
        format!(
            "title: F\nid: f\nlogsource: {{category: process_creation, product: windows}}\nfilter:\n  rules: [made]\n  s: {{{field}: x}}\n  condition: not s\n"
        )
    };
    assert_eq!((warned(&filter("Image")).len(), warned(&filter("Imagge")).len()), (0, 1));
}

#[test]
fn an_explanation_shows_each_part() {
    let text = rule(
        "process_creation",
        "sel:\n  Image|endswith: ['\\\\a.exe', '\\\\b.exe']\n  CommandLine|contains: x\nflt:\n  User: ann\ncondition: sel and not flt",
    );
    let data = [("Image", r"C:\B.exe"), ("CommandLine", "y"), ("User", "ann")];
    let made = rules::parse(&text, "made.yml").rules.remove(0);
    let e = explain(&made, (&[], &Default::default()), &event(1, &data), &Lineage::default()).unwrap();
    assert!(!e.matches && e.unrelated.is_none());
    let part = |start: &str| e.parts.iter().find(|p| p.text.starts_with(start)).unwrap();
    assert_eq!((part("Image").holds, part("Image").values.clone()), (true, vec![r"'\\b.exe'".to_owned()]));
    assert_eq!((part("CommandLine").holds, part("CommandLine").event.clone()), (false, vec!["y".to_owned()]));
    assert!(part("User").holds);
    assert_eq!(part("User").name, "flt");
    let e = explain(&made, (&[], &Default::default()), &event(5, &data), &Lineage::default()).unwrap();
    assert!(e.unrelated.unwrap().contains("process_creation"));
    let e = explain(
        &made,
        (&[], &Default::default()),
        &event(1, &[("Image", r"C:\a.exe"), ("CommandLine", "axb")]),
        &Lineage::default(),
    )
    .unwrap();
    assert!(e.matches);
}
