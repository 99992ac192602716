//! Facts of single hosts and of all together, in memory.
use crate::graph::batch::Facts;
use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    hash::Hash,
    sync::Arc,
};

/// The host that says something; of an edge between processes of two hosts both, else `other` is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reporter {
    pub host: Arc<str>,
    pub other: Arc<str>,
}

impl Reporter {
    pub fn host(name: &str) -> Self {
        Self { host: name.into(), other: "".into() }
    }

    /// Two hosts in either order; the same host twice is one.
    pub fn both(a: &Arc<str>, b: &Arc<str>) -> Self {
        match a.cmp(b) {
            std::cmp::Ordering::Equal => Self { host: a.clone(), other: "".into() },
            std::cmp::Ordering::Less => Self { host: a.clone(), other: b.clone() },
            std::cmp::Ordering::Greater => Self { host: b.clone(), other: a.clone() },
        }
    }
}

/// What all hosts together say.
pub struct Whole {
    /// The only host that reports it; `None`: several do, and each has a row of its own.
    pub sole: Option<Reporter>,
    pub facts: Facts,
}

/// What is known of the nodes or edges of a batch, and what of it has changed.
pub struct Known<K> {
    pub whole: HashMap<K, Whole>,
    pub rows: HashMap<(K, Reporter), Facts>,
    pub changed: BTreeSet<K>,
    pub changed_rows: BTreeSet<(K, Reporter)>,
}

impl<K: Copy + Ord + Hash> Known<K> {
    pub fn new() -> Self {
        Self { whole: HashMap::new(), rows: HashMap::new(), changed: BTreeSet::new(), changed_rows: BTreeSet::new() }
    }

    pub fn merge(&mut self, key: K, by: &Reporter, facts: &Facts) {
        let whole = match self.whole.entry(key) {
            Entry::Vacant(v) => {
                v.insert(Whole { sole: Some(by.clone()), facts: facts.clone() });
                self.changed.insert(key);
                return;
            }
            Entry::Occupied(o) => o.into_mut(),
        };
        let shared = whole.sole.as_ref() != Some(by);
        if shared && let Some(sole) = whole.sole.take() {
            self.rows.insert((key, sole.clone()), whole.facts.clone());
            self.changed_rows.insert((key, sole));
            self.changed.insert(key);
        }
        if whole.facts.merge(facts.clone()) {
            self.changed.insert(key);
        }
        if shared {
            let changed = match self.rows.entry((key, by.clone())) {
                Entry::Vacant(v) => {
                    v.insert(facts.clone());
                    true
                }
                Entry::Occupied(mut o) => o.get_mut().merge(facts.clone()),
            };
            if changed {
                self.changed_rows.insert((key, by.clone()));
            }
        }
    }
}
