//! The event document: winlogbeat's layout with ECS fields. `winlog.event_data` holds everything, as text;
//! the ECS fields repeat it in their types. Reading a document back gives the same [`Event`].
use super::{Category, Event, EventCode, Field, Key, SYSMON_PROVIDER, SYSMON_PROVIDER_GUID, fields::Type, text};
use serde_json::{Map, Value, json};

/// `agent.type` of our documents: tells a reader that `winlog.event_data` is complete.
pub const AGENT: &str = "sysmonsearch";

/// The document of an event.
pub fn document(event: &Event) -> Value {
    let s = &event.system;
    let code = EventCode::get(event.code).filter(|_| event.is_sysmon());
    let mut doc = Map::new();
    let mut put = |path: &str, value: Value| put(&mut doc, path, value);
    put("@timestamp", event.time.rfc3339().into());
    put("ecs.version", "8.17.0".into());
    put("agent.type", AGENT.into());
    put("event.id", event.id.to_string().into());
    put("event.kind", "event".into());
    put("event.code", event.code.to_string().into());
    put("event.provider", text_or_null(&s.provider));
    if let Some(code) = code {
        put("event.module", "sysmon".into());
        put("event.action", code.name.into());
        put("event.category", json!([ecs_category(code.category)]));
    }
    put("event.created", s.time_created.map_or(Value::Null, |t| t.rfc3339().into()));
    put("host.name", text_or_null(&s.computer));
    put("log.level", s.level.map_or(Value::Null, |l| level_name(l).into()));
    put("winlog.channel", text_or_null(&s.channel));
    put("winlog.computer_name", text_or_null(&s.computer));
    put("winlog.provider_name", text_or_null(&s.provider));
    if &*s.provider == SYSMON_PROVIDER {
        put("winlog.provider_guid", format!("{{{SYSMON_PROVIDER_GUID}}}").into());
    }
    put("winlog.event_id", event.code.to_string().into());
    put("winlog.record_id", s.record_id.map_or(Value::Null, |n| n.to_string().into()));
    put("winlog.version", s.version.into());
    put("winlog.task", s.task.map_or(Value::Null, |n| n.to_string().into()));
    put("winlog.opcode", s.opcode.map_or(Value::Null, |n| if n == 0 { "Info".into() } else { n.to_string().into() }));
    put("winlog.keywords", s.keywords.map_or(Value::Null, |k| json!([format!("{k:#x}")])));
    put("winlog.time_created", s.time_created.map_or(Value::Null, |t| t.rfc3339().into()));
    put("winlog.process.pid", s.process_id.into());
    put("winlog.process.thread.id", s.thread_id.into());
    put("winlog.user.identifier", s.user_id.as_deref().into());
    put("winlog.event_data", event_data(event));
    if event.is_sysmon() {
        for (key, value) in &event.data {
            if let Key::Field(field) = key {
                ecs(&mut put, event.code, *field, value);
            }
        }
        computed(&mut put, event);
    }
    Value::Object(doc)
}

/// Every value under its Sysmon name; several of one name as a list.
fn event_data(event: &Event) -> Value {
    let mut data = Map::new();
    for (key, value) in &event.data {
        let value = Value::from(&**value);
        match data.get_mut(key.name()) {
            None => {
                data.insert(key.name().into(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    if data.is_empty() { Value::Null } else { Value::Object(data) }
}

/// One value in its ECS field, where there is one.
fn ecs(put: &mut impl FnMut(&str, Value), code: u32, field: Field, value: &str) {
    let path = match (field, code) {
        (Field::UtcTime, _) => return,
        (Field::Description, 255) => "error.message",
        (Field::User | Field::SourceUser | Field::ParentUser, _) => {
            let of = if field == Field::ParentUser { "process.parent.user" } else { "user" };
            let (domain, name) = value.split_once('\\').map_or((None, value), |(d, n)| (Some(d), n));
            put(&format!("{of}.domain"), domain.into());
            return put(&format!("{of}.name"), name.into());
        }
        (Field::Initiated, _) => {
            return put("network.direction", if value == "true" { "egress" } else { "ingress" }.into());
        }
        (Field::SourceIsIpv6, _) => {
            return put("network.type", if value == "true" { "ipv6" } else { "ipv4" }.into());
        }
        _ => field.ecs(),
    };
    // A module's version resources are the file's, not the process's.
    let moved = path.strip_prefix("process.pe.").filter(|_| code != 1).map(|name| format!("file.pe.{name}"));
    let path = moved.as_deref().unwrap_or(path);
    if path.is_empty() {
        return;
    }
    put(path, typed(field.ty(), value));
    if path == "process.executable" || path == "process.parent.executable" {
        let name = value.rsplit(['\\', '/']).next().unwrap_or(value);
        put(&path.replace("executable", "name"), name.into());
    }
}

/// The values that ECS keeps in fields of their own, and `related.*`.
fn computed(put: &mut impl FnMut(&str, Value), event: &Event) {
    let of = if event.code == 1 { "process" } else { "file" };
    let mut hashes = Vec::new();
    for (algorithm, value) in event.hashes() {
        let (algorithm, value) = (algorithm.to_ascii_lowercase(), value.to_ascii_lowercase());
        let path = if algorithm == "imphash" { format!("{of}.pe.imphash") } else { format!("{of}.hash.{algorithm}") };
        put(&path, value.clone().into());
        hashes.push(value);
    }
    let list = |fields: &[Field]| -> Vec<String> {
        fields.iter().flat_map(|f| event.values(*f)).map(std::borrow::Cow::into_owned).collect()
    };
    put("dns.resolved_ip", related(list(&[Field::ResolvedIp])));
    put("related.ip", related(list(&[Field::SourceIp, Field::DestinationIp, Field::ResolvedIp])));
    put("related.hash", related(hashes));
    let users = list(&[Field::User, Field::SourceUser, Field::TargetUser, Field::ParentUser]);
    put("related.user", related(users.iter().map(|u| u.rsplit('\\').next().unwrap_or(u).to_owned()).collect()));
    let hosts = list(&[Field::Computer, Field::SourceHostname, Field::DestinationHostname, Field::QueryName]);
    put("related.hosts", related(hosts.iter().map(|h| text::fold(h)).collect()));
    if let Some((key, value)) = event.registry_path() {
        if let Some((hive, key)) = key.split_once('\\') {
            put("registry.hive", hive.into());
            put("registry.key", key.into());
        }
        put("registry.value", value.into());
    }
}

/// A list without repetitions, null when empty.
fn related(mut values: Vec<String>) -> Value {
    values.sort();
    values.dedup();
    if values.is_empty() { Value::Null } else { values.into() }
}

/// Text in the type of its field; text that does not fit stays text.
fn typed(ty: Type, value: &str) -> Value {
    match ty {
        Type::UInt => value.parse::<u64>().map_or_else(|_| value.into(), Value::from),
        Type::Bool => value.parse::<bool>().map_or_else(|_| value.into(), Value::from),
        Type::Time => super::Time::parse(value).map_or_else(|| value.into(), |t| t.rfc3339().into()),
        Type::Text | Type::Guid | Type::Hex | Type::Ip => value.into(),
    }
}

/// Sets a dotted path, unless the value is null. The first value of a path stays.
fn put(doc: &mut Map<String, Value>, path: &str, value: Value) {
    if value.is_null() {
        return;
    }
    match path.split_once('.') {
        None => {
            doc.entry(path).or_insert(value);
        }
        Some((first, rest)) => {
            if let Value::Object(inner) = doc.entry(first).or_insert_with(|| Map::new().into()) {
                put(inner, rest, value);
            }
        }
    }
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn level_name(level: u32) -> String {
    match level {
        1 => "critical".into(),
        2 => "error".into(),
        3 => "warning".into(),
        4 => "information".into(),
        5 => "verbose".into(),
        other => other.to_string(),
    }
}

const fn ecs_category(category: Category) -> &'static str {
    match category {
        Category::Process => "process",
        Category::File | Category::Pipe => "file",
        Category::Registry => "registry",
        Category::Network | Category::Dns => "network",
        Category::Image => "library",
        Category::Wmi | Category::Other => "configuration",
    }
}
