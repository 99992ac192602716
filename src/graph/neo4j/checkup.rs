//! What `doctor` asks of the server.
use super::{VERSION, read};
use crate::{
    checkup::Finding,
    error::Result,
};
use super::client::{Client, cypher};
use serde::Deserialize;
use std::collections::BTreeMap;

const PART: &str = "Neo4j";
/// The first version that is known to answer everything.
const OLDEST: (u32, u32) = (5, 26);

#[derive(Deserialize)]
struct Server {
    version: String,
    edition: String,
}

#[derive(Deserialize)]
struct Index {
    name: String,
    state: String,
}

#[derive(Deserialize)]
struct Constraint {
    name: String,
}

pub async fn checkup(client: &Client) -> Vec<Finding> {
    let mut found = Vec::new();
    match client.rows(cypher!("cypher/read/server.cypher")).await.map(|rows: Vec<Server>| rows.into_iter().next()) {
        Err(e) => return vec![Finding::failed(PART, &e)],
        Ok(None) => found.push(Finding::warning(PART, "the server does not tell its version", "use Neo4j 5.26 or later")),
        Ok(Some(server)) => found.push(version(&server)),
    }
    found.push(schema(client).await.unwrap_or_else(|e| Finding::failed(PART, &e)));
    found.push(match read::state(client).await {
        Ok(state) if state.version > VERSION => Finding::bad(
            PART,
            format!("the graph has version {}, this program knows up to {VERSION}", state.version),
            "use a newer program, or another database, and rebuild the graph from the events",
        ),
        Ok(state) => Finding::good(PART, format!("layout of the graph: version {}", state.version)),
        Err(e) => Finding::failed(PART, &e),
    });
    found
}

fn version(server: &Server) -> Finding {
    let text = format!("version {} ({})", server.version, server.edition);
    let mut numbers = server.version.split(['.', '-']).map(|n| n.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST {
        Finding::good(PART, text)
    } else {
        Finding::warning(PART, text, "use Neo4j 5.26 or later: older ones are not tested")
    }
}

/// Constraints and indexes that are there and work; those of the program's own are made at start.
async fn schema(client: &Client) -> Result<Finding> {
    let constraints: Vec<Constraint> = client.rows(cypher!("cypher/read/constraints.cypher")).await?;
    let indexes: Vec<Index> = client.rows(cypher!("cypher/read/indexes.cypher")).await?;
    let indexes: BTreeMap<&str, &str> = indexes.iter().map(|i| (i.name.as_str(), i.state.as_str())).collect();
    let missing: Vec<&str> = super::CONSTRAINTS
        .iter()
        .filter(|c| !constraints.iter().any(|have| have.name == **c))
        .chain(super::INDEXES.iter().filter(|i| !indexes.contains_key(**i)))
        .copied()
        .collect();
    let ill: Vec<String> =
        indexes.iter().filter(|(_, state)| **state != "ONLINE").map(|(name, state)| format!("{name}: {state}")).collect();
    Ok(if !missing.is_empty() {
        Finding::bad(
            PART,
            format!("constraints or indexes are missing: {}", missing.join(", ")),
            "restart the program, which makes them; its user needs the right to",
        )
    } else if !ill.is_empty() {
        Finding::warning(
            PART,
            format!("indexes do not answer: {}", ill.join(", ")),
            "wait until they are built; one that FAILED must be dropped, and is made anew at the next start",
        )
    } else {
        Finding::good(PART, format!("{} constraints, {} indexes online", constraints.len(), indexes.len()))
    })
}
