//! Which alerts, and how people change them.
use super::{
    alert::{self, AlertObject, AlertStatus},
    id::alert_id,
    page,
    scalar::{Long, PeriodInput, UserError, period},
    session,
};
use crate::{
    catalog::{self, AlertChange, AlertFilter, Catalog, Comment},
    error::{Code, Error, Result},
    event::{Time, detection::levels},
};
use async_graphql::{Context, ID, InputObject, SimpleObject};

/// Bytes of a comment or reason at most.
const MAX_TEXT: usize = 10_000;
/// Bytes of a tag at most.
const MAX_TAG: usize = 100;
/// Tags added or removed at once.
const MAX_TAGS: usize = 50;

/// Which alerts; all that is given must match.
#[derive(Debug, Clone, InputObject)]
pub struct AlertFilterInput {
    /// Any of these; empty means all.
    statuses: Option<Vec<AlertStatus>>,
    /// Levels, any of them; empty means all.
    levels: Option<Vec<String>>,
    /// Own id of the rule.
    rule_id: Option<String>,
    /// Host.
    host: Option<String>,
    /// Name of the user who works on it; empty means nobody.
    assignee: Option<String>,
    /// A tag that it has.
    tag: Option<String>,
    /// Overlaps the time from its first to its last hit.
    period: Option<PeriodInput>,
    /// Part of title, rule id or host, whatever the case of ASCII letters.
    text: Option<String>,
}

impl AlertFilterInput {
    pub fn read(self) -> Result<AlertFilter> {
        Ok(AlertFilter {
            ids: None,
            statuses: self.statuses.unwrap_or_default().into_iter().map(Into::into).collect(),
            levels: levels(&self.levels.unwrap_or_default())?,
            rule_id: self.rule_id,
            host: self.host,
            assignee: self.assignee,
            tag: self.tag,
            period: period(self.period)?,
            text: self.text,
        })
    }
}

/// Alerts and what to change of them; what is absent stays.
#[derive(InputObject)]
pub struct UpdateAlertsInput {
    /// Global ids of the alerts, 500 at most; this or `filter`.
    ids: Option<Vec<ID>>,
    /// Which alerts; `{}` means all that the caller sees. This or `ids`.
    filter: Option<AlertFilterInput>,
    /// New status.
    status: Option<AlertStatus>,
    /// Why it is closed: with the status `CLOSED`, and only with it.
    reason: Option<String>,
    /// Name of the user who works on it from now on; empty means nobody.
    assignee: Option<String>,
    /// Tags to add, each of 1 to 100 bytes.
    add_tags: Option<Vec<String>>,
    /// Tags to remove.
    remove_tags: Option<Vec<String>>,
}

/// Answer of `updateAlerts`.
#[derive(SimpleObject)]
pub struct UpdateAlertsResult {
    /// How many alerts are different now.
    changed: Long,
    /// Why nothing was changed.
    errors: Vec<UserError>,
}

/// Something to say about an alert.
#[derive(InputObject)]
pub struct CommentAlertInput {
    /// Global id of the alert.
    id: ID,
    /// What to say: 1 to 10,000 bytes.
    text: String,
}

/// Answer of `commentAlert`.
#[derive(SimpleObject)]
pub struct CommentAlertResult {
    /// The alert with its comments.
    alert: Option<AlertObject>,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// A wrong field of an input.
type Wrong = (&'static str, Error);

fn which(ids: Option<Vec<ID>>, filter: Option<AlertFilterInput>) -> Result<AlertFilter, Wrong> {
    match (ids, filter) {
        (Some(ids), None) if ids.len() > page::MAX as usize => {
            Err(("ids", Error::new(Code::TooLarge, format!("more than {} ids", page::MAX))))
        }
        (Some(ids), None) => {
            let ids = ids.iter().map(alert_id).collect::<Result<_>>().map_err(|e| ("ids", e))?;
            Ok(AlertFilter { ids: Some(ids), ..AlertFilter::default() })
        }
        (None, Some(filter)) => filter.read().map_err(|e| ("filter", e)),
        _ => Err(("filter", Error::bad_input("either ids or filter must be given"))),
    }
}

fn tags(field: &'static str, tags: Option<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let tags = tags.unwrap_or_default();
    if tags.len() > MAX_TAGS {
        return Err((field, Error::new(Code::TooLarge, format!("more than {MAX_TAGS} tags"))));
    }
    if tags.iter().any(|t| t.trim().is_empty() || t.len() > MAX_TAG) {
        return Err((field, Error::bad_input(format!("a tag must have 1 to {MAX_TAG} bytes and not be blank"))));
    }
    Ok(tags)
}

fn read(input: UpdateAlertsInput) -> Result<(AlertFilter, AlertChange), Wrong> {
    let filter = which(input.ids, input.filter)?;
    let status = input.status.map(catalog::AlertStatus::from);
    let closes = status == Some(catalog::AlertStatus::Closed);
    if closes && input.reason.as_ref().is_none_or(|r| r.trim().is_empty()) {
        return Err(("reason", Error::bad_input("an alert is closed with a reason")));
    }
    if let Some(reason) = &input.reason {
        if !closes {
            return Err(("reason", Error::bad_input("a reason goes with the status CLOSED only")));
        }
        if reason.len() > MAX_TEXT {
            return Err(("reason", Error::new(Code::TooLarge, format!("more than {MAX_TEXT} bytes"))));
        }
    }
    let change = AlertChange {
        status: status.map(|s| (s, input.reason)),
        assignee: input.assignee,
        add_tags: tags("addTags", input.add_tags)?,
        remove_tags: tags("removeTags", input.remove_tags)?,
    };
    if change == AlertChange::default() {
        return Err(("status", Error::bad_input("there is nothing to change")));
    }
    Ok((filter, change))
}

async fn check_assignee(catalog: &dyn Catalog, name: Option<&str>) -> Result<()> {
    match name {
        Some(name) if !name.is_empty() && catalog.user_by_name(name).await?.is_none() => {
            Err(Error::not_found("there is no such user"))
        }
        _ => Ok(()),
    }
}

pub async fn update(ctx: &Context<'_>, input: UpdateAlertsInput) -> Result<UpdateAlertsResult> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let failed = |errors| UpdateAlertsResult { changed: Long(0), errors };
    let (filter, change) = match read(input) {
        Ok(read) => read,
        Err((field, e)) => return Ok(failed(user_errors(field, e)?)),
    };
    if let Err(e) = check_assignee(&*core.catalog, change.assignee.as_deref()).await {
        return Ok(failed(user_errors("assignee", e)?));
    }
    let by = &session::caller(ctx)?.user.name;
    let changed = core.catalog.update_alerts(scope, &filter, &change, by, Time::now()).await?;
    core.pipeline.tell_alerts().await?;
    Ok(UpdateAlertsResult { changed: Long(changed), errors: Vec::new() })
}

pub async fn comment(ctx: &Context<'_>, input: CommentAlertInput) -> Result<CommentAlertResult> {
    let (core, scope) = (session::core(ctx)?, session::scope(ctx)?);
    let failed = |errors| CommentAlertResult { alert: None, errors };
    let id = match alert_id(&input.id) {
        Ok(id) => id,
        Err(e) => return Ok(failed(user_errors("id", e)?)),
    };
    if input.text.trim().is_empty() || input.text.len() > MAX_TEXT {
        let e = Error::bad_input(format!("a comment must have 1 to {MAX_TEXT} bytes and not be blank"));
        return Ok(failed(user_errors("text", e)?));
    }
    let comment = Comment { by: session::caller(ctx)?.user.name.clone(), at: Time::now(), text: input.text };
    if !core.catalog.comment_alert(scope, &id, &comment).await? {
        return Ok(failed(user_errors("id", Error::not_found("there is no such alert"))?));
    }
    core.pipeline.tell_alerts().await?;
    Ok(CommentAlertResult { alert: alert::find(ctx, id).await?, errors: Vec::new() })
}

fn user_errors(field: &str, error: Error) -> Result<Vec<UserError>> {
    Ok(UserError::split(Some(field), Err::<(), _>(error))?.err().unwrap_or_default())
}
