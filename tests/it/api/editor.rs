//! The rule editor: a search becomes a rule and back, and a rule is tried before it is enabled.
use super::app::{ANALYST, TestApp, VIEWER, events};
use serde_json::json;

#[tokio::test]
async fn a_search_becomes_a_rule_that_can_be_tried_and_explained() {
    let app = TestApp::start().await;
    app.store(events(30, 3)).await;
    let token = app.login("analyst", ANALYST).await;
    let condition = json!({"and": [
        {"match": {"field": "DestinationIp", "operator": "STARTS_WITH", "values": ["203.0.113."]}},
        {"not": {"match": {"field": "port", "operator": "EQUALS", "values": ["80"]}}},
    ]});
    let create = "mutation($i: CreateRuleInput!) { createRule(input: $i) { rule { ruleId title level text origin } errors { code message } } }";
    let input = json!({"i": {"condition": condition, "title": "From a search", "level": "high"}});
    let made = app.ask(&token, create, input).await["createRule"]["rule"].take();
    assert_eq!(
        (&made["title"], &made["level"], &made["origin"]),
        (&json!("From a search"), &json!("high"), &json!("search of analyst"))
    );
    let bad = json!({"i": {"condition": condition, "title": "x", "level": "worst"}});
    assert_eq!(app.ask(&token, create, bad).await["createRule"]["errors"][0]["code"], "BAD_INPUT");

    let yaml = made["text"].as_str().unwrap();
    let back = "query($y: String!) { ruleSearch(yaml: $y) { condition reason } checkRule(yaml: $y) { severity line column message } }";
    let back = app.ask(&token, back, json!({"y": yaml})).await;
    assert_eq!(back["ruleSearch"]["condition"], condition);
    let problems = back["checkRule"].as_array().unwrap();
    assert!(problems.iter().all(|p| p["severity"] != "ERROR"), "{problems:?}");

    let search = "query($c: ConditionInput) { events(condition: $c, first: 1) { nodes { eventId } total { value } } }";
    let found = app.ask(&token, search, json!({"c": condition})).await;
    let trial = "query($y: String!) { testRule(yaml: $y, first: 2) { total { value exact } sample { eventId } } }";
    for yaml in [yaml.to_owned(), yaml.replace("DestinationIp|startswith:", "DestinationIp|startswith|cased:")] {
        let tried = app.ask(&token, trial, json!({"y": yaml})).await["testRule"].take();
        assert_eq!(tried["total"]["value"], found["events"]["total"]["value"]);
        assert_eq!(tried["total"]["exact"], true);
        assert_eq!(tried["sample"][0], found["events"]["nodes"][0]);
        assert_eq!(tried["sample"].as_array().unwrap().len(), 2);
    }
    let explain = "query($y: String!, $e: ID!) { explainRule(yaml: $y, event: $e) { matches unrelated condition parts { text holds event } } }";
    let event = &found["events"]["nodes"][0]["eventId"];
    let explained = app.ask(&token, explain, json!({"y": yaml, "e": event})).await["explainRule"].take();
    assert_eq!(explained["matches"], true, "{explained}");

    let viewer = app.login("viewer", VIEWER).await;
    let broken = app.ask(&viewer, "{ checkRule(yaml: \"a: [\") { severity line } }", json!({})).await;
    assert_eq!(broken["checkRule"][0]["severity"], "ERROR");
    assert_eq!(app.code(Some(&viewer), trial, json!({"y": "a: b"})).await, "BAD_INPUT");
}
