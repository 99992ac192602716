//! Compiled rules, ready to match events while they stream in.
use super::{
    filter::{self, Filters},
    logsource::{STREAMS, stream_of, streams},
    lookup::{Asks, Lookup},
    named::Named,
    normal::normal,
    view::View,
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::{CompiledRule, Engine, compile_rule};
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use std::{
    collections::{BTreeMap, HashMap},
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
    /// Of rules of indicators that the engines match, by number.
    named: HashMap<usize, Named>,
    lookup: Lookup,
    /// One engine per stream, so that an event meets only rules about its kind.
    engines: Vec<Engine>,
}

impl RuleSet {
    /// Compiles all rules that are enabled and not refused, with the filters among them applied. Also returns, by rule id, why one cannot be compiled
    /// after all: the others are matched.
    pub fn compile(rules: &[Rule]) -> (Self, Vec<(String, String)>) {
        let mut known = Vec::new();
        let mut failed = Vec::new();
        let mut buckets: Vec<Vec<CompiledRule>> = (0..STREAMS).map(|_| Vec::new()).collect();
        let (mut lookup, mut named) = (Lookup::default(), HashMap::new());
        let filters = Filters::of(rules.iter());
        let usable = |r: &&Rule| r.enabled && r.refused.is_none() && r.logsource != filter::LOGSOURCE;
        for rule in rules.iter().filter(usable) {
            let number = known.len();
            match single(&rule.text)
                .and_then(|parsed| filters.applied(&parsed))
                .and_then(|parsed| Ok((streams(&parsed.logsource)?, way(&parsed, number)?, parsed)))
            {
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
        let engine = |rules| {
            let mut engine = Engine::new();
            engine.extend_compiled_rules(rules);
            engine
        };
        let engines = buckets.into_iter().map(engine).collect();
        (Self(Arc::new(Compiled { rules: known, named, lookup, engines })), failed)
    }

    /// Rules that match `event`, in the order in which they were compiled. Events of other providers than Sysmon
    /// for Windows match nothing.
    pub fn matches(&self, event: &Event) -> Vec<Matched> {
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
        let rule = |number: usize| self.0.rules.get(number).cloned();
        matched.into_iter().filter_map(|(n, values)| Some(Matched { values, ..rule(n)? })).collect()
    }

    /// Number of rules in the set.
    pub fn len(&self) -> usize {
        self.0.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.rules.is_empty()
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

/// How a rule is matched.
enum Way {
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
