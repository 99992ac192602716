//! The requests that the page makes get the same answers on the embedded engines and on a cluster: the JSON is compared.
use super::app::{ANALYST, TestApp};
use crate::support::{self, engines::Place};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};
use sysmonsearch::{ingest, rules, serve::Settings};

/// Operations and fragments of the page, by name.
struct Documents(BTreeMap<String, String>);

impl Documents {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frontend/src");
        let mut parts = BTreeMap::new();
        for file in ingest::files(&[folder]).0.into_iter().filter(|f| f.extension().is_some_and(|e| e == "graphql")) {
            let text = std::fs::read_to_string(&file).unwrap();
            // Each part begins in the first column and ends with a brace there.
            for part in text.split_inclusive("\n}\n") {
                let name = part.split_whitespace().nth(1).unwrap_or_default();
                let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
                parts.insert(name, part.to_owned());
            }
        }
        Self(parts)
    }

    /// A document with an operation and the fragments that it uses.
    fn operation(&self, name: &str) -> String {
        let (mut wanted, mut taken) = (vec![name.to_owned()], BTreeMap::new());
        while let Some(name) = wanted.pop() {
            let part = self.0.get(&name).unwrap_or_else(|| panic!("the page has no {name}"));
            if taken.insert(name, part.clone()).is_none() {
                let spread = |s: &str| s.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
                wanted.extend(part.split("...").skip(1).map(spread).filter(|n| !n.is_empty()));
            }
        }
        taken.into_values().collect()
    }
}

/// Without what is another on each engine: cursors, and random ids of rules. Hits that were found at one time stand in
/// no order.
fn comparable(value: &mut Value, any_order: bool) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(|v| comparable(v, any_order));
            if any_order {
                list.sort_by_cached_key(Value::to_string);
            } else if list.iter().any(|v| v.get("ruleTitle").is_some()) {
                list.sort_by_key(|v| format!("{}{}{}", v["time"], v["eventId"], v["ruleTitle"]));
            }
        }
        Value::Object(object) => {
            object.sort_keys();
            for (name, value) in object.iter_mut() {
                let id = value.as_str().and_then(|v| URL_SAFE_NO_PAD.decode(v).ok());
                let of_rule = id.is_some_and(|id| id.starts_with(b"Rule:") || id.starts_with(b"Hit:"));
                if ["cursor", "endCursor", "found"].contains(&name.as_str()) || (name == "id" && of_rule) {
                    *value = Value::Null;
                }
                comparable(value, any_order);
            }
        }
        _ => {}
    }
}

struct Pair {
    documents: Documents,
    apps: [(TestApp, String); 2],
    compared: usize,
    /// Whether what happened at one time may come in another order: each graph store has its own.
    any_order: bool,
}

impl Pair {
    /// Asks both the same, and gives the answer of the embedded engines.
    async fn ask(&mut self, operation: &str, variables: Value) -> Value {
        let shown = variables.to_string();
        let embedded = self.send(0, operation, variables.clone()).await;
        let cluster = self.send(1, operation, variables).await;
        self.compare(&format!("{operation} {shown}"), [embedded.clone(), cluster]);
        embedded
    }

    fn compare(&mut self, what: &str, answers: [Value; 2]) {
        let [embedded, cluster] = answers.map(|mut answer| {
            comparable(&mut answer, self.any_order);
            format!("{answer:#}")
        });
        let differs = embedded.lines().zip(cluster.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let near = |text: &str| text.lines().skip(differs.saturating_sub(25)).take(60).collect::<Vec<_>>().join("\n");
        assert!(embedded == cluster, "{what} differs.\n{}\non a cluster: {}", near(&embedded), near(&cluster));
        self.compared += 1;
    }

    /// All pages of a list, each app with its own cursors, compared as a whole; those of the embedded engines.
    async fn pages(&mut self, operation: &str, list: &str, items: &str, variables: Value) -> Vec<Value> {
        let shown = variables.to_string();
        let mut all = [Vec::new(), Vec::new()];
        for (n, all) in all.iter_mut().enumerate() {
            let mut variables = variables.clone();
            loop {
                let mut answer = self.send(n, operation, variables.clone()).await;
                let list = answer.pointer_mut(list).unwrap();
                let Value::Array(more) = list[items].take() else { panic!("{operation}: {list}") };
                all.extend(more);
                if list["pageInfo"]["hasNextPage"] != true {
                    break;
                }
                variables["after"] = list["pageInfo"]["endCursor"].take();
            }
        }
        self.compare(&format!("{operation} {shown}"), all.clone().map(Value::Array));
        std::mem::take(&mut all[0])
    }

    async fn send(&self, n: usize, operation: &str, variables: Value) -> Value {
        let (app, token) = &self.apps[n];
        app.ask(token, &self.documents.operation(operation), variables).await
    }
}

fn text(operator: &str, field: &str, value: &str) -> Value {
    json!({"match": {"field": field, "operator": operator, "values": [value]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_the_page_have_the_same_answers_on_a_cluster() {
    let Some(data) = support::data() else { return };
    let Some(cluster) = Place::cluster().await else { return };
    let loaded = rules::load(&data.join("rules/sigma-rules-windows.tar.xz")).unwrap().rules;
    let few: Vec<_> = loaded.into_iter().filter(|r| r.refused.is_none()).step_by(6).collect();
    let mut events =
        support::file_events("evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx").unwrap();
    events.extend(support::real_events(97).unwrap());
    let mut apps = Vec::new();
    for place in [Place::embedded(), cluster] {
        let app = TestApp::at(place, Settings::default(), Box::new(|e| e)).await;
        app.pipeline.import_rules(few.clone()).await.unwrap();
        for part in events.chunks(1_000) {
            app.store(part.to_vec()).await;
        }
        let token = app.login("analyst", ANALYST).await;
        apps.push((app, token));
    }
    let apps = apps.try_into().unwrap_or_else(|_| unreachable!());
    let mut pair = Pair { documents: Documents::read(), apps, compared: 0, any_order: false };
    let hosts = searches(&mut pair).await;
    statistics(&mut pair, &hosts).await;
    graph(&mut pair, &hosts).await;
    println!("{} answers compared, over {} events", pair.compared, events.len());
    for (app, _) in pair.apps {
        app.shut_down().await;
    }
}

/// Names of the hosts with most events.
async fn searches(pair: &mut Pair) -> Vec<String> {
    let conditions = [
        Value::Null,
        text("CONTAINS", "process", "powershell"),
        text("EQUALS", "port", "443"),
        text("CIDR", "ip", "10.0.0.0/8"),
        text("ENDS_WITH", "file", ".exe"),
        text("REGEX", "CommandLine", "-e(nc|xec)"),
        text("STARTS_WITH", "registryKey", "HKLM\\System"),
        json!({"and": [{"match": {"field": "hash", "operator": "EXISTS"}}, {"not": text("WILDCARD", "Image", "*\\windows\\*")}]}),
        json!({"or": [text("EQUALS", "EventID", "11"), text("GTE", "EventID", "22")]}),
    ];
    let period = json!({"from": "2019-01-01T00:00:00Z", "to": "2021-06-01T00:00:00Z"});
    let (mut found, mut event) = (0, Value::Null);
    for condition in conditions {
        for (order, sort) in [
            ("NEWEST_FIRST", Value::Null),
            ("OLDEST_FIRST", Value::Null),
            ("NEWEST_FIRST", json!({"field": "Image", "descending": true})),
        ] {
            let variables = json!({"condition": condition, "period": null, "order": order, "sort": sort, "fields": ["CommandLine", "TargetFilename"], "first": 60});
            let answer = pair.ask("Events", variables).await;
            found += answer["events"]["nodes"].as_array().unwrap().len();
            event = answer["events"]["nodes"][0]["id"].clone();
        }
        for period in [Value::Null, period.clone()] {
            let variables = json!({"condition": condition, "period": period});
            pair.ask("Summary", variables.clone()).await;
            pair.ask("HostsOf", variables.clone()).await;
            pair.ask("NodesOfValue", variables.clone()).await;
            pair.ask("EdgeEvents", variables).await;
        }
        pair.ask("RuleHits", json!({"condition": condition, "filter": null, "first": 100})).await;
        let top = json!({"field": "Image", "condition": condition, "period": null, "order": "TOP", "first": 20});
        pair.ask("Terms", top).await;
    }
    assert!(found > 300, "{found}");
    pair.ask("Event", json!({"id": event})).await;
    let pages =
        json!({"condition": null, "period": null, "order": "OLDEST_FIRST", "sort": null, "fields": [], "first": 500});
    assert!(pair.pages("Events", "/events", "nodes", pages).await.len() > 2_000);
    let hits = pair.pages("Hits", "/hits", "nodes", json!({"filter": null, "first": 500})).await.len();
    assert!(hits > 20, "{hits}");
    let listed = json!({"period": null, "filter": null, "order": "EVENTS", "descending": true, "first": 7});
    pair.pages("Hosts", "/hosts", "nodes", listed.clone()).await;
    let hosts = pair.ask("Hosts", listed).await;
    hosts["hosts"]["nodes"].as_array().unwrap().iter().map(|h| h["name"].as_str().unwrap().to_owned()).collect()
}

async fn statistics(pair: &mut Pair, hosts: &[String]) {
    for operation in ["EventCodes", "Fields"] {
        pair.ask(operation, json!({})).await;
    }
    pair.ask("HostCodes", json!({"period": null, "first": 50})).await;
    pair.ask("Starts", json!({"hits": 500, "hosts": 5})).await;
    pair.pages("Rules", "/rules", "nodes", json!({"filter": null, "first": 200})).await;
    pair.ask("ReportSearch", json!({"name": "list.txt", "text": "198.51.100.7\nexample.org\n"})).await;
    for host in hosts {
        for width in [json!({"buckets": 100}), Value::Null] {
            pair.ask("HostTimeline", json!({"name": host, "period": null, "interval": width})).await;
        }
    }
    for field in [
        "DestinationIp",
        "DestinationPort",
        "QueryName",
        "Image",
        "ParentImage",
        "hash",
        "Hashes",
        "EventType",
        "TargetObject",
        "Computer",
    ] {
        for order in ["TOP", "RARE"] {
            let variables = json!({"field": field, "condition": null, "period": null, "order": order, "first": 30});
            pair.ask("Terms", variables).await;
        }
    }
    for fields in [json!(["ParentImage", "Image"]), json!(["DestinationIp", "DestinationPort"]), json!(["QueryName"])] {
        for (order, descending) in [("EVENTS", true), ("CHANGE", false), ("FIRST_SEEN", true)] {
            let period = json!({"from": "2020-01-01T00:00:00Z", "to": "2022-01-01T00:00:00Z"});
            let baseline = json!({"period": {"from": "2018-01-01T00:00:00Z", "to": "2020-01-01T00:00:00Z"}});
            let variables = json!({"fields": fields, "condition": null, "period": period, "baseline": baseline,
                "onlyNew": false, "order": order, "descending": descending, "first": 40});
            pair.ask("Values", variables).await;
        }
    }
}

async fn graph(pair: &mut Pair, hosts: &[String]) {
    pair.any_order = true;
    let (mut groups, mut paths) = (0, 0);
    for host in &hosts[..hosts.len().min(3)] {
        let variables = json!({"host": host, "period": null, "first": 500});
        let tree = pair.pages("ProcessTree", "/processTree", "processes", variables).await;
        pair.ask("FindNodes", json!({"name": host, "first": 50})).await;
        let nodes: Vec<Value> = tree.iter().map(|n| n["node"]["id"].clone()).collect();
        assert!(!nodes.is_empty());
        pair.ask("Around", json!({"ids": nodes[..nodes.len().min(500)], "period": null})).await;
        for id in nodes.iter().step_by(nodes.len().div_ceil(6)) {
            pair.ask("GraphNode", json!({"id": id, "descendants": 500})).await;
            let details = pair.ask("NodeDetails", json!({"id": id, "period": null})).await;
            let guid = details["graphNode"]["properties"].as_array().and_then(|all| {
                let guid = all.iter().find(|p| p["name"] == "process_guid" || p["name"] == "ProcessGuid")?;
                guid["value"].as_str().map(str::to_owned)
            });
            if let Some(guid) = guid {
                pair.ask("ProcessFacts", json!({"guid": guid})).await;
            }
            pair.pages("ProcessTouched", "/graphNode/neighbours", "edges", json!({"id": id, "first": 50})).await;
            for by in ["DAY", "HOST", "KIND", "NAME", "PLACE"] {
                let of = json!({"id": id, "by": by, "edges": null, "direction": null, "period": null, "first": 20, "skip": 0});
                let answer = pair.ask("NeighbourGroups", of).await["graphNode"]["groups"].take();
                let Some(key) = answer["items"][0]["key"].as_str() else { continue };
                groups += 1;
                let of = json!({"id": id, "by": by, "key": key, "edges": null, "direction": null, "period": null, "first": 200});
                pair.pages("Members", "/graphNode/members", "edges", of).await;
            }
            let found = pair.ask("Paths", json!({"from": nodes[0], "to": id, "period": null, "longest": 4})).await;
            paths += found["paths"]["items"].as_array().map_or(0, Vec::len);
        }
    }
    assert!(groups > 3 && paths > 0, "{groups} groups, {paths} paths");
}
