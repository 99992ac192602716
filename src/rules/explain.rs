//! Why a rule matches an event, or does not: each part of its detection with what the event has.
use super::{
    join::{self, Lineage},
    logsource::{stream_of, streams},
    set,
    view::{View, key},
};
use crate::event::{Event, SYSMON_PROVIDER};
use rsigma_eval::Engine;
use rsigma_parser::{ConditionExpr, Detection, DetectionItem, SigmaRule};

/// Values of a list that are tried one by one.
const MAX_VALUES: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub matches: bool,
    /// Why the rule is not about such an event at all, where it is not.
    pub unrelated: Option<String>,
    pub condition: Vec<String>,
    pub parts: Vec<Part>,
}

/// A part of the detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name of the detection.
    pub name: String,
    /// 0 for the detection, 1 and more for what is inside of it.
    pub depth: u32,
    /// What is asked.
    pub text: String,
    pub holds: bool,
    /// Values of the event in the field asked; none where it has none.
    pub event: Vec<String>,
    /// Of a list, the values that hold.
    pub values: Vec<String>,
    /// Whether the values come from the start of a process, because the event lacks the field.
    pub joined: bool,
}

/// `lineage`: what is known of the event's processes.
///
/// # Errors
/// When the text is no single rule that can be matched.
pub fn explain(rule: &str, event: &Event, lineage: &Lineage) -> Result<Explained, String> {
    let rule = set::single(rule)?;
    set::check(&rule)?;
    let own = event.data.len();
    let joined = join::joins_at_all(&rule).then(|| join::joined(event, lineage).0);
    let event = &Held { event: joined.as_ref().unwrap_or(event), own };
    let streams = streams(&rule.logsource)?;
    let unrelated = if *event.event.system.provider != *SYSMON_PROVIDER {
        Some(format!("the event is of '{}', not of Sysmon for Windows", event.event.system.provider))
    } else if streams.contains(&stream_of(event.event)) {
        None
    } else {
        let label = super::logsource::label(&rule.logsource);
        Some(format!("the rule is about {label}, which code {} is not, or not in this form", event.event.code))
    };
    let whole = holds(&rule, event)?;
    let mut parts = Vec::new();
    let mut names: Vec<&String> = rule.detection.named.keys().collect();
    names.sort();
    for name in names {
        let Some(detection) = rule.detection.named.get(name) else { continue };
        walk(&rule, name, detection, 0, event, &mut parts)?;
    }
    let condition = rule.detection.conditions.iter().map(ToString::to_string).collect();
    Ok(Explained { matches: whole && unrelated.is_none(), unrelated, condition, parts })
}

/// An event, of whose values the first `own` are its own.
struct Held<'e> {
    event: &'e Event,
    own: usize,
}

fn holds(rule: &SigmaRule, event: &Held<'_>) -> Result<bool, String> {
    let mut engine = Engine::new();
    engine.extend_compiled_rules(vec![set::compiled(rule, 0)?]);
    Ok(!engine.evaluate(&View::joined(event.event, event.own)).is_empty())
}

/// The rule with nothing but `detection`.
fn only(rule: &SigmaRule, detection: Detection) -> SigmaRule {
    let mut one = rule.clone();
    one.detection.named.clear();
    one.detection.named.insert("part".into(), detection);
    one.detection.conditions = vec![ConditionExpr::Identifier("part".into())];
    one
}

fn walk(
    rule: &SigmaRule,
    name: &str,
    detection: &Detection,
    depth: u32,
    event: &Held<'_>,
    out: &mut Vec<Part>,
) -> Result<(), String> {
    let holds = holds(&only(rule, detection.clone()), event)?;
    let mut add = |text: String| {
        out.push(Part {
            name: name.to_owned(),
            depth,
            text,
            holds,
            event: Vec::new(),
            values: Vec::new(),
            joined: false,
        });
    };
    match detection {
        Detection::AllOf(items) => {
            add("all of".into());
            for item in items {
                out.push(of_item(rule, name, item, depth + 1, event)?);
            }
        }
        Detection::AnyOf(parts) | Detection::And(parts) => {
            let any = matches!(detection, Detection::AnyOf(_));
            add(if any { "any of" } else { "all of" }.into());
            for part in parts {
                walk(rule, name, part, depth + 1, event, out)?;
            }
        }
        _ => add("any value of the event".into()),
    }
    Ok(())
}

fn of_item(rule: &SigmaRule, name: &str, item: &DetectionItem, depth: u32, event: &Held<'_>) -> Result<Part, String> {
    let alone = |item: DetectionItem| holds(&only(rule, Detection::AllOf(vec![item])), event);
    let field = item.field.name.as_deref();
    let modifiers: String = item.field.modifiers.iter().map(|m| format!("|{m:?}").to_lowercase()).collect();
    let mut values = Vec::new();
    if (2..=MAX_VALUES).contains(&item.values.len()) {
        for value in &item.values {
            let mut one = DetectionItem { values: vec![value.clone()], ..item.clone() };
            one.field.modifiers.retain(|m| *m != rsigma_parser::Modifier::All);
            if alone(one)? {
                values.push(shown(value));
            }
        }
    }
    let listed: Vec<String> = item.values.iter().take(20).map(shown).collect();
    let more = item.values.len().saturating_sub(20);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Ok(Part {
        name: name.to_owned(),
        depth,
        text: format!("{}{modifiers}: {}{more}", field.unwrap_or("any value"), listed.join(", ")),
        holds: alone(item.clone())?,
        event: field
            .map(|f| event.event.key_values(&key(f)).iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        values,
        joined: field.is_some_and(|f| event.event.data.iter().skip(event.own).any(|(k, _)| *k == key(f))),
    })
}

fn shown(value: &rsigma_parser::SigmaValue) -> String {
    use rsigma_parser::SigmaValue;
    match value {
        SigmaValue::String(s) => format!("'{}'", s.original),
        SigmaValue::Integer(n) => n.to_string(),
        SigmaValue::Float(n) => n.to_string(),
        SigmaValue::Bool(b) => b.to_string(),
        SigmaValue::Null => "null".into(),
    }
}
