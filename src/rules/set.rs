//! Compiled rules, ready to match events while they stream in.
use super::{
    logsource::{STREAMS, stream_of, streams},
    normal::normal,
    view::View,
};
use crate::event::{Event, SYSMON_PROVIDER, detection::Rule};
use rsigma_eval::{CompiledRule, Engine, compile_rule};
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use std::{fmt, sync::Arc};

/// A rule that matched an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub rule_id: Arc<str>,
    pub version: Arc<str>,
    pub title: Arc<str>,
    pub level: Arc<str>,
}

/// Rules compiled for matching. A clone shares them.
#[derive(Clone)]
pub struct RuleSet(Arc<Compiled>);

struct Compiled {
    /// What to report, by the number under which the engines know the rule.
    rules: Vec<Matched>,
    /// One engine per stream, so that an event meets only rules about its kind.
    engines: Vec<Engine>,
}

impl RuleSet {
    /// Compiles all rules that are enabled and not refused. Also returns, by rule id, why one cannot be compiled
    /// after all: the others are matched.
    pub fn compile(rules: &[Rule]) -> (Self, Vec<(String, String)>) {
        let mut known = Vec::new();
        let mut failed = Vec::new();
        let mut buckets: Vec<Vec<CompiledRule>> = (0..STREAMS).map(|_| Vec::new()).collect();
        for rule in rules.iter().filter(|r| r.enabled && r.refused.is_none()) {
            match stored(rule).and_then(|parsed| Ok((streams(&parsed.logsource)?, compiled(&parsed, known.len())?))) {
                Ok((streams, compiled)) => {
                    for stream in streams {
                        buckets[stream].push(compiled.clone());
                    }
                    known.push(Matched {
                        rule_id: rule.id.as_str().into(),
                        version: rule.version.as_str().into(),
                        title: rule.title.as_str().into(),
                        level: rule.level.as_str().into(),
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
        (Self(Arc::new(Compiled { rules: known, engines })), failed)
    }

    /// Rules that match `event`, in the order in which they were compiled. Events of other providers than Sysmon
    /// for Windows match nothing.
    pub fn matches(&self, event: &Event) -> Vec<Matched> {
        if *event.system.provider != *SYSMON_PROVIDER {
            return Vec::new();
        }
        let Some(engine) = self.0.engines.get(stream_of(event)).filter(|e| e.rule_count() > 0) else {
            return Vec::new();
        };
        let hits = engine.evaluate(&View::new(event));
        let number = |id: Option<&String>| id.and_then(|n| n.parse::<usize>().ok());
        hits.iter().filter_map(|h| self.0.rules.get(number(h.header.rule_id.as_ref())?).cloned()).collect()
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
    compiled(rule, 0).map(|_| ())
}

fn stored(rule: &Rule) -> Result<SigmaRule, String> {
    let mut parsed = parse_sigma_yaml(&rule.text).map_err(|e| e.to_string())?;
    match parsed.rules.pop() {
        Some(only) if parsed.rules.is_empty() => Ok(only),
        _ => Err(parsed.errors.join("; ")),
    }
}

fn compiled(rule: &SigmaRule, number: usize) -> Result<CompiledRule, String> {
    compile_rule(&normal(rule, number.to_string())?).map_err(|e| e.to_string())
}
