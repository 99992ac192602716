//! Plain lists and CSV.
use super::{
    Findings, Found,
    expr::Expr,
    leaf::{Compare, What, guess, leaf},
    misp, shown, tlp,
};
use crate::event::indicator::{Format, Kind, Relation};
use csv::{ReaderBuilder, StringRecord};

/// Names of the column with the values, and of that with their types.
const VALUES: &[&str] = &["value", "indicator", "ioc", "observable"];
const TYPES: &[&str] = &["type", "kind", "indicator_type", "ioc_type"];

/// # Errors
/// When it is neither a list nor a table of indicators.
pub fn read(text: &str) -> Result<(Format, Findings), String> {
    if text.bytes().take(4_096).any(|b| b == 0 || b < 9) {
        return Err("neither XML nor JSON nor text".into());
    }
    let first = text.lines().find(|l| !is_comment(l)).unwrap_or_default();
    for separator in [b',', b';', b'\t'] {
        let names: Vec<String> =
            first.split(char::from(separator)).map(|n| n.trim().trim_matches('"').to_ascii_lowercase()).collect();
        if names.len() > 1 && names.iter().any(|n| VALUES.contains(&n.as_str())) {
            return Ok((Format::Csv, table(text, separator)?));
        }
    }
    list(text).map(|f| (Format::List, f))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with("//") || line.starts_with(';')
}

fn list(text: &str) -> Result<Findings, String> {
    let mut findings = Findings::default();
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !is_comment(l)) {
        // What stands behind a value is a remark.
        let value = line.trim().trim_matches(|c| matches!(c, '"' | ','));
        let value = value.split_once(" #").map_or(value, |(v, _)| v).trim_end();
        match guess(value) {
            Some((what, name)) => {
                let expr = leaf(name, what, Compare::Is(Relation::Equals), value);
                findings.push(found(format!("line {}", n + 1), expr));
            }
            None => {
                let shown: String = value.chars().take(120).collect();
                findings.issue(format!("line {}", n + 1), format!("'{shown}' is no hash, address, domain or path"));
            }
        }
    }
    if findings.is_empty() {
        return Err(
            "no line of it is a hash, address, domain or path, and no format of indicators is recognised".into()
        );
    }
    Ok(findings)
}

fn table(text: &str, separator: u8) -> Result<Findings, String> {
    let mut reader =
        ReaderBuilder::new().delimiter(separator).flexible(true).comment(Some(b'#')).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|e| format!("bad CSV: {e}"))?.clone();
    let column = |names: &[&str]| names.iter().find_map(|n| head.iter().position(|h| h.trim().eq_ignore_ascii_case(n)));
    let value = column(VALUES).ok_or("CSV without a column 'value'")?;
    let kind = column(TYPES);
    let id = column(&["uuid", "id"]);
    let title = column(&["comment", "description", "title", "name"]);
    let (from, until) = (column(&["valid_from", "first_seen"]), column(&["valid_until", "expires", "expiration"]));
    let marking = column(&["tlp"]);
    let mut findings = Findings::default();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(e) => {
                let line = e.position().map(csv::Position::line).unwrap_or_default();
                findings.issue(format!("line {line}"), format!("bad CSV: {e}"));
                continue;
            }
        };
        let line = format!("line {}", row.position().map(csv::Position::line).unwrap_or_default());
        let cell = |column: Option<usize>| column.and_then(|c| row.get(c)).map(str::trim).filter(|v| !v.is_empty());
        if is_head(&row, &head) {
            continue;
        }
        let Some(value) = cell(Some(value)) else {
            findings.issue(line, "no value");
            continue;
        };
        let expr = match (cell(kind), guess(value)) {
            (Some(kind), Some((what, _))) if is_told_by_value(kind, what) => {
                leaf(kind, what, Compare::Is(Relation::Equals), value)
            }
            (Some(kind), _) => misp::attribute(kind, value),
            (None, Some((what, name))) => leaf(name, what, Compare::Is(Relation::Equals), value),
            (None, None) => Expr::hidden("neither a type nor a value that tells it"),
        };
        let mut found = found(cell(id).map_or(line, str::to_owned), expr);
        found.title = cell(title).unwrap_or_default().to_owned();
        let Some((from, until)) = findings.validity(&found.origin, cell(from), cell(until)) else { continue };
        (found.valid_from, found.valid_until) = (from, until);
        found.tlp = cell(marking).and_then(tlp);
        if let (Some(text), None) = (cell(marking), found.tlp) {
            findings.issue(&found.origin, format!("'{}' is no colour of TLP", shown(text)));
        }
        findings.push(found);
    }
    Ok(findings)
}

/// Whether a value says what its type, a word of the table's own, does not: a hash of a file, or an address.
fn is_told_by_value(kind: &str, what: What) -> bool {
    // Hashes of the same lengths, but of something else.
    const OTHERS: &[&str] = &[
        "auth", "cdhash", "cert", "commit", "fuzz", "guid", "hassh", "ja3", "jarm", "lm", "mutex", "pass", "pehash",
        "print", "rich", "serial", "ssl", "telfhash", "tls", "uuid", "vhash", "x509",
    ];
    let hash = matches!(what, What::Is(Kind::Md5 | Kind::Sha1 | Kind::Sha256));
    let named = kind.to_ascii_lowercase();
    let other = hash && OTHERS.iter().any(|o| named.contains(o));
    let address = matches!(what, What::Is(Kind::Ip) | What::Socket);
    misp::what(kind) == What::Hidden && !other && (hash || address)
}

/// Tables that were joined repeat their head.
fn is_head(row: &StringRecord, head: &StringRecord) -> bool {
    row.iter().eq(head.iter())
}

fn found(origin: String, expr: Expr) -> Found {
    Found { origin, title: String::new(), valid_from: None, valid_until: None, tlp: None, expr }
}
