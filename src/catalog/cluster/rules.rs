//! Rules by id, with what they were before.
use super::{
    Cluster,
    nodes::{self, Kind, Row, Space},
    state::Counter,
};
use crate::{
    catalog::RuleVersion,
    error::Result,
    event::detection::Rule,
    neo4j::{ROWS, Transaction, cypher, transact, transact_most},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// Counts changes; writers hold its lock.
pub const CHANGES: &str = "rules";
/// Numbers versions.
const VERSIONS: &str = "rule versions";

fn key(space: &Space, id: &str) -> String {
    space.key(Kind::Rule, &[id])
}

fn versions(space: &Space, id: &str) -> String {
    space.list_of(Kind::RuleVersion, &[id])
}

fn row(space: &Space, rule: &Rule) -> Result<Row> {
    Ok(Row::new(key(space, &rule.id), Kind::Rule, rule)?.list(space.list(Kind::Rule)).number(0))
}

/// Stores rules under the lock of [`CHANGES`]. Returns how many are new or changed.
pub async fn put(t: &mut Transaction, space: &Space, rules: &[Rule]) -> Result<u64> {
    let mut changed = 0;
    let mut number = Counter::lock(t, space, VERSIONS).await?;
    for some in rules.chunks(ROWS) {
        let keys = some.iter().map(|r| key(space, &r.id)).collect();
        let found = nodes::known::<Rule>(t, keys).await?;
        // One id may come several times.
        let mut known: HashMap<&str, Rule> =
            some.iter().zip(found).filter_map(|(r, found)| Some((r.id.as_str(), found?))).collect();
        let (mut rows, mut history) = (Vec::new(), Vec::new());
        for rule in some {
            let old = known.get(rule.id.as_str());
            let enabled = old.map_or(rule.enabled, |o| o.enabled);
            let new = Rule { enabled, ..rule.clone() };
            if old.is_some_and(|o| Rule { loaded: new.loaded, ..o.clone() } == new) {
                continue;
            }
            changed += 1;
            if old.is_none_or(|o| o.version != new.version) {
                let Rule { version, title, text, origin, .. } = new.clone();
                let version = RuleVersion { version, title, text, origin, loaded: new.loaded };
                let number = number.next();
                let key = space.key(Kind::RuleVersion, &["number", &number.to_string()]);
                history.push(Row::new(key, Kind::RuleVersion, &version)?.of(versions(space, &rule.id)).number(number));
            }
            rows.push(row(space, &new)?);
            known.insert(&rule.id, new);
        }
        nodes::put(t, rows).await?;
        nodes::put(t, history).await?;
    }
    number.save(t, space, VERSIONS).await?;
    Ok(changed)
}

/// Takes over what is said of rules whose version is still the same. Returns how many are changed.
async fn judge(t: &mut Transaction, space: &Space, rules: &[Rule]) -> Result<u64> {
    let mut changed = 0;
    for some in rules.chunks(ROWS) {
        let found = nodes::known::<Rule>(t, some.iter().map(|r| key(space, &r.id)).collect()).await?;
        let known = some.iter().zip(found).filter_map(|(r, found)| Some((r, found?)));
        let differs = known.filter(|(r, old)| r.version == old.version && r.refused != old.refused);
        let new = differs.map(|(r, old)| row(space, &Rule { refused: r.refused.clone(), ..old }));
        let rows = new.collect::<Result<Vec<_>>>()?;
        changed += rows.len() as u64;
        nodes::put(t, rows).await?;
    }
    Ok(changed)
}

/// Deletes rules with their versions. Returns how many there were.
pub async fn delete(t: &mut Transaction, space: &Space, ids: &[String]) -> Result<u64> {
    let mut gone = 0;
    for id in ids {
        let found = nodes::known::<Rule>(t, vec![key(space, id)]).await?;
        gone += found.iter().flatten().count() as u64;
        t.run(cypher!("cypher/write/catalog_delete_of.cypher").param("of", versions(space, id))).await?;
    }
    nodes::delete(t, ids.iter().map(|id| key(space, id))).await?;
    Ok(gone)
}

/// Takes the lock and counts a change, if `work` makes one.
macro_rules! changing {
    ($cluster:expr, $t:ident => $work:expr) => {{
        let work = async |$t: &mut Transaction| {
            let mut changes = Counter::lock($t, &$cluster.space, CHANGES).await?;
            let done: u64 = $work?;
            if done > 0 {
                changes.next();
                changes.save($t, &$cluster.space, CHANGES).await?;
            }
            Ok(done)
        };
        transact_most!($cluster.neo4j, t => work(&mut t).await)
    }};
}

impl Cluster {
    pub(super) async fn put_all_rules(&self, rules: &[Rule]) -> Result<u64> {
        changing!(self, t => put(t, &self.space, rules).await)
    }

    pub(super) async fn judge_all_rules(&self, rules: &[Rule]) -> Result<u64> {
        changing!(self, t => judge(t, &self.space, rules).await)
    }

    pub(super) async fn all_rules(&self) -> Result<Vec<Rule>> {
        let mut rules: Vec<Rule> = nodes::all(&self.neo4j, self.space.list(Kind::Rule)).await?;
        rules.sort_by(|a, b| (&a.title, &a.id).cmp(&(&b.title, &b.id)));
        Ok(rules)
    }

    pub(super) async fn some_rules(&self, ids: &[String]) -> Result<Vec<Option<Rule>>> {
        nodes::by_keys(&self.neo4j, ids.iter().map(|id| key(&self.space, id)).collect()).await
    }

    pub(super) async fn versions_of(&self, ids: &[String]) -> Result<Vec<Vec<RuleVersion>>> {
        #[derive(Deserialize)]
        struct Of {
            of: String,
            all: Value,
        }
        let ofs: Vec<String> = ids.iter().map(|id| versions(&self.space, id)).collect();
        let mut unique = ofs.clone();
        unique.sort();
        unique.dedup();
        let mut found: HashMap<String, Vec<RuleVersion>> = HashMap::new();
        for Of { of, all } in self.neo4j.rows(cypher!("cypher/read/catalog_of.cypher").param("ofs", unique)).await? {
            found.entry(of).or_default().push(nodes::thing(all)?);
        }
        found.values_mut().for_each(|v| v.reverse());
        Ok(ofs.iter().map(|of| found.get(of).cloned().unwrap_or_default()).collect())
    }

    pub(super) async fn switch_rule(&self, id: &str, enabled: bool) -> Result<bool> {
        let switched = changing!(self, t => {
            let found = nodes::known::<Rule>(t, vec![key(&self.space, id)]).await?;
            match found.into_iter().flatten().next() {
                None => Ok(0),
                Some(rule) => nodes::put(t, vec![row(&self.space, &Rule { enabled, ..rule })?]).await.map(|()| 1),
            }
        });
        switched.map(|n| n > 0)
    }

    pub(super) async fn drop_rule(&self, id: &str) -> Result<bool> {
        let ids = [id.to_owned()];
        let gone = changing!(self, t => delete(t, &self.space, &ids).await);
        gone.map(|n| n > 0)
    }

    pub(super) async fn changes_of_rules(&self) -> Result<u64> {
        // Whoever sees the number reads the rules.
        let settled = transact!(self.neo4j, t => Counter::lock(&mut t, &self.space, CHANGES).await);
        settled.map(|changes| changes.value)
    }
}
