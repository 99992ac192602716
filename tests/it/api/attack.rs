//! Techniques of MITRE ATT&CK, and layers as the Navigator's format 4.5 asks for.
use super::app::{TestApp, VIEWER, document, events, time};
use crate::support;
use serde_json::{Value, json};

/// Type and whether it is required, of each property that the format names.
type Properties = [(&'static str, char, bool)];

const LAYER: &Properties = &[
    ("versions", 'o', false),
    ("name", 's', true),
    ("description", 's', false),
    ("domain", 's', true),
    ("filters", 'o', false),
    ("sorting", 'n', false),
    ("hideDisabled", 'b', false),
    ("techniques", 'a', false),
    ("gradient", 'o', false),
];
const TECHNIQUE: &Properties = &[
    ("techniqueID", 's', true),
    ("tactic", 's', false),
    ("comment", 's', false),
    ("enabled", 'b', false),
    ("score", 'n', false),
    ("metadata", 'a', false),
    ("showSubtechniques", 'b', false),
];

fn fits(value: &Value, properties: &Properties) {
    let object = value.as_object().unwrap();
    for (name, kind, required) in properties {
        let Some(value) = object.get(*name) else {
            assert!(!required, "{name} is missing");
            continue;
        };
        let fits = match kind {
            's' => value.is_string(),
            'n' => value.is_number(),
            'b' => value.is_boolean(),
            'a' => value.is_array(),
            _ => value.is_object(),
        };
        assert!(fits, "{name} is {value}");
    }
    for name in object.keys() {
        assert!(properties.iter().any(|(n, ..)| n == name), "the format has no {name}");
    }
}

fn is_layer(layer: &Value) {
    fits(layer, LAYER);
    assert_eq!(layer["domain"], "enterprise-attack");
    fits(&layer["versions"], &[("attack", 's', false), ("navigator", 's', true), ("layer", 's', true)]);
    assert_eq!(layer["versions"]["layer"], "4.5");
    let navigator: Vec<u32> =
        layer["versions"]["navigator"].as_str().unwrap().split('.').map(|n| n.parse().unwrap()).collect();
    assert!(navigator >= vec![4, 9, 0]);
    fits(&layer["gradient"], &[("colors", 'a', true), ("minValue", 'n', true), ("maxValue", 'n', true)]);
    assert!(layer["gradient"]["colors"].as_array().unwrap().len() >= 2);
    assert!(layer["gradient"]["maxValue"].as_u64() > layer["gradient"]["minValue"].as_u64());
    for technique in layer["techniques"].as_array().unwrap() {
        fits(technique, TECHNIQUE);
        assert!(technique["techniqueID"].as_str().unwrap().starts_with('T'));
        for pair in technique["metadata"].as_array().unwrap() {
            fits(pair, &[("name", 's', true), ("value", 's', true)]);
        }
    }
}

#[tokio::test]
async fn techniques_are_counted_and_drawn() {
    let app = TestApp::start().await;
    let token = app.login("viewer", VIEWER).await;
    let layer =
        "query($p: PeriodInput) { coverage: attackLayer(of: COVERAGE) hits: attackLayer(of: HITS, period: $p) }";
    let empty = app.ask(&token, layer, json!({})).await;
    is_layer(&empty["coverage"]);
    is_layer(&empty["hits"]);
    assert_eq!(empty["coverage"]["techniques"], json!([]));

    app.load_rule().await;
    let mut all = events(60, 3);
    let named = json!({"UtcTime": time(5), "RuleName": "technique_id=T1059.001,technique_name=PowerShell", "Image": "C:\\a.exe"});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document(1, 9_999, 1, &time(5), named)).unwrap();
    all.extend(support::read(file.path()).events);
    app.store(all).await;
    let list = "query($p: PeriodInput) { techniques(period: $p) { id rules hits events } }";
    let found = app.ask(&token, list, json!({})).await["techniques"].take();
    let shell = json!({"id": "T1059.001", "rules": 0, "hits": 0, "events": 1});
    assert_eq!(found, json!([shell, {"id": "T1071", "rules": 1, "hits": 6, "events": 0}]));
    let later = json!({"p": {"from": "2026-03-01T00:00:30Z"}});
    let found = app.ask(&token, list, later.clone()).await["techniques"].take();
    assert_eq!(found, json!([{"id": "T1071", "rules": 1, "hits": 3, "events": 0}]));

    let drawn = app.ask(&token, layer, later).await;
    is_layer(&drawn["coverage"]);
    is_layer(&drawn["hits"]);
    let of = |layer: &Value| {
        let all = layer["techniques"].as_array().unwrap();
        all.iter()
            .map(|t| (t["techniqueID"].as_str().unwrap().to_owned(), t["score"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&drawn["coverage"]), [("T1071".to_owned(), 1)]);
    assert_eq!(of(&drawn["hits"]), [("T1071".to_owned(), 3)]);
    assert_eq!(drawn["coverage"]["techniques"][0]["comment"], "Test connection to a documentation network");
    let hits = app.ask(&token, layer, json!({})).await;
    assert_eq!(of(&hits["hits"]), [("T1059.001".to_owned(), 1), ("T1071".to_owned(), 6)]);

    // Hits of a rule that is no more stay where they belong; of one whose tags nobody knows, it is said.
    let admin = app.login("analyst", super::app::ANALYST).await;
    let other = super::app::RULE.replace("7c11", "7c12").replace("T1071", "x").replace("t1071", "t1072");
    let ids = ["6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11", "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c12"];
    app.pipeline.import_rules(sysmonsearch::rules::parse(&other, "test").rules).await.unwrap();
    app.pipeline.rebuild_hits().await.unwrap();
    app.pipeline.caught_up().await.unwrap();
    let delete = "mutation($i: DeleteRuleInput!) { deleteRule(input: $i) { deletedId } }";
    app.ask(&admin, delete, json!({"i": {"id": ids[0]}})).await;
    app.pipeline.catalog.delete_rule(ids[1]).await.unwrap();
    let left = app.ask(&token, layer, json!({})).await;
    assert_eq!(of(&left["hits"]), of(&hits["hits"]));
    assert_eq!(of(&left["coverage"]), []);
    let said = left["hits"]["description"].as_str().unwrap();
    assert!(said.contains("Left out: 6 hits of deleted rules"), "{said}");
    app.load_rule().await;

    let query = "{ rules { nodes { techniques } } events(condition: {match: {field: \"RuleName\", operator: EXISTS}}) {
        nodes { technique } } }";
    let seen = app.ask(&token, query, json!({})).await;
    assert_eq!(seen["rules"]["nodes"], json!([{"techniques": ["T1071"]}]));
    assert_eq!(seen["events"]["nodes"], json!([{"technique": "T1059.001"}]));
}
