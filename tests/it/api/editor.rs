//! The rule editor: a search becomes a rule and back, and a rule is tried before it is enabled.
use super::app::{ANALYST, RULE, TestApp, VIEWER, events};
use serde_json::{Value, json};

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

#[tokio::test]
async fn a_search_is_read_as_a_rule_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let token = app.login("viewer", VIEWER).await;
    let query = "query($c: ConditionInput!, $t: String!, $l: String!) {
        searchRule(condition: $c, title: $t, level: $l, description: \"Seen once.\") { yaml reason } }";
    let ask = async |condition: &Value| {
        let asked = json!({"c": condition, "t": " From a search ", "l": "High"});
        app.ask(&token, query, asked).await["searchRule"].take()
    };
    let condition = json!({"and": [
        {"match": {"field": "ip", "operator": "CIDR", "values": ["203.0.113.0/24"]}},
        {"not": {"match": {"field": "Image", "operator": "ENDS_WITH", "values": ["\\tool1.exe", "\\tool2.exe"]}}},
    ]});
    let made = ask(&condition).await;
    assert_eq!(made["reason"], Value::Null, "{made}");
    let yaml = made["yaml"].as_str().unwrap();
    for part in ["title: From a search\n", "description: Seen once.\n", "level: high", "id: "] {
        assert!(yaml.contains(part), "{part:?} in {yaml}");
    }
    let back = "query($y: String!) { ruleSearch(yaml: $y) { condition reason } rules { total { value } } }";
    let back = app.ask(&token, back, json!({"y": yaml})).await;
    assert_eq!(back["ruleSearch"], json!({"condition": condition, "reason": null}));
    assert_eq!(back["rules"]["total"]["value"], 0);

    let none = ask(&json!({"match": {"field": "CommandLine", "operator": "EQUALS", "values": ["-"]}})).await;
    assert_eq!(none["yaml"], Value::Null);
    assert!(none["reason"].as_str().unwrap().contains("ask for NOT exists"), "{none}");
    for (title, level) in [("x", "worst"), ("  ", "high")] {
        let bad = json!({"c": condition, "t": title, "l": level});
        assert_eq!(app.code(Some(&token), query, bad).await, "BAD_INPUT", "{title:?}, {level}");
    }
}

#[tokio::test]
async fn a_rule_can_be_stored_switched_off_and_enabled_later() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let condition = json!({"match": {"field": "DestinationIp", "operator": "STARTS_WITH", "values": ["203.0.113."]}});
    let create = "mutation($i: CreateRuleInput!) { createRule(input: $i) {
        rule { ruleId enabled text } hunt { id } errors { message } } }";
    let import = "mutation($i: ImportRulesInput!) { importRules(input: $i) {
        rules { ruleId enabled } hunt { id } errors { message } } }";
    let input = json!({"i": {"condition": condition, "title": "Off", "enabled": false, "hunt": true}});
    let made = app.ask(&token, create, input).await["createRule"].take();
    assert_eq!((&made["rule"]["enabled"], &made["hunt"]), (&json!(false), &Value::Null), "{made}");
    let id = made["rule"]["ruleId"].clone();
    let of_pack = json!({"i": {"yaml": RULE, "enabled": false}});
    let pack = app.ask(&token, import, of_pack).await["importRules"]["rules"].take();
    assert_eq!(pack[0]["enabled"], false);
    let mut first = events(60, 3);
    let second = first.split_off(60);
    app.store(first).await;
    let hits = "{ hits(first: 50) { nodes { ruleId } } }";
    assert_eq!(app.ask(&token, hits, json!({})).await["hits"]["nodes"], json!([]));
    let trial = app.ask(&token, TRIAL, json!({"y": made["rule"]["text"]})).await;
    assert_eq!(trial["testRule"]["total"]["value"], 3);

    let enable = "mutation($i: EnableRuleInput!) { enableRule(input: $i) { rule { enabled } errors { code } } }";
    let enabled = app.ask(&token, enable, json!({"i": {"id": id, "enabled": true}})).await;
    assert_eq!(enabled["enableRule"]["rule"]["enabled"], true);
    app.store(second).await;
    let found = app.ask(&token, hits, json!({})).await["hits"]["nodes"].take();
    assert_eq!(found, json!([{"ruleId": id}, {"ruleId": id}, {"ruleId": id}]));

    // What is there stays as people have left it.
    for (yaml, enabled) in [(made["rule"]["text"].as_str().unwrap(), true), (RULE, false)] {
        let newer = format!("{}\nauthor: somebody\n", yaml.trim_end());
        let input = json!({"i": {"yaml": newer, "enabled": !enabled}});
        let again = app.ask(&token, import, input).await["importRules"].take();
        assert_eq!((&again["errors"], &again["rules"][0]["enabled"]), (&json!([]), &json!(enabled)), "{again}");
    }
}

const TRIAL: &str =
    "query($y: String!, $p: PeriodInput) { testRule(yaml: $y, period: $p, first: 2) { total { value exact }
    sample { eventId } } }";
const EXPLAIN: &str = "query($y: String!, $e: ID!) { explainRule(yaml: $y, event: $e) { matches unrelated condition
    parts { name depth text holds event } } }";

#[tokio::test]
async fn a_trial_and_an_explanation_know_the_exceptions() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(events(60, 3)).await;
    let token = app.login("analyst", ANALYST).await;
    let hits = app.ask(&token, "{ hits { nodes { eventId host } } }", json!({})).await["hits"]["nodes"].take();
    let event = |host: &str| {
        let mut of_host = hits.as_array().unwrap().iter().filter(|h| h["host"] == host);
        of_host.next().unwrap()["eventId"].clone()
    };
    let explained = app.ask(&token, EXPLAIN, json!({"y": RULE, "e": event("host0.example")})).await;
    assert_eq!(explained["explainRule"]["matches"], true);
    assert_eq!(app.ask(&token, TRIAL, json!({"y": RULE})).await["testRule"]["total"]["value"], 6);

    let create = "mutation($i: ExceptionInput!) { createException(input: $i) { errors { message } } }";
    let on = json!({"match": {"field": "Computer", "operator": "EQUALS", "values": ["host0.example"]}});
    let id = "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11";
    let input = json!({"i": {"rules": [id], "condition": on, "reason": "ours", "title": "Scanner"}});
    assert_eq!(app.ask(&token, create, input).await["createException"]["errors"], json!([]));
    let tried = app.ask(&token, TRIAL, json!({"y": RULE})).await["testRule"].take();
    assert_eq!(tried["total"], json!({"value": 4, "exact": true}), "2 of 6 are hidden");
    assert_eq!(tried["sample"].as_array().unwrap().len(), 2);
    let other = RULE.replace(id, "other");
    assert_eq!(app.ask(&token, TRIAL, json!({"y": other})).await["testRule"]["total"]["value"], 6);
    for (host, matches) in [("host0.example", false), ("host1.example", true)] {
        let e = app.ask(&token, EXPLAIN, json!({"y": RULE, "e": event(host)})).await["explainRule"].take();
        assert_eq!(e["matches"], matches, "{e}");
        let parts = e["parts"].as_array().unwrap();
        let filter = parts.iter().find(|p| p["name"] == "Scanner").unwrap();
        assert_eq!((&filter["holds"], &filter["depth"]), (&json!(matches), &json!(0)), "{filter}");
        assert!(filter["text"].as_str().unwrap().starts_with("filter: not "), "{filter}");
        assert!(parts.iter().any(|p| p["name"].as_str().unwrap().starts_with("Scanner: ") && p["depth"] != 0), "{e}");
    }
}

#[tokio::test]
async fn a_correlation_can_be_tried_and_explained() {
    let app = TestApp::start().await;
    app.store(events(60, 3)).await;
    let token = app.login("analyst", ANALYST).await;
    let correlation = "title: Three\nid: three\ncorrelation:\n  type: event_count\n  rules: [6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11]\n  \
        timespan: 1m\n  condition: {gte: 3}\n";
    // A hit each ten seconds: the third completes a window, and the condition goes on to hold.
    assert_eq!(app.code(Some(&token), TRIAL, json!({"y": correlation})).await, "BAD_INPUT", "its rule is not there");
    let both = format!("{RULE}---\n{correlation}");
    let tried = app.ask(&token, TRIAL, json!({"y": both})).await["testRule"].take();
    assert_eq!(tried["total"], json!({"value": 1, "exact": true}));
    let third = tried["sample"][0]["eventId"].clone();
    app.load_rule().await;
    let rule = app.ask(&token, TRIAL, json!({"y": RULE})).await["testRule"].take();
    assert_eq!(rule["total"]["value"], 6);
    let tried = app.ask(&token, TRIAL, json!({"y": correlation})).await["testRule"].take();
    assert_eq!((&tried["total"]["value"], &tried["sample"][0]["eventId"]), (&json!(1), &third), "with the stored rule");
    // The window that ends in the period began before it; what completes none there does not count.
    for (from, count) in [("2026-03-01T00:00:20Z", 1), ("2026-03-01T00:00:30Z", 0)] {
        let tried = app.ask(&token, TRIAL, json!({"y": correlation, "p": {"from": from}})).await;
        assert_eq!(tried["testRule"]["total"]["value"], count, "from {from}");
    }
    let explained = app.ask(&token, EXPLAIN, json!({"y": correlation, "e": third})).await["explainRule"].take();
    assert_eq!(explained["matches"], true, "{explained}");
    assert!(explained["condition"][0].as_str().unwrap().contains("event_count"));
    let parts = explained["parts"].as_array().unwrap();
    let member = parts.iter().find(|p| p["name"] == "Test connection to a documentation network").unwrap();
    assert_eq!(
        (&member["text"], &member["holds"]),
        (&json!("3 matches, of all groups, within the windows that end here"), &json!(true))
    );
    assert!(
        parts.iter().any(|p| p["text"].as_str().unwrap().starts_with("DestinationIp|startswith") && p["holds"] == true)
    );
    let newest = rule["sample"][0]["eventId"].clone();
    let later = app.ask(&token, EXPLAIN, json!({"y": correlation, "e": newest})).await["explainRule"].take();
    assert_eq!(later["matches"], false, "{later}");

    // An exception of the rule takes matches from the correlation.
    let filter =
        "title: f\nid: f\nfilter:\n  rules: any\n  s: {DestinationIp|startswith: '203.0.113.'}\n  condition: not s\n";
    let import = "mutation($i: ImportRulesInput!) { importRules(input: $i) { changed } }";
    app.ask(&token, import, json!({"i": {"yaml": filter}})).await;
    assert_eq!(app.ask(&token, TRIAL, json!({"y": correlation})).await["testRule"]["total"]["value"], 0);
}
