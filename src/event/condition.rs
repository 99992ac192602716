//! The condition: the one meaning of a search, a saved search and a subscription filter.
//!
//! A condition is a tree of AND, OR, NOT over [`Match`]es. A match holds when **any** value of **any** of its
//! fields satisfies **any** of its operands. Text is compared after [`text::fold`]; an event without the field
//! does not match (so NOT of it does). An unknown operator, a regular expression outside of the common
//! subset, or an operand that does not fit its field is an error that names it.
mod gather;

use super::{Event, Field, Key, Time, build::normal_value, fields::Type, text};
use crate::error::{Error, Result};
use ipnet::IpNet;
use regex::Regex;
use std::{borrow::Cow, net::IpAddr};

/// Nesting allowed in a condition.
pub const MAX_DEPTH: usize = 32;
/// Matches allowed in a condition.
pub const MAX_MATCHES: usize = 1_000;
/// Operands allowed in one match.
pub const MAX_OPERANDS: usize = 10_000;
/// The same for patterns, each of which is tried on every distinct value.
pub const MAX_PATTERNS: usize = 100;
/// Bytes of a regular expression: to read one takes thousands of times its text where it names classes.
pub const MAX_REGEX: usize = 8 << 10;

#[derive(Debug, Clone)]
pub enum Condition {
    /// Every event.
    All,
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Match(Match),
}

/// One comparison. Made by [`Match::new`] only.
#[derive(Debug, Clone)]
pub struct Match {
    /// What the caller named: a criterion, a field, or any other name.
    pub name: String,
    pub keys: Vec<Key>,
    pub test: Test,
    /// As the caller wrote them.
    pub operator: Operator,
    pub operands: Vec<String>,
}

/// What a value is compared with.
#[derive(Debug, Clone)]
pub enum Test {
    Exists,
    Text(TextTest),
    /// Addresses inside any of the networks.
    Cidr(Vec<IpNet>),
    /// Inclusive bounds. Numbers for `UInt` and `Hex` fields, milliseconds for `Time` fields.
    Range {
        from: Option<i128>,
        to: Option<i128>,
    },
}

/// A comparison of folded text. Operands are folded and canonical.
#[derive(Debug, Clone)]
pub enum TextTest {
    Equals(Vec<String>),
    Contains(Vec<String>),
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    /// Wildcards and regular expressions, over the folded text.
    Regex(Vec<Regex>),
}

impl TextTest {
    /// `value` must be folded.
    pub fn is_match(&self, value: &str) -> bool {
        match self {
            Self::Equals(v) => v.iter().any(|o| o == value),
            Self::Contains(v) => v.iter().any(|o| value.contains(o.as_str())),
            Self::StartsWith(v) => v.iter().any(|o| value.starts_with(o.as_str())),
            Self::EndsWith(v) => v.iter().any(|o| value.ends_with(o.as_str())),
            Self::Regex(v) => v.iter().any(|r| r.is_match(value)),
        }
    }
}

/// Operators as the API names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
    /// `*` any text, `?` one character, `\` escapes.
    Wildcard,
    /// Common subset; see [`regex_subset`].
    Regex,
    Cidr,
    Gt,
    Gte,
    Lt,
    Lte,
    Exists,
}

/// A name of the search form that stands for several fields.
#[derive(Debug)]
pub struct Criterion {
    pub name: &'static str,
    pub fields: &'static [Field],
}

/// The search form's criteria, each over every event code that carries it.
pub const CRITERIA: &[Criterion] = &[
    Criterion { name: "ip", fields: &[Field::SourceIp, Field::DestinationIp, Field::ResolvedIp] },
    Criterion { name: "port", fields: &[Field::SourcePort, Field::DestinationPort] },
    Criterion {
        name: "host",
        fields: &[Field::Computer, Field::SourceHostname, Field::DestinationHostname, Field::QueryName],
    },
    Criterion {
        name: "process",
        fields: &[Field::Image, Field::ParentImage, Field::SourceImage, Field::TargetImage, Field::OriginalFileName],
    },
    Criterion { name: "file", fields: &[Field::TargetFilename, Field::ImageLoaded, Field::Image] },
    Criterion { name: "registryKey", fields: &[Field::TargetObject, Field::NewName] },
    Criterion { name: "registryValue", fields: &[Field::Details, Field::RegistryValueName] },
    Criterion { name: "hash", fields: &[Field::HashValue] },
];

impl Match {
    /// `name`: a criterion of [`CRITERIA`], a field of the table (case-insensitive), or any other name prefixed
    /// `data.` for values that the table does not know.
    ///
    /// # Errors
    /// `BAD_INPUT` for an unknown name, no or too many operands, or an operand that does not fit.
    pub fn new(name: &str, operator: Operator, operands: &[String]) -> Result<Self> {
        let keys = resolve(name)?;
        if operator == Operator::Exists {
            if !operands.is_empty() {
                return Err(Error::bad_input(format!("{name}: EXISTS takes no values")));
            }
            return Ok(Self { name: name.into(), keys, test: Test::Exists, operator, operands: Vec::new() });
        }
        if operands.is_empty() || operands.iter().any(String::is_empty) {
            return Err(Error::bad_input(format!("{name}: {operator:?} needs at least one value, none of them empty")));
        }
        if operands.len() > MAX_OPERANDS {
            return Err(Error::bad_input(format!("{name}: more than {MAX_OPERANDS} values")));
        }
        if matches!(operator, Operator::Wildcard | Operator::Regex) && operands.len() > MAX_PATTERNS {
            return Err(Error::bad_input(format!("{name}: more than {MAX_PATTERNS} patterns")));
        }
        let types = || keys.iter().map(key_type);
        let test = match operator {
            Operator::Equals => Test::Text(TextTest::Equals(
                operands
                    .iter()
                    .flat_map(|o| types().map(|t| canonical(name, t, o)))
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .collect(),
            )),
            Operator::Contains => Test::Text(TextTest::Contains(operands.iter().map(|o| text::fold(o)).collect())),
            Operator::StartsWith => Test::Text(TextTest::StartsWith(operands.iter().map(|o| text::fold(o)).collect())),
            Operator::EndsWith => Test::Text(TextTest::EndsWith(operands.iter().map(|o| text::fold(o)).collect())),
            Operator::Wildcard => Test::Text(TextTest::Regex(
                operands.iter().map(|o| compile(name, &wildcard_pattern(o))).collect::<Result<_>>()?,
            )),
            Operator::Regex => Test::Text(TextTest::Regex(
                operands
                    .iter()
                    .map(|o| {
                        regex_subset(o).map_err(|e| Error::bad_input(format!("{name}: {e}")))?;
                        compile(name, &format!("(?i){o}"))
                    })
                    .collect::<Result<_>>()?,
            )),
            Operator::Cidr => {
                if !types().all(|t| t == Type::Ip) {
                    return Err(Error::bad_input(format!("{name}: cidr needs a field that holds an address")));
                }
                Test::Cidr(operands.iter().map(|o| parse_net(name, o)).collect::<Result<_>>()?)
            }
            Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => {
                let [operand] = operands else {
                    return Err(Error::bad_input(format!("{name}: {operator:?} takes one value")));
                };
                let n = types()
                    .map(|t| parse_number(t, operand))
                    .next()
                    .flatten()
                    .filter(|_| types().all(|t| matches!(t, Type::UInt | Type::Time | Type::Hex)))
                    .ok_or_else(|| {
                        Error::bad_input(format!(
                            "{name}: {operator:?} needs a number or time and a field that holds one, not {operand:?}"
                        ))
                    })?;
                match operator {
                    Operator::Gt => Test::Range { from: Some(n + 1), to: None },
                    Operator::Gte => Test::Range { from: Some(n), to: None },
                    Operator::Lt => Test::Range { from: None, to: Some(n - 1) },
                    _ => Test::Range { from: None, to: Some(n) },
                }
            }
            Operator::Exists => Test::Exists,
        };
        Ok(Self { name: name.into(), keys, test, operator, operands: operands.to_vec() })
    }

    pub fn is_match(&self, event: &Event) -> bool {
        self.keys.iter().any(|k| {
            let ty = key_type(k);
            event.key_values(k).iter().any(|v| self.test.is_match(ty, v))
        })
    }
}

impl Test {
    /// Whether one value of a field of type `ty` satisfies the test.
    pub fn is_match(&self, ty: Type, value: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Text(t) => t.is_match(&text::fold(value)),
            Self::Cidr(nets) => text::ip(value).is_some_and(|ip| nets.iter().any(|n| n.contains(&ip))),
            Self::Range { from, to } => {
                parse_number(ty, value).is_some_and(|n| from.is_none_or(|f| f <= n) && to.is_none_or(|t| n <= t))
            }
        }
    }
}

impl Condition {
    /// The evaluator in memory: what every store must agree with.
    pub fn is_match(&self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::And(c) => c.iter().all(|c| c.is_match(event)),
            Self::Or(c) => c.iter().any(|c| c.is_match(event)),
            Self::Not(c) => !c.is_match(event),
            Self::Match(m) => m.is_match(event),
        }
    }

    /// # Errors
    /// `BAD_INPUT` when it is nested deeper than [`MAX_DEPTH`] or has more than [`MAX_MATCHES`] matches.
    pub fn check(&self) -> Result<()> {
        fn walk(c: &Condition, depth: usize, matches: &mut usize) -> Result<()> {
            if depth > MAX_DEPTH {
                return Err(Error::bad_input(format!("condition is nested deeper than {MAX_DEPTH}")));
            }
            match c {
                Condition::And(v) | Condition::Or(v) => v.iter().try_for_each(|c| walk(c, depth + 1, matches)),
                Condition::Not(c) => walk(c, depth + 1, matches),
                Condition::All => Ok(()),
                Condition::Match(_) => {
                    *matches += 1;
                    if *matches > MAX_MATCHES {
                        return Err(Error::bad_input(format!("condition has more than {MAX_MATCHES} comparisons")));
                    }
                    Ok(())
                }
            }
        }
        walk(self, 0, &mut 0)
    }
}

fn resolve(name: &str) -> Result<Vec<Key>> {
    if let Some(c) = CRITERIA.iter().find(|c| c.name.eq_ignore_ascii_case(name)) {
        return Ok(c.fields.iter().map(|f| Key::Field(*f)).collect());
    }
    if let Some(f) = Field::parse(name) {
        return Ok(vec![Key::Field(f)]);
    }
    match name.strip_prefix("data.") {
        Some(other) if !other.is_empty() => Ok(vec![Key::parse(other)]),
        _ => Err(Error::bad_input(format!(
            "unknown field {name:?}: name a criterion ({}), a Sysmon field, or data.NAME for another value of the record",
            CRITERIA.iter().map(|c| c.name).collect::<Vec<_>>().join(", ")
        ))),
    }
}

pub fn key_type(key: &Key) -> Type {
    match key {
        Key::Field(f) => f.ty(),
        Key::Other(_) => Type::Text,
    }
}

/// Canonical and folded operand of an equality.
fn canonical(name: &str, ty: Type, operand: &str) -> String {
    let operand = match operand.split_once('=') {
        Some((_, value)) if name.eq_ignore_ascii_case("hash") => value,
        _ => operand,
    };
    text::fold(&normal_value(ty, operand).unwrap_or_else(|| operand.into()))
}

fn compile(name: &str, pattern: &str) -> Result<Regex> {
    regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build()
        .map_err(|e| Error::bad_input(format!("{name}: bad pattern: {e}")))
}

/// Anchored regular expression of a wildcard text, folded.
fn wildcard_pattern(wildcard: &str) -> String {
    let mut out = String::from("(?s)^");
    let mut chars = wildcard.chars().peekable();
    let literal = |c: char, out: &mut String| out.push_str(&regex::escape(&text::fold(&c.to_string())));
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '\\' => match chars.peek() {
                Some(&n @ ('*' | '?' | '\\')) => {
                    chars.next();
                    literal(n, &mut out);
                }
                _ => literal('\\', &mut out),
            },
            c => literal(c, &mut out),
        }
    }
    out.push('$');
    out
}

/// Refuses what not every engine can do: anchors inside, look-around, back-references, lazy quantifiers, flags.
/// Left are literals, classes, groups, alternation, greedy quantifiers, `^` at the start and `$` at the end.
pub fn regex_subset(pattern: &str) -> std::result::Result<(), String> {
    if pattern.len() > MAX_REGEX {
        return Err(format!("regular expression of more than {} KiB", MAX_REGEX >> 10));
    }
    for (what, sign) in [
        ("flags, look-around or named groups", "(?"),
        ("lazy quantifiers", "*?"),
        ("lazy quantifiers", "+?"),
        ("lazy quantifiers", "??"),
        ("lazy quantifiers", "}?"),
        ("word boundaries", r"\b"),
        ("word boundaries", r"\B"),
    ] {
        let mut from = 0;
        while let Some(at) = pattern[from..].find(sign) {
            let at = from + at;
            let escapes = pattern[..at].bytes().rev().take_while(|b| *b == b'\\').count();
            if escapes % 2 == 0 && !(sign == "(?" && pattern[at..].starts_with("(?:")) {
                return Err(format!("regular expression uses {what} ({sign}), which not every engine supports"));
            }
            from = at + 1;
        }
    }
    Ok(())
}

fn parse_net(name: &str, operand: &str) -> Result<IpNet> {
    let operand = operand.trim();
    if let Ok(net) = operand.parse::<IpNet>() {
        return Ok(net.trunc());
    }
    text::ip(operand)
        .map(|ip| match ip {
            IpAddr::V4(_) | IpAddr::V6(_) => IpNet::from(ip),
        })
        .ok_or_else(|| Error::bad_input(format!("{name}: {operand:?} is not a network such as 10.0.0.0/8")))
}

/// Number that a range compares: numbers themselves, times as milliseconds.
pub fn parse_number(ty: Type, value: &str) -> Option<i128> {
    let value: Cow<'_, str> = value.trim().into();
    match ty {
        Type::Time => Time::parse(&value).map(|t| i128::from(t.0)),
        Type::UInt | Type::Hex => match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(i128::from),
            None => value.parse::<u64>().ok().map(i128::from),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_and_unfit_operands_are_errors() {
        let v = |s: &str| vec![s.to_owned()];
        for (name, op, operand) in [
            ("Imagee", Operator::Equals, "x"),
            ("Image", Operator::Gt, "1"),
            ("Image", Operator::Cidr, "10.0.0.0/8"),
            ("ip", Operator::Cidr, "10.0.0.0/99"),
            ("port", Operator::Gte, "http"),
            ("Image", Operator::Regex, "(?=a)"),
            ("Image", Operator::Regex, "["),
            ("Image", Operator::Regex, r"\w".repeat(MAX_REGEX / 2 + 1).as_str()),
            ("Image", Operator::Contains, ""),
        ] {
            assert!(Match::new(name, op, &v(operand)).is_err(), "{name} {op:?} {operand}");
        }
        assert!(Match::new("data.Brand-new", Operator::Equals, &v("x")).is_ok());
    }

    #[test]
    fn wildcards_escape_and_fold() {
        for (pattern, value, expected) in [
            (r"*\CMD.exe", r"c:\windows\cmd.exe", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("a?c", "abc", true),
            ("a?c", "abbc", false),
            ("*x*", "line\nx\nline", true),
        ] {
            let m = Match::new("CommandLine", Operator::Wildcard, &[pattern.to_owned()]).unwrap();
            assert_eq!(m.test.is_match(Type::Text, value), expected, "{pattern} on {value}");
        }
    }
}
