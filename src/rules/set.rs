//! Compiled rules, ready to match events while they stream in.
use super::{
    correlation::{self, Correlations},
    filter::{self, Filters},
    logsource::{STREAMS, Stream, stream_of, streams},
    lookup::{Asks, Lookup},
    named::Named,
    normal::normal,
    view::View,
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::{CompiledRule, Engine, compile_rule};
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::Arc,
};

/// A rule that matched an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub rule_id: Arc<str>,
    pub version: Arc<str>,
    pub title: Arc<str>,
    pub level: Arc<str>,
    /// Values of a list of indicators, or of another long list, that the event has.
    pub values: Vec<Arc<str>>,
}

/// Rules compiled for matching. A clone shares them.
#[derive(Clone)]
pub struct RuleSet(Arc<Compiled>);

struct Compiled {
    /// What to report, by the number under which the engines know the rule.
    rules: Vec<Matched>,
    /// Whether each rule alerts by itself: not where it is there for a correlation only.
    loud: Vec<bool>,
    correlations: Correlations,
    /// Of rules of indicators that the engines match, by number.
    named: HashMap<usize, Named>,
    lookup: Lookup,
    /// One engine per stream, so that an event meets only rules about its kind.
    engines: Vec<Engine>,
}

impl RuleSet {
    /// Compiles all rules that are enabled and not refused, with the filters among them applied, and links the
    /// correlations that are enabled. Also returns, by rule id, why one cannot be matched after all: the others are.
    pub fn compile(rules: &[Rule]) -> (Self, Vec<(String, String)>) {
        let mut known = Vec::new();
        let mut failed = Vec::new();
        let mut buckets: Vec<Vec<CompiledRule>> = (0..STREAMS).map(|_| Vec::new()).collect();
        let (mut lookup, mut named) = (Lookup::default(), HashMap::new());
        let filters = Filters::of(rules.iter());
        let other = |r: &Rule| r.logsource == filter::LOGSOURCE || r.logsource == correlation::LOGSOURCE;
        let usable = |r: &&Rule| r.enabled && r.refused.is_none() && !other(r);
        for rule in rules.iter().filter(usable) {
            let number = known.len();
            match prepared(rule, &filters, number) {
                Ok((streams, way, parsed)) => {
                    match way {
                        Way::Lookup(asks) => lookup.add(asks, number, &streams),
                        Way::Engine(compiled) => {
                            for stream in streams {
                                buckets[stream].push((*compiled).clone());
                            }
                            named.extend(Named::of(&parsed).map(|n| (number, n)));
                        }
                    }
                    known.push(Matched {
                        rule_id: rule.id.as_str().into(),
                        version: rule.version.as_str().into(),
                        title: rule.title.as_str().into(),
                        level: rule.level.as_str().into(),
                        values: Vec::new(),
                    });
                }
                Err(reason) => failed.push((rule.id.clone(), reason)),
            }
        }
        let broken: HashSet<String> = failed.iter().map(|(id, _)| id.clone()).collect();
        let (correlations, unlinked) = Correlations::link(rules.iter().filter(|r| !broken.contains(&r.id)));
        failed.extend(unlinked);
        let loud = known.iter().map(|r| !correlations.silences(&r.rule_id)).collect();
        let engine = |rules| {
            let mut engine = Engine::new();
            engine.extend_compiled_rules(rules);
            engine
        };
        let engines = buckets.into_iter().map(engine).collect();
        (Self(Arc::new(Compiled { rules: known, loud, correlations, named, lookup, engines })), failed)
    }

    /// Rules that match `event` and alert by themselves, in the order in which they were compiled. Events of other
    /// providers than Sysmon for Windows match nothing.
    pub fn matches(&self, event: &Event) -> Vec<Matched> {
        self.found(event).into_iter().filter(|(loud, _)| *loud).map(|(_, m)| m).collect()
    }

    /// What [`Self::matches`], and the ids of the rules that match for [`Self::correlations`].
    pub fn detect(&self, event: &Event) -> (Vec<Matched>, Vec<Arc<str>>) {
        let found = self.found(event);
        let wanted =
            found.iter().map(|(_, m)| &m.rule_id).filter(|id| self.correlations().wants(id)).cloned().collect();
        (found.into_iter().filter(|(loud, _)| *loud).map(|(_, m)| m).collect(), wanted)
    }

    pub fn correlations(&self) -> &Correlations {
        &self.0.correlations
    }

    /// All rules that match, each with whether it alerts by itself.
    fn found(&self, event: &Event) -> Vec<(bool, Matched)> {
        if *event.system.provider != *SYSMON_PROVIDER {
            return Vec::new();
        }
        let stream = stream_of(event);
        let mut found = Vec::new();
        self.0.lookup.find(event, stream, &mut found);
        let mut matched: BTreeMap<usize, Vec<Arc<str>>> = BTreeMap::new();
        for (number, value) in found {
            let values = matched.entry(number).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if let Some(engine) = self.0.engines.get(stream).filter(|e| e.rule_count() > 0) {
            for hit in engine.evaluate(&View::new(event)) {
                let number = hit.header.rule_id.as_ref().and_then(|n| n.parse::<usize>().ok());
                if let Some(number) = number {
                    let values = self.0.named.get(&number).map(|n| n.values(event));
                    matched.insert(number, values.unwrap_or_default());
                }
            }
        }
        let rule = |number: usize| Some((*self.0.loud.get(number)?, self.0.rules.get(number).cloned()?));
        let found = |(n, values)| rule(n).map(|(loud, rule)| (loud, Matched { values, ..rule }));
        matched.into_iter().filter_map(found).collect()
    }

    /// Number of rules in the set, correlations too.
    pub fn len(&self) -> usize {
        self.0.rules.len() + self.0.correlations.all().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::compile(&[]).0
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleSet({} rules)", self.len())
    }
}

/// Why a parsed rule cannot be matched, if it cannot.
pub(super) fn check(rule: &SigmaRule) -> Result<(), String> {
    streams(&rule.logsource)?;
    way(rule, 0).map(|_| ())
}

/// A rule with its filters, and on which streams and how it is matched.
pub(super) fn prepared(rule: &Rule, filters: &Filters, number: usize) -> Result<(Vec<Stream>, Way, SigmaRule), String> {
    let parsed = filters.applied(&single(&rule.text)?)?;
    Ok((streams(&parsed.logsource)?, way(&parsed, number)?, parsed))
}

/// How a rule is matched.
pub(super) enum Way {
    Lookup(Asks),
    Engine(Box<CompiledRule>),
}

fn way(rule: &SigmaRule, number: usize) -> Result<Way, String> {
    match Asks::of(rule) {
        Some(asks) => Ok(Way::Lookup(asks)),
        None => compiled(rule, number).map(|c| Way::Engine(Box::new(c))),
    }
}

/// The only rule of a text.
pub(super) fn single(text: &str) -> Result<SigmaRule, String> {
    let mut parsed = parse_sigma_yaml(text).map_err(|e| e.to_string())?;
    match parsed.rules.pop() {
        Some(only) if parsed.rules.is_empty() => Ok(only),
        _ if parsed.errors.is_empty() => Err("the text is not one rule".into()),
        _ => Err(parsed.errors.join("; ")),
    }
}

pub(super) fn compiled(rule: &SigmaRule, number: usize) -> Result<CompiledRule, String> {
    compile_rule(&normal(rule, number.to_string())?).map_err(|e| e.to_string())
}
