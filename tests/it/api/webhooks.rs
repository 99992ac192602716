//! Webhooks: signed, repeated, given up, sent again; nowhere but where it is allowed; nothing lost, nothing twice.
use super::{
    app::{ADMIN, ANALYST, RULE, TestApp, document, events, time},
    batching::{Calls, Counting},
    receiver::{Authority, Receiver, until},
};
use axum::{Router, body::Bytes, http::HeaderMap, routing};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use sysmonsearch::{
    catalog::{AlertFilter, Found, HitFilter, Item, ItemChange, ItemFilter, ItemKind, Role, Tells, Webhook},
    event::{Position, Scope, Time},
    pipeline::{
        Engines, Pipeline,
        webhook::{Allowed, Key, Sender, Webhooks, key_item},
    },
    rules,
    serve::{Settings, auth},
};

/// Time for what must not come.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
}

fn webhooks(allow: &[&str]) -> Webhooks {
    let allow: Vec<String> = allow.iter().map(|a| (*a).to_owned()).collect();
    Webhooks {
        allowed: Allowed::parse(&allow).unwrap(),
        ca: None,
        page: "https://hunt.example".into(),
        timeout: Duration::from_secs(2),
        pause: Duration::from_millis(30),
        attempts: 3,
        ..Webhooks::default()
    }
}

pub async fn app(allow: &[&str]) -> TestApp {
    let settings = Settings { webhooks: Some(webhooks(allow)), ..Settings::default() };
    let app = TestApp::with(settings, Box::new(|e| e)).await;
    app.load_rule().await;
    app
}

const SAVE: &str =
    "mutation($i: SaveWebhookInput!) { saveWebhook(input: $i) { secret webhook { id name url tells levels
    rules hosts enabled madeBy pending delivered dead last { status } } errors { field code message } } }";
const LIST: &str =
    "query($w: ID!, $s: DeliveryState!, $a: String) { deliveries(webhook: $w, state: $s, first: 2, after: $a) {
    nodes { id event title host state attempts status message } pageInfo { hasNextPage endCursor } } }";
const TEST: &str =
    "mutation($i: WebhookInput!) { testWebhook(input: $i) { delivered status message errors { code } } }";
const RETRY: &str =
    "mutation($i: RetryDeliveriesInput!) { retryDeliveries(input: $i) { retried errors { field code } } }";

async fn save(app: &TestApp, token: &str, input: Value) -> Value {
    app.ask(token, SAVE, json!({"i": input})).await["saveWebhook"].take()
}

async fn webhook(app: &TestApp, token: &str, id: &Value) -> Value {
    let all = app.ask(token, "{ webhooks { id pending delivered dead last { status state } } }", json!({})).await;
    all["webhooks"].as_array().unwrap().iter().find(|w| w["id"] == *id).unwrap().clone()
}

/// HMAC-SHA256 as RFC 2104 says.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|b| b ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn is_signed(secret: &str, (headers, body): &(HeaderMap, Bytes)) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let header = |name: &str| headers[name].to_str().unwrap();
    let mut message = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    message.extend_from_slice(body);
    let age = Time::now().0 / 1000 - header("webhook-timestamp").parse::<i64>().unwrap();
    (0..60).contains(&age) && header("webhook-signature") == format!("v1,{}", STANDARD.encode(hmac(&key, &message)))
}

fn body((_, body): &(HeaderMap, Bytes)) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[tokio::test]
async fn hits_and_alerts_are_sent_signed() {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    let token = app.login("admin", ADMIN).await;
    let made = save(&app, &token, json!({"name": " SIEM ", "url": receiver.url(), "tells": "HITS"})).await;
    let secret = made["secret"].as_str().unwrap();
    let id = made["webhook"]["id"].clone();
    assert_eq!((&made["webhook"]["name"], &made["webhook"]["madeBy"]), (&json!("SIEM"), &json!("admin")));
    let alerts = Receiver::start(204).await;
    let one = json!({"name": "Pager", "url": alerts.url(), "hosts": ["HOST1.example."], "levels": ["High"]});
    let pager = save(&app, &token, one).await;
    let other = Receiver::start(200).await;
    save(&app, &token, json!({"name": "Other", "url": other.url(), "tells": "HITS", "levels": ["low"]})).await;
    save(&app, &token, json!({"name": "Off", "url": other.url(), "tells": "HITS", "enabled": false})).await;

    let tested = app.ask(&token, TEST, json!({"i": {"id": id}})).await["testWebhook"].take();
    assert_eq!(tested, json!({"delivered": true, "status": 200, "message": null, "errors": []}));
    assert_eq!(body(&receiver.received()[0])["type"], "test");

    // 600 processes on 3 hosts: every tenth connection is a hit.
    app.store(events(600, 3)).await;
    receiver.wait(61).await;
    alerts.wait(1).await;
    a_while().await;
    let received = receiver.received();
    assert_eq!(received.len(), 61, "the test and 60 hits, each once");
    assert_eq!(receiver.ids().into_iter().collect::<BTreeSet<_>>().len(), 61);
    assert!(received.iter().all(|r| is_signed(secret, r)));
    assert!(received.iter().all(|r| r.0["content-type"] == "application/json"));
    let first = body(&received[1]);
    assert_eq!((&first["type"], &first["hit"]["level"]), (&json!("hit.new"), &json!("high")));
    assert_eq!(first["event"]["data"]["DestinationPort"], "443");
    let node = "query($id: ID!) { node(id: $id) { __typename id } }";
    for (kind, id) in
        [("Hit", &first["hit"]["id"]), ("Alert", &first["alert"]["id"]), ("Event", &first["hit"]["eventId"])]
    {
        assert_eq!(app.ask(&token, node, json!({"id": id})).await["node"]["__typename"], kind);
    }
    let link = format!("https://hunt.example/alerts?alert={}", first["alert"]["id"].as_str().unwrap());
    assert_eq!(first["link"], link);

    let told = alerts.received();
    assert_eq!(told.len(), 1, "an alert is told once, whatever its hits");
    assert_eq!(
        (&body(&told[0])["type"], &body(&told[0])["alert"]["host"]),
        (&json!("alert.new"), &json!("host1.example"))
    );
    assert!(is_signed(pager["secret"].as_str().unwrap(), &told[0]) && !is_signed(secret, &told[0]));
    assert!(other.received().is_empty());
    let counts = webhook(&app, &token, &id).await;
    assert_eq!(
        counts,
        json!({"id": id, "pending": 0, "delivered": 60, "dead": 0, "last": {"status": 200, "state": "DELIVERED"}})
    );

    // A rebuild finds the same hits: no news.
    app.pipeline.rebuild_hits().await.unwrap();
    app.pipeline.caught_up().await.unwrap();
    a_while().await;
    assert_eq!((receiver.received().len(), alerts.received().len()), (61, 1));
    app.shut_down().await;
}

#[tokio::test]
async fn a_receiver_behind_tls_is_reached_if_its_authority_is_known() {
    let (ours, other) = (Authority::new("ours"), Authority::new("another"));
    let known = Receiver::with_tls(&ours, "127.0.0.1").await;
    let foreign = Receiver::with_tls(&other, "127.0.0.1").await;
    let misnamed = Receiver::with_tls(&ours, "other.example").await;
    let secure = |r: &Receiver| r.url().replace("http:", "https:");
    let settings = Webhooks { ca: Some(ours.pem()), ..webhooks(&["127.0.0.0/8"]) };
    let app = TestApp::with(Settings { webhooks: Some(settings), ..Settings::default() }, Box::new(|e| e)).await;
    app.load_rule().await;
    let token = app.login("admin", ADMIN).await;
    let made = save(&app, &token, json!({"name": "SIEM", "url": secure(&known), "tells": "HITS"})).await;
    let tested = app.ask(&token, TEST, json!({"i": {"id": made["webhook"]["id"]}})).await["testWebhook"].take();
    assert_eq!((&tested["delivered"], &tested["message"]), (&json!(true), &Value::Null));
    app.store(events(30, 1)).await;
    known.wait(1 + 3).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(known.received().iter().all(|r| is_signed(secret, r)));
    for (receiver, reason) in [(&foreign, "UnknownIssuer"), (&misnamed, "not valid for name")] {
        let made = save(&app, &token, json!({"name": reason, "url": secure(receiver)})).await;
        let tested = app.ask(&token, TEST, json!({"i": {"id": made["webhook"]["id"]}})).await["testWebhook"].take();
        assert_eq!(tested["delivered"], false);
        assert!(tested["message"].as_str().unwrap().contains(reason), "{tested}");
        assert!(receiver.received().is_empty());
    }
    let made = save(&app, &token, json!({"name": "plain", "url": known.url()})).await;
    let tested = app.ask(&token, TEST, json!({"i": {"id": made["webhook"]["id"]}})).await["testWebhook"].take();
    assert_eq!(tested["delivered"], false, "plain HTTP to a server of TLS");
    app.shut_down().await;

    let none = Sender::new(&Webhooks { ca: Some(b"no certificate".to_vec()), ..webhooks(&[]) });
    assert!(none.err().unwrap().message.contains("no PEM"));
}

#[tokio::test]
async fn messages_are_repeated_given_up_and_sent_again() {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(500).await);
    let token = app.login("admin", ADMIN).await;
    let made = save(&app, &token, json!({"name": "SIEM", "url": receiver.url(), "tells": "HITS"})).await;
    let id = made["webhook"]["id"].clone();
    app.store(events(30, 1)).await;
    until(async || webhook(&app, &token, &id).await["dead"] == 3).await;
    let mut attempts = BTreeMap::<String, usize>::new();
    for id in receiver.ids() {
        *attempts.entry(id).or_default() += 1;
    }
    assert_eq!(attempts.values().copied().collect::<Vec<_>>(), [3, 3, 3], "the same id at each attempt");
    let list = async |state: &str, after: Value| {
        app.ask(&token, LIST, json!({"w": id, "s": state, "a": after})).await["deliveries"].take()
    };
    let page = list("DEAD", Value::Null).await;
    let dead = page["nodes"].as_array().unwrap();
    assert_eq!((dead.len(), &dead[0]["attempts"], &dead[0]["status"]), (2, &json!(3), &json!(500)));
    assert_eq!(dead[0]["message"], "the answer is 500 Internal Server Error");
    let rest = list("DEAD", page["pageInfo"]["endCursor"].clone()).await;
    assert_eq!((rest["nodes"].as_array().unwrap().len(), &rest["pageInfo"]["hasNextPage"]), (1, &json!(false)));

    receiver.answer(200);
    let ids = json!({"webhook": id, "ids": [dead[0]["id"]]});
    assert_eq!(app.ask(&token, RETRY, json!({"i": ids})).await["retryDeliveries"]["retried"], 1);
    until(async || webhook(&app, &token, &id).await["delivered"] == 1).await;
    assert_eq!(receiver.ids().last().unwrap(), dead[0]["id"].as_str().unwrap());
    assert_eq!(app.ask(&token, RETRY, json!({"i": {"webhook": id}})).await["retryDeliveries"]["retried"], 2);
    until(async || webhook(&app, &token, &id).await["delivered"] == 3).await;
    assert_eq!(list("DEAD", Value::Null).await["nodes"], json!([]));
    let other = app.ask(&token, RETRY, json!({"i": {"webhook": "x"}})).await;
    assert_eq!(other["retryDeliveries"]["errors"][0], json!({"field": "webhook", "code": "NOT_FOUND"}));

    // What it has said is in its log; the key and the body are not.
    let delete = "mutation($i: WebhookInput!) { deleteWebhook(input: $i) { deletedId errors { code } } }";
    assert_eq!(app.ask(&token, delete, json!({"i": {"id": id}})).await["deleteWebhook"]["deletedId"], id);
    let left = app.pipeline.catalog.count_items(ItemKind::Delivery).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    let log = app.ask(&token, "{ auditLog(first: 20) { nodes { by action objectId detail } } }", json!({})).await;
    let log = log["auditLog"]["nodes"].as_array().unwrap();
    let actions: Vec<&str> = log.iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["deleteWebhook", "retryDeliveries", "retryDeliveries", "saveWebhook"]);
    assert!(log.iter().all(|e| e["objectId"] == id && e["by"] == "admin"));
    let secret = made["secret"].as_str().unwrap();
    assert!(!json!(log).to_string().contains(secret.trim_start_matches("whsec_")));
    app.shut_down().await;
}

#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    let token = app.login("admin", ADMIN).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = format!("http://{}/in", listener.local_addr().unwrap());
    let take = async || tokio::time::sleep(Duration::from_millis(1_500)).await;
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/in", routing::post(take))).await });
    for (name, url) in [("Slow", slow), ("Fast", receiver.url())] {
        save(&app, &token, json!({"name": name, "url": url, "tells": "HITS"})).await;
    }
    app.store(events(400, 1)).await;
    receiver.wait(40).await;
    // The other one takes the first for a minute.
    app.store(events(460, 1).split_off(800)).await;
    receiver.wait(46).await;
    let stopped = Instant::now();
    app.shut_down().await;
    assert!(stopped.elapsed() < Duration::from_secs(10), "it ends what is being sent");
}

#[tokio::test]
async fn nothing_goes_where_it_is_not_allowed() {
    let (closed, receiver) =
        (app(&["localhost", "hooks.example.com", "192.0.2.0/24"]).await, Receiver::start(200).await);
    let token = closed.login("admin", ADMIN).await;
    for url in [receiver.url(), "http://169.254.169.254/".into(), "https://[::1]/".into(), "http://127.1/".into()] {
        let refused = save(&closed, &token, json!({"name": "x", "url": url})).await;
        assert_eq!(
            (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
            (&json!("url"), &json!("BAD_INPUT"))
        );
        assert!(refused["webhook"].is_null() && refused["secret"].is_null());
    }
    // A name that leads to this machine: seen when it is resolved.
    let named = format!("http://localhost:{}/in", receiver.address.port());
    let made = save(&closed, &token, json!({"name": "x", "url": named, "tells": "HITS"})).await;
    let id = made["webhook"]["id"].clone();
    let tested = closed.ask(&token, TEST, json!({"i": {"id": id}})).await["testWebhook"].take();
    assert_eq!(tested["delivered"], false);
    assert!(tested["message"].as_str().unwrap().contains("--webhook-allow"), "{tested}");
    closed.store(events(10, 1)).await;
    until(async || webhook(&closed, &token, &id).await["dead"] == 1).await;
    assert!(receiver.received().is_empty());
    closed.shut_down().await;

    let open = app(&["127.0.0.1"]).await;
    let token = open.login("admin", ADMIN).await;
    receiver.answer(302);
    let made = save(&open, &token, json!({"name": "x", "url": named})).await;
    let id = made["webhook"]["id"].clone();
    let tested = open.ask(&token, TEST, json!({"i": {"id": id}})).await["testWebhook"].take();
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &json!(302)));
    assert_eq!((receiver.received().len(), receiver.inner.elsewhere.load(Ordering::SeqCst)), (1, 0));

    let log = "{ auditLog { nodes { action detail } } }";
    assert_eq!(open.ask(&token, log, json!({})).await["auditLog"]["nodes"][0]["action"], "testWebhook");
    for (input, field) in [
        (json!({"url": named}), "name"),
        (json!({"name": "x"}), "url"),
        (json!({"name": "x", "url": "ftp://localhost/"}), "url"),
        (json!({"name": "x", "url": "http://a:b@localhost/"}), "url"),
        (json!({"name": "x", "url": named, "levels": ["loud"]}), "levels"),
        (json!({"id": "none", "name": "x"}), "id"),
    ] {
        assert_eq!(save(&open, &token, input.clone()).await["errors"][0]["field"], field, "{input}");
    }
    // A change keeps what is not given, and the secret unless a new one is asked for.
    let changed = save(&open, &token, json!({"id": id, "enabled": false})).await;
    assert_eq!((&changed["webhook"]["url"], &changed["secret"]), (&json!(named), &Value::Null));
    let changed = save(&open, &token, json!({"id": id, "newSecret": true})).await;
    assert!(changed["secret"].is_string() && changed["secret"] != made["secret"]);

    let mut bob = auth::create_user(&*open.pipeline.catalog, "bob", ADMIN, Role::Admin).await.unwrap();
    bob.scope = Scope::hosts(["host1.example"]);
    open.pipeline.catalog.update_user(&bob).await.unwrap();
    let bob = open.login("bob", ADMIN).await;
    assert_eq!(open.code(Some(&bob), "{ webhooks { id } }", json!({})).await, "FORBIDDEN");
    assert_eq!(open.code(Some(&bob), SAVE, json!({"i": {"name": "x", "url": named}})).await, "FORBIDDEN");
    assert_eq!(open.code(Some(&bob), TEST, json!({"i": {"id": id}})).await, "FORBIDDEN");
    let analyst = open.login("analyst", ANALYST).await;
    assert_eq!(open.code(Some(&analyst), "{ webhooks { id } }", json!({})).await, "FORBIDDEN");
    open.shut_down().await;
}

#[tokio::test]
async fn a_suppressed_rule_is_told_once_in_a_while_and_counted_in_full() {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    let token = app.login("admin", ADMIN).await;
    save(&app, &token, json!({"name": "SIEM", "url": receiver.url(), "tells": "HITS"})).await;
    let suppress =
        "mutation($i: SuppressRuleInput!) { suppressRule(input: $i) { rule { suppression { seconds fields setBy } }
        errors { field code } } }";
    let rule_id = "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11";
    for (input, field) in [
        (json!({"id": "none", "seconds": 5}), "id"),
        (json!({"id": rule_id, "seconds": -1}), "seconds"),
        (json!({"id": rule_id, "seconds": 99_999_999}), "seconds"),
        (json!({"id": rule_id, "seconds": 5, "fields": ["Nonsense"]}), "fields"),
    ] {
        let refused = app.ask(&token, suppress, json!({"i": input})).await;
        assert_eq!(refused["suppressRule"]["errors"][0]["field"], field);
    }
    let set = json!({"i": {"id": rule_id, "seconds": 3600}});
    let set = app.ask(&token, suppress, set).await["suppressRule"].take();
    assert_eq!(set["rule"]["suppression"], json!({"seconds": 3600, "fields": [], "setBy": "admin"}));
    app.store(events(90, 3)).await;
    receiver.wait(3).await;
    a_while().await;
    let hosts: BTreeSet<String> = receiver.received().iter().map(|r| body(r)["hit"]["host"].to_string()).collect();
    assert_eq!((receiver.received().len(), hosts.len()), (3, 3), "one for each host");
    let alerts = "{ alerts { nodes { hitCount suppressed { until hits } hits { total { value } nodes { id } } } } }";
    let found = app.ask(&token, alerts, json!({})).await;
    for alert in found["alerts"]["nodes"].as_array().unwrap() {
        assert_eq!((&alert["hitCount"], &alert["hits"]["total"]["value"]), (&json!(3), &json!(3)), "no hit is lost");
        assert_eq!(alert["suppressed"]["hits"], 2);
        assert!(Time::parse(alert["suppressed"]["until"].as_str().unwrap()).unwrap() > Time::now());
    }
    // The imports of the API find the rule anew, and the suppression stays with it.
    let import =
        "mutation($i: ImportRulesInput!) { importRules(input: $i) { changed rules { suppression { seconds } } } }";
    let newer = RULE.replace("Finds the connections", "Still finds the connections");
    let imported = app.ask(&token, import, json!({"i": {"yaml": newer}})).await["importRules"].take();
    assert_eq!(imported, json!({"changed": 1, "rules": [{"suppression": {"seconds": 3600}}]}));

    // Other values are told.
    let by_address = json!({"i": {"id": rule_id, "seconds": 3600, "fields": ["DestinationIp"]}});
    app.ask(&token, suppress, by_address).await;
    app.store(events(160, 3).split_off(180)).await;
    receiver.wait(3 + 7).await;
    a_while().await;
    assert_eq!(receiver.received().len(), 3 + 7, "each goes to an address of its own");

    app.ask(&token, suppress, json!({"i": {"id": rule_id, "seconds": 0}})).await;
    app.store(events(180, 3).split_off(320)).await;
    receiver.wait(3 + 7 + 2).await;
    app.shut_down().await;
}

/// Hits of a rule of a category are told once an hour for each value of the fields.
async fn suppressed(category: &str, fields: &[&str]) -> (TestApp, Receiver) {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    let token = app.login("admin", ADMIN).await;
    save(&app, &token, json!({"name": "SIEM", "url": receiver.url(), "tells": "HITS"})).await;
    let rule = format!(
        "title: Tool\nid: tool\nlogsource: {{product: windows, category: {category}}}\ndetection: {{s: {{Image|contains: tool}}, condition: s}}\n"
    );
    app.pipeline.import_rules(rules::parse(&rule, "test").rules).await.unwrap();
    let suppress = "mutation($i: SuppressRuleInput!) { suppressRule(input: $i) { errors { code } } }";
    app.ask(&token, suppress, json!({"i": {"id": "tool", "seconds": 3600, "fields": fields}})).await;
    (app, receiver)
}

#[tokio::test]
async fn a_suppression_tells_apart_what_is_derived_from_an_event() {
    let (app, receiver) = suppressed("process_creation", &["SHA256", "EventID"]).await;
    let started = |record: usize, hash: char| {
        let sha256: String = std::iter::repeat_n(hash, 64).collect();
        let guid = format!("{{aaaaaaaa-0000-0000-0000-{record:012}}}");
        let data = json!({"UtcTime": time(record), "ProcessGuid": guid, "Image": r"C:\tool.exe", "Hashes": format!("SHA256={sha256}")});
        document(1, record, 0, &time(record), data)
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: String = [(1, 'a'), (2, 'a'), (3, 'b'), (4, 'b'), (5, 'c')].map(|(n, c)| started(n, c)).concat();
    std::fs::write(file.path(), lines).unwrap();
    let read = crate::support::read(file.path());
    assert_eq!(read.events.len(), 5, "{:?}", read.issues);
    app.store(read.events).await;
    receiver.wait(3).await;
    a_while().await;
    assert_eq!(receiver.received().len(), 3, "one for each file");
    app.shut_down().await;
}

#[tokio::test]
async fn an_alert_that_a_late_hit_opens_again_is_told_again() {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    let token = app.login("admin", ADMIN).await;
    save(&app, &token, json!({"name": "Pager", "url": receiver.url()})).await;
    let all = events(60, 1);
    app.store(all[60..].to_vec()).await;
    receiver.wait(1).await;
    let close = "mutation($i: UpdateAlertsInput!) { updateAlerts(input: $i) { changed } }";
    let input = json!({"i": {"filter": {}, "status": "CLOSED", "reason": "known"}});
    assert_eq!(app.ask(&token, close, input).await["updateAlerts"]["changed"], 1);
    // Of an hour before.
    app.store(all[..60].to_vec()).await;
    receiver.wait(2).await;
    a_while().await;
    let told: Vec<Value> = receiver.received().iter().map(body).collect();
    assert_eq!(told.iter().map(|b| b["type"].clone()).collect::<Vec<_>>(), ["alert.new", "alert.reopened"]);
    assert_eq!((&told[1]["alert"]["id"], &told[1]["alert"]["status"]), (&told[0]["alert"]["id"], &json!("new")));
    let found = app.ask(&token, "{ alerts { nodes { status reason reopened hitCount } } auditLog(first: 1) { nodes { action by objectId } } }", json!({})).await;
    assert_eq!(found["alerts"]["nodes"], json!([{"status": "NEW", "reason": null, "reopened": 1, "hitCount": 6}]));
    let entry = &found["auditLog"]["nodes"][0];
    assert_eq!(
        (&entry["action"], &entry["by"], &entry["objectId"]),
        (&json!("reopenAlert"), &json!(""), &told[0]["alert"]["id"])
    );
    app.shut_down().await;
}

#[tokio::test]
async fn an_alert_that_comes_after_one_was_withdrawn_is_told() {
    let (app, receiver) = (app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    let token = app.login("admin", ADMIN).await;
    save(&app, &token, json!({"name": "Pager", "url": receiver.url()})).await;
    let all = events(60, 1);
    app.store(all[..60].to_vec()).await;
    receiver.wait(1).await;
    let catalog = &*app.pipeline.catalog;
    let hits = catalog.hits(&Scope::All, &HitFilter::default(), None, 99).await.unwrap().hits;
    let withdrawn = hits.into_iter().map(|h| h.hit.id).collect();
    catalog.put_found(Found { withdrawn, ..Found::default() }, &Position::default()).await.unwrap();
    assert_eq!(catalog.count_alerts(&Scope::All, &AlertFilter::default()).await.unwrap(), 0);
    app.store(all[60..].to_vec()).await;
    receiver.wait(2).await;
    let told: Vec<Value> = receiver.received().iter().map(body).collect();
    assert_eq!(told.iter().map(|b| b["type"].clone()).collect::<Vec<_>>(), ["alert.new", "alert.new"]);
    assert_eq!(told[0]["alert"]["id"], told[1]["alert"]["id"], "of the same rule and host");
    app.shut_down().await;
}

#[tokio::test]
async fn a_suppression_sees_what_is_joined() {
    let (app, receiver) = suppressed("file_event", &["ParentImage"]).await;
    let guid = |process: usize| format!("{{aaaaaaaa-0000-0000-0000-{process:012}}}");
    let started = |record: usize, process: usize, parent: &str| {
        let data = json!({"UtcTime": time(record), "ProcessGuid": guid(process), "Image": r"C:\tool.exe", "ParentImage": parent});
        document(1, record, 0, &time(record), data)
    };
    let wrote = |record: usize, process: usize| {
        let data = json!({"UtcTime": time(record), "ProcessGuid": guid(process), "Image": r"C:\tool.exe", "TargetFilename": r"C:\a"});
        document(11, record, 0, &time(record), data)
    };
    let lines = [started(1, 1, "a.exe"), started(2, 2, "b.exe"), wrote(3, 1), wrote(4, 1), wrote(5, 2), wrote(6, 2)];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.concat()).unwrap();
    app.store(crate::support::read(file.path()).events).await;
    receiver.wait(2).await;
    a_while().await;
    assert_eq!(receiver.received().len(), 2, "one for each parent");
    app.shut_down().await;
}

async fn put(catalog: &dyn sysmonsearch::catalog::Catalog, url: String) {
    let webhook = Webhook {
        id: "w".into(),
        name: "SIEM".into(),
        url,
        tells: Tells::Hits,
        levels: Vec::new(),
        rules: Vec::new(),
        hosts: Vec::new(),
        enabled: true,
        made_by: "admin".into(),
        made: Time::now(),
    };
    let changes = [ItemChange::Put(webhook.item().unwrap()), ItemChange::Put(key_item("w", &Key::random()).unwrap())];
    catalog.change_items(&changes, &[]).await.unwrap();
}

async fn start(engines: Engines, spool: &Path) -> Arc<Pipeline> {
    let pipeline = Pipeline::start(engines, spool.join("spool")).await.unwrap();
    let many = Webhooks { attempts: 1_000, ..webhooks(&["127.0.0.0/8"]) };
    pipeline.deliver(many, |_| "id".into()).await.unwrap();
    pipeline
}

async fn store(pipeline: &Pipeline, from: usize, to: usize) {
    let events = events(to, 2).split_off(2 * from);
    pipeline.append(events).await.unwrap();
    pipeline.caught_up().await.unwrap();
}

async fn progressed(pipeline: &Pipeline, upto: u64) {
    let filter = ItemFilter::id(ItemKind::Progress, "webhooks");
    until(async || {
        let found = pipeline.catalog.items(&filter, None, 1).await.unwrap();
        found.first().is_some_and(|i: &Item| i.read::<String>().unwrap().parse::<u64>().unwrap() >= upto)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(503).await;
    let pipeline = start(Engines::embedded(dir.path()).unwrap(), dir.path()).await;
    pipeline.import_rules(rules::parse(RULE, "test").rules).await.unwrap();
    store(&pipeline, 0, 50).await;
    progressed(&pipeline, 5).await;
    assert!(receiver.received().is_empty(), "there was no webhook yet");
    put(&*pipeline.catalog, receiver.url()).await;
    store(&pipeline, 50, 250).await;
    progressed(&pipeline, 25).await;
    receiver.wait(1).await;
    pipeline.shutdown().await;
    drop(pipeline);

    // Hits that were stored while nobody sent.
    let engines = Engines::embedded(dir.path()).unwrap();
    let silent = Pipeline::start(engines, dir.path().join("spool")).await.unwrap();
    store(&silent, 250, 300).await;
    silent.shutdown().await;
    drop(silent);

    receiver.answer(200);
    let before = receiver.received().len();
    let pipeline = start(Engines::embedded(dir.path()).unwrap(), dir.path()).await;
    receiver.wait(before + 25).await;
    a_while().await;
    let delivered: Vec<String> = receiver.ids().split_off(before);
    assert_eq!((delivered.len(), delivered.iter().collect::<BTreeSet<_>>().len()), (25, 25));
    let hits = pipeline.catalog.count_hits(&Scope::All, &HitFilter::default()).await.unwrap();
    assert_eq!(hits, 30, "five of them before the webhook");
    pipeline.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_processes_sends() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let receiver = Receiver::start(200).await;
    let engines = Engines::embedded(dirs[0].path()).unwrap();
    let shared = Engines { store: Arc::new(Counting(engines.store.clone(), Calls::default())), ..engines };
    let one = start(shared.clone(), dirs[0].path()).await;
    one.import_rules(rules::parse(RULE, "test").rules).await.unwrap();
    let two = start(shared, dirs[1].path()).await;
    progressed(&one, 0).await;
    put(&*one.catalog, receiver.url()).await;
    store(&one, 0, 100).await;
    store(&two, 100, 200).await;
    receiver.wait(20).await;
    a_while().await;
    assert_eq!(receiver.ids().into_iter().collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(receiver.received().len(), 20, "each once");
    one.shutdown().await;
    store(&two, 200, 300).await;
    receiver.wait(30).await;
    assert_eq!(receiver.ids().into_iter().collect::<BTreeSet<_>>().len(), 30);
    two.shutdown().await;
}
