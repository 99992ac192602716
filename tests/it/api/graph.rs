//! The graph over the API: finding nodes by name, groups of neighbours, paths, and why something is empty.
use super::app::{TestApp, VIEWER, events};
use serde_json::{Value, json};

#[tokio::test]
async fn nodes_are_found_by_name_grouped_and_joined_by_paths() {
    let app = TestApp::start().await;
    app.store(events(400, 4)).await;
    let token = app.login("viewer", VIEWER).await;
    let ask = async |query: &str, variables: Value| app.ask(&token, query, variables).await;
    let find = "query($n: String!) { findNodes(name: $n) { id kind label host elsewhere { host } } }";
    let named = async |name: &str| ask(find, json!({"n": name})).await["findNodes"].take();
    // In any writing: a mapped address, an upper-case host, a path of one host.
    let address = named("::ffff:203.0.113.1").await;
    assert_eq!((&address[0]["kind"], &address[0]["label"]), (&json!("IP_ADDRESS"), &json!("203.0.113.1")));
    assert_eq!(named("host2.EXAMPLE.").await[0]["kind"], "HOST");
    assert_eq!(named(r"c:\tools\TOOL5.exe").await[0]["host"], "host1.example");
    assert_eq!(named("nobody has this name").await, json!([]));
    assert_eq!(named("{aaaaaaaa-0000-0000-0000-000000000007}").await[0]["label"], "tool7.exe (1007)");
    let user = named(r"example\ANN").await;
    let id = user[0]["id"].clone();

    let groups = "query($i: ID!, $b: NeighbourGrouping!) { graphNode(id: $i) {
        groups(by: $b, edges: [RAN_AS]) { items { key count } leftOut lookedAt total { value } } } }";
    let by_host = ask(groups, json!({"i": id, "b": "HOST"})).await["graphNode"]["groups"].take();
    assert_eq!(
        (&by_host["total"]["value"], &by_host["lookedAt"], &by_host["leftOut"]),
        (&json!(400), &json!(400), &json!(0))
    );
    assert_eq!(by_host["items"][3], json!({"key": "host3.example", "count": 100}));
    let rest = "query($i: ID!, $s: Int!) { graphNode(id: $i) {
        groups(by: HOST, edges: [RAN_AS], first: 2, skip: $s) { items { key } leftOut } } }";
    let second = ask(rest, json!({"i": id, "s": 1})).await["graphNode"]["groups"].take();
    assert_eq!(second, json!({"items": [{"key": "host1.example"}, {"key": "host2.example"}], "leftOut": 1}));
    assert_eq!(app.code(Some(&token), rest, json!({"i": id, "s": -1})).await, "BAD_INPUT");
    let members = "query($i: ID!, $a: String) { graphNode(id: $i) {
        members(by: HOST, key: \"host3.example\", first: 60, after: $a) {
            edges { node { id host } edge { type } direction } pageInfo { hasNextPage endCursor } } } }";
    let first = ask(members, json!({"i": id})).await["graphNode"]["members"].take();
    let after = first["pageInfo"]["endCursor"].clone();
    let second = ask(members, json!({"i": id, "a": after})).await["graphNode"]["members"].take();
    let count = |page: &Value| page["edges"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second)), (60, 40));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    assert_eq!(app.code(Some(&token), members, json!({"i": id, "a": "x"})).await, "BAD_INPUT");

    let paths = "query($a: ID!, $b: ID!, $l: Int!) { paths(from: $a, to: $b, longest: $l) {
        items { nodes { label } edges { type } times } more complete reason } }";
    let process = named("{aaaaaaaa-0000-0000-0000-000000000000}").await;
    let parent = named("{aaaaaaaa-0000-0000-0000-000000900000}").await;
    let (from, to) = (&parent[0]["id"], &address[0]["id"]);
    let found = ask(paths, json!({"a": from, "b": to, "l": 2})).await["paths"].take();
    let types: Vec<&Value> = found["items"][0]["edges"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert_eq!(types, ["SPAWNED", "CONNECTED"]);
    assert_eq!(found["items"][0]["nodes"][1]["label"], "tool0.exe (1000)");
    let back = ask(paths, json!({"a": process[0]["id"], "b": from, "l": 1})).await["paths"].take();
    assert_eq!((&back["items"], &back["reason"]), (&json!([]), &json!("NO_PATH")));
    assert_eq!(app.code(Some(&token), paths, json!({"a": from, "b": to, "l": 21})).await, "BAD_INPUT");

    // An edge that no event of this host can have made, and one that only this process lacks.
    let empty = "query($i: ID!, $e: [EdgeType!]) { graphNode(id: $i) { neighbours(edges: $e) { reason } } }";
    for (edge, reason) in [("QUERIED", "NOT_COLLECTED"), ("ACCEPTED_FROM", "FILTERED")] {
        let answer = ask(empty, json!({"i": process[0]["id"], "e": [edge]})).await;
        assert_eq!(answer["graphNode"]["neighbours"]["reason"], reason, "{edge}");
    }
    app.shut_down().await;
}
