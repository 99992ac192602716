//! The catalog in one SQLite file.
mod alerts;
mod correlated;
mod db;
mod hits;
mod indicators;
mod items;
mod jobs;
mod leases;
mod rules;
mod saved;
mod users;

use super::{
    Alert, AlertChange, AlertFilter, AlertGroup, AlertPage, AuditEntry, Catalog, Comment, DeadLetter, Found, HitFilter,
    HitPage, IndicatorFilter, Item, ItemChange, ItemFilter, ItemKind, Job, JobKind, JobState, RuleVersion, SavedSearch,
    StoredHit, StoredIndicator, User,
};
use crate::{
    checkup::Finding,
    error::{Issue, Result},
    event::{
        EventId, Fence, Position, Scope, Time,
        correlated::{Kept, Stretch},
        detection::{Hit, Rule},
        indicator::{Import, Indicator},
    },
};
use async_trait::async_trait;
use db::Db;
use std::{path::Path, sync::Arc, time::Duration};

/// Its name in a checkup.
const PART: &str = "catalog";

/// [`Catalog`] in one SQLite file. Its verbs need a tokio runtime.
pub struct Sqlite {
    db: Db,
}

impl Sqlite {
    /// Opens or creates the file; blocks shortly.
    ///
    /// # Errors
    /// `CONFLICT` when a newer version of the program wrote it, `UNAVAILABLE` when it cannot be opened.
    pub fn open(path: &Path) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { db: Db::open(path)? }))
    }
}

#[async_trait]
impl Catalog for Sqlite {
    async fn checkup(&self) -> Vec<Finding> {
        let looked = self.db.read(|db| Finding::of_file(PART, db)).await;
        vec![looked.unwrap_or_else(|e| Finding::failed(PART, &e))]
    }
    async fn users(&self) -> Result<Vec<User>> {
        self.db.read(users::all).await
    }
    async fn user_by_name(&self, name: &str) -> Result<Option<User>> {
        let name = name.to_owned();
        self.db.read(move |db| users::by_name(db, &name)).await
    }
    async fn user(&self, id: &str) -> Result<Option<User>> {
        let id = id.to_owned();
        self.db.read(move |db| users::by_id(db, &id)).await
    }
    async fn create_user(&self, user: &User, password_hash: &str) -> Result<()> {
        let (user, hash) = (user.clone(), password_hash.to_owned());
        self.db.write(move |db| users::create(db, &user, &hash)).await
    }
    async fn password_hash(&self, user_id: &str) -> Result<Option<String>> {
        let id = user_id.to_owned();
        self.db.read(move |db| users::password_hash(db, &id)).await
    }
    async fn set_password(&self, user_id: &str, password_hash: &str) -> Result<()> {
        let (id, hash) = (user_id.to_owned(), password_hash.to_owned());
        self.db.write(move |db| users::set_password(db, &id, &hash)).await
    }
    async fn update_user(&self, user: &User) -> Result<()> {
        let user = user.clone();
        self.db.write(move |db| users::update(db, &user)).await
    }
    async fn end_sessions(&self, user_id: &str) -> Result<()> {
        let id = user_id.to_owned();
        self.db.write(move |db| users::end_sessions(db, &id)).await
    }
    async fn secret(&self, name: &str) -> Result<Vec<u8>> {
        let name = name.to_owned();
        self.db.write(move |db| users::secret(db, &name)).await
    }

    async fn put_rules(&self, rules: &[Rule]) -> Result<u64> {
        let rules = rules.to_vec();
        self.db.write(move |db| rules::put(db, &rules)).await
    }
    async fn judge_rules(&self, rules: &[Rule]) -> Result<u64> {
        let rules = rules.to_vec();
        self.db.write(move |db| rules::judge(db, &rules)).await
    }
    async fn rules(&self) -> Result<Vec<Rule>> {
        self.db.read(rules::all).await
    }
    async fn rule(&self, id: &str) -> Result<Option<Rule>> {
        let id = id.to_owned();
        self.db.read(move |db| rules::by_id(db, &id)).await
    }
    async fn rules_by_id(&self, ids: &[String]) -> Result<Vec<Option<Rule>>> {
        let ids = ids.to_vec();
        self.db.read(move |db| ids.iter().map(|id| rules::by_id(db, id)).collect()).await
    }
    async fn rule_versions(&self, ids: &[String]) -> Result<Vec<Vec<RuleVersion>>> {
        let ids = ids.to_vec();
        self.db.read(move |db| ids.iter().map(|id| rules::versions(db, id)).collect()).await
    }
    async fn enable_rule(&self, id: &str, enabled: bool) -> Result<bool> {
        let id = id.to_owned();
        self.db.write(move |db| rules::enable(db, &id, enabled)).await
    }
    async fn delete_rule(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        self.db.write(move |db| rules::delete(db, &id)).await
    }
    async fn rules_version(&self) -> Result<u64> {
        self.db.read(rules::version).await
    }

    async fn put_hits(&self, hits: Vec<Hit>, upto: &Position) -> Result<Vec<StoredHit>> {
        let upto = upto.clone();
        self.db.write(move |db| hits::put(db, hits, &[], &upto)).await
    }
    async fn put_found(&self, found: Found, upto: &Position) -> Result<Vec<StoredHit>> {
        let upto = upto.clone();
        self.db
            .write(move |db| {
                correlated::put(db, &found.changes)?;
                let stored = hits::put(db, found.hits, &found.withdrawn, &upto)?;
                if let Some(mut job) = found.job {
                    job.hunt.iter_mut().for_each(|h| h.new += stored.len() as u64);
                    jobs::put(db, &job)?;
                }
                Ok(stored)
            })
            .await
    }
    async fn correlated(&self, stretches: &[Stretch], most: usize) -> Result<Vec<Kept>> {
        let stretches = stretches.to_vec();
        self.db.read(move |db| correlated::kept(db, &stretches, most)).await
    }
    async fn retain_correlated(&self, versions: &[(String, String)], _: Fence) -> Result<()> {
        let versions = versions.to_vec();
        self.db.write(move |db| correlated::retain(db, &versions)).await
    }
    async fn detect_checkpoint(&self) -> Result<Position> {
        self.db.read(hits::checkpoint).await
    }
    async fn take_over_detect(&self, _: Fence) -> Result<Position> {
        self.detect_checkpoint().await
    }
    async fn hits_since(&self, scope: &Scope, filter: &HitFilter, after: u64, max: usize) -> Result<Vec<StoredHit>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| hits::since(db, &scope, &filter, after, max)).await
    }
    async fn hits(&self, scope: &Scope, filter: &HitFilter, before: Option<u64>, first: usize) -> Result<HitPage> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| hits::page(db, &scope, &filter, before, first)).await
    }
    async fn newest_hit(&self) -> Result<u64> {
        self.db.read(|db| hits::counter(db, "hits")).await
    }
    async fn count_hits(&self, scope: &Scope, filter: &HitFilter) -> Result<u64> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| hits::count(db, &scope, &filter)).await
    }
    async fn first_hits(&self, scope: &Scope, filters: &[HitFilter], first: usize) -> Result<Vec<HitPage>> {
        let (scope, filters) = (scope.clone(), filters.to_vec());
        self.db.read(move |db| filters.iter().map(|f| hits::page(db, &scope, f, None, first)).collect()).await
    }
    async fn hits_of_events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Vec<Hit>>> {
        let (scope, ids) = (scope.clone(), ids.to_vec());
        self.db.read(move |db| hits::of_events(db, &scope, &ids)).await
    }
    async fn last_hits(&self, scope: &Scope, rule_ids: &[String]) -> Result<Vec<Option<Time>>> {
        let (scope, ids) = (scope.clone(), rule_ids.to_vec());
        self.db.read(move |db| ids.iter().map(|id| hits::last(db, &scope, id)).collect()).await
    }
    async fn hits_per_rule(&self, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| hits::per(db, "rule_id", &scope, &filter)).await
    }
    async fn hits_per_host(&self, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| hits::per(db, "host", &scope, &filter)).await
    }
    async fn clear_hits(&self, _: Fence) -> Result<()> {
        self.db.write(hits::clear).await
    }

    async fn alerts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        before: Option<u64>,
        first: usize,
    ) -> Result<AlertPage> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| alerts::page(db, &scope, &filter, before, first)).await
    }
    async fn alerts_since(&self, scope: &Scope, filter: &AlertFilter, after: u64, max: usize) -> Result<Vec<Alert>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| alerts::since_change(db, &scope, &filter, after, max)).await
    }
    async fn newest_alert_change(&self) -> Result<u64> {
        self.db.read(alerts::newest_change).await
    }
    async fn count_alerts(&self, scope: &Scope, filter: &AlertFilter) -> Result<u64> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| alerts::count(db, &scope, &filter)).await
    }
    async fn alerts_per(&self, scope: &Scope, filter: &AlertFilter, by: AlertGroup) -> Result<Vec<(String, u64)>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        self.db.read(move |db| alerts::per(db, &scope, &filter, by)).await
    }
    async fn update_alerts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        change: &AlertChange,
        by: &str,
        at: Time,
    ) -> Result<u64> {
        let (scope, filter, change, by) = (scope.clone(), filter.clone(), change.clone(), by.to_owned());
        self.db.write(move |db| alerts::update(db, &scope, &filter, &change, &by, at)).await
    }
    async fn comment_alert(&self, scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool> {
        let (scope, id, comment) = (scope.clone(), alert_id.to_owned(), comment.clone());
        self.db.write(move |db| alerts::comment(db, &scope, &id, &comment)).await
    }
    async fn alert_comments(&self, scope: &Scope, alert_ids: &[String]) -> Result<Vec<Vec<Comment>>> {
        let (scope, ids) = (scope.clone(), alert_ids.to_vec());
        self.db.read(move |db| ids.iter().map(|id| alerts::comments(db, &scope, id)).collect()).await
    }
    async fn alerts_of_hits(&self, scope: &Scope, hits: &[Hit]) -> Result<Vec<Option<Alert>>> {
        let (scope, hits) = (scope.clone(), hits.to_vec());
        self.db.read(move |db| hits.iter().map(|hit| alerts::of_hit(db, &scope, hit)).collect()).await
    }
    async fn audit_log(&self, before: Option<u64>, first: usize) -> Result<Vec<AuditEntry>> {
        self.db.read(move |db| alerts::audit_log(db, before, first)).await
    }

    async fn items(&self, filter: &ItemFilter, after: Option<(i64, String)>, first: usize) -> Result<Vec<Item>> {
        let filter = filter.clone();
        self.db.read(move |db| items::page(db, &filter, after, first)).await
    }
    async fn count_items(&self, kind: ItemKind) -> Result<Vec<(String, u64)>> {
        self.db.read(move |db| items::count(db, kind)).await
    }
    async fn change_items(&self, changes: &[ItemChange], audit: &[AuditEntry]) -> Result<()> {
        let (changes, audit) = (changes.to_vec(), audit.to_vec());
        self.db.write(move |db| items::change(db, &changes, &audit)).await
    }

    async fn saved_searches(&self, user_id: &str) -> Result<Vec<SavedSearch>> {
        let id = user_id.to_owned();
        self.db.read(move |db| saved::of_user(db, &id)).await
    }
    async fn put_saved_search(&self, search: &SavedSearch, is_new: bool) -> Result<()> {
        let search = search.clone();
        self.db.write(move |db| saved::put(db, &search, is_new)).await
    }
    async fn delete_saved_search(&self, id: &str, owner_id: &str) -> Result<bool> {
        let (id, owner) = (id.to_owned(), owner_id.to_owned());
        self.db.write(move |db| saved::delete(db, &id, &owner)).await
    }

    async fn put_indicators(
        &self,
        import: &Import,
        indicators: &[Indicator],
        rules: &[Rule],
        issues: &[Issue],
    ) -> Result<()> {
        let (import, indicators) = (import.clone(), indicators.to_vec());
        let (rules, issues) = (rules.to_vec(), issues.to_vec());
        self.db.write(move |db| indicators::put(db, &import, &indicators, &rules, &issues)).await
    }
    async fn indicator_imports(&self) -> Result<Vec<Import>> {
        self.db.read(indicators::imports).await
    }
    async fn indicators(
        &self,
        filter: &IndicatorFilter,
        after: Option<u64>,
        first: usize,
    ) -> Result<Vec<StoredIndicator>> {
        let filter = filter.clone();
        self.db.read(move |db| indicators::page(db, &filter, after, first)).await
    }
    async fn count_indicators(&self, filter: &IndicatorFilter) -> Result<u64> {
        let filter = filter.clone();
        self.db.read(move |db| indicators::count(db, &filter)).await
    }
    async fn hits_of_indicators(&self, scope: &Scope, indicators: &[Indicator]) -> Result<Vec<u64>> {
        let (scope, indicators) = (scope.clone(), indicators.to_vec());
        self.db.read(move |db| indicators::hits(db, &scope, &indicators)).await
    }
    async fn remove_indicators(&self, import_id: &str) -> Result<bool> {
        let id = import_id.to_owned();
        self.db.write(move |db| indicators::remove(db, &id)).await
    }

    async fn lease(&self, name: &str, owner: &str, life: Duration, force: bool) -> Result<Option<u64>> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.db.write(move |db| leases::take(db, &name, &owner, life, force)).await
    }
    async fn release(&self, name: &str, owner: &str) -> Result<()> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.db.write(move |db| leases::release(db, &name, &owner)).await
    }

    async fn put_job(&self, job: &Job) -> Result<bool> {
        let job = job.clone();
        self.db.write(move |db| jobs::put(db, &job)).await
    }
    async fn cancel_job(&self, id: &str, at: Time) -> Result<bool> {
        let id = id.to_owned();
        self.db.write(move |db| jobs::cancel(db, &id, at)).await
    }
    async fn job(&self, id: &str) -> Result<Option<Job>> {
        let id = id.to_owned();
        self.db.read(move |db| jobs::by_id(db, &id)).await
    }
    async fn jobs(&self, kind: JobKind, state: Option<JobState>, first: usize) -> Result<Vec<Job>> {
        self.db.read(move |db| jobs::newest(db, kind, state, first)).await
    }
    async fn put_dead_letters(&self, job_id: Option<&str>, issues: &[Issue]) -> Result<()> {
        let (job_id, issues) = (job_id.map(str::to_owned), issues.to_vec());
        self.db.write(move |db| jobs::put_dead_letters(db, job_id.as_deref(), &issues)).await
    }
    async fn dead_letters(&self, job_id: Option<&str>, before: Option<u64>, first: usize) -> Result<Vec<DeadLetter>> {
        let job_id = job_id.map(str::to_owned);
        self.db.read(move |db| jobs::dead_letters(db, job_id.as_deref(), before, first)).await
    }
    async fn count_dead_letters(&self, job_id: Option<&str>) -> Result<u64> {
        let job_id = job_id.map(str::to_owned);
        self.db.read(move |db| jobs::count_dead_letters(db, job_id.as_deref())).await
    }
}
