//! Real reports: what each file gives, by counts and a digest of its indicators (`expected.tsv`; the content is not
//! ours to publish), and files of the same content in several formats.
use crate::support::data;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use sysmonsearch::{
    event::{Time, indicator::Tlp},
    intel::{self, Report},
    rules,
};

fn files(root: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { out.push(path) }
        }
    }
    out.sort();
    out
}

fn read(path: &Path) -> Report {
    let name = path.file_name().unwrap().to_string_lossy();
    intel::load(path, &name, "test").unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Sorted, without the ids of the objects, which differ between formats.
fn lines(report: &Report) -> BTreeSet<String> {
    let line = |i: &sysmonsearch::event::indicator::Indicator| {
        let until = i.valid_until.map(Time::rfc3339).unwrap_or_default();
        let tlp = i.tlp.map(Tlp::as_str).unwrap_or_default();
        format!("{}\t{}\t{}\t{until}\t{tlp}", i.kind.as_str(), i.relation.as_str(), i.value)
    };
    report.indicators.iter().map(line).collect()
}

/// Kind, relation and value only.
fn values(report: &Report) -> BTreeSet<String> {
    let line = |i: &sysmonsearch::event::indicator::Indicator| {
        format!("{} {} {}", i.kind.as_str(), i.relation.as_str(), i.value.to_lowercase())
    };
    report.indicators.iter().map(line).collect()
}

fn row(root: &Path, path: &Path) -> String {
    let report = read(path);
    let mut counts = BTreeMap::<&str, usize>::new();
    for i in &report.indicators {
        *counts.entry(i.kind.as_str()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(k, n)| format!("{n} {k}")).collect();
    let text: Vec<String> = lines(&report).into_iter().collect();
    let digest: String = Sha256::digest(text.join("\n")).iter().map(|b| format!("{b:02x}")).collect();
    let name = path.strip_prefix(root).unwrap().display().to_string();
    let format = report.import.format.as_str();
    format!("{name}\t{format}\t{} issues\t{}\t{digest}", report.issues.len(), counts.join(", "))
}

#[test]
fn every_file_gives_what_was_reviewed() {
    let Some(data) = data() else { return };
    let root = data.join("ioc");
    let found: Vec<String> = files(&root).iter().map(|p| row(&root, p)).collect();
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/intel/expected.tsv");
    if std::env::var_os("UPDATE_INTEL").is_some() {
        std::fs::write(&expected, found.join("\n") + "\n").unwrap();
    }
    let expected = std::fs::read_to_string(expected).unwrap();
    let expected: Vec<&str> = expected.lines().collect();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn every_rule_of_every_file_is_matched() {
    let Some(data) = data() else { return };
    for path in files(&data.join("ioc")) {
        let report = read(&path);
        for text in &report.rules {
            let loaded = rules::parse(text, "made");
            assert_eq!(loaded.issues, [], "{}", path.display());
            let refused: Vec<_> = loaded.rules.iter().filter_map(|r| r.refused.as_deref()).collect();
            assert!(refused.is_empty(), "{}: {refused:?}\n{text}", path.display());
        }
    }
}

/// Prints what a file gives, for its review: `INTEL_FILE=part-of-name cargo test --test it intel::real::print -- --ignored --nocapture`.
#[test]
#[ignore = "prints the content for a review"]
fn print() {
    let Some(data) = data() else { return };
    let part = std::env::var("INTEL_FILE").unwrap_or_default();
    for path in files(&data.join("ioc")).iter().filter(|p| p.display().to_string().contains(&part)) {
        let report = read(path);
        println!("== {}", path.display());
        lines(&report).iter().for_each(|l| println!("  {l}"));
        report.issues.iter().for_each(|i| println!("  ! {}: {}", i.position, i.reason));
    }
}

/// Of the same content, what differs and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("201512_PackRAT", "OpenIOC leaves one of the domains out"),
    ("201608_Group5", "OpenIOC leaves out what MISP does not mark for detection"),
    ("201808_FamiliarFeeling", "OpenIOC leaves out what MISP does not mark for detection"),
    ("201611_KeyBoy", "misp.json is the event of another organisation about the same report, with more hashes"),
    ("command-and-control-ip-list", "the domain is in the STIX 2 files only"),
    ("archive-file", "STIX 2 has a file object for each archived file; in STIX 1 they are content of the archive"),
    ("find_windows", "the local port of OpenIOC became a port of neither end in STIX 1"),
    ("socket-address-pattern", "the socket of neither end in STIX 1 became a source in STIX 2"),
    ("stuxnet", "OpenIOC has the hive as part of the text that the path contains, STIX 1 beside it"),
    ("sysmonsearch-stuxnet", "as stuxnet"),
    (
        "taxii-regression-test-11-not-all",
        "an address related to that of STIX 1 became one of two observations in STIX 2",
    ),
];

#[test]
fn the_same_content_gives_the_same_indicators() {
    let Some(data) = data() else { return };
    let root = data.join("ioc");
    let mut groups = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in files(&root) {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let group = match name.split_once('/').unwrap() {
            ("citizenlab-same-report-in-several-formats", rest) => rest.split('/').next().unwrap(),
            ("openioc-stix1-pairs" | "stix1-stix2-pairs", rest) => {
                rest.split(".stix").next().unwrap().trim_end_matches(".ioc.xml")
            }
            ("sysmonsearch", rest) if rest.starts_with("stuxnet") => "sysmonsearch-stuxnet",
            _ => continue,
        };
        groups.entry(group.to_owned()).or_default().push(path);
    }
    let mut wrong = Vec::new();
    for (group, paths) in groups {
        let all: Vec<BTreeSet<String>> = paths.iter().map(|p| values(&read(p))).collect();
        let equal = all.windows(2).all(|w| w[0] == w[1]);
        let explained = EXPLAINED.iter().any(|(g, _)| *g == group);
        if equal == explained {
            wrong.push(format!("{group}: equal {equal}, explained {explained}"));
            let every: BTreeSet<&String> = all.iter().flatten().collect();
            for value in every.into_iter().filter(|v| !all.iter().all(|a| a.contains(*v))) {
                let has: Vec<bool> = all.iter().map(|a| a.contains(value)).collect();
                wrong.push(format!("    {has:?} {value}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
