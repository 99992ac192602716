//! `docker-compose.yml` and the Dockerfile, looked at without a container engine, and the same configuration started
//! from processes.
use crate::support::cluster::{Namespace, Turn};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use yaml_serde::Value;

fn text(name: &str) -> String {
    fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn compose() -> Value {
    yaml_serde::from_str(&text("docker-compose.yml")).unwrap()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().map(|(k, v)| (k.as_str().unwrap(), v))
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_sequence().into_iter().flatten().map(|v| v.as_str().unwrap()).collect()
}

/// Whether a tag names one version: `8.19.21`, not `8` or `latest`.
fn is_pinned(image: &str) -> bool {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    tag.split('-').next().unwrap_or_default().split('.').filter(|n| n.parse::<u32>().is_ok()).count() >= 2
}

/// Variables that the text takes, as `${NAME...}`.
fn variables(text: &str) -> BTreeSet<&str> {
    let ends = |c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    text.split("${").skip(1).map(|rest| rest.split(ends).next().unwrap_or_default()).collect()
}

#[test]
fn every_service_is_pinned_bounded_and_watched() {
    let compose = compose();
    let services: BTreeMap<&str, &Value> = entries(&compose["services"]).collect();
    assert_eq!(services.keys().copied().collect::<Vec<_>>(), ["elasticsearch", "neo4j", "sysmonsearch"]);
    let volumes: BTreeSet<&str> = entries(&compose["volumes"]).map(|(name, _)| name).collect();
    for (name, service) in services {
        assert!(is_pinned(service["image"].as_str().unwrap()), "{name}: which version?");
        assert!(service["mem_limit"].is_string(), "{name}: memory without a limit");
        assert!(service["healthcheck"]["test"].is_sequence(), "{name}: nobody looks whether it works");
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        for volume in strings(&service["volumes"]) {
            assert!(volumes.contains(volume.split(':').next().unwrap()), "{name}: {volume} is not declared");
        }
        assert!(!strings(&service["volumes"]).is_empty(), "{name}: its data ends with the container");
        // Of all services only the product is reached from outside, and by default from this machine alone.
        let ports = strings(&service["ports"]);
        assert_eq!(ports.is_empty(), name != "sysmonsearch", "{name}: {ports:?}");
        assert!(ports.iter().all(|p| p.starts_with("${SYSMONSEARCH_PUBLISH:-127.0.0.1:")), "{name}: {ports:?}");
    }
    let version = compose["services"]["sysmonsearch"]["image"].as_str().unwrap();
    assert_eq!(version, concat!("sysmonsearch:", env!("CARGO_PKG_VERSION")));
    for needed in ["elasticsearch", "neo4j"] {
        let condition = &compose["services"]["sysmonsearch"]["depends_on"][needed]["condition"];
        assert_eq!(condition, "service_healthy");
    }
}

#[test]
fn secrets_are_files_and_every_variable_is_explained() {
    let (compose, text, readme) = (compose(), text("docker-compose.yml"), text("README.md"));
    let declared: BTreeSet<&str> = entries(&compose["secrets"])
        .map(|(name, secret)| {
            assert!(secret["file"].as_str().unwrap().starts_with("./secrets/"), "{name}");
            name
        })
        .collect();
    let help = Command::new(env!("CARGO_BIN_EXE_sysmonsearch")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (name, service) in entries(&compose["services"]) {
        let given: BTreeSet<&str> = strings(&service["secrets"]).into_iter().collect();
        assert!(given.is_subset(&declared), "{name}: {given:?}");
        for (variable, value) in entries(&service["environment"]) {
            let is_secret = ["PASSWORD", "AUTH", "KEY", "SECRET"].iter().any(|s| variable.contains(s));
            if is_secret {
                assert!(variable.ends_with("_FILE"), "{name}: {variable} holds a secret");
                let file = value.as_str().unwrap().strip_prefix("/run/secrets/").unwrap();
                assert!(given.contains(file), "{name}: {file} is not given to it");
            }
            if variable.starts_with("SYSMONSEARCH_") {
                assert!(help.contains(&format!("[env: {variable}=")), "the program does not know {variable}");
                assert!(readme.contains(&format!("`{variable}`")), "README does not explain {variable}");
            }
        }
    }
    let head: String = text.lines().take_while(|l| l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    for variable in variables(&text) {
        assert!(head.contains(&format!("#   {variable} ")), "the head does not explain {variable}");
    }
}

#[test]
fn every_variable_of_the_program_is_in_the_readme() {
    let readme = text("README.md");
    let help = |command: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_sysmonsearch")).args([command, "--help"]).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let all = ["serve", "ingest"].map(help).concat();
    let mut known = 0;
    for rest in all.split("[env: ").skip(1) {
        let variable = rest.split('=').next().unwrap();
        assert!(readme.contains(&format!("`{variable}`")), "README does not name {variable}");
        known += 1;
    }
    assert!(known > 10, "{all}");
}

#[test]
fn the_image_is_pinned_and_has_a_user() {
    let dockerfile = text("Dockerfile");
    let bases: Vec<&str> = dockerfile.lines().filter_map(|l| l.strip_prefix("FROM ")).collect();
    assert!(bases.len() > 1, "several stages: {bases:?}");
    for base in &bases {
        assert!(is_pinned(base.split(' ').next().unwrap()), "{base}: which version?");
    }
    let last = dockerfile.rsplit("FROM ").next().unwrap();
    assert!(last.lines().any(|l| l.starts_with("USER ") && l != "USER root"), "it would run as root");
    let rust = text("Cargo.toml")
        .lines()
        .find_map(|l| l.strip_prefix("rust-version = ").map(|v| v.trim_matches('"').to_owned()));
    assert!(bases.iter().any(|b| b.starts_with(&format!("rust:{}.", rust.as_deref().unwrap()))), "{bases:?}");
}

/// What stands in the Dockerfile behind `ENV`.
fn image_environment() -> BTreeMap<String, String> {
    let dockerfile = text("Dockerfile");
    let lines = dockerfile.lines().filter_map(|l| l.strip_prefix("ENV "));
    let pairs = lines.flat_map(|l| l.split(' ').filter_map(|p| p.split_once('=')));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The service `sysmonsearch`, its environment as composed; only the places of servers, files and the port are others.
#[tokio::test(flavor = "multi_thread")]
async fn the_composed_configuration_starts_from_processes() {
    let Some(namespace) = Namespace::with_neo4j("ELASTICSEARCH_URL") else { return };
    let _turn = Turn::take(namespace.neo4j()).await;
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let neo4j = namespace.neo4j();
    // A server without passwords takes any.
    let password = if neo4j.password.is_empty() { "none" } else { &neo4j.password };
    let secrets = [
        ("elasticsearch", "none".to_owned()),
        ("neo4j", format!("{}/{password}", neo4j.user)),
        ("admin", "an admin's password".to_owned()),
    ];
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for (name, secret) in secrets {
        fs::write(folder.path().join(name), format!("{secret}\n")).unwrap();
    }
    let service = compose()["services"]["sysmonsearch"].clone();
    let mut environment = image_environment();
    environment.extend(entries(&service["environment"]).map(|(k, v)| (k.to_owned(), v.as_str().unwrap().to_owned())));
    let mut placed = 0;
    for value in environment.values_mut() {
        let there =
            value.replace("http://elasticsearch:9200", &namespace.elastic).replace("bolt://neo4j:7687", &neo4j.uri);
        let there = there.replace("0.0.0.0:8410", &format!("127.0.0.1:{port}"));
        let there = match there.strip_prefix("/run/secrets/") {
            Some(name) => path(name),
            None if there == "/data" => path("data"),
            // `${NAME:-default}`
            None => match there.strip_prefix("${").and_then(|rest| rest.split_once(":-")) {
                Some((_, default)) => default.trim_end_matches('}').to_owned(),
                None => there,
            },
        };
        placed += usize::from(there != *value);
        *value = there;
    }
    assert_eq!(placed, 8, "servers, secrets, log, address and folder: {environment:?}");
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sysmonsearch"));
        command.args(arguments).env_clear().envs(&environment).env("SYSMONSEARCH_PREFIX", &namespace.name);
        command
    };
    let doctor = |prefix: &str| {
        let looked = program(&["doctor"]).env("SYSMONSEARCH_PREFIX", prefix).output().unwrap();
        String::from_utf8_lossy(&looked.stdout).into_owned() + &String::from_utf8_lossy(&looked.stderr)
    };
    // It takes possession of nothing: else the program would be refused below.
    let said = doctor("t-another");
    assert!(said.contains("graph in Neo4j"), "{said}");

    let log = fs::File::create(folder.path().join("log")).unwrap();
    let mut process =
        Process(program(&["serve"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();

    // As its health check asks.
    let check = strings(&service["healthcheck"]["test"]).pop().unwrap();
    let check = check.replace(":8410", &format!(":{port}"));
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let begun = Instant::now();
    while !client.get(&check).send().await.is_ok_and(|a| a.status() == 200) {
        assert!(process.0.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(120), "{}", log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let ask = async |token: &str, query: &str| {
        let body = serde_json::json!({ "query": query }).to_string();
        let request = client.post(format!("http://127.0.0.1:{port}/graphql"));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap()
    };
    let login =
        ask("", "mutation { login(input: {name: \"admin\", password: \"an admin's password\"}) { token } }").await;
    let token = login["data"]["login"]["token"].as_str().unwrap_or_else(|| panic!("{login}"));
    let checkup = ask(token, "{ checkup { part text } }").await.to_string();
    assert!(checkup.contains("Elasticsearch") && checkup.contains("Neo4j"), "{checkup}");

    // As the head of the file says.
    let said = doctor(&namespace.name);
    assert!(said.contains("Elasticsearch") && said.contains(&format!("of --prefix {}", namespace.name)), "{said}");
    let said = doctor("t-another");
    assert!(said.contains(&format!("installation with --prefix {}", namespace.name)), "{said}");

    let stop = Command::new("kill").args(["-TERM", &process.0.id().to_string()]).status().unwrap();
    assert!(stop.success() && process.0.wait().unwrap().success(), "{}", log());
}
