//! Correlations with their members looked up among all rules, each after those that it builds on.
use super::{Correlation, Firing, Seen, parse, window};
use crate::{
    event::{Event, EventId, Time, detection::Rule, text},
    rules::view,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use yaml_serde::{Mapping, Value};

/// What the list of rules calls them.
pub const LOGSOURCE: &str = "correlation";

/// The correlations of a set of rules, ready to be asked.
#[derive(Debug, Default)]
pub struct Correlations(Vec<Linked>);

#[derive(Debug)]
struct Linked {
    id: Arc<str>,
    version: Arc<str>,
    /// Ids, in the order of the document.
    members: Vec<Arc<str>>,
    group_by: Vec<Arc<str>>,
    asks: Correlation,
}

impl Correlations {
    /// Links the correlations among `rules` that are enabled. Also returns, by rule id, why one cannot fire: a member is
    /// not there, not enabled, refused, or not the only one of its name, or it builds on itself.
    pub fn link(rules: &[Rule]) -> (Self, Vec<(String, String)>) {
        let (mut failed, mut waiting) = (Vec::new(), Vec::new());
        // Both an id and a name; which one is unique is seen when it is used.
        let mut known: HashMap<String, BTreeSet<&str>> = HashMap::new();
        let mut ready: BTreeSet<&str> = BTreeSet::new();
        for rule in rules.iter().filter(|r| r.enabled) {
            let map: Option<Mapping> = yaml_serde::from_str(&rule.text).ok();
            let name = map.as_ref().and_then(|m| m.get("name")).and_then(Value::as_str);
            for reference in [Some(rule.id.as_str()), name].into_iter().flatten() {
                known.entry(reference.to_owned()).or_default().insert(&rule.id);
            }
            if rule.logsource != LOGSOURCE {
                if rule.refused.is_none() {
                    ready.insert(&rule.id);
                }
                continue;
            }
            match map.ok_or_else(|| "not a Sigma document".to_owned()).and_then(|m| parse(&m)) {
                Ok(asks) => waiting.push((rule, asks)),
                Err(why) => failed.push((rule.id.clone(), why)),
            }
        }
        let mut open = Vec::new();
        for (rule, asks) in waiting {
            match members(&asks, &known) {
                Ok(members) => open.push((rule, asks, members)),
                Err(why) => failed.push((rule.id.clone(), why)),
            }
        }
        let mut linked = Vec::new();
        while let Some(next) = open.iter().position(|(.., members)| members.iter().all(|m| ready.contains(&**m))) {
            let (rule, asks, members) = open.remove(next);
            ready.insert(&rule.id);
            linked.push(Linked {
                id: rule.id.as_str().into(),
                version: rule.version.as_str().into(),
                members,
                group_by: asks.group_by.iter().map(|n| n.as_str().into()).collect(),
                asks,
            });
        }
        for (rule, _, members) in open {
            let missing = members.iter().find(|m| !ready.contains(&***m)).map(ToString::to_string).unwrap_or_default();
            let why = format!("correlation: rule '{missing}' cannot be matched, or builds on this one");
            failed.push((rule.id.clone(), why));
        }
        (Self(linked), failed)
    }

    /// Ids of the rules and correlations whose matches the correlations need.
    pub fn members(&self) -> BTreeSet<Arc<str>> {
        self.0.iter().flat_map(|l| l.members.iter().cloned()).collect()
    }

    /// Members that do not alert by themselves: no correlation of theirs says `generate`.
    pub fn silent(&self) -> BTreeSet<Arc<str>> {
        let loud: BTreeSet<_> = self.0.iter().filter(|l| l.asks.generate).flat_map(|l| &l.members).collect();
        self.members().into_iter().filter(|m| !loud.contains(m)).collect()
    }

    /// How far before an event, in milliseconds, other events can make it complete a window, over chains too.
    pub fn reach(&self) -> i64 {
        let mut reach: HashMap<&str, i64> = HashMap::new();
        for l in &self.0 {
            let below = l.members.iter().filter_map(|m| reach.get(&**m)).max().copied().unwrap_or_default();
            reach.insert(&l.id, l.asks.span.saturating_add(below));
        }
        reach.into_values().max().unwrap_or_default()
    }

    /// Everything that fires over a set of matches, in any order and with repetitions. Ordered by rule, time, event and
    /// group.
    pub fn firings(&self, seen: &[Seen]) -> Vec<Firing> {
        let mut out: Vec<Firing> = Vec::new();
        for linked in &self.0 {
            let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
            for s in seen {
                linked.place(&mut groups, &s.rule_id, &s.event, &[]);
            }
            for firing in &out {
                linked.place(&mut groups, &firing.rule_id, &firing.event, &firing.group);
            }
            let mut fired = Vec::new();
            for (values, group) in groups {
                let entries: Vec<Entry> = group.into_values().collect();
                for at in window::completed(&linked.asks, linked.members.len(), &entries) {
                    fired.push(Firing {
                        rule_id: linked.id.clone(),
                        version: linked.version.clone(),
                        group: linked.group_by.iter().cloned().zip(values.iter().cloned()).collect(),
                        event: entries[at].event.clone(),
                    });
                }
            }
            out.append(&mut fired);
        }
        out.sort_by(|a, b| a.order().cmp(&b.order()));
        out
    }
}

fn members(asks: &Correlation, known: &HashMap<String, BTreeSet<&str>>) -> Result<Vec<Arc<str>>, String> {
    let mut out: Vec<Arc<str>> = Vec::new();
    for reference in &asks.rules {
        let ids: Vec<&str> = known.get(reference).into_iter().flatten().copied().collect();
        match ids.as_slice() {
            [] => return Err(format!("correlation: there is no enabled rule '{reference}'")),
            [one] if out.iter().any(|m| **m == **one) => {
                return Err(format!("correlation: rule '{reference}' is named twice"));
            }
            [one] => out.push((*one).into()),
            _ => return Err(format!("correlation: several rules are called '{reference}'")),
        }
    }
    Ok(out)
}

/// By time and id.
type Group = BTreeMap<(Time, EventId), Entry>;

/// An event in a group.
#[derive(Debug)]
pub(super) struct Entry {
    pub event: Arc<Event>,
    /// Which members have matched it.
    pub members: BTreeSet<usize>,
    /// Of each field of the condition, its folded values.
    pub values: Vec<BTreeSet<String>>,
}

impl Linked {
    /// Puts a match of a member where it belongs. `own`: values that a firing brings besides those of its event.
    fn place(
        &self,
        groups: &mut BTreeMap<Vec<String>, Group>,
        rule: &str,
        event: &Arc<Event>,
        own: &[(Arc<str>, String)],
    ) {
        let Some(member) = self.members.iter().position(|m| **m == *rule) else { return };
        let values = |name: &str| -> BTreeSet<String> {
            if let Some((_, value)) = own.iter().find(|(n, _)| **n == *name) {
                return BTreeSet::from([value.clone()]);
            }
            let field = match self.asks.aliases.get(name) {
                Some(fields) => self.asks.rules.get(member).and_then(|r| fields.get(r)),
                None => None,
            };
            let name = field.map_or(name, String::as_str);
            event.key_values(&view::key(name)).iter().map(|v| text::fold(v)).collect()
        };
        let mut group = Vec::with_capacity(self.group_by.len());
        for name in &self.group_by {
            let of_field = values(name);
            if of_field.is_empty() {
                return;
            }
            group.push(of_field.into_iter().collect::<Vec<_>>().join("\n"));
        }
        let entry = groups.entry(group).or_default().entry((event.time, event.id)).or_insert_with(|| Entry {
            event: event.clone(),
            members: BTreeSet::new(),
            values: vec![BTreeSet::new(); self.asks.fields.len()],
        });
        entry.members.insert(member);
        for (n, field) in self.asks.fields.iter().enumerate() {
            entry.values[n].extend(values(field));
        }
    }
}
