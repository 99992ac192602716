//! Rules that come in, and what they take over from those that they supersede.
use super::{Pipeline, live, reload, with_rules};
use crate::{
    catalog::{Item, ItemChange, ItemFilter, ItemKind, Suppression},
    error::Result,
    event::{Time, detection::Rule, indicator::Import},
    intel,
    rules::{RuleSet, related::Succession},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};

/// What an import has done.
#[derive(Debug, Default)]
pub struct Imported {
    /// Rules that are new or changed.
    pub changed: u64,
    /// Rules that an import has put into the place of others.
    pub superseded: Vec<Superseded>,
}

/// A rule that is switched off, because another one says that it stands in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Superseded {
    pub rule_id: String,
    pub by: String,
}

impl fmt::Display for Superseded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} is superseded by {} and switched off", self.rule_id, self.by)
    }
}

impl Pipeline {
    /// Stores rules and matches with them from now on. A new rule that supersedes a stored one takes over its exceptions,
    /// its suppression, and whether it is enabled; what is superseded is switched off, once: it can be enabled again.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn import_rules(&self, mut rules: Vec<Rule>) -> Result<Imported> {
        let stored = self.catalog.rules().await?;
        let succession = {
            let coming: HashSet<&str> = rules.iter().map(|r| r.id.as_str()).collect();
            Succession::of(rules.iter().chain(stored.iter().filter(|r| !coming.contains(r.id.as_str()))))
        };
        let stored: HashMap<String, Rule> = stored.into_iter().map(|r| (r.id.clone(), r)).collect();
        let mut off = BTreeSet::new();
        let mut quiet = Vec::new();
        let new: HashMap<&str, &Rule> =
            rules.iter().filter(|r| !stored.contains_key(&r.id)).map(|r| (r.id.as_str(), r)).collect();
        // A new rule that is to be off takes nobody's place.
        let usable = |id: &str| match new.get(id) {
            Some(rule) => rule.enabled && rule.refused.is_none(),
            None => stored.get(id).is_some_and(|r| r.refused.is_none()),
        };
        for (old, by) in succession.all().filter(|(_, by)| usable(by)) {
            // What was there before, both of them, is as people have left it.
            let fresh = new.contains_key(old) || new.contains_key(by);
            if fresh && (new.contains_key(old) || stored.get(old).is_some_and(|r| r.enabled)) {
                off.insert(Superseded { rule_id: old.to_owned(), by: by.to_owned() });
            }
            if stored.contains_key(old) && new.contains_key(by) {
                quiet.extend(self.suppression(old, by).await?);
            }
        }
        let unwanted: HashSet<String> =
            new.keys().filter(|id| is_off(id, &succession, &stored)).map(|id| (*id).to_owned()).collect();
        for rule in &mut rules {
            let superseded = !stored.contains_key(&rule.id) && off.iter().any(|s| s.rule_id == rule.id);
            rule.enabled &= !superseded && !unwanted.contains(&rule.id);
        }
        let changed = self.catalog.put_rules(&rules).await?;
        for old in off.iter().map(|s| &s.rule_id).filter(|id| stored.contains_key(*id)) {
            self.catalog.enable_rule(old, false).await?;
        }
        if !quiet.is_empty() {
            self.catalog.change_items(&quiet, &[]).await?;
        }
        self.reload_rules().await?;
        Ok(Imported { changed, superseded: off.into_iter().collect() })
    }

    /// The suppression of a rule, for the one that supersedes it and has none.
    async fn suppression(&self, old: &str, by: &str) -> Result<Option<ItemChange>> {
        let of = async |id| self.catalog.items(&ItemFilter::id(ItemKind::Suppression, id), None, 1).await;
        if !of(by).await?.is_empty() {
            return Ok(None);
        }
        let found = of(old).await?.first().map(Item::read::<Suppression>).transpose()?;
        let taken = found.map(|s| Suppression { rule_id: by.to_owned(), set: Time::now(), ..s });
        taken.map(|s| s.item().map(ItemChange::Put)).transpose()
    }

    /// Stores a report's indicators with their rules and matches with them from now on. Answers the import as it is
    /// stored.
    ///
    /// # Errors
    /// When the catalog fails; nothing is stored then.
    pub async fn import_indicators(&self, report: intel::Report) -> Result<Import> {
        let (report, rules) = tokio::task::spawn_blocking(move || with_rules(report)).await?;
        self.catalog.put_indicators(&report.import, &report.indicators, &rules, &report.issues).await?;
        self.reload_rules().await?;
        Ok(report.import)
    }

    /// Removes an import of indicators with its rules. `false` when there is none.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn remove_indicators(&self, import_id: &str) -> Result<bool> {
        let removed = self.catalog.remove_indicators(import_id).await?;
        if removed {
            self.reload_rules().await?;
        }
        Ok(removed)
    }

    /// Compiles the enabled rules of the catalog anew.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn reload_rules(&self) -> Result<()> {
        reload(&*self.catalog, &self.rules, &self.reloading).await
    }

    /// The rules that are matched now.
    pub fn rule_set(&self) -> Arc<RuleSet> {
        live(&self.rules)
    }
}

/// Whether everything that a new rule supersedes was switched off by people.
fn is_off(id: &str, succession: &Succession, stored: &HashMap<String, Rule>) -> bool {
    let mut before = succession.before(id).filter_map(|old| stored.get(old)).peekable();
    let by_people = |old: &Rule| !old.enabled && !succession.after(&old.id).any(|by| stored.contains_key(by));
    before.peek().is_some() && before.all(by_people)
}
