//! Correlations with their members looked up among all rules, each after those that it builds on.
use super::{
    Correlation, Firing, Kind, Place, Seen, parse,
    window::{self, Entry},
};
use crate::{
    event::{
        Event, EventId, Key, Time,
        correlated::{Group, Sighting},
        detection::{Hit, Rule},
        text,
    },
    rules::{related::Succession, view},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;
use yaml_serde::{Mapping, Value};

/// Namespace of [`Linked::state`]; part of the stored form, never to be changed.
const STATES: Uuid = Uuid::from_u128(0x40d7_5b1e_9c26_5f8a_b3e1_17fa_682c_0d95);

/// What the list of rules calls them.
pub const LOGSOURCE: &str = "correlation";

/// How the verdict on a correlation begins that had to look at too many matches. It is made while events are matched, and
/// stays until the correlation is changed, imported again, or switched off and on.
pub const NOISY: &str = "correlation: too noisy: ";

/// Whether the correlation was found to be too noisy.
pub fn is_noisy(rule: &Rule) -> bool {
    rule.logsource == LOGSOURCE && rule.refused.as_ref().is_some_and(|why| why.starts_with(NOISY))
}

/// The correlations of a set of rules, ready to be asked, members before those that build on them.
#[derive(Debug, Default)]
pub struct Correlations {
    linked: Vec<Linked>,
    /// By id of a rule or correlation, whose member it is: place of the correlation, and its own place there.
    of: HashMap<Arc<str>, Vec<(usize, usize)>>,
    /// Rules and correlations that do not alert by themselves.
    silent: HashSet<Arc<str>>,
}

/// A correlation whose members are known.
#[derive(Debug)]
pub struct Linked {
    pub id: Arc<str>,
    pub version: Arc<str>,
    /// Follows from its version, and from those of all that it builds on with their filters and placeholders: what is kept
    /// of others does not count.
    state: Arc<str>,
    pub title: Arc<str>,
    pub level: Arc<str>,
    /// Ids, in the order of the document.
    members: Vec<Arc<str>>,
    asks: Correlation,
}

impl Correlations {
    /// Links the correlations among `rules` that are enabled. Also returns, by rule id, why one cannot fire: a member is
    /// not there, not enabled, refused, or not the only one of its name, or it builds on itself. `beside`: what decides
    /// besides its text which events a rule matches; part of [`Linked::state`].
    pub fn link<'r>(
        rules: impl IntoIterator<Item = &'r Rule>,
        beside: impl Fn(&Rule) -> String,
    ) -> (Self, Vec<(String, String)>) {
        let enabled: Vec<&Rule> = rules.into_iter().filter(|r| r.enabled).collect();
        if !enabled.iter().any(|r| r.logsource == LOGSOURCE) {
            return Default::default();
        }
        let (mut failed, mut waiting) = (Vec::new(), Vec::new());
        // Both an id and a name; which one is unique is seen when it is used.
        let mut known: HashMap<String, BTreeSet<&str>> = HashMap::new();
        let mut ready: BTreeSet<&str> = BTreeSet::new();
        let succession = Succession::of(enabled.iter().copied());
        let mut versions: HashMap<&str, String> = enabled.iter().map(|r| (r.id.as_str(), r.version.clone())).collect();
        let plain: HashMap<&str, &Rule> =
            enabled.iter().filter(|r| r.logsource != LOGSOURCE).map(|r| (r.id.as_str(), *r)).collect();
        for rule in enabled {
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
        // What was renamed is still meant.
        let names: HashSet<String> = known.keys().cloned().collect();
        for (old, new) in succession.all().filter(|(_, new)| ready.contains(new)) {
            if !names.contains(old) {
                known.entry(old.to_owned()).or_default().insert(new);
            }
        }
        let chained: HashMap<&str, Vec<String>> =
            waiting.iter().map(|(rule, asks)| (rule.id.as_str(), asks.group_by.clone())).collect();
        let mut open = Vec::new();
        // Members of what is too noisy are no less so: they stay as silent as they were.
        let mut hushed: HashMap<Arc<str>, bool> = HashMap::new();
        for (rule, asks) in waiting {
            let found = members(&asks, &known);
            match found.and_then(|m| mapped(&asks, &m, &chained).map(|()| m)) {
                Ok(members) if is_noisy(rule) => {
                    failed.extend(rule.refused.clone().map(|why| (rule.id.clone(), why)));
                    for member in members {
                        *hushed.entry(member).or_insert(true) &= !asks.generate;
                    }
                }
                Ok(members) => open.push((rule, asks, members)),
                Err(why) => failed.push((rule.id.clone(), why)),
            }
        }
        let mut out = Self::default();
        while let Some(next) = open.iter().position(|(.., members)| members.iter().all(|m| ready.contains(&**m))) {
            let (rule, asks, members) = open.remove(next);
            ready.insert(&rule.id);
            // Another member, or another version of one, matches other events; so does one with another exception.
            let mut state = rule.version.clone();
            for member in &members {
                state.push('\0');
                state.push_str(versions.get(&**member).map_or("", String::as_str));
                if let Some(member) = plain.get(&**member) {
                    state.push_str(&beside(member));
                }
            }
            let state = Uuid::new_v5(&STATES, state.as_bytes()).to_string();
            versions.insert(&rule.id, state.clone());
            out.add(rule, members, asks, state.into());
        }
        let silent = |of: &Vec<(usize, usize)>| of.iter().all(|(n, _)| !out.linked[*n].asks.generate);
        let linked = out.of.iter().filter(|(id, of)| silent(of) && hushed.get(*id) != Some(&false));
        let others = hushed.iter().filter(|(id, hushed)| **hushed && !out.of.contains_key(*id));
        let silent = linked.map(|(id, _)| id.clone()).chain(others.map(|(id, _)| id.clone())).collect();
        out.silent = silent;
        for (rule, _, members) in open {
            let missing = members.iter().find(|m| !ready.contains(&***m)).map(ToString::to_string).unwrap_or_default();
            let why = format!("correlation: rule '{missing}' cannot be matched, or builds on this one");
            failed.push((rule.id.clone(), why));
        }
        (out, failed)
    }

    fn add(&mut self, rule: &Rule, members: Vec<Arc<str>>, asks: Correlation, state: Arc<str>) {
        for (place, member) in members.iter().enumerate() {
            self.of.entry(member.clone()).or_default().push((self.linked.len(), place));
        }
        self.linked.push(Linked {
            id: rule.id.as_str().into(),
            version: rule.version.as_str().into(),
            state,
            title: rule.title.as_str().into(),
            level: rule.level.as_str().into(),
            members,
            asks,
        });
    }

    /// Each comes after those that it builds on. Their numbers are places in this list.
    pub fn all(&self) -> &[Linked] {
        &self.linked
    }

    /// Whether a correlation needs the matches of this rule.
    pub fn wants(&self, rule_id: &str) -> bool {
        self.of.contains_key(rule_id)
    }

    /// Whether a rule or correlation does not alert by itself: it is a member, and no correlation of it says `generate`.
    pub fn silences(&self, rule_id: &str) -> bool {
        self.silent.contains(rule_id)
    }

    /// Ids, and those of everything that they build on.
    pub fn with_members(&self, ids: &BTreeSet<String>) -> BTreeSet<String> {
        let mut out = ids.clone();
        // Members come before what builds on them.
        for linked in self.linked.iter().rev() {
            if out.contains(&*linked.id) {
                out.extend(linked.members.iter().map(ToString::to_string));
            }
        }
        out
    }

    /// Everything but `loud` does not alert by itself.
    pub fn silence_all_but(&mut self, loud: impl Fn(&str) -> bool, rules: impl IntoIterator<Item = Arc<str>>) {
        let all = rules.into_iter().chain(self.linked.iter().map(|l| l.id.clone()));
        self.silent = all.filter(|id| !loud(id)).collect();
    }

    /// Fields that correlations ask of the matches of a rule.
    pub fn asked_of(&self, rule_id: &str) -> BTreeSet<Key> {
        let of = self.of.get(rule_id).map(Vec::as_slice).unwrap_or_default();
        let fields = of.iter().flat_map(|(n, member)| {
            let linked = &self.linked[*n];
            linked.asks.group_by.iter().chain(&linked.asks.fields).map(|name| linked.field(*member, name))
        });
        fields.map(view::key).collect()
    }

    /// Where a match of a rule is counted. `group`: the group that has fired, where it is a firing.
    pub fn places(&self, rule_id: &str, event: &Event, group: Option<&Group>) -> Vec<Place> {
        let own: Vec<(&str, &str)> = match group {
            None => Vec::new(),
            Some(group) => self.named_values(group).collect(),
        };
        let source = group.map_or(0, Group::key);
        let of = self.of.get(rule_id).map(Vec::as_slice).unwrap_or_default();
        of.iter().filter_map(|(n, member)| self.linked[*n].place(*n, *member, event, &own, source)).collect()
    }

    /// Names of `group-by` with the values of a group.
    pub fn named_values<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = (&'a str, &'a str)> {
        let linked = self.linked.iter().find(|l| *l.id == *group.rule_id);
        let names = linked.map(|l| l.asks.group_by.as_slice()).unwrap_or_default();
        names.iter().map(String::as_str).zip(group.values.iter().map(String::as_str))
    }

    /// Everything that fires over a set of matches, in any order and with repetitions. Ordered by rule, time, event and
    /// group.
    pub fn firings(&self, seen: &[Seen]) -> Vec<Firing> {
        let mut open: Vec<BTreeMap<Group, Vec<Sighting>>> = vec![BTreeMap::new(); self.linked.len()];
        let put = |open: &mut Vec<BTreeMap<Group, Vec<Sighting>>>, places: Vec<Place>| {
            for p in places {
                open[p.correlation].entry(p.group).or_default().push(p.sighting);
            }
        };
        let events: HashMap<EventId, &Arc<Event>> = seen.iter().map(|s| (s.event.id, &s.event)).collect();
        for s in seen {
            put(&mut open, self.places(&s.rule_id, s.values(), None));
        }
        let mut out = Vec::new();
        for (n, linked) in self.linked.iter().enumerate() {
            for (group, sightings) in std::mem::take(&mut open[n]) {
                for (_, id) in linked.completed(sightings) {
                    let Some(event) = events.get(&id) else { continue };
                    put(&mut open, self.places(&linked.id, event, Some(&group)));
                    let version = linked.version.clone();
                    out.push(Firing { version, group: group.clone(), event: Arc::clone(event) });
                }
            }
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

/// Whether each name that is grouped by or counted has a field in each member. Beside an alias that does not name a rule, the
/// name is that of a field; of a correlation, what its groups are called.
fn mapped(asks: &Correlation, members: &[Arc<str>], chained: &HashMap<&str, Vec<String>>) -> Result<(), String> {
    for name in asks.group_by.iter().chain(&asks.fields) {
        let Some(alias) = asks.aliases.get(name) else { continue };
        for (rule, id) in asks.rules.iter().zip(members) {
            let (field, grouped) = (alias.get(rule), chained.get(&**id));
            let means = field.unwrap_or(name);
            if matches!(view::key(means), Key::Field(_)) || grouped.is_some_and(|names| names.contains(means)) {
                continue;
            }
            if field.is_none() {
                return Err(format!(
                    "correlation: alias '{name}' has no field of rule '{rule}', and is no field itself"
                ));
            }
            if grouped.is_some() {
                return Err(format!(
                    "correlation: '{means}' is no field, and correlation '{rule}' has no group of this name"
                ));
            }
        }
    }
    Ok(())
}

impl Linked {
    /// Of the groups that are kept.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Identity of a firing: rule, version, group values and completing event.
    pub fn hit_id(&self, group: &Group, event: EventId) -> String {
        Hit::correlated_id(group, &self.version, event)
    }

    /// Length of a window in milliseconds.
    pub fn span(&self) -> i64 {
        self.asks.span
    }

    /// Events that complete a window, of what was seen in one group, in any order and with repetitions. What depends on
    /// events that are not there, because they are further than [`Self::span`] before, is for the caller to leave out.
    pub fn completed(&self, seen: impl IntoIterator<Item = Sighting>) -> Vec<(Time, EventId)> {
        let mut entries: BTreeMap<(Time, EventId), Entry> = BTreeMap::new();
        for s in seen {
            let entry = entries.entry((s.time, s.event_id)).or_insert_with(|| Entry {
                time: s.time,
                members: BTreeSet::new(),
                values: vec![BTreeSet::new(); self.asks.fields.len()],
            });
            entry.members.insert(s.member as usize);
            for (all, of_field) in entry.values.iter_mut().zip(s.values) {
                all.extend(of_field);
            }
        }
        let mut entries: Vec<((Time, EventId), Entry)> = entries.into_iter().collect();
        if self.asks.kind == Kind::TemporalOrdered {
            // Of events at one time nobody knows which was first: either order will do.
            entries.sort_by_key(|((time, id), entry)| (*time, entry.members.first().copied(), *id));
        }
        let (keys, entries): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let completed = window::completed(&self.asks, self.members.len(), &entries);
        completed.into_iter().map(|at| keys[at]).collect()
    }

    /// The field that a name stands for in a member.
    fn field<'a>(&'a self, member: usize, name: &'a str) -> &'a str {
        let fields = self.asks.aliases.get(name);
        let field = fields.and_then(|fields| fields.get(self.asks.rules.get(member)?));
        field.map_or(name, String::as_str)
    }

    /// `own`: names and values that a firing brings besides those of its event.
    fn place(
        &self,
        correlation: usize,
        member: usize,
        event: &Event,
        own: &[(&str, &str)],
        source: u128,
    ) -> Option<Place> {
        let values = |name: &str| -> BTreeSet<String> {
            let name = self.field(member, name);
            match own.iter().find(|(n, _)| *n == name) {
                Some((_, value)) => BTreeSet::from([(*value).to_owned()]),
                None => values(event, name),
            }
        };
        let mut group = Vec::with_capacity(self.asks.group_by.len());
        for name in &self.asks.group_by {
            let of_field = values(name);
            if of_field.is_empty() {
                return None;
            }
            group.push(of_field.into_iter().collect::<Vec<_>>().join("\n"));
        }
        let fields = self.asks.fields.iter().map(|f| values(f).into_iter().collect()).collect();
        Some(Place {
            correlation,
            group: Group { rule_id: self.id.to_string(), rule_version: self.state.to_string(), values: group },
            sighting: Sighting {
                time: event.time,
                event_id: event.id,
                member: u32::try_from(member).ok()?,
                source,
                values: fields,
            },
        })
    }
}

/// Folded values under a name in any case of letters.
fn values(event: &Event, name: &str) -> BTreeSet<String> {
    match view::key(name) {
        known @ Key::Field(_) => event.key_values(&known).iter().map(|v| text::fold(v)).collect(),
        Key::Other(name) => {
            let same = |k: &Key| matches!(k, Key::Other(n) if text::fold(n) == *name);
            event.data.iter().filter(|(k, _)| same(k)).map(|(_, v)| text::fold(v)).collect()
        }
    }
}
