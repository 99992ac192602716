//! Webhooks and what they were told.
use super::{
    page::{self, List},
    scalar::{DateTime, Long, PageInfo},
    session,
};
use crate::{
    catalog::{self, Catalog, Delivery, ItemFilter, ItemKind},
    error::{Code, Error, Result},
    event::Scope,
};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};

/// What a webhook is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::Tells")]
pub enum WebhookTells {
    /// Each alert once, with the hit by which it came.
    Alerts,
    /// Each hit.
    Hits,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::DeliveryState")]
pub enum DeliveryState {
    /// To be sent, for the first time or again.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// Given up after too many attempts; see `retryDeliveries`.
    Dead,
}

/// Webhooks are told of all hosts.
pub fn check_scope(ctx: &Context<'_>) -> Result<()> {
    match session::scope(ctx)? {
        Scope::All => Ok(()),
        Scope::Hosts(_) => Err(Error::new(Code::Forbidden, "webhooks are for those who may see all hosts")),
    }
}

/// # Errors
/// `NOT_FOUND` when there is none.
pub async fn find(catalog: &dyn Catalog, id: &str) -> Result<catalog::Webhook> {
    let found = catalog.items(&ItemFilter::id(ItemKind::Webhook, id), None, 1).await?;
    found.first().ok_or_else(|| Error::not_found("there is no such webhook"))?.read()
}

pub struct WebhookObject {
    pub webhook: catalog::Webhook,
    /// Messages in each state.
    counts: Vec<(catalog::DeliveryState, u64)>,
    last: Option<Delivery>,
}

impl WebhookObject {
    /// All webhooks, by name.
    pub async fn all(ctx: &Context<'_>) -> Result<Vec<Self>> {
        check_scope(ctx)?;
        let catalog = &*session::core(ctx)?.catalog;
        let found = catalog.items(&ItemFilter::all(ItemKind::Webhook), None, usize::MAX).await?;
        let webhooks = found.iter().map(catalog::Item::read).collect::<Result<Vec<_>>>()?;
        Self::with(catalog, webhooks).await
    }

    /// Webhooks with what was sent to them.
    pub async fn with(catalog: &dyn Catalog, mut webhooks: Vec<catalog::Webhook>) -> Result<Vec<Self>> {
        webhooks.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let counts = catalog.count_items(ItemKind::Delivery).await?;
        let mut out = Vec::new();
        for webhook in webhooks {
            let count = |state: catalog::DeliveryState| {
                let group = state.group(&webhook.id);
                (state, counts.iter().find(|(g, _)| *g == group).map_or(0, |(_, n)| *n))
            };
            let counts = catalog::DeliveryState::ALL.map(count).to_vec();
            let ended = [catalog::DeliveryState::Delivered, catalog::DeliveryState::Dead];
            let ended = ended.map(|s| s.group(&webhook.id)).to_vec();
            let last = catalog.items(&ItemFilter::groups(ItemKind::Delivery, ended), None, 1).await?;
            let last = last.first().map(catalog::Item::read).transpose()?;
            out.push(Self { webhook, counts, last });
        }
        Ok(out)
    }

    fn count(&self, state: catalog::DeliveryState) -> Long {
        Long(self.counts.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n))
    }
}

/// An address that alerts or hits are sent to, signed as Standard Webhooks describes: the header `webhook-signature` is
/// `v1,` and base64 of HMAC-SHA256 over `webhook-id`.`webhook-timestamp`.body, with the key that follows `whsec_` in the
/// secret, in base64. A message is repeated until the receiver answers with 2xx, always with the same `webhook-id`.
#[Object(name = "Webhook")]
impl WebhookObject {
    /// Id.
    async fn id(&self) -> ID {
        self.webhook.id.clone().into()
    }
    /// What it is called.
    async fn name(&self) -> &str {
        &self.webhook.name
    }
    /// Where messages are sent.
    async fn url(&self) -> &str {
        &self.webhook.url
    }
    /// What it is told of.
    async fn tells(&self) -> WebhookTells {
        self.webhook.tells.into()
    }
    /// Levels that it is told of; empty means all.
    async fn levels(&self) -> &[String] {
        &self.webhook.levels
    }
    /// Own ids of the rules that it is told of; empty means all.
    async fn rules(&self) -> &[String] {
        &self.webhook.rules
    }
    /// Hosts that it is told of, normal form; empty means all.
    async fn hosts(&self) -> &[String] {
        &self.webhook.hosts
    }
    /// Whether it is told.
    async fn enabled(&self) -> bool {
        self.webhook.enabled
    }
    /// Name of the user who made it.
    async fn made_by(&self) -> &str {
        &self.webhook.made_by
    }
    /// When it was made.
    async fn made(&self) -> DateTime {
        DateTime(self.webhook.made)
    }
    /// Messages that are still to be sent.
    async fn pending(&self) -> Long {
        self.count(catalog::DeliveryState::Pending)
    }
    /// Messages that were delivered; of those about hits the last thousand or so are kept.
    async fn delivered(&self) -> Long {
        self.count(catalog::DeliveryState::Delivered)
    }
    /// Messages that were given up.
    async fn dead(&self) -> Long {
        self.count(catalog::DeliveryState::Dead)
    }
    /// The last message that was delivered or given up.
    async fn last(&self) -> Option<DeliveryObject> {
        self.last.clone().map(DeliveryObject)
    }
}

#[derive(Clone)]
pub struct DeliveryObject(pub Delivery);

/// A message to a webhook.
#[Object(name = "Delivery")]
impl DeliveryObject {
    /// Id: what the receiver gets as `webhook-id`.
    async fn id(&self) -> ID {
        self.0.id.clone().into()
    }
    /// Type of the message: `alert.new`, `alert.reopened` or `hit.new`.
    async fn event(&self) -> &str {
        &self.0.event
    }
    /// Title of the rule.
    async fn title(&self) -> &str {
        &self.0.title
    }
    /// Host that it is about.
    async fn host(&self) -> &str {
        &self.0.host
    }
    /// What has become of it.
    async fn state(&self) -> DeliveryState {
        self.0.state.into()
    }
    /// When it was made.
    async fn made(&self) -> DateTime {
        DateTime(self.0.made)
    }
    /// When it is to be sent, if it is pending; else when it was delivered or given up.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }
    /// How often it was sent.
    async fn attempts(&self) -> i32 {
        i32::try_from(self.0.attempts).unwrap_or(i32::MAX)
    }
    /// HTTP status of the last answer.
    async fn status(&self) -> Option<i32> {
        self.0.status.map(i32::from)
    }
    /// Why the last attempt failed.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }
}

/// One page of messages to a webhook.
#[derive(SimpleObject)]
pub struct DeliveryConnection {
    /// Messages of this page.
    nodes: Vec<DeliveryObject>,
    /// Where this page ends.
    page_info: PageInfo,
}

impl DeliveryConnection {
    pub async fn new(
        ctx: &Context<'_>,
        webhook: &str,
        state: DeliveryState,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self> {
        check_scope(ctx)?;
        let first = page::size(first)?;
        let after = List::Deliveries.read_with(after, |body| {
            let (order, id) = body.split_once('\0')?;
            Some((order.parse().ok()?, id.to_owned()))
        })?;
        let group = catalog::DeliveryState::from(state).group(webhook);
        let filter = ItemFilter::groups(ItemKind::Delivery, vec![group]);
        let mut found = session::core(ctx)?.catalog.items(&filter, after, first + 1).await?;
        let has_next_page = found.len() > first;
        found.truncate(first);
        let end_cursor = found.last().map(|i| List::Deliveries.cursor(format_args!("{}\0{}", i.order, i.id)));
        let nodes = found.iter().map(|i| i.read().map(DeliveryObject)).collect::<Result<_>>()?;
        Ok(Self { nodes, page_info: PageInfo { has_next_page, end_cursor } })
    }
}
