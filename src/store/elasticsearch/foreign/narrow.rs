//! Queries that find at least the documents that a question is about, in the fields that their shipper has indexed.
//!
//! Their fields are not folded, leave long values out (`ignore_above`), and hold numbers, GUIDs and addresses in other
//! spellings. So a comparison is only narrowed down here, where that is safe, and made in memory.
use super::super::query::{all_of, any_of};
use crate::event::{
    Condition, EventCode, Field, Key, Period, Scope, Time, condition,
    condition::{Match, Test, TextTest},
    fields::{Source, Type},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked about their fields.
pub const ASKED: &str = "winlog.event_data.*,event_data.*,winlog.computer_name*,host.name*,computer_name*,\
     winlog.provider_name*,winlog.provider_guid*,source_name*,provider_guid*,event.provider*,event.module*,@timestamp,\
     winlog.event_id,event.code,event_id";

/// Where values of event data are.
const DATA: [&str; 2] = ["winlog.event_data.", "event_data."];
const HOST: [&str; 3] = ["winlog.computer_name", "host.name", "computer_name"];
const PROVIDER: [&str; 5] =
    ["winlog.provider_name", "winlog.provider_guid", "source_name", "provider_guid", "event.provider"];
const CODE: [&str; 3] = ["winlog.event_id", "event.code", "event_id"];
/// Most hosts of a scope, and operands of a comparison, that are narrowed down by.
const MAX_TEXTS: usize = 100;
/// Longest text that is looked for.
const MAX_TEXT: usize = 48;
/// Room for the spelling of times, such as fractions of a second that are left out.
pub const SLACK_MS: i64 = 1_000;

/// Fields that keep whole values, by the name of what they are about.
#[derive(Debug, Default)]
pub struct Fields {
    /// `None` where a field has no such form in some index.
    of: BTreeMap<String, Option<String>>,
    dates: BTreeSet<String>,
    /// Whether documents tell in `_ignored` which of their values are too long for a field.
    tell_ignored: bool,
}

impl Fields {
    /// From the answer of `_field_caps`. OpenSearch 2 does not tell in `_ignored` of values that are too long.
    pub fn new(caps: &Value, tell_ignored: bool) -> Self {
        let mut fields = Self { tell_ignored, ..Self::default() };
        let empty = serde_json::Map::new();
        let all = caps["fields"].as_object().unwrap_or(&empty);
        let is = |path: &str, types: &[&str]| {
            let caps = all.get(path).and_then(Value::as_object);
            caps.is_some_and(|c| {
                c.keys().any(|t| types.contains(&t.as_str()))
                    && c.iter().all(|(t, c)| t == "unmapped" || types.contains(&t.as_str()) && c["searchable"] == true)
            })
        };
        for path in all.keys().filter(|p| !p.ends_with(".keyword")) {
            let sub = format!("{path}.keyword");
            let types = all.get(path).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys);
            if types.clone().all(|t| matches!(t.as_str(), "object" | "unmapped" | "nested")) {
                continue;
            }
            let whole = if is(path, &["keyword"]) {
                Some(path.clone())
            } else if is(&sub, &["keyword"]) && is(path, &["text"]) {
                Some(sub)
            } else {
                None
            };
            if is(path, &["date"]) {
                fields.dates.insert(path.clone());
            }
            fields.of.insert(path.clone(), whole);
        }
        fields
    }

    /// Where the values of a field are; `None` where that is not sure.
    fn data(&self, field: Field) -> Option<Vec<&str>> {
        let names = self.of.iter().filter(|(path, _)| {
            let name = DATA.iter().find_map(|d| path.strip_prefix(d));
            name.and_then(Field::parse_data) == Some(field)
        });
        names.map(|(_, whole)| whole.as_deref()).collect()
    }

    fn whole(&self, paths: &[&str]) -> Option<Vec<&str>> {
        paths.iter().filter_map(|p| self.of.get(*p)).map(Option::as_deref).collect()
    }

    /// Field of `UtcTime` that documents can be sorted by.
    pub fn utc(&self) -> Option<&str> {
        match self.data(Field::UtcTime)?.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Documents that say when the event was: by it they are in order.
    pub fn timed(&self, scope: &Scope, condition: &Condition, period: Period) -> Value {
        let mut all = vec![self.any_utc(), self.provider(), self.condition(condition)];
        all.extend(self.scope(scope));
        all.extend(self.utc().and_then(|path| {
            let text = |t: Option<Time>, slack: i64| t.map(|t| Time(t.0.saturating_add(slack)).sysmon());
            range(path, text(period.from, -SLACK_MS), text(period.to, SLACK_MS))
        }));
        all_of(&all)
    }

    /// The others: those of a pipeline, which keeps the time in `@timestamp` only, and those that have it in their message.
    pub fn untimed(&self, scope: &Scope, period: Period) -> Value {
        let pipeline = any_of([exists("process.entity_id"), json!({ "term": { "event.module": "sysmon" } })]);
        let mut within = vec![pipeline.clone()];
        if self.dates.contains("@timestamp") {
            let text = |t: Option<Time>, slack: i64| t.map(|t| Time(t.0.saturating_add(slack)).rfc3339());
            within.extend(range("@timestamp", text(period.from, -SLACK_MS), text(period.to, SLACK_MS)));
        }
        let others = json!({ "bool": { "must_not": [pipeline] } });
        let mut all = vec![self.provider(), any_of([all_of(&within), others])];
        all.extend(self.scope(scope));
        json!({ "bool": { "filter": all, "must_not": [self.any_utc()] } })
    }

    fn any_utc(&self) -> Value {
        let paths = self
            .of
            .keys()
            .filter(|p| DATA.iter().any(|d| p.strip_prefix(d).and_then(Field::parse_data) == Some(Field::UtcTime)));
        any_of(paths.map(|p| exists(p)))
    }

    /// Documents of Sysmon, and of nobody.
    fn provider(&self) -> Value {
        let known: Vec<Value> = PROVIDER.iter().filter(|p| self.of.contains_key(**p)).map(|p| exists(p)).collect();
        let Some(paths) = self.whole(&PROVIDER) else { return all_of(&[]) };
        let texts = ["sysmon", "5770385f"];
        let named = paths.iter().flat_map(|p| texts.map(|t| contains(p, t)));
        any_of(named.chain([json!({ "bool": { "must_not": known } })]))
    }

    fn scope(&self, scope: &Scope) -> Option<Value> {
        let Scope::Hosts(hosts) = scope else { return None };
        if hosts.is_empty() {
            return Some(any_of([]));
        }
        let paths = self.whole(&HOST).filter(|_| hosts.len() <= MAX_TEXTS)?;
        let parts: Option<Vec<String>> = hosts.iter().map(|h| safe(h)).collect();
        Some(self.texts(&paths, &parts?))
    }

    fn texts(&self, paths: &[&str], texts: &[String]) -> Value {
        let found = paths.iter().flat_map(|p| texts.iter().map(|t| contains(p, t)));
        any_of(found)
    }

    /// Documents with values of some fields that are too long for the index.
    fn left_out(&self, fields: &[Field], paths: &[&str]) -> Value {
        if self.tell_ignored {
            return json!({ "terms": { "_ignored": paths } });
        }
        any_of(fields.iter().filter_map(|field| {
            let paths = self.data(*field).filter(|paths| !paths.is_empty())?;
            let others = EventCode::all().iter().filter(|c| !c.fields.contains(field));
            let others: Vec<String> = others.map(|c| c.code.to_string()).collect();
            let codes = CODE.iter().filter(|p| self.of.contains_key(**p)).map(|p| json!({ "terms": { *p: others } }));
            let not: Vec<Value> = paths.iter().map(|p| exists(p)).chain(codes).collect();
            Some(json!({ "bool": { "must_not": not } }))
        }))
    }

    fn condition(&self, c: &Condition) -> Value {
        match c {
            Condition::And(all) => all_of(&all.iter().map(|c| self.condition(c)).collect::<Vec<_>>()),
            Condition::Or(any) => any_of(any.iter().map(|c| self.condition(c))),
            Condition::Match(m) => self.comparison(m).unwrap_or_else(|| all_of(&[])),
            // What only narrows down cannot be turned round.
            Condition::All | Condition::Not(_) => all_of(&[]),
        }
    }

    /// `None` where the fields do not tell.
    fn comparison(&self, m: &Match) -> Option<Value> {
        let texts: Option<Vec<String>> = match &m.test {
            Test::Text(
                TextTest::Equals(o) | TextTest::Contains(o) | TextTest::StartsWith(o) | TextTest::EndsWith(o),
            ) if o.len() <= MAX_TEXTS => o.iter().map(|o| safe(o)).collect(),
            Test::Text(TextTest::Regex(p)) => {
                p.iter().map(|p| super::super::pattern::required(p.as_str()).as_deref().and_then(safe)).collect()
            }
            _ => None,
        };
        let mut any = Vec::new();
        for key in &m.keys {
            let Key::Field(field) = key else { return None };
            let (paths, fields) = self.sources(*field)?;
            any.push(match &texts {
                Some(texts) if *field != Field::ResolvedIp && condition::key_type(key) == Type::Text => {
                    self.texts(&paths, texts)
                }
                _ => any_of(paths.iter().map(|p| exists(p))),
            });
            any.push(self.left_out(&fields, &paths));
        }
        // These hold values under names that are not theirs.
        any.extend(["winlog.user_data", "winlog.event_data.Data", "event_data.Data"].map(exists));
        Some(any_of(any))
    }

    /// Where the values of a field are, and the fields of event data that they come from. All but those of `ResolvedIp` are in
    /// there in the same spelling.
    fn sources(&self, field: Field) -> Option<(Vec<&str>, Vec<Field>)> {
        let from = match field {
            Field::Computer => return Some((self.whole(&HOST)?, Vec::new())),
            Field::HashValue | Field::Md5 | Field::Sha1 | Field::Sha256 | Field::Imphash => {
                vec![Field::Hashes, Field::Hash, Field::ConfigurationFileHash]
            }
            Field::RegistryKey | Field::RegistryValueName => vec![Field::TargetObject],
            Field::ResolvedIp => vec![Field::QueryResults],
            field if field.source() == Source::Data => vec![field],
            _ => return None,
        };
        let paths = from.iter().map(|f| self.data(*f)).collect::<Option<Vec<_>>>()?.concat();
        Some((paths, from))
    }
}

fn exists(path: &str) -> Value {
    json!({ "exists": { "field": path } })
}

fn contains(path: &str, text: &str) -> Value {
    let text = text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?");
    json!({ "wildcard": { path: { "value": format!("*{text}*"), "case_insensitive": true } } })
}

fn range(path: &str, from: Option<String>, to: Option<String>) -> Option<Value> {
    let mut bounds = serde_json::Map::new();
    bounds.extend(from.map(|f| ("gte".to_owned(), f.into())));
    bounds.extend(to.map(|t| ("lte".to_owned(), t.into())));
    (!bounds.is_empty()).then(|| json!({ "range": { path: bounds } }))
}

/// The longest part of folded text in which the cluster means the same by "case does not matter". It knows ASCII only, and
/// some other characters become `k` and `i` when they are folded.
fn safe(text: &str) -> Option<String> {
    let parts = text.split(|c: char| !c.is_ascii() || c.is_ascii_control() || matches!(c, 'k' | 'i'));
    let longest = parts.max_by_key(|p| p.len())?;
    let part = &longest[..longest.len().min(MAX_TEXT)];
    (!part.is_empty()).then(|| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_keep_whole_values() {
        let keyword = json!({ "keyword": { "searchable": true } });
        let text = json!({ "text": { "searchable": true } });
        let fields = Fields::new(
            &json!({ "fields": {
                "winlog.event_data.UtcTime": keyword, "winlog.event_data.Image": text,
                "winlog.event_data.Image.keyword": keyword, "winlog.event_data.User": text,
                "winlog.event_data.Hashes": { "keyword": { "searchable": true }, "text": { "searchable": true } },
                "winlog.event_data.ProcessGUID": keyword, "winlog.event_data.ProcessGuid": keyword,
                "@timestamp": { "date": { "searchable": true } },
            }}),
            true,
        );
        assert_eq!(fields.utc(), Some("winlog.event_data.UtcTime"));
        assert_eq!(fields.data(Field::Image), Some(vec!["winlog.event_data.Image.keyword"]));
        assert_eq!(fields.data(Field::User), None);
        assert_eq!(fields.data(Field::Hashes), None);
        assert_eq!(fields.data(Field::ProcessGuid).map(|p| p.len()), Some(2));
        assert_eq!(fields.data(Field::Query), Some(Vec::new()));
    }

    #[test]
    fn text_that_means_the_same_to_the_cluster() {
        for (text, part) in [
            ("powershell.exe", Some("powershell.exe")),
            (r"c:\wind", Some(r"c:\w")),
            ("kik", None),
            ("straße", Some("stra")),
        ] {
            assert_eq!(safe(text).as_deref(), part, "{text}");
        }
    }
}
