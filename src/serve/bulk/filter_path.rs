//! Elasticsearch's `filter_path`: which parts of an answer are wanted. `items.*.error,errors,-took`: names joined
//! by dots, `*` for a name or a part of one, `**` for any number of names, `-` to leave out. Lists are passed through.
use serde_json::Value;

/// Patterns looked at; more are more than any client sends.
const MAX: usize = 64;

pub fn filter(value: Value, paths: &str) -> Value {
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for path in paths.split(',').map(str::trim).filter(|p| !p.is_empty()).take(MAX) {
        match path.strip_prefix('-') {
            Some(path) => unwanted.push(path.split('.').collect()),
            None => wanted.push(path.split('.').collect()),
        }
    }
    let value = if unwanted.is_empty() { value } else { without(value, &unwanted) };
    if wanted.is_empty() {
        return value;
    }
    keep(value, &wanted).unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}

type Path<'a> = Vec<&'a str>;

/// What is left of each pattern below `name`. An empty one means: all below.
fn below<'a>(patterns: &[Path<'a>], name: &str) -> Vec<Path<'a>> {
    let mut out = Vec::new();
    for pattern in patterns {
        let mut pattern = &pattern[..];
        while let [first, rest @ ..] = pattern {
            if *first != "**" {
                if fits(first, name) {
                    out.push(rest.to_vec());
                }
                break;
            }
            out.push(pattern.to_vec());
            if rest.is_empty() {
                out.push(Vec::new());
            }
            pattern = rest;
        }
    }
    out.sort();
    out.dedup();
    out
}

/// `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let Some((middle, end)) = rest.rsplit_once('*') else { return name.ends_with(rest) };
    for part in middle.split('*').filter(|p| !p.is_empty()) {
        match name.find(part) {
            Some(at) => name = name.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    name.ends_with(end)
}

fn keep(value: Value, patterns: &[Path<'_>]) -> Option<Value> {
    match value {
        Value::Object(map) => {
            let kept: serde_json::Map<_, _> = map
                .into_iter()
                .filter_map(|(name, value)| {
                    let below = below(patterns, &name);
                    let all = below.iter().any(Vec::is_empty);
                    let value = if all { Some(value) } else { keep(value, &below) };
                    value.map(|v| (name, v))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().filter_map(|v| keep(v, patterns)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

fn without(value: Value, patterns: &[Path<'_>]) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter_map(|(name, value)| {
                let below = below(patterns, &name);
                (!below.iter().any(Vec::is_empty)).then(|| (name, without(value, &below)))
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|v| without(v, patterns)).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keeps_what_is_asked() {
        let all = json!({"took": 3, "errors": true, "items": [
            {"index": {"status": 201, "_id": "a"}}, {"create": {"status": 400, "error": {"type": "t"}}},
        ]});
        for (paths, expected) in [
            (
                "errors,items.*.error,items.*.status",
                json!({"errors": true, "items": [
                    {"index": {"status": 201}}, {"create": {"status": 400, "error": {"type": "t"}}},
                ]}),
            ),
            ("**.type", json!({"items": [{"create": {"error": {"type": "t"}}}]})),
            ("-items", json!({"took": 3, "errors": true})),
            ("e*s,-took", json!({"errors": true})),
            ("nothing", json!({})),
            ("", all.clone()),
        ] {
            assert_eq!(filter(all.clone(), paths), expected, "{paths}");
        }
    }
}
