//! One request for a page makes a constant number of store calls, whatever the size of the page.
use super::app::{TestApp, VIEWER, events};
use async_trait::async_trait;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use sysmonsearch::{
    catalog::*,
    checkup::Finding,
    error::{Issue, Result},
    event::{
        Event, EventId, Fence, Field, Period, Position, Scope, Time,
        correlated::{Kept, Stretch},
        detection::{Hit, Rule},
        indicator::{Import, Indicator},
    },
    graph::{
        Batch, Counts, Degree, GraphStore, Grouping, Groups, Lineage, Link, NeighbourFilter, Neighbours, Node, NodeId,
        Tree,
    },
    pipeline::Engines,
    serve::Settings,
    store::{
        Appended, Arrivals, Cursor, EventStore, HostCount, Interval, Order, Page, Query, Summary, TermOrder, Terms,
        Timeline, Values, ValuesQuery,
    },
};

/// Counts the calls of a trait's verbs and passes them on.
pub(super) struct Counting<T: ?Sized>(pub(super) Arc<T>, pub(super) Calls);

/// Names of the verbs that were called.
pub(super) type Calls = Arc<Mutex<Vec<&'static str>>>;

macro_rules! count {
    ($trait:ident [$($own:tt)*] { $(fn $name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)* }) => {
        #[async_trait]
        impl $trait for Counting<dyn $trait> {
            $($own)*
            $(async fn $name(&self $(, $arg: $ty)*) -> $out {
                self.1.lock().unwrap().push(stringify!($name));
                self.0.$name($($arg),*).await
            })*
        }
    };
}

/// As if other processes used the same store.
const SHARED: Option<Duration> = Some(Duration::from_millis(50));

count! { EventStore [fn look_every(&self) -> Option<Duration> { SHARED }] {
    fn checkup() -> Vec<Finding>;
    fn append(events: Vec<Event>) -> Result<Appended>;
    fn read(after: &Position, max: usize) -> Result<Arrivals>;
    fn head() -> Result<Position>;
    fn refresh() -> Result<()>;
    fn search(scope: &Scope, query: &Query, order: Order, after: Option<Cursor>, first: usize) -> Result<Page>;
    fn count(scope: &Scope, query: &Query) -> Result<u64>;
    fn summary(scope: &Scope, query: &Query, interval: Interval) -> Result<Summary>;
    fn terms(scope: &Scope, query: &Query, field: Field, order: TermOrder, first: usize) -> Result<Terms>;
    fn values(scope: &Scope, query: &Query, ask: &ValuesQuery) -> Result<Values>;
    fn latest(scope: &Scope, query: &Query, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>>;
    fn events(scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>>;
    fn hosts(scope: &Scope, period: Period, after: Option<&str>, first: usize) -> Result<Vec<HostCount>>;
    fn timeline(scope: &Scope, query: &Query, interval: Interval) -> Result<Timeline>;
} }

count! { GraphStore [] {
    fn checkup() -> Vec<Finding>;
    fn upsert(batch: Batch, upto: &Position, fence: Fence) -> Result<()>;
    fn checkpoint() -> Result<Position>;
    fn take_over(fence: Fence) -> Result<Position>;
    fn clear(fence: Fence) -> Result<()>;
    fn nodes(scope: &Scope, ids: &[NodeId]) -> Result<Vec<Option<Node>>>;
    fn degrees(scope: &Scope, ids: &[NodeId], period: Period) -> Result<Vec<Vec<Degree>>>;
    fn neighbours(scope: &Scope, id: NodeId, filter: &NeighbourFilter, after: Option<&str>, first: usize) -> Result<Neighbours>;
    fn first_neighbours(scope: &Scope, ids: &[NodeId], filter: &NeighbourFilter, first: usize) -> Result<Vec<Neighbours>>;
    fn groups(scope: &Scope, id: NodeId, filter: &NeighbourFilter, by: Grouping, most: usize) -> Result<Groups>;
    fn links(scope: &Scope, ids: &[NodeId], filter: &NeighbourFilter, most: usize) -> Result<Vec<Link>>;
    fn tree(scope: &Scope, host: &str, period: Period, after: Option<&str>, first: usize) -> Result<Tree>;
    fn lineage(scope: &Scope, process: NodeId, max_descendants: usize) -> Result<Lineage>;
    fn lineages(scope: &Scope, processes: &[NodeId], max_descendants: usize) -> Result<Vec<Lineage>>;
    fn counts() -> Result<Counts>;
} }

count! { Catalog [] {
    fn checkup() -> Vec<Finding>;
    fn users() -> Result<Vec<User>>;
    fn user_by_name(name: &str) -> Result<Option<User>>;
    fn user(id: &str) -> Result<Option<User>>;
    fn create_user(user: &User, password_hash: &str) -> Result<()>;
    fn password_hash(user_id: &str) -> Result<Option<String>>;
    fn set_password(user_id: &str, password_hash: &str) -> Result<()>;
    fn update_user(user: &User) -> Result<()>;
    fn end_sessions(user_id: &str) -> Result<()>;
    fn secret(name: &str) -> Result<Vec<u8>>;
    fn put_rules(rules: &[Rule]) -> Result<u64>;
    fn judge_rules(rules: &[Rule]) -> Result<u64>;
    fn rules() -> Result<Vec<Rule>>;
    fn rule(id: &str) -> Result<Option<Rule>>;
    fn rules_by_id(ids: &[String]) -> Result<Vec<Option<Rule>>>;
    fn rule_versions(ids: &[String]) -> Result<Vec<Vec<RuleVersion>>>;
    fn last_hits(scope: &Scope, rule_ids: &[String]) -> Result<Vec<Option<Time>>>;
    fn enable_rule(id: &str, enabled: bool) -> Result<bool>;
    fn delete_rule(id: &str) -> Result<bool>;
    fn rules_version() -> Result<u64>;
    fn put_hits(hits: Vec<Hit>, upto: &Position) -> Result<Vec<StoredHit>>;
    fn put_found(found: Found, upto: &Position) -> Result<Vec<StoredHit>>;
    fn correlated(stretches: &[Stretch], most: usize) -> Result<Vec<Kept>>;
    fn retain_correlated(versions: &[(String, String)], fence: Fence) -> Result<()>;
    fn detect_checkpoint() -> Result<Position>;
    fn take_over_detect(fence: Fence) -> Result<Position>;
    fn hits_since(scope: &Scope, filter: &HitFilter, after: u64, max: usize) -> Result<Vec<StoredHit>>;
    fn hits(scope: &Scope, filter: &HitFilter, before: Option<u64>, first: usize) -> Result<HitPage>;
    fn newest_hit() -> Result<u64>;
    fn count_hits(scope: &Scope, filter: &HitFilter) -> Result<u64>;
    fn hits_of_events(scope: &Scope, ids: &[EventId]) -> Result<Vec<Vec<Hit>>>;
    fn hits_per_rule(scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>>;
    fn hits_per_host(scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>>;
    fn clear_hits(fence: Fence) -> Result<()>;
    fn alerts(scope: &Scope, filter: &AlertFilter, before: Option<u64>, first: usize) -> Result<AlertPage>;
    fn alerts_since(scope: &Scope, filter: &AlertFilter, after: u64, max: usize) -> Result<Vec<Alert>>;
    fn newest_alert_change() -> Result<u64>;
    fn count_alerts(scope: &Scope, filter: &AlertFilter) -> Result<u64>;
    fn alerts_per(scope: &Scope, filter: &AlertFilter, by: AlertGroup) -> Result<Vec<(String, u64)>>;
    fn update_alerts(scope: &Scope, filter: &AlertFilter, change: &AlertChange, by: &str, at: Time) -> Result<u64>;
    fn comment_alert(scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool>;
    fn alert_comments(scope: &Scope, alert_ids: &[String]) -> Result<Vec<Vec<Comment>>>;
    fn alerts_of_hits(scope: &Scope, hits: &[Hit]) -> Result<Vec<Option<Alert>>>;
    fn first_hits(scope: &Scope, filters: &[HitFilter], first: usize) -> Result<Vec<HitPage>>;
    fn items(filter: &ItemFilter, after: Option<(i64, String)>, first: usize) -> Result<Vec<Item>>;
    fn count_items(kind: ItemKind) -> Result<Vec<(String, u64)>>;
    fn change_items(changes: &[ItemChange], audit: &[AuditEntry]) -> Result<()>;
    fn audit_log(before: Option<u64>, first: usize) -> Result<Vec<AuditEntry>>;
    fn saved_searches(user_id: &str) -> Result<Vec<SavedSearch>>;
    fn put_saved_search(search: &SavedSearch, is_new: bool) -> Result<()>;
    fn delete_saved_search(id: &str, owner_id: &str) -> Result<bool>;
    fn put_indicators(import: &Import, indicators: &[Indicator], rules: &[Rule], issues: &[Issue]) -> Result<()>;
    fn indicator_imports() -> Result<Vec<Import>>;
    fn indicators(filter: &IndicatorFilter, after: Option<u64>, first: usize) -> Result<Vec<StoredIndicator>>;
    fn count_indicators(filter: &IndicatorFilter) -> Result<u64>;
    fn hits_of_indicators(scope: &Scope, indicators: &[Indicator]) -> Result<Vec<u64>>;
    fn remove_indicators(import_id: &str) -> Result<bool>;
    fn lease(name: &str, owner: &str, life: Duration, force: bool) -> Result<Option<u64>>;
    fn release(name: &str, owner: &str) -> Result<()>;
    fn put_job(job: &Job) -> Result<bool>;
    fn cancel_job(id: &str, at: Time) -> Result<bool>;
    fn job(id: &str) -> Result<Option<Job>>;
    fn jobs(kind: JobKind, state: Option<JobState>, first: usize) -> Result<Vec<Job>>;
    fn put_dead_letters(job_id: Option<&str>, issues: &[Issue]) -> Result<()>;
    fn dead_letters(job_id: Option<&str>, before: Option<u64>, first: usize) -> Result<Vec<DeadLetter>>;
    fn count_dead_letters(job_id: Option<&str>) -> Result<u64>;
} }

#[tokio::test]
async fn a_page_makes_a_constant_number_of_store_calls() {
    let calls = Calls::default();
    let count = calls.clone();
    let wrap = move |e: Engines| Engines {
        store: Arc::new(Counting(e.store, count.clone())),
        graph: Arc::new(Counting(e.graph, count.clone())),
        catalog: Arc::new(Counting(e.catalog, count)),
    };
    let app = TestApp::with(Settings::default(), Box::new(wrap)).await;
    app.load_rule().await;
    app.store(events(600, 20)).await;
    let token = app.login("viewer", VIEWER).await;
    let pages = [
        (
            "query($f: Int!) { events(first: $f, order: OLDEST_FIRST) { total { value } nodes { id
                graphNodes { id }
                process { id degrees { edge total } hits { id } } hits { id rule { title hits } } } } }",
            vec![5, 50, 500],
        ),
        (
            "query($f: Int!) { hits(first: $f) { total { value } nodes { event { id process { id label } }
            rule { hits lastHit history { version loaded } } } } }",
            vec![5, 50],
        ),
        (
            "query($f: Int!) { alerts(first: $f) { total { value } nodes { id rule { title } comments { text }
            suppressed { until } hits(first: 2) { total { value } nodes { event { id } } } } } }",
            vec![2, 10],
        ),
        (
            "query($f: Int!) { hosts(first: $f) { nodes { name hits sysmonVersion lastConfiguration { time }
            node { id degrees { total } } } } }",
            vec![2, 20],
        ),
        (
            "query($f: Int!) { processTree(host: \"host0.example\", first: $f) { processes { node { id degrees { total } hits { id } } } } }",
            vec![5, 30],
        ),
        (
            "query($f: Int!) { processTree(host: \"host0.example\", first: $f) { processes { node { \
                neighbours(edges: [EXECUTED], first: 3) { edges { node { id } } } \
                lineage(maxDescendants: 5) { ancestors { spawned { first } } } } } } }",
            vec![2, 20],
        ),
    ];
    for (query, sizes) in pages {
        let mut made = Vec::new();
        for first in sizes {
            calls.lock().unwrap().clear();
            app.ask(&token, query, json!({"f": first})).await;
            let mut verbs = std::mem::take(&mut *calls.lock().unwrap());
            verbs.sort();
            made.push(verbs);
        }
        println!("{:?} store calls: {query}", made.iter().map(Vec::len).collect::<Vec<_>>());
        assert!(made.iter().all(|verbs| *verbs == made[0] && verbs.len() <= 12), "{made:#?}: {query}");
    }
}
