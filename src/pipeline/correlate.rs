//! Correlations over a piece of the log: what its matches change in each group, in windows before and behind them.
//!
//! What fires follows from the events that are stored, not from the order of their arrival: a late event makes the
//! windows that it lies in again, which can add firings and take some back.
use super::processes::events_of;
use crate::{
    catalog::{Catalog, Found},
    error::Result,
    event::{
        Event, EventId, Time,
        correlated::{Change, Group},
        detection::Hit,
    },
    rules::{
        RuleSet,
        correlation::{Place, Seen, Touched},
    },
    store::EventStore,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Groups that are looked at at once.
const GROUPS: usize = 200;

type Groups = BTreeMap<Group, Touched>;

/// Adds to `hits` what the matches of a piece, `seen`, do to correlations, and those that are no more, `gone`; a match that
/// is in both is there.
pub(super) async fn correlate(
    catalog: &dyn Catalog,
    store: &dyn EventStore,
    rules: &Arc<RuleSet>,
    hits: Vec<Hit>,
    seen: Vec<Seen>,
    gone: Vec<Seen>,
) -> Result<Found> {
    let mut found = Found { hits, ..Found::default() };
    let set = rules.correlations();
    let mut open: Vec<Groups> = vec![Groups::new(); set.all().len()];
    let mut events: HashMap<EventId, Arc<Event>> = HashMap::new();
    for s in gone {
        went(&mut open, set.places(&s.rule_id, s.values(), None));
        events.insert(s.event.id, s.event);
    }
    for s in seen {
        came(&mut open, set.places(&s.rule_id, s.values(), None));
        events.insert(s.event.id, s.event);
    }
    let now = Time::now();
    // Each comes before those that build on it, so that their groups are complete when their turn comes.
    for (n, correlation) in set.all().iter().enumerate() {
        let mut groups = std::mem::take(&mut open[n]).into_iter().peekable();
        while groups.peek().is_some() {
            let changes = changed(catalog, rules, n, groups.by_ref().take(GROUPS).collect()).await?;
            fetch(store, &changes, &mut events).await?;
            for change in &changes {
                for (_, id) in &change.unfired {
                    found.withdrawn.push(Hit::correlated_id(&change.group, *id));
                    if let Some(event) = events.get(id) {
                        went(&mut open, set.places(&correlation.id, event, Some(&change.group)));
                    }
                }
                for (_, id) in &change.fired {
                    let Some(event) = events.get(id) else {
                        tracing::warn!(rule = %correlation.id, event = %id, "an event that completes a window is gone");
                        continue;
                    };
                    came(&mut open, set.places(&correlation.id, event, Some(&change.group)));
                    if set.silences(&correlation.id) {
                        continue;
                    }
                    found.hits.push(Hit {
                        id: Hit::correlated_id(&change.group, *id),
                        rule_id: correlation.id.to_string(),
                        rule_version: correlation.version.to_string(),
                        rule_title: correlation.title.to_string(),
                        level: correlation.level.to_string(),
                        event_id: *id,
                        time: event.time,
                        host: event.host(),
                        found: now,
                        matched: set.named_values(&change.group).map(|(n, v)| format!("{n}: {v}")).collect(),
                        joined: Vec::new(),
                    });
                }
            }
            found.changes.extend(changes);
        }
    }
    Ok(found)
}

fn came(open: &mut [Groups], places: Vec<Place>) {
    for p in places {
        open[p.correlation].entry(p.group).or_default().came.push(p.sighting);
    }
}

fn went(open: &mut [Groups], places: Vec<Place>) {
    for p in places {
        open[p.correlation].entry(p.group).or_default().went.push(p.sighting);
    }
}

/// Looks at the groups of one correlation with what is kept of them.
async fn changed(
    catalog: &dyn Catalog,
    rules: &Arc<RuleSet>,
    n: usize,
    groups: Vec<(Group, Touched)>,
) -> Result<Vec<Change>> {
    let correlation = &rules.correlations().all()[n];
    let asked: Vec<_> = groups.iter().map(|(group, touched)| correlation.stretches(group, touched)).collect();
    let mut kept = catalog.correlated(&asked.concat()).await?.into_iter();
    let known: Vec<_> = asked.iter().map(|stretches| kept.by_ref().take(stretches.len()).collect()).collect();
    let rules = rules.clone();
    let change = move || {
        let correlation = &rules.correlations().all()[n];
        let each = groups.into_iter().zip(known);
        each.map(|((group, touched), kept)| correlation.change(group, touched, kept)).collect()
    };
    Ok(tokio::task::spawn_blocking(change).await?)
}

/// Events whose firing has changed and that are of earlier pieces.
async fn fetch(store: &dyn EventStore, changes: &[Change], events: &mut HashMap<EventId, Arc<Event>>) -> Result<()> {
    let wanted = changes.iter().flat_map(|c| c.fired.iter().chain(&c.unfired)).map(|(_, id)| *id);
    let missing: Vec<EventId> = wanted.filter(|id| !events.contains_key(id)).collect();
    if !missing.is_empty() {
        events.extend(events_of(store, &missing).await?.into_iter().map(|e| (e.id, e)));
    }
    Ok(())
}
