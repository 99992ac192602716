//! Placeholders stand for values of the environment.
use super::events::{event, rule};
use std::sync::Arc;
use sysmonsearch::{
    event::{Event, detection::Rule},
    rules::{self, Placeholders, RuleSet},
};

const VALUES: &str =
    "admins: [EXAMPLE\\ann, EXAMPLE\\bob]\nfolders: ['C:\\Tools\\', 'D:\\T*\\']\nname: deploy\nport: 8443\n";

fn made(detection: &str) -> Rule {
    let loaded = rules::parse(&rule("process_creation", detection), "made.yml");
    assert_eq!((loaded.issues.len(), &loaded.rules[0].refused), (0, &None), "{detection}");
    loaded.rules.into_iter().next().unwrap()
}

fn matches(detection: &str, event: &Event) -> bool {
    let values = Arc::new(Placeholders::read(VALUES).unwrap());
    let (set, failed) = RuleSet::compile_with(&[made(detection)], &values);
    assert_eq!(failed, [], "{detection}");
    !set.matches(event).is_empty()
}

#[test]
fn each_value_of_a_placeholder_is_meant() {
    let start = |user: &str, image: &str| event(1, &[("User", user), ("Image", image), ("CommandLine", "x.exe /8443")]);
    let users = "sel:\n  User|expand: '%admins%'\ncondition: sel";
    assert!(matches(users, &start("example\\ANN", "a")) && matches(users, &start("EXAMPLE\\bob", "a")));
    assert!(!matches(users, &start("EXAMPLE\\eve", "a")) && !matches(users, &start("%admins%", "a")));
    // Within a text, beside others, with wildcards, and as part of other comparisons.
    let image = "sel:\n  Image|expand: ['%folders%%name%.exe', 'other']\ncondition: sel";
    for (name, expected) in [
        ("C:\\Tools\\deploy.exe", true),
        ("D:\\Temp\\DEPLOY.exe", true),
        ("other", true),
        ("D:\\x\\deploy.exe", false),
        ("C:\\Tools\\x.exe", false),
    ] {
        assert_eq!(matches(image, &start("u", name)), expected, "{name}");
    }
    assert!(matches("sel:\n  Image|startswith|expand: '%folders%'\ncondition: sel", &start("u", "c:\\tools\\z.exe")));
    assert!(matches("sel:\n  CommandLine|expand|endswith|windash: '-%port%'\ncondition: sel", &start("u", "a")));
    assert!(matches("sel:\n  CommandLine|re|expand: '/%port%$'\ncondition: sel", &start("u", "a")));
    // Of `all`, every value must be there, each in one of its forms.
    let all = "sel:\n  User|contains|all|expand: ['%admins%', 'EXAMPLE']\ncondition: sel";
    assert!(matches(all, &start("EXAMPLE\\bob", "a")) && !matches(all, &start("EXAMPLE\\eve", "a")));
    assert!(matches("sel:\n  Image: a\nno:\n  User|expand: '%admins%'\ncondition: sel and not no", &start("eve", "a")));
    // What is no name is itself.
    assert!(matches("sel:\n  User|expand: '100% %'\ncondition: sel", &start("100% %", "a")));
}

#[test]
fn a_placeholder_without_values_is_told_and_heals() {
    let one = made("sel:\n  User|expand: '%nobody%'\ncondition: sel");
    let (set, failed) = RuleSet::compile(std::slice::from_ref(&one));
    assert!(set.is_empty());
    assert!(failed[0].1.contains("'%nobody%' has no values"), "{failed:?}");
    assert!(set.blocked(&one.id).is_some());
    let values = Arc::new(Placeholders::read("nobody: x").unwrap());
    assert_eq!(RuleSet::compile_with(&[one], &values).1, []);
    // A filter without values is not applied, and says so; the rules go on.
    let filter = "title: f\nid: f\nfilter:\n  rules: any\n  s:\n    User|expand: '%nobody%'\n  condition: not s\n";
    let filter = rules::parse(filter, "made.yml").rules.remove(0);
    assert_eq!(filter.refused, None);
    let all = [made("sel:\n  Image: a\ncondition: sel"), filter];
    let x = event(1, &[("Image", "a"), ("User", "x")]);
    let (set, failed) = RuleSet::compile(&all);
    assert_eq!((set.matches(&x).len(), failed[0].0.as_str()), (1, "f"));
    assert_eq!(RuleSet::compile_with(&all, &values).0.matches(&x).len(), 0);

    for (bad, why) in [
        ("- a", "mapping"),
        ("a: []", "no values"),
        ("a: {b: c}", "neither text nor a number"),
        ("a: [[x]]", "neither text nor a number"),
        ("'a b': c", "is no name"),
    ] {
        assert!(Placeholders::read(bad).unwrap_err().contains(why), "{bad}");
    }
    let many: String = (0..150).map(|n| format!("v{n}, ")).collect();
    let many = Arc::new(Placeholders::read(&format!("many: [{many}]")).unwrap());
    let (_, failed) = RuleSet::compile_with(&[made("sel:\n  User|expand: '%many%%many%'\ncondition: sel")], &many);
    assert!(failed[0].1.contains("more than 10000 values"), "{failed:?}");
}
