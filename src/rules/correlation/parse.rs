//! A correlation document as written. What is not understood is an error: a part passed over would change what fires.
use super::{Comparison, Correlation, Kind};
use std::collections::{BTreeMap, BTreeSet};
use yaml_serde::{Mapping, Value};

const KNOWN: &[&str] = &["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate"];
type Result<T> = std::result::Result<T, String>;

/// Reads the document of a correlation.
///
/// # Errors
/// The reason why it cannot be honoured.
pub fn parse(document: &Mapping) -> Result<Correlation> {
    read(document).map_err(|why| format!("correlation: {why}"))
}

fn read(document: &Mapping) -> Result<Correlation> {
    let map = document.get("correlation").and_then(Value::as_mapping).ok_or("not a mapping")?;
    if let Some(other) = map.keys().find(|k| !k.as_str().is_some_and(|k| KNOWN.contains(&k))) {
        return Err(format!("attribute '{}' is not known", shown(other)));
    }
    // Extensions of one engine change what a window is.
    if let Some(other) = document.keys().filter_map(Value::as_str).find(|k| k.starts_with("rsigma.")) {
        return Err(format!("attribute '{other}' is not known"));
    }
    let kind = match map.get("type").and_then(Value::as_str).ok_or("there is no type")? {
        "event_count" => Kind::EventCount,
        "value_count" => Kind::ValueCount,
        "temporal" => Kind::Temporal,
        "temporal_ordered" => Kind::TemporalOrdered,
        "value_sum" => Kind::ValueSum,
        "value_avg" => Kind::ValueAvg,
        "value_percentile" => Kind::ValuePercentile,
        other => return Err(format!("type '{other}' is not known")),
    };
    let rules = names(map.get("rules"), "rules")?;
    if rules.is_empty() {
        return Err("there are no rules".into());
    }
    let span = match (map.get("timespan"), map.get("timeframe")) {
        (Some(t), None) | (None, Some(t)) => span(t)?,
        (Some(_), Some(_)) => return Err("both timespan and timeframe".into()),
        (None, None) => return Err("there is no timespan".into()),
    };
    let generate = match document.get("generate").or_else(|| map.get("generate")) {
        None => false,
        Some(Value::Bool(b)) => *b,
        Some(other) => return Err(format!("generate '{}' is neither true nor false", shown(other))),
    };
    let mut out = Correlation {
        kind,
        group_by: names(map.get("group-by"), "group-by")?,
        span,
        condition: Vec::new(),
        fields: Vec::new(),
        percentile: 0.0,
        aliases: aliases(map.get("aliases"), &rules)?,
        generate,
        rules,
    };
    condition(&mut out, map.get("condition"))?;
    Ok(out)
}

fn shown(value: &Value) -> String {
    yaml_serde::to_string(value).unwrap_or_default().trim().to_owned()
}

fn names(value: Option<&Value>, what: &str) -> Result<Vec<String>> {
    let one = |v: &Value| v.as_str().map(str::to_owned).ok_or_else(|| format!("{what}: '{}' is no name", shown(v)));
    let names: Vec<String> = match value {
        None => Vec::new(),
        Some(Value::Sequence(all)) => all.iter().map(one).collect::<Result<_>>()?,
        Some(v) => vec![one(v)?],
    };
    let mut seen = BTreeSet::new();
    match names.iter().find(|n| !seen.insert(n.as_str())) {
        Some(twice) => Err(format!("{what}: '{twice}' is there twice")),
        None => Ok(names),
    }
}

/// Longest time span, in milliseconds: a year.
const MAX_SPAN: i64 = 366 * 86_400_000;

/// A number with `s`, `m`, `h` or `d`, in milliseconds.
fn span(value: &Value) -> Result<i64> {
    let text = value.as_str().map(str::trim).unwrap_or_default();
    let number = text.strip_suffix(['s', 'm', 'h', 'd']).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let unit = match text.bytes().last() {
        Some(b's') => 1_000,
        Some(b'm') => 60_000,
        Some(b'h') => 3_600_000,
        _ => 86_400_000,
    };
    let millis = number.and_then(|n| n.parse::<i64>().ok()).and_then(|n| n.checked_mul(unit));
    let millis = millis.filter(|n| *n > 0);
    let millis = millis.ok_or_else(|| format!("timespan '{}' is not like 30s, 5m, 1h or 1d", shown(value)))?;
    if millis > MAX_SPAN {
        return Err(format!("timespan '{}' is longer than 366d", shown(value)));
    }
    Ok(millis)
}

fn aliases(value: Option<&Value>, rules: &[String]) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let Some(value) = value else { return Ok(BTreeMap::new()) };
    let mut out = BTreeMap::new();
    for (alias, fields) in value.as_mapping().ok_or("aliases are no mapping")? {
        let (Some(alias), Some(fields)) = (alias.as_str(), fields.as_mapping()) else {
            return Err(format!("alias '{}' is no mapping of rules to fields", shown(alias)));
        };
        let mut of_rules = BTreeMap::new();
        for (rule, field) in fields {
            let (Some(rule), Some(field)) = (rule.as_str(), field.as_str()) else {
                return Err(format!("alias '{alias}' is no mapping of rules to fields"));
            };
            if !rules.iter().any(|r| r == rule) {
                return Err(format!("alias '{alias}' names '{rule}', which is not among the rules"));
            }
            of_rules.insert(rule.to_owned(), field.to_owned());
        }
        out.insert(alias.to_owned(), of_rules);
    }
    Ok(out)
}

fn condition(out: &mut Correlation, value: Option<&Value>) -> Result<()> {
    let temporal = matches!(out.kind, Kind::Temporal | Kind::TemporalOrdered);
    let map = match value {
        None if temporal => return Ok(()),
        None => return Err("there is no condition".into()),
        Some(Value::Mapping(map)) => map,
        Some(_) => return Err("a condition other than a comparison is not matched".into()),
    };
    if out.kind == Kind::TemporalOrdered {
        return Err("a condition of temporal_ordered is not matched: all rules must match in their order".into());
    }
    let mut percentile = None;
    for (key, value) in map {
        let number = || value.as_f64().filter(|n| n.is_finite());
        let comparison = match key.as_str() {
            Some("gt") => Comparison::Gt,
            Some("gte") => Comparison::Gte,
            Some("lt") => Comparison::Lt,
            Some("lte") => Comparison::Lte,
            Some("eq") => Comparison::Eq,
            Some("neq") => Comparison::Neq,
            Some("field") => {
                out.fields = names(Some(value), "field")?;
                continue;
            }
            Some("percentile") => {
                percentile = Some(number().filter(|n| (0.0..=100.0).contains(n)).ok_or("percentile is not 0 to 100")?);
                continue;
            }
            _ => return Err(format!("'{}' in the condition is not known", shown(key))),
        };
        let number = number().ok_or_else(|| format!("'{}' in the condition is no number", shown(value)))?;
        out.condition.push((comparison, number));
    }
    if out.condition.is_empty() {
        return Err("the condition compares nothing".into());
    }
    let fields = out.fields.len();
    match out.kind {
        Kind::EventCount | Kind::Temporal | Kind::TemporalOrdered if fields > 0 => {
            Err("this type takes no field".into())
        }
        Kind::ValueCount if fields == 0 => Err("value_count needs a field".into()),
        Kind::ValueSum | Kind::ValueAvg | Kind::ValuePercentile if fields != 1 => {
            Err("this type needs exactly one field".into())
        }
        Kind::ValuePercentile => {
            out.percentile = percentile.ok_or("value_percentile does not say which percentile")?;
            Ok(())
        }
        _ if percentile.is_some() => Err("percentile is for value_percentile only".into()),
        _ => Ok(()),
    }
}
