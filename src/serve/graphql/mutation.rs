//! Everything that can be changed. What a caller can repair comes back as typed errors.
use super::{
    alert_input::{self, CommentAlertInput, CommentAlertResult, UpdateAlertsInput, UpdateAlertsResult},
    audit,
    editor::{self, CreateRuleInput, CreateRuleResult},
    enums::Role,
    exception::{self, CreateExceptionResult, ExceptionInput},
    hunt::{self, CancelJobInput, CancelJobResult, HuntJob, StartHuntInput, StartHuntResult},
    id,
    indicator::{self, ImportIndicatorsInput, ImportIndicatorsResult, RemoveIndicatorsInput, RemoveIndicatorsResult},
    load::Loaders,
    rule::RuleObject,
    saved::{self, DeleteSavedSearchInput, DeleteSavedSearchResult, SaveSearchInput, SaveSearchResult},
    scalar::{Long, UserError},
    session::{self, admin, analyst, viewer},
    user::{LoginResult, User},
    webhook_input::{
        self, DeleteWebhookResult, RetryDeliveriesInput, RetryDeliveriesResult, SaveWebhookInput, SaveWebhookResult,
        SuppressRuleInput, SuppressRuleResult, TestWebhookResult, WebhookInput,
    },
};
use crate::{
    catalog::{Item, ItemChange, ItemKind},
    error::{Code, Error, Result},
    pipeline::Imported,
    rules::{self, Loaded},
    serve::{Core, auth, reading::Turn},
};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use serde_json::json;

pub struct Mutation;

/// Rules of one import at most, in bytes of YAML.
const MAX_YAML: usize = 900 << 10;

/// Who logs in.
#[derive(InputObject)]
pub struct LoginInput {
    /// Name of the user.
    name: String,
    /// Password of the user.
    #[graphql(secret)]
    password: String,
}

/// Answer of `logout`.
#[derive(SimpleObject)]
pub struct LogoutResult {
    /// Why it failed.
    errors: Vec<UserError>,
}

/// A new password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password until now.
    #[graphql(secret)]
    current_password: String,
    /// The password from now on: 10 characters at least.
    #[graphql(secret)]
    new_password: String,
}

/// Answer of `changePassword`.
#[derive(SimpleObject)]
pub struct ChangePasswordResult {
    /// Why it failed.
    errors: Vec<UserError>,
}

/// A new user.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// Name to log in with: letters, digits, and any of . _ @ -
    name: String,
    /// Password: 10 characters at least.
    #[graphql(secret)]
    password: String,
    /// What he may do.
    role: Role,
}

/// Answer of `createUser`.
#[derive(SimpleObject)]
pub struct CreateUserResult {
    /// The new user.
    user: Option<User>,
    /// Why there is none.
    errors: Vec<UserError>,
}

/// Whether a user may log in.
#[derive(InputObject)]
pub struct EnableUserInput {
    /// Name of the user.
    name: String,
    /// Whether he may log in from now on; `false` also ends his sessions.
    enabled: bool,
}

/// Answer of `enableUser`.
#[derive(SimpleObject)]
pub struct EnableUserResult {
    /// The user as he is now.
    user: Option<User>,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// A new password for somebody.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// Name of the user.
    name: String,
    /// The password from now on: 10 characters at least.
    #[graphql(secret)]
    password: String,
}

/// Answer of `resetPassword`.
#[derive(SimpleObject)]
pub struct ResetPasswordResult {
    /// Why it failed.
    errors: Vec<UserError>,
}

/// What is derived from the stored events and can be made anew.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum Derived {
    /// The graph.
    Graph,
    /// The hits of the rules, found with the rules as they are now.
    Hits,
}

/// What to make anew.
#[derive(InputObject)]
pub struct RebuildInput {
    /// Which part.
    part: Derived,
}

/// Answer of `rebuild`.
#[derive(SimpleObject)]
pub struct RebuildResult {
    /// Why it failed.
    errors: Vec<UserError>,
}

/// Whether a rule is matched.
#[derive(InputObject)]
pub struct EnableRuleInput {
    /// Global id or `ruleId`.
    id: ID,
    /// Whether it is matched from now on.
    enabled: bool,
}

/// Answer of `enableRule`.
#[derive(SimpleObject)]
pub struct EnableRuleResult {
    /// The rule as it is now.
    rule: Option<RuleObject>,
    /// Why it failed.
    errors: Vec<UserError>,
}

/// Sigma rules.
#[derive(InputObject)]
pub struct ImportRulesInput {
    /// Sigma YAML; several documents are separated by `---`.
    yaml: String,
    /// What the rules come from, such as the name of a file.
    #[graphql(default_with = "\"API\".to_owned()")]
    origin: String,
    /// Whether rules that are new are matched; those that are there stay switched on or off.
    #[graphql(default = true)]
    enabled: bool,
    /// Whether what is stored already is searched with them too.
    #[graphql(default)]
    hunt: bool,
}

/// A rule in whose place another one stands.
#[derive(SimpleObject)]
pub struct SupersededRule {
    /// Its own id.
    rule_id: String,
    /// Own id of the other one.
    by: String,
}

/// Answer of `importRules`.
#[derive(Default, SimpleObject)]
pub struct ImportRulesResult {
    /// Rules in the text.
    read: Long,
    /// Those that are new or changed.
    changed: Long,
    /// The rules in the text, with the reason for each that cannot be matched.
    rules: Vec<RuleObject>,
    /// The retro-hunt, where one was asked for and a rule is matched.
    hunt: Option<HuntJob>,
    /// Rules that are switched off, once: others stand in their place, which took over their exceptions and suppression.
    superseded: Vec<SupersededRule>,
    /// Parts of the text that are no rule, and doubtful parts of rules.
    issues: Vec<String>,
    /// Why nothing was imported.
    errors: Vec<UserError>,
}

/// A rule to delete.
#[derive(InputObject)]
pub struct DeleteRuleInput {
    /// Global id or `ruleId`.
    id: ID,
}

/// Answer of `deleteRule`.
#[derive(SimpleObject)]
pub struct DeleteRuleResult {
    /// Global id of the rule that was deleted.
    deleted_id: Option<ID>,
    /// Why it failed.
    errors: Vec<UserError>,
}

fn errors<T>(split: std::result::Result<T, Vec<UserError>>) -> Vec<UserError> {
    split.err().unwrap_or_default()
}

/// Everything that can be changed.
#[Object]
impl Mutation {
    /// Gives a token for name and password; public.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who logs in.")] input: LoginInput,
    ) -> Result<LoginResult> {
        let address = session::session(ctx)?.address;
        let login = session::core(ctx)?.auth.login(&input.name, &input.password, address).await;
        Ok(LoginResult::new(UserError::split(None, login)?))
    }
    /// Ends all sessions of the caller.
    #[graphql(guard = "viewer")]
    async fn logout(&self, ctx: &Context<'_>) -> Result<LogoutResult> {
        session::core(ctx)?.catalog.end_sessions(&session::caller(ctx)?.user.id).await?;
        Ok(LogoutResult { errors: Vec::new() })
    }
    /// Changes the password of the caller and ends all his sessions.
    #[graphql(guard = "viewer")]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Old and new password.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordResult> {
        let (core, user) = (session::core(ctx)?, &session::caller(ctx)?.user);
        let address = session::session(ctx)?.address;
        let new = UserError::split(Some("newPassword"), auth::check_new_password(&input.new_password))?;
        if new.is_err() {
            return Ok(ChangePasswordResult { errors: errors(new) });
        }
        let current = core.auth.confirm(user, &input.current_password, address).await;
        let current = UserError::split(Some("currentPassword"), current)?;
        if current.is_ok() {
            audit::record(ctx, "changePassword", &user.name, &json!({})).await?;
            core.catalog.set_password(&user.id, &auth::hash_password(input.new_password).await?).await?;
        }
        Ok(ChangePasswordResult { errors: errors(current) })
    }
    /// Makes a user who sees all hosts.
    #[graphql(guard = "admin")]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new user.")] input: CreateUserInput,
    ) -> Result<CreateUserResult> {
        let catalog = &*session::core(ctx)?.catalog;
        let made = auth::create_user(catalog, &input.name, &input.password, input.role.into()).await;
        if let Ok(user) = &made {
            audit::record(ctx, "createUser", &user.name, &json!({"role": user.role})).await?;
        }
        Ok(match UserError::split(None, made)? {
            Ok(user) => CreateUserResult { user: Some(User::from(&user)), errors: Vec::new() },
            Err(errors) => CreateUserResult { user: None, errors },
        })
    }
    /// Lets a user log in, or not any more.
    #[graphql(guard = "admin")]
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: EnableUserInput,
    ) -> Result<EnableUserResult> {
        let changed = auth::enable_user(&*session::core(ctx)?.catalog, &input.name, input.enabled).await;
        if let Ok(user) = &changed {
            audit::record(ctx, "enableUser", &user.name, &json!({"to": input.enabled})).await?;
        }
        Ok(match UserError::split(Some("name"), changed)? {
            Ok(user) => EnableUserResult { user: Some(User::from(&user)), errors: Vec::new() },
            Err(errors) => EnableUserResult { user: None, errors },
        })
    }
    /// Sets the password of a user who has forgotten his, and ends all his sessions.
    #[graphql(guard = "admin")]
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user and his password.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordResult> {
        let set = auth::reset_password(&*session::core(ctx)?.catalog, &input.name, input.password).await;
        if set.is_ok() {
            audit::record(ctx, "resetPassword", &input.name, &json!({})).await?;
        }
        Ok(ResetPasswordResult { errors: errors(UserError::split(None, set)?) })
    }
    /// Drops what is derived from the stored events and makes it anew in the background, with the same result.
    #[graphql(guard = "admin")]
    async fn rebuild(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to make anew.")] input: RebuildInput,
    ) -> Result<RebuildResult> {
        let pipeline = &session::core(ctx)?.pipeline;
        let part = if input.part == Derived::Graph { "graph" } else { "hits" };
        audit::record(ctx, "rebuild", part, &json!({})).await?;
        match input.part {
            Derived::Graph => pipeline.rebuild_graph().await?,
            Derived::Hits => pipeline.rebuild_hits().await?,
        }
        Ok(RebuildResult { errors: Vec::new() })
    }
    /// Saves a search under a name, or changes one that the caller has saved.
    #[graphql(guard = "viewer")]
    async fn save_search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The search.")] input: SaveSearchInput,
    ) -> Result<SaveSearchResult> {
        saved::save(ctx, input).await
    }
    /// Deletes a search that the caller has saved.
    #[graphql(guard = "viewer")]
    async fn delete_saved_search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The saved search.")] input: DeleteSavedSearchInput,
    ) -> Result<DeleteSavedSearchResult> {
        saved::delete(ctx, input.id).await
    }
    /// Switches a rule on or off.
    #[graphql(guard = "analyst")]
    async fn enable_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule.")] input: EnableRuleInput,
    ) -> Result<EnableRuleResult> {
        session::all_hosts(ctx)?;
        let core = session::core(ctx)?;
        let id = match UserError::split(Some("id"), id::rule_id(&input.id))? {
            Ok(id) => id,
            Err(errors) => return Ok(EnableRuleResult { rule: None, errors }),
        };
        let known = Loaders::of(ctx)?.rule(id.clone()).await?;
        let Some(known) = known else {
            let unknown = UserError::split(Some("id"), Err::<(), _>(Error::not_found("there is no such rule")))?;
            return Ok(EnableRuleResult { rule: None, errors: errors(unknown) });
        };
        let detail = json!({"title": known.title, "from": known.enabled, "to": input.enabled});
        audit::record(ctx, "enableRule", &id, &detail).await?;
        core.catalog.enable_rule(&id, input.enabled).await?;
        core.pipeline.reload_rules().await?;
        let rule = core.catalog.rule(&id).await?.map(RuleObject);
        Ok(EnableRuleResult { rule, errors: Vec::new() })
    }
    /// Adds or updates Sigma rules; those that are enabled match from then on.
    #[graphql(guard = "analyst")]
    async fn import_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rules.")] input: ImportRulesInput,
    ) -> Result<ImportRulesResult> {
        session::all_hosts(ctx)?;
        let ImportRulesInput { yaml, origin, enabled, hunt } = input;
        let core = session::core(ctx)?;
        let parsed = UserError::split(Some("yaml"), read_rules(core, yaml, origin).await)?;
        let (turn, Loaded { mut rules, issues, .. }) = match parsed {
            Ok(read) => read,
            Err(errors) => return Ok(ImportRulesResult { errors, ..ImportRulesResult::default() }),
        };
        let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
        if rules.is_empty() {
            let reason =
                if issues.is_empty() { "there is no Sigma rule in the text".into() } else { issues.join("; ") };
            let none = UserError::split(Some("yaml"), Err::<(), _>(Error::bad_input(reason)))?;
            return Ok(ImportRulesResult { errors: errors(none), issues, ..ImportRulesResult::default() });
        }
        let ids: Vec<String> = rules.iter().map(|r| r.id.clone()).collect();
        rules.iter_mut().for_each(|r| r.enabled &= enabled);
        audit::import(ctx, &rules).await?;
        let read = rules.len() as u64;
        let pipeline = core.pipeline.clone();
        let Imported { changed, superseded } = turn.store(async move { pipeline.import_rules(rules).await }).await?;
        audit::superseded(core, &session::caller(ctx)?.user.name, &superseded).await?;
        let superseded = superseded.into_iter().map(|s| SupersededRule { rule_id: s.rule_id, by: s.by }).collect();
        let hunt = hunt::at_once(ctx, hunt, &ids).await?;
        let rules = core.catalog.rules_by_id(&ids).await?.into_iter().flatten().map(RuleObject).collect();
        let (read, changed) = (Long(read), Long(changed));
        Ok(ImportRulesResult { read, changed, rules, hunt, superseded, issues, errors: Vec::new() })
    }
    /// Makes a Sigma rule of a search; enabled, it matches from then on. The period of a search is no part of it.
    #[graphql(guard = "analyst")]
    async fn create_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The search and what the rule is called.")] input: CreateRuleInput,
    ) -> Result<CreateRuleResult> {
        editor::create(ctx, input).await
    }
    /// Searches what is stored already with rules that are matched: their hits are those that there would be, had the
    /// rules been there before.
    #[graphql(guard = "analyst")]
    async fn start_hunt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rules and the period.")] input: StartHuntInput,
    ) -> Result<StartHuntResult> {
        hunt::start(ctx, input).await
    }
    /// Ends an import or a retro-hunt that runs; what it has stored stays.
    #[graphql(guard = "analyst")]
    async fn cancel_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The job.")] input: CancelJobInput,
    ) -> Result<CancelJobResult> {
        hunt::cancel(ctx, input).await
    }
    /// Deletes a rule; its hits stay.
    #[graphql(guard = "analyst")]
    async fn delete_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule.")] input: DeleteRuleInput,
    ) -> Result<DeleteRuleResult> {
        session::all_hosts(ctx)?;
        let core = session::core(ctx)?;
        let deleted = match id::rule_id(&input.id) {
            Ok(id) => match core.catalog.rule(&id).await? {
                Some(rule) => {
                    let detail = json!({"title": rule.title, "version": rule.version, "text": rule.text});
                    audit::record(ctx, "deleteRule", &id, &detail).await?;
                    if !rule.tags.is_empty() {
                        let tags = Item::new(ItemKind::Tags, &id, "", 0, &rule.tags)?;
                        core.catalog.change_items(&[ItemChange::Put(tags)], &[]).await?;
                    }
                    core.catalog.delete_rule(&id).await?;
                    Ok(id)
                }
                None => Err(Error::not_found("there is no such rule")),
            },
            Err(e) => Err(e),
        };
        Ok(match UserError::split(Some("id"), deleted)? {
            Ok(id) => {
                core.pipeline.reload_rules().await?;
                DeleteRuleResult { deleted_id: Some(id::GlobalId::Rule(id).into()), errors: Vec::new() }
            }
            Err(errors) => DeleteRuleResult { deleted_id: None, errors },
        })
    }
    /// Changes alerts, all or none; each change is in the audit log.
    #[graphql(guard = "analyst")]
    async fn update_alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which alerts, and what to change.")] input: UpdateAlertsInput,
    ) -> Result<UpdateAlertsResult> {
        alert_input::update(ctx, input).await
    }
    /// Says something about an alert.
    #[graphql(guard = "analyst")]
    async fn comment_alert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The alert and the comment.")] input: CommentAlertInput,
    ) -> Result<CommentAlertResult> {
        alert_input::comment(ctx, input).await
    }
    /// Makes a webhook or changes one; a new one's secret is shown here only. For admins who see all hosts.
    #[graphql(guard = "admin")]
    async fn save_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook.")] input: SaveWebhookInput,
    ) -> Result<SaveWebhookResult> {
        webhook_input::save(ctx, input).await
    }
    /// Deletes a webhook with all its messages.
    #[graphql(guard = "admin")]
    async fn delete_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook.")] input: WebhookInput,
    ) -> Result<DeleteWebhookResult> {
        webhook_input::delete(ctx, input).await
    }
    /// Sends a message of the type `test` to a webhook, once and now.
    #[graphql(guard = "admin")]
    async fn test_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook.")] input: WebhookInput,
    ) -> Result<TestWebhookResult> {
        webhook_input::test(ctx, input).await
    }
    /// Sends messages again that were given up.
    #[graphql(guard = "admin")]
    async fn retry_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which messages.")] input: RetryDeliveriesInput,
    ) -> Result<RetryDeliveriesResult> {
        webhook_input::retry(ctx, input).await
    }
    /// Makes an exception: hits on such events do not come any more.
    #[graphql(guard = "analyst")]
    async fn create_exception(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The exception.")] input: ExceptionInput,
    ) -> Result<CreateExceptionResult> {
        exception::create(ctx, input).await
    }
    /// Sets for how long webhooks are not told of a rule again.
    #[graphql(guard = "analyst")]
    async fn suppress_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule and the time.")] input: SuppressRuleInput,
    ) -> Result<SuppressRuleResult> {
        webhook_input::suppress(ctx, input).await
    }
    /// Imports a threat report; its indicators are matched from then on. The same content again changes nothing.
    #[graphql(guard = "analyst")]
    async fn import_indicators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The report.")] input: ImportIndicatorsInput,
    ) -> Result<ImportIndicatorsResult> {
        indicator::import(ctx, input).await
    }
    /// Removes an import of indicators with its rules; their hits stay.
    #[graphql(guard = "analyst")]
    async fn remove_indicators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import.")] input: RemoveIndicatorsInput,
    ) -> Result<RemoveIndicatorsResult> {
        indicator::remove(ctx, input).await
    }
}

/// Rules of a text, with the turn in which they are to be stored.
async fn read_rules(core: &Core, yaml: String, origin: String) -> Result<(Turn, Loaded)> {
    if yaml.len() > MAX_YAML {
        return Err(Error::new(Code::TooLarge, format!("more than {MAX_YAML} bytes of rules in one request")));
    }
    core.readers.turn().await?.read(move || Ok(rules::parse(&yaml, &origin))).await
}
