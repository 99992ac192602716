//! MISP: events as JSON, and the types of attributes that its CSV shares.
use super::{
    Findings, Found,
    expr::Expr,
    leaf::{Compare, What, leaf},
    shown, tlp,
};
use crate::event::indicator::{Kind, Relation, Tlp};
use serde::Deserialize;

/// One event, or an answer with many.
#[derive(Deserialize)]
struct Top {
    #[serde(default)]
    response: Vec<Wrapped>,
    #[serde(rename = "Event")]
    event: Option<Event>,
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "Event")]
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    info: String,
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
    #[serde(default, rename = "Object")]
    objects: Vec<Object>,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    uuid: String,
    value: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
}

/// Whether JSON is MISP's: told by its beginning.
pub fn is_misp(text: &str) -> bool {
    let head: String = text.chars().filter(|c| !c.is_whitespace()).take(12).collect();
    head.starts_with("{\"response\"") || head.starts_with("{\"Event\"")
}

/// # Errors
/// When it is no JSON of MISP.
pub fn read(text: &str) -> Result<Findings, String> {
    let top: Top = serde_json::from_str(text)
        .map_err(|e| format!("line {}, column {}: not JSON of MISP: {e}", e.line(), e.column()))?;
    let events = top.response.into_iter().map(|w| w.event).chain(top.event);
    let mut findings = Findings::default();
    for event in events {
        let (marked, title) = (colour(&event.tags), shown(&event.info));
        for a in event.attributes.into_iter().chain(event.objects.into_iter().flat_map(|o| o.attributes)) {
            if a.deleted {
                continue;
            }
            findings.push(Found {
                expr: attribute(&a.kind, &a.value),
                origin: a.uuid,
                title: title.clone(),
                valid_from: None,
                valid_until: None,
                tlp: colour(&a.tags).or(marked),
            });
        }
    }
    Ok(findings)
}

fn colour(tags: &[Tag]) -> Option<Tlp> {
    tags.iter().filter(|t| t.name.to_ascii_lowercase().starts_with("tlp:")).find_map(|t| tlp(&t.name))
}

/// An attribute by its type; two joined by `|` have two values joined by it.
pub fn attribute(kind: &str, value: &str) -> Expr {
    let one = |kind: &str, value: &str| leaf(kind, what(kind), Compare::Is(Relation::Equals), value);
    if let (Some((a, b)), Some((x, y))) = (kind.split_once('|'), value.split_once('|')) {
        // An address or name with what it was found together with: each tells by itself.
        let both = a.starts_with("filename") || b == "port" || a == "regkey";
        let parts = vec![one(a, x), one(if a == "regkey" { "regvalue" } else { b }, y)];
        return if both { Expr::and(parts) } else { Expr::or(parts) };
    }
    one(kind, value)
}

/// What a type of MISP, or the usual name of a column, means.
pub fn what(kind: &str) -> What {
    match kind.to_ascii_lowercase().replace([' ', '_'], "-").as_str() {
        "md5" | "hash-md5" => What::Is(Kind::Md5),
        "sha1" | "sha-1" | "hash-sha1" => What::Is(Kind::Sha1),
        "sha256" | "sha-256" | "hash-sha256" => What::Is(Kind::Sha256),
        "imphash" => What::Is(Kind::Imphash),
        // Of the attacker, at whichever end of a connection the event shows it.
        "ip-dst" | "ip-src" | "ip" | "ipv4" | "ipv6" | "ipv4-addr" | "ipv6-addr" | "address" | "ip-address"
        | "cidr" | "network" => What::Is(Kind::Ip),
        "port" | "dst-port" => What::Is(Kind::DestinationPort),
        "src-port" => What::Is(Kind::SourcePort),
        "domain" | "domain-name" | "fqdn" => What::Is(Kind::Domain),
        "hostname" | "host" => What::Host,
        "url" | "uri" => What::Url,
        "filename" | "file-name" | "file" => What::Is(Kind::FileName),
        "filepath" | "file-path" | "path" => What::Is(Kind::FilePath),
        "regkey" | "registry-key" | "registry" => What::Is(Kind::RegistryKey),
        "regvalue" | "registry-value" => What::Is(Kind::RegistryData),
        "named-pipe" | "pipe" => What::Is(Kind::Pipe),
        "process" | "process-name" | "process-path" => What::Is(Kind::Process),
        "command-line" | "commandline" | "cmdline" => What::Is(Kind::CommandLine),
        _ => What::Hidden,
    }
}
