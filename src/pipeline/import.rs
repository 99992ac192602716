//! One import: a reader on a blocking thread, a bounded channel, appends.
use super::Pipeline;
use crate::{
    catalog::{Counts, Job, JobState},
    error::{Code, Error, Issue, Result},
    event::{Event, Time},
    ingest::{self, Options, Sink},
};
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Events per append.
const BATCH: usize = 2_000;
/// And bytes of them.
const BATCH_BYTES: usize = 8 << 20;
/// Batches between reader and append.
const QUEUE: usize = 4;
const JOB_EVERY: Duration = Duration::from_millis(500);
/// First and longest pause before an import is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// Issues of one import written to the catalog at once.
const ISSUES: usize = 200;

/// What an import did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub read: u64,
    pub stored: u64,
    pub duplicates: u64,
    /// Events of other providers, by provider.
    pub skipped: BTreeMap<String, u64>,
    /// Events read, by code and by host (normal form).
    pub codes: BTreeMap<u32, u64>,
    pub hosts: BTreeMap<String, u64>,
    pub issues: u64,
}

/// Looks on while an import runs.
pub trait Watch: Send {
    fn progress(&mut self, _read: u64, _total: Option<u64>, _report: &Report) {}
    fn issue(&mut self, _issue: &Issue) {}
}

enum Message {
    Events(Vec<Event>),
    Issue(Issue),
    Skipped(BTreeMap<String, u64>),
    Progress(u64, Option<u64>),
}

/// Sends what a reader finds through the bounded channel; a full channel stops the reader.
struct Channel {
    sender: mpsc::Sender<Message>,
    events: Vec<Event>,
    bytes: usize,
    skipped: BTreeMap<String, u64>,
    closed: bool,
}

impl Channel {
    fn send(&mut self, message: Message) {
        self.closed |= self.sender.blocking_send(message).is_err();
    }
    fn flush(&mut self) {
        if !self.events.is_empty() {
            let events = std::mem::take(&mut self.events);
            self.bytes = 0;
            self.send(Message::Events(events));
        }
        if !self.skipped.is_empty() {
            let skipped = std::mem::take(&mut self.skipped);
            self.send(Message::Skipped(skipped));
        }
    }
}

impl Sink for Channel {
    fn events(&mut self, mut events: Vec<Event>) -> Result<()> {
        self.bytes += events.iter().map(Event::size).sum::<usize>();
        self.events.append(&mut events);
        if self.events.len() >= BATCH || self.bytes >= BATCH_BYTES {
            self.flush();
        }
        if self.closed { Err(Error::new(Code::Unavailable, "the import was stopped")) } else { Ok(()) }
    }
    fn issue(&mut self, issue: Issue) {
        self.send(Message::Issue(issue));
    }
    fn skipped(&mut self, provider: &str) {
        match self.skipped.get_mut(provider) {
            Some(n) => *n += 1,
            None => {
                self.skipped.insert(provider.to_owned(), 1);
            }
        }
    }
    fn progress(&mut self, read: u64, total: Option<u64>) {
        self.send(Message::Progress(read, total));
    }
}

impl Pipeline {
    /// Imports one file, which issues and dead letters call `name`. Issues go to the dead letters and to `watch`.
    ///
    /// # Errors
    /// When the file cannot be opened or a store fails. Bad parts of the file are issues, not errors.
    pub async fn import_file(
        &self,
        name: &str,
        path: &Path,
        options: Options,
        job_id: Option<&str>,
        watch: &mut dyn Watch,
    ) -> Result<Report> {
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        let (source, path) = (name.to_owned(), path.to_owned());
        let reader = tokio::task::spawn_blocking(move || {
            let mut channel = Channel {
                sender,
                events: Vec::with_capacity(BATCH),
                bytes: 0,
                skipped: BTreeMap::new(),
                closed: false,
            };
            let result = std::fs::File::open(&path)
                .map_err(|e| Error::bad_input(format!("cannot open {source}: {e}")))
                .and_then(|file| ingest::read_file(&source, file, &options, &mut channel));
            channel.flush();
            result
        });

        let mut report = Report::default();
        let (mut letters, mut found): (Vec<Issue>, Vec<Issue>) = (Vec::new(), Vec::new());
        while let Some(message) = receiver.recv().await {
            match message {
                Message::Events(events) => {
                    report.read += events.len() as u64;
                    for event in &events {
                        *report.codes.entry(event.code).or_default() += 1;
                        *report.hosts.entry(event.host()).or_default() += 1;
                    }
                    let appended = self.append(events).await?;
                    report.stored += appended.stored;
                    report.duplicates += appended.duplicates;
                    found.extend(appended.refused.into_iter().map(|r| r.issue(name)));
                }
                Message::Issue(issue) => found.push(issue),
                Message::Skipped(counts) => {
                    for (provider, n) in counts {
                        *report.skipped.entry(provider).or_default() += n;
                    }
                }
                Message::Progress(read, total) => watch.progress(read, total, &report),
            }
            for issue in found.drain(..) {
                report.issues += 1;
                watch.issue(&issue);
                letters.push(issue);
                if letters.len() >= ISSUES {
                    self.catalog.put_dead_letters(job_id, &std::mem::take(&mut letters)).await?;
                }
            }
        }
        if !letters.is_empty() {
            self.catalog.put_dead_letters(job_id, &letters).await?;
        }
        reader.await??;
        Ok(report)
    }
}

/// Keeps the job in the catalog up to date.
struct JobWatch {
    updates: mpsc::UnboundedSender<Job>,
    job: Job,
    sent: Instant,
}

impl JobWatch {
    fn fill(job: &mut Job, report: &Report) {
        job.stored = report.stored;
        job.duplicates = report.duplicates;
        job.skipped = report.skipped.values().sum();
        job.issues = report.issues;
    }
}

impl Watch for JobWatch {
    fn progress(&mut self, read: u64, total: Option<u64>, report: &Report) {
        self.job.bytes_read = read;
        self.job.bytes_total = total;
        Self::fill(&mut self.job, report);
        if self.sent.elapsed() >= JOB_EVERY {
            self.sent = Instant::now();
            let _ = self.updates.send(self.job.clone());
        }
    }
}

/// Runs an import job to its end and writes its outcome. The upload was acknowledged: its file is removed only when
/// the outcome is in the catalog, and while a store is away (a full disk) the import is tried again.
pub(super) async fn run_job(pipeline: &Pipeline, mut job: Job, path: &Path) {
    let mut pause = RETRY.0;
    let done = loop {
        let Some((result, watched)) = try_job(pipeline, &job, path).await else {
            tracing::info!(job = %job.id, "import of {} was cancelled", job.name);
            break None;
        };
        match result {
            Err(e) if e.code == Code::Unavailable => {
                tracing::warn!(job = %job.id, error = ?e, "import of {} is interrupted, trying again", job.name);
                job.message = Some(format!("waiting, to be tried again: {e}"));
                let _ = pipeline.catalog.put_job(&job).await;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
            result => break Some(ended(watched, result)),
        }
    };
    let mut pause = RETRY.0;
    while let Some(done) = &done
        && let Err(e) = pipeline.catalog.put_job(done).await
    {
        tracing::error!(job = %done.id, error = ?e, "cannot write the outcome of a job, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
    if let Err(e) = tokio::fs::remove_file(path).await {
        tracing::warn!(path = %path.display(), error = ?e, "cannot remove a spool file");
    }
}

/// The job as it is at its end.
fn ended(mut job: Job, result: Result<Report>) -> Job {
    job.finished = Some(Time::now());
    match result {
        Ok(report) => {
            job.state = JobState::Done;
            job.message = None;
            job.bytes_read = job.bytes_total.unwrap_or(job.bytes_read);
            JobWatch::fill(&mut job, &report);
            job.counts = Counts { codes: report.codes, hosts: report.hosts, providers: report.skipped };
        }
        Err(e) => {
            job.state = JobState::Failed;
            job.message = Some(e.to_string());
            tracing::error!(job = %job.id, error = ?e, "import of {} failed", job.name);
        }
    }
    job
}

/// One attempt, which keeps the job's progress in the catalog. `None` when somebody has cancelled the job.
async fn try_job(pipeline: &Pipeline, job: &Job, path: &Path) -> Option<(Result<Report>, Job)> {
    let Ok(_turn) = pipeline.imports.acquire().await else {
        return Some((Err(Error::new(Code::Unavailable, "the program stops")), job.clone()));
    };
    let (updates, mut received) = mpsc::unbounded_channel::<Job>();
    let catalog = pipeline.catalog.clone();
    // Ends with `true` when somebody has cancelled the job.
    let writer = async {
        while let Some(job) = received.recv().await {
            match catalog.put_job(&job).await {
                Ok(true) => {}
                Ok(false) => return true,
                Err(e) => tracing::warn!(job = %job.id, error = ?e, "cannot write the progress of a job"),
            }
        }
        false
    };
    // It may have waited long.
    let _ = updates.send(job.clone());
    let import = async {
        let mut watch = JobWatch { updates, job: job.clone(), sent: Instant::now() };
        let options = Options { keep_other: job.keep_other };
        let result = pipeline.import_file(&job.name, path, options, Some(&job.id), &mut watch).await;
        // Who is told "done" searches at once, and does not search again.
        if result.is_ok()
            && let Err(e) = pipeline.store.refresh().await
        {
            tracing::warn!(job = %job.id, error = ?e, "what was imported cannot be searched yet");
        }
        (result, watch.job)
    };
    let (mut import, mut writer) = (std::pin::pin!(import), std::pin::pin!(writer));
    tokio::select! {
        (result, watched) = &mut import => {
            (!writer.await).then_some((result, watched))
        }
        cancelled = &mut writer => {
            if cancelled { None } else { Some(import.await) }
        }
    }
}
