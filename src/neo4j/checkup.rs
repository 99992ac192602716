//! What `doctor` asks of the server.
use super::{Client, cypher};
use crate::{checkup::Finding, error::Result};
use serde::Deserialize;
use std::collections::HashMap;

/// The first version that is known to answer everything.
const OLDEST: (u32, u32) = (5, 26);

#[derive(Deserialize)]
struct Server {
    version: String,
    edition: String,
}

#[derive(Deserialize)]
struct Made {
    name: String,
    /// Of an index; a constraint has none.
    state: Option<String>,
}

impl Client {
    /// Version of the server, and whether what the statements of `schema` make is there and works.
    pub async fn checkup(&self, part: &'static str, schema: &[&str]) -> Vec<Finding> {
        let server = self.rows::<Server>(cypher!("cypher/read/server.cypher")).await;
        let server = match server.as_deref() {
            Err(e) => return vec![Finding::failed(part, e)],
            Ok([server, ..]) => version(part, server),
            Ok([]) => Finding::warning(part, "the server does not tell its version", "use Neo4j 5.26 or later"),
        };
        let made = self.made(part, schema).await.unwrap_or_else(|e| Finding::failed(part, &e));
        vec![server, made]
    }

    async fn made(&self, part: &'static str, schema: &[&str]) -> Result<Finding> {
        let mut made = self.rows::<Made>(cypher!("cypher/read/constraints.cypher")).await?;
        made.extend(self.rows::<Made>(cypher!("cypher/read/indexes.cypher")).await?);
        // An index that a constraint brings has its name too.
        let made: HashMap<&str, &str> =
            made.iter().map(|m| (m.name.as_str(), m.state.as_deref().unwrap_or("ONLINE"))).collect();
        let wanted: Vec<&str> = schema.iter().filter_map(|statement| name(statement)).collect();
        let missing: Vec<&str> = wanted.iter().filter(|n| !made.contains_key(**n)).copied().collect();
        let ill = |n: &&str| made.get(*n).filter(|s| **s != "ONLINE").map(|s| format!("{n} is {s}"));
        let ill: Vec<String> = wanted.iter().filter_map(ill).collect();
        Ok(if !missing.is_empty() {
            Finding::bad(
                part,
                format!("constraints or indexes are missing: {}", missing.join(", ")),
                "restart the program, which makes them; its user needs the right to",
            )
        } else if !ill.is_empty() {
            Finding::warning(
                part,
                format!("indexes do not answer: {}", ill.join(", ")),
                "wait until they are built; one that has failed must be dropped, and is made anew at the next start",
            )
        } else {
            Finding::good(part, format!("{} constraints and indexes work", wanted.len()))
        })
    }
}

/// What a statement makes.
fn name(statement: &str) -> Option<&str> {
    let line = statement.lines().find(|l| l.starts_with("CREATE "))?;
    line.split_whitespace().skip_while(|w| !matches!(*w, "CONSTRAINT" | "INDEX")).nth(1)
}

fn version(part: &'static str, server: &Server) -> Finding {
    let text = format!("version {} ({})", server.version, server.edition);
    let mut numbers = server.version.split(['.', '-']).map(|n| n.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST {
        Finding::good(part, text)
    } else {
        Finding::warning(part, text, "use Neo4j 5.26 or later: older ones are not tested")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::State;

    #[test]
    fn what_a_statement_makes() {
        assert_eq!(
            name("// x\nCREATE CONSTRAINT graph_a IF NOT EXISTS FOR (c:C) REQUIRE c.n IS UNIQUE"),
            Some("graph_a")
        );
        assert_eq!(name("CREATE RANGE INDEX graph_b IF NOT EXISTS FOR (c:C) ON (c.n)"), Some("graph_b"));
        assert_eq!(name("CALL db.awaitIndexes($seconds)"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let of = |v: &str| version("x", &Server { version: v.into(), edition: "community".into() }).state;
        assert_eq!(
            (of("5.26.30"), of("2026.10.1"), of("5.9.0"), of("4.4.40")),
            (State::Good, State::Good, State::Warning, State::Warning)
        );
    }
}
