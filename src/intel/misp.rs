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
    #[serde(default)]
    name: String,
    #[serde(default)]
    uuid: String,
    #[serde(default)]
    deleted: bool,
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
    /// Whether it is meant for detection; the rest is context.
    #[serde(default = "yes")]
    to_ids: bool,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
}

const fn yes() -> bool {
    true
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
        let push = |findings: &mut Findings, origin: String, tlp: Option<Tlp>, expr: Expr| {
            let title = title.clone();
            findings.push(Found { origin, title, valid_from: None, valid_until: None, tlp: tlp.or(marked), expr });
        };
        for a in detecting(event.attributes, &mut findings) {
            push(&mut findings, a.uuid, colour(&a.tags), attribute(&a.kind, &a.value));
        }
        for object in event.objects.into_iter().filter(|o| !o.deleted) {
            let attributes = detecting(object.attributes, &mut findings);
            if object.name == "file" && !attributes.is_empty() {
                let tlp = attributes.iter().filter_map(|a| colour(&a.tags)).max();
                push(&mut findings, object.uuid, tlp, file(&attributes));
                continue;
            }
            for a in attributes {
                push(&mut findings, a.uuid, colour(&a.tags), attribute(&a.kind, &a.value));
            }
        }
    }
    Ok(findings)
}

/// The attributes that are meant for detection; the others are told.
fn detecting(attributes: Vec<Attribute>, findings: &mut Findings) -> Vec<Attribute> {
    let (wanted, context): (Vec<_>, Vec<_>) = attributes.into_iter().filter(|a| !a.deleted).partition(|a| a.to_ids);
    for a in context {
        let reason = format!("{} '{}': context, not for detection", shown(&a.kind), shown(&a.value));
        findings.issue(a.uuid, reason);
    }
    wanted
}

/// One file: all of what is said of it, by any of its hashes and names.
fn file(attributes: &[Attribute]) -> Expr {
    let (mut names, mut rest) = (Vec::new(), Vec::new());
    let is_hash = |kind: &str| ["md5", "sha1", "sha256", "malware-sample"].iter().any(|h| kind.ends_with(h));
    let identified = attributes.iter().any(|a| is_hash(&a.kind));
    for a in attributes {
        let expr = match a.kind.as_str() {
            "imphash" if identified => Expr::content("imphash: follows from the content"),
            "size-in-bytes" | "float" | "ssdeep" | "tlsh" | "vhash" | "authentihash" | "pehash" | "mime-type"
            | "attachment" | "pattern-in-file" | "sha224" | "sha384" | "sha512" | "sha512/224" | "sha512/256"
            | "sha3-224" | "sha3-256" | "sha3-384" | "sha3-512" => {
                Expr::content(format!("{} '{}': follows from the content", shown(&a.kind), shown(&a.value)))
            }
            kind => attribute(kind, &a.value),
        };
        let parts = if let Expr::And(parts) = expr { parts } else { vec![expr] };
        for part in parts {
            let named = matches!(&part, Expr::Leaf(l) if matches!(l.kind, Kind::FileName | Kind::FilePath));
            let known = if named { &mut names } else { &mut rest };
            if !known.contains(&part) {
                known.push(part);
            }
        }
    }
    if !names.is_empty() {
        rest.push(Expr::or(names));
    }
    Expr::and(rest)
}

fn colour(tags: &[Tag]) -> Option<Tlp> {
    tags.iter().filter(|t| t.name.to_ascii_lowercase().starts_with("tlp:")).find_map(|t| tlp(&t.name))
}

/// An attribute by its type; two joined by `|` have two values joined by it.
pub fn attribute(kind: &str, value: &str) -> Expr {
    // A sample is told by its name and hash.
    let kind = if kind == "malware-sample" { "filename|md5" } else { kind };
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
        "md5" | "hash-md5" | "md5-hash" | "filehash-md5" | "file-hash-md5" => What::Is(Kind::Md5),
        "sha1" | "sha-1" | "hash-sha1" | "sha1-hash" | "filehash-sha1" | "file-hash-sha1" => What::Is(Kind::Sha1),
        "sha256" | "sha-256" | "hash-sha256" | "sha256-hash" | "filehash-sha256" | "file-hash-sha256" => {
            What::Is(Kind::Sha256)
        }
        "imphash" | "filehash-imphash" => What::Is(Kind::Imphash),
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
