//! What a rule may take of memory. Regular expressions are compiled to programs, which can be far larger than their text,
//! and the engine of each kind of event has values of its own.
use crate::event::condition::MAX_REGEX;
use regex::RegexBuilder;
use rsigma_parser::{Detection, Modifier, SigmaRule, SigmaValue};

/// Bytes of the program of an expression that counts once.
const SMALL: usize = 16 << 10;
/// Bytes of larger programs, which count as so many small ones. Published rules need up to the last.
const LARGER: [usize; 3] = [256 << 10, 2 << 20, 10 << 20];
/// Small programs of one rule.
const MOST: usize = 5_000;

/// Values of a rule that an engine compares, over all kinds of events that the rule is about.
const MOST_VALUES: usize = 1_000_000;

/// Refuses a rule with too many values for the engines of so many kinds of events.
///
/// # Errors
/// With what to do.
pub fn values(rule: &SigmaRule, streams: usize) -> Result<(), String> {
    fn count(detection: &Detection) -> usize {
        match detection {
            Detection::AllOf(items) => items.iter().map(|i| i.values.len()).sum(),
            Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().map(count).sum(),
            Detection::Keywords(values) => values.len(),
            Detection::ArrayMatch { .. } | Detection::Conditional { .. } => 0,
        }
    }
    let values: usize = rule.detection.named.values().map(count).sum();
    if values.saturating_mul(streams) > MOST_VALUES {
        let most = MOST_VALUES / streams.max(1);
        return Err(format!(
            "{values} values for {streams} kinds of events, and at most {most} are compared other than by equality: \
             divide the rule, or give its logsource a category"
        ));
    }
    Ok(())
}

/// Adds what the expressions of a part of a normalised rule take.
///
/// # Errors
/// When they take more than a rule may, or one is none.
pub fn patterns(detection: &Detection, weight: &mut usize) -> Result<(), String> {
    match detection {
        Detection::AllOf(items) => {
            for item in items.iter().filter(|i| i.field.modifiers.contains(&Modifier::Re)) {
                for value in &item.values {
                    if let SigmaValue::String(text) = value {
                        *weight += one(&text.original)?;
                    }
                    if *weight > MOST {
                        return Err("too many or too large regular expressions in one rule: divide it".into());
                    }
                }
            }
            Ok(())
        }
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().try_for_each(|p| self::patterns(p, weight)),
        // Normalised rules have none of these.
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Ok(()),
    }
}

fn one(pattern: &str) -> Result<usize, String> {
    if pattern.len() > MAX_REGEX {
        return Err(format!("a regular expression of more than {} KiB", MAX_REGEX >> 10));
    }
    let fits = |bytes| RegexBuilder::new(pattern).size_limit(bytes).build();
    let mut last = match fits(SMALL) {
        Ok(_) => return Ok(1),
        Err(e) => e,
    };
    for bytes in LARGER {
        if !matches!(last, regex::Error::CompiledTooBig(_)) {
            break;
        }
        match fits(bytes) {
            Ok(_) => return Ok(bytes / SMALL),
            Err(e) => last = e,
        }
    }
    match last {
        regex::Error::CompiledTooBig(most) => {
            Err(format!("a regular expression that compiles to more than {} KiB", most >> 10))
        }
        e => Err(format!("not a regular expression: {}", e.to_string().lines().last().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    fn refused(values: &str) -> Option<String> {
        let text = format!(
            "title: t\nid: i\nlogsource: {{category: process_creation}}\ndetection:\n  s:\n    CommandLine|re: {values}\n  condition: s\n"
        );
        rules::parse(&text, "made").rules.remove(0).refused
    }

    #[test]
    fn a_rule_takes_no_more_than_its_share() {
        assert_eq!(refused(r"'\w{3,9} -enc'"), None);
        assert!(refused(r"'(\w{60}){60}'").unwrap().contains("more than 10240 KiB"));
        let many = |count: usize| format!("[{}]", vec!["'a.+b'"; count].join(", "));
        assert_eq!(refused(&many(MOST)), None);
        assert!(refused(&many(MOST + 1)).unwrap().contains("too many"));
        assert!(refused(&format!("'{}'", r"\w".repeat(MAX_REGEX / 2 + 1))).unwrap().contains("more than 8 KiB"));
        let list = format!("[{}]", vec!["v"; 31_000].join(", "));
        let many = |logsource: &str| {
            let text = format!(
                "title: t\nid: i\nlogsource: {{{logsource}}}\ndetection:\n  s:\n    CommandLine|contains: {list}\n  condition: s\n"
            );
            rules::parse(&text, "made").rules.remove(0).refused
        };
        assert_eq!(many("category: process_creation"), None);
        assert!(many("service: sysmon").unwrap().contains("31000 values for 33 kinds"));
        assert!(refused("'('").unwrap().contains("regular expression"));
    }
}
