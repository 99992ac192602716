//! What people and rules make: users, rules, indicators, hits, jobs, dead letters, checkpoints.
mod alert;
pub mod cluster;
pub mod embedded;
mod grouping;
mod item;
mod place;
mod webhook;

pub use alert::{Alert, AlertChange, AlertFilter, AlertGroup, AlertPage, AlertStatus, AuditEntry, Comment};
pub use item::{Item, ItemChange, ItemFilter, ItemKind};
pub use place::Place;
pub use webhook::{Delivery, DeliveryState, Quiet, Suppression, Tells, Webhook};

use crate::{
    checkup::Finding,
    error::{Issue, Result},
    event::{
        EventId, Fence, Period, Position, Scope, Time,
        correlated::{Change, Kept, Stretch},
        detection::{Hit, Rule},
        indicator::{Import, Indicator, Kind},
    },
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything in his scope.
    Viewer,
    /// Also imports and changes rules.
    Analyst,
    /// Also manages users.
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub scope: Scope,
    pub disabled: bool,
    /// Raised to end all sessions of the user at once; a token carries the number it was made with.
    pub token_generation: u64,
    pub created: Time,
}

/// Former numbers of a hit that are kept. Who reads on after more rebuilds than that may receive hits twice.
pub const MAX_FORMER: usize = 20;

/// A stored hit with its place in the order of storing, which is the cursor of the subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHit {
    pub number: u64,
    pub hit: Hit,
    /// The numbers that it had before rebuilds, ascending, the last [`MAX_FORMER`]: no news for who received it under one of
    /// them. Empty where it is new.
    pub again: Vec<u64>,
    /// Number of the newest hit before the last rebuild; 0 while there was none.
    pub floor: u64,
}

/// What detect has found in a piece of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Ids of hits of correlations that are no more, because of events that came late.
    pub withdrawn: Vec<String>,
    /// What correlations keep.
    pub changes: Vec<Change>,
    /// The retro-hunt that has found it, as it is to be written.
    pub job: Option<Job>,
    /// Under which it was found; absent where nobody owns the work.
    pub fence: Option<Fence>,
}

impl Found {
    pub fn is_empty(&self) -> bool {
        self.hits.is_empty() && self.withdrawn.is_empty() && self.changes.is_empty() && self.job.is_none()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HitFilter {
    pub rule_id: Option<String>,
    pub host: Option<String>,
    /// Levels; empty means all.
    pub levels: Vec<String>,
    pub period: Period,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HitPage {
    pub hits: Vec<StoredHit>,
    pub more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    Running,
    Done,
    Failed,
    Cancelled,
}

/// What a rule was at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVersion {
    pub version: String,
    pub title: String,
    /// Sigma YAML.
    pub text: String,
    pub origin: String,
    pub loaded: Time,
}

/// What a retro-hunt looks for, and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hunt {
    /// Own ids of the rules.
    pub rules: Vec<String>,
    pub period: Period,
    /// Name of the user who started it.
    pub by: String,
    /// Events that there are to look at, as counted at the start.
    pub total: u64,
    /// Events that were looked at.
    pub events: u64,
    /// Hits found, known ones too.
    pub hits: u64,
    /// Hits that were not there.
    pub new: u64,
    /// The last event that was looked at.
    pub after: Option<(Time, EventId)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    Import,
    Hunt,
}

/// Long work: an import, or a retro-hunt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    pub name: String,
    pub state: JobState,
    pub bytes_read: u64,
    pub bytes_total: Option<u64>,
    pub stored: u64,
    pub duplicates: u64,
    pub skipped: u64,
    pub issues: u64,
    pub started: Time,
    pub finished: Option<Time>,
    pub message: Option<String>,
    pub counts: Counts,
    /// Events of other providers are kept too.
    pub keep_other: bool,
    /// The installation that has the uploaded file, and goes on with it after a restart.
    pub node: String,
    /// Of a retro-hunt.
    pub hunt: Option<Hunt>,
}

impl Job {
    /// One that begins now.
    pub fn new(id: String, name: String, node: &str) -> Self {
        Self {
            id,
            name,
            state: JobState::Running,
            bytes_read: 0,
            bytes_total: None,
            stored: 0,
            duplicates: 0,
            skipped: 0,
            issues: 0,
            started: Time::now(),
            finished: None,
            message: None,
            counts: Counts::default(),
            keep_other: false,
            node: node.to_owned(),
            hunt: None,
        }
    }

    pub const fn kind(&self) -> JobKind {
        if self.hunt.is_some() { JobKind::Hunt } else { JobKind::Import }
    }
}

/// What the events of an import were: complete when it has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events read, by code and by host (normal form).
    pub codes: BTreeMap<u32, u64>,
    pub hosts: BTreeMap<String, u64>,
    /// Skipped events by provider.
    pub providers: BTreeMap<String, u64>,
}

/// A search that somebody has saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    pub id: String,
    pub name: String,
    /// Only he may change it.
    pub owner_id: String,
    pub owner_name: String,
    /// Whether everybody sees it.
    pub shared: bool,
    /// JSON of the API's condition; `None` is every event.
    pub condition: Option<String>,
    /// A period that ends now, such as `24h`; goes before `period`.
    pub last: Option<String>,
    pub period: Period,
    pub updated: Time,
}

/// A record that could not be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub number: u64,
    #[serde(flatten)]
    pub issue: Issue,
    pub at: Time,
    pub job_id: Option<String>,
}

/// Saved searches of one user at most.
pub const MAX_SAVED: u64 = 1_000;

/// An indicator with its place in the order of storing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredIndicator {
    pub number: u64,
    pub import_id: String,
    #[serde(flatten)]
    pub indicator: Indicator,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndicatorFilter {
    pub import_id: Option<String>,
    pub kind: Option<Kind>,
    /// Part of the value or title, whatever its case.
    pub text: Option<String>,
    /// Whether the validity has ended at a point in time.
    pub expired: Option<(bool, Time)>,
}

#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// What the engine finds about itself; an error is a finding too.
    async fn checkup(&self) -> Vec<Finding>;

    // users
    async fn users(&self) -> Result<Vec<User>>;
    async fn user_by_name(&self, name: &str) -> Result<Option<User>>;
    async fn user(&self, id: &str) -> Result<Option<User>>;
    /// `password_hash` in PHC form. `CONFLICT` when the name is taken.
    async fn create_user(&self, user: &User, password_hash: &str) -> Result<()>;
    async fn password_hash(&self, user_id: &str) -> Result<Option<String>>;
    /// Also ends all sessions of the user.
    async fn set_password(&self, user_id: &str, password_hash: &str) -> Result<()>;
    async fn update_user(&self, user: &User) -> Result<()>;
    /// Ends all sessions of the user, and changes nothing else.
    async fn end_sessions(&self, user_id: &str) -> Result<()>;
    /// A secret made at first use and kept (the key of the tokens).
    async fn secret(&self, name: &str) -> Result<Vec<u8>>;

    // rules
    /// Inserts or updates by id; keeps `enabled` of a rule that is there. Returns how many are new or changed.
    async fn put_rules(&self, rules: &[Rule]) -> Result<u64>;
    /// Takes over why rules cannot be matched, or that they can, of those whose version is still the given one; what else
    /// has changed meanwhile stays. Returns how many are changed.
    async fn judge_rules(&self, rules: &[Rule]) -> Result<u64>;
    async fn rules(&self) -> Result<Vec<Rule>>;
    async fn rule(&self, id: &str) -> Result<Option<Rule>>;
    async fn rules_by_id(&self, ids: &[String]) -> Result<Vec<Option<Rule>>>;
    /// Versions of each rule asked, the present one first, in the order asked; those of a deleted rule are gone.
    async fn rule_versions(&self, ids: &[String]) -> Result<Vec<Vec<RuleVersion>>>;
    async fn enable_rule(&self, id: &str, enabled: bool) -> Result<bool>;
    async fn delete_rule(&self, id: &str) -> Result<bool>;
    /// Grows with every change of any rule, whichever process made it.
    async fn rules_version(&self) -> Result<u64>;

    // hits
    /// Stores hits that are not there yet, brings `matched` and `joined` of known ones up to date, and merges `upto` into the checkpoint of detect, in one transaction.
    /// Returns the new ones, numbered.
    async fn put_hits(&self, hits: Vec<Hit>, upto: &Position) -> Result<Vec<StoredHit>>;
    /// Like [`Self::put_hits`], and in the same transaction withdraws hits, changes what correlations keep, and puts the
    /// job, to whose [`Hunt::new`] it adds the hits that are new.
    async fn put_found(&self, found: Found, upto: &Position) -> Result<Vec<StoredHit>>;
    /// What correlations have kept of each stretch, in the order asked: at most `most` sightings, and as many firings.
    async fn correlated(&self, stretches: &[Stretch], most: usize) -> Result<Vec<Kept>>;
    /// Forgets what was kept for all correlations but these, by rule id and version. Their hits stay.
    async fn retain_correlated(&self, versions: &[(String, String)], fence: Fence) -> Result<()>;
    async fn detect_checkpoint(&self) -> Result<Position>;
    /// As [`Self::detect_checkpoint`], for whoever matches events from now on: earlier owners change nothing any more.
    /// `CONFLICT` where `fence` is passed already; in a folder that only one process can open it plays no part.
    async fn take_over_detect(&self, fence: Fence) -> Result<Position>;
    /// Hits with number > `after`, ascending: what a subscriber missed.
    async fn hits_since(&self, scope: &Scope, filter: &HitFilter, after: u64, max: usize) -> Result<Vec<StoredHit>>;
    /// Newest number first; `before` exclusive.
    async fn hits(&self, scope: &Scope, filter: &HitFilter, before: Option<u64>, first: usize) -> Result<HitPage>;
    /// The greatest number that a hit was given, be it there or not; 0 while there was none.
    async fn newest_hit(&self) -> Result<u64>;
    async fn count_hits(&self, scope: &Scope, filter: &HitFilter) -> Result<u64>;
    /// The newest hits that match each filter, in the order asked.
    async fn first_hits(&self, scope: &Scope, filters: &[HitFilter], first: usize) -> Result<Vec<HitPage>>;
    /// Hits of each event asked, in the order asked.
    async fn hits_of_events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Vec<Hit>>>;
    /// Time of the newest event that each rule asked has hit, in the order asked.
    async fn last_hits(&self, scope: &Scope, rule_ids: &[String]) -> Result<Vec<Option<Time>>>;
    /// Hits per rule id, most first.
    async fn hits_per_rule(&self, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>>;
    /// Hits per host (normal form), most first.
    async fn hits_per_host(&self, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>>;
    /// Drops all hits and what correlations keep, and sets the checkpoint of detect to the start, for a rebuild. What
    /// people did with alerts stays, the others are gone until they are found again, and is joined by the hits that are found again; these are told from new ones
    /// ([`StoredHit::again`]).
    async fn clear_hits(&self, fence: Fence) -> Result<()>;

    // alerts: made and grown by `put_hits`, in its transaction
    /// Newest made first; `before` is a number, exclusive.
    async fn alerts(&self, scope: &Scope, filter: &AlertFilter, before: Option<u64>, first: usize)
    -> Result<AlertPage>;
    /// Alerts changed after the change `after`, each once as it is now, in the order of their last change; also those that
    /// are gone ([`Alert::gone`]).
    async fn alerts_since(&self, scope: &Scope, filter: &AlertFilter, after: u64, max: usize) -> Result<Vec<Alert>>;
    /// Number of the newest change of all.
    async fn newest_alert_change(&self) -> Result<u64>;
    async fn count_alerts(&self, scope: &Scope, filter: &AlertFilter) -> Result<u64>;
    /// Alerts per rule id or host, most first; or per day, oldest first.
    async fn alerts_per(&self, scope: &Scope, filter: &AlertFilter, by: AlertGroup) -> Result<Vec<(String, u64)>>;
    /// Changes all that match, with an audit entry each, in one transaction. Returns how many are different now. A
    /// closed alert ends with its last hit: later ones make a new alert. One that is opened again takes later hits,
    /// unless there is a later alert.
    async fn update_alerts(
        &self,
        scope: &Scope,
        filter: &AlertFilter,
        change: &AlertChange,
        by: &str,
        at: Time,
    ) -> Result<u64>;
    /// Adds a comment, with an audit entry. `false` when there is no such alert in the scope.
    async fn comment_alert(&self, scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool>;
    /// Of each alert asked, oldest first.
    async fn alert_comments(&self, scope: &Scope, alert_ids: &[String]) -> Result<Vec<Vec<Comment>>>;
    /// The alert that each hit belongs to, in the order asked.
    async fn alerts_of_hits(&self, scope: &Scope, hits: &[Hit]) -> Result<Vec<Option<Alert>>>;
    /// Who changed what, newest first; `before` exclusive.
    async fn audit_log(&self, before: Option<u64>, first: usize) -> Result<Vec<AuditEntry>>;

    // small things
    /// By order and then id; `after` exclusive.
    async fn items(&self, filter: &ItemFilter, after: Option<(i64, String)>, first: usize) -> Result<Vec<Item>>;
    /// Items of a kind per group, by group.
    async fn count_items(&self, kind: ItemKind) -> Result<Vec<(String, u64)>>;
    /// Makes the changes in their order and adds to the log of changes, in one transaction; the entries get their
    /// numbers here.
    async fn change_items(&self, changes: &[ItemChange], audit: &[AuditEntry]) -> Result<()>;

    // saved searches
    /// Those of a user and those that are shared, by name and id.
    async fn saved_searches(&self, user_id: &str) -> Result<Vec<SavedSearch>>;
    /// Adds a search, or changes that of the same id and owner. `NOT_FOUND` when there is none to change,
    /// `TOO_MANY` when the owner has [`MAX_SAVED`] of them.
    async fn put_saved_search(&self, search: &SavedSearch, is_new: bool) -> Result<()>;
    /// Whether there was one of this id and owner.
    async fn delete_saved_search(&self, id: &str, owner_id: &str) -> Result<bool>;

    // indicators
    /// Stores an import with its indicators, its rules, and its issues as dead letters under the id of the import, in
    /// one transaction. Takes the place of an import with the same id; its rules stay enabled or not as they were.
    async fn put_indicators(
        &self,
        import: &Import,
        indicators: &[Indicator],
        rules: &[Rule],
        issues: &[Issue],
    ) -> Result<()>;
    /// Newest first.
    async fn indicator_imports(&self) -> Result<Vec<Import>>;
    /// In the order of storing; `after` exclusive.
    async fn indicators(
        &self,
        filter: &IndicatorFilter,
        after: Option<u64>,
        first: usize,
    ) -> Result<Vec<StoredIndicator>>;
    async fn count_indicators(&self, filter: &IndicatorFilter) -> Result<u64>;
    /// Number of hits of each indicator asked: of its rule, and where it is a value in a list, naming it
    /// ([`Indicator::term`] in [`Hit::matched`]).
    async fn hits_of_indicators(&self, scope: &Scope, indicators: &[Indicator]) -> Result<Vec<u64>>;
    /// Removes an import with its indicators, rules and issues; hits stay. `false` when there is none.
    async fn remove_indicators(&self, import_id: &str) -> Result<bool>;

    // leases
    /// Takes or renews the lease `name` for `owner`: `Some(epoch)` when he has it from now for `life`, `None` while
    /// another has it. With `force` it is taken from whoever has it. The epoch grows with each change of owner.
    async fn lease(&self, name: &str, owner: &str, life: Duration, force: bool) -> Result<Option<u64>>;
    /// Gives a lease back, if `owner` has it.
    async fn release(&self, name: &str, owner: &str) -> Result<()>;

    // jobs and dead letters
    /// Stores a job; one that was cancelled stays as it is. Returns whether it was stored.
    async fn put_job(&self, job: &Job) -> Result<bool>;
    /// Cancels a job that runs, at a point in time. `false` when there is none.
    async fn cancel_job(&self, id: &str, at: Time) -> Result<bool>;
    async fn job(&self, id: &str) -> Result<Option<Job>>;
    /// Newest first.
    async fn jobs(&self, kind: JobKind, state: Option<JobState>, first: usize) -> Result<Vec<Job>>;
    /// A letter of a job that is there already is not stored again: an interrupted import starts from the beginning.
    async fn put_dead_letters(&self, job_id: Option<&str>, issues: &[Issue]) -> Result<()>;
    /// Newest first, of all jobs or one; `before` exclusive.
    async fn dead_letters(&self, job_id: Option<&str>, before: Option<u64>, first: usize) -> Result<Vec<DeadLetter>>;
    async fn count_dead_letters(&self, job_id: Option<&str>) -> Result<u64>;
}
