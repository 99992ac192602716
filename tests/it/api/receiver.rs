//! A program that takes messages of webhooks, over HTTP or over TLS with a certificate of an authority of our own.
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing, serve::Listener};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// An authority that no machine knows.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A server side with a certificate for `name`.
    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        Arc::new(config).into()
    }
}

struct TlsListener(TcpListener, TlsAcceptor);

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = self.0.accept().await.unwrap();
            // Who refuses the certificate goes away.
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A program that takes messages.
pub struct Receiver {
    pub address: SocketAddr,
    pub inner: Arc<Inner>,
}

pub struct Inner {
    /// What it answers.
    status: AtomicU16,
    received: Mutex<Vec<(HeaderMap, Bytes)>>,
    pub elsewhere: AtomicU16,
}

impl Receiver {
    pub async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(listener, address, status)
    }

    /// With a certificate of `authority` for `name`.
    pub async fn with_tls(authority: &Authority, name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(TlsListener(listener, authority.acceptor(name)), address, 200)
    }

    fn on<L: Listener<Addr = SocketAddr>>(listener: L, address: SocketAddr, status: u16) -> Self {
        let inner =
            Arc::new(Inner { status: status.into(), received: Mutex::default(), elsewhere: AtomicU16::default() });
        let take = async |State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes| {
            inner.received.lock().unwrap().push((headers, body));
            let status = axum::http::StatusCode::from_u16(inner.status.load(Ordering::SeqCst)).unwrap();
            (status, [("location", "/elsewhere")]).into_response()
        };
        let elsewhere = async |State(inner): State<Arc<Inner>>| {
            inner.elsewhere.fetch_add(1, Ordering::SeqCst);
        };
        let app = Router::new()
            .route("/in", routing::post(take))
            .route("/elsewhere", routing::any(elsewhere))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, inner }
    }

    pub fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    pub fn answer(&self, status: u16) {
        self.inner.status.store(status, Ordering::SeqCst);
    }

    /// Headers and bodies so far.
    pub fn received(&self) -> Vec<(HeaderMap, Bytes)> {
        self.inner.received.lock().unwrap().clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.received().iter().map(|(h, _)| h["webhook-id"].to_str().unwrap().to_owned()).collect()
    }

    pub async fn wait(&self, n: usize) {
        until(async || self.received().len() >= n).await;
    }
}

/// Waits for something that comes soon; a test that waits in vain fails.
pub async fn until(mut done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
