//! A search as a Sigma rule, and a rule as a search.
//!
//! Each comparison of the search becomes a part of the detection (`m1`, `m2`, …), a criterion over several fields a
//! list of them. Back, a rule becomes a condition where a search can say the same; what it cannot is an error that
//! names it.
use super::{join, logsource::streams, modifiers, normal, set, view::key};
use crate::event::{
    Condition, EventCode, Field, Key,
    condition::{CRITERIA, Match, Operator, Test, key_type},
    fields::Type,
    normal_value, text,
};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Modifier, Quantifier, SigmaRule, SigmaString, SigmaValue, SpecialChar,
    StringPart,
};
use yaml_serde::{Mapping, Value};

/// What a rule has besides its detection.
#[derive(Debug, Clone, Default)]
pub struct Head {
    pub id: String,
    pub title: String,
    pub description: String,
    pub level: String,
}

type Result<T> = std::result::Result<T, String>;

/// The Sigma rule of a search, about all events of Sysmon.
///
/// # Errors
/// Where Sigma cannot say the same.
pub fn to_sigma(condition: &Condition, head: &Head) -> Result<String> {
    let mut detection = Mapping::new();
    let expression = written(condition, &mut detection)?;
    detection.insert("condition".into(), expression.into());
    let mut rule = Mapping::new();
    for (key, value) in [("title", &head.title), ("id", &head.id), ("description", &head.description)] {
        if !value.is_empty() {
            rule.insert(key.into(), value.as_str().into());
        }
    }
    rule.insert("logsource".into(), Value::Mapping(logsource()));
    rule.insert("detection".into(), Value::Mapping(detection));
    if !head.level.is_empty() {
        rule.insert("level".into(), head.level.as_str().into());
    }
    yaml_serde::to_string(&rule).map_err(|e| e.to_string())
}

/// All events of Sysmon.
pub(super) fn logsource() -> Mapping {
    [("product", "windows"), ("service", "sysmon")].map(|(k, v)| (k.into(), v.into())).into_iter().collect()
}

/// Adds the parts of a condition to a detection, and says how they are joined.
pub(super) fn written(condition: &Condition, detection: &mut Mapping) -> Result<String> {
    let mut part = |value: Value| {
        let name = format!("m{}", detection.len() + 1);
        detection.insert(name.as_str().into(), value);
        name
    };
    let all = || Value::Mapping(std::iter::once(("EventID|exists".into(), true.into())).collect());
    Ok(match condition {
        Condition::All => part(all()),
        Condition::And(_) | Condition::Or(_) => {
            let is_and = matches!(condition, Condition::And(_));
            let mut parts = Vec::new();
            flat(condition, is_and, &mut parts);
            match (parts.as_slice(), is_and) {
                ([], true) => part(all()),
                ([], false) => format!("not {}", part(all())),
                (parts, true) => joined(parts, " and ", detection)?,
                (parts, false) => joined(parts, " or ", detection)?,
            }
        }
        Condition::Not(inner) => format!("not {}", written(inner, detection)?),
        Condition::Match(m) => part(item(m)?),
    })
}

/// Members of a conjunction or disjunction, those of the same kind inside of it included. One of a single member is
/// that member.
fn flat<'c>(condition: &'c Condition, is_and: bool, out: &mut Vec<&'c Condition>) {
    match condition {
        Condition::And(parts) if is_and || parts.len() == 1 => parts.iter().for_each(|p| flat(p, is_and, out)),
        Condition::Or(parts) if !is_and || parts.len() == 1 => parts.iter().for_each(|p| flat(p, is_and, out)),
        other => out.push(other),
    }
}

fn joined(parts: &[&Condition], word: &str, detection: &mut Mapping) -> Result<String> {
    let parts = parts.iter().map(|p| written(p, detection)).collect::<Result<Vec<_>>>()?;
    Ok(if let [one] = parts.as_slice() { one.clone() } else { format!("({})", parts.join(word)) })
}

fn item(m: &Match) -> Result<Value> {
    let modifier = match m.operator {
        Operator::Equals | Operator::Wildcard => "",
        Operator::Contains => "|contains",
        Operator::StartsWith => "|startswith",
        Operator::EndsWith => "|endswith",
        Operator::Regex => "|re|i",
        Operator::Cidr => "|cidr",
        Operator::Gt => "|gt",
        Operator::Gte => "|gte",
        Operator::Lt => "|lt",
        Operator::Lte => "|lte",
        Operator::Exists => "|exists",
    };
    let mut maps = Vec::new();
    for k in &m.keys {
        let name = match k {
            Key::Field(f) => f.name(),
            Key::Other(n) if n.contains('|') || key(n) != Key::Other(text::fold(n).into()) => {
                return Err(format!("{}: Sigma has no name for this field", m.name));
            }
            Key::Other(n) => n,
        };
        let values = operands(m, key_type(k))?;
        let value = match values.as_slice() {
            [one] => one.clone(),
            _ => Value::Sequence(values),
        };
        maps.push(Value::Mapping(std::iter::once((format!("{name}{modifier}").into(), value)).collect()));
    }
    Ok(if maps.len() == 1 { maps.swap_remove(0) } else { Value::Sequence(maps) })
}

fn operands(m: &Match, ty: Type) -> Result<Vec<Value>> {
    let texts = |f: &dyn Fn(&str) -> String| m.operands.iter().map(|o| f(o).into()).collect();
    Ok(match (m.operator, &m.test) {
        (Operator::Exists, _) => vec![true.into()],
        (Operator::Equals, _) => {
            let hash = m.keys == [Key::Field(Field::HashValue)];
            let mut out = Vec::new();
            for operand in &m.operands {
                let operand = operand.split_once('=').filter(|_| hash).map_or(operand.as_str(), |(_, v)| v);
                if normal_value(ty, operand).is_none() {
                    return Err(format!("{}: {operand:?} means that there is no value: ask for NOT exists", m.name));
                }
                out.push(text::sigma_literal(operand).into());
            }
            out
        }
        (Operator::Wildcard, _) => m.operands.iter().map(|o| wildcard(&m.name, ty, o)).collect::<Result<_>>()?,
        (Operator::Regex, _) => texts(&str::to_owned),
        (Operator::Cidr, Test::Cidr(nets)) => nets.iter().map(|n| n.to_string().into()).collect(),
        (Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte, _) => texts(&|o| o.trim().to_owned()),
        _ => texts(&text::sigma_literal),
    })
}

/// An operand with wildcards in the spelling of [`pattern`]; one without them is a plain value.
fn wildcard(name: &str, ty: Type, operand: &str) -> Result<Value> {
    let string = SigmaString::new(operand);
    let Some(plain) = string.as_plain() else { return Ok(pattern(&string, Operator::Equals).into()) };
    match normal_value(ty, &plain) {
        Some(canonical) if text::fold(&canonical) == text::fold(&plain) => Ok(text::sigma_literal(&plain).into()),
        _ => Err(format!("{name}: {operand:?} without a wildcard: compare it with equals")),
    }
}

/// As [`to_condition`], for a rule whose meaning a search has to the letter: it compares names of fields that no table
/// knows exactly, a rule does not.
///
/// # Errors
/// As there, and when a rule asks such a field.
pub fn to_same_condition(rule: &str) -> Result<Condition> {
    fn other(detection: &Detection) -> Option<&str> {
        match detection {
            Detection::AllOf(items) => {
                let mut names = items.iter().filter_map(|i| i.field.name.as_deref());
                names.find(|n| matches!(key(n), Key::Other(_)))
            }
            Detection::And(parts) | Detection::AnyOf(parts) => parts.iter().find_map(other),
            _ => None,
        }
    }
    let parsed = set::single(rule)?;
    match parsed.detection.named.values().find_map(other) {
        Some(name) => Err(format!("the field '{name}' is compared in any case of letters")),
        None => to_condition(rule),
    }
}

/// The condition of a Sigma rule, with its logsource as event codes.
///
/// # Errors
/// When the text is no single rule, or a search cannot say the same.
pub fn to_condition(rule: &str) -> Result<Condition> {
    let parsed = set::single(rule)?;
    set::check(&parsed)?;
    let codes = EventCode::all().iter().filter(|c| source_has(&parsed, c));
    let joined = codes.flat_map(|c| join::joins(&join::asked(&parsed), c.code)).next();
    if let Some(field) = joined {
        return Err(format!("'{}' is joined from the start of the process, which a search does not do", field.name));
    }
    let mut parts = source(&parsed)?;
    let detections = parsed.detection.conditions.iter().map(|c| expression(c, &parsed)).collect::<Result<Vec<_>>>()?;
    parts.push(or(detections));
    let condition = and(parts);
    condition.check().map_err(|e| e.to_string())?;
    Ok(condition)
}

fn and(mut parts: Vec<Condition>) -> Condition {
    if parts.len() == 1 { parts.swap_remove(0) } else { Condition::And(parts) }
}

fn or(mut parts: Vec<Condition>) -> Condition {
    if parts.len() == 1 { parts.swap_remove(0) } else { Condition::Or(parts) }
}

pub(super) fn comparison(name: &str, operator: Operator, operands: &[String]) -> Result<Condition> {
    Match::new(name, operator, operands).map(Condition::Match).map_err(|e| e.to_string())
}

pub(super) fn source_has(rule: &SigmaRule, code: &EventCode) -> bool {
    rule.logsource.category.as_ref().is_some_and(|c| code.sigma.contains(&c.to_ascii_lowercase().as_str()))
}

/// The events that a logsource with a category is about.
pub(super) fn source(rule: &SigmaRule) -> Result<Vec<Condition>> {
    streams(&rule.logsource)?;
    let Some(category) = rule.logsource.category.as_deref().map(str::to_ascii_lowercase) else {
        return Ok(Vec::new());
    };
    let codes = EventCode::all().iter().filter(|c| c.sigma.contains(&category.as_str()));
    let codes: Vec<String> = codes.map(|c| c.code.to_string()).collect();
    let mut parts = vec![comparison("EventID", Operator::Equals, &codes)?];
    let kinds = match category.as_str() {
        "registry_add" => ["CreateKey", "CreateValue"],
        "registry_delete" => ["DeleteKey", "DeleteValue"],
        _ => return Ok(parts),
    };
    parts.push(comparison("EventType", Operator::Equals, &kinds.map(str::to_owned))?);
    Ok(parts)
}

fn expression(condition: &ConditionExpr, rule: &SigmaRule) -> Result<Condition> {
    let named = &rule.detection.named;
    let list = |all: &[ConditionExpr]| all.iter().map(|c| expression(c, rule)).collect::<Result<Vec<_>>>();
    match condition {
        ConditionExpr::And(all) => list(all).map(and),
        ConditionExpr::Or(all) => list(all).map(or),
        ConditionExpr::Not(inner) => expression(inner, rule).map(|c| Condition::Not(Box::new(c))),
        ConditionExpr::Identifier(name) => part(named.get(name).ok_or_else(|| format!("no part '{name}'"))?),
        ConditionExpr::Selector { quantifier, pattern } => {
            let mut names: Vec<&String> = named.keys().filter(|n| pattern.matches_detection_name(n)).collect();
            names.sort();
            let parts = names.iter().filter_map(|n| named.get(*n)).map(part).collect::<Result<Vec<_>>>()?;
            match quantifier {
                Quantifier::Any | Quantifier::Count(1) => Ok(or(parts)),
                Quantifier::All => Ok(and(parts)),
                Quantifier::Count(n) if *n == parts.len() as u64 => Ok(and(parts)),
                Quantifier::Count(n) => Err(format!("'{n} of {pattern}' has no form in a search")),
            }
        }
    }
}

fn part(detection: &Detection) -> Result<Condition> {
    match detection {
        Detection::AllOf(items) => items.iter().map(of_item).collect::<Result<Vec<_>>>().map(and),
        Detection::And(parts) => parts.iter().map(part).collect::<Result<Vec<_>>>().map(and),
        Detection::AnyOf(parts) => match criterion(parts) {
            Some((name, item)) => any_value(name, item),
            None => parts.iter().map(part).collect::<Result<Vec<_>>>().map(or),
        },
        Detection::Keywords(_) => Err("keywords without a field have no form in a search".into()),
        _ => Err("array matching has no form in a search".into()),
    }
}

/// The criterion of the search form whose fields are asked the same.
fn criterion(parts: &[Detection]) -> Option<(&'static str, &DetectionItem)> {
    let mut items = Vec::new();
    for part in parts {
        match part {
            Detection::AllOf(one) if one.len() == 1 => items.extend(one),
            _ => return None,
        }
    }
    let first = items.first()?;
    let same = |i: &&DetectionItem| i.field.modifiers == first.field.modifiers && i.values == first.values;
    if !items.iter().all(same) || first.field.modifiers.contains(&Modifier::Neq) {
        return None;
    }
    let asked: Vec<Key> = items.iter().filter_map(|i| i.field.name.as_deref().map(key)).collect();
    let of = |c: &&crate::event::condition::Criterion| {
        c.fields.len() > 1
            && c.fields.len() == asked.len()
            && c.fields.iter().zip(&asked).all(|(f, k)| Key::Field(*f) == *k)
    };
    CRITERIA.iter().find(of).map(|c| (c.name, *first))
}

pub(super) fn of_item(item: &DetectionItem) -> Result<Condition> {
    let name = item.field.name.as_deref().ok_or("a value without a field has no form in a search")?;
    let name = match key(name) {
        // `Hash` alone is the criterion.
        Key::Field(f) if CRITERIA.iter().any(|c| c.name.eq_ignore_ascii_case(f.name())) => format!("data.{}", f.name()),
        Key::Field(f) => f.name().to_owned(),
        Key::Other(_) => format!("data.{name}"),
    };
    // Sigma has no event without a code.
    if name == Field::EventId.name() && item.field.modifiers == [Modifier::Exists] {
        return Ok(if truth(item)? { Condition::All } else { Condition::Not(Box::new(Condition::All)) });
    }
    any_value(&name, item)
}

fn truth(item: &DetectionItem) -> Result<bool> {
    match item.values.as_slice() {
        [SigmaValue::Bool(b)] => Ok(*b),
        _ => Err("'exists' takes true or false".into()),
    }
}

fn any_value(name: &str, item: &DetectionItem) -> Result<Condition> {
    let modifiers = &item.field.modifiers;
    modifiers::check(modifiers)?;
    let has = |m: Modifier| modifiers.contains(&m);
    if has(Modifier::Neq) {
        let mut plain = item.clone();
        plain.field.modifiers.retain(|m| *m != Modifier::Neq);
        let other = any_value(name, &plain).map(|c| Condition::Not(Box::new(c)))?;
        if has(Modifier::Exists) {
            return Ok(other);
        }
        if modifiers.iter().any(|m| matches!(m, Modifier::Gt | Modifier::Gte | Modifier::Lt | Modifier::Lte)) {
            return Err("'neq' of a comparison of numbers has no form in a search".into());
        }
        // What an event lacks is not different from anything.
        return Ok(Condition::And(vec![comparison(name, Operator::Exists, &[])?, other]));
    }
    if has(Modifier::All) {
        let each = item.values.iter().map(|v| {
            let mut one = item.clone();
            one.field.modifiers.retain(|m| *m != Modifier::All);
            one.values = vec![v.clone()];
            any_value(name, &one)
        });
        return each.collect::<Result<Vec<_>>>().map(and);
    }
    let operator = match modifiers.as_slice() {
        [] => Operator::Equals,
        [Modifier::Contains] => Operator::Contains,
        [Modifier::StartsWith] => Operator::StartsWith,
        [Modifier::EndsWith] => Operator::EndsWith,
        [Modifier::Re, Modifier::IgnoreCase] => Operator::Regex,
        [Modifier::Re] => return Err("'re' without 'i' tells case apart, which a search does not".into()),
        [Modifier::Cidr] => Operator::Cidr,
        [Modifier::Gt] => Operator::Gt,
        [Modifier::Gte] => Operator::Gte,
        [Modifier::Lt] => Operator::Lt,
        [Modifier::Lte] => Operator::Lte,
        [Modifier::Exists] => {
            let exists = comparison(name, Operator::Exists, &[])?;
            return Ok(if truth(item)? { exists } else { Condition::Not(Box::new(exists)) });
        }
        other => {
            let names: Vec<String> = other.iter().map(|m| format!("{m:?}").to_lowercase()).collect();
            return Err(format!("modifier '{}' has no form in a search", names.join("|")));
        }
    };
    values(name, operator, &item.values)
}

/// Any of the values; those that mean an absent value apart.
fn values(name: &str, operator: Operator, values: &[SigmaValue]) -> Result<Condition> {
    let is_text = matches!(operator, Operator::Equals | Operator::Contains | Operator::StartsWith | Operator::EndsWith);
    let ty = match key(name.strip_prefix("data.").unwrap_or(name)) {
        Key::Field(f) => f.ty(),
        Key::Other(_) => Type::Text,
    };
    let (mut plain, mut patterns, mut absent) = (Vec::new(), Vec::new(), false);
    // All of them as patterns, as a list with wildcards is one comparison; plain ones as events have them.
    let mut ordered = Vec::new();
    for value in values {
        let string = match value {
            SigmaValue::Float(n) if !is_text => Some(SigmaString::from_raw(&n.to_string())),
            value => normal::text_of(value, ty).map_err(|why| format!("{name}: {why}"))?,
        };
        let Some(string) = string else {
            absent = true;
            continue;
        };
        match string.as_plain() {
            _ if !is_text => plain.push(string.original.clone()),
            Some(t) if operator == Operator::Equals => match normal_value(ty, &t) {
                None => absent = true,
                Some(canonical) => {
                    ordered.push(pattern(&SigmaString::from_raw(&canonical), operator));
                    plain.push(t);
                }
            },
            Some(t) => plain.push(t),
            None => {
                patterns.push(pattern(&string, operator));
                ordered.push(pattern(&string, operator));
            }
        }
    }
    let mut parts = Vec::new();
    if operator == Operator::Equals && !patterns.is_empty() {
        patterns = ordered;
        plain.clear();
    }
    if !plain.is_empty() {
        parts.push(comparison(name, operator, &plain)?);
    }
    if !patterns.is_empty() {
        parts.push(comparison(name, Operator::Wildcard, &patterns)?);
    }
    if absent {
        parts.push(Condition::Not(Box::new(comparison(name, Operator::Exists, &[])?)));
    }
    if parts.is_empty() { Err(format!("{name}: no value")) } else { Ok(or(parts)) }
}

/// As the wildcard operator writes it.
fn pattern(string: &SigmaString, operator: Operator) -> String {
    let open = |at: bool| if at { "*" } else { "" };
    let mut out = String::from(open(matches!(operator, Operator::Contains | Operator::EndsWith)));
    for part in &string.parts {
        match part {
            StringPart::Plain(t) => out.push_str(&t.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")),
            StringPart::Special(SpecialChar::WildcardMulti) => out.push('*'),
            StringPart::Special(SpecialChar::WildcardSingle) => out.push('?'),
        }
    }
    out.push_str(open(matches!(operator, Operator::Contains | Operator::StartsWith)));
    out
}
