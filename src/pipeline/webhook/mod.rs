//! Webhooks: alerts and hits for other programs.
//!
//! One process, the holder of a lease, turns new hits into messages and sends them (`queue`, `send`). Messages are kept
//! until they are delivered: they come at least once, each with an id by which a receiver tells repetitions, also after a
//! restart, and in the order of storing unless one has to be repeated. Their form is that of Standard Webhooks:
//!
//! | header | what |
//! | --- | --- |
//! | `webhook-id` | id of the message: the same at every repetition |
//! | `webhook-timestamp` | seconds since 1970 |
//! | `webhook-signature` | `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body` |
//!
//! The key is what follows `whsec_` in the secret, in base64.
mod allow;
mod queue;
mod send;

pub use allow::Allowed;
pub use send::{Attempt, Key, Sender};

use super::lease::{Held, Lease};
use crate::{
    catalog::{Catalog, Delivery, DeliveryState, Item, ItemChange, ItemFilter, ItemKind, Tells, Webhook},
    error::{Error, Result},
    event::{EventId, Time, detection::Hit},
};
use futures_util::{StreamExt as _, stream};
pub(super) use queue::Queue;
use queue::all;
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, watch};

/// How often something is due at most.
const TURN: Duration = Duration::from_secs(1);
/// Webhooks that are sent to at the same time.
const AT_ONCE: usize = 8;
/// Messages to one webhook in one turn.
const IN_TURN: usize = 50;
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Delivered messages kept of a webhook that is told of hits. Of one that is told of alerts all are kept, as an alert is
/// told once.
const KEPT: usize = 1_000;
/// How often what is no longer needed is removed.
const TIDY: Duration = Duration::from_secs(600);
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
}

impl Default for Webhooks {
    fn default() -> Self {
        let (timeout, pause) = (Duration::from_secs(10), Duration::from_secs(10));
        Self { allowed: Allowed::default(), ca: None, page: String::new(), timeout, pause, attempts: 12 }
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
    sender: Arc<Sender>,
    settings: Webhooks,
    lease: Mutex<Lease>,
    tidied: Option<Instant>,
}

impl Worker {
    pub(super) fn new(queue: Queue, sender: Arc<Sender>, settings: Webhooks, lease: Lease) -> Self {
        let catalog = queue.catalog.clone();
        Self { catalog, queue, sender, settings, lease: Mutex::new(lease), tidied: None }
    }

    /// Works until the stop. `news` changes with every new hit.
    pub(super) async fn run(mut self, mut news: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            // A request that the stop interrupts is sent again: it may have arrived, and has the same id.
            let turn = tokio::select! {
                turn = self.turn() => turn,
                _ = stop.wait_for(|s| *s) => break,
            };
            match turn {
                Ok(true) => continue,
                Ok(false) => {}
                Err(e) => tracing::error!(error = ?e, "cannot work on webhooks, trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(TURN) => {}
                changed = news.changed() => if changed.is_err() { break },
                _ = stop.wait_for(|s| *s) => break,
            }
        }
        self.lease.lock().await.release().await;
    }

    /// Whether there is more to do at once.
    async fn turn(&mut self) -> Result<bool> {
        if self.lease.lock().await.hold().await? == Held::Elsewhere {
            return Ok(false);
        }
        if self.tidied.is_none_or(|at| at.elapsed() > TIDY) {
            self.tidy().await?;
            self.tidied = Some(Instant::now());
        }
        let more = self.queue.step().await?;
        let webhooks: Vec<Webhook> = all(&*self.catalog, ItemKind::Webhook).await?;
        let work = webhooks.into_iter().filter(|w| w.enabled).map(|w| self.send(w));
        let sent: Vec<Result<bool>> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        sent.into_iter().try_fold(more, |more, one| Ok(more | one?))
    }

    /// Sends what is due, until something fails. Returns whether more is due.
    async fn send(&self, webhook: Webhook) -> Result<bool> {
        let pending = vec![DeliveryState::Pending.group(&webhook.id)];
        let due = ItemFilter { upto: Some(Time::now().0), ..ItemFilter::groups(ItemKind::Delivery, pending) };
        let due = self.catalog.items(&due, None, IN_TURN).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let Some(key) = key(&*self.catalog, &webhook.id).await? else { return Ok(false) };
        for item in &due {
            if self.lease.lock().await.hold().await? == Held::Elsewhere {
                return Ok(false);
            }
            let delivery: Delivery = item.read()?;
            let attempt = self.sender.post(&webhook, &key, &delivery.id, delivery.body.clone()).await?;
            let failed = attempt.failure.is_some();
            let after = self.after(delivery, attempt);
            if after.state == DeliveryState::Dead {
                tracing::warn!(webhook = webhook.name, delivery = after.id, "a message to a webhook is given up");
            }
            self.catalog.change_items(&[ItemChange::Put(after.item()?)], &[]).await?;
            if failed {
                return Ok(false);
            }
        }
        Ok(due.len() == IN_TURN)
    }

    /// A delivery after an attempt.
    fn after(&self, before: Delivery, attempt: Attempt) -> Delivery {
        let (now, attempts) = (Time::now(), before.attempts + 1);
        let (state, at) = match attempt.failure {
            None => (DeliveryState::Delivered, now),
            Some(_) if attempts >= self.settings.attempts => (DeliveryState::Dead, now),
            Some(_) => (DeliveryState::Pending, Time(now.0 + pause(self.settings.pause, attempts))),
        };
        let body = if state == DeliveryState::Delivered { String::new() } else { before.body };
        Delivery { state, attempts, at, status: attempt.status, message: attempt.failure, body, ..before }
    }

    /// Removes what nobody needs any more.
    async fn tidy(&self) -> Result<()> {
        let webhooks: Vec<Webhook> = all(&*self.catalog, ItemKind::Webhook).await?;
        let known: HashSet<&str> = webhooks.iter().map(|w| w.id.as_str()).collect();
        let mut changes = vec![ItemChange::Remove(ItemFilter {
            upto: Some(Time::now().0 - QUIET_KEPT),
            ..ItemFilter::all(ItemKind::Quiet)
        })];
        // Of a webhook that was deleted while something was sent to it.
        let groups = self.catalog.count_items(ItemKind::Delivery).await?.into_iter().map(|(group, _)| group);
        let orphans: Vec<String> =
            groups.filter(|g| g.rsplit_once('/').is_none_or(|(w, _)| !known.contains(w))).collect();
        if !orphans.is_empty() {
            changes.push(ItemChange::Remove(ItemFilter::groups(ItemKind::Delivery, orphans)));
        }
        for webhook in webhooks.iter().filter(|w| w.tells == Tells::Hits) {
            let delivered = ItemFilter::groups(ItemKind::Delivery, vec![DeliveryState::Delivered.group(&webhook.id)]);
            let newest = self.catalog.items(&delivered, None, KEPT + 1).await?;
            if let Some(first) = newest.get(KEPT) {
                changes.push(ItemChange::Remove(ItemFilter { from: Some(first.order), ..delivered }));
            }
        }
        self.catalog.change_items(&changes, &[]).await
    }
}

/// Milliseconds until the next attempt, a little by chance so that not everything comes at once.
fn pause(first: Duration, attempts: u32) -> i64 {
    let doubled = first.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LONGEST_PAUSE);
    let millis = doubled.mul_f64(rand::random_range(0.9..1.1)).as_millis();
    i64::try_from(millis).unwrap_or(i64::MAX / 4)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses: Vec<i64> = (1..=40).map(|n| pause(Duration::from_secs(10), n) / 1_000).collect();
        assert!((9..=11).contains(&pauses[0]) && (18..=22).contains(&pauses[1]) && (36..=44).contains(&pauses[2]));
        assert!(pauses[9..].iter().all(|p| (3_240..=3_960).contains(p)), "{pauses:?}");
    }
}
