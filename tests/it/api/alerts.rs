//! Alerts over the API: grouped, changed many at once, commented on, with a log; and who sees which.
use super::app::{ADMIN, ANALYST, TestApp, VIEWER, connection, events};
use crate::support;
use serde_json::{Value, json};
use sysmonsearch::{
    catalog::Role,
    event::{Event, Scope},
    serve::auth,
};

const RULE_ID: &str = "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11";
const LIST: &str = "query($f: AlertFilterInput, $n: Int = 50, $a: String) { alerts(filter: $f, first: $n, after: $a) {
    nodes { id host ruleId title level hitCount firstHit lastHit status reason assignee tags rule { title }
        comments { by text } hits { nodes { host } total { value } } }
    total { value } pageInfo { hasNextPage endCursor } } }";
const UPDATE: &str =
    "mutation($i: UpdateAlertsInput!) { updateAlerts(input: $i) { changed errors { field code message } } }";
const COMMENT: &str = "mutation($i: CommentAlertInput!) { commentAlert(input: $i) { alert { comments { by text } } \
    errors { field code } } }";

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.load_rule().await;
    // Hits of the processes 0, 10, .. 50: two on each of three hosts.
    app.store(events(60, 3)).await;
    app
}

fn later_hit_on_host(host: usize) -> Event {
    let i = (1..).map(|n| n * 1_000).find(|i| i % 3 == host).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), connection(i, 3)).unwrap();
    support::read(file.path()).events.remove(0)
}

async fn list(app: &TestApp, token: &str, filter: Value) -> Vec<Value> {
    let mut answer = app.ask(token, LIST, json!({"f": filter})).await;
    let Value::Array(nodes) = answer["alerts"]["nodes"].take() else { panic!("{answer}") };
    assert_eq!(answer["alerts"]["total"]["value"], nodes.len());
    nodes
}

async fn update(app: &TestApp, token: &str, input: Value) -> Value {
    app.ask(token, UPDATE, json!({"i": input})).await["updateAlerts"].take()
}

#[tokio::test]
async fn hits_are_grouped_listed_and_counted() {
    let app = app().await;
    let token = app.login("viewer", VIEWER).await;
    let alerts = list(&app, &token, Value::Null).await;
    assert_eq!(alerts.len(), 3);
    let of_host = list(&app, &token, json!({"host": "HOST0.example"})).await;
    let alert = &of_host[0];
    assert_eq!((of_host.len(), &alert["host"], &alert["ruleId"]), (1, &json!("host0.example"), &json!(RULE_ID)));
    assert_eq!((&alert["level"], &alert["status"], &alert["hitCount"]), (&json!("high"), &json!("NEW"), &json!(2)));
    assert_eq!((&alert["hits"]["total"]["value"], &alert["rule"]["title"]), (&json!(2), &alert["title"]));
    assert_eq!(alert["firstHit"], "2026-03-01T00:00:00.000Z");
    assert_eq!(alert["lastHit"], "2026-03-01T00:00:30.000Z");
    let node = "query($id: ID!) { node(id: $id) { __typename id } }";
    let node = app.ask(&token, node, json!({"id": alert["id"]})).await;
    assert_eq!(node["node"], json!({"__typename": "Alert", "id": alert["id"]}));

    for (filter, n) in [
        (json!({"ruleId": RULE_ID}), 3),
        (json!({"ruleId": "other"}), 0),
        (json!({"levels": ["low"]}), 0),
        (json!({"text": "HOST1"}), 1),
        (json!({"statuses": ["NEW"], "assignee": ""}), 3),
        (json!({"period": {"from": "2026-03-01T00:00:45Z"}}), 1),
    ] {
        assert_eq!(list(&app, &token, filter.clone()).await.len(), n, "{filter}");
    }
    let first = app.ask(&token, LIST, json!({"n": 2})).await["alerts"].take();
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let rest = app.ask(&token, LIST, json!({"n": 2, "a": first["pageInfo"]["endCursor"]})).await["alerts"].take();
    assert_eq!((rest["nodes"].as_array().unwrap().len(), &rest["pageInfo"]["hasNextPage"]), (1, &json!(false)));

    let counts = "{ r: alertCounts(by: RULE) { ...N } h: alertCounts(by: HOST, first: 2) { ...N }
        d: alertCounts(by: DAY) { ...N } } fragment N on AlertCounts { items { key count } leftOut total }";
    let counts = app.ask(&token, counts, json!({})).await;
    let all = |items: Value, left_out: u64| json!({"items": items, "leftOut": left_out, "total": 3});
    assert_eq!(counts["r"], all(json!([{"key": RULE_ID, "count": 3}]), 0));
    let hosts = json!([{"key": "host0.example", "count": 1}, {"key": "host1.example", "count": 1}]);
    assert_eq!(counts["h"], all(hosts, 1), "one is left out, and it is said");
    assert_eq!(counts["d"], all(json!([{"key": "2026-03-01", "count": 3}]), 0));
}

#[tokio::test]
async fn many_are_changed_at_once_and_the_log_tells() {
    let app = app().await;
    let token = app.login("analyst", ANALYST).await;
    let closed = json!({"filter": {"statuses": ["NEW"]}, "status": "CLOSED", "reason": "a test of ours",
        "assignee": "viewer", "addTags": ["b", "a"]});
    assert_eq!(update(&app, &token, closed.clone()).await, json!({"changed": 3, "errors": []}));
    assert_eq!(update(&app, &token, closed).await["changed"], 0, "none is new any more");
    let alerts = list(&app, &token, json!({"tag": "a", "assignee": "viewer", "statuses": ["CLOSED"]})).await;
    assert_eq!((alerts.len(), &alerts[0]["reason"]), (3, &json!("a test of ours")));
    assert_eq!(alerts[0]["tags"], json!(["a", "b"]));

    // What comes after the closing is a new alert.
    app.store(vec![later_hit_on_host(1)]).await;
    let new = list(&app, &token, json!({"statuses": ["NEW"]})).await;
    assert_eq!(
        (new.len(), &new[0]["host"], &new[0]["hits"]["total"]["value"]),
        (1, &json!("host1.example"), &json!(1))
    );
    let by_id = json!({"ids": [new[0]["id"]], "status": "ACKNOWLEDGED"});
    assert_eq!(update(&app, &token, by_id).await["changed"], 1);
    let said = json!({"i": {"id": new[0]["id"], "text": "Looks real."}});
    let said = app.ask(&token, COMMENT, said).await["commentAlert"].take();
    assert_eq!(said["alert"]["comments"], json!([{"by": "analyst", "text": "Looks real."}]));

    for (input, field, code) in [
        (json!({"status": "NEW"}), "filter", "BAD_INPUT"),
        (json!({"ids": [], "filter": {}, "status": "NEW"}), "filter", "BAD_INPUT"),
        (json!({"ids": ["x"], "status": "NEW"}), "ids", "BAD_INPUT"),
        (json!({"filter": {"levels": ["x"]}, "status": "NEW"}), "filter", "BAD_INPUT"),
        (json!({"filter": {}}), "status", "BAD_INPUT"),
        (json!({"filter": {}, "status": "NEW", "reason": "r"}), "reason", "BAD_INPUT"),
        (json!({"filter": {}, "status": "CLOSED"}), "reason", "BAD_INPUT"),
        (json!({"filter": {}, "status": "CLOSED", "reason": " "}), "reason", "BAD_INPUT"),
        (json!({"filter": {}, "assignee": "nobody"}), "assignee", "NOT_FOUND"),
        (json!({"filter": {}, "addTags": [" "]}), "addTags", "BAD_INPUT"),
    ] {
        let answer = update(&app, &token, input.clone()).await;
        assert_eq!((&answer["changed"], &answer["errors"][0]["field"]), (&json!(0), &json!(field)), "{input}");
        assert_eq!(answer["errors"][0]["code"], code, "{input}");
    }
    let blank = app.ask(&token, COMMENT, json!({"i": {"id": new[0]["id"], "text": " "}})).await;
    assert_eq!(blank["commentAlert"]["errors"][0], json!({"field": "text", "code": "BAD_INPUT"}));

    let log = "query($a: String) { auditLog(first: 3, after: $a) { nodes { by action objectId detail }
        pageInfo { hasNextPage endCursor } } }";
    assert_eq!(app.code(Some(&token), log, json!({})).await, "FORBIDDEN");
    let admin = app.login("admin", ADMIN).await;
    let page = app.ask(&admin, log, json!({})).await["auditLog"].take();
    assert_eq!(page["nodes"][0]["action"], "commentAlert");
    assert_eq!((&page["nodes"][0]["objectId"], &page["nodes"][0]["by"]), (&new[0]["id"], &json!("analyst")));
    let detail: Value = serde_json::from_str(page["nodes"][1]["detail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["from"]["status"], &detail["to"]["status"]), (&json!("new"), &json!("acknowledged")));
    let rest = app.ask(&admin, log, json!({"a": page["pageInfo"]["endCursor"]})).await["auditLog"].take();
    assert_eq!((rest["nodes"].as_array().unwrap().len(), &rest["pageInfo"]["hasNextPage"]), (2, &json!(false)));
}

#[tokio::test]
async fn a_scope_holds_for_alerts_too() {
    let app = app().await;
    let catalog = &*app.pipeline.catalog;
    for (name, role) in [("ann", Role::Analyst), ("bob", Role::Admin)] {
        let mut user = auth::create_user(catalog, name, ANALYST, role).await.unwrap();
        user.scope = Scope::hosts(["HOST1.example"]);
        catalog.update_user(&user).await.unwrap();
    }
    let admin = app.login("admin", ADMIN).await;
    let hidden = list(&app, &admin, json!({"host": "host0.example"})).await[0]["id"].clone();
    let token = app.login("ann", ANALYST).await;
    let seen = list(&app, &token, Value::Null).await;
    assert_eq!((seen.len(), &seen[0]["host"]), (1, &json!("host1.example")));
    let counts = app.ask(&token, "{ alertCounts(by: HOST) { items { key } total } }", json!({})).await;
    assert_eq!(counts["alertCounts"], json!({"items": [{"key": "host1.example"}], "total": 1}));
    let node = app.ask(&token, "query($id: ID!) { node(id: $id) { id } }", json!({"id": hidden})).await;
    assert_eq!(node["node"], Value::Null);
    let foreign = json!({"ids": [hidden], "status": "CLOSED", "reason": "known"});
    assert_eq!(update(&app, &token, foreign).await["changed"], 0);
    assert_eq!(update(&app, &token, json!({"filter": {}, "status": "CLOSED", "reason": "known"})).await["changed"], 1);
    let said = app.ask(&token, COMMENT, json!({"i": {"id": hidden, "text": "x"}})).await;
    assert_eq!(said["commentAlert"]["errors"][0], json!({"field": "id", "code": "NOT_FOUND"}));
    let log = app.code(Some(&app.login("bob", ANALYST).await), "{ auditLog { nodes { by } } }", json!({})).await;
    assert_eq!(log, "FORBIDDEN");
}

#[tokio::test]
async fn hits_are_counted_by_rule_of_all_events_or_of_those_of_a_search() {
    let app = app().await;
    let query = "query($c: ConditionInput, $f: HitFilterInput) { ruleHits(condition: $c, filter: $f) {
        items { ruleId count rule { title level } condition } leftOut lookedAt total { value } } }";
    let token = app.login("viewer", VIEWER).await;
    let ask = async |c: Value, f: Value| app.ask(&token, query, json!({"c": c, "f": f})).await["ruleHits"].take();
    let all = ask(Value::Null, Value::Null).await;
    let count = all["total"]["value"].as_u64().unwrap();
    assert_eq!((&all["items"][0]["ruleId"], &all["items"][0]["count"]), (&json!(RULE_ID), &json!(count)));
    assert_eq!((&all["lookedAt"], &all["leftOut"]), (&json!(count), &json!(0)));
    // The rule as a search finds what the rule has hit.
    let said = all["items"][0]["condition"].clone();
    assert_eq!(ask(said, Value::Null).await["items"][0]["count"], count);
    let on = json!({"match": {"field": "Computer", "values": ["host0.example"]}});
    let (by_search, by_filter) = (ask(on, Value::Null).await, ask(Value::Null, json!({"host": "host0.example"})).await);
    assert_eq!((&by_search["items"][0]["count"], &by_filter["items"][0]["count"]), (&json!(2), &json!(2)));
    assert_eq!((&by_search["lookedAt"], &by_filter["total"]["value"]), (&json!(count), &json!(2)));
    let none = json!({"match": {"field": "EventID", "values": ["1"]}});
    assert_eq!(ask(none, Value::Null).await["items"], json!([]));
    // Of other hosts one is told nothing.
    let catalog = &*app.pipeline.catalog;
    let mut user = auth::create_user(catalog, "ann", ANALYST, Role::Viewer).await.unwrap();
    user.scope = Scope::hosts(["HOST1.example"]);
    catalog.update_user(&user).await.unwrap();
    let scoped = app.login("ann", ANALYST).await;
    assert_eq!(app.ask(&scoped, query, json!({})).await["ruleHits"]["total"]["value"], 2);
}
