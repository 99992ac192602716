//! The published Windows rules: each one has a verdict.
use crate::support::data;
use std::collections::BTreeMap;
use sysmonsearch::{event::EventCode, rules};

#[test]
fn every_published_rule_has_a_verdict() {
    let Some(data) = data() else { return };
    let started = std::time::Instant::now();
    let loaded = rules::load(&data.join("rules/sigma-rules-windows.tar.xz")).unwrap();
    println!("{} rules, {} issues in {:?}", loaded.rules.len(), loaded.issues.len(), started.elapsed());
    for issue in &loaded.issues {
        println!("issue: {issue}");
    }
    let mut by_reason: BTreeMap<String, usize> = BTreeMap::new();
    for rule in &loaded.rules {
        *by_reason.entry(rule.refused.clone().unwrap_or_else(|| "loaded".into())).or_default() += 1;
    }
    for (reason, n) in &by_reason {
        println!("{n:5} {reason}");
    }
    for rule in loaded.rules.iter().filter(|r| r.refused.as_ref().is_some_and(|r| !r.starts_with("logsource"))) {
        println!("{}: {:?}", rule.origin, rule.refused);
    }
    assert_eq!(loaded.issues, []);
    assert_eq!(loaded.rules.len(), 2469, "one rule per YAML file of the archive");
    assert_eq!(loaded.other_files.len(), 2);

    let served: Vec<&str> = EventCode::all().iter().flat_map(|c| c.sigma).copied().collect();
    for rule in &loaded.rules {
        if served.contains(&rule.logsource.as_str()) || rule.logsource == "service:sysmon" {
            assert_eq!(rule.refused, None, "{}", rule.origin);
        } else {
            assert!(rule.refused.as_ref().is_some_and(|r| r.starts_with("logsource")), "{}", rule.origin);
        }
    }
    let started = std::time::Instant::now();
    let (set, failed) = rules::RuleSet::compile(&loaded.rules);
    println!("{set:?} compiled in {:?}", started.elapsed());
    assert_eq!(failed, []);
    assert_eq!(set.len(), loaded.rules.iter().filter(|r| r.refused.is_none()).count());
}
