//! Webhooks made, changed, tested and deleted; messages sent again; rules made quiet.
use super::{
    id,
    load::Loaders,
    rule::RuleObject,
    scalar::{Long, UserError},
    session,
    webhook::{self, WebhookObject, WebhookTells},
};
use crate::{
    catalog::{
        self, AuditEntry, Delivery, DeliveryState, Item, ItemChange, ItemFilter, ItemKind, Suppression, Webhook,
    },
    error::{Code, Error, Result},
    event::{Key, Time, detection::levels, normal_host},
    pipeline::webhook::{Key as SigningKey, Sender, key_item},
    serve::Core,
};
use async_graphql::{Context, ID, InputObject, SimpleObject};
use serde_json::json;
use uuid::Uuid;

/// Webhooks at most.
const MAX_WEBHOOKS: u64 = 50;
/// Characters of a name at most.
const MAX_NAME: usize = 200;
/// Rules or hosts that one webhook may name.
const MAX_LIST: usize = 1_000;
/// Messages sent again at once.
const MAX_RETRY: usize = 1_000;
/// Longest time for which a rule may be quiet.
const MAX_SECONDS: i32 = 30 * 24 * 60 * 60;
/// Fields of a suppression at most.
const MAX_FIELDS: usize = 5;

/// A webhook to make, or to change. Of a change what is absent stays.
#[derive(Debug, InputObject)]
pub struct SaveWebhookInput {
    /// The webhook to change; absent makes a new one.
    id: Option<ID>,
    /// What it is called; needed for a new one.
    name: Option<String>,
    /// Where messages are sent: https or http, to an address that the administrator has allowed. Needed for a new one.
    url: Option<String>,
    /// What it is told of; alerts unless it is said.
    tells: Option<WebhookTells>,
    /// Levels that it is told of; empty means all.
    levels: Option<Vec<String>>,
    /// Global or own ids of the rules that it is told of; empty means all.
    rules: Option<Vec<ID>>,
    /// Hosts that it is told of; empty means all.
    hosts: Option<Vec<String>>,
    /// Whether it is told.
    enabled: Option<bool>,
    /// Gives a new secret to one that is changed; the old one ends.
    #[graphql(default = false)]
    new_secret: bool,
}

/// Answer of `saveWebhook`.
#[derive(Default, SimpleObject)]
pub struct SaveWebhookResult {
    /// The webhook as it is now.
    webhook: Option<WebhookObject>,
    /// Its secret, where it is new. It is never shown again.
    secret: Option<String>,
    /// Why nothing was changed.
    errors: Vec<UserError>,
}

/// A webhook.
#[derive(InputObject)]
pub struct WebhookInput {
    /// Its id.
    id: ID,
}

/// Answer of `deleteWebhook`.
#[derive(Default, SimpleObject)]
pub struct DeleteWebhookResult {
    /// Id of the webhook that was deleted, with what was still to be sent to it.
    deleted_id: Option<ID>,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// Answer of `testWebhook`.
#[derive(Default, SimpleObject)]
pub struct TestWebhookResult {
    /// Whether the receiver has taken the message.
    delivered: bool,
    /// HTTP status of its answer.
    status: Option<i32>,
    /// Why it was not delivered.
    message: Option<String>,
    /// Why nothing was sent.
    errors: Vec<UserError>,
}

/// Messages that were given up.
#[derive(InputObject)]
pub struct RetryDeliveriesInput {
    /// The webhook.
    webhook: ID,
    /// Ids of messages; absent means all that were given up, a thousand at once.
    ids: Option<Vec<ID>>,
}

/// Answer of `retryDeliveries`.
#[derive(Default, SimpleObject)]
pub struct RetryDeliveriesResult {
    /// How many are sent again.
    retried: Long,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// For how long a rule is quiet after webhooks were told of it.
#[derive(InputObject)]
pub struct SuppressRuleInput {
    /// Global id or `ruleId`.
    id: ID,
    /// Seconds, at most 30 days; 0 ends it. While they last, webhooks are told of no further hit of the rule on the
    /// same host. The hits are stored and counted all the same.
    seconds: i32,
    /// Fields of the event: hits with other values in one of them are told. At most 5.
    #[graphql(default)]
    fields: Vec<String>,
}

/// Answer of `suppressRule`.
#[derive(Default, SimpleObject)]
pub struct SuppressRuleResult {
    /// The rule as it is now.
    rule: Option<RuleObject>,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// A wrong field of an input.
type Wrong = (Option<&'static str>, Error);

fn wrong<T>(field: &'static str, result: Result<T>) -> Result<T, Wrong> {
    result.map_err(|e| (Some(field), e))
}

/// What a caller can repair as user errors. That an address is not allowed is one of them.
fn user_errors((field, e): Wrong) -> Result<Vec<UserError>> {
    let e = if e.code == Code::Forbidden { Error::bad_input(e.message) } else { e };
    Ok(UserError::split(field, Err::<(), _>(e))?.err().unwrap_or_default())
}

fn sender(core: &Core) -> Result<&Sender> {
    core.sender.as_deref().ok_or_else(|| Error::new(Code::Unavailable, "this process does not send to webhooks"))
}

fn list(of: Vec<String>) -> Result<Vec<String>> {
    if of.len() > MAX_LIST {
        return Err(Error::new(Code::TooLarge, format!("more than {MAX_LIST} entries")));
    }
    let mut of: Vec<String> = of.into_iter().map(|e| e.trim().to_owned()).filter(|e| !e.is_empty()).collect();
    of.sort();
    of.dedup();
    Ok(of)
}

/// Puts what is given in its place.
fn filled(sender: &Sender, mut webhook: Webhook, input: SaveWebhookInput) -> Result<Webhook, Wrong> {
    if let Some(name) = input.name {
        webhook.name = name.trim().to_owned();
    }
    if webhook.name.is_empty() || webhook.name.chars().count() > MAX_NAME {
        return wrong("name", Err(Error::bad_input(format!("a name must have 1 to {MAX_NAME} characters"))));
    }
    if let Some(url) = input.url {
        webhook.url = url;
    }
    wrong("url", sender.allowed().url(&webhook.url))?;
    if let Some(tells) = input.tells {
        webhook.tells = tells.into();
    }
    if let Some(asked) = input.levels {
        webhook.levels = wrong("levels", levels(&asked))?;
    }
    if let Some(rules) = input.rules {
        let ids = rules.iter().map(id::rule_id).collect::<Result<_>>();
        webhook.rules = wrong("rules", ids.and_then(list))?;
    }
    if let Some(hosts) = input.hosts {
        webhook.hosts = wrong("hosts", list(hosts.iter().map(|h| normal_host(h)).collect()))?;
    }
    webhook.enabled = input.enabled.unwrap_or(webhook.enabled);
    Ok(webhook)
}

pub async fn save(ctx: &Context<'_>, input: SaveWebhookInput) -> Result<SaveWebhookResult> {
    webhook::check_scope(ctx)?;
    let (core, by) = (session::core(ctx)?, &session::caller(ctx)?.user.name);
    let failed = |wrong: Wrong| Ok(SaveWebhookResult { errors: user_errors(wrong)?, ..SaveWebhookResult::default() });
    let (before, id) = match &input.id {
        Some(id) => match webhook::find(&*core.catalog, id).await {
            Ok(webhook) => (Some(webhook), id.to_string()),
            Err(e) => return failed((Some("id"), e)),
        },
        None => (None, Uuid::now_v7().to_string()),
    };
    let there: u64 = core.catalog.count_items(ItemKind::Webhook).await?.iter().map(|(_, n)| n).sum();
    if before.is_none() && there >= MAX_WEBHOOKS {
        let message = format!("there are {MAX_WEBHOOKS} webhooks already: delete some first");
        return failed((None, Error::new(Code::TooMany, message)));
    }
    let start = before.clone().unwrap_or_else(|| Webhook {
        id,
        name: String::new(),
        url: String::new(),
        tells: catalog::Tells::Alerts,
        levels: Vec::new(),
        rules: Vec::new(),
        hosts: Vec::new(),
        enabled: true,
        made_by: by.clone(),
        made: Time::now(),
    });
    let fresh = before.is_none() || input.new_secret;
    let webhook = match filled(sender(core)?, start, input) {
        Ok(webhook) => webhook,
        Err(wrong) => return failed(wrong),
    };
    let mut changes = vec![ItemChange::Put(webhook.item()?)];
    let key = fresh.then(SigningKey::random);
    if let Some(key) = &key {
        changes.push(ItemChange::Put(key_item(&webhook.id, key)?));
    }
    let detail = json!({"from": before, "to": webhook, "newSecret": fresh});
    let entry = AuditEntry::new(by, "saveWebhook", &webhook.id, &detail);
    core.catalog.change_items(&changes, &[entry]).await?;
    let webhook = WebhookObject::with(&*core.catalog, vec![webhook]).await?.pop();
    Ok(SaveWebhookResult { webhook, secret: key.map(|k| k.secret()), errors: Vec::new() })
}

pub async fn delete(ctx: &Context<'_>, input: WebhookInput) -> Result<DeleteWebhookResult> {
    webhook::check_scope(ctx)?;
    let (core, by) = (session::core(ctx)?, &session::caller(ctx)?.user.name);
    let webhook = match webhook::find(&*core.catalog, &input.id).await {
        Ok(webhook) => webhook,
        Err(e) => {
            return Ok(DeleteWebhookResult { errors: user_errors((Some("id"), e))?, ..DeleteWebhookResult::default() });
        }
    };
    let changes = [
        ItemChange::Remove(ItemFilter::id(ItemKind::Webhook, &webhook.id)),
        ItemChange::Remove(ItemFilter::id(ItemKind::WebhookKey, &webhook.id)),
        ItemChange::Remove(Delivery::of(&webhook.id)),
    ];
    let entry = AuditEntry::new(by, "deleteWebhook", &webhook.id, &json!({"from": webhook}));
    core.catalog.change_items(&changes, &[entry]).await?;
    Ok(DeleteWebhookResult { deleted_id: Some(input.id), errors: Vec::new() })
}

pub async fn test(ctx: &Context<'_>, input: WebhookInput) -> Result<TestWebhookResult> {
    webhook::check_scope(ctx)?;
    let (core, by) = (session::core(ctx)?, &session::caller(ctx)?.user.name);
    let webhook = match webhook::find(&*core.catalog, &input.id).await {
        Ok(webhook) => webhook,
        Err(e) => {
            return Ok(TestWebhookResult { errors: user_errors((Some("id"), e))?, ..TestWebhookResult::default() });
        }
    };
    let attempt = crate::pipeline::webhook::test(&*core.catalog, sender(core)?, &webhook).await?;
    let detail = json!({"status": attempt.status, "failure": attempt.failure});
    let entry = AuditEntry::new(by, "testWebhook", &webhook.id, &detail);
    core.catalog.change_items(&[], &[entry]).await?;
    Ok(TestWebhookResult {
        delivered: attempt.failure.is_none(),
        status: attempt.status.map(i32::from),
        message: attempt.failure,
        errors: Vec::new(),
    })
}

pub async fn retry(ctx: &Context<'_>, input: RetryDeliveriesInput) -> Result<RetryDeliveriesResult> {
    webhook::check_scope(ctx)?;
    let (core, by) = (session::core(ctx)?, &session::caller(ctx)?.user.name);
    let failed =
        |wrong: Wrong| Ok(RetryDeliveriesResult { errors: user_errors(wrong)?, ..RetryDeliveriesResult::default() });
    let webhook = match webhook::find(&*core.catalog, &input.webhook).await {
        Ok(webhook) => webhook,
        Err(e) => return failed((Some("webhook"), e)),
    };
    if input.ids.as_ref().is_some_and(|ids| ids.len() > MAX_RETRY) {
        return failed((Some("ids"), Error::new(Code::TooLarge, format!("more than {MAX_RETRY} ids"))));
    }
    let filter = ItemFilter {
        ids: input.ids.map(|ids| ids.into_iter().map(|id| id.0).collect()),
        ..ItemFilter::groups(ItemKind::Delivery, vec![DeliveryState::Dead.group(&webhook.id)])
    };
    let dead = core.catalog.items(&filter, None, MAX_RETRY).await?;
    let again = |item: &Item| {
        let delivery: Delivery = item.read()?;
        let pending = Delivery { state: DeliveryState::Pending, attempts: 0, at: Time::now(), ..delivery };
        pending.item().map(ItemChange::Put)
    };
    let changes = dead.iter().map(again).collect::<Result<Vec<_>>>()?;
    let entry = AuditEntry::new(by, "retryDeliveries", &webhook.id, &json!({"retried": changes.len()}));
    core.catalog.change_items(&changes, &[entry]).await?;
    Ok(RetryDeliveriesResult { retried: Long(changes.len() as u64), errors: Vec::new() })
}

async fn read_suppression(ctx: &Context<'_>, input: SuppressRuleInput) -> Result<(String, Option<Suppression>), Wrong> {
    let rule_id = wrong("id", id::rule_id(&input.id))?;
    if Loaders::of(ctx).map_err(|e| (None, e))?.rule(rule_id.clone()).await.map_err(|e| (None, e))?.is_none() {
        return wrong("id", Err(Error::not_found("there is no such rule")));
    }
    let seconds = u32::try_from(input.seconds).ok().filter(|_| input.seconds <= MAX_SECONDS);
    let seconds =
        wrong("seconds", seconds.ok_or_else(|| Error::bad_input(format!("seconds must be from 0 to {MAX_SECONDS}"))))?;
    if input.fields.len() > MAX_FIELDS {
        return wrong("fields", Err(Error::bad_input(format!("more than {MAX_FIELDS} fields"))));
    }
    for name in &input.fields {
        if !matches!(Key::parse(name), Key::Field(_)) {
            return wrong("fields", Err(Error::bad_input(format!("there is no field {name:?}: see `fields`"))));
        }
    }
    let set_by = session::caller(ctx).map_err(|e| (None, e))?.user.name.clone();
    let suppression = (seconds > 0).then(|| Suppression {
        rule_id: rule_id.clone(),
        seconds,
        fields: input.fields,
        set_by,
        set: Time::now(),
    });
    Ok((rule_id, suppression))
}

pub async fn suppress(ctx: &Context<'_>, input: SuppressRuleInput) -> Result<SuppressRuleResult> {
    session::all_hosts(ctx)?;
    let (rule_id, suppression) = match read_suppression(ctx, input).await {
        Ok(read) => read,
        Err(wrong) => return Ok(SuppressRuleResult { errors: user_errors(wrong)?, ..SuppressRuleResult::default() }),
    };
    let (core, by) = (session::core(ctx)?, &session::caller(ctx)?.user.name);
    let found = core.catalog.items(&ItemFilter::id(ItemKind::Suppression, &rule_id), None, 1).await?;
    let before: Option<Suppression> = found.first().map(Item::read).transpose()?;
    let change = match &suppression {
        Some(suppression) => ItemChange::Put(suppression.item()?),
        None => ItemChange::Remove(ItemFilter::id(ItemKind::Suppression, &rule_id)),
    };
    let detail = json!({"from": before, "to": suppression});
    core.catalog.change_items(&[change], &[AuditEntry::new(by, "suppressRule", &rule_id, &detail)]).await?;
    let rule = Loaders::of(ctx)?.rule(rule_id).await?.map(RuleObject);
    Ok(SuppressRuleResult { rule, errors: Vec::new() })
}
