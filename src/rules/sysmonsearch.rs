//! Rule files of SysmonSearch, for those who come from there: JSON with an operator and patterns of key and value.
//!
//! There each pattern is looked for anywhere in the value, and only in some of the events that carry the field. Here
//! it is looked for in all of them, so such a rule finds what it found there, and what it overlooked.
use super::search::{Head, to_sigma};
use crate::event::{
    Condition,
    condition::{Match, Operator},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Bytes of one file at most; they are some lines.
pub const MAX_FILE: usize = 64 << 10;
/// Namespace of the ids of these rules; part of the stored form, never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x9d40_7f1c_52ab_5b18_8e63_c04d_1f97_3a6e);

#[derive(Deserialize)]
struct RuleFile {
    operator: String,
    patterns: Vec<Pattern>,
    start_time: Option<Value>,
    end_time: Option<Value>,
}

#[derive(Deserialize)]
struct Pattern {
    key: String,
    value: Value,
}

/// Whether this is a rule file of SysmonSearch.
pub fn is_rule(content: &[u8]) -> bool {
    parsed(content).is_some()
}

/// The Sigma rule of a file; `None` where it is none of SysmonSearch's. The name of the file is the rule's identity.
///
/// # Errors
/// Why a file of theirs cannot become a rule.
pub fn sigma(content: &[u8], name: &str) -> Option<Result<String, String>> {
    parsed(content).map(|value| rule(value, name))
}

fn parsed(content: &[u8]) -> Option<Value> {
    if content.len() > MAX_FILE || content.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let value: Value = serde_json::from_slice(content).ok()?;
    let is_rule = value.get("patterns").is_some_and(Value::is_array) && value.get("operator").is_some();
    is_rule.then_some(value)
}

fn rule(value: Value, name: &str) -> Result<String, String> {
    let file: RuleFile = serde_json::from_value(value).map_err(|e| format!("not a rule of SysmonSearch: {e}"))?;
    if file.start_time.is_some() || file.end_time.is_some() {
        return Err("start_time and end_time belong to a search, not to a rule: remove them".into());
    }
    if file.patterns.is_empty() {
        return Err("it has no patterns, so it would match everything".into());
    }
    let parts = file.patterns.iter().map(comparison).collect::<Result<Vec<_>, _>>()?;
    let condition = match file.operator.to_ascii_lowercase().as_str() {
        "and" => Condition::And(parts),
        "or" => Condition::Or(parts),
        _ => return Err(format!("operator {:?}: it is AND or OR", file.operator)),
    };
    let base = name.rsplit(['/', '\\', '!']).next().unwrap_or(name);
    let head = Head {
        id: Uuid::new_v5(&NAMESPACE, base.as_bytes()).to_string(),
        title: format!("SysmonSearch rule {base}"),
        description: "Taken over from SysmonSearch.".into(),
        level: "medium".into(),
    };
    to_sigma(&condition, &head)
}

fn comparison(pattern: &Pattern) -> Result<Condition, String> {
    let value = match &pattern.value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        other => return Err(format!("value {other} of {:?}: a text is wanted", pattern.key)),
    };
    let is_hash = value.bytes().all(|b| b.is_ascii_hexdigit());
    let field = match pattern.key.to_ascii_lowercase().as_str() {
        "ipaddress" => "ip",
        "port" => "port",
        "hostname" => "host",
        "processname" => "process",
        "filename" => "file",
        "registrykey" => "registryKey",
        "registryvalue" => "registryValue",
        "hash" if is_hash => "hash",
        // With the name of the algorithm, as Sysmon writes it.
        "hash" => "Hashes",
        _ => return Err(format!("key {:?} is not known", pattern.key)),
    };
    Match::new(field, Operator::Contains, &[value]).map(Condition::Match).map_err(|e| e.message.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Result<String, String>> {
        sigma(text.as_bytes(), "folder/rules.zip!7.json")
    }

    #[test]
    fn a_rule_file_becomes_a_rule() {
        let text = r#"{"operator": "AND", "patterns": [
            {"key": "ProcessName", "value": "tool.exe"}, {"key": "Port", "value": 44},
            {"key": "Hash", "value": "0123abcd"}, {"key": "Hash", "value": "MD5=0123"}]}"#;
        let rule = of(text).unwrap().unwrap();
        let loaded = super::super::parse(&rule, "test");
        let [rule] = loaded.rules.as_slice() else { panic!("{loaded:?}") };
        assert_eq!((rule.title.as_str(), &rule.refused), ("SysmonSearch rule 7.json", &None), "{}", rule.text);
        let back = super::super::search::to_condition(&rule.text).unwrap();
        assert!(matches!(back, Condition::And(parts) if parts.len() == 4));
        let again = of(&text.replace("44", "45")).unwrap().unwrap();
        assert_eq!(super::super::parse(&again, "test").rules[0].id, rule.id, "the name of the file is its identity");
    }

    #[test]
    fn what_cannot_become_a_rule_says_why() {
        for (text, why) in [
            (r#"{"operator": "XOR", "patterns": [{"key": "Hash", "value": "a"}]}"#, "XOR"),
            (r#"{"operator": "OR", "patterns": []}"#, "no patterns"),
            (r#"{"operator": "OR", "patterns": [{"key": "Colour", "value": "a"}]}"#, "Colour"),
            (r#"{"operator": "OR", "patterns": [{"key": "Hash", "value": null}]}"#, "null"),
            (r#"{"operator": "OR", "patterns": [{"key": "Hash", "value": ""}]}"#, "text"),
            (r#"{"operator": "OR", "patterns": [{"key": "Hash", "value": "a"}], "start_time": 5}"#, "start_time"),
        ] {
            let reason = of(text).unwrap().unwrap_err();
            assert!(reason.contains(why), "{text}: {reason}");
        }
        for other in ["", "{}", "title: x", "[1]", r#"{"patterns": [], "x": 1}"#, r#"{"operator": "#] {
            assert!(of(other).is_none(), "{other}");
        }
    }
}
