//! `ingest`: files and folders into the data folder or through a server.
use super::{
    DONE, ISSUES, IssueFile,
    client::Client,
    place::{self, Place},
    progress::{Issues, Progress, grouped},
};
use crate::{
    config::{Common, Connect},
    error::{Code, Issue},
    event::{EventCode, Scope},
    ingest::{self, Options},
    pipeline::{Pipeline, Report, Watch},
};
use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Files under way to a server at the same time.
const UPLOADS: usize = 3;
/// Waiting times between two looks at an import job.
const POLL: (Duration, Duration) = (Duration::from_millis(30), Duration::from_secs(1));

#[derive(clap::Args)]
pub struct Args {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Keep events of other providers too, raw
    #[arg(long)]
    keep_other: bool,
    #[command(flatten)]
    issues: IssueFile,
    #[command(flatten)]
    connect: Connect,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<u8> {
    let Args { paths, keep_other, issues, connect } = args;
    let mut issues = Issues::new(issues.path.as_deref()).context("cannot write the list of issues")?;
    let place = place::find(common, &connect).await?;
    let (files, unlisted) = tokio::task::spawn_blocking(move || ingest::files(&paths)).await?;
    for issue in &unlisted {
        issues.add(issue, None);
    }
    let sizes = files.iter().map(|f| std::fs::metadata(f).map_or(0, |m| m.len()));
    let mut progress = Progress::new(sizes.sum());
    let options = Options { keep_other };
    let mut total = Report { issues: unlisted.len() as u64, ..Report::default() };
    let hits = match place {
        Place::Folder(folder) => {
            let done = here(&folder.pipeline, &files, options, &mut progress, &mut issues, &mut total).await;
            folder.pipeline.shutdown().await;
            Some(done?)
        }
        Place::Server(client) => {
            through(&client, &files, options, &mut progress, &mut issues, &mut total).await?;
            None
        }
    };
    progress.finish();
    print(files.len(), &total, hits, progress.elapsed())?;
    let count = issues.finish().context("the list of issues could not be written completely")?;
    Ok(if count > 0 { ISSUES } else { DONE })
}

/// Imports in this process. The answer is the number of new hits.
async fn here(
    pipeline: &Pipeline,
    files: &[PathBuf],
    options: Options,
    progress: &mut Progress,
    issues: &mut Issues,
    total: &mut Report,
) -> anyhow::Result<u64> {
    let hits = || async { pipeline.catalog.count_hits(&Scope::All, &Default::default()).await };
    let before = hits().await?;
    let mut bytes = 0;
    for path in files {
        let name = path.display().to_string();
        let mut watch = Looking { progress, issues, bytes, events: total.read };
        match pipeline.import_file(&name, path, options, None, &mut watch).await {
            Ok(report) => add(total, report),
            Err(e) if e.code == Code::BadInput => {
                let issue = Issue { source: name, position: "file".into(), reason: e.to_string(), record: None };
                issues.add(&issue, Some(progress));
                total.issues += 1;
            }
            Err(e) => return Err(e).with_context(|| format!("import of {name} stopped")),
        }
        bytes += std::fs::metadata(path).map_or(0, |m| m.len());
        progress.set(bytes, total.read);
    }
    progress.say("All events are stored; matching rules and drawing the graph");
    pipeline.caught_up().await?;
    Ok(hits().await?.saturating_sub(before))
}

struct Looking<'a> {
    progress: &'a mut Progress,
    issues: &'a mut Issues,
    /// Of the files before.
    bytes: u64,
    events: u64,
}

impl Watch for Looking<'_> {
    fn progress(&mut self, read: u64, _total: Option<u64>, report: &Report) {
        self.progress.set(self.bytes + read, self.events + report.read);
    }
    fn issue(&mut self, issue: &Issue) {
        self.issues.add(issue, Some(self.progress));
    }
}

fn add(total: &mut Report, report: Report) {
    total.read += report.read;
    total.stored += report.stored;
    total.duplicates += report.duplicates;
    total.issues += report.issues;
    for (code, n) in report.codes {
        *total.codes.entry(code).or_default() += n;
    }
    for (host, n) in report.hosts {
        *total.hosts.entry(host).or_default() += n;
    }
    for (provider, n) in report.skipped {
        *total.skipped.entry(provider).or_default() += n;
    }
}

/// Imports through a server: some files at a time, each until its job has ended.
async fn through(
    client: &Client,
    files: &[PathBuf],
    options: Options,
    progress: &mut Progress,
    issues: &mut Issues,
    total: &mut Report,
) -> anyhow::Result<()> {
    let done = AtomicU64::new(0);
    let shown = Mutex::new((progress, 0));
    let look = |read: u64, stored: u64| {
        let (progress, events) = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner);
        progress.set(done.load(Ordering::Relaxed) + read, *events + stored);
    };
    let jobs = stream::iter(files).map(|path| one(client, path, options, &look)).buffered(UPLOADS);
    let mut jobs = std::pin::pin!(jobs);
    while let Some(file) = jobs.try_next().await? {
        done.fetch_add(file.bytes, Ordering::Relaxed);
        if let Some(issue) = &file.unread {
            issues.add(issue, None);
        } else if file.report.issues > 0 {
            issues_of(client, &file, issues).await?;
        }
        add(total, file.report);
        let (progress, events) = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner);
        *events = total.read;
        progress.set(done.load(Ordering::Relaxed), total.read);
    }
    Ok(())
}

/// What became of one file at the server.
#[derive(Default)]
struct Sent {
    name: String,
    job: String,
    report: Report,
    bytes: u64,
    /// Why it was not sent.
    unread: Option<Issue>,
}

async fn one(client: &Client, path: &Path, options: Options, look: &impl Fn(u64, u64)) -> anyhow::Result<Sent> {
    let name = path.display().to_string();
    let unread = |reason: String| {
        let issue = Issue { source: name.clone(), position: "file".into(), reason, record: None };
        Sent { report: Report { issues: 1, ..Report::default() }, unread: Some(issue), ..Sent::default() }
    };
    let bytes = match tokio::fs::File::open(path).await {
        Ok(file) => file.metadata().await?.len(),
        Err(e) => return Ok(unread(format!("cannot be opened: {e}"))),
    };
    if bytes == 0 {
        return Ok(unread("the file is empty".into()));
    }
    let job = match client.upload(path, options.keep_other).await.with_context(|| format!("upload of {name}"))? {
        Ok(job) => job,
        Err(reason) => return Ok(unread(format!("the server does not take it: {reason}"))),
    };
    let mut wait = POLL.0;
    let ended = loop {
        let state = client.ask(JOB, json!({"id": job})).await?["importJob"].take();
        match state["state"].as_str() {
            Some("RUNNING") => {
                look(number(&state["bytesRead"]), number(&state["stored"]) + number(&state["duplicates"]));
            }
            Some("DONE") => break state,
            Some(_) => {
                let reason = state["message"].as_str().unwrap_or("cancelled");
                return Ok(unread(format!("the import stopped: {reason}")));
            }
            None => bail!("the server has forgotten the import of {name}"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(POLL.1);
    };
    Ok(Sent { name, job, report: report(&ended), bytes, unread: None })
}

fn report(job: &Value) -> Report {
    let counts = |list: &str, key: &str| {
        let all = job[list].as_array().cloned().unwrap_or_default();
        all.into_iter().map(|c| (c[key].clone(), number(&c["count"]))).collect::<Vec<_>>()
    };
    let text = |v: Value| v.as_str().unwrap_or_default().to_owned();
    let (stored, duplicates) = (number(&job["stored"]), number(&job["duplicates"]));
    Report {
        read: stored + duplicates,
        stored,
        duplicates,
        issues: number(&job["issues"]),
        codes: counts("codes", "code").into_iter().map(|(c, n)| (number(&c) as u32, n)).collect(),
        hosts: counts("hosts", "host").into_iter().map(|(h, n)| (text(h), n)).collect(),
        skipped: counts("providers", "provider").into_iter().map(|(p, n)| (text(p), n)).collect(),
    }
}

/// Lists the issues of a job, newest first, under the name that the file has here.
async fn issues_of(client: &Client, file: &Sent, issues: &mut Issues) -> anyhow::Result<()> {
    let here = |mut issue: Issue| {
        // The server knows the last part of the name only; what follows `!` is inside of an archive.
        let inner = issue.source.split_once('!').map(|(_, inner)| format!("!{inner}"));
        issue.source = format!("{}{}", file.name, inner.unwrap_or_default());
        issue
    };
    let list = |letters: Vec<Value>| {
        for letter in letters {
            let issue = serde_json::from_value(letter).context("the server's list of issues cannot be read")?;
            issues.add(&here(issue), None);
        }
        Ok(())
    };
    client.each_page("deadLetters", LETTERS, json!({"job": file.job}), list).await
}

const JOB: &str = "query($id: ID!) { importJob(id: $id) { state message bytesRead stored duplicates issues \
                   codes { code count } hosts { host count } providers { provider count } } }";
const LETTERS: &str = "query($job: ID, $first: Int, $after: String) { deadLetters(job: $job, first: $first, after: $after) \
                       { nodes { source position reason record } pageInfo { hasNextPage endCursor } } }";

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn print(files: usize, report: &Report, hits: Option<u64>, took: Duration) -> std::io::Result<()> {
    let rate = (report.read as f64 / took.as_secs_f64().max(0.001)) as u64;
    let (events, rate) = (grouped(report.read), grouped(rate));
    say!("{events} events in {} files, {:.1} s, {rate} events/s", grouped(files as u64), took.as_secs_f64());
    let totals = [
        ("stored", Some(report.stored)),
        ("duplicates", Some(report.duplicates)),
        ("skipped", Some(report.skipped.values().sum())),
        ("issues", Some(report.issues)),
        ("rule hits", hits),
    ];
    for (name, n) in totals {
        if let Some(n) = n {
            say!("  {name:<12}{:>14}", grouped(n));
        }
    }
    if !report.codes.is_empty() {
        say!("Events by code");
    }
    for (code, n) in &report.codes {
        let name = EventCode::get(*code).map_or("", |c| c.name);
        say!("  {code:>5} {name:<24}{:>14}", grouped(*n));
    }
    list("Events by host", report.hosts.iter())?;
    list("Skipped by provider", report.skipped.iter())
}

fn list<'a>(title: &str, counts: impl Iterator<Item = (&'a String, &'a u64)>) -> std::io::Result<()> {
    let mut counts: Vec<_> = counts.collect();
    if counts.is_empty() {
        return Ok(());
    }
    counts.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    say!("{title}");
    for (name, n) in counts {
        say!("  {name:<40}{:>14}", grouped(*n));
    }
    Ok(())
}
