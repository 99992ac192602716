//! New hits into what webhooks are to be told, in the order of storing. What was told up to where, what is to be sent
//! and which rules are quiet changes in one transaction: nothing is left out, whenever a process ends.
use super::{super::processes::Processes, Deliver, Named};
use crate::{
    catalog::{
        Alert, Catalog, Delivery, DeliveryState, HitFilter, Item, ItemChange, ItemFilter, ItemKind, Quiet, StoredHit,
        Suppression, Tells, Webhook,
    },
    error::Result,
    event::{Event, EventId, Key, Scope, Time, detection::Hit},
    store::EventStore,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

/// Hits that are looked at at once, where somebody is to be told and where nobody is.
const TELL: usize = 100;
const PASS: usize = 2_000;
/// Bytes of an event in a message; a larger one is left out, and said so.
const MAX_EVENT: usize = 8 << 10;
/// Name of the progress.
const PROGRESS: &str = "webhooks";
/// Namespace of the ids of deliveries; part of the stored form, never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d0b_3f61_27aa_5e94_b6c0_51d8_9e3f_7c42);

pub struct Queue {
    pub catalog: Arc<dyn Catalog>,
    pub store: Arc<dyn EventStore>,
    pub deliver: Deliver,
}

/// All items of a kind.
pub async fn all<T: DeserializeOwned>(catalog: &dyn Catalog, kind: ItemKind) -> Result<Vec<T>> {
    catalog.items(&ItemFilter::all(kind), None, usize::MAX).await?.iter().map(Item::read).collect()
}

impl Queue {
    /// Looks at the next hits. Returns whether there may be more.
    pub async fn step(&self) -> Result<bool> {
        let catalog = &*self.catalog;
        let Some(done) = self.progress().await? else {
            // What was found before there were webhooks is no news.
            catalog.change_items(&[progress(catalog.newest_hit().await?)?], &[]).await?;
            return Ok(false);
        };
        let webhooks: Vec<Webhook> = all(catalog, ItemKind::Webhook).await?;
        let suppressions: Vec<Suppression> = all(catalog, ItemKind::Suppression).await?;
        let nobody = suppressions.is_empty() && !webhooks.iter().any(|w| w.enabled);
        let most = if nobody { PASS } else { TELL };
        let hits = catalog.hits_since(&Scope::All, &HitFilter::default(), done, most).await?;
        let Some(last) = hits.last().map(|h| h.number) else { return Ok(false) };
        let more = hits.len() == most;
        let mut changes = if nobody { Vec::new() } else { self.told(&webhooks, suppressions, hits).await? };
        changes.push(progress(last)?);
        catalog.change_items(&changes, &[]).await?;
        Ok(more)
    }

    async fn progress(&self) -> Result<Option<u64>> {
        let found = self.catalog.items(&ItemFilter::id(ItemKind::Progress, PROGRESS), None, 1).await?;
        found.first().map(Item::read).transpose()
    }

    async fn told(
        &self,
        webhooks: &[Webhook],
        suppressions: Vec<Suppression>,
        hits: Vec<StoredHit>,
    ) -> Result<Vec<ItemChange>> {
        let suppressions: HashMap<String, Suppression> =
            suppressions.into_iter().map(|s| (s.rule_id.clone(), s)).collect();
        let concerns = |h: &Hit| suppressions.contains_key(&h.rule_id) || webhooks.iter().any(|w| w.wants(h));
        let hits: Vec<Hit> =
            hits.into_iter().filter(|h| h.again.is_none()).map(|h| h.hit).filter(|h| concerns(h)).collect();
        if hits.is_empty() {
            return Ok(Vec::new());
        }
        let events = self.events(&hits).await?;
        let alerts = self.catalog.alerts_of_hits(&Scope::All, &hits).await?;
        let completed = self.completed(&suppressions, &hits, &events).await?;
        let mut quiet = self.quiet(&suppressions, &hits, &completed).await?;
        let mut changes = Vec::new();
        let mut touched = HashSet::new();
        for (hit, alert) in hits.iter().zip(&alerts) {
            let event = events.get(&hit.event_id).map(|e| &**e);
            if let Some(suppression) = suppressions.get(&hit.rule_id) {
                let values = values(suppression, completed.get(&hit.event_id).map(|e| &**e));
                let id = Quiet::id(&hit.rule_id, &hit.host, &values);
                touched.insert(id.clone());
                match quiet.get_mut(&id) {
                    Some(span) if hit.found < span.until => {
                        span.hits += 1;
                        continue;
                    }
                    _ => quiet.insert(id, begun(suppression, hit, values)),
                };
            }
            for webhook in webhooks.iter().filter(|w| w.wants(hit)) {
                changes.extend(self.delivery(webhook, hit, alert.as_ref(), event)?.map(ItemChange::Add));
            }
        }
        for id in touched {
            if let Some(span) = quiet.get(&id) {
                changes.push(ItemChange::Put(span.item()?));
            }
        }
        Ok(changes)
    }

    async fn events(&self, hits: &[Hit]) -> Result<HashMap<EventId, Arc<Event>>> {
        let ids: Vec<EventId> = hits.iter().map(|h| h.event_id).collect::<HashSet<_>>().into_iter().collect();
        let mut found = self.store.events(&Scope::All, &ids).await?;
        if found.iter().any(Option::is_none) {
            self.store.refresh().await?;
            found = self.store.events(&Scope::All, &ids).await?;
        }
        Ok(found.into_iter().flatten().map(|e| (e.id, e)).collect())
    }

    /// The events; those that lack a value that a suppression looks at with what is joined to them.
    async fn completed(
        &self,
        suppressions: &HashMap<String, Suppression>,
        hits: &[Hit],
        events: &HashMap<EventId, Arc<Event>>,
    ) -> Result<HashMap<EventId, Arc<Event>>> {
        let lacks = |h: &&Hit| {
            let (Some(suppression), Some(event)) = (suppressions.get(&h.rule_id), events.get(&h.event_id)) else {
                return false;
            };
            suppression.fields.iter().any(|name| event.key_values(&Key::parse(name)).is_empty())
        };
        let ids: HashSet<EventId> = hits.iter().filter(lacks).map(|h| h.event_id).collect();
        if ids.is_empty() {
            return Ok(events.clone());
        }
        // A start may have come just now.
        self.store.refresh().await?;
        let lacking: Vec<Arc<Event>> = ids.iter().filter_map(|id| events.get(id).cloned()).collect();
        let joined = Processes::default().joined(&*self.store, &Scope::All, lacking).await?;
        let mut out = events.clone();
        out.extend(joined.into_iter().map(|(id, event)| (id, Arc::new(event))));
        Ok(out)
    }

    async fn quiet(
        &self,
        suppressions: &HashMap<String, Suppression>,
        hits: &[Hit],
        events: &HashMap<EventId, Arc<Event>>,
    ) -> Result<HashMap<String, Quiet>> {
        let id = |hit: &Hit| {
            let suppression = suppressions.get(&hit.rule_id)?;
            let values = values(suppression, events.get(&hit.event_id).map(|e| &**e));
            Some(Quiet::id(&hit.rule_id, &hit.host, &values))
        };
        let ids: HashSet<String> = hits.iter().filter_map(id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let filter = ItemFilter { ids: Some(ids.into_iter().collect()), ..ItemFilter::all(ItemKind::Quiet) };
        let found = self.catalog.items(&filter, None, usize::MAX).await?;
        found.into_iter().map(|item| Ok((item.id.clone(), item.read()?))).collect()
    }

    /// What a webhook is told of a hit. `None` where the alert is gone, because the hit was withdrawn.
    fn delivery(
        &self,
        webhook: &Webhook,
        hit: &Hit,
        alert: Option<&Alert>,
        event: Option<&Event>,
    ) -> Result<Option<Item>> {
        let (kind, about) = match (webhook.tells, alert) {
            (Tells::Alerts, Some(alert)) if alert.reopened > 0 => {
                ("alert.reopened", format!("{}\0{}", alert.id, alert.reopened))
            }
            // There was one of this id, which was told and went with its hits.
            (Tells::Alerts, Some(alert)) if alert.lost > 0 => {
                ("alert.new", format!("{}\0lost {}", alert.id, alert.lost))
            }
            (Tells::Alerts, Some(alert)) => ("alert.new", alert.id.clone()),
            (Tells::Alerts, None) => return Ok(None),
            (Tells::Hits, _) => ("hit.new", hit.id.clone()),
        };
        let now = Time::now();
        let delivery = Delivery {
            id: Uuid::new_v5(&NAMESPACE, format!("{}\0{kind}\0{about}", webhook.id).as_bytes()).to_string(),
            webhook_id: webhook.id.clone(),
            event: kind.into(),
            title: hit.rule_title.clone(),
            host: hit.host.clone(),
            state: DeliveryState::Pending,
            made: now,
            attempts: 0,
            at: now,
            status: None,
            message: None,
            body: self.body(kind, now, hit, alert, event).to_string(),
        };
        delivery.item().map(Some)
    }

    fn body(&self, kind: &str, now: Time, hit: &Hit, alert: Option<&Alert>, event: Option<&Event>) -> Value {
        let id = |named| (self.deliver.id)(named);
        let alert = alert.map(|a| {
            json!({
                "id": id(Named::Alert(&a.id)), "ruleId": a.rule_id, "title": a.title, "level": a.level, "host": a.host,
                "firstHit": a.first_hit.map(Time::rfc3339), "lastHit": a.last_hit.map(Time::rfc3339),
                "hitCount": a.hits, "status": a.status,
            })
        });
        let link = match &alert {
            Some(alert) => format!("{}/alerts?alert={}", self.deliver.page, alert["id"].as_str().unwrap_or_default()),
            None => format!("{}/alerts", self.deliver.page),
        };
        let mut body = json!({
            "type": kind,
            "timestamp": now.rfc3339(),
            "link": link,
            "alert": alert,
            "hit": {
                "id": id(Named::Hit(hit)), "ruleId": hit.rule_id, "ruleVersion": hit.rule_version,
                "title": hit.rule_title, "level": hit.level, "host": hit.host, "time": hit.time.rfc3339(),
                "found": hit.found.rfc3339(), "matched": hit.matched, "eventId": id(Named::Event(hit.event_id)),
            },
        });
        if let Some(event) = event {
            let data: serde_json::Map<String, Value> =
                event.data.iter().map(|(k, v)| (k.name().to_owned(), Value::from(&**v))).collect();
            if event.size() <= MAX_EVENT {
                body["event"] = json!({"code": event.code, "data": data});
            } else {
                body["event"] = json!({"code": event.code, "omitted": format!("more than {MAX_EVENT} bytes")});
            }
        }
        body
    }
}

fn progress(number: u64) -> Result<ItemChange> {
    Item::new(ItemKind::Progress, PROGRESS, "", 0, &number).map(ItemChange::Put)
}

/// Values of the fields that a suppression looks at.
fn values(suppression: &Suppression, event: Option<&Event>) -> Vec<String> {
    let value = |name: &String| {
        let found = event.map(|e| e.key_values(&Key::parse(name))).unwrap_or_default();
        // Several of one field, such as addresses that a name has: in any order.
        let found: BTreeSet<String> = found.iter().map(|v| crate::event::text::fold(v)).collect();
        found.into_iter().collect::<Vec<_>>().join("\n")
    };
    suppression.fields.iter().map(value).collect()
}

/// The span that a hit begins.
fn begun(suppression: &Suppression, hit: &Hit, values: Vec<String>) -> Quiet {
    Quiet {
        rule_id: hit.rule_id.clone(),
        host: hit.host.clone(),
        values,
        until: Time(hit.found.0.saturating_add(i64::from(suppression.seconds) * 1_000)),
        hits: 0,
    }
}
