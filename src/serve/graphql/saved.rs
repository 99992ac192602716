//! Saved searches.
use super::{
    audit,
    condition::{ConditionInput, condition},
    scalar::{DateTime, PeriodInput, UserError, period},
    session,
};
use crate::{
    catalog::{self, Role},
    error::{Error, Result},
    event::Time,
};
use async_graphql::{Context, ID, InputObject, InputType, Json, SimpleObject};
use serde_json::json;

/// A search that somebody has saved.
#[derive(SimpleObject)]
pub struct SavedSearch {
    /// Id, to be given to `saveSearch` and `deleteSavedSearch`.
    id: ID,
    /// What it is called.
    name: String,
    /// Who saved it.
    owner: String,
    /// Whether it is the caller's own, so that he may change it.
    own: bool,
    /// Whether everybody sees it.
    shared: bool,
    /// The condition in the form of `ConditionInput`; absent means all events.
    condition: Option<Json<serde_json::Value>>,
    /// A period that ends now, such as `24h`.
    last: Option<String>,
    /// Begin of a fixed period.
    from: Option<DateTime>,
    /// End of a fixed period.
    to: Option<DateTime>,
    /// When it was saved.
    updated: DateTime,
}

impl SavedSearch {
    pub async fn of_caller(ctx: &Context<'_>) -> Result<Vec<Self>> {
        let caller = session::caller(ctx)?;
        let saved = session::core(ctx)?.catalog.saved_searches(&caller.user.id).await?;
        saved.into_iter().map(|s| Self::new(s, &caller.user.id)).collect()
    }

    fn new(saved: catalog::SavedSearch, caller: &str) -> Result<Self> {
        let condition = saved.condition.as_deref().map(serde_json::from_str).transpose()?;
        Ok(Self {
            own: saved.owner_id == caller,
            id: saved.id.into(),
            name: saved.name,
            owner: saved.owner_name,
            shared: saved.shared,
            condition: condition.map(Json),
            last: saved.last,
            from: saved.period.from.map(DateTime),
            to: saved.period.to.map(DateTime),
            updated: DateTime(saved.updated),
        })
    }
}

/// A search to save.
#[derive(InputObject)]
pub struct SaveSearchInput {
    /// The saved search to change; absent makes a new one.
    id: Option<ID>,
    /// What it is to be called.
    name: String,
    /// Whether everybody sees it: for analysts.
    #[graphql(default = false)]
    shared: bool,
    /// Which events; absent means all.
    condition: Option<ConditionInput>,
    /// A period that ends now: a number with m, h or d, such as `24h`. Goes before `period`.
    last: Option<String>,
    /// A fixed period.
    period: Option<PeriodInput>,
}

/// Answer of `saveSearch`.
#[derive(SimpleObject)]
pub struct SaveSearchResult {
    /// The search as it is saved.
    search: Option<SavedSearch>,
    /// Why it is not.
    errors: Vec<UserError>,
}

/// A saved search to delete.
#[derive(InputObject)]
pub struct DeleteSavedSearchInput {
    /// Its id.
    pub id: ID,
}

/// Answer of `deleteSavedSearch`.
#[derive(SimpleObject)]
pub struct DeleteSavedSearchResult {
    /// Id of the search that was deleted.
    deleted_id: Option<ID>,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// Characters of a name at most.
const MAX_NAME: usize = 200;
/// Bytes of a condition at most.
const MAX_CONDITION: usize = 512 << 10;

fn check(input: SaveSearchInput, caller: &catalog::User) -> Result<catalog::SavedSearch> {
    let name = input.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::bad_input(format!("a name has 1 to {MAX_NAME} characters")));
    }
    if input.shared && caller.role < Role::Analyst {
        return Err(Error::bad_input("only analysts share a search with all"));
    }
    let last = input.last.filter(|l| !l.is_empty());
    let (number, unit) =
        last.as_deref().map_or(("1", "d"), |l| l.split_at(l.len() - l.ends_with(['m', 'h', 'd']) as usize));
    if !(1..=99_999).contains(&number.parse::<u32>().unwrap_or(0)) || unit.is_empty() {
        return Err(Error::bad_input("last must be a number with m, h or d, such as 24h"));
    }
    let period = if last.is_some() { crate::event::Period::default() } else { period(input.period)? };
    condition(input.condition.clone())?;
    let text = |c: ConditionInput| serde_json::to_string(&c.to_value().into_json()?);
    let condition: Option<String> =
        input.condition.map(text).transpose().map_err(|e: serde_json::Error| Error::internal(e))?;
    if condition.as_ref().is_some_and(|c| c.len() > MAX_CONDITION) {
        return Err(Error::bad_input(format!("the condition has more than {MAX_CONDITION} bytes")));
    }
    Ok(catalog::SavedSearch {
        id: input.id.map_or_else(|| uuid::Uuid::now_v7().to_string(), |id| id.to_string()),
        name,
        owner_id: caller.id.clone(),
        owner_name: caller.name.clone(),
        shared: input.shared,
        condition,
        last,
        period,
        updated: Time::now(),
    })
}

pub async fn save(ctx: &Context<'_>, input: SaveSearchInput) -> Result<SaveSearchResult> {
    let caller = &session::caller(ctx)?.user;
    let is_new = input.id.is_none();
    let stored = match check(input, caller) {
        Ok(search) => session::core(ctx)?.catalog.put_saved_search(&search, is_new).await.map(|()| search),
        Err(e) => Err(e),
    };
    if let Ok(search) = &stored {
        let detail = json!({"name": search.name, "shared": search.shared, "new": is_new});
        audit::record(ctx, "saveSearch", &search.id, &detail).await?;
    }
    Ok(match UserError::split(None, stored)? {
        Ok(search) => SaveSearchResult { search: Some(SavedSearch::new(search, &caller.id)?), errors: Vec::new() },
        Err(errors) => SaveSearchResult { search: None, errors },
    })
}

pub async fn delete(ctx: &Context<'_>, id: ID) -> Result<DeleteSavedSearchResult> {
    let (core, caller) = (session::core(ctx)?, &session::caller(ctx)?.user);
    let deleted = match core.catalog.delete_saved_search(&id, &caller.id).await {
        Ok(true) => Ok(id),
        Ok(false) => Err(Error::not_found("the caller has no such saved search")),
        Err(e) => Err(e),
    };
    if let Ok(id) = &deleted {
        audit::record(ctx, "deleteSavedSearch", id, &json!({})).await?;
    }
    Ok(match UserError::split(Some("id"), deleted)? {
        Ok(id) => DeleteSavedSearchResult { deleted_id: Some(id), errors: Vec::new() },
        Err(errors) => DeleteSavedSearchResult { deleted_id: None, errors },
    })
}
