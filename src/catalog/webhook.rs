//! Webhooks, what they are told, and rules that are quiet for a while.
use super::{Alert, Item, ItemFilter, ItemKind};
use crate::{
    error::Result,
    event::{Time, detection::Hit, normal_host},
};
use serde::{Deserialize, Serialize};

/// What a webhook is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tells {
    /// Each alert once.
    Alerts,
    /// Each hit.
    Hits,
}

/// An address that alerts or hits are sent to. Empty lists mean all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub id: String,
    pub name: String,
    pub url: String,
    pub tells: Tells,
    pub levels: Vec<String>,
    pub rules: Vec<String>,
    /// Normal form.
    pub hosts: Vec<String>,
    pub enabled: bool,
    /// Name of a user.
    pub made_by: String,
    pub made: Time,
}

impl Webhook {
    pub fn wants(&self, hit: &Hit) -> bool {
        let any = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        self.enabled && any(&self.levels, &hit.level) && any(&self.rules, &hit.rule_id) && any(&self.hosts, &hit.host)
    }

    /// # Errors
    /// When it cannot be written as JSON.
    pub fn item(&self) -> Result<Item> {
        Item::new(ItemKind::Webhook, &self.id, "", self.made.0, self)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be sent, for the first time or again.
    Pending,
    Delivered,
    /// Given up after too many attempts.
    Dead,
}

impl DeliveryState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Group of the deliveries of a webhook in this state.
    pub fn group(self, webhook_id: &str) -> String {
        format!("{webhook_id}/{}", self.as_str())
    }
}

/// One message to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Follows from the webhook and what it is about: the receiver tells repetitions by it.
    pub id: String,
    pub webhook_id: String,
    /// `alert.new`, `alert.reopened` or `hit.new`.
    pub event: String,
    /// Title of the rule, and host.
    pub title: String,
    pub host: String,
    pub state: DeliveryState,
    pub made: Time,
    pub attempts: u32,
    /// When it is to be sent, if it is pending; else when that ended.
    pub at: Time,
    /// HTTP status of the last answer.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub message: Option<String>,
    /// JSON as it is sent; empty when it is no longer needed.
    pub body: String,
}

impl Delivery {
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn item(&self) -> Result<Item> {
        // Pending ones in the order of sending, the others newest first.
        let order = if self.state == DeliveryState::Pending { self.at.0 } else { -self.at.0 };
        Item::new(ItemKind::Delivery, &self.id, &self.state.group(&self.webhook_id), order, self)
    }

    /// All that webhooks are told, in any state.
    pub fn of(webhook_id: &str) -> ItemFilter {
        ItemFilter::groups(ItemKind::Delivery, DeliveryState::ALL.map(|s| s.group(webhook_id)).to_vec())
    }
}

/// A rule that tells webhooks at most once in a span of time per host, and per values of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    pub rule_id: String,
    pub seconds: u32,
    /// Names of fields of the event.
    pub fields: Vec<String>,
    /// Name of a user.
    pub set_by: String,
    pub set: Time,
}

impl Suppression {
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn item(&self) -> Result<Item> {
        Item::new(ItemKind::Suppression, &self.rule_id, "", self.set.0, self)
    }
}

/// A span in which a rule is quiet about a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub rule_id: String,
    /// Normal form.
    pub host: String,
    /// Of each field of the suppression, its values; empty text where the event has none.
    pub values: Vec<String>,
    /// First moment after it, in time of finding.
    pub until: Time,
    /// Hits that were not told.
    pub hits: u64,
}

impl Quiet {
    pub fn id(rule_id: &str, host: &str, values: &[String]) -> String {
        serde_json::json!([rule_id, host, values]).to_string()
    }

    /// What those of a rule and host have in common.
    pub fn group(rule_id: &str, host: &str) -> String {
        serde_json::json!([rule_id, normal_host(host)]).to_string()
    }

    pub fn group_of(alert: &Alert) -> String {
        Self::group(&alert.rule_id, &alert.host)
    }

    /// # Errors
    /// When it cannot be written as JSON.
    pub fn item(&self) -> Result<Item> {
        let id = Self::id(&self.rule_id, &self.host, &self.values);
        Item::new(ItemKind::Quiet, &id, &Self::group(&self.rule_id, &self.host), self.until.0, self)
    }
}
