//! Where a command works: a server elsewhere, the server that has the data folder open, or the data folder itself.
use super::{client::Client, serve};
use crate::{
    catalog::{Catalog, Role, embedded::Sqlite},
    checkup::Finding,
    config::{Common, Connect},
    error::{Code, Error},
    pipeline::{Engines, Pipeline},
    rules::Placeholders,
    serve::{App, Settings, auth::Auth},
};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Life of the token that a command makes for itself.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Who a command acts as in a data folder that has no user yet.
const FIRST_STEPS: &str = "this data folder has no enabled administrator: start `sysmonsearch serve` once";

/// Files of a data folder besides those of the pipeline.
const CATALOG: &str = "catalog.db";
const SERVER: &str = "server.json";

/// What a running server tells the commands on its machine. It holds no secret: who may read the catalog of
/// the data folder makes a token from it.
#[derive(Serialize, Deserialize)]
struct Running {
    url: String,
}

/// The announcement of a running server; taken back on drop.
pub struct Announced(PathBuf);

impl Announced {
    pub fn new(data: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let path = data.join(SERVER);
        let mut file = tempfile::NamedTempFile::new_in(data)?;
        file.write_all(&serde_json::to_vec(&Running { url: local_url(address) })?)?;
        file.persist(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_file(&self.0) {
            tracing::warn!(error = %e, "cannot remove {}", self.0.display());
        }
    }
}

/// Address under which this machine reaches a listener.
pub fn local_url(address: SocketAddr) -> String {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// The engines, open in this process, with their followers.
pub struct Folder {
    pub pipeline: Arc<Pipeline>,
}

impl Folder {
    /// Opens the data folder, or connects to the cluster that is configured.
    ///
    /// # Errors
    /// `CONFLICT` when another process has the folder open; `UNAVAILABLE` when a server of the cluster does not answer.
    pub async fn open(common: &Common) -> Result<Self, Error> {
        let data = common.data();
        match common.cluster.servers()? {
            None => Self::embedded(common, &data).await,
            Some(servers) => {
                let engines = Engines::cluster(servers).await?;
                Ok(Self { pipeline: Self::pipeline(common, engines, &data).await? })
            }
        }
    }

    /// # Errors
    /// `CONFLICT` when another process has the folder open.
    pub async fn embedded(common: &Common, data: &Path) -> Result<Self, Error> {
        let folder = data.to_owned();
        let engines = tokio::task::spawn_blocking(move || {
            let engines = Engines::embedded(&folder)?;
            // Left behind by a server that was killed.
            let _ = std::fs::remove_file(folder.join(SERVER));
            Ok::<_, Error>(engines)
        })
        .await??;
        Ok(Self { pipeline: Self::pipeline(common, engines, data).await? })
    }

    async fn pipeline(common: &Common, engines: Engines, data: &Path) -> Result<Arc<Pipeline>, Error> {
        let read = |text: String| {
            Placeholders::read(&text).map_err(|e| Error::bad_input(format!("the file of placeholders: {e}")))
        };
        let placeholders = common.placeholders()?.map(read).transpose()?.unwrap_or_default();
        Pipeline::start_with(engines, data.join("spool"), placeholders).await
    }
}

/// Where a command works.
pub enum Place {
    Server(Client),
    Folder(Folder),
}

/// Finds the place: `--server`, else the data folder, else the server that has the data folder open.
pub async fn find(common: &Common, connect: &Connect) -> anyhow::Result<Place> {
    if let Some(url) = &connect.server {
        return Ok(Place::Server(named(url, connect).await?));
    }
    let data = common.data();
    match Folder::open(common).await {
        Ok(folder) => Ok(Place::Folder(folder)),
        Err(e) if e.code == Code::Conflict => match running(&data).await? {
            Some(client) => Ok(Place::Server(client)),
            None => Err(e.into()),
        },
        Err(e) => Err(e.into()),
    }
}

/// What was found about the engines of this machine, or who is to be asked.
pub enum Looked {
    Here(Vec<Finding>),
    There(Client),
}

/// Looks at the engines without starting anything on them; they may be ill.
pub async fn engines(common: &Common, connect: &Connect) -> anyhow::Result<Looked> {
    if let Some(url) = &connect.server {
        return Ok(Looked::There(named(url, connect).await?));
    }
    if let Some(servers) = common.cluster.servers()? {
        return Ok(Looked::Here(Engines::look(servers)?.checkup().await));
    }
    let data = common.data();
    let folder = data.clone();
    match tokio::task::spawn_blocking(move || Engines::embedded(&folder)).await? {
        Ok(engines) => Ok(Looked::Here(engines.checkup().await)),
        Err(e) => match running(&data).await {
            Ok(Some(client)) if e.code == Code::Conflict => Ok(Looked::There(client)),
            _ => Ok(Looked::Here(vec![Finding::failed("data folder", &e)])),
        },
    }
}

async fn named(url: &str, connect: &Connect) -> anyhow::Result<Client> {
    if let Some(token) = connect.token()? {
        return Client::new(url, token);
    }
    let (Some(user), Some(password)) = (&connect.user, connect.password()?) else {
        bail!("a server needs a log-in: give --user and --password-file, or --token-file");
    };
    Client::login(url, user, &password).await
}

/// Client of the server that has the data folder open, where there is one.
async fn running(data: &Path) -> anyhow::Result<Option<Client>> {
    let Ok(text) = tokio::fs::read(data.join(SERVER)).await else { return Ok(None) };
    let running: Running = serde_json::from_slice(&text).with_context(|| format!("{SERVER} cannot be read"))?;
    let path = data.join(CATALOG);
    let catalog = tokio::task::spawn_blocking(move || Sqlite::open(&path)).await??;
    Ok(Some(Client::new(&running.url, token(catalog).await?)?))
}

/// A token of an administrator, for somebody who can read the data folder.
async fn token(catalog: Arc<dyn Catalog>) -> anyhow::Result<String> {
    let users = catalog.users().await?;
    let admin = users.into_iter().find(|u| u.role == Role::Admin && !u.disabled).context(FIRST_STEPS)?;
    Ok(Auth::new(catalog, TOKEN_LIFE).await?.issue(admin)?.token)
}

/// The API of a place, for commands that list and change.
pub struct Api {
    pub client: Client,
    own: Option<Own>,
}

/// A server for this process only.
struct Own {
    pipeline: Arc<Pipeline>,
    stop: CancellationToken,
    server: JoinHandle<crate::error::Result<()>>,
}

/// Opens the API of the place a command works in.
pub async fn open(common: &Common, connect: &Connect) -> anyhow::Result<Api> {
    match find(common, connect).await? {
        Place::Server(client) => Ok(Api { client, own: None }),
        Place::Folder(Folder { pipeline }) => {
            if let Some(password) = serve::ensure_admin(&*pipeline.catalog, None).await? {
                let name = crate::serve::auth::ADMIN;
                writeln!(
                    std::io::stderr(),
                    "made the first user, {name}; password (shown only this once): {password}"
                )?;
            }
            let token = token(pipeline.catalog.clone()).await?;
            let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
            let client = Client::new(&local_url(listener.local_addr()?), token)?;
            let app = App::new(pipeline.clone(), Settings::default()).await?;
            let stop = CancellationToken::new();
            let server = tokio::spawn(crate::serve::run(listener, app, stop.clone().cancelled_owned()));
            Ok(Api { client, own: Some(Own { pipeline, stop, server }) })
        }
    }
}

/// Does `work` with the API of the place a command works in, which is closed whatever comes of it.
pub async fn with<T>(
    common: &Common,
    connect: &Connect,
    work: impl AsyncFnOnce(&Api) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let api = open(common, connect).await?;
    let done = work(&api).await;
    api.close().await?;
    done
}

impl Api {
    /// Waits until the followers have done everything, if they run in this process; else says `false`.
    pub async fn settle(&self) -> anyhow::Result<bool> {
        let Some(own) = &self.own else { return Ok(false) };
        own.pipeline.caught_up().await?;
        Ok(true)
    }

    pub async fn close(self) -> anyhow::Result<()> {
        // Open connections would make the server wait for them.
        drop(self.client);
        if let Some(own) = self.own {
            own.stop.cancel();
            own.server.await??;
            own.pipeline.shutdown().await;
        }
        Ok(())
    }
}
