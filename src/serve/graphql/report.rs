//! A threat report as a search.
use super::{condition::MAX_PATTERNS, editor::input_of, indicator::MAX_TEXT, scalar::Long};
use crate::{
    error::{Code, Error, Result},
    event::{
        Condition,
        condition::{MAX_MATCHES, MAX_OPERANDS, Operator},
        indicator::{Indicator, Kind},
    },
    intel,
    rules::search,
    serve::Core,
};
use async_graphql::{Json, SimpleObject};
use serde_json::Value;

/// Issues of one answer at most.
const MAX_ISSUES: usize = 200;

/// A threat report as a search.
#[derive(SimpleObject)]
pub struct ReportSearch {
    /// Any of its indicators, in the form of `ConditionInput`; absent where a search can ask for none of them.
    condition: Option<Json<Value>>,
    /// Format: STIX 1, STIX 2, OpenIOC, MISP, CSV, list.
    format: &'static str,
    /// Indicators in the report.
    indicators: Long,
    /// Values that the condition asks for.
    values: Long,
    /// What of the report the condition does not ask for, and why; the first 200.
    issues: Vec<ReportIssue>,
    /// How many there are of these.
    issue_total: Long,
}

/// A part of a threat report that is left out.
#[derive(SimpleObject)]
pub struct ReportIssue {
    /// Where it stands: an object, a line, or a kind of indicators.
    position: String,
    /// Why it is left out.
    reason: String,
}

/// # Errors
/// `TOO_LARGE` for a text that a request does not take, `BAD_INPUT` for one that is no report.
pub async fn search(core: &Core, name: String, text: String) -> Result<ReportSearch> {
    if text.len() > MAX_TEXT {
        return Err(Error::new(Code::TooLarge, format!("the report has more than {MAX_TEXT} bytes: split the file")));
    }
    let read = move || intel::read(text.into_bytes(), &name, "").map(of_report);
    let (_, found) = core.readers.turn().await?.read(read).await?;
    Ok(found)
}

fn of_report(report: intel::Report) -> ReportSearch {
    let mut issues: Vec<ReportIssue> =
        report.issues.into_iter().map(|i| ReportIssue { position: i.position, reason: i.reason }).collect();
    let (mut parts, mut size) = (Vec::new(), Size::default());
    for rule in &report.rules {
        let left_out = |why: String| left_out(&report.indicators, rule, &why);
        match search::to_condition(rule).map(Condition::alternatives) {
            Err(why) => issues.push(left_out(why)),
            Ok(more) => match size.with(&more) {
                Ok(larger) => {
                    size = larger;
                    parts.extend(more);
                }
                Err(why) => issues.push(left_out(why)),
            },
        }
    }
    let condition = match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Condition::Or(parts)),
    };
    let issue_total = Long(issues.len() as u64);
    issues.truncate(MAX_ISSUES);
    ReportSearch {
        condition: condition.as_ref().map(input_of).map(Json),
        format: report.import.format.as_str(),
        indicators: Long(report.import.indicators),
        values: Long(size.operands as u64),
        issues,
        issue_total,
    }
}

fn left_out(indicators: &[Indicator], rule: &str, why: &str) -> ReportIssue {
    let id = rule.lines().find_map(|l| l.strip_prefix("id: ")).unwrap_or_default();
    let mut of_rule = indicators.iter().filter(|i| i.rule_id == id);
    let first = of_rule.next();
    let position = match first {
        Some(i) if i.kind == Kind::Composite => i.origin.clone(),
        Some(i) => i.kind.as_str().to_owned(),
        None => id.to_owned(),
    };
    let count = usize::from(first.is_some()) + of_rule.count();
    ReportIssue { position, reason: format!("not in the search (indicators: {count}): {why}") }
}

/// What a condition of the API is bounded by.
#[derive(Clone, Copy, Default)]
struct Size {
    matches: usize,
    operands: usize,
    patterns: usize,
}

impl Size {
    fn with(mut self, parts: &[Condition]) -> std::result::Result<Self, String> {
        parts.iter().for_each(|p| self.add(p));
        for (what, is, most) in [
            ("comparisons", self.matches, MAX_MATCHES),
            ("values", self.operands, MAX_OPERANDS),
            ("patterns", self.patterns, MAX_PATTERNS),
        ] {
            if is > most {
                return Err(format!("a search takes at most {most} {what}; import the file as indicators instead"));
            }
        }
        Ok(self)
    }

    fn add(&mut self, condition: &Condition) {
        match condition {
            Condition::All => {}
            Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|p| self.add(p)),
            Condition::Not(inner) => self.add(inner),
            Condition::Match(m) => {
                self.matches += 1;
                self.operands += m.operands.len();
                if matches!(m.operator, Operator::Wildcard | Operator::Regex) {
                    self.patterns += m.operands.len();
                }
            }
        }
    }
}
