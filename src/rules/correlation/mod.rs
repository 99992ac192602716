//! Sigma correlations: firings as a function of the set of matches, whatever the order of their arrival.
//!
//! An event *completes* the window that ends with it and begins `timespan` earlier, both edges included, when the
//! condition holds with the event and does not hold without it; nothing holds in an empty window. Events are ordered by
//! time, then id. So a firing depends on no event that is further than `timespan` before it.
//!
//! So a condition that goes on to hold fires once: `gte: 3` fires at the third event of a burst and not at the fourth, and
//! again when fewer than three were left in the window. A condition that asks for few (`lt`, `lte`, `neq`) holds at the first
//! event of a window. The specification leaves this open.
//!
//! - An event without a value for one of the `group-by` names is in no group. Values are folded; several values of one
//!   field are one group value.
//! - An event counts once, also when several members match it. In a `temporal_ordered` sequence each step needs an event of
//!   its own.
//! - Fields that an event lacks are joined from its process for a member that is a rule with a category
//!   ([`super::join`]).
//! - A firing of a member that is itself a correlation stands where its completing event stands, and has that event's
//!   fields besides its own group values.
mod change;
mod link;
mod parse;
#[cfg(test)]
mod tests;
mod window;

pub use change::Touched;
pub use link::{Correlations, LOGSOURCE, Linked, NOISY, is_noisy};
pub use parse::parse;

use crate::event::{
    Event, EventId,
    correlated::{Group, Sighting},
    detection::Hit,
};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    EventCount,
    ValueCount,
    Temporal,
    TemporalOrdered,
    ValueSum,
    ValueAvg,
    ValuePercentile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Gt,
    Gte,
    Lt,
    Lte,
    Eq,
    Neq,
}

/// What a document asks, its members not looked up yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    pub kind: Kind,
    /// Ids or names, in the order of the document.
    pub rules: Vec<String>,
    pub group_by: Vec<String>,
    /// Milliseconds, positive.
    pub span: i64,
    /// All must hold; empty for temporal kinds that just want every member.
    pub condition: Vec<(Comparison, f64)>,
    /// Fields whose values are counted or computed with; empty where the kind has none.
    pub fields: Vec<String>,
    /// 0 to 100; of `value_percentile` only.
    pub percentile: f64,
    /// By alias, then by member: the field that the alias stands for.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether the members alert by themselves too.
    pub generate: bool,
}

/// A rule that has matched an event.
#[derive(Debug, Clone)]
pub struct Seen {
    pub rule_id: Arc<str>,
    pub event: Arc<Event>,
    /// The event with what was joined for the rule.
    pub joined: Option<Arc<Event>>,
}

impl Seen {
    /// The event whose values are counted.
    pub fn values(&self) -> &Event {
        self.joined.as_ref().unwrap_or(&self.event)
    }
}

/// Where a match is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its place in [`Correlations::all`].
    pub correlation: usize,
    pub group: Group,
    pub sighting: Sighting,
}

/// A correlation whose window was completed by an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Of the correlation.
    pub version: Arc<str>,
    pub group: Group,
    pub event: Arc<Event>,
}

impl Firing {
    /// Identity: rule, version, group values and completing event.
    pub fn id(&self) -> String {
        Hit::correlated_id(&self.group, &self.version, self.event.id)
    }

    fn order(&self) -> (&str, i64, EventId, &Group) {
        (&self.group.rule_id, self.event.time.0, self.event.id, &self.group)
    }
}
