//! Hits per file and rule over the real logs, against what four other engines and the rules' authors say.
use super::explained::EXPLAINED;
use crate::support::{data, file_events};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};
use sysmonsearch::rules::{self, Loaded, RuleSet};

type Counts = BTreeMap<(String, String), u64>;

/// Rows of a CSV file with quoted fields, without its head.
fn rows(name: &str) -> Option<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(data()?.join(name)).unwrap();
    let row = |line: &str| {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                c => fields.last_mut().unwrap().push(c),
            }
        }
        fields
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// The published rules, and those of them that are matched.
fn published() -> &'static (Loaded, RuleSet) {
    static RULES: OnceLock<(Loaded, RuleSet)> = OnceLock::new();
    RULES.get_or_init(|| {
        let loaded = rules::load(&data().unwrap().join("rules/sigma-rules-windows.tar.xz")).unwrap();
        let (set, failed) = RuleSet::compile(&loaded.rules);
        assert_eq!(failed, []);
        (loaded, set)
    })
}

fn is_matched(id: &str) -> bool {
    published().0.rules.iter().any(|r| r.id == id && r.refused.is_none())
}

fn count(files: &BTreeSet<String>) -> Counts {
    let mut counts = Counts::new();
    for file in files {
        for event in file_events(file).unwrap() {
            for hit in published().1.matches(&event) {
                *counts.entry((file.clone(), hit.rule_id.to_string())).or_default() += 1;
            }
        }
    }
    counts
}

/// Logs that the other engines have read: those of the manifest in the layouts they know.
fn logs() -> BTreeSet<String> {
    let known = ["evtx/", "json-nxlog-flat/", "json-winlogbeat6/", "sigma-regression/"];
    let is_log = |f: &String| {
        known.iter().any(|k| f.starts_with(k))
            && (f.ends_with(".evtx") || !f.contains("evtx") && !f.contains("regression"))
    };
    let manifest = rows("manifest.csv").unwrap();
    manifest
        .into_iter()
        .map(|mut r| r.swap_remove(0))
        .filter(is_log)
        .filter(|f| data().unwrap().join(f).is_file())
        .collect()
}

#[test]
fn hits_equal_what_other_engines_agree_on() {
    let Some(agreed) = rows("expected-sigma-agreed.csv") else { return };
    let mut files = logs();
    files.extend(agreed.iter().map(|r| r[0].clone()));
    let ours = count(&files);
    let mut expected = Counts::new();
    let mut not_published = 0;
    for row in &agreed {
        if is_matched(&row[1]) {
            expected.insert((row[0].clone(), row[1].clone()), row[6].parse().unwrap());
        } else {
            assert!(row[5].starts_with("th/") || row[5].starts_with("et/"), "{row:?} is in the archive");
            not_published += 1;
        }
    }
    let found = |counts: &Counts, key| counts.get(key).copied().unwrap_or_default();
    let keys: BTreeSet<_> = ours.keys().chain(expected.keys()).collect();
    let (mut matched, mut missing, mut extra) = (0, Vec::new(), Vec::new());
    let mut differences = BTreeSet::new();
    for key in keys {
        let (theirs, mine) = (found(&expected, key), found(&ours, key));
        if theirs == mine {
            matched += 1;
            continue;
        }
        let why = EXPLAINED.iter().find(|d| (d.0, d.1, d.2, d.3) == (key.0.as_str(), key.1.as_str(), theirs, mine));
        let line =
            format!("{} {} agreed {theirs}, found {mine}: {}", key.0, key.1, why.map_or("NOT EXPLAINED", |d| d.4));
        if mine < theirs {
            missing.push(line)
        } else {
            extra.push(line)
        }
        differences.insert((key.0.as_str(), key.1.as_str(), theirs, mine));
    }
    println!("{} files; matched {matched}, missing {}, extra {}", files.len(), missing.len(), extra.len());
    println!("{not_published} rows are of rules that are not in the archive");
    missing.iter().for_each(|l| println!("missing: {l}"));
    extra.iter().for_each(|l| println!("extra: {l}"));
    assert_eq!(matched, 826);
    assert_eq!(differences, EXPLAINED.iter().map(|d| (d.0, d.1, d.2, d.3)).collect());
}

#[test]
fn hits_equal_what_the_authors_of_the_rules_expect() {
    let Some(expected) = rows("expected-regression.csv") else { return };
    let (rows, other): (Vec<_>, Vec<_>) = expected.into_iter().partition(|r| is_matched(&r[1]));
    let ours = count(&rows.iter().map(|r| r[0].clone()).collect());
    let mut wrong = Vec::new();
    let mut without_count = 0;
    for row in &rows {
        let found = ours.get(&(row[0].clone(), row[1].clone())).copied().unwrap_or_default();
        match row[2].parse::<u64>() {
            Ok(n) if n != found => wrong.push(format!("{} {}: authors {n}, found {found}", row[0], row[1])),
            Ok(_) => {}
            // The authors give no number; the other engines do.
            Err(_) => {
                without_count += 1;
                assert_eq!(row[3], found.to_string(), "{row:?}");
            }
        }
    }
    println!("matched {}, without a count of the authors {without_count}", rows.len() - wrong.len() - without_count);
    wrong.iter().for_each(|w| println!("{w}"));
    assert!(wrong.is_empty());
    let other: BTreeSet<&str> = other.iter().map(|r| r[1].as_str()).collect();
    let not_matched = [
        // Emerging threats: not in the archive.
        "9b4e7c2a-3f6d-4a8b-b5e9-1c7d3f2e6a4b",
        "a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c",
        "af688c76-4ce4-4309-bfdd-e896f01acf27",
        // Windows' own channels, not Sysmon: security and wmi.
        "d4f1a2b3-7c8e-4d5f-b6a9-1e0c2d3f4e5b",
        "e3c6d245-7b8f-4e2a-c17f-a9d0e5b38f62",
    ];
    assert_eq!(other, BTreeSet::from(not_matched));
}

#[test]
fn published_rules_ask_fields_that_events_have() {
    if data().is_none() {
        return;
    }
    let matched: Vec<_> = published().0.rules.iter().filter(|r| r.refused.is_none()).collect();
    let mut warned = Vec::new();
    for rule in &matched {
        let problems = rules::check::check(&rule.text).into_iter();
        warned.extend(problems.map(|p| p.message).filter(|m| m.contains("has a field")).map(|m| (&rule.title, m)));
    }
    for (title, message) in &warned {
        println!("{title}: {message}");
    }
    assert!(warned.len() * 50 < matched.len(), "{} warnings for {} rules: {warned:#?}", warned.len(), matched.len());
}
