//! The catalog of a cluster: everything but hits in Neo4j, hits in Elasticsearch, where their statistics are cheap.
//!
//! Each thing is a node with the label of its kind (`CatalogRule`, `CatalogAlert`, …) and `Catalog`, named by a key that no
//! two nodes share. Whoever reads before he writes holds the lock of a node meanwhile, so writers of several processes go one
//! after the other. See `hits.rs` for how a hit gets from one server to the other.
mod alerts;
mod correlated;
mod documents;
mod hits;
mod indicators;
mod items;
mod jobs;
mod nodes;
mod read;
mod rules;
mod state;
mod users;

use super::{
    Alert, AlertChange, AlertFilter, AlertGroup, AlertPage, AuditEntry, Catalog, Comment, DeadLetter, Found, HitFilter,
    HitPage, IndicatorFilter, Item, ItemChange, ItemFilter, ItemKind, Job, JobKind, JobState, RuleVersion, SavedSearch,
    StoredHit, StoredIndicator, User,
};
use crate::{
    checkup::Finding,
    elastic::{self, Method, Needed},
    error::{Code, Error, Issue, Result},
    event::{
        EventId, Fence, Position, Scope, Time,
        correlated::{Kept, Stretch},
        detection::{Hit, Rule},
        indicator::{Import, Indicator},
    },
    neo4j::{self, Transaction, cypher, statement, transact},
};
use async_trait::async_trait;
use nodes::{Kind, Space};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Version of what is stored.
const VERSION: u64 = 1;
/// Constraints and indexes.
const SCHEMA: &[&str] = &[
    statement!("cypher/schema/catalog_key.cypher"),
    statement!("cypher/schema/catalog_name.cypher"),
    statement!("cypher/schema/catalog_list.cypher"),
    statement!("cypher/schema/catalog_of.cypher"),
    statement!("cypher/schema/catalog_change.cypher"),
    statement!("cypher/schema/catalog_indicator.cypher"),
    statement!("cypher/schema/catalog_indicator_of.cypher"),
];
/// Its names in a checkup.
const PART: &str = "catalog in Neo4j";
const HITS: &str = "hits in Elasticsearch";
/// Seconds until the indexes of a catalog that is already large must answer.
const INDEXED: i64 = 300;

/// [`Catalog`] on Neo4j 5.26 or later and Elasticsearch or OpenSearch. Several processes may use the same one.
pub struct Cluster {
    neo4j: neo4j::Client,
    elastic: elastic::Client,
    space: Space,
    /// The index of hits.
    index: String,
    /// Of the index of hits.
    template: Needed<()>,
    /// Held by who changes hits.
    turn: Mutex<()>,
    /// Whether this one only looks.
    looks: bool,
}

impl Cluster {
    /// Connects to Neo4j, makes constraints and indexes where they are missing, and waits until they answer. Elasticsearch
    /// is not asked before its first use. `name` tells the catalogs of one cluster apart, and is the beginning of the index of
    /// hits: lower-case letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// `UNAVAILABLE` when Neo4j does not answer, `CONFLICT` when a newer program wrote the catalog.
    pub async fn open(neo4j: neo4j::Client, elastic: elastic::Client, name: &str) -> Result<Arc<Self>> {
        let cluster = Self { looks: false, ..Self::connect(neo4j, elastic, name)? };
        for statement in SCHEMA {
            cluster.neo4j.run(neo4rs::query(statement)).await?;
        }
        cluster.neo4j.run(cypher!("cypher/schema/await.cypher").param("seconds", INDEXED)).await?;
        cluster.check_version().await?;
        Ok(Arc::new(cluster))
    }

    /// The catalog as it is, to look at: nothing is asked or made.
    ///
    /// # Errors
    /// `BAD_INPUT` for what is no name.
    pub fn look(neo4j: neo4j::Client, elastic: elastic::Client, name: &str) -> Result<Arc<Self>> {
        Self::connect(neo4j, elastic, name).map(Arc::new)
    }

    fn connect(neo4j: neo4j::Client, elastic: elastic::Client, name: &str) -> Result<Self> {
        elastic::check_name(name)?;
        Ok(Self {
            neo4j,
            elastic,
            space: Space(name.to_owned()),
            index: format!("{name}-hits"),
            template: Needed::default(),
            turn: Mutex::new(()),
            looks: true,
        })
    }

    async fn check_version(&self) -> Result<()> {
        let key = self.space.key(Kind::State, &["version"]);
        let work = async |t: &mut Transaction| {
            let found: state::Counter = nodes::lock(t, &key).await?;
            if found.value < VERSION {
                let now = state::Counter { value: VERSION };
                nodes::put(t, vec![nodes::Row::new(key.clone(), Kind::State, &now)?]).await?;
            }
            Ok(found.value)
        };
        let newer = transact!(self.neo4j, t => work(&mut t).await)?;
        if newer > VERSION {
            let text = format!(
                "the catalog in Neo4j has version {newer}, this program knows up to {VERSION}: start the newer program"
            );
            return Err(Error::new(Code::Conflict, text));
        }
        Ok(())
    }

    /// Puts the template of the index of hits where it may not be there.
    async fn ready(&self) -> Result<()> {
        let put = async {
            let path = format!("_index_template/{}", self.index);
            self.elastic.ask(Method::Put, &path, &documents::template(&self.index)).await?;
            // An index that is there does not follow its template.
            let settings = format!("{}/_settings?ignore_unavailable=true&allow_no_indices=true", self.index);
            self.elastic
                .ask(Method::Put, &settings, &json!({ "index.gc_deletes": documents::GC_DELETES }))
                .await
                .map(drop)
        };
        self.template.get(&self.elastic, put).await
    }
}

#[async_trait]
impl Catalog for Cluster {
    async fn checkup(&self) -> Vec<Finding> {
        let mut found = self.neo4j.checkup(PART, SCHEMA).await;
        found.push(match self.state().await {
            Ok(state) if state.pending.is_some() => {
                Finding::good(PART, "hits are on their way to Elasticsearch; the next reader or writer sees to it")
            }
            Ok(state) => Finding::good(PART, format!("{} hits numbered", state.newest)),
            Err(e) => Finding::failed(PART, &e),
        });
        let all = json!({ "match_all": {} });
        found.push(match self.elastic.count(&self.index, &all).await {
            Ok(hits) => Finding::good(HITS, format!("{hits} documents")),
            Err(e) => Finding::failed(HITS, &e),
        });
        found
    }
    async fn users(&self) -> Result<Vec<User>> {
        self.all_users().await
    }
    async fn user_by_name(&self, name: &str) -> Result<Option<User>> {
        self.named_user(name).await
    }
    async fn user(&self, id: &str) -> Result<Option<User>> {
        self.user_by_id(id).await
    }
    async fn create_user(&self, user: &User, password_hash: &str) -> Result<()> {
        self.add_user(user, password_hash).await
    }
    async fn password_hash(&self, user_id: &str) -> Result<Option<String>> {
        self.hash_of(user_id).await
    }
    async fn set_password(&self, user_id: &str, password_hash: &str) -> Result<()> {
        let change = |user: &mut User, hash: &mut String| {
            password_hash.clone_into(hash);
            user.token_generation += 1;
        };
        self.change_user(user_id, change).await
    }
    async fn update_user(&self, user: &User) -> Result<()> {
        // The number of token generation only grows: a caller who read the user earlier cannot revive old sessions.
        let change = |stored: &mut User, _: &mut String| {
            let token_generation = stored.token_generation.max(user.token_generation);
            *stored = User { token_generation, created: stored.created, ..user.clone() };
        };
        self.change_user(&user.id, change).await
    }
    async fn end_sessions(&self, user_id: &str) -> Result<()> {
        self.change_user(user_id, |user, _| user.token_generation += 1).await
    }
    async fn secret(&self, name: &str) -> Result<Vec<u8>> {
        self.kept_secret(name).await
    }

    async fn put_rules(&self, rules: &[Rule]) -> Result<u64> {
        self.put_all_rules(rules).await
    }
    async fn judge_rules(&self, rules: &[Rule]) -> Result<u64> {
        self.judge_all_rules(rules).await
    }
    async fn rules(&self) -> Result<Vec<Rule>> {
        self.all_rules().await
    }
    async fn rule(&self, id: &str) -> Result<Option<Rule>> {
        Ok(self.some_rules(&[id.to_owned()]).await?.pop().flatten())
    }
    async fn rules_by_id(&self, ids: &[String]) -> Result<Vec<Option<Rule>>> {
        self.some_rules(ids).await
    }
    async fn rule_versions(&self, ids: &[String]) -> Result<Vec<Vec<RuleVersion>>> {
        self.versions_of(ids).await
    }
    async fn enable_rule(&self, id: &str, enabled: bool) -> Result<bool> {
        self.switch_rule(id, enabled).await
    }
    async fn delete_rule(&self, id: &str) -> Result<bool> {
        self.drop_rule(id).await
    }
    async fn rules_version(&self) -> Result<u64> {
        self.changes_of_rules().await
    }

    async fn put_hits(&self, hits: Vec<Hit>, upto: &Position) -> Result<Vec<StoredHit>> {
        self.put(Found { hits, ..Found::default() }, upto).await
    }
    async fn put_found(&self, found: Found, upto: &Position) -> Result<Vec<StoredHit>> {
        self.put(found, upto).await
    }
    async fn correlated(&self, stretches: &[Stretch], most: usize) -> Result<Vec<Kept>> {
        self.kept(stretches, most).await
    }
    async fn retain_correlated(&self, versions: &[(String, String)], fence: Fence) -> Result<()> {
        self.retain(versions, fence).await
    }
    async fn detect_checkpoint(&self) -> Result<Position> {
        self.checkpoint().await
    }
    async fn take_over_detect(&self, fence: Fence) -> Result<Position> {
        self.take_over(fence).await
    }
    async fn hits_since(&self, scope: &Scope, filter: &HitFilter, after: u64, max: usize) -> Result<Vec<StoredHit>> {
        self.missed(scope, filter, after, max).await
    }
    async fn hits(&self, scope: &Scope, filter: &HitFilter, before: Option<u64>, first: usize) -> Result<HitPage> {
        self.hit_page(scope, filter, before, first).await
    }
    async fn newest_hit(&self) -> Result<u64> {
        Ok(self.state().await?.visible)
    }
    async fn count_hits(&self, scope: &Scope, filter: &HitFilter) -> Result<u64> {
        self.hit_count(scope, filter).await
    }
    async fn first_hits(&self, scope: &Scope, filters: &[HitFilter], first: usize) -> Result<Vec<HitPage>> {
        self.first_pages(scope, filters, first).await
    }
    async fn hits_of_events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Vec<Hit>>> {
        self.of_events(scope, ids).await
    }
    async fn last_hits(&self, scope: &Scope, rule_ids: &[String]) -> Result<Vec<Option<Time>>> {
        self.last_of_rules(scope, rule_ids).await
    }
    async fn hits_per_rule(&self, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>> {
        self.hits_per("rule", scope, filter).await
    }
    async fn hits_per_host(&self, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>> {
        self.hits_per("host", scope, filter).await
    }
    async fn clear_hits(&self, fence: Fence) -> Result<()> {
        self.clear(fence).await
    }

    async fn alerts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        before: Option<u64>,
        first: usize,
    ) -> Result<AlertPage> {
        self.alert_page(scope, filter, before, first).await
    }
    async fn alerts_since(&self, scope: &Scope, filter: &AlertFilter, after: u64, max: usize) -> Result<Vec<Alert>> {
        self.alerts_changed(scope, filter, after, max).await
    }
    async fn newest_alert_change(&self) -> Result<u64> {
        // Whoever sees the number asks for what has it.
        let settled = transact!(self.neo4j, t => state::lock_detected(&mut t, &self.space).await);
        settled.map(|state| state.changes)
    }
    async fn count_alerts(&self, scope: &Scope, filter: &AlertFilter) -> Result<u64> {
        self.alert_count(scope, filter).await
    }
    async fn alerts_per(&self, scope: &Scope, filter: &AlertFilter, by: AlertGroup) -> Result<Vec<(String, u64)>> {
        self.alert_counts(scope, filter, by).await
    }
    async fn update_alerts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        change: &AlertChange,
        by: &str,
        at: Time,
    ) -> Result<u64> {
        self.change_alerts(scope, filter, change, by, at).await
    }
    async fn comment_alert(&self, scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool> {
        self.add_comment(scope, alert_id, comment).await
    }
    async fn alert_comments(&self, scope: &Scope, alert_ids: &[String]) -> Result<Vec<Vec<Comment>>> {
        self.comments(scope, alert_ids).await
    }
    async fn alerts_of_hits(&self, scope: &Scope, hits: &[Hit]) -> Result<Vec<Option<Alert>>> {
        self.alerts_of(scope, hits).await
    }
    async fn items(&self, filter: &ItemFilter, after: Option<(i64, String)>, first: usize) -> Result<Vec<Item>> {
        self.item_page(filter, after, first).await
    }
    async fn count_items(&self, kind: ItemKind) -> Result<Vec<(String, u64)>> {
        self.item_counts(kind).await
    }
    async fn change_items(&self, changes: &[ItemChange], audit: &[AuditEntry]) -> Result<()> {
        self.write_items(changes, audit).await
    }
    async fn audit_log(&self, before: Option<u64>, first: usize) -> Result<Vec<AuditEntry>> {
        self.audit_entries(before, first).await
    }

    async fn saved_searches(&self, user_id: &str) -> Result<Vec<SavedSearch>> {
        self.searches_of(user_id).await
    }
    async fn put_saved_search(&self, search: &SavedSearch, is_new: bool) -> Result<()> {
        self.store_search(search, is_new).await
    }
    async fn delete_saved_search(&self, id: &str, owner_id: &str) -> Result<bool> {
        self.drop_search(id, owner_id).await
    }

    async fn put_indicators(
        &self,
        import: &Import,
        indicators: &[Indicator],
        rules: &[Rule],
        issues: &[Issue],
    ) -> Result<()> {
        self.put_import(import, indicators, rules, issues).await
    }
    async fn indicator_imports(&self) -> Result<Vec<Import>> {
        self.imports().await
    }
    async fn indicators(
        &self,
        filter: &IndicatorFilter,
        after: Option<u64>,
        first: usize,
    ) -> Result<Vec<StoredIndicator>> {
        self.indicator_page(filter, after, first).await
    }
    async fn count_indicators(&self, filter: &IndicatorFilter) -> Result<u64> {
        self.indicator_count(filter).await
    }
    async fn hits_of_indicators(&self, scope: &Scope, indicators: &[Indicator]) -> Result<Vec<u64>> {
        self.count_hits_of(scope, indicators).await
    }
    async fn remove_indicators(&self, import_id: &str) -> Result<bool> {
        self.drop_import(import_id).await
    }

    async fn lease(&self, name: &str, owner: &str, life: Duration, force: bool) -> Result<Option<u64>> {
        self.take_lease(name, owner, life, force).await
    }
    async fn release(&self, name: &str, owner: &str) -> Result<()> {
        self.give_back(name, owner).await
    }

    async fn put_job(&self, job: &Job) -> Result<bool> {
        self.store_job(job).await
    }
    async fn cancel_job(&self, id: &str, at: Time) -> Result<bool> {
        self.end_job(id, at).await
    }
    async fn job(&self, id: &str) -> Result<Option<Job>> {
        self.job_by_id(id).await
    }
    async fn jobs(&self, kind: JobKind, state: Option<JobState>, first: usize) -> Result<Vec<Job>> {
        self.newest_jobs(kind, state, first).await
    }
    async fn put_dead_letters(&self, job_id: Option<&str>, issues: &[Issue]) -> Result<()> {
        self.store_letters(job_id, issues).await
    }
    async fn dead_letters(&self, job_id: Option<&str>, before: Option<u64>, first: usize) -> Result<Vec<DeadLetter>> {
        self.letters(job_id, before, first).await
    }
    async fn count_dead_letters(&self, job_id: Option<&str>) -> Result<u64> {
        self.count_letters(job_id).await
    }
}
