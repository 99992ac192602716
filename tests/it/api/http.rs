//! The HTTP around the API: health, headers, page, limits, error codes.
use super::app::{TestApp, VIEWER};
use reqwest::Method;
use serde_json::json;
use sysmonsearch::serve::Settings;

#[tokio::test]
async fn health_and_headers() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz", "/api/version", "/nothing/here", "/api/nothing"] {
        let response = app.get(path).send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(status, if path == "/api/nothing" { 404 } else { 200 }, "{path}");
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"));
        assert!(!headers["x-request-id"].is_empty());
    }
    let version: serde_json::Value = app.get("/api/version").send().await.unwrap().json().await.unwrap();
    assert_eq!(version["name"], "sysmonsearch");
    app.shut_down().await;
}

#[tokio::test]
async fn the_page_comes_from_its_folder_and_knows_its_own_routes() {
    let page = tempfile::tempdir().unwrap();
    std::fs::create_dir(page.path().join("assets")).unwrap();
    std::fs::write(page.path().join("index.html"), "<!doctype html>page").unwrap();
    std::fs::write(page.path().join("assets/a-1234.js"), "1").unwrap();
    let settings = Settings { page: Some(page.path().to_owned()), ..Settings::default() };
    let app = TestApp::with(settings, Box::new(|e| e)).await;
    let browser = |path: &str| app.get(path).header("accept", "text/html");
    for path in ["/", "/search", "/hosts/a", "/index.html"] {
        let response = browser(path).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-cache", "{path}");
        assert_eq!(response.headers()["content-type"], "text/html", "{path}");
        assert_eq!(response.text().await.unwrap(), "<!doctype html>page", "{path}");
    }
    let asset = browser("/assets/a-1234.js").send().await.unwrap();
    assert!(asset.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    let etag = asset.headers()["etag"].clone();
    let again = browser("/assets/a-1234.js").header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    for path in ["/assets/none.js", "/assets/../../etc/passwd.txt", "/..%2f..%2fsecret.txt", "/graphql/none"] {
        assert_eq!(browser(path).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn requests_beyond_the_limits_are_refused_with_a_code() {
    let app = TestApp::start().await;
    let token = app.login("viewer", VIEWER).await;
    let aliases: String = (0..60).map(|i| format!("a{i}: viewer {{ name }} ")).collect();
    let nested = format!("{{ a {} }}", "{ a ".repeat(110));
    let deep = "neighbours { edges { node { ".repeat(7) + "id" + &" } } }".repeat(7);
    let many = "neighbours(first: 500) { edges { node { neighbours(first: 500) { edges { node { id } } } } } }";
    for (query, code) in [
        (format!("{{ {aliases} }}"), "TOO_LARGE"),
        (nested, "TOO_LARGE"),
        ("{ viewer { name } }".to_owned() + &"#".repeat(70_000), "TOO_LARGE"),
        (format!("{{ graphNode(id: \"x\") {{ {deep} }} }}"), "TOO_LARGE"),
        (format!("{{ graphNode(id: \"x\") {{ {many} }} }}"), "TOO_LARGE"),
        ("{ viewer { ...a } } fragment a on Viewer { ...b } fragment b on Viewer { ...a }".into(), "BAD_INPUT"),
        ("{ nothing }".into(), "BAD_INPUT"),
        ("{ viewer {".into(), "BAD_INPUT"),
        ("{ events(first: 501) { nodes { id } } }".into(), "BAD_INPUT"),
        ("{ events(first: -1) { nodes { id } } }".into(), "BAD_INPUT"),
        ("{ events(after: \"x\") { nodes { id } } }".into(), "BAD_INPUT"),
        ("{ node(id: \"x\") { id } }".into(), "BAD_INPUT"),
        ("{ terms(field: \"Nope\") { distinct } }".into(), "BAD_INPUT"),
        ("{ events(condition: {match: {field: \"Nope\", values: [\"x\"]}}) { nodes { id } } }".into(), "BAD_INPUT"),
        (
            "{ events(period: {from: \"2026-01-02T00:00:00Z\", to: \"2026-01-01T00:00:00Z\"}) { nodes { id } } }"
                .into(),
            "BAD_INPUT",
        ),
    ] {
        let (_, answer) = app.send(Some(&token), &query, json!({})).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{}: {answer}", &query[..query.len().min(200)]);
        assert!(!error["extensions"]["requestId"].as_str().unwrap().is_empty());
        let hint = error["message"].as_str().unwrap().contains("Did you mean");
        assert!(!hint, "{error}");
    }
    let unknown = app
        .send(
            Some(&token),
            "{ events(condition: {match: {field: \"Imagee\", values: [\"x\"]}}) { total { value } } }",
            json!({}),
        )
        .await
        .1;
    assert!(unknown["errors"][0]["message"].as_str().unwrap().contains("Imagee"), "{unknown}");
    let (_, cost) = app.send(Some(&token), "{ events(first: 10) { nodes { id code } } }", json!({})).await;
    assert_eq!(cost["extensions"]["cost"]["requested"], 30, "{cost}");
}

#[tokio::test]
async fn bodies_are_bounded_and_must_be_json() {
    let app = TestApp::start().await;
    let post =
        |body: Vec<u8>, kind: &str| app.request(Method::POST, "/graphql").header("content-type", kind).body(body);
    let status = async |r: reqwest::RequestBuilder| r.send().await.unwrap().status().as_u16();
    assert_eq!(status(post(vec![b' '; (1 << 20) + 1], "application/json")).await, 413);
    assert_eq!(status(post(b"{\"query\":\"{ serverInfo { name } }\"}".to_vec(), "text/plain")).await, 400);
    assert_eq!(status(post(b"[{\"query\":\"{ serverInfo { name } }\"}]".to_vec(), "application/json")).await, 400);
    assert_eq!(status(post(b"{".to_vec(), "application/json")).await, 400);
    assert_eq!(
        status(post(b"{\"query\":\"{ serverInfo { name } }\"}".to_vec(), "application/json; charset=utf-8")).await,
        200
    );
    assert_eq!(status(app.get("/graphql?query={serverInfo{name}}")).await, 405);
}
