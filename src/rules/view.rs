//! An event as the Sigma engine sees it, without a copy of it as JSON.
//!
//! Rules ask in encoded names, made when they are compiled: a letter for the form of the value, then the field's
//! number in two hexadecimal digits (`f04`), or `:` and a name that is in no table.
use crate::event::{Event, Field, Key, Time, fields::Source, fields::Type, text};
use rsigma_eval::{Event as EngineEvent, EventValue};
use std::borrow::Cow;

/// Form in which a rule asks for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Folded text ([`text::fold`]), for everything that ignores case.
    Folded,
    /// As it is in the event.
    Raw,
    /// A number, also of hexadecimal fields.
    Number,
}

impl Form {
    const fn letter(self) -> char {
        match self {
            Self::Folded => 'f',
            Self::Raw => 'r',
            Self::Number => 'n',
        }
    }

    fn of(letter: u8) -> Option<Self> {
        match letter {
            b'f' => Some(Self::Folded),
            b'r' => Some(Self::Raw),
            b'n' => Some(Self::Number),
            _ => None,
        }
    }
}

/// What a rule means by a field name, in any case of letters. Other names of the System section are those of
/// the XML paths flattened, as rules for EVTX files write them.
pub fn key(name: &str) -> Key {
    const ALSO: &[(&str, Field)] = &[
        ("provider_name", Field::Provider),
        ("providername", Field::Provider),
        ("computername", Field::Computer),
        ("source_name", Field::Provider),
    ];
    let also = || ALSO.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, f)| *f);
    match Field::parse(name).or_else(also) {
        Some(f) => Key::Field(f),
        None => Key::Other(text::fold(name).into()),
    }
}

/// The name under which the engine asks for `key`.
pub fn encoded(key: &Key, form: Form) -> String {
    match key {
        Key::Field(f) => format!("{}{:02x}", form.letter(), f.index()),
        Key::Other(n) => format!("{}:{n}", form.letter()),
    }
}

fn decode_index(digits: &[u8]) -> Option<usize> {
    let digit = |b: u8| (b as char).to_digit(16);
    match digits {
        [a, b] => Some((digit(*a)? * 16 + digit(*b)?) as usize),
        _ => None,
    }
}

const ABSENT: u16 = 0;
/// Several values, or too far behind to number: look through the event.
const SCAN: u16 = u16::MAX;

pub struct View<'e> {
    event: &'e Event,
    /// How many values are the event's own: keywords are looked for among these.
    own: usize,
    /// Place of each field in the event's data, counted from 1.
    places: [u16; Field::COUNT],
    /// Folded values one behind the other, and where each one ends.
    folded: String,
    ends: Vec<u32>,
}

impl<'e> View<'e> {
    pub fn new(event: &'e Event) -> Self {
        Self::joined(event, event.data.len())
    }

    /// Of an event whose values behind the first `own` are joined.
    pub fn joined(event: &'e Event, own: usize) -> Self {
        let mut places = [ABSENT; Field::COUNT];
        let mut folded = String::with_capacity(event.data.iter().map(|(_, v)| v.len()).sum());
        let mut ends = Vec::with_capacity(event.data.len());
        for (i, (key, value)) in event.data.iter().enumerate() {
            if let Key::Field(f) = key {
                let place = &mut places[f.index()];
                *place = match u16::try_from(i + 1) {
                    Ok(n) if *place == ABSENT => n,
                    _ => SCAN,
                };
            }
            let start = folded.len();
            if value.is_ascii() {
                folded.push_str(value);
                folded[start..].make_ascii_lowercase();
            } else {
                folded.push_str(&text::fold(value));
            }
            ends.push(u32::try_from(folded.len()).unwrap_or(u32::MAX));
        }
        Self { event, own: own.min(event.data.len()), places, folded, ends }
    }

    fn own(&self) -> impl Iterator<Item = &str> {
        self.event.data.iter().take(self.own).map(|(_, v)| &**v)
    }

    fn folded_at(&self, i: usize) -> &str {
        let start = i.checked_sub(1).and_then(|p| self.ends.get(p)).copied().unwrap_or(0);
        let end = self.ends.get(i).copied().unwrap_or(start);
        self.folded.get(start as usize..end as usize).unwrap_or_default()
    }

    fn field(&self, field: Field, form: Form) -> Option<EventValue<'_>> {
        if field.source() == Source::Data {
            match self.places[field.index()] {
                ABSENT => return None,
                SCAN => {}
                place => {
                    let i = usize::from(place) - 1;
                    return Some(match form {
                        Form::Folded => EventValue::Str(Cow::Borrowed(self.folded_at(i))),
                        Form::Raw => EventValue::Str(Cow::Borrowed(&self.event.data[i].1)),
                        Form::Number => number(field.ty(), &self.event.data[i].1),
                    });
                }
            }
        }
        several(self.event.values(field).into_iter().map(|v| shaped(field.ty(), v, form)))
    }
}

fn shaped(ty: Type, value: Cow<'_, str>, form: Form) -> EventValue<'_> {
    match form {
        Form::Folded => EventValue::Str(Cow::Owned(text::fold(&value))),
        Form::Raw => EventValue::Str(value),
        Form::Number => number(ty, &value),
    }
}

/// Number of a canonical value, milliseconds since 1970 of a time. Text that is no number stays text, and no
/// comparison of numbers holds for it.
fn number(ty: Type, value: &str) -> EventValue<'static> {
    let int = match ty {
        Type::Hex => value.strip_prefix("0x").and_then(|h| u64::from_str_radix(h, 16).ok()),
        Type::Time => Time::parse(value).and_then(|t| u64::try_from(t.0).ok()),
        _ => value.parse::<u64>().ok(),
    };
    match int.map(|n| (n, i64::try_from(n))) {
        Some((_, Ok(n))) => EventValue::Int(n),
        // Only comparisons of size see it: the nearest float is near enough.
        Some((n, Err(_))) => EventValue::Float(n as f64),
        None => EventValue::Str(Cow::Owned(value.to_owned())),
    }
}

fn several<'v>(mut values: impl Iterator<Item = EventValue<'v>>) -> Option<EventValue<'v>> {
    let first = values.next()?;
    Some(match values.next() {
        None => first,
        Some(second) => EventValue::Array([first, second].into_iter().chain(values).collect()),
    })
}

impl EngineEvent for View<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        let bytes = path.as_bytes();
        let form = Form::of(*bytes.first()?)?;
        match bytes.get(1) {
            Some(b':') => {
                let name = path.get(2..)?;
                let same = |k: &Key| matches!(k, Key::Other(n) if text::fold(n) == name);
                several(
                    self.event
                        .data
                        .iter()
                        .filter(|(k, _)| same(k))
                        .map(|(_, v)| shaped(Type::Text, Cow::Borrowed(&**v), form)),
                )
            }
            _ => self.field(Field::from_index(decode_index(&bytes[1..])?)?, form),
        }
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.own().any(pred)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.own().map(Cow::Borrowed).collect()
    }

    fn visit_string_values(&self, visit: &mut dyn FnMut(&str)) {
        self.own().for_each(visit);
    }

    fn to_json(&self) -> serde_json::Value {
        let pairs = self.event.data.iter().map(|(k, v)| (k.name().to_owned(), serde_json::Value::from(&**v)));
        serde_json::Value::Object(pairs.collect())
    }
}
