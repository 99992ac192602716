//! From raw names and values to a normalised [`Event`] with its identity.
use super::{Event, EventCode, EventId, Field, Key, System, Time, fields::Type, normal_host, text};
use std::sync::OnceLock;
use uuid::Uuid;

/// Namespace of event ids; part of the stored form, never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d0f_3a52_6c1b_5f6e_9a54_2f6d_30c9_71ae);

/// Counts identical records of one file or request: the n-th record with this content gets n, from 0.
pub trait Ordinals {
    fn next(&mut self, content: u128) -> u64;
}

/// Collects one record in the names of its shipper, then makes the [`Event`].
#[derive(Debug, Default)]
pub struct EventBuilder {
    pub code: u32,
    pub system: System,
    /// Time to fall back to when neither `UtcTime` nor `TimeCreated` is readable.
    pub received: Option<Time>,
    data: Vec<(Key, Box<str>)>,
}

impl EventBuilder {
    /// Adds a value of `EventData`. What means "nothing" is left out.
    pub fn data(&mut self, name: &str, value: &str) {
        self.add(Field::parse_data(name).map_or_else(|| Key::Other(name.into()), Key::Field), value);
    }

    /// As [`Self::data`], where the name is known already.
    pub fn add(&mut self, key: Key, value: &str) {
        let ty = match key {
            Key::Field(f) => f.ty(),
            Key::Other(_) => Type::Text,
        };
        if let Some(v) = normal_value(ty, value) {
            self.data.push((key, v));
        }
    }

    /// Whether the provider set so far is Sysmon's.
    pub fn is_sysmon(&self) -> bool {
        super::is_sysmon(&self.system.provider)
    }

    pub fn has(&self, field: Field) -> bool {
        self.data.iter().any(|(k, _)| *k == Key::Field(field))
    }

    /// Makes the event. An event without any time gets 1970, so that it is stored and found all the same.
    pub fn finish(mut self, ordinals: &mut dyn Ordinals) -> Event {
        arrange(self.code, &mut self.data);
        self.data.dedup_by(|b, a| a == b && matches!(a.0, Key::Field(_)));
        let utc = self.data.iter().find(|(k, _)| *k == Key::Field(Field::UtcTime)).and_then(|(_, v)| Time::parse(v));
        let time = utc.or(self.system.time_created).or(self.received).unwrap_or_default();
        let id = self.identity(utc, ordinals);
        Event { id, code: self.code, time, system: self.system, data: self.data }
    }

    fn identity(&self, utc: Option<Time>, ordinals: &mut dyn Ordinals) -> EventId {
        let s = &self.system;
        let host = normal_host(&s.computer);
        let mut name = Vec::with_capacity(512);
        let mut part = |bytes: &[u8]| {
            name.extend_from_slice(bytes);
            name.push(0);
        };
        if let (Some(record), Some(utc), false, false) = (s.record_id, utc, host.is_empty(), s.channel.is_empty()) {
            part(b"record");
            part(host.as_bytes());
            part(text::fold(&s.channel).as_bytes());
            part(&record.to_be_bytes());
            part(&utc.0.to_be_bytes());
        } else {
            part(b"content");
            part(host.as_bytes());
            part(&self.code.to_be_bytes());
            part(&s.record_id.unwrap_or(0).to_be_bytes());
            part(&s.time_created.map_or(0, |t| t.0).to_be_bytes());
            for (k, v) in &self.data {
                part(k.name().as_bytes());
                part(v.as_bytes());
            }
            let content = Uuid::new_v5(&NAMESPACE, &name).as_u128();
            let n = ordinals.next(content);
            name.clear();
            name.extend_from_slice(&content.to_be_bytes());
            name.extend_from_slice(&n.to_be_bytes());
        }
        EventId(Uuid::new_v5(&NAMESPACE, &name).as_u128())
    }
}

/// Position of each field in the events of one code, by [`Field::index`].
type Ranks = [u8; Field::COUNT];

fn ranks(code: u32) -> &'static Ranks {
    static RANKS: OnceLock<Vec<(u32, Ranks)>> = OnceLock::new();
    const UNKNOWN: Ranks = [u8::MAX - 1; Field::COUNT];
    let all = RANKS.get_or_init(|| {
        let of_code = |c: &EventCode| {
            let mut ranks = UNKNOWN;
            for (n, field) in (0..).zip(c.fields) {
                if let Some(rank) = ranks.get_mut(field.index()) {
                    *rank = n;
                }
            }
            (c.code, ranks)
        };
        EventCode::all().iter().map(of_code).collect()
    });
    all.iter().find(|(c, _)| *c == code).map_or(&UNKNOWN, |(_, ranks)| ranks)
}

/// Puts values into the order of [`Event::data`].
pub fn arrange(code: u32, data: &mut [(Key, Box<str>)]) {
    let order = ranks(code);
    data.sort_by(|(a, _), (b, _)| rank(order, a).cmp(&rank(order, b)).then_with(|| a.cmp(b)));
}

fn rank(ranks: &Ranks, key: &Key) -> u8 {
    match key {
        Key::Field(f) => ranks.get(f.index()).copied().unwrap_or(u8::MAX),
        Key::Other(_) => u8::MAX,
    }
}

/// Canonical text of a value, `None` for what means "nothing" (`-`, empty, zero GUID).
/// Text that does not fit its type is kept as it is: nothing is lost.
pub fn normal_value(ty: Type, value: &str) -> Option<Box<str>> {
    let trimmed = value.trim();
    if trimmed.is_empty() || trimmed == "-" {
        return None;
    }
    let canonical = match ty {
        Type::Text => None,
        Type::UInt => match trimmed.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n.to_string()),
            None => trimmed.parse::<u64>().ok().map(|n| n.to_string()),
        },
        Type::Hex => match trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => trimmed.parse::<u64>().ok(),
        }
        .map(|n| format!("{n:#x}")),
        Type::Bool => Some(trimmed.to_ascii_lowercase()),
        Type::Guid => {
            let uuid = Uuid::parse_str(trimmed.trim_start_matches('{').trim_end_matches('}')).ok();
            if uuid.is_some_and(|u| u.is_nil()) {
                return None;
            }
            uuid.map(|u| u.as_braced().to_string())
        }
        Type::Ip => text::ip(trimmed).map(|ip| ip.to_string()),
        Type::Time => match Time::parse(trimmed) {
            Some(_) if is_sysmon_form(value.as_bytes()) => None,
            time => time.map(Time::sysmon),
        },
    };
    Some(canonical.map_or_else(|| value.into(), String::into_boxed_str))
}

/// Whether a readable time is written as Sysmon writes it, so that it can stay as it is.
fn is_sysmon_form(text: &[u8]) -> bool {
    matches!(text, [_, _, _, _, b'-', _, _, b'-', _, _, b' ', _, _, b':', _, _, b':', _, _, b'.', _, _, last]
        if last.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Count(HashMap<u128, u64>);
    impl Ordinals for Count {
        fn next(&mut self, content: u128) -> u64 {
            let n = self.0.entry(content).or_default();
            *n += 1;
            *n - 1
        }
    }

    fn build(record: Option<u64>, ordinals: &mut Count) -> Event {
        let mut b = EventBuilder { code: 1, ..Default::default() };
        b.system.computer = "HOST.example.".into();
        b.system.channel = super::super::SYSMON_CHANNEL.into();
        b.system.record_id = record;
        b.data("Image", r"C:\a.exe");
        b.data("ProcessGUID", "{ABCDEF00-0000-0000-0000-000000000001}");
        b.data("UtcTime", "2021-10-20 13:39:10.123");
        b.data("ParentUser", "-");
        b.data("Brand-new", "x");
        b.finish(ordinals)
    }

    #[test]
    fn normalises_and_orders() {
        let e = build(Some(1), &mut Count::default());
        let names: Vec<&str> = e.data.iter().map(|(k, _)| k.name()).collect();
        assert_eq!(names, ["UtcTime", "ProcessGuid", "Image", "Brand-new"]);
        assert_eq!(e.get(Field::ProcessGuid), Some("{abcdef00-0000-0000-0000-000000000001}"));
        assert_eq!(e.host(), "host.example");
    }

    #[test]
    fn identity_by_record_or_by_content_and_ordinal() {
        let mut o = Count::default();
        assert_eq!(build(Some(1), &mut o).id, build(Some(1), &mut o).id);
        assert_ne!(build(Some(1), &mut o).id, build(Some(2), &mut o).id);
        let (a, b) = (build(None, &mut o).id, build(None, &mut o).id);
        assert_ne!(a, b, "identical records without a number are two records");
        let mut again = Count::default();
        assert_eq!((a, b), (build(None, &mut again).id, build(None, &mut again).id));
    }

    #[test]
    fn canonical_values() {
        let v = |ty, s| normal_value(ty, s).map(String::from);
        assert_eq!(v(Type::Hex, "0x003E7").as_deref(), Some("0x3e7"));
        assert_eq!(v(Type::UInt, "0x10").as_deref(), Some("16"));
        assert_eq!(v(Type::Ip, "::ffff:10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(v(Type::Ip, "fe80:0:0:0:0:0:0:1").as_deref(), Some("fe80::1"));
        assert_eq!(v(Type::Guid, "{00000000-0000-0000-0000-000000000000}"), None);
        assert_eq!(v(Type::Bool, "True").as_deref(), Some("true"));
        assert_eq!(v(Type::Time, " 2021-10-20T13:39:10.12Z").as_deref(), Some("2021-10-20 13:39:10.120"));
        assert_eq!(v(Type::Time, "2021-10-20 13:39:10.12Z").as_deref(), Some("2021-10-20 13:39:10.120"));
        assert_eq!(v(Type::Text, " a ").as_deref(), Some(" a "));
    }
}
