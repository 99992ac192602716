//! Hits over graphql-transport-ws: what was missed, then live; and the rules of the protocol.
use super::{
    app::{ADMIN, ANALYST, TestApp, VIEWER, connection, events},
    batching::{Calls, Counting},
};
use crate::support::{self, engines::Place};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use sysmonsearch::{
    catalog::{Found, HitFilter},
    event::{Event, Position, Scope},
    pipeline::Engines,
    serve::Settings,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn raw(app: &TestApp, protocol: Option<&str>, origin: Option<&str>) -> Result<Self, Error> {
        let mut request = format!("ws://{}/graphql/ws", app.address).into_client_request().unwrap();
        if let Some(p) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", p.parse().unwrap());
        }
        if let Some(o) = origin {
            request.headers_mut().insert("origin", o.parse().unwrap());
        }
        Ok(Self(connect_async(request).await?.0))
    }

    async fn connect(app: &TestApp) -> Self {
        Self::raw(app, Some("graphql-transport-ws"), None).await.unwrap()
    }

    async fn ready(app: &TestApp, token: &str) -> Self {
        let mut socket = Self::connect(app).await;
        socket.send(json!({"type": "connection_init", "payload": {"token": token}})).await;
        assert_eq!(socket.next().await, Ok(json!({"type": "connection_ack"})));
        socket
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message, or the code with which the socket was closed.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.expect("an answer");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Cursor of the next hit, whose event must be a new one.
    async fn news(&mut self, seen: &mut BTreeSet<String>) -> String {
        let (event, cursor) = self.hit().await;
        assert!(seen.insert(event.clone()), "{event} came twice");
        cursor
    }

    async fn subscribe(&mut self, id: &str, after: Value) {
        let query = "subscription($a: String, $f: HitFilterInput) { hits(after: $a, filter: $f) { __typename
            ... on HitEvent { cursor hit { id host event { id code } } } ... on Lagged { missed cursor } } }";
        self.send(json!({"id": id, "type": "subscribe", "payload": {"query": query, "variables": {"a": after}}})).await;
    }

    /// Event id and cursor of the next hit.
    async fn hit(&mut self) -> (String, String) {
        let message = self.next().await.unwrap();
        assert_eq!(message["type"], "next", "{message}");
        let hit = &message["payload"]["data"]["hits"];
        assert_eq!(hit["__typename"], "HitEvent", "{message}");
        (hit["hit"]["event"]["id"].as_str().unwrap().into(), hit["cursor"].as_str().unwrap().into())
    }
}

/// Events of which each gives a hit.
fn hitting(from: usize, to: usize) -> Vec<Event> {
    let lines: String = (from..to).map(|i| connection(i * 10, 3)).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    support::read(file.path()).events
}

#[tokio::test]
async fn catches_up_goes_on_live_and_sends_nothing_twice() {
    let app = TestApp::start().await;
    app.load_rule().await;
    let token = app.login("viewer", VIEWER).await;
    app.store(hitting(0, 1)).await;
    let first = app.ask(&token, "{ hits(first: 1) { pageInfo { endCursor } } }", json!({})).await;
    let first = first["hits"]["pageInfo"]["endCursor"].clone();
    app.store(hitting(1, 700)).await;

    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("a", first).await;
    // More are stored while what was missed is still being sent.
    app.pipeline.append(hitting(700, 900)).await.unwrap();
    let mut seen = Vec::new();
    let mut last = String::new();
    for _ in 1..900 {
        let (event, cursor) = socket.hit().await;
        seen.push(event);
        last = cursor;
    }
    // Away for a while, and back.
    drop(socket);
    app.store(hitting(900, 950)).await;
    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("b", json!(last)).await;
    for _ in 900..950 {
        seen.push(socket.hit().await.0);
    }
    let arrived = Instant::now();
    app.pipeline.append(hitting(950, 951)).await.unwrap();
    seen.push(socket.hit().await.0);
    println!("a live hit took {:?}", arrived.elapsed());
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (950, 950), "every hit once");

    // Without a cursor only what comes.
    socket.send(json!({"id": "b", "type": "complete"})).await;
    socket.subscribe("b", Value::Null).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.pipeline.append(hitting(951, 952)).await.unwrap();
    socket.hit().await;
    app.shut_down().await;
    assert_eq!(socket.next().await, Err(1001), "the server says goodbye");
}

/// Receives until so many are there, and gives the last cursor. Each event must be a new one.
async fn take(socket: &mut Socket, seen: &mut BTreeSet<String>, upto: usize) -> String {
    let mut last = String::new();
    while seen.len() < upto {
        let (event, cursor) = socket.hit().await;
        assert!(seen.insert(event.clone()), "{event} came twice");
        last = cursor;
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hit_is_missed_or_doubled_across_processes_and_restarts() {
    let place = Arc::new(Place::new().await);
    let (first, second) = {
        let engines = place.engines().await;
        if place.is_cluster() {
            (engines, place.engines().await)
        } else {
            // A folder can be opened once only; its engines are shared as those of a cluster are.
            let shared = Engines { store: Arc::new(Counting(engines.store.clone(), Calls::default())), ..engines };
            (shared.clone(), shared)
        }
    };
    let start =
        async |engines, spool| TestApp::of(place.clone(), engines, spool, Settings::default(), Box::new(|e| e)).await;
    let (one, two) = (start(first, "one/spool").await, start(second, "two/spool").await);
    one.load_rule().await;
    // Its rules are there in the other process soon.
    two.pipeline.reload_rules().await.unwrap();
    let tokens = [one.login("viewer", VIEWER).await, two.login("viewer", VIEWER).await];
    let (mut near, mut far) = (Socket::ready(&one, &tokens[0]).await, Socket::ready(&two, &tokens[1]).await);
    let (mut of_near, mut of_far) = (BTreeSet::new(), BTreeSet::new());
    one.store(hitting(0, 1)).await;
    let before = one.ask(&tokens[0], "{ hits(first: 1) { pageInfo { endCursor } } }", json!({})).await;
    let before = &before["hits"]["pageInfo"]["endCursor"];
    near.subscribe("s", before.clone()).await;
    far.subscribe("s", before.clone()).await;
    // Events that come in by either process; one of the two matches them.
    for part in 0..10 {
        let app = [&one, &two][part % 2];
        app.pipeline.append(hitting(1 + part * 20, 21 + part * 20)).await.unwrap();
    }
    let cursor = take(&mut near, &mut of_near, 200).await;
    take(&mut far, &mut of_far, 200).await;
    assert_eq!(of_near, of_far);

    // One process ends, whichever matched; its subscriber goes on at the other, where he left off.
    one.shut_down().await;
    two.pipeline.append(hitting(201, 260)).await.unwrap();
    let mut near = Socket::ready(&two, &tokens[0]).await;
    near.subscribe("s", json!(cursor)).await;
    take(&mut near, &mut of_near, 259).await;
    let cursor = take(&mut far, &mut of_far, 259).await;
    assert_eq!(of_near, of_far);

    // Then the other, too, with events that nobody has matched yet.
    two.pipeline.append(hitting(260, 300)).await.unwrap();
    two.shut_down().await;
    drop((near, far));
    let engines = place.engines().await;
    let app = start(engines, "three/spool").await;
    let token = app.login("viewer", VIEWER).await;
    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("s", json!(cursor)).await;
    app.pipeline.append(hitting(300, 310)).await.unwrap();
    take(&mut socket, &mut of_far, 309).await;
    app.store(hitting(310, 311)).await;
    take(&mut socket, &mut of_far, 310).await;
    app.shut_down().await;
}

#[tokio::test]
async fn filters_by_host_and_level() {
    let app = TestApp::start().await;
    app.load_rule().await;
    let token = app.login("viewer", VIEWER).await;
    let mut socket = Socket::ready(&app, &token).await;
    let query = "subscription($f: HitFilterInput) { hits(filter: $f) { ... on HitEvent { hit { host level } } } }";
    let filter = json!({"host": "HOST1.example", "levels": ["HIGH"]});
    socket.send(json!({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": {"f": filter}}})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.store(hitting(0, 9)).await;
    for _ in 0..3 {
        let message = socket.next().await.unwrap();
        assert_eq!(message["payload"]["data"]["hits"]["hit"], json!({"host": "host1.example", "level": "high"}));
    }
}

#[tokio::test]
async fn filters_by_what_the_event_is_like() {
    let app = TestApp::start().await;
    app.load_rule().await;
    let token = app.login("viewer", VIEWER).await;
    let query = "subscription($c: ConditionInput, $a: String) { hits(condition: $c, after: $a) {
        ... on HitEvent { cursor hit { event { image } } } } }";
    let subscribe = |id: &str, condition: Value, after: Value| json!({"id": id, "type": "subscribe", "payload": {"query": query, "variables": {"c": condition, "a": after}}});
    let of = |tools: &[usize]| {
        let values: Vec<String> = tools.iter().map(|n| format!("tool{n}.exe")).collect();
        json!({"match": {"field": "Image", "operator": "ENDS_WITH", "values": values}})
    };
    let mut socket = Socket::ready(&app, &token).await;
    socket.send(subscribe("s", of(&[20, 70, 80, 110]), Value::Null)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // In this order: one batch may be found in any.
    app.store(hitting(0, 5)).await;
    app.store(hitting(5, 9)).await;
    let next = async |socket: &mut Socket| {
        let told = socket.next().await.unwrap()["payload"]["data"]["hits"].take();
        (told["hit"]["event"]["image"].as_str().unwrap().to_owned(), told["cursor"].clone())
    };
    let (first, cursor) = next(&mut socket).await;
    assert_eq!(first, r"C:\Tools\tool20.exe");
    assert_eq!(next(&mut socket).await.0, r"C:\Tools\tool70.exe");
    // And of what was missed.
    let mut socket = Socket::ready(&app, &token).await;
    socket.send(subscribe("s", of(&[20, 80, 110]), cursor)).await;
    assert_eq!(next(&mut socket).await.0, r"C:\Tools\tool80.exe");
    app.store(hitting(9, 12)).await;
    assert_eq!(next(&mut socket).await.0, r"C:\Tools\tool110.exe");
    let nonsense = json!({"match": {"field": "Nonsense", "operator": "EQUALS", "values": ["x"]}});
    socket.send(subscribe("e", nonsense, Value::Null)).await;
    assert_eq!(socket.next().await.unwrap()["payload"][0]["extensions"]["code"], "BAD_INPUT");
}

#[tokio::test]
async fn the_protocol_is_kept() {
    let app = TestApp::start().await;
    let token = app.login("viewer", VIEWER).await;
    let query = |id: &str, query: &str| json!({"id": id, "type": "subscribe", "payload": {"query": query}});

    let mut silent = Socket::connect(&app).await;
    let mut early = Socket::connect(&app).await;
    early.send(query("1", "{ viewer { name } }")).await;
    assert_eq!(early.next().await, Err(4401), "subscribe before the acknowledgement");
    for payload in [json!({}), json!({"token": "x"}), json!({"token": 7})] {
        let mut socket = Socket::connect(&app).await;
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.next().await, Err(4403), "no or a bad token");
    }
    let mut odd = Socket::connect(&app).await;
    odd.send(json!({"type": "start"})).await;
    assert_eq!(odd.next().await, Err(4400), "an unknown message");
    let mut other = Socket::raw(&app, None, None).await.unwrap();
    assert_eq!(other.next().await, Err(4406), "another protocol");
    assert!(Socket::raw(&app, Some("graphql-transport-ws"), Some("https://evil.example")).await.is_err());
    let own = format!("http://{}", app.address);
    assert!(Socket::raw(&app, Some("graphql-transport-ws"), Some(&own)).await.is_ok());

    let mut socket = Socket::ready(&app, &token).await;
    socket.send(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(socket.next().await, Ok(json!({"type": "pong", "payload": {"a": 1}})));
    socket.send(query("q", "{ viewer { name } }")).await;
    let answer = socket.next().await.unwrap();
    assert_eq!(answer["payload"]["data"]["viewer"]["name"], "viewer");
    assert_eq!(socket.next().await, Ok(json!({"id": "q", "type": "complete"})));
    for bad in ["{ nothing }", "subscription { nothing }", "subscription { hits(after: \"x\") { __typename } }", "{"] {
        socket.send(query("e", bad)).await;
        let answer = socket.next().await.unwrap();
        assert_eq!((&answer["id"], &answer["type"]), (&json!("e"), &json!("error")), "{answer}");
        assert_eq!(answer["payload"][0]["extensions"]["code"], "BAD_INPUT", "{answer}");
    }
    socket.subscribe("s", Value::Null).await;
    socket.subscribe("s", Value::Null).await;
    assert_eq!(socket.next().await, Err(4409), "the same id twice");
    let mut twice = Socket::ready(&app, &token).await;
    twice.send(json!({"type": "connection_init"})).await;
    assert_eq!(twice.next().await, Err(4429), "two initialisations");
    let mut many = Socket::ready(&app, &token).await;
    for i in 0..21 {
        many.subscribe(&i.to_string(), Value::Null).await;
    }
    assert_eq!(many.next().await, Err(4429), "too many operations");
    assert_eq!(silent.next().await, Err(4408), "no initialisation");
}

#[tokio::test]
async fn a_socket_is_pinged_and_dropped_when_nobody_answers() {
    let ping = Duration::from_millis(200);
    let app = TestApp::with(Settings { ping, ..Settings::default() }, Box::new(|e| e)).await;
    let token = app.login("viewer", VIEWER).await;
    let mut socket = Socket::ready(&app, &token).await;
    for _ in 0..8 {
        // Reading answers the ones before.
        let message = tokio::time::timeout(Duration::from_secs(20), socket.0.next()).await.unwrap();
        assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
    }
    tokio::time::sleep(ping * 20).await;
    // Pings that came meanwhile, and the end: answers come too late.
    let mut after = Vec::new();
    while let Some(Ok(message)) = tokio::time::timeout(Duration::from_secs(20), socket.0.next()).await.unwrap() {
        after.push(message);
        assert!(after.len() < 15, "nobody has answered for a while: {after:?}");
    }
}

#[tokio::test]
async fn a_session_that_ends_ends_its_sockets() {
    let settings = Settings { recheck: Duration::from_millis(200), ..Settings::default() };
    let app = TestApp::with(settings, Box::new(|e| e)).await;
    let token = app.login("analyst", ANALYST).await;
    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("s", Value::Null).await;
    app.ask(&token, "mutation { logout { errors { code } } }", json!({})).await;
    assert_eq!(socket.next().await, Err(4403), "revoked");
    app.shut_down().await;

    let settings = Settings { token_life: Duration::from_secs(2), ..Settings::default() };
    let app = TestApp::with(settings, Box::new(|e| e)).await;
    let token = app.login("admin", ADMIN).await;
    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("s", Value::Null).await;
    assert_eq!(socket.next().await, Err(4403), "expired");
}

#[tokio::test]
async fn follows_alerts_from_a_change_on() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(hitting(0, 6)).await;
    let token = app.login("analyst", ANALYST).await;
    let mut socket = Socket::ready(&app, &token).await;
    let query = "subscription($a: String, $f: AlertFilterInput) { alerts(after: $a, filter: $f) { __typename
        ... on AlertEvent { cursor alert { host hitCount status } } ... on Lagged { missed cursor } } }";
    let subscribe = |id: &str, after: Value| {
        let variables = json!({"a": after, "f": {"host": "HOST1.example"}});
        json!({"id": id, "type": "subscribe", "payload": {"query": query, "variables": variables}})
    };
    socket.send(subscribe("a", Value::Null)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let update = "mutation($i: UpdateAlertsInput!) { updateAlerts(input: $i) { changed } }";
    let change = async |status: &str| {
        let input = json!({"i": {"filter": {}, "status": status}});
        assert_eq!(app.ask(&token, update, input).await["updateAlerts"]["changed"], 3);
    };
    change("ACKNOWLEDGED").await;
    let event = socket.next().await.unwrap()["payload"]["data"]["alerts"].take();
    assert_eq!(event["alert"], json!({"host": "host1.example", "hitCount": 2, "status": "ACKNOWLEDGED"}));
    // Away for a while, and back: the alert comes once, as it is then.
    socket.send(json!({"id": "a", "type": "complete"})).await;
    change("NEW").await;
    change("ACKNOWLEDGED").await;
    app.store(hitting(6, 9)).await;
    socket.send(subscribe("b", event["cursor"].clone())).await;
    let event = socket.next().await.unwrap()["payload"]["data"]["alerts"].take();
    assert_eq!(event["alert"], json!({"host": "host1.example", "hitCount": 3, "status": "ACKNOWLEDGED"}));
    // Then live ones, also by hits.
    app.store(hitting(9, 12)).await;
    let event = socket.next().await.unwrap()["payload"]["data"]["alerts"].take();
    assert_eq!(event["alert"]["hitCount"], 4);
}

#[tokio::test]
async fn a_cursor_ahead_of_what_is_stored_is_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(hitting(0, 3)).await;
    let token = app.login("viewer", VIEWER).await;
    let mut socket = Socket::ready(&app, &token).await;
    for (list, cursor, ahead) in [("hits", "x1:3", "x1:4"), ("alerts", "c1:3", "c1:900")] {
        let subscribe = |cursor: &str| {
            let query =
                format!("subscription {{ {list}(after: \"{}\") {{ __typename }} }}", URL_SAFE_NO_PAD.encode(cursor));
            json!({"id": list, "type": "subscribe", "payload": {"query": query}})
        };
        socket.send(subscribe(ahead)).await;
        let answer = socket.next().await.unwrap();
        assert_eq!(
            (&answer["type"], &answer["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!("BAD_INPUT"))
        );
        socket.send(subscribe(cursor)).await;
    }
    // A place whose hit was withdrawn is still known.
    let hits = app.pipeline.catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 9).await.unwrap();
    let withdrawn = Found { withdrawn: vec![hits[2].hit.id.clone()], ..Found::default() };
    app.pipeline.catalog.put_found(withdrawn, &Position::default()).await.unwrap();
    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("h", json!(URL_SAFE_NO_PAD.encode("x1:3"))).await;
    app.store(hitting(3, 4)).await;
    socket.hit().await;
}

#[tokio::test]
async fn a_rebuild_sends_nothing_twice_and_leaves_nothing_out() {
    let app = TestApp::start().await;
    app.load_rule().await;
    let token = app.login("viewer", VIEWER).await;
    let mut live = Socket::ready(&app, &token).await;
    live.subscribe("s", Value::Null).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.store(hitting(0, 30)).await;
    let (mut of_live, mut of_slow) = (BTreeSet::new(), BTreeSet::new());
    let mut cursor = String::new();
    for n in 0..30 {
        let at = live.news(&mut of_live).await;
        if n < 10 {
            cursor = at;
            of_slow = of_live.clone();
        }
    }
    app.pipeline.rebuild_hits().await.unwrap();
    app.pipeline.caught_up().await.unwrap();
    app.store(hitting(30, 31)).await;
    live.news(&mut of_live).await;
    // Who had received ten gets the others, once, wherever he breaks off, and though the hits are rebuilt again meanwhile.
    for (n, rebuilt) in [(3, false), (2, true), (20 - 5 + 1, true)] {
        let mut slow = Socket::ready(&app, &token).await;
        slow.subscribe("s", json!(cursor)).await;
        for _ in 0..n {
            cursor = slow.news(&mut of_slow).await;
        }
        if rebuilt {
            app.pipeline.rebuild_hits().await.unwrap();
            app.pipeline.caught_up().await.unwrap();
        }
    }
    assert_eq!(of_slow, of_live);
    // One more, with a cursor from before it.
    app.pipeline.rebuild_hits().await.unwrap();
    app.pipeline.caught_up().await.unwrap();
    app.store(hitting(31, 32)).await;
    live.news(&mut of_live).await;
    let mut slow = Socket::ready(&app, &token).await;
    slow.subscribe("s", json!(cursor)).await;
    slow.news(&mut of_slow).await;
    assert_eq!(of_slow, of_live);
}

#[tokio::test]
async fn alerts_that_leave_the_filter_or_are_no_more_are_told() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(hitting(0, 2)).await;
    let token = app.login("analyst", ANALYST).await;
    let query = "subscription($a: String, $f: AlertFilterInput) { alerts(after: $a, filter: $f) { __typename
        ... on AlertEvent { cursor alert { id host } } ... on AlertGone { cursor id } } }";
    let mut socket = Socket::ready(&app, &token).await;
    let filter = json!({"statuses": ["NEW"], "ruleId": "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11"});
    let subscribe = json!({"id": "s", "type": "subscribe", "payload": {"query": query, "variables": {"f": filter}}});
    socket.send(subscribe).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let listed = app.ask(&token, "{ alerts { nodes { id host } } }", json!({})).await["alerts"]["nodes"].take();
    let id = |host: &str| listed.as_array().unwrap().iter().find(|a| a["host"] == host).unwrap()["id"].clone();
    // A colleague closes one.
    let update = "mutation($i: UpdateAlertsInput!) { updateAlerts(input: $i) { changed } }";
    app.ask(&token, update, json!({"i": {"ids": [id("host0.example")], "status": "CLOSED", "reason": "known"}})).await;
    let told = socket.next().await.unwrap()["payload"]["data"]["alerts"].take();
    assert_eq!((&told["__typename"], &told["id"]), (&json!("AlertGone"), &id("host0.example")));
    // The only hit of the other is withdrawn.
    let catalog = &app.pipeline.catalog;
    let hits = catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 9).await.unwrap();
    let of_other = hits.iter().find(|h| h.hit.host == "host1.example").unwrap().hit.id.clone();
    catalog.put_found(Found { withdrawn: vec![of_other], ..Found::default() }, &Position::default()).await.unwrap();
    app.pipeline.tell_alerts().await.unwrap();
    let told = socket.next().await.unwrap()["payload"]["data"]["alerts"].take();
    assert_eq!((&told["__typename"], &told["id"]), (&json!("AlertGone"), &id("host1.example")));
    let left = app.ask(&token, "{ alerts { total { value } nodes { id } } }", json!({})).await["alerts"].take();
    assert_eq!((&left["total"]["value"], &left["nodes"][0]["id"]), (&json!(1), &id("host0.example")));
    // It is there again with a hit.
    app.store(hitting(4, 5)).await;
    let told = socket.next().await.unwrap()["payload"]["data"]["alerts"].take();
    assert_eq!(told["alert"], json!({"id": id("host1.example"), "host": "host1.example"}));
}

/// A client that does not read: nothing piles up, and it is told what it missed.
#[tokio::test]
async fn a_slow_client_is_told_what_it_missed() {
    // Who does not read does not answer either: not what is looked at here.
    let patient = Settings { ping: Duration::from_secs(600), ..Settings::default() };
    let app = TestApp::with(patient, Box::new(|engines| engines)).await;
    app.load_rule().await;
    let token = app.login("viewer", VIEWER).await;
    app.store(events(1, 1)).await;
    let mut socket = Socket::ready(&app, &token).await;
    socket.subscribe("s", Value::Null).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Long enough to fill the buffers of the socket while nobody reads.
    let mut stored = 0;
    for part in 0..15 {
        let batch = hitting(1_000 + part * 2_000, 3_000 + part * 2_000);
        stored += batch.len();
        app.pipeline.append(batch).await.unwrap();
    }
    let caught_up = Instant::now();
    app.pipeline.caught_up().await.unwrap();
    println!("{stored} hits stored, last ones after {:?}", caught_up.elapsed());
    let (mut received, mut missed) = (0, 0);
    while received + missed < stored {
        let message = socket.next().await.unwrap();
        let hit = &message["payload"]["data"]["hits"];
        match hit["__typename"].as_str() {
            Some("HitEvent") => received += 1,
            Some("Lagged") => missed += hit["missed"].as_u64().unwrap() as usize,
            _ => panic!("{message}"),
        }
    }
    println!("{received} received, {missed} told to be missed");
    assert_eq!(received + missed, stored);
    assert!(missed > 0, "the test fills the buffers");
}
