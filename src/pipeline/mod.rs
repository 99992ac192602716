//! The only place where rooms meet: append, the two followers, imports, rules, shutdown.
//!
//! An append is durable before it returns and wakes the followers. Each follower reads the stored log from its
//! own checkpoint, which it commits together with what it wrote: after `kill -9` it goes on where it was.
//! Memory is bounded: batches have a size, channels a capacity, and an append waits while a healthy follower has fallen
//! more than [`MAX_LAG`] events behind.
mod checkup;
mod correlate;
mod cost;
mod detect;
mod engines;
mod exception;
mod follow;
mod hunt;
mod import;
mod lease;
mod node;
mod past;
mod processes;
mod recent;
mod reopen;
mod retain;
mod rules;
mod trial;
pub mod webhook;

pub use engines::Engines;
pub use import::{Report, Watch};
pub use rules::{Imported, Superseded};
pub use trial::Trial;

use crate::{
    catalog::{Catalog, Job, JobKind, JobState, StoredHit},
    error::{Error, Issue, Result},
    event::{Event, Position, Time, detection::Rule},
    graph::GraphStore,
    ingest, intel,
    rules::{Placeholders, RuleSet, correlation},
    store::{Appended, EventStore},
};
use detect::{Detect, Rooms};
use follow::{Follower, Heads, Project};
use lease::Lease;
use node::Node;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, broadcast, watch},
    task::JoinSet,
};
use webhook::{Deliver, Named, Queue, Sender, Webhooks, Worker};

/// Events of ours that a follower may fall behind before appends wait for it.
pub const MAX_LAG: u64 = 20_000;
/// Live hits kept for a subscriber that is slow; one that falls further behind reads the catalog.
const LIVE_HITS: usize = 4_096;
/// Imports running at the same time; further ones wait.
const MAX_IMPORTS: usize = 2;
/// How often a process looks whether another one has changed rules.
const RULES_EVERY: Duration = Duration::from_secs(2);

/// How often a process looks whether another one has changed alerts.
const ALERTS_EVERY: Duration = Duration::from_secs(1);

/// The running product without its network side.
pub struct Pipeline {
    pub store: Arc<dyn EventStore>,
    pub graph: Arc<dyn GraphStore>,
    pub catalog: Arc<dyn Catalog>,
    rules: Arc<RwLock<Arc<RuleSet>>>,
    reloading: Arc<tokio::sync::Mutex<()>>,
    hits: broadcast::Sender<Arc<StoredHit>>,
    /// Number of the newest change of an alert.
    alert_changes: watch::Sender<u64>,
    /// Number of retro-hunts started here.
    hunts: watch::Sender<u64>,
    head: watch::Sender<Position>,
    /// The part of it that appends move.
    own_head: watch::Sender<Position>,
    project: Follower,
    detect: Follower,
    imports: Semaphore,
    spool: PathBuf,
    node: Node,
    /// The catalog, where others work on it too.
    shared: Option<Arc<dyn Catalog>>,
    measured: cost::Measured,
    spent: cost::Spent,
    stop: watch::Sender<bool>,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl Pipeline {
    /// Starts the followers and goes on with imports that a stop had interrupted.
    /// `spool` is the folder for uploaded files.
    ///
    /// # Errors
    /// When an engine cannot be read.
    pub async fn start(engines: Engines, spool: PathBuf) -> Result<Arc<Self>> {
        Self::start_with(engines, spool, Placeholders::default()).await
    }

    /// As [`Self::start`], with values of placeholders in rules.
    ///
    /// # Errors
    /// When an engine cannot be read.
    pub async fn start_with(engines: Engines, spool: PathBuf, placeholders: Placeholders) -> Result<Arc<Self>> {
        engines::private_folder(&spool)?;
        let Engines { store, graph, catalog } = engines;
        let (head, all) = watch::channel(store.head().await?);
        let (own_head, own) = watch::channel(store.own_head().await?);
        let heads = Heads { all, own };
        let (stop, _) = watch::channel(false);
        let (hits, _) = broadcast::channel(LIVE_HITS);
        let (hunts, started) = watch::channel(0);
        let (alert_changes, _) = watch::channel(catalog.newest_alert_change().await?);
        // Before the rules: a change in between is seen then.
        let known = catalog.rules_version().await?;
        let rules = Arc::new(RwLock::new(Arc::new(compile(&*catalog, Arc::new(placeholders)).await?)));

        // Only engines that others write to are shared with other processes.
        let shared = store.look_every().map(|_| catalog.clone());
        let node = Node::new(&spool, shared.is_some()).await?;
        let reloading: Arc<tokio::sync::Mutex<()>> = Arc::default();
        let spent = cost::Spent::default();
        let mut tasks = JoinSet::new();
        let project = Follower::start(
            Lease::new(shared.clone(), "project", node.name.clone()),
            Project { graph: graph.clone() },
            store.clone(),
            heads.clone(),
            stop.subscribe(),
            &mut tasks,
        )
        .await?;
        let detect = Follower::start(
            Lease::new(shared.clone(), "detect", node.name.clone()),
            Detect::new(
                Rooms {
                    catalog: catalog.clone(),
                    store: store.clone(),
                    rules: rules.clone(),
                    reloading: reloading.clone(),
                    spent: spent.clone(),
                },
                hits.clone(),
                alert_changes.clone(),
                started,
            )
            .await?,
            store.clone(),
            heads,
            stop.subscribe(),
            &mut tasks,
        )
        .await?;
        if let Some(pause) = store.look_every() {
            tasks.spawn(look(store.clone(), pause, head.clone(), stop.subscribe()));
            tasks.spawn(look_at_alerts(catalog.clone(), alert_changes.clone(), stop.subscribe()));
            tasks.spawn(retain::retain(store.clone(), stop.subscribe()));
            tasks.spawn(look_at_rules(catalog.clone(), rules.clone(), reloading.clone(), known, stop.subscribe()));
        }
        let pipeline = Arc::new(Self {
            store,
            graph,
            catalog,
            rules,
            reloading,
            hits,
            alert_changes,
            hunts,
            head,
            own_head,
            project,
            detect,
            imports: Semaphore::new(MAX_IMPORTS),
            spool,
            node,
            shared,
            measured: cost::Measured::default(),
            spent,
            stop,
            tasks: tokio::sync::Mutex::new(tasks),
        });
        if pipeline.owns_folder() {
            pipeline.resume_imports().await?;
        }
        Ok(pipeline)
    }

    /// Whether this process has the folder of the installation, and not another one, such as a server that runs.
    pub const fn owns_folder(&self) -> bool {
        self.node.owns()
    }

    /// Stores events durably and wakes the followers. On return the sender may be told "ok".
    ///
    /// # Errors
    /// When the event store fails; nothing is acknowledged then.
    pub async fn append(&self, events: Vec<Event>) -> Result<Appended> {
        if events.is_empty() {
            return Ok(Appended { head: self.head.borrow().clone(), ..Appended::default() });
        }
        self.project.approach().await;
        self.detect.approach().await;
        let appended = self.store.append(events).await?;
        self.own_head.send_replace(appended.head.clone());
        self.head.send_if_modified(|h| h.merge(&appended.head));
        Ok(appended)
    }

    /// Hits as they are stored. A receiver that lags goes on with [`Catalog::hits_since`].
    pub fn hits(&self) -> broadcast::Receiver<Arc<StoredHit>> {
        self.hits.subscribe()
    }

    /// Number of the newest change of an alert; what changed is in [`Catalog::alerts_since`].
    pub fn alert_changes(&self) -> watch::Receiver<u64> {
        self.alert_changes.subscribe()
    }

    /// Tells the followers of alerts that people changed some.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn tell_alerts(&self) -> Result<()> {
        follow::tell_alerts(&*self.catalog, &self.alert_changes).await
    }

    /// Tells webhooks from now on, also what they were not told before the last stop. `id` makes the ids of messages.
    ///
    /// # Errors
    /// `BAD_INPUT` for an authority that is no PEM, and when TLS cannot be set up.
    pub async fn deliver(&self, settings: Webhooks, id: fn(Named<'_>) -> String) -> Result<Arc<Sender>> {
        let sender = Arc::new(Sender::new(&settings)?);
        let lease = Lease::new(self.shared.clone(), "webhooks", self.node.name.clone());
        let deliver = Deliver { page: settings.page.clone(), id };
        let queue = Queue { catalog: self.catalog.clone(), store: self.store.clone(), deliver };
        let worker = Worker::new(queue, sender.clone(), settings, lease);
        self.tasks.lock().await.spawn(worker.run(self.alert_changes(), self.stop.subscribe()));
        Ok(sender)
    }

    pub fn engines(&self) -> Engines {
        Engines { store: self.store.clone(), graph: self.graph.clone(), catalog: self.catalog.clone() }
    }

    /// Waits until everything appended so far is projected, matched and searchable.
    ///
    /// # Errors
    /// When the store cannot be refreshed.
    pub async fn caught_up(&self) -> Result<()> {
        let head = self.head.borrow().clone();
        self.project.wait(&head).await;
        self.detect.wait(&head).await;
        self.store.refresh().await
    }

    /// Positions up to which the log is projected and matched, and its head.
    pub fn positions(&self) -> Positions {
        Positions {
            head: self.head.borrow().clone(),
            projected: self.project.position(),
            detected: self.detect.position(),
        }
    }

    /// Drops the graph and projects the whole log anew, in the background; see [`Self::caught_up`].
    ///
    /// # Errors
    /// When the graph store fails.
    pub async fn rebuild_graph(&self) -> Result<()> {
        let graph = self.graph.clone();
        self.project.reset(|fence| async move { graph.clear(fence).await }).await
    }

    /// Drops all hits and matches the whole log anew, in the background; see [`Self::caught_up`].
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn rebuild_hits(&self) -> Result<()> {
        let catalog = self.catalog.clone();
        self.detect.reset(|fence| async move { catalog.clear_hits(fence).await }).await?;
        self.tell_alerts().await
    }

    /// Path of a new spool file for an upload and the id of the job that will import it.
    pub fn new_spool_file(&self) -> (String, PathBuf) {
        let id = uuid::Uuid::now_v7().to_string();
        let path = self.spool.join(&id);
        (id, path)
    }

    /// Imports a complete spool file (see [`Self::new_spool_file`]) as a job in the background, then removes it.
    ///
    /// # Errors
    /// When the catalog cannot store the job.
    pub async fn import_spooled(self: &Arc<Self>, job_id: &str, name: &str, options: ingest::Options) -> Result<()> {
        let job =
            Job { keep_other: options.keep_other, ..Job::new(job_id.to_owned(), name.to_owned(), &self.node.name) };
        self.catalog.put_job(&job).await?;
        self.spawn_import(job).await;
        Ok(())
    }

    /// Cancels an import or a retro-hunt that runs. What it has stored stays.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn cancel_job(&self, id: &str) -> Result<bool> {
        self.catalog.cancel_job(id, Time::now()).await
    }

    async fn spawn_import(self: &Arc<Self>, job: Job) {
        let pipeline = self.clone();
        let mut stop = self.stop.subscribe();
        self.tasks.lock().await.spawn(async move {
            let path = pipeline.spool.join(&job.id);
            tokio::select! {
                () = import::run_job(&pipeline, job, &path) => {}
                _ = stop.wait_for(|s| *s) => {}
            }
        });
    }

    async fn resume_imports(self: &Arc<Self>) -> Result<()> {
        let jobs = self.catalog.jobs(JobKind::Import, Some(JobState::Running), usize::MAX).await?;
        self.remove_orphans(&jobs).await?;
        for mut job in jobs {
            if job.node != *self.node.name {
                continue;
            }
            if self.spool.join(&job.id).is_file() {
                tracing::info!(job = %job.id, "going on with import of {}", job.name);
                self.spawn_import(job).await;
            } else {
                job.state = JobState::Failed;
                job.finished = Some(Time::now());
                job.message = Some("interrupted before the upload was complete; send it again".into());
                self.catalog.put_job(&job).await?;
            }
        }
        Ok(())
    }

    /// Removes uploads that a kill interrupted: they were never acknowledged and have no job.
    async fn remove_orphans(&self, jobs: &[Job]) -> Result<()> {
        let mut files = tokio::fs::read_dir(&self.spool).await?;
        while let Some(file) = files.next_entry().await? {
            let name = file.file_name();
            let is_wanted = jobs.iter().any(|j| name == *j.id);
            if !is_wanted {
                tracing::info!(file = %file.path().display(), "removing an upload that never became complete");
                tokio::fs::remove_file(file.path()).await?;
            }
        }
        Ok(())
    }

    /// Stops followers and imports. What is stored stays; what is not done is done at the next start.
    pub async fn shutdown(&self) {
        let _ = self.stop.send(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().await);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(20), all).await.is_err() {
            tracing::warn!("some work did not stop within 20 s; it is done again at the next start");
        }
        self.node.release();
    }
}

/// The rules of a report; one that cannot be matched is an issue too.
fn with_rules(mut report: intel::Report) -> (intel::Report, Vec<Rule>) {
    let origin = report.origin();
    let mut rules = Vec::new();
    for text in &report.rules {
        let found = crate::rules::parse(text, &origin);
        let refused = found.rules.iter().filter_map(|r| Some((&r.title, r.refused.as_ref()?)));
        report.issues.extend(refused.map(|(title, why)| Issue {
            source: report.import.name.clone(),
            position: title.clone(),
            reason: format!("its rule cannot be matched: {why}"),
            record: None,
        }));
        report.issues.extend(found.issues);
        rules.extend(found.rules);
    }
    report.import.issues = report.issues.len() as u64;
    (report, rules)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Positions {
    pub head: Position,
    pub projected: Position,
    pub detected: Position,
}

/// Wakes the followers when others have stored events.
async fn look(
    store: Arc<dyn EventStore>,
    pause: Duration,
    head: watch::Sender<Position>,
    mut stop: watch::Receiver<bool>,
) {
    let mut away = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|s| *s) => return,
        }
        let before = head.borrow().clone();
        match store.head().await {
            Ok(now) => {
                away = false;
                head.send_if_modified(|h| h.follow(&now, &before));
            }
            // The followers tell about it every time.
            Err(e) if !away => {
                away = true;
                tracing::warn!(error = ?e, "cannot look for new events, trying again");
            }
            Err(_) => {}
        }
    }
}

/// The rules that are matched now.
fn live(rules: &RwLock<Arc<RuleSet>>) -> Arc<RuleSet> {
    rules.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Compiles the rules of the catalog; one after the other, so that an older set never replaces a newer one.
async fn reload(catalog: &dyn Catalog, rules: &RwLock<Arc<RuleSet>>, reloading: &tokio::sync::Mutex<()>) -> Result<()> {
    let _turn = reloading.lock().await;
    let set = Arc::new(compile(catalog, live(rules).placeholders()).await?);
    *rules.write().unwrap_or_else(PoisonError::into_inner) = set;
    Ok(())
}

/// Compiles the rules anew when another process has changed them.
async fn look_at_rules(
    catalog: Arc<dyn Catalog>,
    rules: Arc<RwLock<Arc<RuleSet>>>,
    reloading: Arc<tokio::sync::Mutex<()>>,
    mut seen: u64,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let turn = async {
            let now = catalog.rules_version().await?;
            if seen != now {
                reload(&*catalog, &rules, &reloading).await?;
            }
            seen = now;
            Ok::<(), Error>(())
        };
        if let Err(e) = turn.await {
            tracing::warn!(error = ?e, "cannot look for changed rules, trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(RULES_EVERY) => {}
            _ = stop.wait_for(|s| *s) => return,
        }
    }
}

/// Tells the followers of alerts what people have changed by another process, whoever matches the rules.
async fn look_at_alerts(catalog: Arc<dyn Catalog>, told: watch::Sender<u64>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(e) = follow::tell_alerts(&*catalog, &told).await {
            tracing::debug!(error = ?e, "cannot look for changed alerts, trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(ALERTS_EVERY) => {}
            _ = stop.wait_for(|s| *s) => return,
        }
    }
}

/// Compiles the rules of the catalog. Whether a correlation can fire depends on other rules: its verdict there is brought
/// up to date.
async fn compile(catalog: &dyn Catalog, placeholders: Arc<Placeholders>) -> Result<RuleSet> {
    let rules = catalog.rules().await?;
    let all = rules.clone();
    let (set, refused) = tokio::task::spawn_blocking(move || RuleSet::compile_with(&all, &placeholders)).await?;
    for (id, reason) in &refused {
        tracing::warn!(rule = %id, "rule is not matched: {reason}");
    }
    let refused: HashMap<String, String> = refused.into_iter().collect();
    // Who is switched off is tried again when he is switched on.
    let asked = |r: &Rule| r.logsource == correlation::LOGSOURCE && (r.enabled || correlation::is_noisy(r));
    let correlations = rules.into_iter().filter(asked);
    let now = correlations.map(|r| (refused.get(&r.id).cloned(), r));
    let changed: Vec<Rule> =
        now.filter(|(why, r)| *why != r.refused).map(|(why, r)| Rule { refused: why, ..r }).collect();
    if !changed.is_empty() {
        catalog.judge_rules(&changed).await?;
    }
    Ok(set)
}
