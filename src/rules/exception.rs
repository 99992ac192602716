//! Exceptions: what a rule leaves out in this environment, as a Sigma filter that is made of a condition on events.
use super::{
    RuleSet, correlation,
    filter::LOGSOURCE,
    search::{self, Head},
    set,
};
use crate::event::{
    Condition, Time,
    condition::{Match, Operator},
    detection::Rule,
};
use yaml_serde::{Mapping, Value};

/// Key of the end in the text of a filter; the end itself is part of the condition too.
const EXPIRES: &str = "expires";

/// An exception as people give it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exception {
    pub id: String,
    pub title: String,
    /// Own ids or names of the rules.
    pub rules: Vec<String>,
    pub reason: String,
    /// Name of a user.
    pub author: String,
    /// It hides events before this time only.
    pub until: Option<Time>,
}

/// The text of the Sigma filter that hides what matches `condition` from the rules.
///
/// # Errors
/// Where Sigma cannot say the same.
pub fn write(exception: &Exception, condition: &Condition) -> Result<String, String> {
    let mut detection = Mapping::new();
    let hidden = search::written(&hidden(condition, exception.until)?, &mut detection)?;
    let mut filter = Mapping::new();
    filter.insert("rules".into(), Value::Sequence(exception.rules.iter().map(|r| r.as_str().into()).collect()));
    filter.extend(detection);
    filter.insert("condition".into(), format!("not {hidden}").into());
    let mut out = Mapping::new();
    let date: String = Time::now().rfc3339().chars().take(10).collect();
    let head = [
        ("title", &exception.title),
        ("id", &exception.id),
        ("description", &exception.reason),
        ("author", &exception.author),
        ("date", &date),
    ];
    for (key, value) in head {
        out.insert(key.into(), value.as_str().into());
    }
    if let Some(until) = exception.until {
        out.insert(EXPIRES.into(), until.rfc3339().into());
    }
    out.insert("logsource".into(), Value::Mapping(search::logsource()));
    out.insert("filter".into(), Value::Mapping(filter));
    yaml_serde::to_string(&out).map_err(|e| e.to_string())
}

/// What an exception hides, as a set of one rule.
///
/// # Errors
/// Where Sigma cannot say the same.
pub fn probe(condition: &Condition, until: Option<Time>) -> Result<RuleSet, String> {
    let head = Head { id: "probe".into(), title: "probe".into(), ..Head::default() };
    let text = search::to_sigma(&hidden(condition, until)?, &head)?;
    set::check(&set::single(&text)?)?;
    let (set, failed) = RuleSet::compile(&super::parse(&text, "probe").rules);
    failed.into_iter().next().map_or(Ok(set), |(_, why)| Err(why))
}

/// Ends in time of the events: the past is judged the same today and later.
fn hidden(condition: &Condition, until: Option<Time>) -> Result<Condition, String> {
    let Some(until) = until else { return Ok(condition.clone()) };
    let before = Match::new("UtcTime", Operator::Lt, &[until.sysmon()]).map_err(|e| e.to_string())?;
    Ok(Condition::And(vec![condition.clone(), Condition::Match(before)]))
}

/// A filter among the rules, as an exception.
pub fn read(rule: &Rule) -> Option<Exception> {
    if rule.logsource != LOGSOURCE {
        return None;
    }
    let map: Mapping = yaml_serde::from_str(&rule.text).unwrap_or_default();
    let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    let of = map.get("filter").and_then(|f| f.get("rules"));
    let rules = match of {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Sequence(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Some(Exception {
        id: rule.id.clone(),
        title: rule.title.clone(),
        rules,
        reason: rule.description.clone(),
        author: text("author").unwrap_or_default(),
        until: text(EXPIRES).and_then(|t| Time::parse(&t)),
    })
}

/// Why a rule can have no exception, if it cannot.
pub fn refused(rule: &Rule) -> Option<&'static str> {
    match rule.logsource.as_str() {
        LOGSOURCE => Some("this is an exception itself"),
        correlation::LOGSOURCE => Some("a correlation can have none: name the rules that it is made of"),
        _ => None,
    }
}
