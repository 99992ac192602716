//! Small things by kind and id; hits that a rebuild finds again; the newest hits of several filters.
use super::{each_engine, hit};
use crate::support::at;
use std::sync::Arc;
use sysmonsearch::{
    catalog::{AuditEntry, Catalog, Found, HitFilter, Item, ItemChange, ItemFilter, ItemKind},
    event::{Fence, Scope},
};

fn item(kind: ItemKind, id: &str, group: &str, order: i64, content: &str) -> Item {
    Item::new(kind, id, group, order, &content).unwrap()
}

async fn keeps_items(catalog: &Arc<dyn Catalog>) {
    let kind = ItemKind::Delivery;
    let all =
        [item(kind, "a", "w/pending", 3, "A"), item(kind, "b", "w/dead", -1, "B"), item(kind, "c", "v/dead", 3, "C")];
    let other = item(ItemKind::Webhook, "a", "", i64::MIN, "another kind");
    let mut changes: Vec<ItemChange> = all.iter().cloned().map(ItemChange::Put).collect();
    changes.push(ItemChange::Add(other.clone()));
    catalog.change_items(&changes, &[]).await.unwrap();
    let read = async |filter: &ItemFilter, after, first| {
        let found = catalog.items(filter, after, first).await.unwrap();
        found.into_iter().map(|i| i.id).collect::<Vec<_>>()
    };
    let any = ItemFilter::all(kind);
    assert_eq!(catalog.items(&any, None, 10).await.unwrap(), [all[1].clone(), all[0].clone(), all[2].clone()]);
    assert_eq!(catalog.items(&ItemFilter::all(ItemKind::Webhook), None, 10).await.unwrap(), [other]);
    assert_eq!(read(&any, None, 2).await, ["b", "a"]);
    assert_eq!(read(&any, Some((3, "a".into())), 2).await, ["c"]);
    assert_eq!(read(&ItemFilter::id(kind, "c"), None, 2).await, ["c"]);
    assert_eq!(read(&ItemFilter { ids: Some(vec![]), ..any.clone() }, None, 2).await, [""; 0]);
    assert_eq!(read(&ItemFilter::groups(kind, vec!["w/dead".into(), "v/dead".into()]), None, 9).await, ["b", "c"]);
    assert_eq!(read(&ItemFilter { from: Some(3), ..any.clone() }, None, 9).await, ["a", "c"]);
    assert_eq!(read(&ItemFilter { upto: Some(2), ..any.clone() }, None, 9).await, ["b"]);
    let counts = [("v/dead".into(), 1), ("w/dead".into(), 1), ("w/pending".into(), 1)];
    assert_eq!(catalog.count_items(kind).await.unwrap(), counts);

    let entry = AuditEntry::new("anna", "saveWebhook", "a", &serde_json::json!({"to": 1}));
    let changes = [
        ItemChange::Add(item(kind, "a", "ignored", 9, "there already")),
        ItemChange::Put(item(kind, "b", "w/pending", 9, "moved")),
        ItemChange::Remove(ItemFilter { groups: Some(vec!["v/dead".into()]), upto: Some(3), ..any.clone() }),
    ];
    catalog.change_items(&changes, std::slice::from_ref(&entry)).await.unwrap();
    let left = catalog.items(&any, None, 10).await.unwrap();
    assert_eq!(left, [all[0].clone(), item(kind, "b", "w/pending", 9, "moved")]);
    assert_eq!(left[1].read::<String>().unwrap(), "moved");
    assert!(left[1].read::<u64>().is_err());
    let log = catalog.audit_log(None, 9).await.unwrap();
    assert_eq!(log, [AuditEntry { number: 1, ..entry }]);
}

const NONE: Vec<u64> = Vec::new();

async fn tells_hits_that_are_found_again(catalog: &Arc<dyn Catalog>) {
    let again = async |n: std::ops::Range<u64>| {
        let stored = catalog.put_hits(n.map(hit).collect(), &at(1)).await.unwrap();
        stored.into_iter().map(|s| s.again).collect::<Vec<_>>()
    };
    assert_eq!(again(0..2).await, [NONE, NONE]);
    for numbers in [[vec![2], vec![]], [vec![2, 3], vec![4]]] {
        catalog.clear_hits(Fence::default()).await.unwrap();
        assert_eq!(again(1..3).await, numbers);
    }
    assert_eq!(catalog.newest_hit().await.unwrap(), 6);
    let found = catalog.hits_since(&Scope::All, &HitFilter::default(), 0, 9).await.unwrap();
    let told: Vec<_> = found.iter().map(|s| (s.hit.time.0, s.number, s.again.as_slice(), s.floor)).collect();
    assert_eq!(told, [(1_000, 5, &[2, 3][..], 4), (2_000, 6, &[4], 4)]);
    assert_eq!(again(3..4).await, [NONE]);
    // What is withdrawn and found again is what it was.
    for n in [1, 3] {
        let withdrawn = Found { withdrawn: vec![hit(n).id], ..Found::default() };
        catalog.put_found(withdrawn, &at(1)).await.unwrap();
        assert!(catalog.hits_of_events(&Scope::All, &[hit(n).event_id]).await.unwrap()[0].is_empty());
    }
    assert_eq!(again(1..2).await, [vec![2, 3]]);
    assert_eq!(again(3..4).await, [NONE]);
    // Numbers never go back, whatever is withdrawn or cleared.
    let withdrawn = Found { withdrawn: vec![hit(3).id], ..Found::default() };
    catalog.put_found(withdrawn, &at(1)).await.unwrap();
    assert_eq!(catalog.newest_hit().await.unwrap(), 9);
    catalog.clear_hits(Fence::default()).await.unwrap();
    assert_eq!(catalog.newest_hit().await.unwrap(), 9);
}

async fn reads_the_newest_hits_of_several_filters(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits((0..60).map(hit).collect(), &at(1)).await.unwrap();
    let of = |rule: &str| HitFilter { rule_id: Some(rule.into()), ..HitFilter::default() };
    let asked = [of("odd"), of("none"), of("even")];
    let found = catalog.first_hits(&Scope::hosts(["pc1"]), &asked, 2).await.unwrap();
    for (filter, page) in asked.iter().zip(&found) {
        assert_eq!(*page, catalog.hits(&Scope::hosts(["pc1"]), filter, None, 2).await.unwrap());
    }
    assert_eq!(found.iter().map(|p| (p.hits.len(), p.more)).collect::<Vec<_>>(), [(2, true), (0, false), (2, true)]);
}

each_engine!(keeps_items, tells_hits_that_are_found_again, reads_the_newest_hits_of_several_filters);
