//! Sends the messages of each webhook, in their order, and bounds how many of them there are.
use super::{Attempt, Sender, Webhooks, key};
use crate::{
    catalog::{Catalog, Delivery, DeliveryState, Item, ItemChange, ItemFilter, ItemKind, Webhook},
    error::{Error, Result},
    event::Time,
    pipeline::lease::{Held, Lease},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Semaphore};

/// Webhooks that are sent to at the same time.
const AT_ONCE: usize = 8;
/// Messages to one webhook in one turn.
const IN_TURN: usize = 50;
/// How long after its begin a turn begins no further request: others may be waiting for theirs.
const TURN: Duration = Duration::from_secs(5);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Messages that are given up or forgotten at once.
const PAGE: usize = 1_000;

pub struct Outbox {
    catalog: Arc<dyn Catalog>,
    sender: Arc<Sender>,
    settings: Webhooks,
    lease: Mutex<Lease>,
    /// Given in the order of asking.
    turns: Semaphore,
}

impl Outbox {
    pub(super) fn new(catalog: Arc<dyn Catalog>, sender: Arc<Sender>, settings: Webhooks, lease: Lease) -> Self {
        Self { catalog, sender, settings, lease: Mutex::new(lease), turns: Semaphore::new(AT_ONCE) }
    }

    /// Whether the work is this process's.
    pub async fn holds(&self) -> Result<bool> {
        let held = self.lease.lock().await.hold().await?;
        Ok(held != Held::Elsewhere)
    }

    pub async fn release(&self) {
        self.lease.lock().await.release().await;
    }

    /// Sends what is due, until something fails or the turn is over. Returns whether more is due. For one webhook only
    /// one call at a time. `bound`: whether to look first at how many messages there are.
    pub async fn send(&self, webhook: Webhook, bound: bool) -> Result<bool> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        if bound {
            self.bound(&webhook.id, &webhook.name).await?;
        }
        let begun = Instant::now();
        let due = ItemFilter { upto: Some(Time::now().0), ..of(&webhook.id, DeliveryState::Pending) };
        let due = self.catalog.items(&due, None, IN_TURN).await?;
        if due.is_empty() {
            return Ok(false);
        }
        let Some(key) = key(&*self.catalog, &webhook.id).await? else { return Ok(false) };
        for item in &due {
            if !self.holds().await? {
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
            if begun.elapsed() > TURN {
                return Ok(true);
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

    /// Gives up the messages that have been due the longest, where too many wait, and forgets the oldest of those that
    /// were given up.
    async fn bound(&self, id: &str, name: &str) -> Result<()> {
        let counts = self.catalog.count_items(ItemKind::Delivery).await?;
        let count = |state: DeliveryState| {
            let group = state.group(id);
            let count = counts.iter().find(|(g, _)| *g == group).map_or(0, |(_, n)| *n);
            usize::try_from(count).unwrap_or(usize::MAX)
        };
        let over = count(DeliveryState::Pending).saturating_sub(self.settings.waiting);
        if over > 0 {
            let most = self.settings.waiting;
            tracing::warn!(webhook = name, messages = over, "more than {most} wait: the oldest are given up");
            self.give_up(id, over).await?;
        }
        if count(DeliveryState::Dead).saturating_add(over) > self.settings.dead {
            let forgotten = self.forget(id).await?;
            tracing::warn!(webhook = name, messages = forgotten, "given up and forgotten");
        }
        Ok(())
    }

    async fn give_up(&self, id: &str, mut messages: usize) -> Result<()> {
        let pending = of(id, DeliveryState::Pending);
        let why = format!("more than {} messages wait", self.settings.waiting);
        let dead = |item: &Item| {
            let (state, at, message) = (DeliveryState::Dead, Time::now(), Some(why.clone()));
            let dead = Delivery { state, at, message, ..item.read::<Delivery>()? };
            dead.item().map(ItemChange::Put)
        };
        while messages > 0 && self.holds().await? {
            let page = self.catalog.items(&pending, None, messages.min(PAGE)).await?;
            if page.is_empty() {
                break;
            }
            messages = messages.saturating_sub(page.len());
            let changes = page.iter().map(&dead).collect::<Result<Vec<_>>>()?;
            self.catalog.change_items(&changes, &[]).await?;
        }
        Ok(())
    }

    /// By id, as many were given up at one time. Returns how many are forgotten.
    async fn forget(&self, id: &str) -> Result<usize> {
        let dead = of(id, DeliveryState::Dead);
        let (mut last, mut left, mut forgotten) = (None, self.settings.dead, 0);
        while left > 0 {
            let page = self.catalog.items(&dead, last, left.min(PAGE)).await?;
            let Some(item) = page.last() else { return Ok(0) };
            last = Some((item.order, item.id.clone()));
            left = left.saturating_sub(page.len());
        }
        while self.holds().await? {
            let page = self.catalog.items(&dead, last.clone(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            forgotten += page.len();
            let ids = Some(page.into_iter().map(|item| item.id).collect());
            self.catalog.change_items(&[ItemChange::Remove(ItemFilter { ids, ..dead.clone() })], &[]).await?;
        }
        Ok(forgotten)
    }
}

/// The messages to a webhook in a state.
pub fn of(webhook_id: &str, state: DeliveryState) -> ItemFilter {
    ItemFilter::groups(ItemKind::Delivery, vec![state.group(webhook_id)])
}

/// Milliseconds until the next attempt, a little by chance so that not everything comes at once.
fn pause(first: Duration, attempts: u32) -> i64 {
    let doubled = first.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LONGEST_PAUSE);
    let millis = doubled.mul_f64(rand::random_range(0.9..1.1)).as_millis();
    i64::try_from(millis).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::embedded::Sqlite;

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses: Vec<i64> = (1..=40).map(|n| pause(Duration::from_secs(10), n) / 1_000).collect();
        assert!((9..=11).contains(&pauses[0]) && (18..=22).contains(&pauses[1]) && (36..=44).contains(&pauses[2]));
        assert!(pauses[9..].iter().all(|p| (3_240..=3_960).contains(p)), "{pauses:?}");
    }

    #[tokio::test]
    async fn of_too_many_messages_the_oldest_are_given_up_and_then_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Sqlite::open(&folder.path().join("catalog.sqlite")).unwrap();
        let settings = Webhooks { waiting: 5, dead: 3, ..Webhooks::default() };
        let sender = Arc::new(Sender::new(&settings).unwrap());
        let lease = Lease::new(None, "webhooks", "here".into());
        let outbox = Outbox::new(catalog.clone(), sender, settings, lease);
        let put = async |webhook: &str, messages: std::ops::Range<i64>| {
            let delivery = |n: i64| Delivery {
                id: format!("{webhook}{n:02}"),
                webhook_id: webhook.into(),
                event: "hit.new".into(),
                title: "r".into(),
                host: "pc".into(),
                state: DeliveryState::Pending,
                made: Time(n),
                attempts: 0,
                at: Time(n),
                status: None,
                message: None,
                body: "{}".into(),
            };
            let changes: Vec<_> = messages.map(|n| ItemChange::Put(delivery(n).item().unwrap())).collect();
            catalog.change_items(&changes, &[]).await.unwrap();
        };
        let there = async |webhook: &str, state: DeliveryState| {
            let found = catalog.items(&of(webhook, state), None, 99).await.unwrap();
            let mut found: Vec<Delivery> = found.iter().map(|item| item.read().unwrap()).collect();
            assert!(state == DeliveryState::Pending || found.iter().all(|d| d.message.is_some() && d.body == "{}"));
            found.sort_by_key(|d| d.made);
            found.iter().map(|d| d.made.0).collect::<Vec<_>>()
        };
        put("w", 0..7).await;
        put("v", 0..7).await;
        outbox.bound("w", "").await.unwrap();
        assert_eq!(there("w", DeliveryState::Pending).await, [2, 3, 4, 5, 6]);
        assert_eq!(there("w", DeliveryState::Dead).await, [0, 1]);
        // What was given up later is newer.
        tokio::time::sleep(Duration::from_millis(5)).await;
        put("w", 7..10).await;
        outbox.bound("w", "").await.unwrap();
        assert_eq!(there("w", DeliveryState::Dead).await, [2, 3, 4]);
        put("w", 10..40).await;
        outbox.bound("w", "").await.unwrap();
        assert_eq!(there("w", DeliveryState::Pending).await, [35, 36, 37, 38, 39]);
        assert_eq!(there("w", DeliveryState::Dead).await.len(), 3, "of many at one time, too");
        assert_eq!(there("v", DeliveryState::Pending).await.len(), 7, "of another webhook");
    }
}
