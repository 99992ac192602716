//! Search, paging, statistics, graph and rules over the API.
use super::app::{ANALYST, RULE, TestApp, VIEWER, events, time};
use serde_json::{Value, json};
use std::collections::HashSet;

const EVENTS: &str = "query($c: ConditionInput, $p: PeriodInput, $o: EventOrder!, $f: Int!, $a: String) {
    events(condition: $c, period: $p, order: $o, first: $f, after: $a) {
        nodes { id eventId code name category time host image user description field(name: \"CommandLine\") }
        edges { cursor node { id } } pageInfo { hasNextPage endCursor } total { value exact }
        summary(interval: {milliseconds: 60000}) { hosts total { value } codes { code name count } histogram { start count } }
    } }";

fn by(field: &str, operator: &str, values: &[&str]) -> Value {
    json!({"match": {"field": field, "operator": operator, "values": values}})
}

#[tokio::test]
async fn nested_conditions_and_pages_past_the_first() {
    let app = TestApp::start().await;
    app.store(events(120, 3)).await;
    let token = app.login("viewer", VIEWER).await;
    // Connections on port 443 of tools 0..9 and 20..29, without those to the documentation network.
    let condition = json!({"and": [
        by("port", "EQUALS", &["443"]),
        {"or": [by("process", "REGEX", &["tool[0-9]\\.exe$"]), by("Image", "WILDCARD", &["*\\tool2?.exe"])]},
        {"not": by("ip", "CIDR", &["203.0.113.0/24"])},
    ]});
    let mut seen: Vec<String> = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({"c": condition, "o": "OLDEST_FIRST", "f": 7, "a": after});
        let mut page = app.ask(&token, EVENTS, variables).await["events"].take();
        assert_eq!(page["total"], json!({"value": 18, "exact": true}));
        assert_eq!(page["summary"]["hosts"], 3);
        assert_eq!(page["summary"]["codes"], json!([{"code": 3, "name": "NetworkConnect", "count": 18}]));
        let nodes = page["nodes"].as_array().unwrap();
        seen.extend(nodes.iter().map(|n| n["image"].as_str().unwrap().to_owned()));
        assert_eq!(page["edges"].as_array().unwrap().last().unwrap()["cursor"], page["pageInfo"]["endCursor"]);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
    let expected: Vec<String> = (1..10).chain(21..30).map(|i| format!("C:\\Tools\\tool{i}.exe")).collect();
    assert_eq!(seen, expected);

    let newest = json!({"o": "NEWEST_FIRST", "f": 1, "p": {"to": "2026-03-01T00:01:00Z"}});
    let newest = app.ask(&token, EVENTS, newest).await["events"]["nodes"][0].take();
    assert_eq!(newest["time"], "2026-03-01T00:00:59.000Z");
    let one = json!({"c": by("data.ProcessId", "EQUALS", &["1005"]), "o": "OLDEST_FIRST", "f": 5});
    let one = app.ask(&token, EVENTS, one).await["events"]["nodes"].take();
    let texts: HashSet<&str> = one.as_array().unwrap().iter().map(|n| n["description"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        HashSet::from(["explorer.exe started tool5.exe --run 5", "tool5.exe connected to 198.51.100.6:443 (tcp)"])
    );
}

#[tokio::test]
async fn an_event_its_node_and_its_document() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(events(10, 2)).await;
    let token = app.login("viewer", VIEWER).await;
    let variables = json!({"c": by("ip", "EQUALS", &["203.0.113.1"]), "o": "OLDEST_FIRST", "f": 5});
    let event = app.ask(&token, EVENTS, variables).await["events"]["nodes"][0].take();
    let query = "query($id: ID!, $own: ID!) {
        event(id: $own) { id }
        node(id: $id) { id ... on Event {
            fields { name value } document
            process { id label kind host hits { id ruleTitle eventId } degrees { edge direction total inPeriod }
                lineage { ancestors { node { id label } } descendants { node { id } } descendantsLeftOut } }
            hits { id level rule { title hits } event { id } } } } }";
    let answer = app.ask(&token, query, json!({"id": event["id"], "own": event["eventId"]})).await;
    assert_eq!(answer["event"]["id"], event["id"]);
    let node = &answer["node"];
    assert_eq!(node["document"]["event"]["code"].as_str(), Some("3"), "{}", node["document"]);
    assert_eq!(node["process"]["kind"], "PROCESS");
    assert_eq!(node["hits"][0]["level"], "high");
    assert_eq!(node["hits"][0]["event"]["id"], event["id"]);
    assert_eq!(node["hits"][0]["rule"]["hits"], 1);
    assert_eq!(node["process"]["hits"][0]["id"], node["hits"][0]["id"]);
    assert_eq!(node["process"]["hits"][0]["eventId"], event["id"]);
    assert_eq!(node["process"]["lineage"]["ancestors"].as_array().unwrap().len(), 2);

    let ids = json!([node["process"]["id"], node["hits"][0]["id"], event["id"], Value::Null]);
    let ids: Vec<&Value> = ids.as_array().unwrap().iter().filter(|v| !v.is_null()).collect();
    let nodes =
        app.ask(&token, "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", json!({"ids": ids})).await;
    let kinds: Vec<&str> =
        nodes["nodes"].as_array().unwrap().iter().map(|n| n["__typename"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["GraphNode", "Hit", "Event"]);
}

#[tokio::test]
async fn statistics_hosts_and_time_line() {
    let app = TestApp::start().await;
    app.load_rule().await;
    app.store(events(60, 3)).await;
    let token = app.login("viewer", VIEWER).await;
    let query = "{
        terms(field: \"destinationip\", first: 2, order: RARE) { field values { value count } distinct events }
        summary(interval: {buckets: 10}) { total { value exact } hosts intervalMs histogram { count } }
        hosts(first: 2) { nodes { name events firstSeen lastSeen hits codes { code count } node { kind } } pageInfo { hasNextPage endCursor } }
        host(name: \"HOST0.example\") { events hits }
        none: host(name: \"nowhere\") { events }
        timeline(host: \"host1.example\", interval: {milliseconds: 3600000}) { intervalMs buckets { start code category count } }
        fields { name type criterion fields }
        eventCodes { code name }
    }";
    let answer = app.ask(&token, query, json!({})).await;
    assert_eq!(answer["terms"]["field"], "DestinationIp");
    assert_eq!((answer["terms"]["distinct"].clone(), answer["terms"]["events"].clone()), (json!(60), json!(60)));
    assert_eq!(answer["summary"]["total"], json!({"value": 120, "exact": true}));
    let buckets = answer["summary"]["histogram"].as_array().unwrap();
    assert!(buckets.len() <= 10 && buckets.iter().map(|b| b["count"].as_u64().unwrap()).sum::<u64>() == 120);
    let hosts = &answer["hosts"];
    assert_eq!(hosts["nodes"][0]["name"], "host0.example");
    assert_eq!(hosts["nodes"][0]["events"], 40);
    assert_eq!(hosts["nodes"][0]["node"]["kind"], "HOST");
    assert_eq!(hosts["pageInfo"]["hasNextPage"], true);
    let hits: u64 = answer["host"]["hits"].as_u64().unwrap();
    assert_eq!(hits, hosts["nodes"][0]["hits"].as_u64().unwrap());
    assert_eq!(hits, 2, "tools 0 and 30");
    assert!(answer["none"].is_null());
    assert_eq!(answer["timeline"]["buckets"].as_array().unwrap().len(), 2);
    let rest = "query($a: String) { hosts(first: 2, after: $a) { nodes { name } pageInfo { hasNextPage } } }";
    let rest = app.ask(&token, rest, json!({"a": hosts["pageInfo"]["endCursor"]})).await;
    assert_eq!(rest["hosts"], json!({"nodes": [{"name": "host2.example"}], "pageInfo": {"hasNextPage": false}}));
}

#[tokio::test]
async fn tree_neighbours_and_why_they_are_empty() {
    let app = TestApp::start().await;
    app.store(events(60, 1)).await;
    let token = app.login("viewer", VIEWER).await;
    let tree =
        "query($h: String!, $p: PeriodInput, $a: String) { processTree(host: $h, period: $p, first: 50, after: $a) {
        processes { node { id label } parent context } total { value } reason pageInfo { hasNextPage endCursor } } }";
    let page = app.ask(&token, tree, json!({"h": "HOST0.example"})).await["processTree"].take();
    assert_eq!(page["total"]["value"], 61);
    assert_eq!(page["reason"], Value::Null);
    let rest = json!({"h": "host0.example", "a": page["pageInfo"]["endCursor"]});
    let rest = app.ask(&token, tree, rest).await["processTree"].take();
    let own = rest["processes"].as_array().unwrap().iter().filter(|p| p["context"] == false);
    assert_eq!(own.count(), 11, "besides the root, which comes again as context");
    assert_eq!(app.ask(&token, tree, json!({"h": "nowhere"})).await["processTree"]["reason"], "NO_DATA");
    let late = json!({"h": "host0.example", "p": {"from": "2036-01-01T00:00:00Z"}});
    let late = app.ask(&token, tree, late).await["processTree"].take();
    assert!(
        ["OUT_OF_PERIOD"].contains(&late["reason"].as_str().unwrap_or("")) || late["total"]["value"] != 0,
        "{late}"
    );

    let root =
        page["processes"].as_array().unwrap().iter().find(|p| p["parent"].is_null()).unwrap()["node"]["id"].clone();
    let query = "query($id: ID!, $e: [EdgeType!], $d: Direction, $p: PeriodInput, $f: Int!, $a: String) { graphNode(id: $id) {
        neighbours(edges: $e, direction: $d, period: $p, first: $f, after: $a) {
            edges { cursor direction edge { type from to } node { id } } pageInfo { hasNextPage endCursor } total { value exact } leftOut reason } } }";
    let ask = async |v: Value| app.ask(&token, query, v).await["graphNode"]["neighbours"].take();
    let mut seen = HashSet::new();
    let (mut after, mut left) = (Value::Null, 60);
    while left > 0 {
        let page = ask(json!({"id": root, "e": ["SPAWNED"], "d": "OUT", "f": 25, "a": after})).await;
        let edges = page["edges"].as_array().unwrap();
        for edge in edges {
            assert!(seen.insert(edge["node"]["id"].clone()));
        }
        left -= edges.len();
        assert_eq!(page["leftOut"], left);
        assert_eq!(page["total"], json!({"value": 60, "exact": true}));
        after = page["pageInfo"]["endCursor"].clone();
    }
    // A cursor from the middle of a page goes on right behind it.
    let page = ask(json!({"id": root, "e": ["SPAWNED"], "f": 10})).await;
    let middle = ask(json!({"id": root, "e": ["SPAWNED"], "f": 3, "a": page["edges"][4]["cursor"]})).await;
    assert_eq!(middle["edges"][0]["node"], page["edges"][5]["node"]);
    assert_eq!(middle["leftOut"], 52);
    assert_eq!(ask(json!({"id": root, "e": ["TAMPERED"], "f": 5})).await["reason"], "NOT_COLLECTED");
    assert_eq!(ask(json!({"id": root, "e": ["CONNECTED"], "f": 5})).await["reason"], "FILTERED");
    let late = json!({"id": root, "p": {"from": "2036-01-01T00:00:00Z"}, "f": 5});
    assert_eq!(ask(late).await["reason"], "OUT_OF_PERIOD");
    let guid = "query($g: String!) { process(guid: $g) { id } }";
    let upper = app.ask(&token, guid, json!({"g": "AAAAAAAA-0000-0000-0000-000000900000"})).await;
    assert_eq!(upper["process"]["id"], root);
}

#[tokio::test]
async fn rules_are_imported_switched_and_deleted() {
    let app = TestApp::start().await;
    let token = app.login("analyst", ANALYST).await;
    let import = "mutation($y: String!) { importRules(input: {yaml: $y}) { read changed rules { id ruleId refused } issues errors { field code message } } }";
    let answer = app.ask(&token, import, json!({"y": RULE})).await["importRules"].take();
    assert_eq!(
        (&answer["read"], &answer["changed"], &answer["errors"]),
        (&json!(1), &json!(1), &json!([])),
        "{answer}"
    );
    let id = answer["rules"][0]["id"].clone();
    let bad = app.ask(&token, import, json!({"y": "nothing: here: at all"})).await["importRules"].take();
    assert_eq!(bad["errors"][0]["field"], "yaml");
    app.store(events(10, 1)).await;
    let rules = "{ rules(filter: {text: \"DOCUMENTATION\", level: [\"high\"], refused: false}) { nodes { title hits enabled } total { value } }
        hits(first: 5) { nodes { ruleTitle host time event { code } } total { value } } }";
    let answer = app.ask(&token, rules, json!({})).await;
    assert_eq!(answer["rules"]["nodes"][0]["hits"], 1);
    assert_eq!(answer["hits"]["total"]["value"], 1);
    let first = format!("{}Z", time(0).replace(' ', "T"));
    assert_eq!(answer["hits"]["nodes"][0]["time"], first);
    let enable = "mutation($id: ID!, $e: Boolean!) { enableRule(input: {id: $id, enabled: $e}) { rule { enabled } errors { code } } }";
    let off = app.ask(&token, enable, json!({"id": id, "e": false})).await;
    assert_eq!(off["enableRule"]["rule"]["enabled"], false);
    app.store(events(31, 1).split_off(20)).await;
    assert_eq!(
        app.ask(&token, rules, json!({})).await["hits"]["total"]["value"],
        1,
        "a rule switched off does not match"
    );
    let unknown = app.ask(&token, enable, json!({"id": "none", "e": true})).await;
    assert_eq!(unknown["enableRule"]["errors"][0]["code"], "NOT_FOUND");
    let delete = "mutation($id: ID!) { deleteRule(input: {id: $id}) { deletedId errors { code } } }";
    assert_eq!(app.ask(&token, delete, json!({"id": id})).await["deleteRule"]["deletedId"], id);
    assert_eq!(app.ask(&token, delete, json!({"id": id})).await["deleteRule"]["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(app.ask(&token, rules, json!({})).await["hits"]["total"]["value"], 1, "hits of a deleted rule stay");
}
