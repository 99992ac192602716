//! New hits into what webhooks are to be told, in the order of storing. What was told up to where, what is to be sent
//! and which rules are quiet changes in one transaction: nothing is left out, whenever a process ends.
use super::{super::processes::Processes, Deliver, Named};
use crate::{
    catalog::{
        Alert, Catalog, Delivery, DeliveryState, HitFilter, Item, ItemChange, ItemFilter, ItemKind, Place, Quiet,
        Suppression, Tells, Webhook,
    },
    error::{Error, Result},
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
/// Times that hits are read again which were withdrawn, or taken away by a rebuild, while they were looked at.
const AGAIN: usize = 3;
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
        let Some(mut place) = self.progress().await? else {
            // What was found before there were webhooks is no news.
            catalog.change_items(&[progress(&Place::at(catalog.newest_hit().await?))?], &[]).await?;
            return Ok(false);
        };
        let webhooks: Vec<Webhook> = all(catalog, ItemKind::Webhook).await?;
        let suppressions: Vec<Suppression> = all(catalog, ItemKind::Suppression).await?;
        let suppressions: HashMap<String, Suppression> =
            suppressions.into_iter().map(|s| (s.rule_id.clone(), s)).collect();
        let nobody = suppressions.is_empty() && !webhooks.iter().any(|w| w.enabled);
        let most = if nobody { PASS } else { TELL };
        let mut left = AGAIN;
        let (last, more, mut changes) = loop {
            let hits = catalog.hits_since(&Scope::All, &HitFilter::default(), place.number, most).await?;
            let Some(last) = hits.last().map(|h| h.number) else { return Ok(false) };
            let more = hits.len() == most;
            let news: Vec<Hit> = hits.into_iter().filter(|h| place.is_news(h)).map(|h| h.hit).collect();
            if nobody {
                break (last, more, Vec::new());
            }
            let (changes, gone) = self.told(&webhooks, &suppressions, news).await?;
            // A rebuild finds such a hit again, which is no news then if this place has moved behind it.
            if !gone || left == 0 {
                break (last, more, changes);
            }
            left -= 1;
        };
        place.number = last;
        changes.push(progress(&place)?);
        catalog.change_items(&changes, &[]).await?;
        Ok(more)
    }

    async fn progress(&self) -> Result<Option<Place>> {
        let found = self.catalog.items(&ItemFilter::id(ItemKind::Progress, PROGRESS), None, 1).await?;
        let Some(item) = found.first() else { return Ok(None) };
        let place = match item.read()? {
            Value::String(text) => Place::parse(&text),
            // As earlier versions wrote it.
            number => number.as_u64().map(Place::at),
        };
        place.map(Some).ok_or_else(|| Error::internal("the progress of webhooks cannot be read"))
    }

    /// What becomes of new hits, and whether the alert of one is gone.
    async fn told(
        &self,
        webhooks: &[Webhook],
        suppressions: &HashMap<String, Suppression>,
        mut hits: Vec<Hit>,
    ) -> Result<(Vec<ItemChange>, bool)> {
        let concerns = |h: &Hit| suppressions.contains_key(&h.rule_id) || webhooks.iter().any(|w| w.wants(h));
        hits.retain(concerns);
        if hits.is_empty() {
            return Ok((Vec::new(), false));
        }
        let events = self.events(&hits).await?;
        let alerts = self.catalog.alerts_of_hits(&Scope::All, &hits).await?;
        let completed = self.completed(suppressions, &hits, &events).await?;
        let mut quiet = self.quiet(suppressions, &hits, &completed).await?;
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
        Ok((changes, alerts.iter().any(Option::is_none)))
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

fn progress(place: &Place) -> Result<ItemChange> {
    Item::new(ItemKind::Progress, PROGRESS, "", 0, &place.to_string()).map(ItemChange::Put)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::embedded::Sqlite,
        event::{Fence, Position},
        store::embedded::{Settings, Tantivy},
    };

    fn hit(n: u64) -> Hit {
        let rule = "r".to_owned();
        Hit {
            id: format!("h{n}"),
            rule_id: rule.clone(),
            rule_version: rule.clone(),
            rule_title: rule,
            level: "high".into(),
            event_id: EventId(u128::from(n)),
            time: Time(0),
            host: "pc".into(),
            found: Time(0),
            matched: Vec::new(),
            joined: Vec::new(),
        }
    }

    #[tokio::test]
    async fn hits_whose_turn_had_not_come_before_a_rebuild_are_told_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Sqlite::open(&folder.path().join("catalog.sqlite")).unwrap();
        let store = Tantivy::open(folder.path(), Settings::default()).unwrap();
        let deliver = Deliver { page: "http://x".into(), id: |_| String::new() };
        let queue = Queue { catalog: catalog.clone(), store, deliver };
        let webhook = Webhook {
            id: "w".into(),
            name: "w".into(),
            url: "http://x".into(),
            tells: Tells::Hits,
            levels: Vec::new(),
            rules: Vec::new(),
            hosts: Vec::new(),
            enabled: true,
            made_by: "ann".into(),
            made: Time(0),
        };
        let put = async |hits: std::ops::Range<u64>| {
            catalog.put_hits(hits.map(hit).collect(), &Position::default()).await.unwrap();
        };
        let told = async || {
            while queue.step().await.unwrap() {}
            let found = all::<Delivery>(&*catalog, ItemKind::Delivery).await.unwrap();
            found.into_iter().map(|d| d.id).collect::<HashSet<_>>().len()
        };
        assert!(!queue.step().await.unwrap());
        catalog.change_items(&[ItemChange::Put(webhook.item().unwrap())], &[]).await.unwrap();
        put(0..3).await;
        assert_eq!(told().await, 3);
        put(3..250).await;
        assert!(queue.step().await.unwrap(), "a part of them");
        for rebuild in 0..2 {
            catalog.clear_hits(Fence::default()).await.unwrap();
            put(0..250).await;
            if rebuild == 0 {
                assert!(queue.step().await.unwrap());
            }
        }
        put(250..251).await;
        assert_eq!(told().await, 251);
        assert_eq!(queue.progress().await.unwrap().unwrap().number, 751);
    }
}
