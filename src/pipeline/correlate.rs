//! Correlations over a piece of the log: what its matches change in each group, in windows before and behind them.
//!
//! What fires follows from the events that are stored, not from the order of their arrival: a late event makes the
//! windows that it lies in again, which can add firings and take some back.
use super::processes::events_of;
use crate::{
    catalog::{Catalog, Found},
    error::{Error, Result},
    event::{
        Event, EventId, Time,
        correlated::{Change, Group},
        detection::Hit,
    },
    rules::{
        RuleSet,
        correlation::{Correlations, Linked, NOISY, Place, Seen, Touched},
    },
    store::EventStore,
};
use std::{
    collections::{BTreeMap, HashMap},
    iter::Peekable,
    sync::Arc,
    time::{Duration, Instant},
};

/// Parts of groups that are looked at at once.
const STRETCHES: usize = 50;
/// Matches of one part of a group, a window before and a window behind a match, that are looked at together. A
/// correlation that wants more is too noisy, and says so.
const MAX_MATCHES: usize = 10_000;
/// And matches of one group that are looked at together, where those of a piece of the log lie far apart.
const MAX_TOGETHER: usize = STRETCHES * MAX_MATCHES;

type Groups = BTreeMap<Group, Touched>;
/// With the events of the piece that completed a window before and still do.
type Changed = (Change, Vec<(Time, EventId)>);

/// A correlation that is not to be matched any more.
pub(super) struct Noisy {
    pub(super) id: String,
    /// Of another version nothing is known.
    pub(super) version: String,
    pub(super) why: String,
}

/// What came of correlations besides what was found.
#[derive(Default)]
pub(super) struct Aside {
    pub(super) noisy: Vec<Noisy>,
    /// How long each took.
    pub(super) spent: Vec<(Arc<str>, Duration)>,
}

enum Looked {
    Changed(Vec<Changed>),
    /// At one group that has too much.
    TooMany(Group),
}

/// Adds to `hits` what the matches of a piece, `seen`, do to correlations, and those that are no more, `gone`; a match that
/// is in both is there.
pub(super) async fn correlate(
    catalog: &dyn Catalog,
    store: &dyn EventStore,
    rules: &Arc<RuleSet>,
    hits: Vec<Hit>,
    seen: Vec<Seen>,
    gone: Vec<Seen>,
) -> Result<(Found, Aside)> {
    let mut found = Found { hits, ..Found::default() };
    let mut aside = Aside::default();
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
        let begun = Instant::now();
        let mut groups = std::mem::take(&mut open[n]).into_iter().peekable();
        while groups.peek().is_some() {
            let changes = match changed(catalog, rules, n, &mut groups).await? {
                Looked::Changed(changes) => changes,
                Looked::TooMany(group) => {
                    let (id, version) = (correlation.id.to_string(), correlation.version.to_string());
                    aside.noisy.push(Noisy { id, version, why: why(set, &group) });
                    break;
                }
            };
            fetch(store, &changes, &mut events).await?;
            for (change, still) in &changes {
                for (_, id) in &change.unfired {
                    found.withdrawn.push(correlation.hit_id(&change.group, *id));
                    if let Some(event) = events.get(id) {
                        went(&mut open, set.places(&correlation.id, event, Some(&change.group)));
                    }
                }
                // Also what is known to fire: a hit, or what builds on it, may be missing.
                for (_, id) in change.fired.iter().chain(still) {
                    let Some(event) = events.get(id) else {
                        tracing::warn!(rule = %correlation.id, event = %id, "an event that completes a window is gone");
                        continue;
                    };
                    came(&mut open, set.places(&correlation.id, event, Some(&change.group)));
                    if !set.silences(&correlation.id) {
                        found.hits.push(hit(correlation, set, &change.group, event, now));
                    }
                }
            }
            found.changes.extend(changes.into_iter().map(|(change, _)| change));
        }
        aside.spent.push((correlation.id.clone(), begun.elapsed()));
    }
    Ok((found, aside))
}

fn hit(correlation: &Linked, set: &Correlations, group: &Group, event: &Event, found: Time) -> Hit {
    Hit {
        id: correlation.hit_id(group, event.id),
        rule_id: correlation.id.to_string(),
        rule_version: correlation.version.to_string(),
        rule_title: correlation.title.to_string(),
        level: correlation.level.to_string(),
        event_id: event.id,
        time: event.time,
        host: event.host(),
        found,
        matched: set.named_values(group).map(|(n, v)| format!("{n}: {v}")).collect(),
        joined: Vec::new(),
    }
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

/// Why a correlation is too noisy.
fn why(set: &Correlations, group: &Group) -> String {
    let values: Vec<String> = set.named_values(group).map(|(name, value)| format!("{name}: {value}")).collect();
    let group = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    format!(
        "{NOISY}more than {MAX_MATCHES} matches of its rules in one group{group} had to be looked at together; \
         narrow its rules, group by more, or shorten the timespan, or switch it off and on to try again"
    )
}

/// Looks at some of the groups of one correlation, the next ones, with what is kept of them.
async fn changed(
    catalog: &dyn Catalog,
    rules: &Arc<RuleSet>,
    n: usize,
    groups: &mut Peekable<impl Iterator<Item = (Group, Touched)>>,
) -> Result<Looked> {
    let correlation = &rules.correlations().all()[n];
    let (mut some, mut asked) = (Vec::new(), Vec::new());
    while let Some((group, touched)) = groups.peek() {
        let stretches = correlation.stretches(group, touched);
        if !some.is_empty() && asked.len() + stretches.len() > STRETCHES {
            break;
        }
        let count = stretches.len();
        asked.extend(stretches);
        some.extend(groups.next().map(|(group, touched)| (group, touched, count)));
    }
    let (mut kept, mut together) = (Vec::with_capacity(asked.len()), 0);
    for stretches in asked.chunks(STRETCHES) {
        for (stretch, found) in stretches.iter().zip(catalog.correlated(stretches, MAX_MATCHES).await?) {
            together += found.seen.len();
            if found.more || together > MAX_TOGETHER {
                let group = some.into_iter().map(|(group, ..)| group).find(|g| g.key() == stretch.group);
                return group.map(Looked::TooMany).ok_or_else(|| Error::internal("a group that was not asked for"));
            }
            kept.push(found);
        }
    }
    let rules = rules.clone();
    let change = move || {
        let correlation = &rules.correlations().all()[n];
        let mut kept = kept.into_iter();
        let each = some.into_iter();
        each.map(|(group, touched, count)| correlation.change(group, touched, kept.by_ref().take(count).collect()))
            .collect()
    };
    Ok(Looked::Changed(tokio::task::spawn_blocking(change).await?))
}

/// Events whose firing has changed and that are of earlier pieces.
async fn fetch(store: &dyn EventStore, changes: &[Changed], events: &mut HashMap<EventId, Arc<Event>>) -> Result<()> {
    let wanted = changes.iter().flat_map(|(c, _)| c.fired.iter().chain(&c.unfired)).map(|(_, id)| *id);
    let missing: Vec<EventId> = wanted.filter(|id| !events.contains_key(id)).collect();
    if !missing.is_empty() {
        events.extend(events_of(store, &missing).await?.into_iter().map(|e| (e.id, e)));
    }
    Ok(())
}
