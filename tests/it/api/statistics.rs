//! Sorted lists, values with a baseline, hosts, saved searches and exports over the API.
use super::app::{ANALYST, TestApp, VIEWER, document, events, time};
use crate::support;
use serde_json::{Value, json};

#[tokio::test]
async fn events_are_sorted_by_a_field_page_by_page() {
    let app = TestApp::start().await;
    app.store(events(30, 3)).await;
    let token = app.login("viewer", VIEWER).await;
    let query = "query($s: SortInput, $a: String) { events(sort: $s, first: 7, after: $a) {
        nodes { id image graphNodes { kind label } } pageInfo { hasNextPage endCursor } } }";
    let (mut images, mut after) = (Vec::new(), Value::Null);
    loop {
        let sort = json!({"field": "image", "descending": true});
        let page = app.ask(&token, query, json!({"s": sort, "a": after})).await["events"].take();
        for node in page["nodes"].as_array().unwrap() {
            images.push(node["image"].as_str().unwrap().to_owned());
            let kinds: Vec<&str> =
                node["graphNodes"].as_array().unwrap().iter().map(|n| n["kind"].as_str().unwrap()).collect();
            assert!(kinds.contains(&"HOST") && kinds.contains(&"PROCESS"), "{kinds:?}");
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let mut expected = images.clone();
    expected.sort();
    expected.reverse();
    assert_eq!((images.len(), &images), (60, &expected));
    assert_eq!(app.code(Some(&token), query, json!({"s": {"field": "nope"}})).await, "BAD_INPUT");
}

#[tokio::test]
async fn values_tell_what_is_new_and_where() {
    let app = TestApp::start().await;
    app.store(events(40, 4)).await;
    let token = app.login("viewer", VIEWER).await;
    let query = "query($f: [String!]!, $b: BaselineInput, $n: Boolean!, $p: PeriodInput) {
        values(fields: $f, baseline: $b, onlyNew: $n, period: $p, order: FIRST_SEEN, descending: false, first: 3) {
            fields distinct events values { values count hosts firstSeen lastSeen baselineCount baselineHosts } } }";
    let middle = format!("{}Z", time(30).replace(' ', "T"));
    let variables = json!({
        "f": ["parentimage", "Image"], "n": true,
        "p": {"from": middle}, "b": {"period": {"to": middle}},
    });
    let answer = app.ask(&token, query, variables).await["values"].take();
    assert_eq!(answer["fields"], json!(["ParentImage", "Image"]));
    assert_eq!((&answer["distinct"], &answer["events"]), (&json!(10), &json!(10)));
    let first = &answer["values"][0];
    assert_eq!(first["values"], json!(["c:\\windows\\explorer.exe", "c:\\tools\\tool30.exe"]));
    assert_eq!((&first["count"], &first["hosts"], &first["baselineCount"]), (&json!(1), &json!(1), &json!(0)));
    let ports = app.ask(&token, query, json!({"f": ["DestinationPort"], "n": false, "b": {}})).await["values"].take();
    let port = &ports["values"][0];
    assert_eq!((&port["hosts"], &port["baselineCount"], &port["baselineHosts"]), (&json!(4), &json!(40), &json!(4)));
    for fields in [json!([]), json!(["Image", "User", "Computer", "EventID"]), json!(["ip"])] {
        assert_eq!(app.code(Some(&token), query, json!({"f": fields, "n": false})).await, "BAD_INPUT");
    }
}

#[tokio::test]
async fn hosts_are_ordered_and_say_their_sysmon() {
    let app = TestApp::start().await;
    let state =
        |version: &str, i| json!({"UtcTime": time(i), "State": "Started", "Version": version, "SchemaVersion": "4.90"});
    let configuration = json!({"UtcTime": time(7), "Configuration": "c:\\s.xml", "ConfigurationFileHash": "SHA256=AB"});
    let lines = [
        document(4, 9_001, 1, &time(5), state("15.0", 5)),
        document(4, 9_002, 1, &time(6), state("15.15", 6)),
        document(16, 9_003, 1, &time(7), configuration),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.concat()).unwrap();
    app.store(support::read(file.path()).events).await;
    app.store(events(12, 4)).await;
    let token = app.login("viewer", VIEWER).await;
    let query = "query($o: HostOrder!, $d: Boolean!, $f: HostFilterInput, $a: String) {
        hosts(order: $o, descending: $d, filter: $f, first: 2, after: $a) { total { value } pageInfo { hasNextPage endCursor }
            nodes { name events sysmonVersion configurationChanges lastConfiguration { time configuration hash } } } }";
    let ask = async |v: Value| app.ask(&token, query, v).await["hosts"].take();
    let names = |page: &Value| -> Vec<String> {
        page["nodes"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap().to_owned()).collect()
    };
    for (order, descending) in [("NAME", false), ("NAME", true), ("EVENTS", true), ("LAST_SEEN", false)] {
        let (mut all, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = ask(json!({"o": order, "d": descending, "a": after})).await;
            all.extend(names(&page));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((all.len(), distinct.len()), (4, 4), "{order}: {all:?}");
    }
    let one = ask(json!({"o": "NAME", "d": false, "f": {"name": "HOST1"}})).await;
    assert_eq!(one["total"]["value"], 1);
    let host = &one["nodes"][0];
    assert_eq!((&host["sysmonVersion"], &host["configurationChanges"]), (&json!("15.15"), &json!(1)));
    assert_eq!(host["lastConfiguration"]["configuration"], "c:\\s.xml");
    let middle = format!("{}Z", time(10).replace(' ', "T"));
    let silent = ask(json!({"o": "NAME", "d": false, "f": {"silentSince": middle}})).await;
    assert_eq!(names(&silent), ["host0.example", "host1.example"]);
    let other = ask(json!({"o": "NAME", "d": false, "f": {"name": "host0"}})).await;
    assert_eq!(other["nodes"][0]["sysmonVersion"], Value::Null);
}

#[tokio::test]
async fn searches_are_saved_shared_and_deleted() {
    let app = TestApp::start().await;
    let (viewer, analyst) = (app.login("viewer", VIEWER).await, app.login("analyst", ANALYST).await);
    let save = "mutation($i: SaveSearchInput!) { saveSearch(input: $i) {
        search { id name own shared condition last from owner } errors { field code message } } }";
    let list = "{ savedSearches { id name own owner condition } }";
    let condition = json!({"not": {"match": {"field": "process", "operator": "CONTAINS", "values": ["a\"b"]}}});
    let input = json!({"i": {"name": " Shells ", "shared": true, "condition": condition, "last": "24h"}});
    let saved = app.ask(&analyst, save, input.clone()).await["saveSearch"]["search"].take();
    assert_eq!((&saved["name"], &saved["last"]), (&json!("Shells"), &json!("24h")));
    assert_eq!(saved["condition"]["not"]["match"], condition["not"]["match"]);
    let refused = app.ask(&viewer, save, input).await["saveSearch"].take();
    assert_eq!(refused["errors"][0]["code"], "BAD_INPUT");
    for bad in [
        json!({"name": ""}),
        json!({"name": "x", "last": "soon"}),
        json!({"name": "x", "condition": {"match": {"field": "nope", "operator": "EXISTS"}}}),
    ] {
        assert_eq!(app.ask(&viewer, save, json!({"i": bad})).await["saveSearch"]["errors"][0]["code"], "BAD_INPUT");
    }
    let seen = app.ask(&viewer, list, json!({})).await["savedSearches"].take();
    assert_eq!((&seen[0]["own"], &seen[0]["owner"]), (&json!(false), &json!("analyst")));
    let mine = json!({"i": {"id": saved["id"], "name": "Mine"}});
    assert_eq!(app.ask(&viewer, save, mine.clone()).await["saveSearch"]["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(app.ask(&analyst, save, mine).await["saveSearch"]["search"]["shared"], false);
    assert_eq!(app.ask(&viewer, list, json!({})).await["savedSearches"], json!([]));
    let delete = "mutation($i: DeleteSavedSearchInput!) { deleteSavedSearch(input: $i) { deletedId errors { code } } }";
    let id = json!({"i": {"id": saved["id"]}});
    assert_eq!(app.ask(&viewer, delete, id.clone()).await["deleteSavedSearch"]["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(app.ask(&analyst, delete, id).await["deleteSavedSearch"]["deletedId"], saved["id"]);
}

#[tokio::test]
async fn an_export_holds_every_hit_in_order() {
    let app = TestApp::start().await;
    app.store(events(1_300, 3)).await;
    let token = app.login("viewer", VIEWER).await;
    let export = async |query: Value, token: Option<&str>, header: bool| {
        let mut form = vec![("query", query.to_string())];
        let mut request = app.client.post(app.url("/api/export"));
        match token {
            Some(token) if header => request = request.bearer_auth(token),
            Some(token) => form.push(("access_token", token.to_owned())),
            None => {}
        }
        let response = request.form(&form).send().await.unwrap();
        (response.status().as_u16(), response.headers().clone(), response.text().await.unwrap())
    };
    let all = json!({"order": "OLDEST_FIRST"});
    assert_eq!(export(all.clone(), None, true).await.0, 401);
    let (status, headers, text) = export(all, Some(&token), true).await;
    assert_eq!((status, text.lines().count()), (200, 2_600), "{headers:?}");
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment") && disposition.ends_with(".ndjson\""), "{disposition}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let again = support::read(file.path());
    assert!(again.issues.is_empty(), "what was exported is imported again");
    let ids: std::collections::HashSet<_> = again.events.iter().map(|e| e.id).collect();
    assert_eq!(ids, events(1_300, 3).iter().map(|e| e.id).collect(), "as the same events");

    let condition = json!({"match": {"field": "port", "operator": "EQUALS", "values": ["443"]}});
    let sort = json!({"field": "Image"});
    let columns = ["time", "Image", "DestinationPort"];
    let csv = json!({"condition": condition, "sort": sort, "format": "CSV", "columns": columns});
    let (status, _, text) = export(csv, Some(&token), false).await;
    assert_eq!(status, 200);
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!((lines.len(), lines[0]), (1_301, "time,Image,DestinationPort"));
    let images: Vec<&str> = lines[1..].iter().map(|l| l.split(',').nth(1).unwrap()).collect();
    assert!(images.is_sorted());
    let (status, _, text) = export(json!({"columns": 7}), Some(&token), true).await;
    assert!(status == 400 && text.contains("BAD_INPUT"), "{status} {text}");
}
