//! A rule that supersedes another one stands in its place.
use super::events::event;
use sysmonsearch::{
    event::detection::Rule,
    rules::{
        self, RuleSet,
        correlation::Seen,
        related::{Related, Succession},
    },
};

fn made(id: &str, related: &str) -> Rule {
    let text = format!(
        "title: {id}\nid: {id}\n{related}logsource: {{product: windows, category: process_creation}}\ndetection: {{s: {{Image: a}}, condition: s}}\n"
    );
    rules::parse(&text, "made.yml").rules.remove(0)
}

fn related(id: &str, kind: &str) -> String {
    format!("related:\n  - id: {id}\n    type: {kind}\n")
}

#[test]
fn relations_are_read_and_some_of_them_supersede() {
    let new =
        made("new", "related:\n  - {id: a, type: derived}\n  - {id: b, type: renamed}\n  - {id: c, type: similar}\n");
    let of = Related::of(&new);
    assert_eq!(
        of.iter().map(|r| (r.id.as_str(), r.kind.as_str())).collect::<Vec<_>>(),
        [("a", "derived"), ("b", "renamed"), ("c", "similar")]
    );
    let all = [new, made("b", ""), made("x", &related("x", "renamed")), made("y", &related("z", "merged"))];
    let succession = Succession::of(&all);
    assert_eq!(succession.all().collect::<Vec<_>>(), [("b", "new"), ("z", "y")]);
    let mutual = [made("p", &related("q", "obsolete")), made("q", &related("p", "obsolete"))];
    assert_eq!(Succession::of(&mutual).all().count(), 0);
}

#[test]
fn exceptions_and_correlations_of_a_superseded_rule_mean_the_new_one() {
    for kind in ["renamed", "merged", "obsolete"] {
        let new = made("new", &related("old", kind));
        let filter = "title: f\nid: f\nfilter:\n  rules: [old]\n  s: {User: ann}\n  condition: not s\n";
        let correlation = "title: many\nid: many\ncorrelation:\n  type: event_count\n  rules: [old]\n  timespan: 1m\n  condition: {gte: 1}\n";
        let more = rules::parse(&format!("{filter}---\n{correlation}"), "made.yml").rules;
        let old = Rule { enabled: false, ..made("old", "") };
        let all: Vec<Rule> = [old, new].into_iter().chain(more).collect();
        let (set, failed) = RuleSet::compile(&all);
        assert_eq!(failed, [], "{kind}");
        let wanted = |user| set.detect(&event(1, &[("Image", "a"), ("User", user)])).wanted;
        assert_eq!((wanted("ann").len(), wanted("bob").len()), (0, 1));
        let seen = wanted("bob").into_iter().map(|rule_id| Seen { rule_id, event: event(1, &[]).into(), joined: None });
        assert_eq!(set.correlations().firings(&seen.collect::<Vec<_>>()).len(), 1);
    }
}
