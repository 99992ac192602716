//! Exceptions: what they would have hidden, what they hide, and for how long.
use super::app::{ANALYST, RULE, TestApp, VIEWER, document, events, time};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use sysmonsearch::{
    catalog::HitFilter,
    event::{Event, Scope},
};

const RULE_ID: &str = "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11";
const CREATE: &str = "mutation($i: ExceptionInput!) { createException(input: $i) { exception { filter { id ruleId title
    text } ruleIds reason author until expired } errors { code message } } }";
const PREVIEW: &str =
    "query($i: ExceptionInput!, $p: PeriodInput) { previewException(input: $i, period: $p, first: 1) {
    seen { value exact } hidden { value exact } sample { host } text } }";
const SWITCH: &str = "mutation($i: EnableRuleInput!) { enableRule(input: $i) { rule { enabled } errors { code } } }";

fn on(host: &str) -> Value {
    json!({"match": {"field": "Computer", "operator": "EQUALS", "values": [host]}})
}

/// Events `from` to `to` of [`events`], on three hosts; every tenth is a hit, on host `i % 3`.
fn part(from: usize, to: usize) -> Vec<Event> {
    events(to, 3).split_off(2 * from)
}

/// Numbers of the events that were hit.
async fn hit(app: &TestApp) -> BTreeSet<usize> {
    let hits = app.pipeline.catalog.hits(&Scope::All, &HitFilter::default(), None, 1_000).await.unwrap().hits;
    let number = |t: sysmonsearch::event::Time| (0..1_000).find(|i| t.rfc3339() == rfc3339(*i)).unwrap();
    hits.iter().map(|h| number(h.hit.time)).collect()
}

fn rfc3339(i: usize) -> String {
    format!("{}Z", time(i).replace(' ', "T"))
}

#[tokio::test]
async fn a_preview_sees_what_is_joined() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let rule = "title: Tool\nid: tool\nlogsource: {product: windows, category: file_event}\ndetection: {s: {Image|contains: tool}, condition: s}\n";
    app.pipeline.import_rules(sysmonsearch::rules::parse(rule, "test").rules).await.unwrap();
    let guid = |process: usize| format!("{{aaaaaaaa-0000-0000-0000-{process:012}}}");
    let data = |record: usize, process: usize, more: Value| {
        let mut data = json!({"UtcTime": time(record), "ProcessGuid": guid(process), "Image": r"C:\tool.exe"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let mut lines = String::new();
    for (record, process) in [(1, 1), (2, 2)] {
        let parent = json!({"ParentImage": format!("parent{process}.exe")});
        lines.push_str(&document(1, record, 0, &time(record), data(record, process, parent)));
        let file = json!({"TargetFilename": r"C:\a"});
        lines.push_str(&document(11, record + 10, 0, &time(record + 10), data(record + 10, process, file)));
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    app.store(crate::support::read(file.path()).events).await;
    let parent = json!({"match": {"field": "ParentImage", "operator": "EQUALS", "values": ["parent1.exe"]}});
    let input = json!({"rules": ["tool"], "condition": parent, "reason": "ours"});
    let preview = app.ask(&token, PREVIEW, json!({"i": input})).await["previewException"].take();
    assert_eq!((&preview["seen"]["value"], &preview["hidden"]["value"]), (&json!(2), &json!(1)), "{preview}");
    app.ask(&token, CREATE, json!({"i": input})).await;
    app.pipeline.rebuild_hits().await.unwrap();
    app.pipeline.caught_up().await.unwrap();
    assert_eq!(app.pipeline.catalog.hits(&Scope::All, &HitFilter::default(), None, 9).await.unwrap().hits.len(), 1);
}

#[tokio::test]
async fn an_exception_hides_what_its_preview_says() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(part(0, 60)).await;
    let token = app.login("analyst", ANALYST).await;
    let input = json!({"rules": [RULE_ID], "condition": on("HOST0.example"), "reason": " The scanner of ours "});
    let preview = app.ask(&token, PREVIEW, json!({"i": input})).await["previewException"].take();
    assert_eq!(preview["seen"], json!({"value": 6, "exact": true}));
    assert_eq!(preview["hidden"], json!({"value": 2, "exact": true}));
    assert_eq!(preview["sample"], json!([{"host": "host0.example"}]));
    let late = json!({"i": input, "p": {"from": rfc3339(30)}});
    assert_eq!(app.ask(&token, PREVIEW, late).await["previewException"]["hidden"]["value"], 1);
    assert_eq!(hit(&app).await.len(), 6, "a preview changes nothing");

    let made = app.ask(&token, CREATE, json!({"i": input})).await["createException"].take();
    assert_eq!(made["errors"], json!([]));
    let exception = &made["exception"];
    assert_eq!((&exception["ruleIds"], &exception["author"]), (&json!([RULE_ID]), &json!("analyst")));
    assert_eq!((&exception["reason"], &exception["expired"]), (&json!("The scanner of ours"), &json!(false)));
    let yaml = |text: &Value| text.as_str().unwrap().split_once("logsource").unwrap().1.to_owned();
    assert_eq!(yaml(&exception["filter"]["text"]), yaml(&preview["text"]));
    app.store(part(60, 90)).await;
    assert_eq!(hit(&app).await, BTreeSet::from([0, 10, 20, 30, 40, 50, 70, 80]), "from now on");

    // The rule comes again with another text, as of a newer rule pack.
    let import = "mutation($i: ImportRulesInput!) { importRules(input: $i) { changed } }";
    let newer = RULE.replace("status: test", "status: stable");
    assert_eq!(app.ask(&token, import, json!({"i": {"yaml": newer}})).await["importRules"]["changed"], 1);
    app.store(part(90, 120)).await;
    assert_eq!(hit(&app).await.range(90..).copied().collect::<Vec<_>>(), [100, 110]);

    // Hits follow from the events and the rules as they are: a rebuild says the same as a start with them.
    app.pipeline.rebuild_hits().await.unwrap();
    app.pipeline.caught_up().await.unwrap();
    assert_eq!(hit(&app).await, BTreeSet::from([10, 20, 40, 50, 70, 80, 100, 110]));

    let id = exception["filter"]["id"].clone();
    for (enabled, from, expected) in [(false, 120, vec![120, 130, 140]), (true, 150, vec![160, 170])] {
        let switched = app.ask(&token, SWITCH, json!({"i": {"id": id, "enabled": enabled}})).await;
        assert_eq!(switched["enableRule"]["rule"]["enabled"], enabled);
        app.store(part(from, from + 30)).await;
        assert_eq!(hit(&app).await.range(from..).copied().collect::<Vec<_>>(), expected);
    }

    let viewer = app.login("viewer", VIEWER).await;
    let list = "query($r: ID) { exceptions(rule: $r) { filter { ruleId } reason } }";
    let listed = app.ask(&viewer, list, json!({"r": RULE_ID})).await["exceptions"].take();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(app.ask(&viewer, list, json!({"r": "other"})).await["exceptions"], json!([]));
    let admin = app.login("admin", super::app::ADMIN).await;
    let log = app.ask(&admin, "{ auditLog { nodes { action objectId by } } }", json!({})).await;
    let log: Vec<&str> =
        log["auditLog"]["nodes"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(log, ["enableRule", "enableRule", "importRule", "createException"]);

    let delete = "mutation($i: DeleteRuleInput!) { deleteRule(input: $i) { deletedId } }";
    app.ask(&token, delete, json!({"i": {"id": id}})).await;
    app.store(part(180, 210)).await;
    assert_eq!(hit(&app).await.range(180..).copied().collect::<Vec<_>>(), [180, 190, 200]);
}

#[tokio::test]
async fn an_exception_of_an_event_ends_in_time_of_events() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(part(0, 30)).await;
    let token = app.login("analyst", ANALYST).await;
    let hits = app.ask(&token, "{ hits { nodes { eventId host } } }", json!({})).await;
    let of_host1 = hits["hits"]["nodes"].as_array().unwrap().iter().find(|h| h["host"] == "host1.example").unwrap();
    let input = json!({
        "rules": [RULE_ID], "event": of_host1["eventId"], "fields": ["Computer", "DestinationPort"], "reason": "Known",
        "title": "Port of ours", "until": rfc3339(165),
    });
    let preview = app.ask(&token, PREVIEW, json!({"i": input})).await["previewException"].take();
    assert_eq!((&preview["seen"]["value"], &preview["hidden"]["value"]), (&json!(3), &json!(1)));
    let made = app.ask(&token, CREATE, json!({"i": input})).await["createException"]["exception"].take();
    assert_eq!((&made["filter"]["title"], &made["until"]), (&json!("Port of ours"), &json!(rfc3339(165))));
    app.store(part(150, 200)).await;
    assert_eq!(hit(&app).await.range(150..).copied().collect::<Vec<_>>(), [150, 170, 180, 190], "160 is hidden");

    let old = json!({"rules": [RULE_ID], "condition": {"and": []}, "reason": "Once", "until": "2001-01-01T00:00:00Z"});
    let made = app.ask(&token, CREATE, json!({"i": old})).await["createException"]["exception"].take();
    assert_eq!(made["expired"], true);
    app.store(part(200, 240)).await;
    assert_eq!(hit(&app).await.range(200..).count(), 4);
    let itself = made["filter"]["id"].clone();

    // Computed fields too.
    let event = of_host1["eventId"].clone();
    let computed = json!({"rules": [RULE_ID], "event": event, "fields": ["EventID", "Channel"], "reason": "r"});
    let preview = app.ask(&token, PREVIEW, json!({"i": computed})).await["previewException"].take();
    assert_eq!(preview["seen"], preview["hidden"], "all are of one kind");

    for input in [
        json!({"rules": [], "condition": on("x"), "reason": "r"}),
        json!({"rules": ["none"], "condition": on("x"), "reason": "r"}),
        json!({"rules": [itself], "condition": on("x"), "reason": "r"}),
        json!({"rules": [RULE_ID], "reason": "r"}),
        json!({"rules": [RULE_ID], "condition": on("x"), "event": event, "reason": "r"}),
        json!({"rules": [RULE_ID], "event": event, "reason": "r"}),
        json!({"rules": [RULE_ID], "event": event, "fields": ["TargetObject"], "reason": "r"}),
        json!({"rules": [RULE_ID], "condition": on("x"), "reason": "  "}),
        json!({"rules": [RULE_ID], "condition": {"match": {"field": "Nonsense", "operator": "EQUALS", "values": ["x"]}}, "reason": "r"}),
    ] {
        let refused = app.ask(&token, CREATE, json!({"i": input})).await["createException"].take();
        assert_eq!(
            (&refused["exception"], &refused["errors"][0]["code"]),
            (&Value::Null, &json!("BAD_INPUT")),
            "{input}"
        );
    }
    let catalog = &*app.pipeline.catalog;
    let mut user = catalog.user_by_name("analyst").await.unwrap().unwrap();
    user.scope = Scope::hosts(["host1.example"]);
    catalog.update_user(&user).await.unwrap();
    let preview =
        app.ask(&token, PREVIEW, json!({"i": {"rules": [RULE_ID], "condition": {"and": []}, "reason": "r"}})).await;
    assert_eq!(preview["previewException"]["seen"]["value"], 3, "hits of the hosts in scope");
    let input = json!({"i": {"rules": [RULE_ID], "condition": on("x"), "reason": "r"}});
    assert_eq!(app.code(Some(&token), CREATE, input).await, "FORBIDDEN");
}
