//! What the regular expressions of a rule may take: they are compiled to programs, which can be far larger than their text.
use crate::event::condition::MAX_REGEX;
use regex::RegexBuilder;
use rsigma_parser::{Detection, Modifier, SigmaValue};

/// Bytes of the program of an expression that counts once.
const SMALL: usize = 16 << 10;
/// Bytes of the largest program, which counts as many small ones.
const LARGE: usize = 256 << 10;
/// Small programs of one rule.
const MOST: usize = 5_000;

/// Adds what the expressions of a part of a normalised rule take.
///
/// # Errors
/// When they take more than a rule may, or one is none.
pub fn weigh(detection: &Detection, weight: &mut usize) -> Result<(), String> {
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
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().try_for_each(|p| weigh(p, weight)),
        // Normalised rules have none of these.
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Ok(()),
    }
}

fn one(pattern: &str) -> Result<usize, String> {
    if pattern.len() > MAX_REGEX {
        return Err(format!("a regular expression of more than {} KiB", MAX_REGEX >> 10));
    }
    let fits = |bytes| RegexBuilder::new(pattern).size_limit(bytes).build();
    if fits(SMALL).is_ok() {
        return Ok(1);
    }
    match fits(LARGE) {
        Ok(_) => Ok(LARGE / SMALL),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(format!("a regular expression that compiles to more than {} KiB", LARGE >> 10))
        }
        Err(e) => Err(format!("not a regular expression: {}", e.to_string().lines().last().unwrap_or_default())),
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
        assert!(refused(r"'(\w{30}){30}'").unwrap().contains("more than 256 KiB"));
        let many = |count: usize| format!("[{}]", vec!["'a.+b'"; count].join(", "));
        assert_eq!(refused(&many(MOST)), None);
        assert!(refused(&many(MOST + 1)).unwrap().contains("too many"));
        assert!(refused(&format!("'{}'", r"\w".repeat(MAX_REGEX / 2 + 1))).unwrap().contains("more than 8 KiB"));
        assert!(refused("'('").unwrap().contains("regular expression"));
    }
}
