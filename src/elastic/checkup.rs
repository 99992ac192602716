//! What `doctor` asks of the cluster. Not its root, which a proxy or a role may hide.
use super::{Client, Method};
use crate::{checkup::Finding, error::Result};
use serde_json::Value;
use std::collections::BTreeSet;

impl Client {
    /// Versions of the nodes and the health of the cluster.
    pub async fn checkup(&self, part: &'static str) -> Vec<Finding> {
        match self.nodes(part).await {
            Err(e) => vec![Finding::failed(part, &e)],
            Ok(nodes) => vec![nodes, self.health(part).await.unwrap_or_else(|e| Finding::failed(part, &e))],
        }
    }

    async fn nodes(&self, part: &'static str) -> Result<Finding> {
        let path = "_nodes?filter_path=nodes.*.version";
        let answer = self.ask(Method::Get, path, &Value::Null).await?;
        let nodes: Vec<&Value> = answer["nodes"].as_object().into_iter().flat_map(|n| n.values()).collect();
        let versions: BTreeSet<&str> = nodes.iter().filter_map(|n| n["version"].as_str()).collect();
        let versions: Vec<&str> = versions.into_iter().collect();
        let text = format!(
            "version {} on {} node{}",
            versions.join(", "),
            nodes.len(),
            if nodes.len() == 1 { "" } else { "s" }
        );
        Ok(if versions.iter().all(|v| is_known(v)) && !versions.is_empty() {
            Finding::good(part, text)
        } else {
            Finding::warning(part, text, "use Elasticsearch 8.19 or 9, or OpenSearch 2.19 or 3: others are not tested")
        })
    }

    async fn health(&self, part: &'static str) -> Result<Finding> {
        let path = "_cluster/health?filter_path=status,unassigned_shards,active_primary_shards";
        let answer = self.ask(Method::Get, path, &Value::Null).await?;
        let number = |name: &str| answer[name].as_u64().unwrap_or(0);
        let (active, missing) = (number("active_primary_shards"), number("unassigned_shards"));
        let text = format!("{active} primary shards, {missing} copies not assigned");
        Ok(match answer["status"].as_str() {
            Some("green") => Finding::good(part, text),
            Some("yellow") => Finding::warning(part, text, "give the cluster as many nodes as an index has copies"),
            _ => Finding::bad(
                part,
                format!("some shards are away: {text}"),
                "ask _cluster/allocation/explain why, and bring the missing node back",
            ),
        })
    }
}

/// Elasticsearch from 8.19, OpenSearch from 2.19: their numbers do not meet.
fn is_known(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|n| n.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    ((2, 19)..(4, 0)).contains(&version) || ((8, 19)..(10, 0)).contains(&version)
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_versions() {
        let known = ["8.19.21", "9.2.0", "2.19.1", "3.0.0-SNAPSHOT"];
        assert!(known.iter().all(|v| super::is_known(v)));
        assert!(!["8.18.9", "7.17.0", "2.9.0", "1.3.2", "10.0.0", ""].iter().any(|v| super::is_known(v)));
    }
}
