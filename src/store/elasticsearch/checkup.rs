//! What `doctor` asks about the indices of events.
use super::Store;
use crate::{checkup::Finding, elastic::Method, error::Result};
use serde_json::Value;

const PART: &str = "events in Elasticsearch";

impl Store {
    pub async fn checkup(&self) -> Vec<Finding> {
        let mut found = self.client.checkup(PART).await;
        if found.len() > 1 {
            found.push(self.template().await.unwrap_or_else(|e| Finding::failed(PART, &e)));
            found.push(self.mappings().await.unwrap_or_else(|e| Finding::failed(PART, &e)));
        }
        found
    }

    /// Whether the next index gets the mapping of this program.
    async fn template(&self) -> Result<Finding> {
        self.ready().await?;
        let path = format!("_index_template/_simulate_index/{}-1970.01", self.prefix);
        let answer = self.client.ask(Method::Post, &path, &Value::Null).await?;
        let overlapping = answer["overlapping"].as_array().into_iter().flatten();
        let others: Vec<&str> = overlapping.filter_map(|t| t["name"].as_str()).collect();
        Ok(if is_ours(&answer["template"]["mappings"]) {
            Finding::good(PART, format!("index template {} applies", self.prefix))
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
            "{}/_mapping?allow_no_indices=true&filter_path=*.mappings.dynamic,*.mappings.properties.s.properties.id",
            self.indices()
        );
        let answer = self.client.ask(Method::Get, &path, &Value::Null).await?;
        let indices = answer.as_object().into_iter().flatten();
        let mut foreign = Vec::new();
        let mut count = 0;
        for (name, index) in indices {
            count += 1;
            if !is_ours(&index["mappings"]) {
                foreign.push(name.as_str());
            }
        }
        Ok(if foreign.is_empty() {
            Finding::good(PART, format!("{count} indices, each with the mapping of this program"))
        } else {
            Finding::bad(
                PART,
                format!("indices with another mapping: {}", foreign.join(", ")),
                "they were made by another program under a name of this one: move them away, and ingest their events",
            )
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
