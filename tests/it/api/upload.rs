//! A file over HTTP becomes a job.
use super::app::{ANALYST, TestApp, connection, process};
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
    let left: Vec<_> = std::fs::read_dir(app.data().join("spool")).unwrap().collect();
    assert!(left.is_empty(), "spooled files are removed: {left:?}");
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
    assert!(std::fs::read_dir(app.data().join("spool")).unwrap().next().is_none());
}
