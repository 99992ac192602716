//! Threat reports in, indicators and their Sigma rules out: STIX 1 and 2, OpenIOC, MISP, CSV, plain lists.
//!
//! ```text
//! bytes -> format told by content -> reader -> Expr per object of the report
//!       -> what Sysmon can see of it (expr) -> indicators, composites, issues -> Sigma rules (sigma)
//! ```
//! An alternative that Sysmon does not show is left out; a conjunction or negation with such a part is left out
//! whole, because without it the rest would match more than the report says. Each is an issue.
mod expr;
mod leaf;
mod misp;
mod openioc;
mod pattern;
mod sigma;
mod stix1;
mod stix2;
mod table;
mod xml;

use crate::{
    error::{Code, Error, Issue, Result},
    event::{
        Time,
        indicator::{Format, Import, Indicator, Kind, NAMESPACE, Relation, Tlp},
        text,
    },
};
use expr::Expr;
use std::{collections::HashSet, fs::File, io::Read, path::Path};
use uuid::Uuid;

/// Bytes of one file.
pub const MAX_FILE: u64 = 32 << 20;
/// Indicators of one import.
pub const MAX_INDICATORS: usize = 500_000;

/// What one file holds.
#[derive(Debug, Clone)]
pub struct Report {
    pub import: Import,
    /// No two of one kind, relation and value; in that order.
    pub indicators: Vec<Indicator>,
    /// Text of a Sigma rule for each kind and relation, and for each composite.
    pub rules: Vec<String>,
    pub issues: Vec<Issue>,
}

impl Report {
    /// Where its rules come from.
    pub fn origin(&self) -> String {
        format!("indicators of {}", self.import.name)
    }
}

/// One statement of a report.
struct Found {
    /// Id of the object, or its line.
    origin: String,
    title: String,
    valid_from: Option<Time>,
    valid_until: Option<Time>,
    tlp: Option<Tlp>,
    expr: Expr,
}

/// What a reader finds.
#[derive(Default)]
struct Findings {
    found: Vec<Found>,
    /// Position and reason.
    issues: Vec<(String, String)>,
}

impl Findings {
    fn issue(&mut self, position: impl Into<String>, reason: impl Into<String>) {
        self.issues.push((position.into(), reason.into()));
    }
}

/// Reads a file of at most [`MAX_FILE`] bytes.
///
/// # Errors
/// `BAD_INPUT` when it cannot be read or is none of the formats, `TOO_LARGE` for a larger one. Nothing of it is
/// used then.
pub fn load(path: &Path, name: &str, by: &str) -> Result<Report> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|e| Error::bad_input(format!("{name}: cannot be read: {e}")))?;
    read(bytes, name, by)
}

/// Reads the content of a file; see [`load`].
///
/// # Errors
/// As of [`load`].
pub fn read(bytes: Vec<u8>, name: &str, by: &str) -> Result<Report> {
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("{name}: more than {} MiB of indicators: split the file", MAX_FILE >> 20);
        return Err(Error::new(Code::TooLarge, message));
    }
    let id = Uuid::new_v5(&NAMESPACE, &bytes).to_string();
    let text = String::from_utf8(bytes)
        .map_err(|e| Error::bad_input(format!("{name}: byte {}: not UTF-8 text", e.utf8_error().valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (format, findings) = findings(text).map_err(|why| Error::bad_input(format!("{name}: {why}")))?;
    let mut report = Report {
        import: Import {
            id,
            name: name.to_owned(),
            format,
            imported: Time::now(),
            by: by.to_owned(),
            indicators: 0,
            rules: 0,
            issues: 0,
        },
        indicators: Vec::new(),
        rules: Vec::new(),
        issues: Vec::new(),
    };
    settle(&mut report, findings)?;
    Ok(report)
}

fn findings(text: &str) -> Result<(Format, Findings), String> {
    match text.trim_start().as_bytes().first() {
        None => Err("the file is empty".into()),
        Some(b'<') => {
            let root = xml::parse(text)?;
            match root.name.as_str() {
                "STIX_Package" => Ok((Format::Stix1, stix1::read(&root)?)),
                "ioc" | "OpenIOC" => Ok((Format::OpenIoc, openioc::read(&root)?)),
                other => {
                    Err(format!("XML of a kind that is not known here: its root is <{other}>, not STIX or OpenIOC"))
                }
            }
        }
        Some(b'{' | b'[') if misp::is_misp(text) => Ok((Format::Misp, misp::read(text)?)),
        Some(b'{' | b'[') => Ok((Format::Stix2, stix2::read(text)?)),
        Some(_) => table::read(text),
    }
}

fn settle(report: &mut Report, findings: Findings) -> Result<()> {
    let source = report.import.name.clone();
    let issue = |(position, reason)| Issue { source: source.clone(), position, reason, record: None };
    let mut issues = findings.issues;
    let mut known = HashSet::new();
    let mut composites = Vec::new();
    for Found { origin, title, valid_from, valid_until, tlp, expr } in findings.found {
        let mut lost = Vec::new();
        let seen = expr.seen(&mut lost);
        let parts = match seen {
            None => Vec::new(),
            Some(Expr::Or(parts)) => parts,
            Some(one) => vec![one],
        };
        for part in parts {
            if let Err(why) = part.check() {
                lost.push(why);
                continue;
            }
            let (kind, relation, value) = match &part {
                Expr::Leaf(l) => (l.kind, l.relation, l.value.clone()),
                composite => (Kind::Composite, Relation::Equals, composite.to_string()),
            };
            if !known.insert((kind, relation, text::fold(&value))) {
                continue;
            }
            if known.len() > MAX_INDICATORS {
                let message = format!("{source}: more than {MAX_INDICATORS} indicators: split the file");
                return Err(Error::new(Code::TooLarge, message));
            }
            let indicator = Indicator {
                kind,
                relation,
                value,
                origin: origin.clone(),
                title: title.clone(),
                valid_from,
                valid_until,
                tlp,
                rule_id: String::new(),
            };
            match kind {
                Kind::Composite => composites.push((indicator, part)),
                _ => report.indicators.push(indicator),
            }
        }
        issues.extend(lost.into_iter().map(|why| (origin.clone(), why)));
    }
    report.indicators.sort_by(|a, b| (a.kind, a.relation, &a.value).cmp(&(b.kind, b.relation, &b.value)));
    composites.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
    report.rules = sigma::rules(&report.import, &mut report.indicators, &mut composites);
    report.indicators.extend(composites.into_iter().map(|(i, _)| i));
    // A part that is referred to many times is one issue for each that refers to it.
    let mut told = HashSet::new();
    issues.retain(|i| told.insert(i.clone()));
    report.issues = issues.into_iter().map(issue).collect();
    report.import.indicators = report.indicators.len() as u64;
    report.import.rules = report.rules.len() as u64;
    report.import.issues = report.issues.len() as u64;
    Ok(())
}

/// A TLP colour as any of the formats writes it.
fn tlp(text: &str) -> Option<Tlp> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_prefix("tlp:").unwrap_or(&text) {
        "white" | "clear" => Some(Tlp::Clear),
        "green" => Some(Tlp::Green),
        "amber" => Some(Tlp::Amber),
        "amber+strict" => Some(Tlp::AmberStrict),
        "red" => Some(Tlp::Red),
        _ => None,
    }
}
