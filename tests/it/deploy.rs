//! `docker-compose.yml` and the Dockerfile, looked at without a container engine, and the same configuration started
//! from processes.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
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
