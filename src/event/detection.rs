//! The nouns of detection, shared by `rules` and `catalog`: a rule and a hit.
use super::{EventId, Time, correlated::Group};
use crate::error::{Error, Result};

/// Levels of rules and of their hits, least first.
pub const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

/// The levels asked for, in the spelling of [`LEVELS`].
///
/// # Errors
/// `BAD_INPUT` for a name that is no level.
pub fn levels(asked: &[String]) -> Result<Vec<String>> {
    let known = |name: &String| {
        let level = LEVELS.into_iter().find(|l| l.eq_ignore_ascii_case(name));
        level
            .map(str::to_owned)
            .ok_or_else(|| Error::bad_input(format!("there is no level {name:?}: it is one of {}", LEVELS.join(", "))))
    };
    asked.iter().map(known).collect()
}

/// A Sigma rule as stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// The rule's own `id`, or one derived from its content.
    pub id: String,
    /// Digest of its text: a changed text is a new version.
    pub version: String,
    pub title: String,
    /// `informational` … `critical`.
    pub level: String,
    pub status: String,
    pub description: String,
    pub tags: Vec<String>,
    /// `process_creation`, `service:sysmon`, …
    pub logsource: String,
    /// Sigma YAML.
    pub text: String,
    /// Where it was loaded from.
    pub origin: String,
    pub enabled: bool,
    /// Why it cannot be matched, if it cannot.
    pub refused: Option<String>,
    pub loaded: Time,
}

impl Hit {
    /// Id that follows from (rule id, rule version, event id): storing a hit again changes nothing.
    pub fn id(rule_id: &str, rule_version: &str, event_id: EventId) -> String {
        let name = format!("{rule_id}\0{rule_version}\0{event_id}");
        uuid::Uuid::new_v5(&HIT_NAMESPACE, name.as_bytes()).to_string()
    }

    /// Id of a firing of a correlation: the event that completes its window may do so for several groups.
    /// `rule_version` is that of the correlation.
    pub fn correlated_id(group: &Group, rule_version: &str, event_id: EventId) -> String {
        let mut name = format!("{}\0{rule_version}\0{event_id}", group.rule_id);
        for value in &group.values {
            name.push('\0');
            name.push_str(value);
        }
        uuid::Uuid::new_v5(&HIT_NAMESPACE, name.as_bytes()).to_string()
    }
}

/// Namespace of hit ids; part of the stored form, never to be changed.
const HIT_NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x5e11_02c7_7f3d_5a86_b1d4_0c9e_63f8_2a17);

/// One rule matching one event. Its id follows from (rule id, rule version, event id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub id: String,
    pub rule_id: String,
    pub rule_version: String,
    pub rule_title: String,
    pub level: String,
    pub event_id: EventId,
    /// Time of the event.
    pub time: Time,
    /// Host of the event, normal form.
    pub host: String,
    /// When it was found.
    pub found: Time,
    /// Values of the rule that the event has, where the rule is a list of them; names the indicator. Of a correlation, what
    /// its group has in common: `field: value`.
    pub matched: Vec<String>,
    /// Fields asked by the rule that came from the start of a process, because the event lacks them.
    pub joined: Vec<String>,
}
