//! Entries of the log of changes that are no part of the change itself.
use super::{id::GlobalId, session};
use crate::{
    catalog::{AuditEntry, Job},
    error::Result,
    event::{Time, detection::Rule, indicator::Import},
    pipeline::Superseded,
    serve::Core,
};
use async_graphql::Context;
use serde_json::{Value, json};

/// Writes who is about to do what: after all that can be wrong with it was looked at, and before it is done, so that nothing
/// is done without an entry. Only what the catalog itself may refuse, such as a name that is taken, is written when it is done.
pub async fn record(ctx: &Context<'_>, action: &str, object: &str, detail: &Value) -> Result<()> {
    let by = &session::caller(ctx)?.user.name;
    session::core(ctx)?.catalog.change_items(&[], &[AuditEntry::new(by, action, object, detail)]).await
}

/// Writes that a retro-hunt is about to be started, and starts it.
pub async fn hunt(core: &Core, by: &str, job: &Job) -> Result<()> {
    let hunt = job.hunt.clone().unwrap_or_default();
    let (from, to) = (hunt.period.from.map(Time::rfc3339), hunt.period.to.map(Time::rfc3339));
    let detail = json!({"name": job.name, "rules": hunt.rules, "from": from, "to": to});
    let id = GlobalId::Hunt(job.id.clone()).to_string();
    core.catalog.change_items(&[], &[AuditEntry::new(by, "startHunt", &id, &detail)]).await?;
    core.pipeline.begin_hunt(job).await
}

/// Writes that indicators are about to be imported.
pub async fn indicators(core: &Core, by: &str, import: &Import) -> Result<()> {
    let detail = json!({"name": import.name, "format": import.format.as_str(), "indicators": import.indicators});
    core.catalog.change_items(&[], &[AuditEntry::new(by, "importIndicators", &import.id, &detail)]).await
}

/// Writes that rules are about to be imported, an entry for each that is new or has another text.
pub async fn import(ctx: &Context<'_>, rules: &[Rule]) -> Result<()> {
    imported(session::core(ctx)?, &session::caller(ctx)?.user.name, rules).await
}

/// Writes which rules an import has switched off, since others stand in their place.
pub async fn superseded(core: &Core, by: &str, all: &[Superseded]) -> Result<()> {
    let entry =
        |s: &Superseded| AuditEntry::new(by, "enableRule", &s.rule_id, &json!({"to": false, "supersededBy": s.by}));
    let entries: Vec<AuditEntry> = all.iter().map(entry).collect();
    core.catalog.change_items(&[], &entries).await
}

/// As `import`, for a caller of another endpoint.
pub async fn imported(core: &Core, by: &str, rules: &[Rule]) -> Result<()> {
    let ids: Vec<String> = rules.iter().map(|r| r.id.clone()).collect();
    let before = core.catalog.rules_by_id(&ids).await?;
    let changed = rules.iter().zip(before).filter(|(r, b)| b.as_ref().is_none_or(|b| b.version != r.version));
    let entry = |(rule, before): (&Rule, Option<Rule>)| {
        let from = before.map(|b| b.version);
        let detail = json!({"title": rule.title, "origin": rule.origin, "from": from, "to": rule.version});
        AuditEntry::new(by, "importRule", &rule.id, &detail)
    };
    let entries: Vec<AuditEntry> = changed.map(entry).collect();
    core.catalog.change_items(&[], &entries).await
}
