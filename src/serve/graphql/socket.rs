//! GraphQL over WebSocket: the protocol graphql-transport-ws. The transport of the GraphQL crate has no timeout
//! for a silent client, no caps, no server ping and replaces a running operation of the same id; this one does
//! what the protocol says, and ends a socket whose session ends.
use super::{
    exec::{execute, finish, prepare},
    session::Session,
};
use crate::{
    error::{Code, Error},
    event::Time,
    serve::{App, auth::Caller, frame, limits, reply},
};
use async_graphql::{Request, Response};
use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, header},
    response::{IntoResponse, Response as HttpResponse},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::AbortHandle};

const PROTOCOL: &str = "graphql-transport-ws";

/// Open sockets, per user; the empty name counts those that have not said who they are.
#[derive(Default)]
pub struct Sockets(Mutex<HashMap<String, usize>>);

/// A place of a socket, given back on drop.
struct Place<'a>(&'a Sockets, String);

impl Sockets {
    fn take(&self, user: &str, max: usize) -> Option<Place<'_>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.entry(user.to_owned()).or_default();
        if *own >= max || all >= limits::SOCKETS {
            return None;
        }
        *own += 1;
        Some(Place(self, user.to_owned()))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = open.get_mut(&self.1) {
            *n -= 1;
            if *n == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// `GET /graphql/ws`
pub async fn websocket(
    State(app): State<App>,
    reply::Address(address): reply::Address,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> HttpResponse {
    if !is_own_origin(&headers, &app.core.settings.origins) {
        let foreign = Error::new(Code::Forbidden, "this origin may not open a WebSocket here");
        return reply::Failure(foreign).into_response();
    }
    let id = frame::request_id();
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(limits::GRAPHQL_BODY)
        .max_frame_size(limits::GRAPHQL_BODY)
        .on_upgrade(move |socket| frame::under(id, serve(app, socket, address)))
}

/// Pages of other sites are refused; programs send no origin.
fn is_own_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).map(|v: &header::HeaderValue| v.to_str().unwrap_or_default());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let authority = origin.split_once("://").map(|(_, a)| a);
    authority.is_some_and(|a| text(header::HOST).is_some_and(|h| h.eq_ignore_ascii_case(a)))
        || allowed.iter().any(|a| a.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// Why a socket is closed.
struct Close(u16, &'static str);

const BAD_REQUEST: u16 = 4400;
const UNAUTHORIZED: u16 = 4401;
/// A client may come back with a new token.
const FORBIDDEN: u16 = 4403;
const BAD_PROTOCOL: Close = Close(4406, "Subprotocol not acceptable");
const INIT_TIMEOUT: Close = Close(4408, "Connection initialisation timeout");
const TOO_MANY: u16 = 4429;
const GOING_AWAY: Close = Close(1001, "Server is stopping");
const SILENT: Close = Close(1011, "No answer to ping");
const GONE: Close = Close(1006, "");

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit { payload: Option<Value> },
    Ping { payload: Option<Value> },
    Pong {},
    Subscribe { id: String, payload: Box<Request> },
    Complete { id: String },
}

/// What an operation sends: its id, its generation, and a response or its end.
struct Outgoing {
    id: String,
    generation: u64,
    response: Option<Response>,
}

struct Operation {
    generation: u64,
    task: AbortHandle,
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(app: App, mut socket: WebSocket, address: IpAddr) {
    let Close(code, reason) = match talk(&app, &mut socket, address).await {
        Err(close) => close,
        Ok(never) => match never {},
    };
    if code != GONE.0 {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // A client that does not read its goodbye is gone all the same.
        let _ = tokio::time::timeout(Duration::from_secs(1), socket.send(close)).await;
    }
}

async fn talk(app: &App, socket: &mut WebSocket, address: IpAddr) -> Result<std::convert::Infallible, Close> {
    if socket.protocol().and_then(|p| p.to_str().ok()) != Some(PROTOCOL) {
        return Err(BAD_PROTOCOL);
    }
    let waiting = app.core.sockets.take("", limits::SOCKETS / 2).ok_or(Close(TOO_MANY, "Too many connections"))?;
    let caller = match tokio::time::timeout(limits::SOCKET_INIT, init(app, socket)).await {
        Ok(caller) => caller?,
        Err(_) => return Err(INIT_TIMEOUT),
    };
    let _place = app
        .core
        .sockets
        .take(&caller.user.id, limits::SOCKETS_PER_USER)
        .ok_or(Close(TOO_MANY, "Too many connections of this user"))?;
    drop(waiting);
    send(socket, &json!({"type": "connection_ack"})).await?;
    Connection::new(app, address, caller).run(socket).await
}

/// Waits for `connection_init` with a token.
async fn init(app: &App, socket: &mut WebSocket) -> Result<Caller, Close> {
    loop {
        match read(socket.recv().await)? {
            Some(Incoming::ConnectionInit { payload }) => {
                let token = payload.as_ref().and_then(|p| p.get("token")).and_then(Value::as_str);
                let token = token.ok_or(Close(FORBIDDEN, "Forbidden"))?;
                return app.core.auth.token(token).await.map_err(|_| Close(FORBIDDEN, "Forbidden"));
            }
            Some(Incoming::Ping { payload }) => send(socket, &pong(payload)).await?,
            Some(Incoming::Subscribe { .. }) => return Err(Close(UNAUTHORIZED, "Unauthorized")),
            Some(Incoming::Pong {} | Incoming::Complete { .. }) | None => {}
        }
    }
}

fn pong(payload: Option<Value>) -> Value {
    match payload {
        Some(payload) => json!({"type": "pong", "payload": payload}),
        None => json!({"type": "pong"}),
    }
}

/// A message of the client; `None` for frames of the transport itself.
fn read(received: Option<Result<Message, axum::Error>>) -> Result<Option<Incoming>, Close> {
    match received {
        None | Some(Ok(Message::Close(_))) => Err(GONE),
        Some(Err(_)) => Err(Close(BAD_REQUEST, "Message too large or malformed")),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Close(BAD_REQUEST, "Messages are text")),
        Some(Ok(Message::Text(text))) => {
            serde_json::from_str(&text).map(Some).map_err(|_| Close(BAD_REQUEST, "Invalid message"))
        }
    }
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), Close> {
    transmit(socket, Message::Text(message.to_string().into())).await
}

async fn transmit(socket: &mut WebSocket, message: Message) -> Result<(), Close> {
    match tokio::time::timeout(limits::SOCKET_SEND, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(GONE),
    }
}

struct Connection<'a> {
    app: &'a App,
    address: IpAddr,
    caller: Arc<Caller>,
    operations: HashMap<String, Operation>,
    generation: u64,
    out: mpsc::Sender<Outgoing>,
    outgoing: mpsc::Receiver<Outgoing>,
    heard: Instant,
}

impl<'a> Connection<'a> {
    fn new(app: &'a App, address: IpAddr, caller: Caller) -> Self {
        let (out, outgoing) = mpsc::channel(limits::SOCKET_BUFFER);
        Self {
            app,
            address,
            caller: Arc::new(caller),
            operations: HashMap::new(),
            generation: 0,
            out,
            outgoing,
            heard: Instant::now(),
        }
    }

    async fn run(mut self, socket: &mut WebSocket) -> Result<std::convert::Infallible, Close> {
        let pause = self.app.core.settings.ping;
        let mut ping = tokio::time::interval(pause);
        let mut recheck = tokio::time::interval(self.app.core.settings.recheck);
        ping.tick().await;
        let life = self.caller.expires.map_or(i64::MAX, |e| e.0.saturating_sub(Time::now().0));
        let life = Duration::from_millis(u64::try_from(life).unwrap_or(0)).min(Duration::from_secs(400 * 24 * 3600));
        let expiry = tokio::time::sleep(life);
        tokio::pin!(expiry);
        loop {
            tokio::select! {
                received = socket.recv() => {
                    self.heard = Instant::now();
                    if let Some(message) = read(received)? {
                        self.hear(socket, message).await?;
                    }
                }
                Some(outgoing) = self.outgoing.recv() => self.tell(socket, outgoing).await?,
                _ = ping.tick() => {
                    if self.heard.elapsed() > pause * limits::SOCKET_SILENT {
                        return Err(SILENT);
                    }
                    transmit(socket, Message::Ping(axum::body::Bytes::new())).await?;
                }
                _ = recheck.tick() => self.recheck().await?,
                () = &mut expiry => return Err(Close(FORBIDDEN, "Forbidden")),
                () = self.app.core.stopping.cancelled() => return Err(GOING_AWAY),
            }
        }
    }

    /// Ends the socket when the session has ended; takes over a changed role or scope for what starts later,
    /// and ends the socket when it holds subscriptions under another one.
    async fn recheck(&mut self) -> Result<(), Close> {
        let user = &self.caller.user;
        match self.app.core.auth.recheck(&user.id, user.token_generation, self.caller.expires).await {
            Ok(now) if now.user.scope == user.scope && now.user.role == user.role => Ok(()),
            Ok(_) => Err(Close(FORBIDDEN, "Forbidden")),
            Err(e) if e.code == Code::Unauthenticated => Err(Close(FORBIDDEN, "Forbidden")),
            // A store that is away for a moment is no reason to end a session; it is asked again soon.
            Err(_) => Ok(()),
        }
    }

    async fn hear(&mut self, socket: &mut WebSocket, message: Incoming) -> Result<(), Close> {
        match message {
            Incoming::ConnectionInit { .. } => Err(Close(TOO_MANY, "Too many initialisation requests")),
            Incoming::Ping { payload } => send(socket, &pong(payload)).await,
            Incoming::Pong {} => Ok(()),
            Incoming::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
            Incoming::Subscribe { id, payload } => {
                if self.operations.contains_key(&id) {
                    return Err(Close(4409, "Subscriber for this id already exists"));
                }
                if self.operations.len() >= limits::SOCKET_OPERATIONS {
                    return Err(Close(TOO_MANY, "Too many operations on this connection"));
                }
                self.recheck().await?;
                self.start(id, *payload);
                Ok(())
            }
        }
    }

    fn start(&mut self, id: String, request: Request) {
        self.generation += 1;
        let generation = self.generation;
        let session = Session { caller: Some(self.caller.clone()), address: self.address };
        let (app, out, name) = (self.app.clone(), self.out.clone(), id.clone());
        let work = async move {
            let send = async |response| out.send(Outgoing { id: name.clone(), generation, response }).await.is_ok();
            if is_subscription(&request) {
                match prepare(&app, request, session) {
                    Ok(request) => {
                        let mut stream = app.schema.execute_stream(request);
                        while let Some(response) = stream.next().await {
                            if !send(Some(finish(response))).await {
                                return;
                            }
                        }
                    }
                    Err(e) => drop(send(Some(Response::from_errors(vec![e]))).await),
                }
            } else {
                send(Some(execute(&app, request, session).await)).await;
            }
            send(None).await;
        };
        let task = tokio::spawn(frame::under(frame::request_id(), work)).abort_handle();
        self.operations.insert(id, Operation { generation, task });
    }

    async fn tell(&mut self, socket: &mut WebSocket, outgoing: Outgoing) -> Result<(), Close> {
        let Outgoing { id, generation, response } = outgoing;
        // What an operation left behind that the client has ended is not for its successor of the same id.
        if self.operations.get(&id).is_none_or(|o| o.generation != generation) {
            return Ok(());
        }
        match response {
            // Errors without data mean that the operation did not begin: one `error` message, which is also its end.
            Some(r) if r.is_err() && r.data == async_graphql::Value::Null => {
                self.operations.remove(&id);
                send(socket, &json!({"id": id, "type": "error", "payload": r.errors})).await
            }
            Some(r) => send(socket, &json!({"id": id, "type": "next", "payload": r})).await,
            None => {
                self.operations.remove(&id);
                send(socket, &json!({"id": id, "type": "complete"})).await
            }
        }
    }
}

/// Whether the request asks for a subscription; an unreadable one does not, and gets its error as a query.
fn is_subscription(request: &Request) -> bool {
    use async_graphql::parser::types::OperationType;
    if limits::check_text(&request.query).is_err() {
        return false;
    }
    let Ok(document) = async_graphql::parser::parse_query(&request.query) else { return false };
    let wanted = request.operation_name.as_deref();
    let mut operations = document.operations.iter();
    operations.any(|(name, o)| {
        (wanted.is_none() || name.map(|n| n.as_str()) == wanted) && o.node.ty == OperationType::Subscription
    })
}
