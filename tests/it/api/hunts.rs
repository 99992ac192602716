//! Retro-hunts over the API: with a rule, a new rule, a new report; listed, found by id, cancelled.
use super::app::{ANALYST, TestApp, VIEWER, events};
use serde_json::{Value, json};
use std::time::Duration;

const FIELDS: &str = "id name state ruleIds by eventsTotal events hits newHits finishedAt message";

async fn ended(app: &TestApp, token: &str, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ id ... on HuntJob {{ {FIELDS} }} }} }}");
    loop {
        let hunt = app.ask(token, &query, json!({"id": id})).await["node"].take();
        if hunt["state"] != "RUNNING" {
            return hunt;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_past_is_searched_on_the_day_a_rule_is_made() {
    let app = TestApp::start().await;
    app.store(events(100, 3)).await;
    let token = app.login("analyst", ANALYST).await;
    let viewer = app.login("viewer", VIEWER).await;
    let condition = json!({"match": {"field": "DestinationIp", "operator": "STARTS_WITH", "values": ["203.0.113."]}});
    let create = "mutation($i: CreateRuleInput!) { createRule(input: $i) { rule { id ruleId } hunt { id name by } errors { message } } }";
    let input = json!({"i": {"condition": condition, "title": "Seen before", "hunt": true}});
    let made = app.ask(&token, create, input).await["createRule"].take();
    assert_eq!((&made["hunt"]["name"], &made["hunt"]["by"]), (&json!("Seen before"), &json!("analyst")));
    let hunt = ended(&app, &viewer, &made["hunt"]["id"]).await;
    let numbers = ["eventsTotal", "events", "hits", "newHits"].map(|k| hunt[k].as_u64().unwrap());
    assert_eq!(
        (&hunt["state"], numbers),
        (&json!("DONE"), [10, 10, 10, 10]),
        "a search narrows what is looked at: {hunt}"
    );
    assert_eq!(hunt["ruleIds"], json!([made["rule"]["ruleId"]]));
    let hits = app.ask(&viewer, "{ hits(first: 50) { total { value } nodes { joined } } }", json!({})).await;
    assert_eq!(hits["hits"]["total"]["value"], 10);

    // Again, over a part of the time.
    let start = "mutation($i: StartHuntInput!) { startHunt(input: $i) { job { id from } errors { message } } }";
    let period = json!({"from": "2026-03-01T00:00:45Z"});
    let again = json!({"i": {"rules": [made["rule"]["id"]], "period": period}});
    let job = app.ask(&token, start, again).await["startHunt"]["job"].take();
    let hunt = ended(&app, &token, &job["id"]).await;
    assert_eq!((&hunt["hits"], &hunt["newHits"]), (&json!(5), &json!(0)));

    // A report.
    let import = "mutation($i: ImportIndicatorsInput!) { importIndicators(input: $i) { import { importId } hunt { id } errors { message } } }";
    let report = json!({"i": {"name": "list.txt", "text": "203.0.113.1\n203.0.113.11\n", "hunt": true}});
    let report = app.ask(&token, import, report).await["importIndicators"].take();
    let hunt = ended(&app, &token, &report["hunt"]["id"]).await;
    assert_eq!((&hunt["state"], &hunt["newHits"]), (&json!("DONE"), &json!(2)), "{hunt}");
    let of_report = json!({"i": {"importId": report["import"]["importId"]}});
    let job = app.ask(&token, start, of_report).await["startHunt"]["job"].take();
    assert_eq!(ended(&app, &token, &job["id"]).await["newHits"], 0);

    let list = app.ask(&viewer, "{ hunts { id state } importJobs { id } }", json!({})).await;
    assert_eq!((list["hunts"].as_array().unwrap().len(), &list["importJobs"]), (4, &json!([])));
    let cancel = "mutation($i: CancelJobInput!) { cancelJob(input: $i) { cancelledId errors { code message } } }";
    for (id, code) in [(&job["id"], "NOT_FOUND"), (&made["rule"]["id"], "BAD_INPUT")] {
        let answer = app.ask(&token, cancel, json!({"i": {"id": id}})).await["cancelJob"].take();
        assert_eq!(answer["errors"][0]["code"], code, "an ended job, or none: {answer}");
    }
    for (input, part) in [(json!({"rules": ["none"]}), "no rule none"), (json!({"importId": "none"}), "no such import")]
    {
        let answer = app.ask(&token, start, json!({"i": input})).await["startHunt"].take();
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains(part), "{answer}");
    }
    app.shut_down().await;
}

#[tokio::test]
async fn an_uploaded_report_is_hunted_with_at_once() {
    let app = TestApp::start().await;
    app.store(events(100, 3)).await;
    let token = app.login("analyst", ANALYST).await;
    let post = async |query: &str, body: &'static str| {
        let request = app.client.post(app.url(&format!("/api/indicators?{query}"))).bearer_auth(&token).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json::<Value>().await.unwrap()
    };
    let plain = post("name=a.txt", "203.0.113.1\n").await;
    assert_eq!((&plain["indicators"], &plain["huntId"]), (&json!(1), &Value::Null));
    let hits = "query($i: String) { hits(first: 1) { total { value } } indicators(filter: {importId: $i}) { nodes { value hits } } }";
    assert_eq!(app.ask(&token, hits, json!({})).await["hits"]["total"]["value"], 0, "nothing is searched unless asked");
    let hunted = post("name=b.txt&hunt=true", "203.0.113.11\ntool7.exe\nnever.example\n").await;
    let hunt = ended(&app, &token, &hunted["huntId"]).await;
    // The connection to the address, and the process and the connection of the program.
    assert_eq!((&hunt["state"], &hunt["newHits"], &hunt["by"]), (&json!("DONE"), &json!(3), &json!("analyst")));
    let found = app.ask(&token, hits, json!({"i": hunted["importId"]})).await;
    let counts: Vec<(&str, u64)> = found["indicators"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["value"].as_str().unwrap(), i["hits"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("tool7.exe", 2), ("203.0.113.11", 1), ("never.example", 0)]);
    // Another report with the same address: each has its hit, and either names the other.
    let second = post("name=second.txt&hunt=true", "203.0.113.11\n").await;
    assert_eq!(ended(&app, &token, &second["huntId"]).await["newHits"], 1);
    let shared = "{ hits(first: 50) { nodes { ruleId matched sharedWith { ruleId matched } } } }";
    let shared = app.ask(&token, shared, json!({})).await["hits"]["nodes"].take();
    let of_address: Vec<&Value> =
        shared.as_array().unwrap().iter().filter(|h| h["matched"] == json!(["203.0.113.11"])).collect();
    assert_eq!(of_address.len(), 2, "{shared}");
    for (one, other) in [(0, 1), (1, 0)] {
        let expected = json!([{"ruleId": of_address[other]["ruleId"], "matched": ["203.0.113.11"]}]);
        assert_eq!(of_address[one]["sharedWith"], expected);
    }
    assert_eq!(shared.as_array().unwrap().iter().filter(|h| h["sharedWith"] == json!([])).count(), 2);
    // A report of which nothing can be matched has nothing to hunt with.
    let request = app.client.post(app.url("/api/indicators?hunt=true&name=c.csv")).bearer_auth(&token);
    let none = request.body("type,value\nmutex,m\n").send().await.unwrap();
    assert_eq!(none.status(), 200);
    assert_eq!(none.json::<Value>().await.unwrap()["huntId"], Value::Null);
    app.shut_down().await;
}
