//! A file over HTTP becomes a job.
use super::app::{ANALYST, TestApp, VIEWER, connection, process};
use serde_json::{Value, json};
use std::time::Duration;
use sysmonsearch::serve::Settings;

#[tokio::test]
async fn an_upload_is_imported_and_its_bad_lines_are_kept() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let mut body: String = (0..50).flat_map(|i| [process(i, 2), connection(i, 2)]).collect();
    body.push_str("{\"winlog\": broken\n");
    let post =
        || app.client.post(app.url("/api/import?name=..%2Flogs%2Fa.json")).bearer_auth(&token).body(body.clone());
    for (stored, duplicates) in [(100, 0), (0, 100)] {
        let response = post().send().await.unwrap();
        assert_eq!(response.status(), 202);
        let id = response.json::<Value>().await.unwrap()["jobId"].as_str().unwrap().to_owned();
        let query = "query($id: ID!) { importJob(id: $id) { id name state stored duplicates issues bytesRead bytesTotal finishedAt message } }";
        let job = loop {
            let job = app.ask(&token, query, json!({"id": id})).await["importJob"].take();
            if job["state"] != "RUNNING" {
                break job;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(job["state"], "DONE", "{job}");
        assert_eq!((&job["id"], &job["name"]), (&json!(id), &json!("a.json")));
        assert_eq!(
            (&job["stored"], &job["duplicates"], &job["issues"]),
            (&json!(stored), &json!(duplicates), &json!(1))
        );
    }
    let letters = "{ deadLetters(first: 1) { nodes { source position reason record at } total { value } pageInfo { hasNextPage endCursor } } importJobs { name } }";
    let answer = app.ask(&token, letters, json!({})).await;
    assert_eq!(answer["deadLetters"]["total"]["value"], 2);
    assert_eq!(answer["deadLetters"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(answer["deadLetters"]["nodes"][0]["position"], "line 101");
    assert_eq!(answer["importJobs"].as_array().unwrap().len(), 2);
    assert!(app.spooled().is_empty(), "spooled files are removed: {:?}", app.spooled());
}

#[tokio::test]
async fn an_upload_too_large_or_empty_is_refused_and_leaves_nothing() {
    let app = TestApp::with(Settings { max_upload: 1_000, ..Settings::default() }, Box::new(|e| e)).await;
    let token = app.login("analyst", ANALYST).await;
    let post = |body: reqwest::Body| app.client.post(app.url("/api/import")).bearer_auth(&token).body(body);
    let stream = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 100])));
    for (body, status, code) in [
        (vec![b'x'; 2_000].into(), 413, "TOO_LARGE"),
        (reqwest::Body::wrap_stream(stream), 413, "TOO_LARGE"),
        (Vec::new().into(), 400, "BAD_INPUT"),
    ] {
        let response = post(body).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], code);
    }
    assert!(app.spooled().is_empty());
}

#[tokio::test]
async fn an_import_can_be_cancelled() {
    const EVENTS: usize = 40_000;
    let app = TestApp::start().await;
    let (token, viewer) = (app.login("analyst", ANALYST).await, app.login("viewer", VIEWER).await);
    let body: String = (0..EVENTS).map(|i| process(i, 2)).collect();
    let response = app.client.post(app.url("/api/import?name=long.json")).bearer_auth(&token).body(body).send().await;
    let id = response.unwrap().json::<Value>().await.unwrap()["jobId"].clone();
    let cancel = "mutation($i: CancelJobInput!) { cancelJob(input: $i) { cancelledId errors { code } } }";
    assert_eq!(app.code(Some(&viewer), cancel, json!({"i": {"id": id}})).await, "FORBIDDEN");
    let done = app.ask(&token, cancel, json!({"i": {"id": id}})).await["cancelJob"].take();
    assert_eq!(done, json!({"cancelledId": id, "errors": []}));
    let again = app.ask(&token, cancel, json!({"i": {"id": id}})).await["cancelJob"].take();
    assert_eq!(again["errors"][0]["code"], "NOT_FOUND");
    // Its work ends soon; the upload goes, and what it has stored stays.
    while !app.spooled().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.pipeline.caught_up().await.unwrap();
    let query = "query($id: ID!) { importJob(id: $id) { state finishedAt } events(first: 1) { total { value } } }";
    let answer = app.ask(&token, query, json!({"id": id})).await;
    assert_eq!(answer["importJob"]["state"], "CANCELLED");
    assert!(answer["importJob"]["finishedAt"].is_string());
    let stored = answer["events"]["total"]["value"].as_u64().unwrap();
    assert!(stored < EVENTS as u64, "{stored}");
    let place = app.stopped().await;
    let engines = place.engines().await;
    let app = TestApp::of(place, engines, "spool", Settings::default(), Box::new(|e| e)).await;
    let token = app.login("viewer", VIEWER).await;
    let after = app.ask(&token, query, json!({"id": id})).await;
    assert_eq!((after["importJob"]["state"].as_str(), &after["events"]), (Some("CANCELLED"), &answer["events"]));
}
