//! Small things that people or the product keep, such as webhooks and what is still to be sent: by kind and id, in
//! groups, in an order. What is in them is told by the types of this room that are made into items and back.
use crate::error::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    Webhook,
    /// Key of the signatures of a webhook, by the id of the webhook.
    WebhookKey,
    /// What a webhook is told, in the group `webhook/state`.
    Delivery,
    /// How long a rule is quiet after an alert, by rule id.
    Suppression,
    /// A span in which a rule is quiet, in the group of its rule and host.
    Quiet,
    /// Up to where something has worked, by name.
    Progress,
    /// Tags of a rule that was deleted, by rule id: its hits stay.
    Tags,
}

impl ItemKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::WebhookKey => "webhook-key",
            Self::Delivery => "delivery",
            Self::Suppression => "suppression",
            Self::Quiet => "quiet",
            Self::Progress => "progress",
            Self::Tags => "tags",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub kind: ItemKind,
    /// Unique in its kind.
    pub id: String,
    /// What items of a kind are listed and counted by.
    pub group: String,
    /// Place in a list, before the id.
    pub order: i64,
    /// JSON.
    pub body: String,
}

impl Item {
    /// # Errors
    /// When the content cannot be written as JSON.
    pub fn new(kind: ItemKind, id: &str, group: &str, order: i64, content: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(content)?;
        Ok(Self { kind, id: id.into(), group: group.into(), order, body })
    }

    /// # Errors
    /// `INTERNAL` when the body is not what it should be.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.body).map_err(Error::from)
    }
}

/// Which items of a kind; what is absent means all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFilter {
    pub kind: ItemKind,
    pub ids: Option<Vec<String>>,
    pub groups: Option<Vec<String>>,
    /// Bounds of the order, both included.
    pub from: Option<i64>,
    pub upto: Option<i64>,
}

impl ItemFilter {
    pub const fn all(kind: ItemKind) -> Self {
        Self { kind, ids: None, groups: None, from: None, upto: None }
    }
    pub fn id(kind: ItemKind, id: impl Into<String>) -> Self {
        Self { ids: Some(vec![id.into()]), ..Self::all(kind) }
    }
    pub fn groups(kind: ItemKind, groups: Vec<String>) -> Self {
        Self { groups: Some(groups), ..Self::all(kind) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemChange {
    /// In place of what has the same kind and id.
    Put(Item),
    /// Only where nothing has the same kind and id.
    Add(Item),
    /// All that match.
    Remove(ItemFilter),
}
