//! The only room that knows HTTP and GraphQL: router, login, limits, the page.
//!
//! | path | what |
//! | --- | --- |
//! | `POST /graphql`, `GET /graphql/ws` | the API: queries and mutations; also subscriptions over graphql-transport-ws |
//! | `POST /api/import?name=FILE` | a file to import, answered by the id of the job |
//! | `POST /api/export` | all events of a search as one stream, NDJSON or CSV |
//! | `POST /api/indicators?name=FILE` | a threat report, answered by its import |
//! | `POST /api/rules?name=FILE` | Sigma rules, a file or an archive |
//! | `POST /_bulk`, `/{index}/_bulk`, … | what Elasticsearch shippers such as winlogbeat ask (`bulk`) |
//! | `/livez`, `/readyz`, `/api/version` | health, public |
//! | everything else | the page |
pub mod auth;
mod bulk;
mod export;
mod frame;
pub mod graphql;
mod health;
mod limits;
mod reading;
mod reply;
mod spa;
mod upload;

use crate::{
    catalog::Catalog,
    error::{Error, Result},
    graph::GraphStore,
    pipeline::{
        Pipeline,
        webhook::{Sender, Webhooks},
    },
    store::EventStore,
};
use auth::Auth;
use axum::{Router, middleware, routing};
use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

/// What the operator may choose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of one upload at most.
    pub max_upload: u64,
    /// Life of a token.
    pub token_life: Duration,
    /// Origins besides the server's own that may open a WebSocket, e.g. `https://hunt.example`.
    pub origins: Vec<String>,
    /// Folder of a built page, read at run time; `None` serves the page built into the program.
    pub page: Option<PathBuf>,
    /// How often an open socket is checked for a revoked session.
    pub recheck: Duration,
    /// How often an open socket is pinged.
    pub ping: Duration,
    /// How webhooks are told; `None` where another process does it.
    pub webhooks: Option<Webhooks>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_upload: 64 << 30,
            token_life: Duration::from_secs(12 * 60 * 60),
            origins: Vec::new(),
            page: None,
            recheck: Duration::from_secs(15),
            ping: Duration::from_secs(15),
            webhooks: None,
        }
    }
}

/// What every handler and resolver needs.
pub struct Core {
    pub pipeline: Arc<Pipeline>,
    pub store: Arc<dyn EventStore>,
    pub graph: Arc<dyn GraphStore>,
    pub catalog: Arc<dyn Catalog>,
    pub auth: Auth,
    pub settings: Settings,
    /// Sends to webhooks, where this process does.
    pub sender: Option<Arc<Sender>>,
    sockets: graphql::Sockets,
    operations: Semaphore,
    bulks: Semaphore,
    uploads: Semaphore,
    readers: reading::Readers,
    exports: Arc<Semaphore>,
    /// Cancelled when the server stops: ends the open sockets.
    stopping: CancellationToken,
}

/// The application: cheap to clone.
#[derive(Clone)]
pub struct App {
    core: Arc<Core>,
    schema: graphql::Schema,
}

impl App {
    pub async fn new(pipeline: Arc<Pipeline>, settings: Settings) -> Result<Self> {
        let (store, graph, catalog) = (pipeline.store.clone(), pipeline.graph.clone(), pipeline.catalog.clone());
        Self::with_stores(pipeline, store, graph, catalog, settings).await
    }

    /// As [`App::new`], but reads through other stores than those of the pipeline (a decorator that counts, say).
    pub async fn with_stores(
        pipeline: Arc<Pipeline>,
        store: Arc<dyn EventStore>,
        graph: Arc<dyn GraphStore>,
        catalog: Arc<dyn Catalog>,
        settings: Settings,
    ) -> Result<Self> {
        let auth = Auth::new(catalog.clone(), settings.token_life).await?;
        let sender = match &settings.webhooks {
            Some(webhooks) => Some(pipeline.deliver(webhooks.clone(), graphql::named).await?),
            None => None,
        };
        let core = Arc::new(Core {
            pipeline,
            store,
            graph,
            catalog,
            auth,
            settings,
            sender,
            sockets: graphql::Sockets::default(),
            operations: Semaphore::new(limits::OPERATIONS),
            bulks: Semaphore::new(limits::BULKS),
            uploads: Semaphore::new(limits::UPLOADS),
            readers: reading::Readers::new(limits::READERS),
            exports: Arc::new(Semaphore::new(limits::EXPORTS)),
            stopping: CancellationToken::new(),
        });
        Ok(Self { schema: graphql::schema(Some(core.clone())), core })
    }
}

/// All routes. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, as [`run`] does.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/graphql", routing::post(graphql::http))
        .route("/graphql/ws", routing::get(graphql::websocket))
        .route("/api/import", routing::post(upload::import))
        .route("/api/export", routing::post(export::export))
        .route("/api/indicators", routing::post(upload::indicators))
        .route("/api/rules", routing::post(upload::rules))
        .route("/api/version", routing::get(health::version))
        .route("/livez", routing::get(health::live))
        .route("/readyz", routing::get(health::ready))
        .merge(bulk::routes())
        .route("/", routing::get(spa::root))
        .fallback(spa::page)
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(frame::frame))
        .with_state(app)
}

/// Serves until `shutdown` is ready, then ends open sockets and waits some seconds for running requests.
///
/// # Errors
/// When the listener fails.
pub async fn run(listener: TcpListener, app: App, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let stopping = app.core.stopping.clone();
    let stopped = stopping.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        stopping.cancel();
    });
    tokio::select! {
        served = server => served.map_err(Error::from),
        () = async { stopped.cancelled().await; tokio::time::sleep(limits::SHUTDOWN).await } => Ok(()),
    }
}
