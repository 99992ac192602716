//! Exceptions: what rules leave out in this environment.
use super::{
    audit,
    condition::{ConditionInput, condition},
    hit::HitObject,
    id,
    load::Loaders,
    page,
    rule::RuleObject,
    scalar::{DateTime, PeriodInput, Total, UserError, period},
    session,
};
use crate::{
    error::{Error, Result},
    event::{
        Condition, Event, Field, Time,
        condition::{Match, Operator},
        detection::Rule,
    },
    rules::exception::{self, Exception},
};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use std::borrow::Cow;

/// Rules of one exception at most.
const MAX_RULES: usize = 100;
/// Fields of an event that one exception may take.
const MAX_FIELDS: usize = 20;
/// Bytes of a title or reason at most.
const MAX_TEXT: usize = 2_000;

/// What rules are to leave out from now on. Either `condition`, or `event` with `fields`.
#[derive(InputObject)]
pub struct ExceptionInput {
    /// Global or own ids of the rules, 1 to 100.
    rules: Vec<ID>,
    /// Events that the rules leave out.
    condition: Option<ConditionInput>,
    /// Global id or `eventId` of an event like those that the rules leave out.
    event: Option<ID>,
    /// Fields in which they are like the event, such as Image and Computer; each is compared as a whole.
    fields: Option<Vec<String>>,
    /// What it is called; the reason unless it is said.
    title: Option<String>,
    /// Why.
    reason: String,
    /// It holds for events before this time only.
    until: Option<DateTime>,
}

/// What an exception would have hidden.
#[derive(SimpleObject)]
pub struct ExceptionPreview {
    /// Stored hits of the rules on events of the period that were looked at.
    seen: Total,
    /// Of these, those that would not have come.
    hidden: Total,
    /// The newest of the latter.
    sample: Vec<HitObject>,
    /// The Sigma filter.
    text: String,
}

/// Answer of `createException`.
#[derive(SimpleObject)]
pub struct CreateExceptionResult {
    /// The exception; it holds from now on.
    exception: Option<RuleException>,
    /// Why there is none.
    errors: Vec<UserError>,
}

pub struct RuleException {
    rule: Rule,
    read: Exception,
}

/// A Sigma filter: what rules leave out in this environment. It stays when the rules are imported again. Switch it with
/// `enableRule` and delete it with `deleteRule`; hits that are stored already stay until a rebuild.
#[Object]
impl RuleException {
    /// The filter as it is kept among the rules, with its history.
    async fn filter(&self) -> RuleObject {
        RuleObject(self.rule.clone())
    }
    /// Own ids or names of the rules that it is for.
    async fn rule_ids(&self) -> &[String] {
        &self.read.rules
    }
    /// Why it was made.
    async fn reason(&self) -> &str {
        &self.read.reason
    }
    /// Who made it.
    async fn author(&self) -> &str {
        &self.read.author
    }
    /// When it was made or changed.
    async fn made(&self) -> DateTime {
        DateTime(self.rule.loaded)
    }
    /// It holds for events before this time only.
    async fn until(&self) -> Option<DateTime> {
        self.read.until.map(DateTime)
    }
    /// Whether that time has passed.
    async fn expired(&self) -> bool {
        self.read.until.is_some_and(|t| t <= Time::now())
    }
}

impl RuleException {
    fn new(rule: Rule) -> Option<Self> {
        Some(Self { read: exception::read(&rule)?, rule })
    }

    /// All exceptions, or those of a rule, by title.
    pub async fn all(ctx: &Context<'_>, of: Option<ID>) -> Result<Vec<Self>> {
        let of = of.as_ref().map(id::rule_id).transpose()?;
        let core = session::core(ctx)?;
        let set = core.pipeline.rule_set();
        let all = core.catalog.rules().await?.into_iter().filter_map(Self::new);
        // A rule takes over the exceptions of those that it supersedes.
        let is_for = |e: &Self, id: &String| {
            e.read.rules.contains(id) || set.succession().before(id).any(|old| e.read.rules.iter().any(|r| r == old))
        };
        Ok(all.filter(|e| of.as_ref().is_none_or(|id| is_for(e, id))).collect())
    }
}

/// Events like this one, in some fields.
fn like(event: &Event, fields: &[String]) -> Result<Condition> {
    if fields.is_empty() || fields.len() > MAX_FIELDS {
        return Err(Error::bad_input(format!("fields must name 1 to {MAX_FIELDS} fields of the event")));
    }
    let mut parts = Vec::new();
    for name in fields {
        let (values, asked) = match Field::parse(name) {
            Some(field) => (event.values(field), name.clone()),
            None => {
                let same = event.data.iter().filter(|(k, _)| k.name().eq_ignore_ascii_case(name));
                (same.map(|(_, v)| Cow::Borrowed(&**v)).collect(), format!("data.{name}"))
            }
        };
        if values.is_empty() {
            return Err(Error::bad_input(format!("the event has no {name}")));
        }
        // Of a field with several values, such as the hashes of a file, the others have all of them too.
        for value in values {
            parts.push(Condition::Match(Match::new(&asked, Operator::Equals, &[value.into_owned()])?));
        }
    }
    Ok(Condition::And(parts))
}

async fn read(ctx: &Context<'_>, input: ExceptionInput) -> Result<(Exception, Condition)> {
    if input.rules.is_empty() || input.rules.len() > MAX_RULES {
        return Err(Error::bad_input(format!("rules must name 1 to {MAX_RULES} rules")));
    }
    let condition = match (input.condition, input.event) {
        (Some(asked), None) => condition(Some(asked))?,
        (None, Some(event)) => {
            let event = Loaders::of(ctx)?.event(id::event_id(&event)?).await?;
            let event = event.ok_or_else(|| Error::not_found("there is no such event"))?;
            like(&event, &input.fields.unwrap_or_default())?
        }
        _ => return Err(Error::bad_input("either condition or event must be given")),
    };
    // A reason of nothing is no reason.
    let reason = input.reason.trim().to_owned();
    let title = input.title.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let title = title.unwrap_or_else(|| format!("Exception: {reason}").chars().take(200).collect());
    if reason.is_empty() || reason.len() > MAX_TEXT || title.len() > MAX_TEXT {
        return Err(Error::bad_input(format!("reason must have 1 to {MAX_TEXT} bytes, and title no more")));
    }
    let exception = Exception {
        id: uuid::Uuid::now_v7().to_string(),
        title,
        rules: input.rules.iter().map(id::rule_id).collect::<Result<_>>()?,
        reason,
        author: session::caller(ctx)?.user.name.clone(),
        until: input.until.map(|t| t.0),
    };
    Ok((exception, condition))
}

pub async fn preview(
    ctx: &Context<'_>,
    input: ExceptionInput,
    of: Option<PeriodInput>,
    first: i32,
) -> Result<ExceptionPreview> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let (exception, condition) = read(ctx, input).await?;
    let text = exception::write(&exception, &condition).map_err(Error::bad_input)?;
    let what = (&condition, exception.until);
    let found = core.pipeline.hidden_hits(scope, &exception.rules, what, period(of)?, page::size(first)?).await?;
    let total = |n| if found.complete { Total::of(n) } else { Total::at_least(n) };
    Ok(ExceptionPreview {
        seen: total(found.seen),
        hidden: total(found.hidden),
        sample: found.sample.into_iter().map(HitObject).collect(),
        text,
    })
}

pub async fn create(ctx: &Context<'_>, input: ExceptionInput) -> Result<CreateExceptionResult> {
    session::all_hosts(ctx)?;
    let core = session::core(ctx)?;
    let made = async {
        let (exception, condition) = read(ctx, input).await?;
        let made = core.pipeline.exception(&exception, &condition).await?;
        let detail = serde_json::json!({
            "rules": exception.rules, "reason": exception.reason, "until": exception.until.map(Time::rfc3339),
        });
        audit::record(ctx, "createException", &exception.id, &detail).await?;
        core.pipeline.import_rules(made).await?;
        core.catalog.rule(&exception.id).await
    };
    Ok(match UserError::split(None, made.await)? {
        Ok(rule) => CreateExceptionResult { exception: rule.and_then(RuleException::new), errors: Vec::new() },
        Err(errors) => CreateExceptionResult { exception: None, errors },
    })
}
