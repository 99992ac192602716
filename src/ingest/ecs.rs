//! winlogbeat 7 and 8, and our own documents: `winlog.event_data`, and ECS fields where Elastic's ingest
//! pipeline for Sysmon has moved values there.
use super::{
    message, names,
    node::Node,
    normalise::{Normaliser, Record, event_data},
};
use crate::event::{EventBuilder, EventCode, Field, Key, Time, document};
use std::borrow::Cow;

pub fn is(node: &Node) -> bool {
    node.get("winlog").is_some()
        || node.members().iter().any(|(k, _)| k.starts_with("winlog.") || k == "event.provider")
}

pub fn read(normaliser: &mut Normaliser, node: &Node) -> Result<Record, Cow<'static, str>> {
    let text = |path: &str| node.path(path).and_then(Node::text);
    let provider = text("winlog.provider_name").or_else(|| text("event.provider"));
    let mut b = EventBuilder::default();
    if let Err(other) = normaliser.provider(&mut b, provider.as_deref(), text("winlog.provider_guid").as_deref()) {
        return Ok(Record::Other(other));
    }
    let small = |path: &str| node.path(path).and_then(Node::u32);
    b.code = small("winlog.event_id").or_else(|| small("event.code")).ok_or("no event.code")?;
    let s = &mut b.system;
    s.channel = normaliser.shared(&text("winlog.channel").unwrap_or_default());
    let computer = text("winlog.computer_name").or_else(|| text("host.name"));
    s.computer = normaliser.shared(&computer.unwrap_or_default());
    s.record_id = node.path("winlog.record_id").and_then(Node::uint);
    s.version = small("winlog.version");
    s.level = text("log.level").and_then(|t| names::level(&t));
    s.task = small("winlog.task");
    s.opcode = text("winlog.opcode").and_then(|t| names::opcode(&t));
    s.keywords = node.path("winlog.keywords").and_then(Node::uint);
    s.process_id = small("winlog.process.pid");
    s.thread_id = small("winlog.process.thread.id");
    s.user_id = text("winlog.user.identifier").map(|t| normaliser.shared(&t));
    s.time_created = text("winlog.time_created").and_then(|t| Time::parse(&t));
    let timestamp = text("@timestamp").and_then(|t| Time::parse(&t));
    if let Some(data) = node.path("winlog.event_data") {
        event_data(&mut b, data);
    } else {
        for (name, value) in node.members() {
            if let Some(name) = name.strip_prefix("winlog.event_data.") {
                event_data(&mut b, &Node::Map(vec![(Cow::Borrowed(name), value.clone())]));
            }
        }
    }
    if let Some(data) = node.path("winlog.user_data") {
        event_data(&mut b, data);
    }
    let own = text("agent.type").as_deref() == Some(document::AGENT);
    // The pipeline has put UtcTime into @timestamp and dropped it.
    let pipeline = !own
        && !b.has(Field::UtcTime)
        && (text("event.module").as_deref() == Some("sysmon") || node.path("process.entity_id").is_some());
    if pipeline {
        if let Some(t) = timestamp {
            b.add(Key::Field(Field::UtcTime), &t.sysmon());
        }
        read_back(&mut b, node);
    } else {
        b.system.time_created = b.system.time_created.or(timestamp.filter(|_| !own));
        if b.is_sysmon()
            && !b.has(Field::UtcTime)
            && let Some(m) = text("message")
        {
            message::fill(&mut b, &m);
        }
    }
    b.received = timestamp;
    Ok(normaliser.finish(b))
}

/// Values that are left in ECS fields only.
fn read_back(b: &mut EventBuilder, node: &Node) {
    let Some(code) = EventCode::get(b.code) else { return };
    for field in code.fields {
        if !b.has(*field)
            && let Some(value) = ecs_value(node, b.code, *field)
        {
            b.add(Key::Field(*field), &value);
        }
    }
}

fn ecs_value<'n>(node: &'n Node, code: u32, field: Field) -> Option<Cow<'n, str>> {
    let text = |path: &str| node.path(path).and_then(Node::text);
    let account = |domain: &str, name: &str| match (text(domain), text(name)) {
        (Some(d), Some(n)) => Some(Cow::Owned(format!("{d}\\{n}"))),
        (None, name) => name,
        _ => None,
    };
    match field {
        Field::User | Field::SourceUser => account("user.domain", "user.name"),
        Field::ParentUser => account("process.parent.user.domain", "process.parent.user.name"),
        Field::Hashes | Field::Hash => hashes(node).map(Cow::Owned),
        Field::Initiated => match &*text("network.direction")?.to_ascii_lowercase() {
            "egress" | "outbound" => Some("true".into()),
            "ingress" | "inbound" => Some("false".into()),
            _ => None,
        },
        Field::SourceIsIpv6 | Field::DestinationIsIpv6 => match &*text("network.type")? {
            "ipv6" => Some("true".into()),
            "ipv4" => Some("false".into()),
            _ => None,
        },
        Field::FileVersion | Field::Description | Field::Product | Field::Company | Field::OriginalFileName => {
            let name = field.ecs().strip_prefix("process.")?;
            ["process", "file", "dll"].iter().find_map(|of| text(&format!("{of}.{name}")))
        }
        Field::ImageLoaded => text("file.path").or_else(|| text("dll.path")),
        Field::Signed | Field::Signature | Field::SignatureStatus => {
            let name = field.ecs().strip_prefix("file.")?;
            ["file", "dll"].iter().find_map(|of| text(&format!("{of}.{name}")))
        }
        Field::QueryStatus => text("sysmon.dns.status").map(|s| if s == "SUCCESS" { "0".into() } else { s }),
        Field::QueryResults => query_results(node).map(Cow::Owned),
        Field::Destination => text("process.executable"),
        Field::Type if code == 25 => text("message"),
        _ if field.ecs().is_empty() => None,
        _ => text(field.ecs()),
    }
}

fn hashes(node: &Node) -> Option<String> {
    let mut all = Vec::new();
    for of in ["process", "file", "dll"] {
        if let Some(hash) = node.path(&format!("{of}.hash")) {
            let values = hash.members().iter().filter_map(|(k, v)| Some((k.to_ascii_uppercase(), v.text()?)));
            all.extend(values.map(|(k, v)| format!("{k}={v}")));
        }
        if let Some(v) = node.path(&format!("{of}.pe.imphash")).and_then(Node::text) {
            all.push(format!("IMPHASH={v}"));
        }
    }
    (!all.is_empty()).then(|| all.join(","))
}

/// DNS answers in Sysmon's own form: `type:  5 name;::ffff:1.2.3.4;`.
fn query_results(node: &Node) -> Option<String> {
    let Some(Node::List(answers)) = node.path("dns.answers") else { return None };
    let mut out = String::new();
    for answer in answers {
        let data = answer.get("data").and_then(Node::text)?;
        let ty = answer.get("type").and_then(Node::text).unwrap_or_default();
        match &*ty {
            "A" => out.push_str(&format!("::ffff:{data};")),
            "AAAA" | "" => out.push_str(&format!("{data};")),
            _ => {
                let number = DNS_TYPES.iter().find(|(n, _)| *n == ty).map_or(Cow::Borrowed(&*ty), |(_, n)| (*n).into());
                out.push_str(&format!("type:  {number} {data};"));
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

const DNS_TYPES: &[(&str, &str)] =
    &[("NS", "2"), ("CNAME", "5"), ("SOA", "6"), ("PTR", "12"), ("MX", "15"), ("TXT", "16"), ("SRV", "33")];
