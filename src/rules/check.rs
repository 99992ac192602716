//! What is wrong with the text of rules, and where: for the person who writes one.
use super::{
    correlation::{self, Correlation},
    fields::{self, Unknown},
    filter, logsource,
    parse::parse,
    set,
};
use crate::event::detection::Rule;
use rsigma_parser::{
    lint::{self, lint_yaml_str},
    parse_sigma_yaml,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rule cannot be matched.
    Error,
    Warning,
    Info,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// From 1.
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// Errors, then what the published conventions of Sigma ask for; by severity and place.
pub fn check(text: &str) -> Vec<Problem> {
    let mut out = Vec::new();
    let loaded = parse(text, "rule");
    let correlations = correlations(&loaded.rules);
    for rule in &loaded.rules {
        // The text of a rule is a part of the whole.
        let offset = text.find(&rule.text).unwrap_or(0);
        if let Some(reason) = &rule.refused {
            let at = offset + place(&rule.text, reason);
            out.push(problem(Severity::Error, text, at, reason.clone()));
        } else {
            let (events, unknown) = match set::single(&rule.text) {
                Ok(parsed) => (format!(" of {}", logsource::label(&parsed.logsource)), fields::unknown(&parsed)),
                Err(_) => (String::new(), unknown(rule, &correlations)),
            };
            for unknown in unknown {
                let meant = unknown.meant.map(|m| format!("; is '{m}' meant?")).unwrap_or_default();
                let message = format!("no event{events} has a field '{}'{meant}", unknown.name);
                out.push(problem(Severity::Warning, text, offset + field_place(&rule.text, &unknown.name), message));
            }
        }
    }
    for issue in &loaded.issues {
        let first = issue.position.strip_prefix("line ").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
        let (line, column) = inner_place(&issue.reason).map_or((first, 1), |(l, c)| (first + l - 1, c));
        // A document without a rule is an error; a doubt about a rule is not.
        let severity = if issue.record.is_some() { Severity::Error } else { Severity::Warning };
        out.push(Problem { severity, line, column, message: issue.reason.clone() });
    }
    if loaded.rules.is_empty() && out.is_empty() {
        out.push(problem(Severity::Error, text, 0, "there is no Sigma rule in the text".into()));
    }
    // Without YAML there is nothing to say about style.
    if !loaded.rules.is_empty() {
        out.extend(lint_yaml_str(text).into_iter().map(|w| style(text, w)));
    }
    out.sort_by_key(|p| (p.severity, p.line, p.column));
    out.dedup();
    out
}

/// Fields of no event at all, of a rule that is no single one: a correlation or a filter.
fn unknown(rule: &Rule, correlations: &[(&str, Correlation)]) -> Vec<Unknown> {
    if rule.logsource == filter::LOGSOURCE {
        let parsed = parse_sigma_yaml(&rule.text).ok().and_then(|mut p| p.filters.pop());
        return parsed.map(|f| fields::unknown_of_filter(&f)).unwrap_or_default();
    }
    let (own, others): (Vec<_>, Vec<_>) = correlations.iter().partition(|(id, _)| *id == rule.id);
    // Names that others give to their groups: this one may build on them.
    let groups: Vec<&String> = others.iter().flat_map(|(_, asks)| &asks.group_by).collect();
    own.first().map(|(_, asks)| fields::unknown_of_correlation(asks, &groups)).unwrap_or_default()
}

fn correlations(rules: &[Rule]) -> Vec<(&str, Correlation)> {
    let parsed = |r: &Rule| correlation::parse(&yaml_serde::from_str(&r.text).ok()?).ok();
    let all = rules.iter().filter(|r| r.logsource == correlation::LOGSOURCE);
    all.filter_map(|r| Some((r.id.as_str(), parsed(r)?))).collect()
}

fn style(text: &str, warning: lint::LintWarning) -> Problem {
    let severity = match warning.severity {
        lint::Severity::Error | lint::Severity::Warning => Severity::Warning,
        _ => Severity::Info,
    };
    match warning.span {
        Some(span) => Problem {
            severity,
            line: span.start_line as usize + 1,
            column: span.start_col as usize + 1,
            message: warning.message,
        },
        None => problem(severity, text, place(text, &warning.message), warning.message),
    }
}

fn problem(severity: Severity, text: &str, at: usize, message: String) -> Problem {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    Problem { severity, line: before.matches('\n').count() + 1, column, message }
}

/// What a reason is about: the first name that it quotes in the section that it names, else the section.
fn place(text: &str, reason: &str) -> usize {
    let sections = ["logsource", "condition", "timeframe", "correlation", "filter"];
    let named = sections.iter().find(|s| reason.contains(**s)).and_then(|s| text.find(&format!("{s}:")));
    let start = named.or_else(|| text.find("detection:")).unwrap_or(0);
    let quoted = || reason.split(['\'', '"', '`']).skip(1).step_by(2).filter(|q| !q.is_empty());
    let from = |start: usize| quoted().filter_map(|q| text.get(start..)?.find(q)).min().map(|at| start + at);
    from(start).or_else(|| from(0)).unwrap_or(start)
}

/// Where the detection asks a field: as a key, else as a value.
fn field_place(text: &str, name: &str) -> usize {
    let start = text.find("detection:").or_else(|| text.find("correlation:")).unwrap_or(0);
    let after = |at: usize| text.get(at + name.len()..).and_then(|t| t.chars().next());
    let whole = |at: &usize| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !part(before) && !part(after(*at))
    };
    let found = text.get(start..).unwrap_or_default().match_indices(name).map(|(at, _)| start + at);
    let found: Vec<usize> = found.filter(whole).collect();
    let keys = found.iter().find(|at| matches!(after(**at), Some('|' | ':')));
    keys.or(found.first()).copied().unwrap_or(start)
}

/// `… at line 3 column 7` in the message of a parser.
fn inner_place(reason: &str) -> Option<(usize, usize)> {
    let (_, rest) = reason.rsplit_once("line ")?;
    let (line, rest) = rest.split_once(" column ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.parse().ok()?, column.parse().ok()?))
}
