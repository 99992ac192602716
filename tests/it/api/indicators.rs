//! A threat report over the API: imported, matched, listed with its hits, removed as a whole.
use super::app::{ANALYST, TestApp, VIEWER, events};
use serde_json::{Value, json};

const REPORT: &str =
    "type,value,comment\nip-dst,203.0.113.1,C2\nfilename,tool3.exe,dropper\ndomain,x.example,\nmutex,m,\n";
const LIST: &str = "query($f: IndicatorFilterInput) { indicators(filter: $f, first: 2) { nodes { kind value term title hits importId } \
    total { value } pageInfo { hasNextPage } } indicatorImports { importId name format by indicators rules issues } \
    rules { nodes { title tags } } hits { nodes { ruleTitle matched } } }";

async fn import(app: &TestApp, token: &str, text: &str) -> Value {
    let query = "mutation($i: ImportIndicatorsInput!) { importIndicators(input: $i) { import { importId issues } errors { field code message } } }";
    app.ask(token, query, json!({"i": {"name": "report.csv", "text": text}})).await["importIndicators"].take()
}

#[tokio::test]
async fn a_report_is_matched_counted_and_removed() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let done = import(&app, &token, REPORT).await;
    let id = done["import"]["importId"].as_str().unwrap().to_owned();
    assert_eq!(done["import"]["issues"], 1);
    // The same again is the same import.
    assert_eq!(import(&app, &token, REPORT).await["import"]["importId"], id.as_str());
    app.store(events(20, 2)).await;
    let answer = app.ask(&token, LIST, json!({})).await;
    assert_eq!(answer["indicators"]["total"]["value"], 3);
    assert_eq!(answer["indicators"]["pageInfo"]["hasNextPage"], true);
    let first = &answer["indicators"]["nodes"][0];
    assert_eq!(
        (&first["kind"], &first["value"], &first["term"]),
        (&json!("file name"), &json!("tool3.exe"), &json!("\\tool3.exe"))
    );
    // The process and its connection.
    assert_eq!(first["hits"], 2);
    assert_eq!(answer["indicators"]["nodes"][1]["hits"], 1);
    assert_eq!(answer["indicatorImports"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&answer["indicatorImports"][0]["rules"], &answer["indicatorImports"][0]["by"]),
        (&json!(3), &json!("analyst"))
    );
    assert_eq!(answer["rules"]["nodes"].as_array().unwrap().len(), 3);
    let hits = answer["hits"]["nodes"].as_array().unwrap();
    assert!(hits.iter().any(|h| h["matched"] == json!(["203.0.113.1"])), "{hits:?}");
    let domains = app.ask(&token, LIST, json!({"f": {"kind": "domain", "text": "X.EX", "expired": false}})).await;
    assert_eq!(domains["indicators"]["total"]["value"], 1);
    let letters = "query($j: ID) { deadLetters(job: $j) { nodes { reason } } }";
    let letters = app.ask(&token, letters, json!({"j": id})).await;
    assert!(letters["deadLetters"]["nodes"][0]["reason"].as_str().unwrap().contains("mutex"));

    let remove = "mutation($i: RemoveIndicatorsInput!) { removeIndicators(input: $i) { removedId errors { code } } }";
    let removed = app.ask(&token, remove, json!({"i": {"importId": id}})).await;
    assert_eq!(removed["removeIndicators"]["removedId"], id.as_str());
    let answer = app.ask(&token, LIST, json!({})).await;
    assert_eq!(answer["indicators"]["total"]["value"], 0);
    assert_eq!((&answer["indicatorImports"], &answer["rules"]["nodes"]), (&json!([]), &json!([])));
    assert_eq!(answer["hits"]["nodes"].as_array().unwrap().len(), 3, "hits stay");
    let again = app.ask(&token, remove, json!({"i": {"importId": id}})).await;
    assert_eq!(again["removeIndicators"]["errors"][0]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn a_bad_report_changes_nothing() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let done = import(&app, &token, "<html/>").await;
    assert_eq!((&done["import"], &done["errors"][0]["code"]), (&Value::Null, &json!("BAD_INPUT")));
    let post = |body: Vec<u8>| app.client.post(app.url("/api/indicators?name=a.csv")).bearer_auth(&token).body(body);
    assert_eq!(post(b"<!DOCTYPE a><ioc/>".to_vec()).send().await.unwrap().status(), 400);
    assert_eq!(post(vec![b'a'; 33 << 20]).send().await.unwrap().status(), 413);
    let answer = app.ask(&token, LIST, json!({})).await;
    assert_eq!((&answer["indicators"]["total"]["value"], &answer["indicatorImports"]), (&json!(0), &json!([])));
    let good = post(REPORT.as_bytes().to_vec()).send().await.unwrap();
    assert_eq!(good.status(), 200);
    assert_eq!(good.json::<Value>().await.unwrap()["indicators"], 3);
    assert!(app.spooled().is_empty(), "{:?}", app.spooled());
    let viewer = app.login("viewer", VIEWER).await;
    let refused =
        app.client.post(app.url("/api/indicators")).bearer_auth(viewer).body("x.example").send().await.unwrap();
    assert_eq!(refused.status(), 403);
}

const AS_SEARCH: &str = "query($n: String!, $t: String!) { reportSearch(name: $n, text: $t) { condition format indicators values \
    issueTotal issues { position reason } } }";

#[tokio::test]
async fn a_report_becomes_a_search_and_nothing_is_stored() {
    let app = TestApp::start().await;
    app.store(events(20, 2)).await;
    let token = app.login("viewer", VIEWER).await;
    let made = app.ask(&token, AS_SEARCH, json!({"n": "report.csv", "t": REPORT})).await["reportSearch"].take();
    let condition = &made["condition"];
    let of = |field: &str, operator: &str, value: &str| json!({"match": {"field": field, "operator": operator, "values": [value]}});
    let mut expected = vec![of("file", "ENDS_WITH", "\\tool3.exe"), of("ip", "EQUALS", "203.0.113.1")];
    expected.extend(["QueryName", "DestinationHostname", "SourceHostname"].map(|f| of(f, "EQUALS", "x.example")));
    let mut said = condition["or"].as_array().unwrap().clone();
    said.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(said, expected);
    assert_eq!(
        (&made["format"], &made["indicators"], &made["values"], &made["issueTotal"]),
        (&json!("CSV"), &json!(3), &json!(5), &json!(1))
    );
    assert!(made["issues"][0]["reason"].as_str().unwrap().contains("mutex"), "{made}");

    let search = "query($c: ConditionInput) { events(condition: $c, first: 1) { total { value } } }";
    let found = app.ask(&token, search, json!({"c": condition})).await;
    // The process, its connection, and one to the address.
    assert_eq!(found["events"]["total"]["value"], 3);
    let answer = app.ask(&token, LIST, json!({})).await;
    assert_eq!((&answer["indicators"]["total"]["value"], &answer["indicatorImports"]), (&json!(0), &json!([])));
    assert_eq!(answer["rules"]["nodes"], json!([]));
}

#[tokio::test]
async fn what_a_search_cannot_take_is_told() {
    let app = TestApp::start().await;
    let token = app.login("viewer", VIEWER).await;
    let ask =
        async |text: &str| app.ask(&token, AS_SEARCH, json!({"n": "list", "t": text})).await["reportSearch"].take();
    let addresses: String = (0..10_001).map(|n| format!("10.1.{}.{}\n", n / 250, n % 250)).collect();
    let made = ask(&format!("{addresses}evil.example\n")).await;
    assert_eq!((&made["indicators"], &made["values"], &made["issueTotal"]), (&json!(10_002), &json!(3), &json!(1)));
    let issue = &made["issues"][0];
    assert_eq!(issue["position"], "address");
    assert!(issue["reason"].as_str().unwrap().contains("(indicators: 10001)"), "{issue}");
    // Either alone fits, both do not.
    let hashes: String = (0..9_999).map(|n| format!("{n:032x}\n")).skip(1).collect();
    let made = ask(&format!("{hashes}10.0.0.1\n10.0.0.2\nevil.example\n")).await;
    assert_eq!((&made["values"], &made["issueTotal"]), (&json!(10_000), &json!(1)), "{}", made["issues"]);
    let none = ask("type,value\nmutex,m\n").await;
    assert_eq!(none["condition"], Value::Null);
    assert_ne!(none["issueTotal"], json!(0));
    for (text, code) in [("<html/>".to_owned(), "BAD_INPUT"), ("a".repeat(950 << 10), "TOO_LARGE")] {
        assert_eq!(app.code(Some(&token), AS_SEARCH, json!({"n": "x", "t": text})).await, code);
    }
}
