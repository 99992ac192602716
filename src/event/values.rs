//! The values of a field: one definition for conditions, indexes, statistics and rules.
use super::{Event, Field, Key, text};
use std::borrow::Cow;

impl Event {
    /// All values of `field`, computed fields included. Usually none or one; several for hashes and
    /// resolved addresses. Texts keep their case.
    pub fn values(&self, field: Field) -> Vec<Cow<'_, str>> {
        use super::fields::Source;
        match field.source() {
            Source::Data => {
                self.data.iter().filter(|(k, _)| *k == Key::Field(field)).map(|(_, v)| Cow::Borrowed(&**v)).collect()
            }
            Source::System => self.system_value(field).into_iter().collect(),
            Source::Derived => self.derived_values(field),
        }
    }

    /// Values under any name; an unknown name is compared exactly.
    pub fn key_values(&self, key: &Key) -> Vec<Cow<'_, str>> {
        match key {
            Key::Field(f) => self.values(*f),
            other => self.data.iter().filter(|(k, _)| k == other).map(|(_, v)| Cow::Borrowed(&**v)).collect(),
        }
    }

    fn system_value(&self, field: Field) -> Option<Cow<'_, str>> {
        let s = &self.system;
        let text = |t: &'_ std::sync::Arc<str>| (!t.is_empty()).then(|| Cow::Owned(t.to_string()));
        let num = |n: Option<u64>| n.map(|n| Cow::Owned(n.to_string()));
        match field {
            Field::Computer => text(&s.computer),
            Field::Channel => text(&s.channel),
            Field::Provider => text(&s.provider),
            Field::EventId => num(Some(u64::from(self.code))),
            Field::EventVersion => num(s.version.map(u64::from)),
            Field::EventRecordId => num(s.record_id),
            Field::Level => num(s.level.map(u64::from)),
            Field::Task => num(s.task.map(u64::from)),
            Field::Opcode => num(s.opcode.map(u64::from)),
            Field::Keywords => s.keywords.map(|k| Cow::Owned(format!("{k:#x}"))),
            Field::TimeCreated => s.time_created.map(|t| Cow::Owned(t.sysmon())),
            Field::ExecutionProcessId => num(s.process_id.map(u64::from)),
            Field::ExecutionThreadId => num(s.thread_id.map(u64::from)),
            Field::UserId => s.user_id.as_ref().and_then(text),
            _ => None,
        }
    }

    fn derived_values(&self, field: Field) -> Vec<Cow<'_, str>> {
        match field {
            Field::HashValue => self.hashes().into_iter().map(|(_, v)| Cow::Borrowed(v)).collect(),
            Field::Md5 | Field::Sha1 | Field::Sha256 | Field::Imphash => self
                .hashes()
                .into_iter()
                .filter(|(a, _)| a.eq_ignore_ascii_case(field.name()))
                .map(|(_, v)| Cow::Borrowed(v))
                .collect(),
            Field::ResolvedIp => self
                .get(Field::QueryResults)
                .map(|r| dns_answers(r).filter_map(text::ip).map(|ip| Cow::Owned(ip.to_string())).collect())
                .unwrap_or_default(),
            Field::RegistryKey => self.registry_path().map(|(k, _)| Cow::Borrowed(k)).into_iter().collect(),
            Field::RegistryValueName => {
                self.registry_path().and_then(|(_, v)| v).map(Cow::Borrowed).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Algorithm and value of every hash in `Hashes`, `Hash` and `ConfigurationFileHash`.
    /// A value without a name is told by its length; all-zero hashes are absent.
    pub fn hashes(&self) -> Vec<(&str, &str)> {
        [Field::Hashes, Field::Hash, Field::ConfigurationFileHash]
            .into_iter()
            .filter_map(|f| self.get(f))
            .flat_map(hashes_in)
            .collect()
    }

    /// Key and value name of `TargetObject`. The value name is there for codes 13 and 14 when a value is
    /// meant, and for `CreateValue`/`DeleteValue` of code 12.
    pub fn registry_path(&self) -> Option<(&str, Option<&str>)> {
        let path = self.get(Field::TargetObject)?;
        let is_value = match self.code {
            13 => true,
            12 | 14 => self.get(Field::EventType).is_some_and(|t| text::fold(t).contains("value")),
            _ => return None,
        };
        if !is_value {
            return Some((path, None));
        }
        Some(match path.rsplit_once('\\') {
            Some((key, value)) => (key, Some(value)),
            None => (path, None),
        })
    }
}

/// `MD5=..,SHA256=..` or a bare value, as pairs of algorithm (as written) and value.
pub fn hashes_in(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|part| {
        let part = part.trim();
        let (algorithm, value) = match part.split_once('=') {
            Some((a, v)) => (a.trim(), v.trim()),
            None => match part.len() {
                32 => ("MD5", part),
                40 => ("SHA1", part),
                64 => ("SHA256", part),
                _ => return None,
            },
        };
        let hex = !value.is_empty() && value.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && value.bytes().any(|b| b != b'0')).then_some((algorithm, value))
    })
}

/// The parts of `QueryResults`: addresses, and `type:  5 name` records (which keep their prefix).
pub fn dns_answers(results: &str) -> impl Iterator<Item = &str> {
    results.split(';').map(str::trim).filter(|a| !a.is_empty() && *a != "-")
}
