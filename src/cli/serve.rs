//! `serve` and `demo`.
use super::{
    DONE,
    place::{Announced, Folder, local_url},
};
use crate::{
    catalog::{Catalog, Role},
    config::{Common, Server},
    demo as generated,
    error::Code,
    event::Time,
    pipeline::{
        Pipeline,
        webhook::{Allowed, Webhooks},
    },
    serve::{self, App, Settings, auth},
};
use anyhow::Context as _;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Events of the demo's past per append.
const HISTORY_BATCH: usize = 1_000;
const SEED: u64 = 1;
/// Pause before a cluster that is away is looked for again.
const CLUSTER_PAUSE: Duration = Duration::from_secs(2);

pub async fn serve(common: &Common, config: &Server) -> anyhow::Result<u8> {
    run(common, &common.data(), config, |_, _| None).await
}

pub async fn demo(common: &Common, config: &Server) -> anyhow::Result<u8> {
    if common.cluster.servers()?.is_some() {
        anyhow::bail!("the demo keeps its data in a folder: start it without --elasticsearch and --neo4j");
    }
    let fresh = tempfile::Builder::new().prefix("sysmonsearch-demo-").tempdir()?;
    let data = common.chosen_data().unwrap_or(fresh.path());
    say!("Demo: a generated intrusion into an invented company; its data is in {}.", data.display());
    run(common, data, config, |pipeline, stop| Some(tokio::spawn(feed(pipeline, stop)))).await
}

/// Serves a data folder until Ctrl-C or SIGTERM, with `background` beside it.
async fn run(
    common: &Common,
    data: &Path,
    config: &Server,
    background: impl FnOnce(Arc<Pipeline>, CancellationToken) -> Option<JoinHandle<()>>,
) -> anyhow::Result<u8> {
    let allowed = Allowed::parse(&config.webhook_allow)?;
    let webhooks = Webhooks { allowed, ca: config.webhook_ca()?, ..Webhooks::default() };
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let Some(pipeline) = opened(common, data).await? else { return Ok(DONE) };
    let password = ensure_admin(&*pipeline.catalog, config.admin_password()?).await?;
    let app = App::new(pipeline.clone(), settings(config, webhooks, address)).await?;
    let announced = Announced::new(data, address)?;
    let stop = CancellationToken::new();
    let beside = background(pipeline.clone(), stop.clone());
    greet(address, password.as_deref())?;
    let signal = stop.clone();
    let served = serve::run(listener, app, async move {
        terminated().await;
        tracing::info!("stopping");
        signal.cancel();
    })
    .await;
    drop(announced);
    stop.cancel();
    if let Some(task) = beside {
        task.await?;
    }
    pipeline.shutdown().await;
    served?;
    Ok(DONE)
}

/// Opens the engines. Waits for the servers of a cluster, which may start later than this program; `None` when it is
/// told to stop meanwhile.
async fn opened(common: &Common, data: &Path) -> anyhow::Result<Option<Arc<Pipeline>>> {
    if common.cluster.servers()?.is_none() {
        return Ok(Some(Folder::embedded(common, data).await?.pipeline));
    }
    let mut told = false;
    loop {
        match Folder::open(common).await {
            Err(e) if e.code == Code::Unavailable => {
                if !told {
                    tracing::warn!(error = ?e, "waiting for the cluster; `sysmonsearch doctor` says more");
                    told = true;
                }
                tokio::select! {
                    () = tokio::time::sleep(CLUSTER_PAUSE) => {}
                    () = terminated() => return Ok(None),
                }
            }
            opened => {
                let pipeline = opened?.pipeline;
                if !pipeline.owns_folder() {
                    pipeline.shutdown().await;
                    anyhow::bail!(
                        "the data folder {} is open in another process: give each server a folder of its own (--data)",
                        data.display()
                    );
                }
                return Ok(Some(pipeline));
            }
        }
    }
}

fn settings(config: &Server, webhooks: Webhooks, address: SocketAddr) -> Settings {
    let page = config.public_url.clone().unwrap_or_else(|| local_url(address));
    let page = page.trim_end_matches('/').to_owned();
    Settings {
        max_upload: config.max_upload(),
        token_life: config.token_life(),
        origins: config.origins.clone(),
        page: config.page.clone(),
        webhooks: Some(Webhooks { page, ..webhooks }),
        ..Settings::default()
    }
}

/// Makes the first user where there is none; the password to be shown when it was made up.
pub async fn ensure_admin(catalog: &dyn Catalog, chosen: Option<String>) -> anyhow::Result<Option<String>> {
    match chosen {
        None => Ok(auth::ensure_admin(catalog).await?),
        Some(password) => {
            if catalog.users().await?.is_empty() {
                auth::create_user(catalog, auth::ADMIN, &password, Role::Admin).await?;
            }
            Ok(None)
        }
    }
}

fn greet(address: SocketAddr, password: Option<&str>) -> std::io::Result<()> {
    say!("\n  Open      {}", local_url(address));
    if let Some(password) = password {
        say!("  User      {}\n  Password  {password}\n            (shown only this once)", auth::ADMIN);
    }
    say!("\nStop with Ctrl-C.");
    if !address.ip().is_loopback() {
        tracing::warn!(
            "listening on {address} without TLS: put a TLS proxy in front, or passwords travel in the clear"
        );
    }
    Ok(())
}

async fn terminated() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// Feeds the demo: its rules, the past at full speed, then the present as it happens.
async fn feed(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        fed = stream(&pipeline) => {
            if let Err(e) = fed {
                tracing::error!("the demo stream ended: {e:#}");
            }
        }
    }
}

async fn stream(pipeline: &Pipeline) -> anyhow::Result<()> {
    let mut rules = Vec::new();
    for (name, yaml) in generated::rules() {
        let loaded = crate::rules::parse(yaml, &format!("demo/{name}"));
        for issue in &loaded.issues {
            tracing::warn!("{issue}");
        }
        rules.extend(loaded.rules);
    }
    pipeline.import_rules(rules).await?;

    let (start, clock) = (Time::now(), tokio::time::Instant::now());
    let mut history = generated::history(SEED, start);
    loop {
        // Made on a blocking thread: thousands of events take their time.
        let (batch, rest) = tokio::task::spawn_blocking(move || {
            let batch: Vec<_> = history.by_ref().take(HISTORY_BATCH).collect();
            (batch, history)
        })
        .await?;
        history = rest;
        if batch.is_empty() {
            break;
        }
        pipeline.append(batch).await?;
    }
    tracing::info!("the past day of the demo is in; now it goes on live");

    // Goes on where the past ended: what happened while that was loading comes at once.
    for (delay, event) in generated::live(SEED, start) {
        tokio::time::sleep_until(clock + Duration::from_millis(delay)).await;
        pipeline.append(vec![event]).await?;
    }
    Ok(())
}
