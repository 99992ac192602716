//! The house's own rules: what the compiler does not check.
use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lines of a source file; some hundreds are read at one sitting.
const MAX_LINES: usize = 600;

/// Every room, and the rooms it may know besides those under it in [`BELOW`].
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("checkup", &["error"]),
    ("event", &["error"]),
    ("ingest", BELOW),
    ("neo4j", &["error", "checkup"]),
    ("elastic", &["error", "checkup"]),
    ("store", &["error", "checkup", "event", "elastic"]),
    ("graph", &["error", "checkup", "event", "neo4j"]),
    ("rules", BELOW),
    ("intel", BELOW),
    ("catalog", &["error", "checkup", "event", "neo4j", "elastic"]),
    ("demo", BELOW),
    ("config", &["error", "checkup", "event", "elastic"]),
    ("telemetry", BELOW),
    ("pipeline", SIBLINGS),
    ("serve", &["pipeline"]),
    ("cli", &["pipeline", "serve"]),
];
const BELOW: &[&str] = &["error", "checkup", "event"];
/// They do not know each other; what is above may know all of them.
const SIBLINGS: &[&str] = &["ingest", "store", "graph", "rules", "intel", "catalog", "demo", "config", "telemetry"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Tracked files and those about to be, relative to the top.
fn tracked() -> Vec<String> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(out.status.success(), "git ls-files: {}", String::from_utf8_lossy(&out.stderr));
    let names = String::from_utf8(out.stdout).expect("file names are UTF-8");
    names.lines().filter(|n| root().join(n).is_file()).map(str::to_owned).collect()
}

fn text(name: &str) -> Option<String> {
    String::from_utf8(fs::read(root().join(name)).expect(name)).ok()
}

/// Source files under `src/` with what a release contains: no comments, no unit tests.
fn sources() -> Vec<(String, String)> {
    let names = tracked().into_iter().filter(|n| n.starts_with("src/") && is(n, "rs") && !n.ends_with("tests.rs"));
    names.map(|n| (n.clone(), without_comments(&without_tests(&text(&n).expect(&n))))).collect()
}

fn is(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == ending)
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect()
}

fn without_tests(text: &str) -> String {
    text.split_once("#[cfg(test)]\nmod ").map_or(text, |(code, _)| code).to_owned()
}

/// Rooms named behind `crate::`, also in `crate::{a::b, c}`.
fn named_rooms(code: &str) -> BTreeSet<String> {
    let name = |t: &str| t.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            rooms.insert(name(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in list.chars() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    rooms.insert(name(&std::mem::take(&mut item)));
                    continue;
                }
                _ => {}
            }
            item.push(c);
        }
        rooms.insert(name(&item));
    }
    rooms.remove("");
    rooms
}

#[test]
fn rooms_are_read_from_paths_and_lists() {
    let code = "use crate::{\n  error::{Error, Result},\n  event,\n};\nfn f() { crate::store::g(); sysmoncrate::x(); }";
    assert_eq!(named_rooms(code).into_iter().collect::<Vec<_>>(), ["error", "event", "store"]);
}

fn may_know(room: &str) -> BTreeSet<&'static str> {
    let own = ROOMS.iter().find(|(r, _)| *r == room).map(|(_, known)| *known).unwrap_or_default();
    own.iter().flat_map(|r| may_know(r).into_iter().chain([*r])).collect()
}

#[test]
fn arrows_between_rooms_go_one_way() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        let path = file.trim_start_matches("src/").trim_end_matches(".rs");
        let room = path.split('/').next().unwrap_or_default();
        if matches!(room, "lib" | "main") {
            continue;
        }
        assert!(ROOMS.iter().any(|(r, _)| *r == room), "{file}: a room that the tidy test does not know");
        let known = may_know(room);
        let all = ROOMS.iter().map(|r| r.0).collect::<BTreeSet<_>>();
        for other in named_rooms(&code) {
            if all.contains(other.as_str()) && other != room && !known.contains(other.as_str()) {
                wrong.push(format!("{file}: {room} must not know {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn source_files_are_short() {
    let long: Vec<String> = tracked()
        .into_iter()
        .filter(|n| ["rs", "ts", "tsx"].iter().any(|e| is(n, e)))
        .filter_map(|n| Some((text(&n)?.lines().count(), n)))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, n)| format!("{n}: {lines} lines, more than {MAX_LINES}"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn nothing_is_left_unfinished() {
    let left = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut found = Vec::new();
    for name in tracked().iter().filter(|n| ["rs", "ts", "tsx", "md", "sh", "css", "graphql"].iter().any(|e| is(n, e)))
    {
        let lines = text(name).unwrap_or_default();
        for (i, line) in lines.lines().enumerate() {
            found.extend(left.iter().filter(|w| line.contains(*w)).map(|w| format!("{name}:{}: {w}", i + 1)));
        }
    }
    let panics = [".unwrap()", ".expect(", "panic!(", "dbg!(", "unimplemented!(", "todo!(", "unreachable!("];
    for (file, code) in sources() {
        found.extend(panics.iter().filter(|p| code.contains(*p)).map(|p| format!("{file}: {p} outside of tests")));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_cypher_statement_is_used() {
    let code: String = sources().into_iter().map(|(_, c)| c).collect();
    let unused: Vec<String> = tracked()
        .into_iter()
        .filter(|n| is(n, "cypher") && !code.contains(n.as_str()) && !code.contains(n.trim_start_matches("cypher/")))
        .collect();
    assert!(unused.is_empty(), "nobody uses {unused:#?}");
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let mut found = Vec::new();
    for name in tracked() {
        let file = Path::new(&name).file_name().unwrap_or_default();
        let Some(content) = text(&name) else { continue };
        let settings = file == ".npmrc" || name.contains(".cargo/");
        if settings && ["registry=", "registry =", "//", "_auth"].iter().any(|s| content.contains(s)) {
            found.push(format!("{name}: the registry of one machine"));
        }
        found.extend(paths.iter().filter(|p| content.contains(*p)).map(|p| format!("{name}: {p}")));
        // Lock files name the public registries only.
        let lock = [("Cargo.lock", "source = \"", "registry+https://github.com/rust-lang/crates.io-index\"")];
        let npm = [("package-lock.json", "\"resolved\": \"", "https://registry.npmjs.org/")];
        for (lock, before, public) in lock.iter().chain(&npm) {
            if file == *lock {
                let others =
                    content.match_indices(before).filter(|(i, _)| !content[i + before.len()..].starts_with(public));
                found.extend(others.take(1).map(|_| format!("{name}: an address that is not {public}")));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_part_of_the_schema_is_described() {
    let schema = parse_schema(text("schema.graphql").expect("schema.graphql")).expect("the schema parses");
    let mut bare = Vec::new();
    for definition in schema.definitions {
        let TypeSystemDefinition::Type(t) = definition else { continue };
        let t = t.node;
        let own = t.name.node.to_string();
        if t.description.is_none() {
            bare.push(own.clone());
        }
        let mut field = |name: &str, described: bool| {
            if !described {
                bare.push(format!("{own}.{name}"));
            }
        };
        match t.kind {
            TypeKind::Object(o) => o.fields.iter().for_each(|f| field(&f.node.name.node, f.node.description.is_some())),
            TypeKind::Interface(i) => {
                i.fields.iter().for_each(|f| field(&f.node.name.node, f.node.description.is_some()));
            }
            TypeKind::InputObject(i) => {
                i.fields.iter().for_each(|f| field(&f.node.name.node, f.node.description.is_some()));
            }
            TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) => {}
        }
    }
    assert!(bare.is_empty(), "{} parts of schema.graphql have no description: {bare:#?}", bare.len());
}

#[test]
fn every_dependency_is_used() {
    let manifest = text("Cargo.toml").expect("Cargo.toml");
    let code: String = tracked().iter().filter(|n| is(n, "rs")).filter_map(|n| text(n)).collect();
    let mut section = "";
    let mut unused = Vec::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if section.ends_with("dependencies")
            && let Some((name, _)) = line.split_once(" = ")
        {
            let module = name.replace('-', "_");
            let used = [format!("{module}::"), format!("use {module};"), format!("derive({module}")];
            if !used.iter().any(|u| code.contains(u.as_str())) {
                unused.push(name.to_owned());
            }
        }
    }
    assert!(unused.is_empty(), "nobody uses {unused:#?}");
}

/// Licences that may be linked into a program under the Apache License 2.0 with no more than a notice.
/// CDLA is that of the list of root certificates.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

#[test]
fn every_dependency_has_a_licence_that_allows_it() {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo tells the dependencies");
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100);
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|p| {
            let licence = p["license"].as_str().unwrap_or_default();
            let is_allowed = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX)
                .is_ok_and(|e| e.evaluate(|r| r.license.id().is_some_and(|id| LICENCES.contains(&id.name))));
            (!is_allowed).then(|| format!("{} {}: {licence}", p["name"], p["version"]))
        })
        .collect();
    assert!(refused.is_empty(), "not allowed: {refused:#?}");
}

#[test]
fn every_rule_of_the_demo_is_listed() {
    let listed: BTreeSet<String> = sysmonsearch::demo::rules().iter().map(|(n, _)| (*n).to_owned()).collect();
    let files: BTreeSet<String> =
        tracked().iter().filter_map(|n| n.strip_prefix("src/demo/rules/")).map(str::to_owned).collect();
    assert_eq!(files, listed);
}
