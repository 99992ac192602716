//! Rule packs by upload, in place; what rules cost and how often they hit.
use super::app::{ANALYST, RULE, TestApp, VIEWER, events};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LOUD: &str = r"
title: Any connection
id: loud
level: low
logsource: {product: windows, category: network_connection}
detection: {sel: {DestinationPort: 443}, condition: sel}
";

fn pack(files: &[(&str, &str)]) -> Vec<u8> {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gz);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

async fn upload(app: &TestApp, token: &str, name: &str, body: Vec<u8>) -> (u16, Value) {
    let request = app.client.post(app.url(&format!("/api/rules?name={name}"))).bearer_auth(token).body(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_pack_is_imported_and_updated_in_place() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let first = pack(&[("a/rule.yml", RULE), ("a/loud.yml", LOUD), ("README", "no rule"), ("b/bad.yml", "title: [")]);
    let (status, answer) = upload(&app, &token, "pack.tar.gz", first).await;
    assert_eq!((status, &answer["read"], &answer["changed"]), (200, &json!(2), &json!(2)), "{answer}");
    assert_eq!(answer["otherFiles"], json!(["pack.tar.gz!README"]));
    assert!(answer["issues"][0].as_str().unwrap().starts_with("pack.tar.gz!b/bad.yml"), "{answer}");
    let switch = "mutation { enableRule(input: {id: \"loud\", enabled: false}) { rule { enabled } } }";
    app.ask(&token, switch, json!({})).await;

    let second = pack(&[("a/rule.yml", RULE), ("a/loud.yml", &LOUD.replace("443", "80"))]);
    let (_, answer) = upload(&app, &token, "pack.tar.gz", second).await;
    assert_eq!((&answer["read"], &answer["changed"]), (&json!(2), &json!(1)));
    let rule = "{ rule(id: \"loud\") { enabled origin text history { text } } }";
    let rule = app.ask(&token, rule, json!({})).await["rule"].take();
    assert_eq!((&rule["enabled"], &rule["origin"]), (&json!(false), &json!("pack.tar.gz!a/loud.yml")));
    assert_eq!(rule["history"].as_array().unwrap().len(), 2);
    assert!(rule["text"].as_str().unwrap().contains("80"));

    let (_, answer) = upload(&app, &token, "off.yml&enabled=false", LOUD.replace("id: loud", "id: off").into()).await;
    assert_eq!((&answer["read"], &answer["changed"]), (&json!(1), &json!(1)), "{answer}");
    let off = app.ask(&token, "{ rule(id: \"off\") { enabled origin } }", json!({})).await["rule"].take();
    assert_eq!(off, json!({"enabled": false, "origin": "off.yml"}));

    let (status, answer) =
        upload(&app, &token, "one.yml", RULE.replace("category: network_connection", "category: x").into()).await;
    assert_eq!((status, &answer["refused"][0]["title"]), (200, &json!("Test connection to a documentation network")));
    let mut broken = pack(&[("a/rule.yml", RULE)]);
    broken.truncate(broken.len() / 2);
    assert_eq!(upload(&app, &token, "broken.tar.gz", broken).await.0, 400);
    let viewer = app.login("viewer", VIEWER).await;
    assert_eq!(upload(&app, &viewer, "one.yml", RULE.into()).await.0, 403);
    assert_eq!(upload(&app, "none", "one.yml", RULE.into()).await.0, 401);
}

#[tokio::test]
async fn slow_and_noisy_rules_are_reported_and_matched_all_the_same() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let registry = LOUD
        .replace("loud", "unseen")
        .replace("network_connection", "registry_set")
        .replace("DestinationPort: 443", "Details: x");
    let (_, answer) =
        upload(&app, &token, "pack.tar.gz", pack(&[("1.yml", RULE), ("2.yml", LOUD), ("3.yml", &registry)])).await;
    assert_eq!(answer["changed"], 3, "{answer}");
    app.store(events(150, 3)).await;
    let query =
        "query($f: RuleFilterInput) { rules(filter: $f) { nodes { ruleId hits cost { nanoseconds events } costPending slow noisy }
        thresholds { slow noisyHits noisyEvents } } }";
    let found = app.ask(&token, query, json!({})).await["rules"].take();
    let limit = found["thresholds"]["slow"].as_u64().unwrap();
    let rules: BTreeMap<&str, &Value> =
        found["nodes"].as_array().unwrap().iter().map(|r| (r["ruleId"].as_str().unwrap(), r)).collect();
    assert_eq!(rules.len(), 3);
    assert!(rules.values().all(|r| r["costPending"] == false));
    assert_eq!(rules["unseen"]["cost"], Value::Null, "there is no such event");
    for (id, rule) in rules.iter().filter(|(id, _)| **id != "unseen") {
        assert_eq!(rule["cost"]["events"], 100, "{id}");
        assert!(rule["cost"]["nanoseconds"].as_u64().unwrap() > 0);
        assert_eq!(rule["slow"], rule["cost"]["nanoseconds"].as_u64().unwrap() >= limit, "{id}");
    }
    assert_eq!((&rules["loud"]["noisy"], &rules["loud"]["hits"]), (&json!(true), &json!(150)));
    assert_eq!(rules.values().filter(|r| r["noisy"] == true).count(), 1);
    let ids = async |filter: Value| {
        let found = app.ask(&token, query, json!({"f": filter})).await;
        let nodes = found["rules"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|r| r["ruleId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(json!({"noisy": true})).await, ["loud"]);
    let slow = rules.iter().filter(|(_, r)| r["slow"] == true).count();
    assert_eq!(ids(json!({"slow": true})).await.len(), slow);
    assert_eq!(ids(json!({"slow": false})).await.len(), 3 - slow);
    app.store(events(160, 3).split_off(300)).await;
    let found = app.ask(&token, query, json!({"f": {"noisy": true}})).await;
    assert_eq!(found["rules"]["nodes"][0]["hits"], 160, "matched all the same");
}
