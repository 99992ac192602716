//! Alerts: hits grouped by rule and host, and what people make of them.
use crate::event::{Period, Time, normal_host};

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    New,
    Acknowledged,
    Closed,
}

impl AlertStatus {
    pub const ALL: [Self; 3] = [Self::New, Self::Acknowledged, Self::Closed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// The hits of one rule on one host in the span `since < time <= until`. Spans of a pair never overlap, so which alert
/// a hit belongs to follows from its time and from what was closed, not from when it came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Alert {
    /// Follows from rule, host and `since`.
    pub id: String,
    /// Order of making.
    pub number: u64,
    /// Number of its last change, whatever it was: hits or people's.
    pub change: u64,
    pub rule_id: String,
    /// Normal form.
    pub host: String,
    /// End of the closed alert before it, exclusive.
    pub since: Time,
    /// Time of its last hit when it was closed, inclusive; absent while later hits belong to it.
    pub until: Option<Time>,
    /// Title and level of the latest hit, by time and then id.
    pub title: String,
    pub level: String,
    /// Time of the events; absent while a rebuild has not found hits yet.
    pub first_hit: Option<Time>,
    pub last_hit: Option<Time>,
    pub hits: u64,
    pub status: AlertStatus,
    /// Why it was closed.
    pub reason: Option<String>,
    /// Name of a user.
    pub assignee: Option<String>,
    /// Sorted.
    pub tags: Vec<String>,
    /// How often a late hit has opened it again after it was closed.
    #[serde(default)]
    pub reopened: u64,
    /// How often there was no such alert any more because its hits were withdrawn.
    #[serde(default)]
    pub lost: u64,
    /// No hit is left and nobody has worked on it: there is no such alert any more. Only those who follow changes see it.
    #[serde(default)]
    pub gone: bool,
}

/// Which alerts; an empty list means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    pub ids: Option<Vec<String>>,
    pub statuses: Vec<AlertStatus>,
    pub levels: Vec<String>,
    pub rule_id: Option<String>,
    pub host: Option<String>,
    /// Empty text means nobody.
    pub assignee: Option<String>,
    pub tag: Option<String>,
    /// First to last hit and the period overlap.
    pub period: Period,
    /// Part of title, rule or host, whatever the case of ASCII letters.
    pub text: Option<String>,
}

impl AlertFilter {
    /// What no change of an alert can change: ids, rule and host.
    pub fn fixed(&self) -> Self {
        Self { ids: self.ids.clone(), rule_id: self.rule_id.clone(), host: self.host.clone(), ..Self::default() }
    }

    /// What the engines ask.
    pub fn wants(&self, alert: &Alert) -> bool {
        let any = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        let text = || format!("{}\n{}\n{}", alert.title, alert.rule_id, alert.host).to_ascii_lowercase();
        !alert.gone
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&alert.id))
            && (self.statuses.is_empty() || self.statuses.contains(&alert.status))
            && any(&self.levels, &alert.level)
            && self.rule_id.as_ref().is_none_or(|r| *r == alert.rule_id)
            && self.host.as_ref().is_none_or(|h| normal_host(h) == alert.host)
            && self.assignee.as_ref().is_none_or(|a| alert.assignee.as_deref().unwrap_or_default() == a)
            && self.tag.as_ref().is_none_or(|t| alert.tags.contains(t))
            && self.period.from.is_none_or(|from| alert.last_hit.is_some_and(|t| t >= from))
            && self.period.to.is_none_or(|to| alert.first_hit.is_some_and(|t| t < to))
            && self.text.as_ref().is_none_or(|t| text().contains(&t.to_ascii_lowercase()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPage {
    pub alerts: Vec<Alert>,
    pub more: bool,
}

/// What to change; the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertChange {
    /// With the reason of a closing; any other status has none.
    pub status: Option<(AlertStatus, Option<String>)>,
    /// Empty text takes the assignee away.
    pub assignee: Option<String>,
    pub add_tags: Vec<String>,
    pub remove_tags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Comment {
    /// Name of the user.
    pub by: String,
    pub at: Time,
    pub text: String,
}

/// What alerts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertGroup {
    Rule,
    Host,
    /// UTC day of the first hit, `2026-01-31`.
    Day,
}

/// Somebody changed something.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuditEntry {
    /// Order of writing; given by the catalog.
    pub number: u64,
    pub at: Time,
    /// Name of the user; empty where a late hit has opened an alert again.
    pub by: String,
    pub action: String,
    /// Id of what was changed.
    pub object: String,
    /// JSON object of what changed.
    pub detail: String,
}

impl AuditEntry {
    /// An entry to be written.
    pub fn new(by: &str, action: &str, object: &str, detail: &serde_json::Value) -> Self {
        let (action, object, detail) = (action.into(), object.into(), detail.to_string());
        Self { number: 0, at: Time::now(), by: by.into(), action, object, detail }
    }
}
