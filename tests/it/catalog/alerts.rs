//! Alerts: what hits make of them, and people.
use super::{each_engine, hit};
use crate::support::at;
use rand::seq::SliceRandom as _;
use std::sync::Arc;
use sysmonsearch::{
    catalog::{Alert, AlertChange, AlertFilter, AlertGroup, AlertStatus, Catalog, Comment, Found, embedded::Sqlite},
    event::{Fence, Period, Scope, Time, detection::Hit},
};

async fn all(catalog: &Arc<dyn Catalog>, filter: AlertFilter) -> Vec<Alert> {
    catalog.alerts(&Scope::All, &filter, None, 1_000).await.unwrap().alerts
}

/// The alerts without what follows from the order of arrival, by id.
async fn content(catalog: &Arc<dyn Catalog>) -> Vec<Alert> {
    let mut alerts = all(catalog, AlertFilter::default()).await;
    alerts.iter_mut().for_each(|a| (a.number, a.change) = (0, 0));
    alerts.sort_by(|a, b| a.id.cmp(&b.id));
    alerts
}

fn of(rule: &str, host: &str) -> AlertFilter {
    AlertFilter { rule_id: Some(rule.into()), host: Some(host.into()), ..AlertFilter::default() }
}

fn status(status: AlertStatus, reason: Option<&str>) -> AlertChange {
    AlertChange { status: Some((status, reason.map(str::to_owned))), ..AlertChange::default() }
}

async fn change(catalog: &Arc<dyn Catalog>, filter: &AlertFilter, change: &AlertChange) -> u64 {
    catalog.update_alerts(&Scope::All, filter, change, "anna", Time(9)).await.unwrap()
}

async fn groups_hits(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits((0..30).map(hit).collect(), &at(1)).await.unwrap();
    catalog.put_hits((20..60).map(hit).collect(), &at(2)).await.unwrap();
    let alerts = all(catalog, AlertFilter::default()).await;
    assert_eq!(alerts.len(), 6, "two rules on three hosts");
    assert!(alerts.is_sorted_by(|a, b| a.number > b.number));
    let even = &all(catalog, of("even", "PC0.")).await[0];
    assert_eq!((even.hits, even.first_hit, even.last_hit), (10, Some(Time(0)), Some(Time(54_000))));
    assert_eq!((even.title.as_str(), even.level.as_str(), even.status), ("A title", "low", AlertStatus::New));
    assert_eq!((even.until, &even.reason, &even.assignee, even.tags.len()), (None, &None, &None, 0));
    catalog.put_hits(vec![Hit { rule_title: "New title".into(), ..hit(60) }], &at(3)).await.unwrap();
    let even = &all(catalog, of("even", "pc0")).await[0];
    assert_eq!((even.title.as_str(), even.level.as_str()), ("New title", "critical"), "those of the latest hit");

    let page = catalog.alerts(&Scope::All, &AlertFilter::default(), Some(5), 3).await.unwrap();
    assert_eq!(page.alerts.iter().map(|a| a.number).collect::<Vec<_>>(), [4, 3, 2]);
    assert!(page.more);
}

async fn withdrawn_hits_leave_their_alerts(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits(vec![hit(0)], &at(1)).await.unwrap();
    let one = content(catalog).await;
    let late = Hit { rule_title: "New title".into(), ..hit(60) };
    catalog.put_hits(vec![hit(6), late.clone(), hit(1)], &at(2)).await.unwrap();
    let odd = Alert { number: 0, change: 0, ..all(catalog, of("odd", "pc1")).await.remove(0) };
    let withdraw = async |ids: &[String]| {
        let before = catalog.newest_alert_change().await.unwrap();
        let found = Found { withdrawn: ids.to_vec(), ..Found::default() };
        assert!(catalog.put_found(found, &at(3)).await.unwrap().is_empty());
        assert!(catalog.newest_alert_change().await.unwrap() > before);
        let changed = catalog.alerts_since(&Scope::All, &AlertFilter::default(), before, 9).await.unwrap();
        changed.into_iter().filter(|a| a.gone).map(|a| (a.rule_id, a.host)).collect::<Vec<_>>()
    };
    assert_eq!(withdraw(&[late.id, hit(6).id, "unknown".into()]).await, []);
    let mut expected = [one, vec![odd.clone()]].concat();
    expected.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(content(catalog).await, expected, "as if they had never been");
    let comment = Comment { by: "anna".into(), at: Time(10), text: "Ours".into() };
    assert!(catalog.comment_alert(&Scope::All, &odd.id, &comment).await.unwrap());
    assert_eq!(withdraw(&[hit(0).id, hit(1).id]).await, [("even".into(), "pc0".into())], "and it is told");
    let left = content(catalog).await;
    assert_eq!((left.len(), left[0].rule_id.as_str()), (1, "odd"), "somebody has worked on it");
    assert_eq!((left[0].hits, left[0].first_hit, left[0].last_hit), (0, None, None));
    assert_eq!(catalog.count_alerts(&Scope::All, &AlertFilter::default()).await.unwrap(), 1);
    // One of the same id, made anew.
    let number = catalog.newest_alert_change().await.unwrap();
    catalog.put_hits(vec![hit(12)], &at(4)).await.unwrap();
    let again = all(catalog, of("even", "pc0")).await;
    assert_eq!((again.len(), again[0].hits, again[0].gone, again[0].lost), (1, 1, false, 1));
    assert_eq!(catalog.alerts_since(&Scope::All, &AlertFilter::default(), number, 9).await.unwrap(), again);
    // Gone and there again at once, and once more; a rebuild finds what there was.
    let found = Found { withdrawn: vec![hit(12).id], hits: vec![hit(18)], ..Found::default() };
    catalog.put_found(found, &at(5)).await.unwrap();
    assert_eq!(all(catalog, of("even", "pc0")).await[0].lost, 1, "there was always one");
    assert_eq!(withdraw(&[hit(18).id]).await.len(), 1);
    catalog.put_hits(vec![hit(24)], &at(6)).await.unwrap();
    assert_eq!(all(catalog, of("even", "pc0")).await[0].lost, 2);
    catalog.clear_hits(Fence::default()).await.unwrap();
    catalog.put_hits(vec![hit(24)], &at(1)).await.unwrap();
    assert_eq!(all(catalog, of("even", "pc0")).await[0].lost, 2, "a rebuild is no news");
}

async fn grouping_does_not_depend_on_the_order_of_arrival(catalog: &Arc<dyn Catalog>) {
    // The first part is closed, so that there are two spans for one pair.
    let mut hits: Vec<Hit> = (0..90).map(hit).collect();
    catalog.put_hits(hits[..30].to_vec(), &at(1)).await.unwrap();
    let closed = status(AlertStatus::Closed, Some("a test of ours"));
    assert_eq!(change(catalog, &of("odd", "pc1"), &closed).await, 1);
    catalog.put_hits(hits[30..].to_vec(), &at(2)).await.unwrap();
    let expected = content(catalog).await;
    assert_eq!(expected.len(), 7);
    for _ in 0..5 {
        hits.shuffle(&mut rand::rng());
        catalog.clear_hits(Fence::default()).await.unwrap();
        let kept = content(catalog).await;
        assert_eq!(kept.len(), 1, "what nobody worked on is made again");
        assert_eq!((kept[0].hits, kept[0].status), (0, AlertStatus::Closed));
        for some in hits.chunks(7) {
            catalog.put_hits(some.to_vec(), &at(3)).await.unwrap();
        }
        assert_eq!(content(catalog).await, expected);
    }
}

async fn closed_alerts_end(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits(vec![hit(12), hit(18)], &at(1)).await.unwrap();
    let pair = of("even", "pc0");
    assert_eq!(change(catalog, &pair, &status(AlertStatus::Closed, Some("known"))).await, 1);
    assert_eq!(change(catalog, &pair, &status(AlertStatus::Closed, Some("known"))).await, 0, "nothing is different");
    // One late, one later.
    catalog.put_hits(vec![hit(6), hit(24)], &at(2)).await.unwrap();
    let found = all(catalog, pair.clone()).await;
    let parts = |a: &Alert| (a.status, a.hits, a.first_hit.map(|t| t.0), a.last_hit.map(|t| t.0));
    assert_eq!(parts(&found[0]), (AlertStatus::New, 1, Some(24_000), Some(24_000)));
    assert_eq!(parts(&found[1]), (AlertStatus::New, 3, Some(6_000), Some(18_000)), "nobody has seen the late one");
    assert_eq!((found[1].until, found[0].since), (Some(Time(18_000)), Time(18_000)), "its span stays");
    assert_eq!((found[1].reason.as_deref(), found[1].reopened, found[0].reopened), (None, 1, 0));
    let log = catalog.audit_log(None, 1).await.unwrap().remove(0);
    assert_eq!((log.action.as_str(), log.by.as_str(), &log.object), ("reopenAlert", "", &found[1].id));
    let detail: serde_json::Value = serde_json::from_str(&log.detail).unwrap();
    assert_eq!((&detail["from"]["status"], &detail["from"]["reason"]), (&"closed".into(), &"known".into()));
    assert_eq!((&detail["to"]["status"], &detail["hit"]), (&"new".into(), &hit(6).id.into()));

    // The old one has a successor, so it stays within its span; the new one goes on.
    assert_eq!(change(catalog, &pair, &status(AlertStatus::Closed, None)).await, 2);
    assert_eq!(change(catalog, &pair, &status(AlertStatus::Acknowledged, Some("ignored"))).await, 2);
    let found = all(catalog, pair.clone()).await;
    assert_eq!((found[0].until, found[1].until), (None, Some(Time(18_000))));
    assert_eq!(found[1].reason, None, "only what is closed has a reason");
    catalog.put_hits(vec![hit(30)], &at(3)).await.unwrap();
    assert_eq!(all(catalog, pair).await.iter().map(|a| a.hits).collect::<Vec<_>>(), [2, 3]);
}

async fn finds_the_alert_of_a_hit(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits(vec![hit(12), hit(18), hit(1)], &at(1)).await.unwrap();
    change(catalog, &of("even", "pc0"), &status(AlertStatus::Closed, None)).await;
    catalog.put_hits(vec![hit(24)], &at(2)).await.unwrap();
    let asked = [hit(12), hit(24), hit(1), hit(2), hit(6)];
    let found = catalog.alerts_of_hits(&Scope::All, &asked).await.unwrap();
    let parts = |a: &Option<Alert>| a.as_ref().map(|a| (a.status, a.hits));
    let (closed, new) = (Some((AlertStatus::Closed, 2)), Some((AlertStatus::New, 1)));
    assert_eq!(found.iter().map(parts).collect::<Vec<_>>(), [closed, new, new, None, closed]);
    let found = catalog.alerts_of_hits(&Scope::hosts(["pc1"]), &asked).await.unwrap();
    assert_eq!(found.iter().map(parts).collect::<Vec<_>>(), [None, None, new, None, None]);
    let withdrawn = Found { withdrawn: vec![hit(1).id], ..Found::default() };
    catalog.put_found(withdrawn, &at(3)).await.unwrap();
    assert_eq!(catalog.alerts_of_hits(&Scope::All, &[hit(1)]).await.unwrap(), [None], "a mark is no alert");
}

async fn people_change_alerts(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits((0..60).map(hit).collect(), &at(1)).await.unwrap();
    let any = AlertFilter::default();
    let tags = AlertChange {
        assignee: Some("berta".into()),
        add_tags: vec!["vpn".into(), "case-7".into(), "vpn".into()],
        ..AlertChange::default()
    };
    let pc1 = AlertFilter { host: Some("pc1".into()), ..any.clone() };
    assert_eq!(change(catalog, &pc1, &tags).await, 2);
    let less = AlertChange { remove_tags: vec!["vpn".into()], ..AlertChange::default() };
    assert_eq!(change(catalog, &of("odd", "pc1"), &less).await, 1);
    assert_eq!(change(catalog, &any, &AlertChange::default()).await, 0);
    assert_eq!(all(catalog, of("even", "pc1")).await[0].tags, ["case-7", "vpn"]);

    let count = async |filter: AlertFilter| {
        let counted = catalog.count_alerts(&Scope::All, &filter).await.unwrap();
        let wanted: Vec<Alert> =
            all(catalog, AlertFilter::default()).await.into_iter().filter(|a| filter.wants(a)).collect();
        assert_eq!(all(catalog, filter).await, wanted, "in memory as in the engine");
        assert_eq!(counted, wanted.len() as u64);
        counted
    };
    assert_eq!(count(AlertFilter { assignee: Some("berta".into()), ..any.clone() }).await, 2);
    assert_eq!(count(AlertFilter { assignee: Some(String::new()), ..any.clone() }).await, 4);
    assert_eq!(count(AlertFilter { tag: Some("vpn".into()), ..any.clone() }).await, 1);
    assert_eq!(count(AlertFilter { tag: Some("vp".into()), ..any.clone() }).await, 0);
    assert_eq!(count(AlertFilter { text: Some("A TIT".into()), ..any.clone() }).await, 6);
    assert_eq!(count(AlertFilter { text: Some("Pc2".into()), ..any.clone() }).await, 2);
    assert_eq!(count(AlertFilter { text: Some("%".into()), ..any.clone() }).await, 0, "text is no pattern");
    assert_eq!(count(AlertFilter { levels: vec!["high".into()], ..any.clone() }).await, 0);
    assert_eq!(count(AlertFilter { statuses: vec![AlertStatus::New], ..any.clone() }).await, 6);
    assert_eq!(count(AlertFilter { ids: Some(vec![]), ..any.clone() }).await, 0);
    let period = |from, to| AlertFilter { period: Period { from, to }, ..AlertFilter::default() };
    assert_eq!(count(period(Some(Time(58_000)), None)).await, 2);
    assert_eq!(count(period(None, Some(Time(0)))).await, 0);

    let per = async |by| catalog.alerts_per(&Scope::All, &any, by).await.unwrap();
    assert_eq!(per(AlertGroup::Rule).await, [("even".into(), 3), ("odd".into(), 3)]);
    assert_eq!(per(AlertGroup::Host).await, [("pc0".into(), 2), ("pc1".into(), 2), ("pc2".into(), 2)]);
    assert_eq!(per(AlertGroup::Day).await, [("1970-01-01".into(), 6)]);

    let id = all(catalog, of("odd", "pc2")).await[0].id.clone();
    let comment = Comment { by: "anna".into(), at: Time(10), text: "Looks like the backup".into() };
    assert!(catalog.comment_alert(&Scope::All, &id, &comment).await.unwrap());
    assert!(!catalog.comment_alert(&Scope::All, "none", &comment).await.unwrap());
    let asked = [id.clone(), "none".into()];
    let comments = catalog.alert_comments(&Scope::All, &asked).await.unwrap();
    assert_eq!(comments, [vec![comment.clone()], vec![]]);

    let log = catalog.audit_log(None, 10).await.unwrap();
    let actions: Vec<_> = log.iter().map(|e| (e.number, e.action.as_str(), e.by.as_str())).collect();
    let update = |n| (n, "updateAlert", "anna");
    assert_eq!(actions, [(4, "commentAlert", "anna"), update(3), update(2), update(1)]);
    assert_eq!((log[0].at, log[0].object == id), (Time(10), true));
    let detail: serde_json::Value = serde_json::from_str(&log[1].detail).unwrap();
    assert_eq!(detail["from"]["tags"], serde_json::json!(["case-7", "vpn"]));
    assert_eq!(detail["to"]["tags"], serde_json::json!(["case-7"]));
    assert_eq!(catalog.audit_log(Some(2), 10).await.unwrap().len(), 1);

    catalog.clear_hits(Fence::default()).await.unwrap();
    assert_eq!(all(catalog, any.clone()).await.len(), 3, "those that people worked on");
    assert_eq!(catalog.alert_comments(&Scope::All, &asked).await.unwrap(), [vec![comment], vec![]]);
}

async fn hides_alerts_out_of_scope(catalog: &Arc<dyn Catalog>) {
    catalog.put_hits((0..60).map(hit).collect(), &at(1)).await.unwrap();
    let (any, pc1) = (AlertFilter::default(), Scope::hosts(["PC1"]));
    let seen = catalog.alerts(&pc1, &any, None, 100).await.unwrap().alerts;
    assert!(seen.len() == 2 && seen.iter().all(|a| a.host == "pc1"));
    assert_eq!(catalog.count_alerts(&pc1, &any).await.unwrap(), 2);
    assert_eq!(catalog.alerts_since(&pc1, &any, 0, 100).await.unwrap().len(), 2);
    assert_eq!(catalog.alerts_per(&pc1, &any, AlertGroup::Host).await.unwrap(), [("pc1".into(), 2)]);
    assert_eq!(catalog.count_alerts(&pc1, &of("odd", "pc2")).await.unwrap(), 0, "a filter widens no scope");
    let closed = status(AlertStatus::Closed, None);
    assert_eq!(catalog.update_alerts(&pc1, &any, &closed, "anna", Time(9)).await.unwrap(), 2);
    let elsewhere = all(catalog, of("odd", "pc2")).await[0].id.clone();
    let comment = Comment { by: "anna".into(), at: Time(10), text: "x".into() };
    assert!(!catalog.comment_alert(&pc1, &elsewhere, &comment).await.unwrap());
    assert!(catalog.comment_alert(&Scope::All, &elsewhere, &comment).await.unwrap());
    assert_eq!(catalog.alert_comments(&pc1, &[elsewhere]).await.unwrap(), [vec![]]);
}

async fn changes_can_be_followed(catalog: &Arc<dyn Catalog>) {
    let any = AlertFilter::default();
    assert_eq!(catalog.newest_alert_change().await.unwrap(), 0);
    catalog.put_hits((0..60).map(hit).collect(), &at(1)).await.unwrap();
    let since = async |after, max| catalog.alerts_since(&Scope::All, &any, after, max).await.unwrap();
    let first = since(0, 4).await;
    assert_eq!(first.iter().map(|a| a.change).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(since(4, 4).await.len(), 2);
    assert_eq!(catalog.newest_alert_change().await.unwrap(), 6);
    catalog.put_hits((0..60).map(hit).collect(), &at(2)).await.unwrap();
    assert!(since(6, 4).await.is_empty(), "known hits change nothing");
    catalog.put_hits(vec![hit(61), hit(67)], &at(3)).await.unwrap();
    change(catalog, &of("odd", "pc1"), &status(AlertStatus::Acknowledged, None)).await;
    let last = since(6, 4).await;
    assert_eq!(last.iter().map(|a| (a.change, a.hits)).collect::<Vec<_>>(), [(8, 12)], "once, as it is now");
    catalog.clear_hits(Fence::default()).await.unwrap();
    let cleared = since(8, 9).await;
    assert_eq!(cleared.iter().map(|a| a.change).collect::<Vec<_>>(), [9, 10, 11, 12, 13, 14]);
    assert!(cleared.iter().all(|a| a.hits == 0 && a.gone == (a.status == AlertStatus::New)), "{cleared:?}");
    catalog.put_hits(vec![hit(0)], &at(1)).await.unwrap();
    assert_eq!(catalog.newest_alert_change().await.unwrap(), 15, "a cursor from before a rebuild skips nothing");
    let found = since(14, 9).await;
    assert_eq!(found.iter().map(|a| (a.hits, a.gone)).collect::<Vec<_>>(), [(1, false)]);
}

each_engine!(
    groups_hits,
    withdrawn_hits_leave_their_alerts,
    grouping_does_not_depend_on_the_order_of_arrival,
    closed_alerts_end,
    finds_the_alert_of_a_hit,
    people_change_alerts,
    hides_alerts_out_of_scope,
    changes_can_be_followed
);

#[tokio::test]
async fn sqlite_makes_alerts_of_hits_from_before_there_were_alerts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.sqlite");
    let expected = {
        let catalog: Arc<dyn Catalog> = Sqlite::open(&path).unwrap();
        catalog.put_hits((0..70).map(hit).collect(), &at(1)).await.unwrap();
        content(&catalog).await
    };
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DROP TABLE alerts; DROP TABLE alert_comments; DROP TABLE audit;
             DROP TABLE items; DROP TABLE former_numbers;
             ALTER TABLE hits DROP COLUMN joined; DROP INDEX jobs_hunts; ALTER TABLE jobs DROP COLUMN hunt;
             DROP TABLE correlated_seen; DROP TABLE correlated_fired; DROP TABLE correlated_groups;
             DELETE FROM counters WHERE name LIKE 'alert%' OR name = 'hits_floor'; PRAGMA user_version = 5",
        )
        .unwrap();
    let catalog: Arc<dyn Catalog> = Sqlite::open(&path).unwrap();
    assert_eq!(content(&catalog).await, expected);
    catalog.put_hits((70..80).map(hit).collect(), &at(2)).await.unwrap();
    let hits: u64 = all(&catalog, AlertFilter::default()).await.iter().map(|a| a.hits).sum();
    assert_eq!((all(&catalog, AlertFilter::default()).await.len(), hits), (6, 80));
}
