//! A file over HTTP: spooled to disk, then imported as a job.
use super::{
    App, limits,
    reading::Turn,
    reply::{Address, Failure, authorization},
};
use crate::{
    catalog::Role,
    error::{Code, Error, Result},
    ingest::Options,
    intel,
    pipeline::Imported,
    rules,
    serve::auth::Caller,
};
use axum::{
    Json,
    body::{Body, BodyDataStream},
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::io::AsyncWriteExt;

/// How long the rest of an upload that is refused is read over.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
pub struct Params {
    /// What the file is called; shown with its job and its issues.
    name: Option<String>,
    /// Keep events of other providers too.
    #[serde(default, rename = "keepOther")]
    keep_other: bool,
    /// Search what is stored already with the indicators or rules too.
    #[serde(default)]
    hunt: bool,
    /// Whether rules that are new are matched; so they are without a word.
    enabled: Option<bool>,
}

/// Removes the spooled file unless it was handed over.
struct Spooled(Option<PathBuf>);

impl Drop for Spooled {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(e) = std::fs::remove_file(&path)
            && e.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), error = %e, "a spooled upload could not be removed");
        }
    }
}

/// `POST /api/import?name=FILE`: 202 and `{"jobId"}`.
pub async fn import(
    State(app): State<App>,
    Address(address): Address,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let core = &app.core;
    analyst(&app, address, &headers, |_| Ok(())).await?;
    let (job_id, mut spooled) = received(&app, &headers, body, core.settings.max_upload).await?;
    let options = Options { keep_other: params.keep_other };
    core.pipeline.import_spooled(&job_id, &file_name(params.name), options).await?;
    spooled.0 = None;
    Ok((StatusCode::ACCEPTED, Json(json!({"jobId": super::graphql::job_id(&job_id).to_string()}))).into_response())
}

/// `POST /api/indicators?name=FILE`: the import, once it is stored.
pub async fn indicators(
    State(app): State<App>,
    Address(address): Address,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let core = &app.core;
    let by = analyst(&app, address, &headers, Caller::require_all_hosts).await?;
    let max = core.settings.max_upload.min(intel::MAX_FILE);
    let (_, spooled) = received(&app, &headers, body, max).await?;
    let name = file_name(params.name);
    let caller = by.clone();
    let (turn, report) = read(&app, spooled, move |path| intel::load(path, &name, &by)).await?;
    super::graphql::importing_indicators(core, &caller, &report.import).await?;
    let pipeline = core.pipeline.clone();
    let import = turn.store(async move { pipeline.import_indicators(report).await }).await?;
    let hunt = if params.hunt {
        let rules = core.pipeline.rules_of_import(&import.id).await?;
        super::graphql::begin_at_once(core, &caller, &rules).await?
    } else {
        None
    };
    Ok(Json(json!({
        "importId": import.id,
        "format": import.format.as_str(),
        "indicators": import.indicators,
        "rules": import.rules,
        "issues": import.issues,
        "huntId": hunt.map(|job| super::graphql::hunt_id(&job.id).to_string()),
    }))
    .into_response())
}

/// `POST /api/rules?name=FILE`: rules of a YAML file or an archive, matched from then on; with `hunt=true` what is stored
/// already is searched with them too; with `enabled=false` those that are new are stored switched off.
pub async fn rules(
    State(app): State<App>,
    Address(address): Address,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let core = &app.core;
    let by = analyst(&app, address, &headers, Caller::require_all_hosts).await?;
    let (_, spooled) = received(&app, &headers, body, core.settings.max_upload.min(rules::MAX_ARCHIVE)).await?;
    let name = file_name(params.name);
    let (turn, mut loaded) = read(&app, spooled, move |path| rules::load_file(path, &name)).await?;
    loaded.rules.iter_mut().for_each(|r| r.enabled &= params.enabled.unwrap_or(true));
    let ids: Vec<String> = loaded.rules.iter().map(|r| r.id.clone()).collect();
    super::graphql::imported(core, &by, &loaded.rules).await?;
    let (pipeline, pack) = (core.pipeline.clone(), loaded.rules);
    let Imported { changed, superseded } = turn.store(async move { pipeline.import_rules(pack).await }).await?;
    super::graphql::superseded(core, &by, &superseded).await?;
    let hunt = if params.hunt { super::graphql::begin_at_once(core, &by, &ids).await? } else { None };
    let (stored, set) = (core.catalog.rules_by_id(&ids).await?, core.pipeline.rule_set());
    let refused = stored.into_iter().flatten().filter_map(|r| {
        let why = r.refused.as_deref().or_else(|| set.blocked(&r.id))?;
        Some(json!({"ruleId": r.id, "title": r.title, "reason": why}))
    });
    let refused: Vec<_> = refused.collect();
    let issues = loaded.issues.iter().map(ToString::to_string);
    Ok(Json(json!({
        "read": ids.len(),
        "changed": changed,
        "refused": refused,
        "issues": issues.chain(superseded.iter().map(ToString::to_string)).collect::<Vec<_>>(),
        "otherFiles": loaded.other_files,
        "huntId": hunt.map(|job| super::graphql::hunt_id(&job.id).to_string()),
    }))
    .into_response())
}

/// The name of the caller, an analyst who has what is `asked` besides.
async fn analyst(
    app: &App,
    address: std::net::IpAddr,
    headers: &HeaderMap,
    asked: impl Fn(&Caller) -> Result<()>,
) -> Result<String> {
    let caller = app.core.auth.header(authorization(headers), address, false).await?;
    let caller = caller.ok_or_else(|| Error::new(Code::Unauthenticated, "log in first"))?;
    caller.require(Role::Analyst)?;
    asked(&caller)?;
    Ok(caller.user.name.clone())
}

/// The body as a spooled file of a new id.
async fn received(app: &App, headers: &HeaderMap, body: Body, max: u64) -> Result<(String, Spooled)> {
    let core = &app.core;
    let _turn = core
        .uploads
        .try_acquire()
        .map_err(|_| Error::new(Code::TooMany, "too many uploads at once: try again later"))?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if announced.is_some_and(|n: u64| n > max) {
        return Err(refused(body.into_data_stream(), max).await);
    }
    let (job_id, path) = core.pipeline.new_spool_file();
    let spooled = Spooled(Some(path.clone()));
    spool(body, &path, max).await?;
    Ok((job_id, spooled))
}

/// What is read from a spooled file, which is removed then, with the turn in which it is to be stored.
async fn read<T: Send + 'static>(
    app: &App,
    spooled: Spooled,
    read: impl FnOnce(&Path) -> Result<T> + Send + 'static,
) -> Result<(Turn, T)> {
    let read = move || {
        let path = spooled.0.as_deref().ok_or_else(|| Error::internal("the upload was not spooled"));
        path.and_then(read)
    };
    app.core.readers.turn().await?.read(read).await
}

/// Reads over the rest for a while: many clients see the answer only when they have sent all.
async fn refused(mut rest: BodyDataStream, max: u64) -> Error {
    let over = async { while let Some(Ok(_)) = rest.next().await {} };
    let _ = tokio::time::timeout(LINGER, over).await;
    Error::new(Code::TooLarge, format!("the file has more than {max} bytes, the most this server takes in one upload"))
}

/// The last part of a path, without control characters.
fn file_name(name: Option<String>) -> String {
    let name = name.unwrap_or_default();
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() { "upload".into() } else { clean }
}

async fn spool(body: Body, path: &Path, max: u64) -> Result<()> {
    let mut file = tokio::fs::File::create_new(path).await.map_err(disk)?;
    let mut stream = body.into_data_stream();
    let mut size = 0u64;
    loop {
        let next = tokio::time::timeout(limits::BODY_TIME, stream.next()).await;
        let next = next.map_err(|_| Error::bad_input("the upload stopped: no bytes arrived for a while"))?;
        let Some(piece) = next else { break };
        let piece = piece.map_err(|e| Error::bad_input("the upload broke off").with(e))?;
        size += piece.len() as u64;
        if size > max {
            return Err(refused(stream, max).await);
        }
        file.write_all(&piece).await.map_err(disk)?;
    }
    // What is acknowledged must outlive a power cut.
    file.sync_all().await.map_err(disk)?;
    if size == 0 {
        return Err(Error::bad_input("the upload is empty"));
    }
    Ok(())
}

fn disk(e: std::io::Error) -> Error {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(Code::Unavailable, "no space left for uploads on the server's disk").with(e)
        }
        _ => Error::internal(e),
    }
}
