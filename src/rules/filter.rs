//! Sigma filters: what rules leave out in this environment, kept apart from the rules (Sigma specification, filters).
//!
//! A filter's detection joins that of every rule that it names, and its condition must hold too; the rule's text and
//! version stay as they are. A filter about a part of a rule's events changes nothing for the others.
use super::{
    correlation,
    logsource::{Stream, streams},
    normal::check_condition,
    placeholders::Placeholders,
    related::Succession,
    set::{self, check},
};
use crate::event::detection::Rule;
use rsigma_parser::{ConditionExpr, Detections, FilterRule, FilterRuleTarget, Quantifier, SigmaRule, parse_sigma_yaml};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yaml_serde::{Mapping, Value};

/// Parts of which some number is asked: all combinations are written out.
const MAX_OF: usize = 12;

/// What the list of rules calls them.
pub const LOGSOURCE: &str = "filter";

/// Filters of a set of rules, ready to join the others.
#[derive(Default)]
pub struct Filters {
    usable: Vec<Filter>,
    /// By id, why one is not applied.
    broken: Vec<(String, String)>,
}

struct Filter {
    id: String,
    /// What changes when it filters otherwise: its version, and values of its placeholders.
    state: String,
    rule: FilterRule,
    /// What it is about; `None` where it does not say.
    streams: Option<Vec<Stream>>,
}

/// A rule with the filters that apply on some of its streams.
pub struct Piece {
    pub streams: Vec<Stream>,
    pub rule: SigmaRule,
}

impl Filters {
    /// The filters among rules that are enabled and not refused.
    pub fn of<'r>(rules: impl Iterator<Item = &'r Rule>, placeholders: &Placeholders) -> Self {
        let read = |r: &Rule| {
            let mut parsed = parse_sigma_yaml(&r.text).map_err(|e| e.to_string())?;
            let mut rule = parsed.filters.pop().ok_or("the text is no filter")?;
            let state = format!("{}{}", r.version, placeholders.used(&rule.detection));
            placeholders.expand(&mut rule.detection)?;
            let streams = rule.logsource.as_ref().map(streams).transpose()?;
            Ok::<_, String>(Filter { id: r.id.clone(), state, rule, streams })
        };
        let mut out = Self::default();
        for rule in rules.filter(|r| r.logsource == LOGSOURCE && r.enabled && r.refused.is_none()) {
            match read(rule) {
                Ok(filter) => out.usable.push(filter),
                Err(why) => out.broken.push((rule.id.clone(), why)),
            }
        }
        out
    }

    /// The rule with the filters that name it, each on the streams that both are about.
    ///
    /// # Errors
    /// When a filter cannot be joined to it: without the filter it would match more.
    pub fn applied(&self, rule: &Rule, parsed: &SigmaRule, known: &Succession) -> Result<Vec<Piece>, String> {
        let naming: Vec<(usize, &Filter)> =
            self.usable.iter().enumerate().filter(|(_, f)| f.names(rule, parsed, known)).collect();
        let mut alike: BTreeMap<Vec<usize>, Vec<Stream>> = BTreeMap::new();
        for stream in streams(&parsed.logsource)? {
            let here = naming.iter().filter(|(_, f)| f.streams.as_ref().is_none_or(|s| s.contains(&stream)));
            alike.entry(here.map(|(n, _)| *n).collect()).or_default().push(stream);
        }
        let piece = |(filters, streams): (Vec<usize>, Vec<Stream>)| {
            let mut rule = parsed.clone();
            for (n, filter) in naming.iter().filter(|(n, _)| filters.contains(n)) {
                rule.detection = joined(&rule.detection, &filter.rule.detection, &format!("filter{n}_"))?;
            }
            Ok(Piece { streams, rule })
        };
        alike.into_iter().map(piece).collect()
    }

    /// What changes when other filters apply to a rule, or they filter otherwise; empty where none applies.
    pub fn state(&self, rule: &Rule, parsed: &SigmaRule, known: &Succession) -> String {
        let own = streams(&parsed.logsource).unwrap_or_default();
        let meets = |f: &&Filter| f.streams.as_ref().is_none_or(|s| own.iter().any(|o| s.contains(o)));
        let naming = self.usable.iter().filter(|f| f.names(rule, parsed, known)).filter(meets);
        // The order of filters changes nothing.
        let states: BTreeSet<&str> = naming.map(|f| f.state.as_str()).collect();
        states.into_iter().flat_map(|state| ["\u{1}", state]).collect()
    }

    /// The filters that apply to a rule on events of a stream.
    pub fn on<'f>(
        &'f self,
        rule: &'f Rule,
        parsed: &'f SigmaRule,
        known: &'f Succession,
        stream: Stream,
    ) -> impl Iterator<Item = &'f FilterRule> {
        let here = move |f: &&Filter| f.streams.as_ref().is_none_or(|s| s.contains(&stream));
        self.usable.iter().filter(here).filter(move |f| f.names(rule, parsed, known)).map(|f| &f.rule)
    }

    /// Filters that are not applied, and those that name rules and apply to none of them, by id, with the reason.
    pub fn idle(&self, rules: &[Rule], known: &Succession) -> Vec<(String, String)> {
        if self.usable.is_empty() {
            return self.broken.clone();
        }
        let name = |r: &Rule| {
            let map: Option<Mapping> = r.text.contains("name").then(|| yaml_serde::from_str(&r.text).ok()).flatten();
            map?.get("name").and_then(Value::as_str).map(str::to_owned)
        };
        let mut called: HashMap<String, Vec<&Rule>> = HashMap::new();
        for rule in rules {
            let before = known.before(&rule.id).map(str::to_owned);
            for reference in [rule.id.clone()].into_iter().chain(name(rule)).chain(before) {
                called.entry(reference).or_default().push(rule);
            }
        }
        let mut out = self.broken.clone();
        for filter in &self.usable {
            let FilterRuleTarget::Specific(names) = &filter.rule.rules else { continue };
            let why: Option<Vec<String>> = names
                .iter()
                .map(|n| {
                    let of = called.get(n).map(Vec::as_slice).unwrap_or_default();
                    let reasons: Option<Vec<&str>> = of.iter().map(|r| filter.unfit(r)).collect();
                    // One that it applies to is enough.
                    let why = reasons?.first().copied().unwrap_or("no rule here");
                    Some(format!("'{n}' is {why}"))
                })
                .collect();
            if let Some(why) = why {
                out.push((filter.id.clone(), format!("the filter applies to nothing: {}", why.join("; "))));
            }
        }
        out
    }
}

impl Filter {
    /// By its own id here, its name, or the id of one that it supersedes. The id in its text may be that of a whole
    /// collection.
    fn names(&self, rule: &Rule, parsed: &SigmaRule, known: &Succession) -> bool {
        match &self.rule.rules {
            FilterRuleTarget::Any => true,
            FilterRuleTarget::Specific(names) => names.iter().any(|n| {
                *n == rule.id || parsed.name.as_ref() == Some(n) || known.before(&rule.id).any(|old| old == n)
            }),
        }
    }

    /// Why it cannot apply to a rule that it names.
    fn unfit(&self, rule: &Rule) -> Option<&'static str> {
        match rule.logsource.as_str() {
            LOGSOURCE => return Some("a filter itself"),
            correlation::LOGSOURCE => return Some("a correlation: name the rules that it is made of"),
            _ => {}
        }
        let own = streams(&set::single(&rule.text).ok()?.logsource).ok()?;
        let meets = self.streams.as_ref().is_none_or(|s| own.iter().any(|o| s.contains(o)));
        (!meets).then_some("about other events than the filter")
    }
}

/// Whether a filter among `rules` applies to a rule.
pub fn applies(rule: &Rule, rules: &[Rule], placeholders: &Placeholders) -> bool {
    let (filters, known) = (Filters::of(rules.iter(), placeholders), Succession::of(rules));
    let Ok(parsed) = set::single(&rule.text) else { return false };
    let own = streams(&parsed.logsource).unwrap_or_default();
    own.into_iter().any(|stream| filters.on(rule, &parsed, &known, stream).next().is_some())
}

/// Both detections under one condition. Selectors are written out first, so that they do not reach over to the other.
fn joined(rule: &Detections, filter: &Detections, prefix: &str) -> Result<Detections, String> {
    let mut out = rule.clone();
    let condition = |d: &Detections, prefix: &str| {
        let mut all = d.conditions.iter().map(|c| spelled(c, d, prefix)).collect::<Result<Vec<_>, String>>()?;
        Ok::<_, String>(if all.len() == 1 { all.swap_remove(0) } else { ConditionExpr::Or(all) })
    };
    out.conditions = vec![ConditionExpr::And(vec![condition(rule, "")?, condition(filter, prefix)?])];
    out.condition_strings = out.conditions.iter().map(ToString::to_string).collect();
    out.named.extend(filter.named.iter().map(|(n, d)| (format!("{prefix}{n}"), d.clone())));
    Ok(out)
}

/// A condition without selectors, its names with a prefix.
pub(super) fn spelled(
    condition: &ConditionExpr,
    detections: &Detections,
    prefix: &str,
) -> Result<ConditionExpr, String> {
    let list =
        |all: &[ConditionExpr]| all.iter().map(|c| spelled(c, detections, prefix)).collect::<Result<Vec<_>, _>>();
    Ok(match condition {
        ConditionExpr::And(all) => ConditionExpr::And(list(all)?),
        ConditionExpr::Or(all) => ConditionExpr::Or(list(all)?),
        ConditionExpr::Not(inner) => ConditionExpr::Not(Box::new(spelled(inner, detections, prefix)?)),
        ConditionExpr::Identifier(name) => ConditionExpr::Identifier(format!("{prefix}{name}")),
        ConditionExpr::Selector { quantifier, pattern } => {
            let mut names: Vec<&String> =
                detections.named.keys().filter(|n| pattern.matches_detection_name(n)).collect();
            names.sort();
            let each: Vec<ConditionExpr> =
                names.iter().map(|n| ConditionExpr::Identifier(format!("{prefix}{n}"))).collect();
            match quantifier {
                Quantifier::Any | Quantifier::Count(1) => ConditionExpr::Or(each),
                Quantifier::All => ConditionExpr::And(each),
                Quantifier::Count(n) if each.len() > MAX_OF => {
                    return Err(format!("'{n} of {pattern}' selects more than {MAX_OF} parts, beside a filter"));
                }
                Quantifier::Count(n) => at_least(usize::try_from(*n).unwrap_or(usize::MAX), &each),
            }
        }
    })
}

/// Any `n` of the conditions.
fn at_least(n: usize, of: &[ConditionExpr]) -> ConditionExpr {
    match (n, of) {
        (0, _) => ConditionExpr::And(Vec::new()),
        (n, of) if n >= of.len() => ConditionExpr::And(of.to_vec()),
        (n, [first, rest @ ..]) => {
            ConditionExpr::Or(vec![ConditionExpr::And(vec![first.clone(), at_least(n - 1, rest)]), at_least(n, rest)])
        }
        (_, []) => ConditionExpr::Or(Vec::new()),
    }
}

/// Why a filter cannot be applied, if it cannot.
pub fn verdict(filter: &FilterRule) -> Result<(), String> {
    if filter.detection.conditions.is_empty() {
        return Err("a filter without a condition".into());
    }
    // As the detection of a rule of its own.
    let mut alone = set::single(
        "title: filter\nlogsource: {product: windows, service: sysmon}\ndetection: {s: {EventID: 1}, condition: s}",
    )?;
    alone.detection = filter.detection.clone();
    if let Some(source) = &filter.logsource {
        streams(source)?;
    }
    for condition in &alone.detection.conditions {
        check_condition(condition, &alone)?;
    }
    check(&alone)
}
