//! What correlations keep of events, shared by `rules` and `catalog`.
use super::{EventId, Time};

/// Namespace of group keys; part of the stored form, never to be changed.
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x2c1d_9a40_6b7e_5f13_8d52_e0b7_41c6_93fa);

/// One group of one version of a correlation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    pub rule_id: String,
    pub rule_version: String,
    /// One folded value per name of `group-by`.
    pub values: Vec<String>,
}

impl Group {
    /// Key that follows from all of it; never 0.
    pub fn key(&self) -> u128 {
        let mut name = format!("{}\0{}", self.rule_id, self.rule_version);
        for value in &self.values {
            name.push('\0');
            name.push_str(value);
        }
        uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).as_u128()
    }
}

/// An event of a group that a member of the correlation has matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub time: Time,
    pub event_id: EventId,
    /// Place of the member in the document.
    pub member: u32,
    /// Key of the group that fired, where the member is a correlation; 0 where it is a rule.
    pub source: u128,
    /// Of each field of the condition, its folded values.
    pub values: Vec<Vec<String>>,
}

impl Sighting {
    /// What tells it from others of the same group, in their order.
    pub const fn key(&self) -> (Time, EventId, u32, u128) {
        (self.time, self.event_id, self.member, self.source)
    }
}

/// A part of a group in time, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    pub group: u128,
    pub from: Time,
    pub to: Time,
}

/// What is kept of a [`Stretch`], in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    pub seen: Vec<Sighting>,
    /// Events that completed a window.
    pub fired: Vec<(Time, EventId)>,
    /// Whether there is more than was asked for; what is here is a part then.
    pub more: bool,
}

impl Kept {
    /// Leaves what was asked for.
    pub fn cut(&mut self, most: usize) {
        self.more = self.seen.len() > most || self.fired.len() > most;
        self.seen.truncate(most);
        self.fired.truncate(most);
    }
}

/// What has changed in a group. Changes that are made already change nothing; what both came and went is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub group: Group,
    pub came: Vec<Sighting>,
    pub went: Vec<Sighting>,
    pub fired: Vec<(Time, EventId)>,
    /// Events that no longer complete a window.
    pub unfired: Vec<(Time, EventId)>,
}
