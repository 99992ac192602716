//! Imports of indicators: all of one or nothing, however many.
use super::{each_engine, hit, rule};
use crate::support::at;
use std::sync::Arc;
use sysmonsearch::{
    catalog::{Catalog, IndicatorFilter},
    error::Issue,
    event::{
        Scope, Time,
        detection::Hit,
        indicator::{Format, Import, Indicator, Kind, Relation, Tlp},
    },
};

fn import(id: &str, imported: i64, indicators: u64) -> Import {
    Import {
        id: id.into(),
        name: format!("Report {id}"),
        format: Format::Stix2,
        imported: Time(imported),
        by: "anna".into(),
        indicators,
        rules: 1,
        issues: 1,
    }
}

fn indicator(kind: Kind, value: &str, rule_id: &str) -> Indicator {
    Indicator {
        kind,
        relation: Relation::Equals,
        value: value.into(),
        origin: "indicator--1".into(),
        title: "A Title".into(),
        valid_from: Some(Time(1)),
        valid_until: None,
        tlp: Some(Tlp::Amber),
        rule_id: rule_id.into(),
    }
}

fn issue(position: &str) -> Issue {
    Issue { source: "report.json".into(), position: position.into(), reason: "not seen by Sysmon".into(), record: None }
}

async fn keeps_indicators(catalog: &Arc<dyn Catalog>) {
    let old = Indicator { valid_until: Some(Time(500)), ..indicator(Kind::Domain, "old.example", "r1") };
    let first = [indicator(Kind::Domain, "Bad.Example", "r1"), old, indicator(Kind::Ip, "203.0.113.7", "r2")];
    let rules = [rule("r1", "1"), rule("r2", "1")];
    catalog.put_indicators(&import("a", 1, 3), &first, &rules, &[issue("object 4")]).await.unwrap();
    let second = [indicator(Kind::Ip, "203.0.113.8", "r3")];
    catalog.put_indicators(&import("b", 2, 1), &second, &[rule("r3", "1")], &[]).await.unwrap();
    assert_eq!(catalog.indicator_imports().await.unwrap(), [import("b", 2, 1), import("a", 1, 3)]);

    let ask = async |filter: IndicatorFilter| {
        let found = catalog.indicators(&filter, None, 10).await.unwrap();
        assert_eq!(catalog.count_indicators(&filter).await.unwrap(), found.len() as u64);
        found.into_iter().map(|s| s.indicator).collect::<Vec<_>>()
    };
    let any = IndicatorFilter::default();
    assert_eq!(ask(any.clone()).await, [first.as_slice(), &second].concat());
    assert_eq!(ask(IndicatorFilter { import_id: Some("a".into()), ..any.clone() }).await, first);
    assert!(ask(IndicatorFilter { import_id: Some("x".into()), ..any.clone() }).await.is_empty());
    assert_eq!(ask(IndicatorFilter { kind: Some(Kind::Ip), ..any.clone() }).await.len(), 2);
    assert_eq!(ask(IndicatorFilter { text: Some("BAD.ex".into()), ..any.clone() }).await, first[..1]);
    assert_eq!(ask(IndicatorFilter { text: Some("a tit".into()), ..any.clone() }).await.len(), 4);
    let expired = |ended, at| IndicatorFilter { expired: Some((ended, Time(at))), ..IndicatorFilter::default() };
    assert_eq!(ask(expired(true, 500)).await, first[1..2]);
    assert!(ask(expired(true, 499)).await.is_empty());
    assert_eq!(ask(expired(false, 500)).await.len(), 3);
    let all = catalog.indicators(&any, None, 2).await.unwrap();
    let rest = catalog.indicators(&any, Some(all[1].number), 10).await.unwrap();
    assert_eq!(rest.iter().map(|s| s.import_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(rest[0].number > all[1].number && rest[1].number > rest[0].number);

    // The same report again, with less in it; its rule stays switched off.
    catalog.enable_rule("r1", false).await.unwrap();
    catalog.put_indicators(&import("a", 3, 1), &first[..1], &rules[..1], &[issue("object 5")]).await.unwrap();
    assert_eq!(ask(IndicatorFilter { import_id: Some("a".into()), ..any.clone() }).await, first[..1]);
    assert_eq!(ask(any.clone()).await, [&second, &first[..1]].concat());
    assert!(!catalog.rule("r1").await.unwrap().unwrap().enabled);
    assert_eq!(catalog.rule("r2").await.unwrap(), None, "it has no indicator any more");
    let letters = catalog.dead_letters(Some("a"), None, 10).await.unwrap();
    assert_eq!(letters.iter().map(|l| l.issue.position.as_str()).collect::<Vec<_>>(), ["object 5"]);

    assert!(catalog.remove_indicators("a").await.unwrap());
    assert!(!catalog.remove_indicators("a").await.unwrap());
    assert_eq!(ask(any).await, second);
    assert_eq!((catalog.rule("r1").await.unwrap(), catalog.count_dead_letters(None).await.unwrap()), (None, 0));
    assert_eq!(catalog.rules().await.unwrap().len(), 1);
}

async fn counts_hits_of_indicators(catalog: &Arc<dyn Catalog>) {
    let of = |n: u64, matched: &[&str]| Hit {
        rule_id: "list".into(),
        matched: matched.iter().map(|m| (*m).to_owned()).collect(),
        ..hit(n)
    };
    let (bad, worse) =
        (indicator(Kind::Domain, "bad.example", "list"), indicator(Kind::Domain, "worse.example", "list"));
    let both = [bad.term(), worse.term()];
    let hits = vec![of(1, &[&both[0]]), of(2, &[&both[0], &both[1]]), of(3, &[&both[0]]), of(4, &["bad"])];
    catalog.put_hits(hits, &at(1)).await.unwrap();
    let composite = indicator(Kind::Composite, "bad AND worse", "list");
    let asked = [bad, worse, indicator(Kind::Domain, "good.example", "list"), composite];
    let count = async |scope: Scope| catalog.hits_of_indicators(&scope, &asked).await.unwrap();
    assert_eq!(count(Scope::All).await, [3, 1, 0, 4]);
    assert_eq!(count(Scope::hosts(["pc1", "pc2"])).await, [2, 1, 0, 3]);
    assert_eq!(count(Scope::hosts([""; 0])).await, [0, 0, 0, 0]);
}

async fn takes_a_hundred_thousand_at_once(catalog: &Arc<dyn Catalog>) {
    let many: Vec<Indicator> =
        (0..100_000).map(|n| indicator(Kind::Domain, &format!("host{n}.bad.example"), "list")).collect();
    catalog.put_indicators(&import("many", 1, 100_000), &many, &[rule("list", "1")], &[]).await.unwrap();
    assert_eq!(catalog.count_indicators(&IndicatorFilter::default()).await.unwrap(), 100_000);
    let wanted = IndicatorFilter { text: Some("host99999.".into()), ..IndicatorFilter::default() };
    let found = catalog.indicators(&wanted, None, 10).await.unwrap();
    assert_eq!(found.into_iter().map(|s| s.indicator).collect::<Vec<_>>(), many[99_999..]);
    assert!(catalog.remove_indicators("many").await.unwrap());
    assert_eq!(catalog.count_indicators(&IndicatorFilter::default()).await.unwrap(), 0);
}

each_engine!(keeps_indicators, counts_hits_of_indicators, takes_a_hundred_thousand_at_once);
