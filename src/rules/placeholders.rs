//! Values of `%names%` in rules with the modifier `expand` (Sigma specification, placeholders): what differs from one
//! environment to the next, such as the names of administrators.
use rsigma_parser::{Detection, DetectionItem, Detections, Modifier, SigmaString, SigmaValue};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use yaml_serde::Value;

/// Values that those of one item become.
const MAX_VALUES: usize = 10_000;

/// Lists of values by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placeholders(BTreeMap<String, Vec<String>>);

impl Placeholders {
    /// From YAML: a mapping of names to a value or a list of values. `*` and `?` in them are wildcards.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let map: BTreeMap<String, Value> =
            yaml_serde::from_str(text).map_err(|e| format!("not a mapping of names to values: {e}"))?;
        let one = |name: &str, value: &Value| match value {
            Value::String(s) => Ok(s.clone()),
            Value::Number(n) => Ok(n.to_string()),
            _ => Err(format!("'{name}' has a value that is neither text nor a number")),
        };
        let list = |(name, value): (String, Value)| {
            if name.is_empty() || !name.chars().all(in_name) {
                return Err(format!("'{name}' is no name: letters, digits and any of _ . - make one"));
            }
            let values = match &value {
                Value::Sequence(all) => all.iter().map(|v| one(&name, v)).collect::<Result<Vec<_>, _>>()?,
                v => vec![one(&name, v)?],
            };
            if values.is_empty() { Err(format!("'{name}' has no values")) } else { Ok((name, values)) }
        };
        map.into_iter().map(list).collect::<Result<_, _>>().map(Self)
    }

    /// The detections with values in place of the names.
    ///
    /// # Errors
    /// A name that has no values.
    pub fn expand(&self, detections: &mut Detections) -> Result<(), String> {
        expand(detections, &|name| {
            self.0.get(name).cloned().ok_or_else(|| format!("placeholder '%{name}%' has no values: see --placeholders"))
        })
    }

    /// The names in detections with their values, as one text; empty where there are none.
    pub fn used(&self, detections: &Detections) -> String {
        let names = RefCell::new(BTreeSet::new());
        let noted = expand(&mut detections.clone(), &|name| {
            names.borrow_mut().insert(name.to_owned());
            Ok(vec!["1".to_owned()])
        });
        // What cannot be expanded is not matched.
        if noted.is_err() {
            return String::new();
        }
        names.into_inner().iter().map(|name| serde_json::json!([name, self.0.get(name)]).to_string()).collect()
    }
}

/// With any value for each name: whether the rest can be matched.
pub fn any(detections: &mut Detections) -> Result<(), String> {
    expand(detections, &|_| Ok(vec!["1".to_owned()]))
}

type Values<'a> = dyn Fn(&str) -> Result<Vec<String>, String> + 'a;

fn expand(detections: &mut Detections, values: &Values<'_>) -> Result<(), String> {
    detections.named.values_mut().try_for_each(|d| within(d, values))
}

fn within(detection: &mut Detection, values: &Values<'_>) -> Result<(), String> {
    match detection {
        Detection::AllOf(items) => {
            let mut out = Vec::with_capacity(items.len());
            for item in std::mem::take(items) {
                if item.field.modifiers.contains(&Modifier::Expand) {
                    out.extend(of_item(item, values)?);
                } else {
                    out.push(item);
                }
            }
            *items = out;
            Ok(())
        }
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter_mut().try_for_each(|p| within(p, values)),
        _ => Ok(()),
    }
}

/// Of `all` each value becomes an item: any of what its names stand for will do.
fn of_item(mut item: DetectionItem, values: &Values<'_>) -> Result<Vec<DetectionItem>, String> {
    let field = item.field.name.clone().unwrap_or_default();
    let has = |m: Modifier| item.field.modifiers.contains(&m);
    let raw = has(Modifier::Re) || has(Modifier::Cidr);
    if has(Modifier::Exists) || has(Modifier::FieldRef) || has(Modifier::All) && has(Modifier::Neq) {
        return Err(format!("field '{field}': 'expand' beside these modifiers is not matched"));
    }
    let all = has(Modifier::All);
    item.field.modifiers.retain(|m| *m != Modifier::Expand && *m != Modifier::All);
    let mut expanded: Vec<Vec<SigmaValue>> = Vec::new();
    for value in &item.values {
        let SigmaValue::String(s) = value else {
            expanded.push(vec![value.clone()]);
            continue;
        };
        let texts = written_out(&s.original, values)?;
        let made = |t: String| if raw { SigmaString::from_raw(&t) } else { SigmaString::new(&t) };
        expanded.push(texts.into_iter().map(|t| SigmaValue::String(made(t))).collect());
        if expanded.iter().map(Vec::len).sum::<usize>() > MAX_VALUES {
            return Err(format!("field '{field}': its placeholders make more than {MAX_VALUES} values"));
        }
    }
    if !all {
        item.values = expanded.into_iter().flatten().collect();
        return Ok(vec![item]);
    }
    Ok(expanded.into_iter().map(|values| DetectionItem { values, ..item.clone() }).collect())
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// A text with every combination of the values of its names.
fn written_out(text: &str, values: &Values<'_>) -> Result<Vec<String>, String> {
    let mut out = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let name = after.split_once('%').filter(|(n, _)| !n.is_empty() && n.chars().all(in_name));
        let (parts, next) = match name {
            Some((name, next)) => (values(name)?, next),
            None => (vec!["%".to_owned()], after),
        };
        if out.len().saturating_mul(parts.len()) > MAX_VALUES {
            return Err(format!("'{text}': its placeholders make more than {MAX_VALUES} values"));
        }
        out = out.iter().flat_map(|o| parts.iter().map(move |p| format!("{o}{before}{p}"))).collect();
        rest = next;
    }
    out.iter_mut().for_each(|o| o.push_str(rest));
    Ok(out)
}
