//! What `doctor` asks about the indices of events.
use super::{Foreign, Store, mapping::Substring};
use crate::{checkup::Finding, elastic::Method, error::Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PART: &str = "events in Elasticsearch";
const FOREIGN: &str = "events of others in Elasticsearch";

impl Store {
    pub async fn checkup(&self) -> Vec<Finding> {
        let mut found = self.client.checkup(PART).await;
        if found.len() > 1 {
            found.push(self.template().await.unwrap_or_else(|e| Finding::failed(PART, &e)));
            found.push(self.mappings().await.unwrap_or_else(|e| Finding::failed(PART, &e)));
            if let Some(foreign) = &self.foreign {
                found.push(self.others(foreign).await.unwrap_or_else(|e| Finding::failed(FOREIGN, &e)));
            }
        }
        found
    }

    /// Whether the next index gets the mapping of this program.
    async fn template(&self) -> Result<Finding> {
        let path = format!("_index_template/_simulate_index/{}-1970.01", self.prefix);
        let answer = self.client.ask(Method::Post, &path, &Value::Null).await?;
        let mappings = &answer["template"]["mappings"];
        if mappings.is_null() {
            let text = format!("no index template {} yet: it is put before the first event is stored", self.prefix);
            return Ok(Finding::good(PART, text));
        }
        let way = Substring::of(mappings).unwrap_or(Substring::Keyword);
        let overlapping = answer["overlapping"].as_array().into_iter().flatten();
        let others: Vec<&str> = overlapping.filter_map(|t| t["name"].as_str()).collect();
        let applies =
            format!("index template {} applies, with searches inside of values by {}", self.prefix, way.as_str());
        Ok(if is_ours(mappings) {
            if way == Substring::Keyword && self.substring.is_none() {
                let advice = "a cluster with wildcard fields or the n-gram tokenizer makes them fast: both servers have them \
                              in their full distributions";
                Finding::warning(PART, format!("{applies}, which are slow where there are many values"), advice)
            } else {
                Finding::good(PART, applies)
            }
        } else {
            Finding::bad(
                PART,
                format!(
                    "a template other than {} applies to its indices; there are: {}",
                    self.prefix,
                    others.join(", ")
                ),
                "lower the priority of the others, or take another --prefix",
            )
        })
    }

    /// Indices that were not made by the template would map what events bring.
    async fn mappings(&self) -> Result<Finding> {
        let path = format!(
            "{}/_mapping?allow_no_indices=true&filter_path=*.mappings.dynamic,*.mappings._meta.substring,\
             *.mappings.properties.s.properties.id",
            self.indices()
        );
        let answer = self.client.ask(Method::Get, &path, &Value::Null).await?;
        let indices = answer.as_object().into_iter().flatten();
        let mut foreign = Vec::new();
        let (mut count, mut ways) = (0, BTreeMap::new());
        for (name, index) in indices {
            count += 1;
            *ways.entry(Substring::of(&index["mappings"]).map_or("none told", Substring::as_str)).or_insert(0) += 1;
            if !is_ours(&index["mappings"]) {
                foreign.push(name.as_str());
            }
        }
        let ways: Vec<String> = ways.into_iter().map(|(way, n)| format!(", {n} by {way}")).collect();
        Ok(if foreign.is_empty() {
            Finding::good(PART, format!("{count} indices, each with the mapping of this program{}", ways.concat()))
        } else {
            Finding::bad(
                PART,
                format!("indices with another mapping: {}", foreign.join(", ")),
                "they were made by another program under a name of this one: move them away, and ingest their events",
            )
        })
    }

    /// Indices that others fill.
    async fn others(&self, of: &Foreign) -> Result<Finding> {
        let names = of.names();
        let path = format!(
            "{names}/_settings?ignore_unavailable=true&allow_no_indices=true&filter_path=*.settings.index.uuid"
        );
        let answer = self.client.ask(Method::Get, &path, &Value::Null).await?;
        // What followers and appends ask of them.
        self.parts_of(&names, true).await?;
        let documents = self.client.count(&names, &json!({ "match_all": {} })).await?;
        Ok(match answer.as_object().map_or(0, serde_json::Map::len) {
            0 => Finding::warning(
                FOREIGN,
                format!("no index is called {names}"),
                "look whether --foreign names them right",
            ),
            count => Finding::good(FOREIGN, format!("{documents} documents in {count} indices called {names}")),
        })
    }
}

fn is_ours(mappings: &Value) -> bool {
    let fixed = match &mappings["dynamic"] {
        Value::String(s) => s == "false",
        Value::Bool(b) => !b,
        _ => false,
    };
    fixed && mappings["properties"]["s"]["properties"]["id"]["type"] == "keyword"
}
