//! Why a rule matches an event, or does not: each part of its detection with what the event has.
use super::{
    RuleSet, correlation,
    filter::{self, Filters},
    join::{self, Lineage},
    logsource::stream_of,
    placeholders::Placeholders,
    related::Succession,
    set,
    view::{View, key},
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::Engine;
use rsigma_parser::{ConditionExpr, Detection, DetectionItem, SigmaRule};
use std::collections::BTreeSet;
use yaml_serde::Mapping;

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

/// `rules`: the others, whose filters apply. `lineage`: what is known of the event's processes.
///
/// # Errors
/// When the rule is none that can be matched.
pub fn explain(
    rule: &Rule,
    (rules, placeholders): (&[Rule], &Placeholders),
    event: &Event,
    lineage: &Lineage,
) -> Result<Explained, String> {
    let mut parsed = set::single(&rule.text)?;
    set::check(&parsed)?;
    placeholders.expand(&mut parsed.detection)?;
    let own = event.data.len();
    let joined = join::joins_at_all(&parsed).then(|| join::joined(event, lineage).0);
    let event = &Held { event: joined.as_ref().unwrap_or(event), own };
    let (filters, known) = (Filters::of(rules.iter(), placeholders), Succession::of(rules));
    let pieces = filters.applied(rule, &parsed, &known)?;
    let stream = stream_of(event.event);
    let here = pieces.iter().find(|p| p.streams.contains(&stream));
    let unrelated = if *event.event.system.provider != *SYSMON_PROVIDER {
        Some(format!("the event is of '{}', not of Sysmon for Windows", event.event.system.provider))
    } else if here.is_some() {
        None
    } else {
        let label = super::logsource::label(&parsed.logsource);
        Some(format!("the rule is about {label}, which code {} is not, or not in this form", event.event.code))
    };
    let whole = holds(here.map_or(&parsed, |p| &p.rule), event)?;
    let mut parts = Vec::new();
    named_parts(&parsed, "", 0, event, &mut parts)?;
    for filter in filters.on(rule, &parsed, &known, stream) {
        let alone = SigmaRule { detection: filter.detection.clone(), ..parsed.clone() };
        let conditions: Vec<String> = alone.detection.conditions.iter().map(ToString::to_string).collect();
        parts.push(Part::plain(
            &filter.title,
            0,
            format!("filter: {}", conditions.join(" or ")),
            holds(&alone, event)?,
        ));
        named_parts(&alone, &format!("{}: ", filter.title), 1, event, &mut parts)?;
    }
    let condition = parsed.detection.conditions.iter().map(ToString::to_string).collect();
    Ok(Explained { matches: whole && unrelated.is_none(), unrelated, condition, parts })
}

/// Correlations of these ids and an event: what they ask, whether the event completes a window, and the rules that they are
/// made of. `counted`: how many events each of these matches in the windows that end with the event.
///
/// # Errors
/// When a rule is none that can be matched.
pub fn of_correlations(
    (rules, placeholders): (&[Rule], &Placeholders),
    ids: &BTreeSet<String>,
    (event, lineage): (&Event, &Lineage),
    fires: bool,
    counted: &dyn Fn(&str) -> usize,
) -> Result<Explained, String> {
    let mut out = Explained { matches: fires, unrelated: None, condition: Vec::new(), parts: Vec::new() };
    for rule in RuleSet::needed(rules, ids).iter().filter(|r| r.logsource != filter::LOGSOURCE) {
        if rule.logsource == correlation::LOGSOURCE {
            let map: Mapping = yaml_serde::from_str(&rule.text).map_err(|e| e.to_string())?;
            let asks = map.get("correlation").map(yaml_serde::to_string).transpose().map_err(|e| e.to_string())?;
            let asks = asks.unwrap_or_default().trim().to_owned();
            if ids.contains(&rule.id) {
                let text = if fires { "the event completes a window" } else { "the event completes no window" };
                out.parts.push(Part::plain(&rule.title, 0, text.into(), fires));
                out.condition.push(asks);
            } else {
                out.parts.push(Part::plain(&rule.title, 0, asks, false));
            }
            continue;
        }
        let explained = explain(rule, (rules, placeholders), event, lineage)?;
        let text = explained.unrelated.unwrap_or_else(|| {
            format!("{} matches, of all groups, within the windows that end here", counted(&rule.id))
        });
        out.parts.push(Part::plain(&rule.title, 0, text, explained.matches));
        let inner = explained.parts.into_iter();
        out.parts.extend(inner.map(|p| Part { name: format!("{}: {}", rule.title, p.name), depth: p.depth + 1, ..p }));
    }
    Ok(out)
}

impl Part {
    fn plain(name: &str, depth: u32, text: String, holds: bool) -> Self {
        Self { name: name.to_owned(), depth, text, holds, event: Vec::new(), values: Vec::new(), joined: false }
    }
}

fn named_parts(
    rule: &SigmaRule,
    before: &str,
    depth: u32,
    event: &Held<'_>,
    out: &mut Vec<Part>,
) -> Result<(), String> {
    let mut named: Vec<(&String, &Detection)> = rule.detection.named.iter().collect();
    named.sort_by_key(|(name, _)| *name);
    for (name, detection) in named {
        walk(rule, &format!("{before}{name}"), detection, depth, event, out)?;
    }
    Ok(())
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
    let mut add = |text: String| out.push(Part::plain(name, depth, text, holds));
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
