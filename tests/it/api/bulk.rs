//! What winlogbeat asks and sends, replayed.
use super::app::{ANALYST, TestApp, connection, process};
use flate2::{Compression, write::GzEncoder};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::io::Write;

fn as_beat(request: RequestBuilder) -> RequestBuilder {
    request
        .header("user-agent", "Elastic-winlogbeat/8.17.0 (windows; amd64)")
        .header("accept", "application/json")
        .basic_auth("analyst", Some(ANALYST))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn bulk_body(action: &str, documents: impl IntoIterator<Item = String>) -> String {
    let action = json!({action: {"_index": "winlogbeat-8.17.0"}});
    documents.into_iter().map(|d| format!("{action}\n{d}")).collect()
}

#[tokio::test]
async fn the_questions_before_the_first_event_are_answered() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/").header("accept", "application/json").send().await.unwrap().status(), 401);
    let put = || json!({"policy": {"phases": {"hot": {}}}});
    // The order of winlogbeat 8, then what only 7.17 asks.
    for (method, path, body) in [
        (Method::GET, "/", None),
        (Method::HEAD, "/", None),
        (Method::GET, "/_license?human=false", None),
        (Method::GET, "/_ilm/policy/winlogbeat", None),
        (Method::PUT, "/_ilm/policy/winlogbeat", Some(put())),
        (Method::HEAD, "/_index_template/winlogbeat-8.17.0", None),
        (Method::PUT, "/_index_template/winlogbeat-8.17.0", Some(json!({"index_patterns": ["winlogbeat-8.17.0"]}))),
        (Method::GET, "/_data_stream/winlogbeat-8.17.0", None),
        (Method::PUT, "/_data_stream/winlogbeat-8.17.0", None),
        (Method::GET, "/_ingest/pipeline/winlogbeat-8.17.0-routing", None),
        (Method::PUT, "/_ingest/pipeline/winlogbeat-8.17.0-sysmon", Some(json!({"processors": []}))),
        (Method::GET, "/_xpack?categories=features", None),
        (Method::GET, "/_cat/templates/winlogbeat-7.17.0", None),
        (Method::HEAD, "/_template/winlogbeat-7.17.0", None),
        (Method::PUT, "/_component_template/winlogbeat", Some(json!({"template": {}}))),
        (Method::HEAD, "/_alias/winlogbeat-7.17.0", None),
        (Method::GET, "/_cluster/health", None),
        (Method::GET, "/_nodes/_local", None),
    ] {
        let mut request = as_beat(app.request(method.clone(), path));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{method} {path}");
        assert_eq!(response.headers()["x-elastic-product"], "Elasticsearch", "{method} {path}");
        if path == "/" && method == Method::GET {
            let greeting: Value = response.json().await.unwrap();
            assert_eq!(greeting["version"]["number"], "8.17.0");
            assert_eq!(greeting["tagline"], "You Know, for Search");
        }
    }
    let license: Value = as_beat(app.get("/_license?filter_path=license.type,license.status"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(license, json!({"license": {"status": "active", "type": "basic"}}));
    let page = app.get("/").header("accept", "text/html").send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "a browser gets the page");
}

#[tokio::test]
async fn events_are_stored_once_and_every_item_is_answered_in_order() {
    let app = TestApp::start().await;
    let foreign = json!({"@timestamp": "2026-03-01T00:00:00Z", "winlog": {"provider_name": "Microsoft-Windows-Security-Auditing",
        "channel": "Security", "event_id": 4624, "computer_name": "a", "record_id": 1, "event_data": {"x": "y"}}});
    let mut body = bulk_body("create", (0..20).flat_map(|i| [process(i, 2), connection(i, 2)]));
    body.push_str(&bulk_body("index", [format!("{foreign}\n"), "{\"broken\": \n".into()]));
    body.push_str("{\"delete\": {\"_index\": \"i\", \"_id\": \"1\"}}\n");
    let post = |path: &str, body: &str| {
        let request = as_beat(app.request(Method::POST, path));
        request.header("content-encoding", "gzip").header("content-type", "application/x-ndjson").body(gzip(body))
    };
    for status in [201, 200] {
        let response = post("/_bulk", &body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["errors"], true);
        let items = answer["items"].as_array().unwrap();
        assert_eq!(items.len(), 43);
        assert!(items[..40].iter().all(|i| i["create"]["status"] == status), "{}", items[0]);
        assert_eq!(items[0]["create"]["_index"], "winlogbeat-8.17.0");
        assert_eq!((&items[40]["index"]["status"], &items[40]["index"]["result"]), (&json!(200), &json!("noop")));
        assert_eq!(items[41]["index"]["status"], 400);
        assert!(items[41]["index"]["error"]["reason"].as_str().unwrap().contains("JSON"), "{}", items[41]);
        assert_eq!(items[42]["delete"]["status"], 400);
    }
    app.pipeline.caught_up().await.unwrap();
    let token = app.login("analyst", ANALYST).await;
    let query = "{ events(first: 1) { total { value } } deadLetters { total { value } nodes { source reason } } }";
    let answer = app.ask(&token, query, json!({})).await;
    assert_eq!(answer["events"]["total"]["value"], 40);
    assert_eq!(answer["deadLetters"]["total"]["value"], 4);

    let small = bulk_body("index", [process(99, 1)]);
    let filtered = post("/some-index/_bulk?filter_path=errors,items.*.error,items.*.status", &small);
    let answer: Value = filtered.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({"errors": false, "items": [{"index": {"status": 201}}]}));
}

#[tokio::test]
async fn bodies_and_credentials_that_will_not_do_are_refused() {
    let app = TestApp::start().await;
    let post = |body: Vec<u8>| app.request(Method::POST, "/_bulk").basic_auth("analyst", Some(ANALYST)).body(body);
    let bomb = gzip(&" ".repeat(80 << 20));
    let status = async |r: RequestBuilder| r.send().await.unwrap().status().as_u16();
    assert_eq!(status(post(bomb).header("content-encoding", "gzip")).await, 413);
    assert_eq!(status(post(vec![b' '; (32 << 20) + 1])).await, 413);
    let many = gzip(&"{\"index\":{}}\n{}\n".repeat(1_000_000));
    assert_eq!(status(post(many).header("content-encoding", "gzip")).await, 413);
    assert_eq!(status(post(b"x".to_vec()).header("content-encoding", "gzip")).await, 400);
    assert_eq!(status(post(b"x".to_vec()).header("content-encoding", "br")).await, 400);
    let plain = || app.request(Method::POST, "/_bulk").body(bulk_body("index", [process(1, 1)]));
    use base64::{Engine, engine::general_purpose::STANDARD};
    let key = STANDARD.encode(format!("analyst:{ANALYST}"));
    assert_eq!(status(plain().header("authorization", format!("ApiKey {key}"))).await, 200);
    let token = app.login("analyst", ANALYST).await;
    assert_eq!(status(plain().bearer_auth(token)).await, 200);
    for bad in ["ApiKey x", "Basic !!", "Digest x", "Bearer x", ""] {
        assert_eq!(status(plain().header("authorization", bad)).await, 401, "{bad}");
    }
    assert_eq!(status(plain().basic_auth("analyst", Some("wrong"))).await, 401);
}
