//! What a rule says of others: `related` (Sigma specification, rules).
//!
//! A rule that says `obsolete`, `merged` or `renamed` of another one stands in its place: it has its exceptions, and
//! correlations that name the other one mean it where that is not matched. Of `merged` the specification says that the
//! others may still be in use; who wants that enables them again.
use crate::event::detection::Rule;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yaml_serde::{Mapping, Value};

/// Types that put a rule into the place of another one; `obsoletes` is the older word.
const SUPERSEDES: [&str; 4] = ["obsolete", "obsoletes", "merged", "renamed"];

/// Another rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    pub id: String,
    /// `derived`, `obsolete`, `merged`, `renamed` or `similar`, as written.
    pub kind: String,
}

impl Related {
    /// All of a rule, in its order.
    pub fn of(rule: &Rule) -> Vec<Self> {
        if !rule.text.contains("related") {
            return Vec::new();
        }
        let map: Mapping = yaml_serde::from_str(&rule.text).unwrap_or_default();
        let all = map.get("related").and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default();
        let text = |entry: &Value, key: &str| Some(entry.get(key)?.as_str()?.trim().to_owned());
        all.iter().filter_map(|e| Some(Self { id: text(e, "id")?, kind: text(e, "type")? })).collect()
    }

    /// Whether the rule stands in the place of this one.
    pub fn is_superseded(&self) -> bool {
        SUPERSEDES.contains(&self.kind.as_str())
    }
}

/// Which rules stand in the place of which.
#[derive(Debug, Default)]
pub struct Succession {
    /// By id of a rule: what it supersedes.
    before: HashMap<String, BTreeSet<String>>,
    /// By id of one that is superseded.
    after: BTreeMap<String, BTreeSet<String>>,
}

impl Succession {
    pub fn of<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> Self {
        let mut before: HashMap<String, BTreeSet<String>> = HashMap::new();
        for rule in rules {
            let old = Related::of(rule).into_iter().filter(|r| r.is_superseded() && r.id != rule.id).map(|r| r.id);
            let old: BTreeSet<String> = old.collect();
            if !old.is_empty() {
                before.insert(rule.id.clone(), old);
            }
        }
        // Of two that supersede each other neither does.
        let mutual = |new: &str, old: &str| before.get(old).is_some_and(|b| b.contains(new));
        let mut out = Self::default();
        for (new, all) in &before {
            for old in all.iter().filter(|old| !mutual(new, old)) {
                out.before.entry(new.clone()).or_default().insert(old.clone());
                out.after.entry(old.clone()).or_default().insert(new.clone());
            }
        }
        out
    }

    /// Ids of the rules that a rule supersedes.
    pub fn before(&self, id: &str) -> impl Iterator<Item = &str> {
        self.before.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Ids of the rules that supersede a rule.
    pub fn after(&self, id: &str) -> impl Iterator<Item = &str> {
        self.after.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Ids of what is superseded, each with one that does so.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.after.iter().flat_map(|(old, new)| new.iter().map(|n| (old.as_str(), n.as_str())))
    }
}
