//! Sigma YAML into rules as stored, each document with a verdict.
use super::{Loaded, correlation, filter, logsource, set};
use crate::{
    error::Issue,
    event::{
        Time,
        detection::{LEVELS, Rule},
    },
};
use rsigma_parser::{SigmaCollection, SigmaRule, emit_rule_yaml, parse_sigma_yaml};
use uuid::Uuid;
use yaml_serde::{Mapping, Value};

/// Namespace of rule versions and of ids of rules that have none; part of the stored form, never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x1b7d_61f4_08ac_5c3e_a6f1_93d2_77e0_4b58);

/// Level of a rule that states none, or none of [`LEVELS`].
const DEFAULT_LEVEL: &str = "medium";
/// Nesting of a condition, in parentheses and negations: deeper ones would exhaust the stack of a parser.
const MAX_NESTING: usize = 200;
/// Brackets of a document that are open at once, and entries in each other on one line: with each the reader of YAML takes
/// longer, or more memory, for all that follows.
const MAX_OPEN: usize = 1_000;

/// Rules in YAML text of one or many documents. `origin` names the text in rules and issues.
pub fn parse(text: &str, origin: &str) -> Loaded {
    let mut loaded = Loaded::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    for (line, document) in documents_of(text) {
        if open(document) > MAX_OPEN {
            let why = format!("not YAML of a rule: more than {MAX_OPEN} brackets or entries are open");
            bad_document(&mut loaded, origin, line, document, &why);
            continue;
        }
        match yaml_serde::from_str::<Value>(document) {
            Ok(Value::Null) => {}
            Ok(Value::Mapping(map)) => documents.push((line, document, map)),
            Ok(_) => bad_document(&mut loaded, origin, line, document, "not a Sigma document: no mapping of keys"),
            Err(e) => bad_document(&mut loaded, origin, line, document, &format!("not YAML: {e}")),
        }
    }
    if documents.iter().any(|(.., map)| map.contains_key("action")) {
        collection(&mut loaded, origin, text, &documents);
        return loaded;
    }
    for (line, document, map) in documents {
        one(&mut loaded, origin, line, document, &map);
    }
    loaded
}

/// Documents with the line on which each begins.
fn documents_of(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let (mut start, mut first, mut at) = (0, 1, 0);
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let mark = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
        if mark.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            out.push((first, &text[start..at]));
            // The separator line may carry a comment only.
            (start, first) = (at + line.len(), n + 2);
        }
        at += line.len();
    }
    out.push((first, &text[start..]));
    out.retain(|(_, d)| d.lines().any(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#')));
    out
}

/// Most brackets that are open at once, those in texts too, or entries that begin on one line.
fn open(document: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for line in document.lines() {
        let entries = line.trim_start().as_bytes().chunks(2).take_while(|c| *c == b"- " || *c == b"? ").count();
        most = most.max(entries);
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            most = most.max(open);
        }
    }
    most
}

fn bad_document(loaded: &mut Loaded, origin: &str, line: usize, document: &str, reason: &str) {
    let end = document.floor_char_boundary(Issue::MAX_RECORD);
    loaded.issues.push(Issue {
        source: origin.into(),
        position: format!("line {line}"),
        reason: reason.into(),
        record: Some(document[..end].to_owned()),
    });
}

fn one(loaded: &mut Loaded, origin: &str, line: usize, document: &str, map: &Mapping) {
    let verdict = if too_deep(map) {
        Err(format!("condition nested more than {MAX_NESTING} deep"))
    } else {
        parse_sigma_yaml(document).map_err(|e| e.to_string()).and_then(|c| verdict(c, map, loaded, origin, line))
    };
    match described(map, document, origin, verdict.err()) {
        Some(rule) => loaded.rules.push(rule),
        None => bad_document(loaded, origin, line, document, "neither an id nor a title"),
    }
}

/// Whether a document that the parser has read can be matched. Doubts that change nothing become issues.
fn verdict(
    parsed: SigmaCollection,
    map: &Mapping,
    loaded: &mut Loaded,
    origin: &str,
    line: usize,
) -> Result<(), String> {
    taxonomy(map)?;
    if map.contains_key("correlation") {
        // Whether its members are there is seen when rules are compiled.
        return correlation::parse(map).map(drop);
    }
    if let [filter] = parsed.filters.as_slice() {
        // The parser takes a filter that names no rule for one of all rules.
        let of = map.get("filter").and_then(|f| f.get("rules"));
        let named =
            of.is_some_and(|r| r.is_string() || r.as_sequence().is_some_and(|s| s.iter().any(Value::is_string)));
        if !named {
            return Err("a filter that names no rule".into());
        }
        return plain(map, "filter").and_then(|()| filter::verdict(filter));
    }
    let [rule] = parsed.rules.as_slice() else {
        return Err(parsed.errors.join("; "));
    };
    for doubt in parsed.errors {
        loaded.issue(origin, format!("line {line}"), doubt);
    }
    plain(map, "detection").and_then(|()| set::check(rule))
}

/// Refuses names of fields that are not Sigma's own: of another taxonomy they mean other fields, or none.
fn taxonomy(map: &Mapping) -> Result<(), String> {
    match map.get("taxonomy") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(name)) => match name.trim().to_ascii_lowercase().as_str() {
            "" | "sigma" | "sysmon" => Ok(()),
            _ => Err(format!("taxonomy '{}': its fields are not those of Sigma", name.trim())),
        },
        Some(_) => Err("taxonomy: no text".into()),
    }
}

/// Refuses values of a document's detections that the parser would make texts of, which match nothing.
fn plain(map: &Mapping, key: &str) -> Result<(), String> {
    const fn is_plain(value: &Value) -> bool {
        !matches!(value, Value::Mapping(_) | Value::Sequence(_) | Value::Tagged(_))
    }
    fn fields(of: &Mapping) -> Result<(), String> {
        for (name, value) in of {
            let Some(name) = name.as_str() else {
                return Err("a field whose name is no text: put it in quotes".into());
            };
            match value {
                // Of a field of an array, which is refused as such.
                Value::Mapping(_) if name.contains('[') => {}
                Value::Sequence(all) if all.iter().all(is_plain) => {}
                Value::Sequence(_) => return Err(format!("field '{name}': a list or mapping inside of its list")),
                value if is_plain(value) => {}
                _ => return Err(format!("field '{name}': a mapping is no value")),
            }
        }
        Ok(())
    }
    let Some(parts) = map.get(key).and_then(Value::as_mapping) else { return Ok(()) };
    for (name, part) in parts {
        let Some(name) = name.as_str() else {
            return Err("a part of the detection whose name is no text: put it in quotes".into());
        };
        match part {
            _ if matches!(name, "condition" | "timeframe" | "rules") => {}
            Value::Mapping(of) => fields(of)?,
            Value::Sequence(all) => {
                for one in all {
                    match one {
                        Value::Mapping(of) => fields(of)?,
                        one if is_plain(one) => {}
                        _ => return Err(format!("'{name}': a list inside of its list")),
                    }
                }
            }
            part if is_plain(part) => {}
            _ => return Err(format!("'{name}': neither fields nor values")),
        }
    }
    Ok(())
}

fn too_deep(map: &Mapping) -> bool {
    fn deep(text: &str) -> bool {
        let (mut open, mut most) = (0_usize, 0_usize);
        for c in text.chars() {
            match c {
                '(' => open += 1,
                ')' => open = open.saturating_sub(1),
                _ => {}
            }
            most = most.max(open);
        }
        most + text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.eq_ignore_ascii_case("not")).count()
            > MAX_NESTING
    }
    fn walk(value: &Value, condition: bool) -> bool {
        match value {
            Value::String(s) => condition && deep(s),
            Value::Sequence(all) => all.iter().any(|v| walk(v, condition)),
            Value::Mapping(m) => m.iter().any(|(k, v)| walk(v, k.as_str() == Some("condition"))),
            _ => false,
        }
    }
    map.iter().any(|(k, v)| walk(v, k.as_str() == Some("condition")))
}

/// The stored form of a document; `None` where it has neither id nor title.
fn described(map: &Mapping, text: &str, origin: &str, refused: Option<String>) -> Option<Rule> {
    let get = |key: &str| map.get(key).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty());
    let (id, title) = (get("id"), get("title"));
    let version = Uuid::new_v5(&NAMESPACE, text.as_bytes()).to_string();
    let source = map.get("logsource").and_then(Value::as_mapping);
    let of_source = |key: &str| source.and_then(|s| s.get(key)).and_then(Value::as_str).map(str::to_owned);
    let logsource = if map.contains_key("correlation") {
        correlation::LOGSOURCE.to_owned()
    } else if map.contains_key("filter") {
        filter::LOGSOURCE.to_owned()
    } else {
        logsource::label(&rsigma_parser::LogSource {
            category: of_source("category"),
            product: of_source("product"),
            service: of_source("service"),
            ..Default::default()
        })
    };
    let tags = map.get("tags").and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default();
    Some(Rule {
        id: id.map_or_else(|| title.map(|_| version.clone()), |id| Some(id.to_owned()))?,
        title: title.or(id)?.to_owned(),
        version,
        level: get("level").filter(|l| LEVELS.contains(l)).unwrap_or(DEFAULT_LEVEL).to_owned(),
        status: get("status").unwrap_or_default().to_owned(),
        description: get("description").unwrap_or_default().to_owned(),
        tags: tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        logsource,
        text: text.to_owned(),
        origin: origin.to_owned(),
        enabled: true,
        refused,
        loaded: Time::now(),
    })
}

/// A file in the older form whose documents build on one another (`action: global` and so on): each rule is
/// stored with its parts joined.
fn collection(loaded: &mut Loaded, origin: &str, text: &str, documents: &[(usize, &str, Mapping)]) {
    if documents.iter().any(|(.., map)| too_deep(map)) {
        return loaded.issue(origin, "line 1", format!("condition nested more than {MAX_NESTING} deep"));
    }
    let bad = |map: &Mapping| {
        // One that is no text is lost when the parts are joined.
        let lost = map.get("taxonomy").is_some_and(|t| !t.is_string());
        plain(map, "detection").and_then(|()| if lost { taxonomy(map) } else { Ok(()) }).err()
    };
    if let Some((line, why)) = documents.iter().find_map(|(l, _, map)| Some((l, bad(map)?))) {
        return loaded.issue(origin, format!("line {line}"), why);
    }
    let parsed = match parse_sigma_yaml(text) {
        Ok(parsed) => parsed,
        Err(e) => return loaded.issue(origin, "line 1", e.to_string()),
    };
    if !parsed.correlations.is_empty() || !parsed.filters.is_empty() {
        loaded.issue(
            origin,
            "line 1",
            "correlations and filters inside of a collection are left out: write each as a document of its own",
        );
    }
    for error in &parsed.errors {
        loaded.issue(origin, "line 1", error.as_str());
    }
    for rule in &parsed.rules {
        joined(loaded, origin, rule);
    }
}

fn joined(loaded: &mut Loaded, origin: &str, rule: &SigmaRule) {
    let text = emit_rule_yaml(rule);
    let Ok(Value::Mapping(map)) = yaml_serde::from_str::<Value>(&text) else {
        return loaded.issue(origin, "line 1", format!("'{}' cannot be written on its own", rule.title));
    };
    let verdict = taxonomy(&map).and_then(|()| set::check(rule));
    let Some(mut out) = described(&map, &text, origin, verdict.err()) else {
        return loaded.issue(origin, "line 1", "neither an id nor a title");
    };
    // Rules of one collection often share the id of its global part.
    if loaded.rules.iter().any(|r| r.id == out.id) {
        out.id.clone_from(&out.version);
    }
    loaded.rules.push(out);
}
