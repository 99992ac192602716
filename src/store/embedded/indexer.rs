//! The thread that brings the log into the index. It is a follower of the log like any other: the position up to
//! which it came is committed together with the documents, so after any end it goes on from there.
use super::{Seq, log::Log, schema::Fields, view::View};
use crate::{
    checkup::Finding,
    error::{Code, Error, Result},
};
use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy,
    indexer::{IndexWriterOptions, LogMergePolicy},
    store::Compressor,
};
use tokio::sync::watch;

/// Events read from the log at a time.
const BATCH: usize = 2_000;
/// Documents after which a commit is made even while more events wait.
const COMMIT_DOCS: u64 = 100_000;
/// The same in time.
const COMMIT_BEHIND: Duration = Duration::from_secs(10);

/// How often it is looked for finished merges while nothing else is to do.
const MERGE_CHECK: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Position up to which searches see the log.
    pub searchable: Seq,
    /// Position up to which events are handed to the index.
    pub indexed: Seq,
    /// Why the index does not move at the moment.
    pub failure: Option<Arc<str>>,
}

/// What the thread is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demand {
    /// Position that is to become searchable now.
    pub searchable: Seq,
    pub stop: bool,
}

/// What the thread shares with searches.
pub struct Shared {
    pub progress: watch::Sender<Progress>,
    pub demand: watch::Sender<Demand>,
    pub view: RwLock<Arc<View>>,
}

impl Shared {
    pub fn new() -> Self {
        Self { progress: watch::Sender::default(), demand: watch::Sender::default(), view: RwLock::default() }
    }

    /// How far the index is behind the head of the log.
    pub fn checkup(&self, head: Seq) -> Finding {
        let part = "search index";
        let progress = self.progress.borrow();
        match (&progress.failure, head.saturating_sub(progress.searchable)) {
            (Some(why), _) => Finding::bad(
                part,
                format!("does not move: {why}"),
                "make room on the disk; or stop the program and run `sysmonsearch rebuild index`",
            ),
            (None, 0) => Finding::good(part, format!("{head} events can be searched")),
            (None, behind) => Finding::good(part, format!("{behind} of {head} events come within a moment")),
        }
    }

    pub fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub struct Indexer {
    pub dir: PathBuf,
    pub heap: usize,
    /// Longest time from an append to its being searchable while the thread keeps up.
    pub commit_after: Duration,
    pub fields: Arc<Fields>,
    pub log: Arc<Log>,
    pub shared: Arc<Shared>,
}

/// An open index.
pub struct Session {
    writer: IndexWriter,
    reader: IndexReader,
    committed: Seq,
}

impl Indexer {
    /// Opens the index; one that is missing, damaged, of another layout or ahead of the log is made anew.
    pub fn open(&self) -> Result<Session> {
        // Tantivy panics on some damaged files.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| self.try_open()));
        let session = match opened.unwrap_or_else(|_| Err("a file of it is damaged".into())) {
            Ok(session) => session,
            Err(reason) => {
                if self.dir.exists() {
                    tracing::warn!(dir = %self.dir.display(), %reason, "rebuilding the search index from the event log");
                    std::fs::remove_dir_all(&self.dir)?;
                }
                std::fs::create_dir_all(&self.dir)?;
                let settings = IndexSettings { docstore_compression: Compressor::None, ..IndexSettings::default() };
                let index =
                    Index::builder().schema(self.fields.schema.clone()).settings(settings).create_in_dir(&self.dir)?;
                self.session(&index, 0)?
            }
        };
        self.publish(&session)?;
        Ok(session)
    }

    fn try_open(&self) -> Result<Session, String> {
        if !self.dir.join("meta.json").is_file() {
            return Err("no index yet".into());
        }
        let index = Index::open_in_dir(&self.dir).map_err(|e| e.to_string())?;
        if index.schema() != self.fields.schema {
            return Err("it has another layout".into());
        }
        let payload = index.load_metas().map_err(|e| e.to_string())?.payload;
        let committed = payload.as_deref().map_or(Ok(0), str::parse).map_err(|_| "its position is unreadable")?;
        if committed > self.log.head() {
            return Err("it is ahead of the event log".into());
        }
        let session = self.session(&index, committed).map_err(|e| describe(&e))?;
        let docs = session.reader.searcher().num_docs();
        if docs != committed {
            return Err(format!("it has {docs} events, not {committed}"));
        }
        View::new(&session.reader.searcher(), &View::default()).map_err(|e| describe(&e))?;
        Ok(session)
    }

    fn session(&self, index: &Index, committed: Seq) -> Result<Session> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(self.heap)
            .build();
        let writer: IndexWriter = index.writer_with_options(options)?;
        // Every segment has a dictionary of its own: few segments keep tests on values cheap. A merge costs about
        // a microsecond an event.
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(4);
        policy.set_min_layer_size(20_000);
        policy.set_max_docs_before_merge(20_000_000);
        writer.set_merge_policy(Box::new(policy));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Session { writer, reader, committed })
    }

    fn publish(&self, session: &Session) -> Result<()> {
        session.reader.reload()?;
        let view = Arc::new(View::new(&session.reader.searcher(), &self.shared.view())?);
        *self.shared.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        self.shared.progress.send_modify(|p| {
            p.searchable = session.committed;
            p.indexed = p.indexed.max(session.committed);
            p.failure = None;
        });
        Ok(())
    }

    /// Runs until it is asked to stop. After an error it begins again from the last commit.
    pub fn run(&self, session: Session) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(e) => return self.failed(&Error::internal(e)),
        };
        let mut session = Some(session);
        loop {
            let opened = session.take().map_or_else(|| self.open(), Ok);
            let followed = opened.and_then(|s| {
                std::panic::catch_unwind(AssertUnwindSafe(|| self.follow(s, &runtime)))
                    .unwrap_or_else(|_| Err(Error::internal("the search index is damaged")))
            });
            match followed {
                Ok(()) => return,
                Err(e) => self.failed(&e),
            }
            let mut demand = self.shared.demand.subscribe();
            let pause = tokio::time::Duration::from_secs(5);
            if runtime.block_on(async { tokio::time::timeout(pause, demand.wait_for(|d| d.stop)).await.is_ok() }) {
                return;
            }
        }
    }

    fn failed(&self, e: &Error) {
        tracing::error!(reason = describe(e), "the search index does not move; trying again");
        self.shared.progress.send_modify(|p| p.failure = Some(describe(e).into()));
    }

    fn follow(&self, mut session: Session, runtime: &tokio::runtime::Runtime) -> Result<()> {
        let mut moved = self.log.watch();
        let mut demand = self.shared.demand.subscribe();
        let mut at = session.committed;
        let mut since: Option<Instant> = None;
        loop {
            let wanted = *demand.borrow_and_update();
            moved.mark_unchanged();
            let batch = self.log.read(at, BATCH)?;
            let caught_up = batch.is_empty();
            for (seq, event) in batch {
                session.writer.add_document(self.fields.document(seq, &event))?;
                at = seq;
                since.get_or_insert_with(Instant::now);
            }
            if !caught_up {
                self.shared.progress.send_modify(|p| p.indexed = at);
            }
            let age = since.map(|s| s.elapsed());
            let asked = wanted.stop || (wanted.searchable > session.committed && at >= wanted.searchable);
            let due = at - session.committed >= COMMIT_DOCS
                || age.is_some_and(|a| asked || a >= if caught_up { self.commit_after } else { COMMIT_BEHIND });
            if due {
                self.commit(&mut session, at)?;
                since = None;
            }
            if wanted.stop {
                return Ok(());
            }
            if caught_up && !due {
                self.publish_merged(&session)?;
                let rest = age.map_or(MERGE_CHECK, |a| self.commit_after.saturating_sub(a));
                runtime.block_on(async {
                    tokio::select! {
                        r = moved.changed() => drop(r),
                        r = demand.changed() => drop(r),
                        () = tokio::time::sleep(rest) => {}
                    }
                });
            }
        }
    }

    /// Shows searches the segments that a merge made since the last commit.
    fn publish_merged(&self, session: &Session) -> Result<()> {
        let mut now = session.writer.index().searchable_segment_ids()?;
        let mut shown: Vec<_> = self.shared.view().segments.iter().map(|s| s.id).collect();
        now.sort();
        shown.sort();
        if now == shown { Ok(()) } else { self.publish(session) }
    }

    fn commit(&self, session: &mut Session, at: Seq) -> Result<()> {
        let mut commit = session.writer.prepare_commit()?;
        commit.set_payload(&at.to_string());
        commit.commit()?;
        session.committed = at;
        self.publish(session)
    }
}

fn describe(e: &Error) -> String {
    use std::error::Error as _;
    e.source().map_or_else(|| e.to_string(), |s| format!("{e}: {s}"))
}

/// Waits until the index came to `enough`.
pub async fn wait(shared: &Shared, enough: impl Fn(&Progress) -> bool) -> Result<()> {
    let mut progress = shared.progress.subscribe();
    let seen = progress.wait_for(|p| p.failure.is_some() || enough(p)).await;
    match seen {
        Ok(p) if enough(&p) => Ok(()),
        _ => Err(stuck()),
    }
}

/// # Errors
/// `UNAVAILABLE` while the index is in trouble and behind `head`.
pub fn check(shared: &Shared, head: Seq) -> Result<()> {
    let progress = shared.progress.borrow();
    if progress.failure.is_some() && progress.searchable < head { Err(stuck()) } else { Ok(()) }
}

fn stuck() -> Error {
    Error::new(Code::Unavailable, "the search index does not move at the moment; the log of the server says why")
}
