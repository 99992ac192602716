//! For the one who writes rules: a search as a rule and back, check, explain, test over the past.
use super::{
    audit,
    condition::{ConditionInput, condition},
    event::EventObject,
    hunt::{self, HuntJob},
    id,
    load::Loaders,
    page,
    rule::RuleObject,
    scalar::{PeriodInput, Total, UserError, period},
    session,
};
use crate::{
    error::{Code, Error, Result},
    event::{
        Condition,
        condition::Operator,
        detection::{LEVELS, Rule},
    },
    rules::{
        self,
        check::{self, Severity},
        explain, search,
    },
};
use async_graphql::{Context, Enum, ID, InputObject, Json, SimpleObject};
use serde_json::{Value, json};

/// Bytes of a rule in the editor.
const MAX_RULE: usize = 256 << 10;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Severity")]
pub enum ProblemSeverity {
    /// The rule cannot be matched.
    Error,
    /// It is matched, but something in it is doubtful.
    Warning,
    /// A matter of style.
    Info,
}

/// Something wrong with the text of a rule.
#[derive(SimpleObject)]
pub struct RuleProblem {
    /// How bad it is.
    severity: ProblemSeverity,
    /// Line, from 1.
    line: i32,
    /// Column, from 1.
    column: i32,
    /// What is wrong.
    message: String,
}

/// A part of a rule's detection, held against an event.
#[derive(SimpleObject)]
pub struct RulePart {
    /// Name of the detection that it belongs to.
    name: String,
    /// 0 for a detection, 1 and more for what is inside of it.
    depth: i32,
    /// What is asked.
    text: String,
    /// Whether the event has it.
    holds: bool,
    /// Values of the event in the field asked.
    event: Vec<String>,
    /// Of several values asked, those that hold.
    values: Vec<String>,
    /// Whether the values come from the start of a process, because the event lacks the field.
    joined: bool,
}

/// Why a rule matches an event, or does not.
#[derive(SimpleObject)]
pub struct RuleExplanation {
    /// Whether it matches; of a correlation, whether the event completes a window.
    matches: bool,
    /// Why the rule is not about such an event at all, where it is not.
    unrelated: Option<String>,
    /// The condition of the rule.
    condition: Vec<String>,
    /// The parts of its detection, then the filters that apply to it. Of a correlation whether it fires, then the rules that
    /// it is made of.
    parts: Vec<RulePart>,
}

/// What a rule would have hit, with the exceptions that there are.
#[derive(SimpleObject)]
pub struct RuleTrial {
    /// Events that match; of a correlation, how often it fires.
    total: Total,
    /// The newest of them.
    sample: Vec<EventObject>,
}

/// A rule as a search.
#[derive(SimpleObject)]
pub struct RuleSearch {
    /// The condition in the form of `ConditionInput`; absent where a search cannot say the same.
    condition: Option<Json<Value>>,
    /// What a search cannot say.
    reason: Option<String>,
}

/// A search as a rule.
#[derive(SimpleObject)]
pub struct SearchRule {
    /// Sigma YAML with a new id, as `importRules` takes it; absent where no rule can say the same.
    yaml: Option<String>,
    /// What a rule cannot say.
    reason: Option<String>,
}

/// A rule made of a search.
#[derive(InputObject)]
pub struct CreateRuleInput {
    /// Condition of the search.
    condition: ConditionInput,
    /// Title of the rule.
    title: String,
    /// What it finds.
    #[graphql(default)]
    description: String,
    /// Level: informational, low, medium, high, critical.
    #[graphql(default_with = "\"medium\".to_owned()")]
    level: String,
    /// Whether it is matched from now on; `false` stores it switched off.
    #[graphql(default = true)]
    enabled: bool,
    /// Whether what is stored already is searched with it too.
    #[graphql(default)]
    hunt: bool,
}

/// Answer of `createRule`.
#[derive(SimpleObject)]
pub struct CreateRuleResult {
    /// The rule; enabled, it is matched from now on.
    rule: Option<RuleObject>,
    /// The retro-hunt, where one was asked for.
    hunt: Option<HuntJob>,
    /// Why there is none.
    errors: Vec<UserError>,
}

fn limited(yaml: String) -> Result<String> {
    if yaml.len() > MAX_RULE {
        return Err(Error::new(Code::TooLarge, format!("a rule of more than {MAX_RULE} bytes")));
    }
    Ok(yaml)
}

pub async fn check(yaml: String) -> Result<Vec<RuleProblem>> {
    let yaml = limited(yaml)?;
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let problem = |p: check::Problem| RuleProblem {
        severity: p.severity.into(),
        line: number(p.line),
        column: number(p.column),
        message: p.message,
    };
    let problems = tokio::task::spawn_blocking(move || check::check(&yaml)).await?;
    Ok(problems.into_iter().map(problem).collect())
}

pub async fn explain(ctx: &Context<'_>, yaml: String, event: &ID) -> Result<Option<RuleExplanation>> {
    let yaml = limited(yaml)?;
    let Some(event) = Loaders::of(ctx)?.event(id::event_id(event)?).await? else { return Ok(None) };
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let explained = core.pipeline.explain_rule(scope, &yaml, event).await?;
    let part = |p: explain::Part| RulePart {
        name: p.name,
        depth: i32::try_from(p.depth).unwrap_or(i32::MAX),
        text: p.text,
        holds: p.holds,
        event: p.event,
        values: p.values,
        joined: p.joined,
    };
    Ok(Some(RuleExplanation {
        matches: explained.matches,
        unrelated: explained.unrelated,
        condition: explained.condition,
        parts: explained.parts.into_iter().map(part).collect(),
    }))
}

pub async fn trial(ctx: &Context<'_>, yaml: String, of: Option<PeriodInput>, first: i32) -> Result<RuleTrial> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let trial = core.pipeline.try_rule(scope, limited(yaml)?, period(of)?, page::size(first)?).await?;
    let total = if trial.complete { Total::of(trial.count) } else { Total::at_least(trial.count) };
    Ok(RuleTrial { total, sample: trial.sample.into_iter().map(EventObject).collect() })
}

pub async fn as_search(yaml: String) -> Result<RuleSearch> {
    let yaml = limited(yaml)?;
    let condition = tokio::task::spawn_blocking(move || search::to_condition(&yaml)).await?;
    Ok(match condition {
        Ok(condition) => RuleSearch { condition: Some(Json(input_of(&condition))), reason: None },
        Err(reason) => RuleSearch { condition: None, reason: Some(reason) },
    })
}

/// A condition as `ConditionInput` takes it.
pub fn input_of(condition: &Condition) -> Value {
    let list = |parts: &[Condition]| parts.iter().map(input_of).collect::<Vec<_>>();
    match condition {
        Condition::All => json!({"and": []}),
        Condition::And(parts) => json!({"and": list(parts)}),
        Condition::Or(parts) => json!({"or": list(parts)}),
        Condition::Not(inner) => json!({"not": input_of(inner)}),
        Condition::Match(m) => {
            let operator = async_graphql::resolver_utils::enum_value(super::enums::Operator::from(m.operator));
            let values = if m.operator == Operator::Exists { Value::Null } else { json!(m.operands) };
            json!({"match": {"field": m.name, "operator": operator, "values": values}})
        }
    }
}

pub async fn as_rule(of: ConditionInput, title: &str, description: String, level: &str) -> Result<SearchRule> {
    let head = head(title, description, level)?;
    Ok(match rule_of(condition(Some(of))?, head, "search".to_owned()).await? {
        Ok(rule) => SearchRule { yaml: Some(rule.text), reason: None },
        Err(reason) => SearchRule { yaml: None, reason: Some(reason) },
    })
}

fn head(title: &str, description: String, level: &str) -> Result<search::Head> {
    let (title, level) = (title.trim().to_owned(), level.to_lowercase());
    if title.is_empty() {
        return Err(Error::bad_input("a rule needs a title"));
    }
    if !LEVELS.contains(&level.as_str()) {
        return Err(Error::bad_input(format!("level must be one of {}", LEVELS.join(", "))));
    }
    Ok(search::Head { id: uuid::Uuid::now_v7().to_string(), title, description, level })
}

/// The rule that says the same as a search, or why there is none.
async fn rule_of(of: Condition, head: search::Head, origin: String) -> Result<std::result::Result<Rule, String>> {
    Ok(tokio::task::spawn_blocking(move || written(&of, &head, &origin)).await?)
}

fn written(of: &Condition, head: &search::Head, origin: &str) -> std::result::Result<Rule, String> {
    let mut loaded = rules::parse(&search::to_sigma(of, head)?, origin);
    match loaded.rules.pop() {
        Some(Rule { refused: Some(reason), .. }) => Err(reason),
        Some(rule) => Ok(rule),
        None => Err(loaded.issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

pub async fn create(ctx: &Context<'_>, input: CreateRuleInput) -> Result<CreateRuleResult> {
    session::all_hosts(ctx)?;
    let CreateRuleInput { condition: of, title, description, level, enabled, hunt } = input;
    let origin = format!("search of {}", session::caller(ctx)?.user.name);
    let made = async {
        let head = head(&title, description, &level)?;
        rule_of(condition(Some(of))?, head, origin).await?.map_err(Error::bad_input)
    };
    let rule = match UserError::split(None, made.await)? {
        Ok(rule) => Rule { enabled, ..rule },
        Err(errors) => return Ok(CreateRuleResult { rule: None, hunt: None, errors }),
    };
    let core = session::core(ctx)?;
    let (id, made) = (rule.id.clone(), vec![rule]);
    audit::import(ctx, &made).await?;
    core.pipeline.import_rules(made).await?;
    let hunt = hunt::at_once(ctx, hunt, std::slice::from_ref(&id)).await?;
    let rule = core.catalog.rule(&id).await?.map(RuleObject);
    Ok(CreateRuleResult { rule, hunt, errors: Vec::new() })
}
