//! Documents, folders and archives.
use super::events::rule;
use std::{fs, io::Write};
use sysmonsearch::rules;

fn named(id: &str) -> String {
    rule("process_creation", "sel:\n  Image: a\ncondition: sel").replace("made-process_creation", id)
}

#[test]
fn each_document_has_a_verdict() {
    let text = format!(
        "\u{feff}# a comment\n---\n{}\n--- # next\n{}\n---\ntitle: no detection\nid: c\n---\n- a list\n---\na: [1\n---\ndescription: nobody\n",
        named("a"),
        named("b").replace("level", "x")
    );
    let loaded = rules::parse(&text, "some.yml");
    let verdicts: Vec<(&str, bool)> = loaded.rules.iter().map(|r| (r.id.as_str(), r.refused.is_none())).collect();
    assert_eq!(verdicts, [("a", true), ("b", true), ("c", false)]);
    assert!(loaded.rules[2].refused.as_ref().is_some_and(|r| r.contains("detection")));
    assert_eq!(loaded.rules[0].text.matches("title:").count(), 1, "each rule has its own text");
    let issues: Vec<&str> = loaded.issues.iter().map(|i| i.reason.as_str()).collect();
    assert_eq!(issues.len(), 3, "{issues:?}");
    assert!(issues.iter().any(|i| i.starts_with("not YAML")));
    assert!(loaded.issues.iter().all(|i| i.source == "some.yml" && i.position.starts_with("line ")));
    assert_eq!(rules::parse("", "empty.yml").rules, []);
    assert_eq!(rules::parse("# nothing\n---\n\n", "empty.yml").issues, []);
}

#[test]
fn correlations_and_filters_are_not_passed_over() {
    let correlation = "title: many\nid: k\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [Computer]\n  timespan: 5m\n  condition:\n    gte: 3\nlevel: high\n";
    let filter = "title: not us\nid: f\nlogsource:\n  category: process_creation\n  product: windows\nfilter:\n  rules: [a]\n  sel:\n    User: b\n  condition: not sel\n";
    let loaded = rules::parse(&format!("{}\n---\n{correlation}---\n{filter}", named("a")), "some.yml");
    let refused: Vec<_> = loaded.rules.iter().map(|r| r.refused.as_deref().unwrap_or_default()).collect();
    assert_eq!(refused.len(), 3, "{:?}", loaded.issues);
    assert_eq!(refused, ["", "", ""]);
    assert_eq!((loaded.rules[1].level.as_str(), loaded.rules[2].logsource.as_str()), ("high", "filter"));
    let empty = filter.replace("rules: [a]", "rules: []");
    for (bad, reason) in [
        (correlation.replace("event_count", "event_sum"), "type 'event_sum'"),
        (empty, "names no rule"),
        (filter.replace("not sel", "not other"), "other"),
        (filter.replace("User: b", "User|cidr|contains: b"), "conflicting"),
        (filter.replace("process_creation", "webserver"), "webserver"),
    ] {
        let refused = rules::parse(&bad, "some.yml").rules[0].refused.clone().unwrap_or_default();
        assert!(refused.contains(reason), "{refused} instead of {reason}");
    }
}

#[test]
fn fields_of_another_taxonomy_are_refused() {
    let rule = named("a");
    let correlation = "title: many\nid: k\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [Computer]\n  timespan: 5m\n  condition:\n    gte: 3\n";
    let filter = "title: f\nid: f\nlogsource:\n  category: process_creation\n  product: windows\nfilter:\n  rules: [a]\n  sel:\n    User: b\n  condition: not sel\n";
    for document in [rule.trim_end(), correlation.trim_end(), filter.trim_end()] {
        let refused = |taxonomy: &str| {
            let text = format!("{document}\n{taxonomy}\n");
            rules::parse(&text, "made.yml").rules.remove(0).refused
        };
        for own in ["", "taxonomy: sigma", "taxonomy: Sysmon", "taxonomy:"] {
            assert_eq!(refused(own), None, "{own}\n{document}");
        }
        for other in ["taxonomy: ecs", "taxonomy: 5", "taxonomy: [sigma]"] {
            let why = refused(other).unwrap_or_default();
            assert!(why.starts_with("taxonomy"), "{other}: {why:?}\n{document}");
        }
        assert!(refused("taxonomy: ecs").is_some_and(|why| why.contains("'ecs'")));
    }
    // In a collection, too.
    let old = |taxonomy: &str| {
        let global =
            format!("action: global\ntitle: both\nid: g\n{taxonomy}\ndetection:\n  s: {{Image: a}}\n  condition: s\n");
        rules::parse(&format!("{global}---\nlogsource: {{product: windows, category: process_creation}}\n"), "old.yml")
    };
    let [own, ecs] = ["taxonomy: sigma", "taxonomy: ecs"].map(|t| old(t).rules.remove(0).refused);
    assert_eq!(own, None);
    assert!(ecs.is_some_and(|why| why.contains("'ecs'")));
    let odd = old("taxonomy: 5");
    assert!(odd.rules.is_empty() && odd.issues[0].reason.contains("taxonomy"), "{odd:?}");
}

#[test]
fn identity_and_version_follow_from_the_text() {
    let one = |text: &str| rules::parse(text, "x.yml").rules.remove(0);
    let (a, b) = (one(&named("a")), one(&format!("{}level: low\n", named("a"))));
    assert_eq!(a.id, b.id);
    assert_ne!(a.version, b.version);
    assert_eq!((a.level.as_str(), b.level.as_str()), ("medium", "low"));
    let nameless = named("a").replace("id: a\n", "");
    assert_eq!(one(&nameless).id, one(&nameless).id);
    assert_eq!(one(&nameless).refused, None);
}

#[test]
fn older_collections_are_joined() {
    let text = "action: global\ntitle: both\nid: g\ndetection:\n  sel:\n    Image: a\n  condition: sel\n---\nlogsource:\n  product: windows\n  category: process_creation\n---\nlogsource:\n  product: windows\n  category: process_termination\n";
    let loaded = rules::parse(text, "old.yml");
    assert_eq!(loaded.issues, []);
    let sources: Vec<&str> = loaded.rules.iter().map(|r| r.logsource.as_str()).collect();
    assert_eq!(sources, ["process_creation", "process_termination"]);
    assert_ne!(loaded.rules[0].id, loaded.rules[1].id);
    assert_eq!(rules::RuleSet::compile(&loaded.rules).0.len(), 2);
}

#[test]
fn hostile_text_does_no_harm() {
    for condition in ["(".repeat(100_000), "not ".repeat(100_000) + "sel", "sel and ".repeat(20_000) + "sel"] {
        let text = rule("process_creation", &format!("sel:\n  Image: a\ncondition: {condition}"));
        let loaded = rules::parse(&text, "deep.yml");
        assert_eq!(loaded.rules.len() + loaded.issues.len(), 1);
    }
    for open in ["[", "{a: ", "\n - - ", "\n ? ? "] {
        let deep = format!("title: t\ndetection: {open}{}", open.trim_start().repeat(1_000_000));
        let loaded = rules::parse(&deep, "deep.yml");
        assert!(loaded.rules.is_empty() && loaded.issues[0].reason.contains("are open"), "{open}");
    }
    let dashes = format!("sel:\n  CommandLine|windash|contains: '{}'\ncondition: sel", " -a".repeat(50));
    assert_eq!(rules::parse(&rule("process_creation", &dashes), "dashes.yml").rules.len(), 1);
}

#[test]
fn folders_and_archives_give_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("set");
    fs::create_dir_all(folder.join("deeper")).unwrap();
    fs::write(folder.join("a.yml"), named("a")).unwrap();
    fs::write(folder.join("deeper/b.YAML"), named("b")).unwrap();
    fs::write(folder.join("deeper/again.yml"), named("a")).unwrap();
    fs::write(folder.join("latin.yml"), b"title: \xE4").unwrap();
    fs::write(folder.join("README.md"), "about").unwrap();

    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("set", &folder).unwrap();
    let tar = tar.into_inner().unwrap();
    let gzip = {
        let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        w.write_all(&tar).unwrap();
        w.finish().unwrap()
    };
    let zip = {
        let mut w = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["a.yml", "deeper/b.YAML", "deeper/again.yml", "latin.yml", "README.md"] {
            w.start_file(format!("set/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
            w.write_all(&fs::read(folder.join(name)).unwrap()).unwrap();
        }
        w.finish().unwrap().into_inner()
    };
    let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
    let mut paths = vec![folder];
    for (name, bytes) in [("s.tar", tar), ("s.tar.gz", gzip), ("s.tar.zst", zstd), ("s.zip", zip)] {
        fs::write(dir.path().join(name), bytes).unwrap();
        paths.push(dir.path().join(name));
    }
    for path in paths {
        let loaded = rules::load(&path).unwrap();
        let mut ids: Vec<&str> = loaded.rules.iter().map(|r| r.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["a", "b"], "{path:?}");
        assert_eq!(loaded.other_files.len(), 1, "{path:?}");
        let mut reasons: Vec<&str> = loaded.issues.iter().map(|i| i.reason.as_str()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons.len(), 2, "{path:?} {reasons:?}");
        assert!(reasons[0] == "not UTF-8 text" && reasons[1].starts_with("rule id a is already that of"));
    }
    let bad = dir.path().join("bad.tar.gz");
    fs::write(&bad, [0x1F, 0x8B, 8, 0, 1, 2, 3]).unwrap();
    assert!(rules::load(&bad).is_err());
    assert!(rules::load(&dir.path().join("nowhere")).is_err());
}

#[test]
fn rule_files_of_sysmonsearch_are_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"{"operator": "OR", "patterns": [{"key": "IpAddress", "value": "203.0.113."}, {"key": "Port", "value": "8443"}]}"#;
    fs::write(dir.path().join("1.sample"), file).unwrap();
    fs::write(dir.path().join("2.json"), file.replace("OR", "NOR")).unwrap();
    fs::write(dir.path().join("other.json"), r#"{"operator": "OR"}"#).unwrap();
    fs::write(dir.path().join("a.yml"), named("a")).unwrap();
    let loaded = rules::load(dir.path()).unwrap();
    let found: Vec<_> = loaded.rules.iter().map(|r| (r.title.as_str(), r.refused.as_deref())).collect();
    assert_eq!(found.len(), 2, "{loaded:?}");
    assert!(found.contains(&("SysmonSearch rule 1.sample", None)), "{found:?}");
    assert!(loaded.issues.len() == 1 && loaded.issues[0].reason.contains("NOR"), "{:?}", loaded.issues);
    assert_eq!(loaded.other_files.len(), 1, "{:?}", loaded.other_files);
}

#[test]
fn what_is_no_value_of_a_field_is_refused_with_its_name() {
    for (selection, part) in [
        ("CommandLine|contains: [foo: bar]", "'CommandLine|contains'"),
        ("CommandLine: {foo: bar}", "'CommandLine': a mapping"),
        ("Image: [[a]]", "'Image': a list"),
        ("4688: cmd", "no text"),
    ] {
        let text = rule("process_creation", &format!("sel:\n  {selection}\ncondition: sel"));
        let refused = rules::parse(&text, "made.yml").rules.remove(0).refused.unwrap_or_default();
        assert!(refused.contains(part), "{selection}: {refused:?}");
        let filter = format!("title: f\nid: f\nfilter:\n  rules: [a]\n  sel:\n    {selection}\n  condition: not sel\n");
        let refused = rules::parse(&filter, "made.yml").rules.remove(0).refused.unwrap_or_default();
        assert!(refused.contains(part), "{selection}: {refused:?}");
    }
    let text = rule("process_creation", "sel:\n  - - '\\b.exe'\ncondition: sel");
    let refused = rules::parse(&text, "made.yml").rules.remove(0).refused.unwrap_or_default();
    assert!(refused.contains("'sel': a list"), "{refused:?}");
    // In a collection, too.
    let old = "action: global\ntitle: t\nlogsource: {category: process_creation}\n---\ndetection:\n  s: {Image: {a: b}}\n  condition: s\n";
    let loaded = rules::parse(old, "made.yml");
    assert!(loaded.rules.is_empty() && loaded.issues[0].reason.contains("'Image'"), "{loaded:?}");
}
