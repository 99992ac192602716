//! Records with all fields at the top: nxlog (also behind logstash), and Azure's `WindowsEvent`, whose
//! `EventData` is text.
use super::{
    message, names,
    node::Node,
    normalise::{Normaliser, Record, event_data},
    xml,
};
use crate::event::{EventBuilder, EventCode, Field, Key, Time, fields::Source};
use std::{borrow::Cow, collections::HashMap, sync::OnceLock};

/// What a top-level name means.
#[derive(Clone, Copy)]
enum Meaning {
    Data(Field),
    Computer,
    Channel,
    RecordId,
    Version,
    Level,
    Task,
    Opcode,
    Keywords,
    ProcessId,
    ThreadId,
    UserId,
    TimeCreated,
    /// A time without a zone, or of reception: only a fall-back.
    Received,
    EventType,
    Type,
    Message,
    EventData,
    /// Of the shipper, not of the event.
    Dropped,
}

/// Names that nxlog, logstash and Azure add about the shipping.
const DROPPED: &[&str] = &[
    "EventID",
    "SourceName",
    "Provider",
    "ProviderName",
    "ProviderGuid",
    "AccountName",
    "AccountType",
    "Category",
    "Domain",
    "ERROR_EVT_UNRESOLVED",
    "EventReceivedTime",
    "EventTypeOrignal",
    "EventTypeOriginal",
    "MessageSourceAddress",
    "Opcode",
    "SeverityValue",
    "SourceModuleName",
    "SourceModuleType",
    "@metadata",
    "@version",
    "host",
    "path",
    "port",
    "tags",
    "type",
    "EventLevelName",
    "EventOriginId",
    "MG",
    "ManagementGroupName",
    "SourceSystem",
    "SubscriptionId",
    "TenantId",
    "TimeGenerated",
    "_ItemId",
    "_ResourceId",
    "_TimeReceived",
];

fn meanings() -> &'static HashMap<&'static str, Meaning> {
    static MEANINGS: OnceLock<HashMap<&'static str, Meaning>> = OnceLock::new();
    MEANINGS.get_or_init(|| {
        let data = Field::all().filter(|f| f.source() == Source::Data).map(|f| (f.name(), Meaning::Data(f)));
        data.chain(DROPPED.iter().map(|n| (*n, Meaning::Dropped)))
            .chain([
                ("Computer", Meaning::Computer),
                ("Hostname", Meaning::Computer),
                ("Channel", Meaning::Channel),
                ("RecordNumber", Meaning::RecordId),
                ("EventRecordID", Meaning::RecordId),
                ("EventRecordId", Meaning::RecordId),
                ("Version", Meaning::Version),
                ("Level", Meaning::Level),
                ("EventLevel", Meaning::Level),
                ("Severity", Meaning::Level),
                ("Task", Meaning::Task),
                ("OpcodeValue", Meaning::Opcode),
                ("Keywords", Meaning::Keywords),
                ("ExecutionProcessID", Meaning::ProcessId),
                ("ProcessID", Meaning::ProcessId),
                ("SystemProcessId", Meaning::ProcessId),
                ("ThreadID", Meaning::ThreadId),
                ("ExecutionThreadID", Meaning::ThreadId),
                ("SystemThreadId", Meaning::ThreadId),
                ("UserID", Meaning::UserId),
                ("SystemUserId", Meaning::UserId),
                ("TimeCreated", Meaning::TimeCreated),
                ("@timestamp", Meaning::Received),
                ("EventTime", Meaning::Received),
                ("TimeGenerated", Meaning::Received),
                ("EventType", Meaning::EventType),
                ("Type", Meaning::Type),
                ("Message", Meaning::Message),
                ("message", Meaning::Message),
                ("EventData", Meaning::EventData),
            ])
            .collect()
    })
}

/// nxlog's own `EventType`, which shares its name with Sysmon's.
const SEVERITIES: &[&str] =
    &["INFO", "WARNING", "ERROR", "CRITICAL", "VERBOSE", "DEBUG", "AUDIT_SUCCESS", "AUDIT_FAILURE"];

pub fn read(normaliser: &mut Normaliser, node: &Node) -> Result<Record, Cow<'static, str>> {
    let first = |names: &[&str]| names.iter().find_map(|n| node.get(n)).and_then(Node::text);
    let provider = first(&["SourceName", "Provider", "ProviderName"]);
    let guid = first(&["ProviderGuid", "ProviderGUID"]);
    let code = node.get("EventID").and_then(Node::u32);
    if provider.is_none() && guid.is_none() && code.is_none() {
        return Err("not an event in a known layout (winlogbeat, nxlog, evtx_dump, WindowsEvent)".into());
    }
    let mut b = EventBuilder::default();
    if let Err(other) = normaliser.provider(&mut b, provider.as_deref(), guid.as_deref()) {
        return Ok(Record::Other(other));
    }
    b.code = code.ok_or("no EventID")?;
    let known = EventCode::get(b.code);
    let of_code = |f: Field| known.is_some_and(|c| c.fields.contains(&f));
    let (mut fields, mut rendered) = (0, None);
    for (name, value) in node.members() {
        let Some(meaning) = meanings().get(&**name) else {
            other_name(&mut b, name, value, &mut fields);
            continue;
        };
        let text = || value.text();
        let s = &mut b.system;
        match meaning {
            // logstash's copy of SourceProcessId on codes 8 and 10.
            Meaning::Data(Field::ProcessId)
                if known.is_some()
                    && !of_code(Field::ProcessId)
                    && text() == node.get("SourceProcessId").and_then(Node::text) => {}
            Meaning::Data(field) => {
                fields += 1;
                if let Some(v) = text() {
                    b.add(Key::Field(*field), &v);
                }
            }
            Meaning::Computer => s.computer = normaliser.shared(&text().unwrap_or_default()),
            Meaning::Channel => s.channel = normaliser.shared(&text().unwrap_or_default()),
            Meaning::RecordId => s.record_id = value.uint(),
            // Code 4 has a field of this name: Sysmon's own version, with a point.
            Meaning::Version => match text() {
                Some(v) if of_code(Field::Version) && v.contains('.') => {
                    fields += 1;
                    b.add(Key::Field(Field::Version), &v);
                }
                _ => s.version = value.u32(),
            },
            Meaning::Level => s.level = s.level.or_else(|| names::level(&text()?)),
            Meaning::Task => s.task = value.u32(),
            Meaning::Opcode => s.opcode = value.u32(),
            Meaning::Keywords => s.keywords = value.uint(),
            Meaning::ProcessId => s.process_id = value.u32(),
            Meaning::ThreadId => s.thread_id = value.u32(),
            Meaning::UserId => s.user_id = text().map(|t| normaliser.shared(&t)),
            Meaning::TimeCreated => s.time_created = text().and_then(|t| Time::parse(&t)),
            Meaning::Received => b.received = b.received.or_else(|| Time::parse(&text()?)),
            Meaning::EventType => {
                if let Some(v) = text().filter(|v| !SEVERITIES.contains(&&**v)) {
                    fields += 1;
                    b.add(Key::Field(Field::EventType), &v);
                }
            }
            Meaning::Type => {
                if let Some(v) = text().filter(|_| of_code(Field::Type)) {
                    fields += 1;
                    b.add(Key::Field(Field::Type), &v);
                }
            }
            Meaning::Message => rendered = rendered.or(Some(value)),
            Meaning::EventData => match value {
                Node::Text(t) if t.trim_start().starts_with('<') => {
                    let inner = xml::parse(t.as_bytes())?;
                    let item = inner.get("DataItem").unwrap_or(&inner);
                    event_data(&mut b, item.get("EventData").unwrap_or(item));
                }
                Node::Text(t) => match serde_json::from_str::<Node>(t) {
                    Ok(inner) => event_data(&mut b, &inner),
                    Err(e) => return Err(format!("EventData is not JSON: {e}").into()),
                },
                map => event_data(&mut b, map),
            },
            Meaning::Dropped => {}
        }
    }
    // nxlog loses a field whose name it uses itself (ProcessId behind ProcessID): the text still has it.
    if let Some(Node::Text(text)) = rendered
        && b.is_sysmon()
        && message::lines(text) > fields
    {
        message::fill(&mut b, text);
    }
    Ok(normaliser.finish(b))
}

/// A name that is nobody's: another spelling of a field, or new.
fn other_name(b: &mut EventBuilder, name: &str, value: &Node, fields: &mut usize) {
    if Field::parse_data(name).is_some() {
        *fields += 1;
    }
    match value {
        Node::Map(_) | Node::List(_) => event_data(b, &Node::Map(vec![(Cow::Borrowed(name), value.clone())])),
        scalar => {
            if let Some(text) = scalar.text() {
                b.data(name, &text);
            }
        }
    }
}
