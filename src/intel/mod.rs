//! Threat reports in, indicators and their Sigma rules out: STIX 1 and 2, OpenIOC, MISP, CSV, plain lists.
//!
//! ```text
//! bytes -> format told by content -> reader -> Expr per object of the report
//!       -> what Sysmon can see of it (expr) -> indicators, composites, issues -> Sigma rules (sigma)
//! ```
//! An alternative that Sysmon does not show is left out; a conjunction or negation with such a part is left out
//! whole, because without it the rest would match more than the report says. Each is an issue.
mod expr;
mod findings;
mod leaf;
mod misp;
mod openioc;
mod pattern;
mod registry;
mod sigma;
mod stix1;
mod stix2;
mod table;
mod wild;
mod xml;

use crate::{
    error::{Code, Error, Issue, Result},
    event::{
        Time,
        indicator::{Format, Import, Indicator, NAMESPACE, Tlp},
    },
};
use findings::{Findings, Found, shown};
use std::{fs::File, io::Read, net::SocketAddr, path::Path};
use uuid::Uuid;

/// Bytes of one file.
pub const MAX_FILE: u64 = 32 << 20;
/// Objects of a JSON file, also those in each other.
const MAX_OBJECTS: usize = 500_000;

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
    let (format, findings) = findings(text).map_err(|why| Error::bad_input(format!("{name}: {}", shown(&why))))?;
    let mut import = Import {
        id,
        name: name.to_owned(),
        format,
        imported: Time::now(),
        by: by.to_owned(),
        indicators: 0,
        rules: 0,
        issues: 0,
    };
    let settled = findings.settled().map_err(|why| Error::new(Code::TooLarge, format!("{name}: {why}")))?;
    let (mut indicators, mut composites) = (settled.indicators, settled.composites);
    let rules = sigma::rules(&import, &mut indicators, &mut composites);
    indicators.extend(composites.into_iter().map(|(i, _)| i));
    let issue = |(position, reason)| Issue { source: import.name.clone(), position, reason, record: None };
    let issues: Vec<Issue> = settled.issues.into_iter().map(issue).collect();
    import.indicators = indicators.len() as u64;
    import.rules = rules.len() as u64;
    import.issues = issues.len() as u64;
    Ok(Report { import, indicators, rules, issues })
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
        // A list that begins with an address of IPv6 and its port.
        Some(b'[') if text.split_whitespace().next().is_some_and(|v| v.parse::<SocketAddr>().is_ok()) => {
            table::read(text)
        }
        Some(b'{' | b'[') if memchr::memchr_iter(b'{', text.as_bytes()).count() > MAX_OBJECTS => {
            Err(format!("more than {MAX_OBJECTS} objects: split the file"))
        }
        Some(b'{' | b'[') if misp::is_misp(text) => Ok((Format::Misp, misp::read(text)?)),
        Some(b'{' | b'[') => Ok((Format::Stix2, stix2::read(text)?)),
        Some(_) => table::read(text),
    }
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
