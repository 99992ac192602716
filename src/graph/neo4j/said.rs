//! What is stored of facts: times as milliseconds, and the properties with their stamps as bytes.
use crate::{
    error::{Error, Result},
    event::Time,
    graph::{batch::Facts, property::Stamped},
    neo4j::Map,
};
use serde::Deserialize;

/// What one row of an edge says.
#[derive(Deserialize)]
pub struct Said {
    first: i64,
    last: i64,
    said: Vec<u8>,
}

impl Said {
    pub fn facts(&self) -> Result<Facts> {
        facts(self.first, self.last, false, &self.said)
    }
}

/// Facts from their stored parts.
pub fn facts(first: i64, last: i64, inferred: bool, said: &[u8]) -> Result<Facts> {
    let mut facts = Facts::at(Time(first), inferred);
    facts.last = Time(last);
    facts.properties = Stamped::decode(said).map_err(Error::internal)?;
    Ok(facts)
}

/// All together; `None` of none.
pub fn merged(all: impl IntoIterator<Item = Result<Facts>>) -> Result<Option<Facts>> {
    let mut merged: Option<Facts> = None;
    for facts in all {
        let facts = facts?;
        match &mut merged {
            None => merged = Some(facts),
            Some(m) => {
                m.merge(facts);
            }
        }
    }
    Ok(merged)
}

/// The stored properties. Each value stands beside the bytes under its own name, for whoever looks at the graph with
/// other tools; this program reads the bytes.
pub fn stored(facts: &Facts, texts: bool) -> Map {
    let said = if facts.properties.is_empty() { Vec::new() } else { facts.properties.encode() };
    let mut all = Map::default().with("firstSeen", facts.first.0).with("lastSeen", facts.last.0).with("said", said);
    if texts {
        for (name, value) in facts.properties.texts() {
            all.put(&name, value);
        }
    }
    all
}
