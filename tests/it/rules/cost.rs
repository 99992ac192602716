//! Measuring what rules cost ends some time, and goes on where it ended.
use super::events::{event, rule};
use std::{sync::Arc, time::Duration};
use sysmonsearch::{
    event::detection::Rule,
    rules::{self, Placeholders, cost::Measured},
};

#[test]
fn what_was_not_measured_in_time_is_told_and_measured_later() {
    let made = |id: &str, category: &str| Rule {
        id: id.into(),
        ..rules::parse(&rule(category, "s:\n  Image|contains: a\ncondition: s"), "made.yml").rules.remove(0)
    };
    let mut all = vec![made("a", "process_creation"), made("b", "file_event"), made("c", "process_creation")];
    all.push(Rule { enabled: false, ..made("off", "process_creation") });
    // A filter about a part of the events of a rule: it is measured as it is matched.
    all.push(made("d", "registry_event"));
    let filter = "title: f\nid: f\nlogsource: {category: registry_set}\nfilter:\n  rules: [d]\n  s: {User: x}\n  condition: not s\n";
    all.extend(rules::parse(filter, "made.yml").rules);
    let events: Vec<_> = [(1, "x"), (12, "CreateKey"), (13, "SetValue")]
        .map(|(c, t)| Arc::new(event(c, &[("Image", "a"), ("EventType", t)])))
        .into();
    let mut measured = Measured::new(&all);
    assert_eq!(measured.left.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    let values = Placeholders::default();
    for left in [3, 2, 1, 0] {
        measured.go_on(&all, &events, &values, Duration::ZERO);
        assert_eq!(measured.left.len(), left);
    }
    let mut costs: Vec<(&str, usize)> = measured.costs.iter().map(|(id, c)| (id.as_str(), c.events)).collect();
    costs.sort_unstable();
    assert_eq!(costs, [("a", 1), ("c", 1), ("d", 2)], "there is no event of the kind of b");
    // One that was deleted meanwhile is not waited for.
    let mut gone = Measured::new(&all);
    gone.go_on(&all[..1], &events, &values, Duration::from_secs(60));
    assert!(gone.left.is_empty() && gone.costs.len() == 1);
}
