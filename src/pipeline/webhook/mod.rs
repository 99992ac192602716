//! Webhooks: alerts and hits for other programs.
//!
//! One process, the holder of a lease, turns new hits into messages (`queue`) and sends them (`outbox`, `send`), to
//! each webhook beside the others. Messages are kept until they are delivered, within bounds ([`Webhooks`]): they come
//! at least once, each with an id by which a receiver tells repetitions, also after a restart, and in the order of
//! storing unless one has to be repeated. Their form is that of Standard Webhooks:
//!
//! | header | what |
//! | --- | --- |
//! | `webhook-id` | id of the message: the same at every repetition |
//! | `webhook-timestamp` | seconds since 1970 |
//! | `webhook-signature` | `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body` |
//!
//! The key is what follows `whsec_` in the secret, in base64.
mod allow;
mod outbox;
mod queue;
mod send;

pub use allow::Allowed;
pub use send::{Attempt, Key, Sender};

use super::lease::Lease;
use crate::{
    catalog::{Catalog, DeliveryState, Item, ItemChange, ItemFilter, ItemKind, Tells, Webhook},
    error::{Error, Result},
    event::{EventId, Time, detection::Hit},
};
use outbox::Outbox;
pub(super) use queue::Queue;
use queue::all;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinError, JoinSet},
};

/// How often something is due at most.
const TURN: Duration = Duration::from_secs(1);
/// Delivered messages kept of a webhook that is told of hits. Of one that is told of alerts all are kept, as an alert is
/// told once.
const KEPT: usize = 1_000;
/// How often what is no longer needed is removed.
const TIDY: Duration = Duration::from_secs(600);
/// How often it is looked at how many messages to a webhook there are.
const BOUND: Duration = Duration::from_secs(60);
/// How long a span in which a rule was quiet is kept.
const QUIET_KEPT: i64 = 7 * 24 * 60 * 60 * 1_000;

/// What the operator may choose.
#[derive(Debug, Clone)]
pub struct Webhooks {
    pub allowed: Allowed,
    /// PEM of an authority that signs certificates of receivers, besides those the machine knows.
    pub ca: Option<Vec<u8>>,
    /// Address of the page, for links; without a slash at the end.
    pub page: String,
    /// Longest time of a request; shorter than the life of a lease.
    pub timeout: Duration,
    /// Pause before the second attempt; each further one is twice as long.
    pub pause: Duration,
    /// Attempts until a message is given up.
    pub attempts: u32,
    /// Messages to one webhook that wait. Where more do, looked at once a minute, those that have been due the longest
    /// are given up.
    pub waiting: usize,
    /// Messages to one webhook that are kept after they were given up, the newest. An alert whose message is forgotten
    /// is told again with its next hit.
    pub dead: usize,
}

impl Default for Webhooks {
    fn default() -> Self {
        let (timeout, pause) = (Duration::from_secs(10), Duration::from_secs(10));
        Self {
            allowed: Allowed::default(),
            ca: None,
            page: String::new(),
            timeout,
            pause,
            attempts: 12,
            waiting: 100_000,
            dead: 10_000,
        }
    }
}

/// Something that has an id in the API.
pub enum Named<'a> {
    Alert(&'a str),
    Hit(&'a Hit),
    Event(EventId),
}

/// What messages need of the rooms above.
#[derive(Clone)]
pub struct Deliver {
    pub page: String,
    /// Id in the API.
    pub id: fn(Named<'_>) -> String,
}

pub(super) struct Worker {
    catalog: Arc<dyn Catalog>,
    queue: Queue,
    outbox: Arc<Outbox>,
    tidied: Option<Instant>,
    sends: JoinSet<Result<bool>>,
    /// By id of the webhook.
    last: HashMap<String, Last>,
}

/// What was sent last to a webhook.
struct Last {
    send: AbortHandle,
    bounded: Instant,
}

impl Worker {
    pub(super) fn new(queue: Queue, sender: Arc<Sender>, settings: Webhooks, lease: Lease) -> Self {
        let catalog = queue.catalog.clone();
        let outbox = Arc::new(Outbox::new(catalog.clone(), sender, settings, lease));
        Self { catalog, queue, outbox, tidied: None, sends: JoinSet::new(), last: HashMap::new() }
    }

    /// Works until the stop. `news` changes with every new hit.
    pub(super) async fn run(mut self, mut news: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let turn = tokio::select! {
                turn = self.turn() => turn,
                _ = stop.wait_for(|s| *s) => break,
            };
            match turn {
                Ok(true) => continue,
                Ok(false) => {}
                Err(e) => tracing::error!(error = ?e, "cannot work on webhooks, trying again"),
            }
            if !self.rest(&mut news, &mut stop).await {
                break;
            }
        }
        // A request that the stop interrupts is sent again: it may have arrived, and has the same id.
        self.sends.shutdown().await;
        self.outbox.release().await;
    }

    /// Waits until something may be due. `false` when the work is to end.
    async fn rest(&mut self, news: &mut watch::Receiver<u64>, stop: &mut watch::Receiver<bool>) -> bool {
        let pause = tokio::time::sleep(TURN);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return true,
                changed = news.changed() => return changed.is_ok(),
                _ = stop.wait_for(|s| *s) => return false,
                Some(ended) = self.sends.join_next() => if is_more_due(ended) { return true },
            }
        }
    }

    /// Makes messages and sends to every webhook that nothing is being sent to. Returns whether there are more to make.
    async fn turn(&mut self) -> Result<bool> {
        if !self.outbox.holds().await? {
            return Ok(false);
        }
        if self.tidied.is_none_or(|at| at.elapsed() > TIDY) {
            tidy(&*self.catalog).await?;
            self.tidied = Some(Instant::now());
        }
        let more = self.queue.step().await?;
        let webhooks: Vec<Webhook> = all(&*self.catalog, ItemKind::Webhook).await?;
        self.last.retain(|id, _| webhooks.iter().any(|w| w.id == *id));
        // All that have ended are sent to anew.
        while let Some(ended) = self.sends.try_join_next() {
            is_more_due(ended);
        }
        for webhook in webhooks.into_iter().filter(|w| w.enabled) {
            self.send(webhook);
        }
        Ok(more)
    }

    fn send(&mut self, webhook: Webhook) {
        let last = self.last.get(&webhook.id);
        if last.is_some_and(|l| !l.send.is_finished()) {
            return;
        }
        let bounded = last.map(|l| l.bounded).filter(|at| at.elapsed() < BOUND);
        let (id, outbox) = (webhook.id.clone(), self.outbox.clone());
        let send = self.sends.spawn(async move { outbox.send(webhook, bounded.is_none()).await });
        self.last.insert(id, Last { send, bounded: bounded.unwrap_or_else(Instant::now) });
    }
}

/// Removes what nobody needs any more.
async fn tidy(catalog: &dyn Catalog) -> Result<()> {
    let webhooks: Vec<Webhook> = all(catalog, ItemKind::Webhook).await?;
    let known: HashSet<&str> = webhooks.iter().map(|w| w.id.as_str()).collect();
    let mut changes = vec![ItemChange::Remove(ItemFilter {
        upto: Some(Time::now().0 - QUIET_KEPT),
        ..ItemFilter::all(ItemKind::Quiet)
    })];
    // Of a webhook that was deleted while something was sent to it.
    let groups = catalog.count_items(ItemKind::Delivery).await?.into_iter().map(|(group, _)| group);
    let orphans: Vec<String> = groups.filter(|g| g.rsplit_once('/').is_none_or(|(w, _)| !known.contains(w))).collect();
    if !orphans.is_empty() {
        changes.push(ItemChange::Remove(ItemFilter::groups(ItemKind::Delivery, orphans)));
    }
    for webhook in webhooks.iter().filter(|w| w.tells == Tells::Hits) {
        let delivered = outbox::of(&webhook.id, DeliveryState::Delivered);
        let newest = catalog.items(&delivered, None, KEPT + 1).await?;
        if let Some(first) = newest.get(KEPT) {
            changes.push(ItemChange::Remove(ItemFilter { from: Some(first.order), ..delivered }));
        }
    }
    catalog.change_items(&changes, &[]).await
}

/// Whether more can be sent at once to a webhook.
fn is_more_due(ended: Result<Result<bool>, JoinError>) -> bool {
    match ended {
        Ok(Ok(more)) => return more,
        Ok(Err(e)) => tracing::error!(error = ?e, "cannot send to a webhook, trying again"),
        Err(e) => tracing::error!(error = ?e, "sending to a webhook broke off, trying again"),
    }
    false
}

/// Key of the signatures of a webhook.
///
/// # Errors
/// When the catalog fails.
pub async fn key(catalog: &dyn Catalog, webhook_id: &str) -> Result<Option<Key>> {
    let found = catalog.items(&ItemFilter::id(ItemKind::WebhookKey, webhook_id), None, 1).await?;
    found.first().map(|item| Key::read(&item.read::<String>()?)).transpose()
}

/// The key of a webhook as it is stored.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn key_item(webhook_id: &str, key: &Key) -> Result<Item> {
    Item::new(ItemKind::WebhookKey, webhook_id, "", 0, &key.stored())
}

/// A message that says nothing, to see whether it arrives. Not repeated.
///
/// # Errors
/// When the catalog fails; what goes wrong at the other end is in the [`Attempt`].
pub async fn test(catalog: &dyn Catalog, sender: &Sender, webhook: &Webhook) -> Result<Attempt> {
    let key = key(catalog, &webhook.id).await?.ok_or_else(|| Error::not_found("the webhook has no key"))?;
    let body = serde_json::json!({"type": "test", "timestamp": Time::now().rfc3339(), "webhook": webhook.name});
    sender.post(webhook, &key, &uuid::Uuid::now_v7().to_string(), body.to_string()).await
}
