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
            Ok(nodes) => {
                let (health, room) = (self.health(part).await, self.room(part).await);
                [Ok(nodes), health, room].map(|f| f.unwrap_or_else(|e| Finding::failed(part, &e))).into()
            }
        }
    }

    /// Whether there is room for the indices of the next months.
    async fn room(&self, part: &'static str) -> Result<Finding> {
        let path = "_cluster/health?filter_path=number_of_data_nodes,active_shards,unassigned_shards";
        let health = self.ask(Method::Get, path, &Value::Null).await?;
        let path = "_cluster/settings?include_defaults=true&filter_path=*.cluster.max_shards_per_node";
        let answer = self.ask(Method::Get, path, &Value::Null).await?;
        let given = |of: &str| answer[of]["cluster"]["max_shards_per_node"].as_str().and_then(|n| n.parse().ok());
        let each = ["transient", "persistent", "defaults"].into_iter().find_map(given);
        let number = |name: &str| health[name].as_u64().unwrap_or(0);
        let used = number("active_shards") + number("unassigned_shards");
        Ok(room(part, used, each.map(|each: u64| each.saturating_mul(number("number_of_data_nodes").max(1)))))
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

fn room(part: &'static str, used: u64, most: Option<u64>) -> Finding {
    let Some(most) = most else { return Finding::good(part, format!("{used} shards")) };
    let text = format!("{used} of at most {most} shards");
    if used < most / 10 * 9 {
        return Finding::good(part, text);
    }
    let advice = "drop old indices (--keep-months), add a node, or raise cluster.max_shards_per_node: without room for the index \
                  of a further month its events are refused";
    Finding::warning(part, text, advice)
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
    fn room_for_the_next_months() {
        use crate::checkup::State::{Good, Warning};
        let state = |used, most| super::room("x", used, most).state;
        assert_eq!((state(899, Some(1_000)), state(900, Some(1_000)), state(2_000, None)), (Good, Warning, Good));
    }

    #[test]
    fn known_versions() {
        let known = ["8.19.21", "9.2.0", "2.19.1", "3.0.0-SNAPSHOT"];
        assert!(known.iter().all(|v| super::is_known(v)));
        assert!(!["8.18.9", "7.17.0", "2.9.0", "1.3.2", "10.0.0", ""].iter().any(|v| super::is_known(v)));
    }
}
