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
    event::{Condition, condition::Operator, detection::LEVELS},
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
    /// Whether what is stored already is searched with it too.
    #[graphql(default)]
    hunt: bool,
}

/// Answer of `createRule`.
#[derive(SimpleObject)]
pub struct CreateRuleResult {
    /// The rule; it is matched from now on.
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

pub async fn create(ctx: &Context<'_>, input: CreateRuleInput) -> Result<CreateRuleResult> {
    session::all_hosts(ctx)?;
    let head = search::Head {
        id: uuid::Uuid::now_v7().to_string(),
        title: input.title.trim().to_owned(),
        description: input.description,
        level: input.level.to_lowercase(),
    };
    let made = if head.title.is_empty() {
        Err(Error::bad_input("a rule needs a title"))
    } else if !LEVELS.contains(&head.level.as_str()) {
        Err(Error::bad_input(format!("level must be one of {}", LEVELS.join(", "))))
    } else {
        condition(Some(input.condition)).and_then(|c| search::to_sigma(&c, &head).map_err(Error::bad_input))
    };
    let text = match UserError::split(None, made)? {
        Ok(text) => text,
        Err(errors) => return Ok(CreateRuleResult { rule: None, hunt: None, errors }),
    };
    let by = &session::caller(ctx)?.user.name;
    let loaded = rules::parse(&text, &format!("search of {by}"));
    if let Some(reason) = loaded.rules.iter().find_map(|r| r.refused.clone()) {
        let refused = UserError::split(None, Err::<(), _>(Error::bad_input(reason)))?;
        return Ok(CreateRuleResult { rule: None, hunt: None, errors: refused.err().unwrap_or_default() });
    }
    let core = session::core(ctx)?;
    audit::import(ctx, &loaded.rules).await?;
    core.pipeline.import_rules(loaded.rules).await?;
    let hunt = hunt::at_once(ctx, input.hunt, std::slice::from_ref(&head.id)).await?;
    let rule = core.catalog.rule(&head.id).await?.map(RuleObject);
    Ok(CreateRuleResult { rule, hunt, errors: Vec::new() })
}
