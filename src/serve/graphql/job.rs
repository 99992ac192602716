//! Import jobs and dead letters.
use super::{
    enums::JobState,
    id::job_id,
    page::List,
    scalar::{DateTime, Long, PageInfo, Total},
    session::{self, analyst},
    statistics::{CodeCount, codes},
};
use crate::{catalog, error::Result};
use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};

/// The import of one file.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ImportJob {
    #[graphql(skip)]
    global_id: ID,
    /// What the file is called.
    name: String,
    /// Whether it still runs, and how it ended.
    state: JobState,
    /// Bytes of the file read so far.
    bytes_read: Long,
    /// Bytes of the file, where known.
    bytes_total: Option<Long>,
    /// Events that were new.
    stored: Long,
    /// Events that were there already.
    duplicates: Long,
    /// Events of other providers, not kept.
    skipped: Long,
    /// Records that could not be read; see `deadLetters`.
    issues: Long,
    /// When it began.
    started_at: DateTime,
    /// When it ended.
    finished_at: Option<DateTime>,
    /// Why it failed.
    message: Option<String>,
    #[graphql(skip)]
    counts: catalog::Counts,
}

/// Events of a host in an import.
#[derive(SimpleObject)]
pub struct HostEvents {
    /// Name of the host.
    host: String,
    /// How many of its events were read.
    count: Long,
}

/// Skipped events of a provider in an import.
#[derive(SimpleObject)]
pub struct ProviderEvents {
    /// Name of the provider.
    provider: String,
    /// How many of its events were skipped.
    count: Long,
}

#[ComplexObject]
impl ImportJob {
    /// Global id.
    pub async fn id(&self) -> ID {
        self.global_id.clone()
    }
    /// Events read, by code; known when the import has ended.
    async fn codes(&self) -> Vec<CodeCount> {
        codes(self.counts.codes.iter().map(|(code, n)| (*code, *n)).collect())
    }
    /// Events read, by host, known when the import has ended; hosts out of the caller's sight are left out.
    async fn hosts(&self, ctx: &Context<'_>) -> Result<Vec<HostEvents>> {
        let scope = session::scope(ctx)?;
        let seen = self.counts.hosts.iter().filter(|(host, _)| scope.allows(host));
        Ok(seen.map(|(host, n)| HostEvents { host: host.clone(), count: Long(*n) }).collect())
    }
    /// Events skipped, by provider; known when the import has ended.
    async fn providers(&self) -> Vec<ProviderEvents> {
        let providers = self.counts.providers.iter();
        providers.map(|(provider, n)| ProviderEvents { provider: provider.clone(), count: Long(*n) }).collect()
    }
}

impl ImportJob {
    /// `None` for a job of another kind.
    pub fn of(job: catalog::Job) -> Option<Self> {
        (job.kind() == catalog::JobKind::Import).then(|| Self {
            global_id: job_id(&job.id).into(),
            name: job.name,
            state: job.state.into(),
            bytes_read: Long(job.bytes_read),
            bytes_total: job.bytes_total.map(Long),
            stored: Long(job.stored),
            duplicates: Long(job.duplicates),
            skipped: Long(job.skipped),
            issues: Long(job.issues),
            started_at: DateTime(job.started),
            finished_at: job.finished.map(DateTime),
            message: job.message,
            counts: job.counts,
        })
    }
}

/// A record that could not be imported.
#[derive(SimpleObject)]
pub struct DeadLetter {
    /// File or request that it came in.
    source: String,
    /// Where in the source, such as `line 17`.
    position: String,
    /// Why it could not be imported.
    reason: String,
    /// The record as text, its beginning where it is long.
    record: Option<String>,
    /// When it came.
    at: DateTime,
}

pub struct DeadLetterConnection {
    letters: Vec<catalog::DeadLetter>,
    more: bool,
    job_id: Option<String>,
}

impl DeadLetterConnection {
    /// `letters` holds one more than `first` when more follow.
    pub fn new(mut letters: Vec<catalog::DeadLetter>, first: usize, job_id: Option<String>) -> Self {
        let more = letters.len() > first;
        letters.truncate(first);
        Self { letters, more, job_id }
    }
}

/// One page of dead letters, newest first.
#[Object]
impl DeadLetterConnection {
    /// Dead letters of this page.
    async fn nodes(&self) -> Vec<DeadLetter> {
        let letter = |d: &catalog::DeadLetter| DeadLetter {
            source: d.issue.source.clone(),
            position: d.issue.position.clone(),
            reason: d.issue.reason.clone(),
            record: d.issue.record.clone(),
            at: DateTime(d.at),
        };
        self.letters.iter().map(letter).collect()
    }
    /// Where this page ends.
    async fn page_info(&self) -> PageInfo {
        let end_cursor = self.letters.last().map(|d| List::DeadLetters.cursor(d.number));
        PageInfo { has_next_page: self.more, end_cursor }
    }
    /// All dead letters of the list.
    #[graphql(guard = "analyst")]
    async fn total(&self, ctx: &Context<'_>) -> Result<Total> {
        session::core(ctx)?.catalog.count_dead_letters(self.job_id.as_deref()).await.map(Total::of)
    }
}
