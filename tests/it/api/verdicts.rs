//! Why a rule is not matched although nothing is wrong with it; what rules take over; who may change them.
use super::app::{ANALYST, RULE, TestApp, VIEWER, events};
use serde_json::{Value, json};
use sysmonsearch::event::{Period, Scope};

const RULE_ID: &str = "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11";
const IMPORT: &str = "mutation($i: ImportRulesInput!) { importRules(input: $i) { changed superseded { ruleId by }
    rules { ruleId refused blocked enabled } errors { message } } }";
const ENABLE: &str = "mutation($i: EnableRuleInput!) { enableRule(input: $i) { rule { enabled } errors { code } } }";
const DELETE: &str = "mutation($i: DeleteRuleInput!) { deleteRule(input: $i) { deletedId errors { code } } }";
const SUPPRESS: &str = "mutation($i: SuppressRuleInput!) { suppressRule(input: $i) { errors { code } } }";

async fn import(app: &TestApp, token: &str, yaml: &str) -> Value {
    app.ask(token, IMPORT, json!({"i": {"yaml": yaml}})).await["importRules"].take()
}

async fn rule(app: &TestApp, token: &str, id: &str) -> Value {
    let query = "query($id: ID!) { rule(id: $id) { ruleId enabled refused blocked supersededBy
        related { ruleId relation } suppression { seconds } } }";
    app.ask(token, query, json!({"id": id})).await["rule"].take()
}

/// A rule of so many parts that no filter can join it.
fn wide() -> String {
    let parts: String = (0..13).map(|n| format!("  s{n}: {{DestinationPort: {n}}}\n")).collect();
    format!(
        "title: wide\nid: wide\nlogsource: {{product: windows, category: network_connection}}\ndetection:\n{parts}  condition: 2 of s*\n"
    )
}

#[tokio::test]
async fn what_a_filter_does_to_a_stored_rule_is_seen_until_the_filter_goes() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    assert_eq!(import(&app, &token, &wide()).await["rules"][0]["blocked"], Value::Null);
    let filter = "title: f\nid: f\nfilter:\n  rules: any\n  s: {User: ann}\n  condition: not s\n";
    assert_eq!(import(&app, &token, filter).await["errors"], json!([]));
    let blocked = rule(&app, &token, "wide").await;
    assert_eq!(blocked["refused"], Value::Null);
    assert!(blocked["blocked"].as_str().unwrap().contains("beside a filter"), "{blocked}");
    let listed = app.ask(&token, "{ rules(filter: {refused: true}) { nodes { ruleId } } }", json!({})).await;
    assert_eq!(listed["rules"]["nodes"], json!([{"ruleId": "wide"}]));
    let hunt = "mutation { startHunt(input: {rules: [\"wide\"]}) { job { id } errors { message } } }";
    let refused = app.ask(&token, hunt, json!({})).await["startHunt"]["errors"][0]["message"].take();
    assert!(refused.as_str().unwrap().contains("beside a filter"), "{refused}");

    app.ask(&token, ENABLE, json!({"i": {"id": "f", "enabled": false}})).await;
    assert_eq!(rule(&app, &token, "wide").await["blocked"], Value::Null);
    // Both at once: it is no verdict about the rule that stays.
    let both =
        import(&app, &token, &format!("{}---\n{}", wide().replace("wide", "both"), filter.replace("id: f", "id: g")))
            .await;
    let of_both = both["rules"].as_array().unwrap().iter().find(|r| r["ruleId"] == "both").unwrap();
    assert!(of_both["refused"] == Value::Null && of_both["blocked"].is_string(), "{both}");
    app.ask(&token, DELETE, json!({"i": {"id": "g"}})).await;
    assert_eq!(rule(&app, &token, "both").await["blocked"], Value::Null);

    let idle = "title: h\nid: h\nfilter:\n  rules: [none]\n  s: {User: ann}\n  condition: not s\n";
    let idle = import(&app, &token, idle).await;
    assert!(idle["rules"][0]["blocked"].as_str().unwrap().contains("'none' is no rule here"), "{idle}");
}

fn newer(id: &str, related: &str) -> String {
    RULE.replace(RULE_ID, id).replace("status: test", &format!("status: test\nrelated:\n{related}"))
}

#[tokio::test]
async fn a_rule_takes_over_the_settings_of_those_that_it_supersedes() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    app.load_rule().await;
    app.ask(&token, SUPPRESS, json!({"i": {"id": RULE_ID, "seconds": 600}})).await;
    let create =
        "mutation($i: ExceptionInput!) { createException(input: $i) { exception { ruleIds } errors { message } } }";
    let on = json!({"match": {"field": "Computer", "operator": "EQUALS", "values": ["host0.example"]}});
    app.ask(&token, create, json!({"i": {"rules": [RULE_ID], "condition": on, "reason": "ours"}})).await;

    let related = format!("  - {{id: {RULE_ID}, type: renamed}}\n  - {{id: far, type: similar}}");
    let imported = import(&app, &token, &newer("new", &related)).await;
    assert_eq!(imported["superseded"], json!([{"ruleId": RULE_ID, "by": "new"}]));
    let (old, new) = (rule(&app, &token, RULE_ID).await, rule(&app, &token, "new").await);
    assert_eq!((&old["enabled"], &old["supersededBy"]), (&json!(false), &json!(["new"])));
    assert_eq!((&new["enabled"], &new["suppression"]["seconds"]), (&json!(true), &json!(600)));
    assert_eq!(
        new["related"],
        json!([{"ruleId": RULE_ID, "relation": "renamed"}, {"ruleId": "far", "relation": "similar"}])
    );
    let list = "query($r: ID) { exceptions(rule: $r) { reason } }";
    assert_eq!(app.ask(&token, list, json!({"r": "new"})).await["exceptions"], json!([{"reason": "ours"}]));
    app.store(events(60, 3)).await;
    let hits = "{ hits { nodes { ruleId host } total { value } } }";
    let hits = app.ask(&token, hits, json!({})).await["hits"].take();
    let nodes = hits["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 4, "each event once, and none of the exception: {hits}");
    assert!(nodes.iter().all(|h| h["host"] != "host0.example"), "{hits}");
    let admin = app.login("admin", super::app::ADMIN).await;
    let log = app.ask(&admin, "{ auditLog(first: 1) { nodes { action detail } } }", json!({})).await;
    let last = &log["auditLog"]["nodes"][0];
    assert_eq!(last["action"], "enableRule");
    assert!(last["detail"].as_str().unwrap().contains("\"supersededBy\":\"new\""), "{log}");

    // Once: who enables it again is obeyed, also when the rules come again.
    app.ask(&token, ENABLE, json!({"i": {"id": RULE_ID, "enabled": true}})).await;
    let again =
        import(&app, &token, &format!("{}---\n{}", newer("new", &related), RULE.replace("test", "stable"))).await;
    assert_eq!(again["superseded"], json!([]));
    assert_eq!(rule(&app, &token, RULE_ID).await["enabled"], true);
    // What people switched off stays off under its new name; an older rule that comes later does not begin to match.
    app.ask(&token, ENABLE, json!({"i": {"id": RULE_ID, "enabled": false}})).await;
    app.ask(&token, DELETE, json!({"i": {"id": "new"}})).await;
    import(
        &app,
        &token,
        &newer("newest", &format!("  - {{id: {RULE_ID}, type: merged}}\n  - {{id: late, type: obsolete}}")),
    )
    .await;
    assert_eq!(rule(&app, &token, "newest").await["enabled"], false);
    let late = import(&app, &token, &RULE.replace(RULE_ID, "late")).await;
    assert_eq!((&late["superseded"][0]["by"], &late["rules"][0]["enabled"]), (&json!("newest"), &json!(false)));
    // One that cannot be matched supersedes nothing.
    app.ask(&token, ENABLE, json!({"i": {"id": "late", "enabled": true}})).await;
    let broken = newer("broken", "  - {id: late, type: renamed}").replace("condition: selection", "condition: nothing");
    assert_eq!(import(&app, &token, &broken).await["superseded"], json!([]));
    assert_eq!(rule(&app, &token, "late").await["enabled"], true);
}

#[tokio::test]
async fn who_sees_some_hosts_changes_no_rule() {
    let app = TestApp::start().await;
    app.load_rule().await;
    let catalog = &*app.pipeline.catalog;
    let mut user = catalog.user_by_name("analyst").await.unwrap().unwrap();
    user.scope = Scope::hosts(["host1.example"]);
    catalog.update_user(&user).await.unwrap();
    let token = app.login("analyst", ANALYST).await;
    let remove = "mutation($i: RemoveIndicatorsInput!) { removeIndicators(input: $i) { errors { code } } }";
    let create = "mutation($i: CreateRuleInput!) { createRule(input: $i) { errors { code } } }";
    let indicators = "mutation($i: ImportIndicatorsInput!) { importIndicators(input: $i) { errors { code } } }";
    let hunt = "mutation($i: StartHuntInput!) { startHunt(input: $i) { job { hits } errors { code } } }";
    let cancel = "mutation($i: CancelJobInput!) { cancelJob(input: $i) { errors { code } } }";
    let running = app.pipeline.start_hunt(vec![RULE_ID.into()], Period::default(), "admin").await.unwrap();
    let running = sysmonsearch::serve::graphql::hunt_id(&running.id).to_string();
    let anything = json!({"match": {"field": "Image", "operator": "EXISTS"}});
    for (query, input) in [
        (IMPORT, json!({"yaml": RULE})),
        (ENABLE, json!({"id": RULE_ID, "enabled": false})),
        (DELETE, json!({"id": RULE_ID})),
        (SUPPRESS, json!({"id": RULE_ID, "seconds": 5})),
        (remove, json!({"importId": "x"})),
        (create, json!({"title": "t", "level": "low", "condition": anything})),
        (indicators, json!({"name": "list", "text": "evil.example"})),
        (hunt, json!({"rules": [RULE_ID]})),
        (cancel, json!({"id": running})),
    ] {
        assert_eq!(app.code(Some(&token), query, json!({"i": input})).await, "FORBIDDEN", "{query}");
    }
    // The counts of a hunt are of all hosts.
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(app.code(Some(&token), "{ hunts { hits } }", json!({})).await, "FORBIDDEN");
    assert_eq!(app.ask(&token, node, json!({"id": running})).await["node"], Value::Null);
    let upload = app.client.post(app.url("/api/rules?name=a.yml")).bearer_auth(&token).body(RULE);
    assert_eq!(upload.send().await.unwrap().status(), 403);
    let upload = app.client.post(app.url("/api/indicators?name=a.txt")).bearer_auth(&token).body("evil.example");
    assert_eq!(upload.send().await.unwrap().status(), 403);
    let viewer = app.login("viewer", VIEWER).await;
    assert_eq!(rule(&app, &viewer, RULE_ID).await["enabled"], true);
    assert_eq!(app.ask(&viewer, node, json!({"id": running})).await["node"]["id"], running);
    app.shut_down().await;
}
