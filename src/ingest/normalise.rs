//! Any shipper's record -> one [`Event`]. Which layout it is, is told by the names in it.
use super::{
    Options, ecs, flat, names,
    node::{Node, number},
    ordinals::Counted,
};
use crate::event::{
    Event, EventBuilder, Field, Key, SYSMON_LINUX_PROVIDER, SYSMON_PROVIDER, SYSMON_PROVIDER_GUID, Time,
};
use std::{borrow::Cow, collections::HashSet, sync::Arc};

/// What became of one record.
#[derive(Debug)]
pub enum Record {
    Event(Event),
    /// An event of this provider, not asked for.
    Other(String),
}

/// Makes events of the records of one file or request.
#[derive(Default)]
pub struct Normaliser {
    pub ordinals: Counted,
    texts: HashSet<Arc<str>>,
    keep_other: bool,
}

impl Normaliser {
    pub fn new(options: &Options) -> Self {
        Self { keep_other: options.keep_other, ..Self::default() }
    }

    /// A record in any JSON layout.
    ///
    /// # Errors
    /// Why it is not an event.
    pub fn json(&mut self, node: &Node) -> Result<Record, Cow<'static, str>> {
        if !matches!(node, Node::Map(_)) {
            return Err("not a JSON object".into());
        }
        let source = node.get("_source").filter(|s| matches!(s, Node::Map(_)));
        let node = source.unwrap_or(node);
        let windows = node.get("Event").unwrap_or(node);
        if windows.get("System").is_some_and(|s| matches!(s, Node::Map(_))) {
            self.windows(windows)
        } else if let Some(data) = node.get("event_data") {
            self.winlogbeat6(node, data)
        } else if node.get("log_name").is_some() && node.get("source_name").is_some() {
            self.winlogbeat6(node, &Node::Null)
        } else if ecs::is(node) {
            ecs::read(self, node)
        } else {
            flat::read(self, node)
        }
    }

    /// Sets the provider.
    ///
    /// # Errors
    /// The name of a provider whose events are not asked for.
    pub fn provider(&mut self, b: &mut EventBuilder, name: Option<&str>, guid: Option<&str>) -> Result<(), String> {
        let name = name.map(str::trim).unwrap_or_default();
        let by_guid = guid.is_some_and(|g| {
            g.trim().trim_start_matches('{').trim_end_matches('}').eq_ignore_ascii_case(SYSMON_PROVIDER_GUID)
        });
        if by_guid || name.eq_ignore_ascii_case(SYSMON_PROVIDER) {
            b.system.provider = self.shared(SYSMON_PROVIDER);
        } else if name.eq_ignore_ascii_case(SYSMON_LINUX_PROVIDER) {
            b.system.provider = self.shared(SYSMON_LINUX_PROVIDER);
        } else if self.keep_other {
            b.system.provider = self.shared(name);
        } else {
            return Err(name.into());
        }
        Ok(())
    }

    pub fn finish(&mut self, builder: EventBuilder) -> Record {
        Record::Event(builder.finish(&mut self.ordinals))
    }

    /// One allocation for a text that many events share.
    pub fn shared(&mut self, text: &str) -> Arc<str> {
        let text = text.trim();
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= 4096 {
            self.texts.clear();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }

    /// `Event.System` and `Event.EventData`: `evtx_dump`, and `Data[] = {Name, text}`.
    fn windows(&mut self, event: &Node) -> Result<Record, Cow<'static, str>> {
        let Some(system) = event.get("System") else { return Err("no System section".into()) };
        let mut b = EventBuilder::default();
        let provider = system.get("Provider");
        let attribute = |node: Option<&Node>, name: &str| attribute(node?, name).map(Cow::into_owned);
        let (name, guid) = (attribute(provider, "Name"), attribute(provider, "Guid"));
        if let Err(other) = self.provider(&mut b, name.as_deref(), guid.as_deref()) {
            return Ok(Record::Other(other));
        }
        let value = |name: &str| system.get(name).and_then(content);
        let num = |name: &str| value(name).and_then(|t| number(&t));
        let small = |name: &str| num(name).and_then(|n| u32::try_from(n).ok());
        b.code = small("EventID").ok_or("no EventID")?;
        b.system.channel = self.shared(&value("Channel").unwrap_or_default());
        b.system.computer = self.shared(&value("Computer").unwrap_or_default());
        b.system.record_id = num("EventRecordID");
        b.system.version = small("Version");
        b.system.level = small("Level");
        b.system.task = small("Task");
        b.system.opcode = small("Opcode");
        b.system.keywords = num("Keywords");
        b.system.time_created = attribute(system.get("TimeCreated"), "SystemTime").and_then(|t| Time::parse(&t));
        let execution = |name| attribute(system.get("Execution"), name).and_then(|t| t.parse().ok());
        b.system.process_id = execution("ProcessID");
        b.system.thread_id = execution("ThreadID");
        b.system.user_id = attribute(system.get("Security"), "UserID").map(|t| self.shared(&t));
        for section in ["EventData", "UserData"] {
            if let Some(data) = event.get(section) {
                event_data(&mut b, data);
            }
        }
        Ok(self.finish(b))
    }

    /// `event_data`, `log_name`, `computer_name`, `source_name` at the top.
    fn winlogbeat6(&mut self, node: &Node, data: &Node) -> Result<Record, Cow<'static, str>> {
        let mut b = EventBuilder::default();
        let text = |name: &str| node.get(name).and_then(Node::text);
        if let Err(other) = self.provider(&mut b, text("source_name").as_deref(), text("provider_guid").as_deref()) {
            return Ok(Record::Other(other));
        }
        let small = |name: &str| node.get(name).and_then(Node::u32);
        b.code = small("event_id").ok_or("no event_id")?;
        b.system.channel = self.shared(&text("log_name").unwrap_or_default());
        b.system.computer = self.shared(&text("computer_name").unwrap_or_default());
        b.system.record_id = node.get("record_number").and_then(Node::uint);
        b.system.version = small("version");
        b.system.level = text("level").and_then(|t| names::level(&t));
        b.system.opcode = text("opcode").and_then(|t| names::opcode(&t));
        b.system.task = small("task");
        b.system.process_id = small("process_id");
        b.system.thread_id = small("thread_id");
        b.system.user_id = node.path("user.identifier").and_then(Node::text).map(|t| self.shared(&t));
        b.system.time_created = text("@timestamp").and_then(|t| Time::parse(&t));
        event_data(&mut b, data);
        if !b.has(Field::UtcTime)
            && let Some(message) = text("message")
        {
            super::message::fill(&mut b, &message);
        }
        Ok(self.finish(b))
    }
}

/// Text of an element: itself, or its `#text`.
fn content<'n>(node: &'n Node) -> Option<Cow<'n, str>> {
    match node {
        Node::Map(_) => node.get("#text").or_else(|| node.get("text")).or_else(|| node.get("Value"))?.text(),
        scalar => scalar.text(),
    }
}

/// An attribute as the converters write it: `#attributes`, `@Name`, or plain.
fn attribute<'n>(node: &'n Node, name: &str) -> Option<Cow<'n, str>> {
    let attributes = node.get("#attributes").unwrap_or(node);
    match attributes.get(name) {
        Some(v) => v.text(),
        None => node.members().iter().find(|(k, _)| k.strip_prefix('@') == Some(name))?.1.text(),
    }
}

/// `{Name: value}`, `Data[] = {Name, text}`, `Data = [..]`, and nested maps (names joined by dots).
pub fn event_data(b: &mut EventBuilder, data: &Node) {
    for (name, value) in data.members() {
        match (&**name, value) {
            ("#attributes" | "@xmlns" | "xmlns", _) => {}
            ("Data", Node::List(items)) => items.iter().for_each(|item| data_item(b, item)),
            ("Data", Node::Map(_)) => data_item(b, value),
            _ => named(b, name, value),
        }
    }
}

fn data_item(b: &mut EventBuilder, item: &Node) {
    match (attribute(item, "Name"), item) {
        (Some(name), _) => {
            if let Some(value) = content(item) {
                b.data(&name, &value);
            }
        }
        (None, Node::Map(_)) => match item.get("#text") {
            Some(Node::List(values)) => values.iter().for_each(|v| named(b, "Data", v)),
            Some(value) => named(b, "Data", value),
            None => event_data(b, item),
        },
        (None, value) => named(b, "Data", value),
    }
}

fn named(b: &mut EventBuilder, name: &str, value: &Node) {
    match value {
        Node::Map(members) => match value.get("#text") {
            Some(text) => named(b, name, text),
            None => members.iter().filter(|(k, _)| k != "#attributes").for_each(|(k, v)| {
                b.add(Key::Other(format!("{name}.{k}").into()), &v.text().unwrap_or_default());
                if matches!(v, Node::Map(_)) {
                    named(b, &format!("{name}.{k}"), v);
                }
            }),
        },
        Node::List(values) => values.iter().for_each(|v| named(b, name, v)),
        scalar => {
            if let Some(text) = scalar.text() {
                b.data(name, &text);
            }
        }
    }
}
