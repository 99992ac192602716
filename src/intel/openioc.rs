//! OpenIOC 1.0 and 1.1.
use super::{
    Findings, Found,
    expr::Expr,
    leaf::{Compare, What, leaf},
    shown,
    xml::Element,
};
use crate::event::{
    Time,
    indicator::{Kind, Relation},
};

const V1_0: &str = "http://schemas.mandiant.com/2010/ioc";
const V1_1: &str = "http://openioc.org/schemas/OpenIOC_1.1";

/// The search terms of what Sysmon shows.
const TERMS: &[(&str, What)] = &[
    ("FileItem/FileName", What::Is(Kind::FileName)),
    ("FileItem/FullPath", What::Is(Kind::FilePath)),
    ("FileItem/FilePath", What::Is(Kind::Folder)),
    ("FileItem/Md5sum", What::Is(Kind::Md5)),
    ("FileItem/Sha1sum", What::Is(Kind::Sha1)),
    ("FileItem/Sha256sum", What::Is(Kind::Sha256)),
    ("FileItem/SizeInBytes", What::Content),
    ("TaskItem/md5sum", What::Is(Kind::Md5)),
    ("ServiceItem/pathmd5sum", What::Is(Kind::Md5)),
    ("ServiceItem/path", What::Is(Kind::FilePath)),
    ("DriverItem/DriverName", What::Is(Kind::FileName)),
    ("Network/DNS", What::Is(Kind::Domain)),
    ("Network/URI", What::Url),
    ("Network/String", What::Hidden),
    ("DnsEntryItem/Host", What::Host),
    ("DnsEntryItem/RecordName", What::Host),
    ("DnsEntryItem/RecordData/Host", What::Host),
    ("DnsEntryItem/RecordData/IPv4Address", What::Is(Kind::Ip)),
    ("RouteEntryItem/Destination", What::Is(Kind::Ip)),
    ("ArpEntryItem/IPv4Address", What::Is(Kind::Ip)),
    ("PortItem/remoteIP", What::Is(Kind::Ip)),
    ("PortItem/remotePort", What::Is(Kind::DestinationPort)),
    ("PortItem/localPort", What::Is(Kind::SourcePort)),
    ("ProcessItem/PortList/PortItem/remoteIP", What::Is(Kind::Ip)),
    ("UrlHistoryItem/URL", What::Url),
    ("UrlHistoryItem/HostName", What::Host),
    ("FormHistoryItem/HostName", What::Host),
    ("FileDownloadHistoryItem/SourceURL", What::Url),
    ("CookieHistoryItem/HostName", What::Host),
    ("RegistryItem/Path", What::Is(Kind::RegistryPath)),
    ("RegistryItem/KeyPath", What::Is(Kind::RegistryKey)),
    ("RegistryItem/ValueName", What::Is(Kind::RegistryValue)),
    ("RegistryItem/Text", What::Is(Kind::RegistryData)),
    ("RegistryItem/Value", What::Is(Kind::RegistryData)),
    ("ProcessItem/name", What::Is(Kind::Process)),
    ("ProcessItem/path", What::Is(Kind::Process)),
    ("ProcessItem/arguments", What::Is(Kind::CommandLine)),
];

/// # Errors
/// For a version that is neither 1.0 nor 1.1.
pub fn read(root: &Element) -> Result<Findings, String> {
    let space = root.attribute("xmlns").unwrap_or_default();
    let (head, definition) = match root.name.as_str() {
        "ioc" if space == V1_0 => (root, "definition"),
        "OpenIOC" if space == V1_1 => (root.child("metadata").unwrap_or(root), "criteria"),
        name => return Err(format!("<{name}> of an unknown version of OpenIOC: name space '{}'", shown(space))),
    };
    let definition = root.child(definition).ok_or_else(|| format!("OpenIOC without <{definition}>"))?;
    let id = root.attribute("id").unwrap_or("OpenIOC");
    let title = head.child("short_description").map(|e| shown(e.text())).unwrap_or_default();
    let mut findings = Findings::default();
    let modified = root.attribute("last-modified").and_then(Time::parse);
    for block in &definition.children {
        let expr = match expr(block) {
            Ok(expr) => expr,
            Err(why) => {
                findings.issue(block.attribute("id").unwrap_or(id), why);
                continue;
            }
        };
        // Each alternative keeps the id of its own item.
        let parts = match expr {
            Expr::Or(_) if block.name == "Indicator" => alternatives(block),
            one => vec![(block.attribute("id").unwrap_or(id).to_owned(), one)],
        };
        for (origin, expr) in parts {
            findings.push(Found {
                origin,
                title: title.clone(),
                valid_from: modified,
                valid_until: None,
                tlp: None,
                expr,
            });
        }
    }
    Ok(findings)
}

/// Members of nested OR blocks, each with its id.
fn alternatives(block: &Element) -> Vec<(String, Expr)> {
    let mut out = Vec::new();
    for item in parts(block) {
        let nested = item.name == "Indicator" && is_or(item);
        if nested && item.attribute("negate") != Some("true") {
            out.extend(alternatives(item));
        } else {
            let expr = expr(item).unwrap_or_else(Expr::hidden);
            out.push((item.attribute("id").unwrap_or_default().to_owned(), expr));
        }
    }
    out
}

fn parts(block: &Element) -> impl Iterator<Item = &Element> {
    block.children.iter().filter(|c| matches!(c.name.as_str(), "Indicator" | "IndicatorItem"))
}

fn is_or(block: &Element) -> bool {
    block.attribute("operator").is_some_and(|o| o.eq_ignore_ascii_case("OR"))
}

fn expr(e: &Element) -> Result<Expr, String> {
    let inner = match e.name.as_str() {
        "Indicator" => {
            let all = parts(e).map(expr).collect::<Result<Vec<_>, _>>()?;
            match e.attribute("operator").map(str::to_ascii_uppercase).as_deref() {
                _ if all.is_empty() => Expr::hidden("an indicator without items"),
                Some("OR") => Expr::Or(all),
                Some("AND") => Expr::and(all),
                other => return Err(format!("unknown operator {other:?}")),
            }
        }
        "IndicatorItem" => item(e)?,
        other => return Err(format!("<{other}> is not part of a definition")),
    };
    let negated = e.attribute("negate").is_some_and(|n| n.eq_ignore_ascii_case("true"));
    Ok(if negated { Expr::Not(Box::new(inner)) } else { inner })
}

fn item(e: &Element) -> Result<Expr, String> {
    let term = e.child("Context").and_then(|c| c.attribute("search")).ok_or("an item without a search term")?;
    let content = e.child("Content").map(Element::text).unwrap_or_default();
    // Old exports of MISP leave the content empty and write the value as the id.
    let own = |id: &&str| id.len() != 36 || uuid::Uuid::parse_str(id).is_err();
    let value = if content.is_empty() { e.attribute("id").filter(own).unwrap_or_default() } else { content };
    let what = match TERMS.iter().find(|(t, _)| t.eq_ignore_ascii_case(term)) {
        Some((_, what)) => *what,
        None if term.starts_with("FileItem/PEInfo") || term.starts_with("FileItem/StringList") => What::Content,
        None => What::Hidden,
    };
    let compare = match e.attribute("condition").unwrap_or("is") {
        "is" => Compare::Is(Relation::Equals),
        "contains" => Compare::Is(Relation::Contains),
        "starts-with" => Compare::Is(Relation::StartsWith),
        "ends-with" => Compare::Is(Relation::EndsWith),
        "matches" => Compare::Is(Relation::Matches),
        "isnot" => Compare::Not(Relation::Equals),
        "containsnot" => Compare::Not(Relation::Contains),
        "greater-than" | "less-than" => Compare::Other,
        other => return Err(format!("unknown condition '{other}'")),
    };
    Ok(leaf(term, what, compare, value))
}
