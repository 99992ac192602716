//! What is said of rules beside their import.
use super::{each_engine, rule};
use std::sync::Arc;
use sysmonsearch::{
    catalog::Catalog,
    event::{
        Time,
        detection::Rule,
        indicator::{Format, Import, Indicator, Kind, Relation},
    },
};

async fn a_verdict_is_about_a_version(catalog: &Arc<dyn Catalog>) {
    catalog.put_rules(&[rule("a", "1"), rule("b", "1"), rule("c", "1")]).await.unwrap();
    let judged = |id: &str, version: &str, why: Option<&str>| Rule {
        refused: why.map(str::to_owned),
        title: "an old title".into(),
        ..rule(id, version)
    };
    let verdicts: Vec<Rule> = ["a", "b", "c"].map(|id| judged(id, "1", Some("too noisy"))).into();
    // Meanwhile.
    catalog.put_rules(&[rule("b", "2")]).await.unwrap();
    catalog.delete_rule("c").await.unwrap();
    catalog.enable_rule("a", false).await.unwrap();
    let before = catalog.rules_version().await.unwrap();
    assert_eq!(catalog.judge_rules(&verdicts).await.unwrap(), 1);
    assert!(catalog.rules_version().await.unwrap() > before);
    let a = Rule { enabled: false, refused: Some("too noisy".into()), ..rule("a", "1") };
    assert_eq!(catalog.rules().await.unwrap(), [a, rule("b", "2")]);
    assert_eq!(catalog.judge_rules(&verdicts).await.unwrap(), 0, "the same again changes nothing");
    assert_eq!(catalog.judge_rules(&[judged("a", "1", None)]).await.unwrap(), 1);
    assert_eq!(catalog.rule("a").await.unwrap(), Some(Rule { enabled: false, ..rule("a", "1") }));
}

async fn counts_changes_of_rules(catalog: &Arc<dyn Catalog>) {
    let mut seen = catalog.rules_version().await.unwrap();
    let mut grew = async |what: &str| {
        let now = catalog.rules_version().await.unwrap();
        assert!(now > seen, "{what}");
        seen = now;
    };
    catalog.put_rules(&[rule("a", "1"), rule("b", "1")]).await.unwrap();
    grew("new rules").await;
    catalog.put_rules(&[rule("a", "2")]).await.unwrap();
    grew("a changed rule").await;
    catalog.enable_rule("a", false).await.unwrap();
    grew("a rule switched off").await;
    catalog.delete_rule("b").await.unwrap();
    grew("a rule deleted").await;

    let import = Import {
        id: "i".into(),
        name: "a list".into(),
        format: Format::List,
        imported: Time(1),
        by: "anna".into(),
        indicators: 1,
        rules: 1,
        issues: 0,
    };
    let indicator = Indicator {
        kind: Kind::Domain,
        relation: Relation::Equals,
        value: "bad.example".into(),
        origin: "line 1".into(),
        title: String::new(),
        valid_from: None,
        valid_until: None,
        tlp: None,
        rule_id: "of the list".into(),
    };
    catalog.put_indicators(&import, &[indicator], &[rule("of the list", "1")], &[]).await.unwrap();
    grew("rules of an import").await;
    assert!(catalog.remove_indicators("i").await.unwrap());
    assert_eq!(catalog.rule("of the list").await.unwrap(), None);
    grew("an import removed with its rules").await;
}

each_engine!(a_verdict_is_about_a_version, counts_changes_of_rules);
