//! One comparison as queries of the cluster: those that are exact, and those that only narrow down.
use super::{
    mapping::{self, MAX_REGEX, MAX_TERM},
    pattern, query,
};
use crate::event::{
    Key,
    condition::{Match, Test, TextTest, key_type},
};
use serde_json::{Value, json};

/// So many texts are one query each; more are put together as alternatives.
const FEW: usize = 16;
/// Longest alternatives in one expression, in characters.
const MAX_ALTERNATIVES: usize = 2_000;
/// Longest text that is looked for in the index, in bytes. Clusters refuse the automatons of somewhat longer ones, whatever
/// work is allowed.
const MAX_LOOKED_FOR: usize = 200;
/// Longest text that is a wildcard query: these may take little work, whatever a query asks.
const MAX_WILDCARD: usize = 64;
/// Most networks of one comparison in the index: each is a clause.
const MAX_NETS: usize = 256;

/// The events that match a comparison are those of any query of `exact`, and some of those of `superset`.
#[derive(Debug, Default)]
pub struct Queries {
    pub exact: Vec<Value>,
    pub superset: Vec<Value>,
}

/// Where the values of a name are.
struct At {
    path: String,
    /// What stands before each value.
    prefix: String,
    /// Events that carry the name.
    carriers: Value,
}

pub fn queries(m: &Match) -> Queries {
    let mut out = Queries::default();
    m.keys.iter().for_each(|key| test(m, key, &mut out));
    out
}

fn test(m: &Match, key: &Key, out: &mut Queries) {
    let carriers = json!({ "term": { "s.has": mapping::name(key) } });
    let (path, prefix) = match key {
        Key::Field(f) => (format!("s.v.{}", f.name()), String::new()),
        Key::Other(name) => ("s.x".to_owned(), mapping::other_prefix(name)),
    };
    let at = At { path, prefix, carriers };
    match &m.test {
        Test::Exists => out.exact.push(at.carriers),
        Test::Cidr(nets) if nets.len() > MAX_NETS => out.superset.push(at.carriers),
        Test::Cidr(nets) => {
            for (kind, v4) in [("i4", true), ("i6", false)] {
                let nets = nets.iter().filter(|n| n.addr().is_ipv4() == v4).map(ToString::to_string);
                let path = format!("s.{kind}.{}", key.name());
                out.exact.extend(nets.map(|n| json!({ "term": { path.as_str(): n } })));
            }
        }
        Test::Range { from, to } => {
            let ty = key_type(key);
            let bound = |n: &Option<i128>, open: i64| n.map_or(open, |n| mapping::number(ty, n));
            let (from, to) = (bound(from, i64::MIN), bound(to, i64::MAX));
            out.exact.push(json!({ "range": { format!("s.n.{}", key.name()): { "gte": from, "lte": to } } }));
        }
        Test::Text(text) => at.text(text, out),
    }
}

/// Where in a value a text must stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    Start,
    End,
}

impl At {
    fn text(self, text: &TextTest, out: &mut Queries) {
        match text {
            TextTest::Equals(operands) => {
                // Longer ones are only in events that are tested in memory anyway.
                let fits = operands.iter().map(|o| format!("{}{o}", self.prefix)).filter(|t| t.len() <= MAX_TERM);
                out.exact.extend(query::terms(&self.path, &fits.collect::<Vec<_>>()));
            }
            TextTest::Contains(operands) => self.texts(operands, Place::Anywhere, out),
            TextTest::StartsWith(operands) => self.texts(operands, Place::Start, out),
            TextTest::EndsWith(operands) => self.texts(operands, Place::End, out),
            TextTest::Regex(patterns) => {
                for p in patterns {
                    let inner = pattern::lucene(p.as_str(), MAX_LOOKED_FOR.saturating_sub(self.prefix.len()));
                    let value = inner.map(|inner| format!("{}({inner})", pattern::literal(&self.prefix)));
                    match value.filter(|v| v.chars().count() <= MAX_REGEX) {
                        Some(value) => out.exact.push(self.regexp(&value)),
                        None => out.superset.push(match pattern::required(p.as_str()) {
                            Some(text) => self.part(&text, Place::Anywhere),
                            None => self.carriers.clone(),
                        }),
                    }
                }
            }
        }
    }

    fn texts(&self, operands: &[String], place: Place, out: &mut Queries) {
        let (short, long): (Vec<&String>, Vec<&String>) =
            operands.iter().partition(|o| self.prefix.len() + o.len() <= MAX_LOOKED_FOR);
        if long.len() > FEW {
            out.superset.push(self.carriers.clone());
        } else {
            out.superset.extend(long.into_iter().map(|o| self.part(o, place)));
        }
        if short.len() <= FEW {
            out.exact.extend(short.into_iter().map(|o| self.one(o, place)));
            return;
        }
        let mut alternatives = String::new();
        for operand in short {
            if alternatives.len() > MAX_ALTERNATIVES {
                out.exact.push(self.alternatives(&std::mem::take(&mut alternatives), place));
            }
            if !alternatives.is_empty() {
                alternatives.push('|');
            }
            alternatives.push_str(&pattern::literal(operand));
        }
        out.exact.push(self.alternatives(&alternatives, place));
    }

    /// Events with a value that has a short text at a place.
    fn one(&self, text: &str, place: Place) -> Value {
        let path = self.path.as_str();
        if place == Place::Start {
            return json!({ "prefix": { path: { "value": format!("{}{text}", self.prefix) } } });
        }
        if self.prefix.len() + text.len() > MAX_WILDCARD {
            return self.alternatives(&pattern::literal(text), place);
        }
        let after = if place == Place::End { "" } else { "*" };
        let value = format!("{}*{}{after}", plain(&self.prefix), plain(text));
        json!({ "wildcard": { path: { "value": value } } })
    }

    /// Events that have parts of a text: its beginning, its middle and its end.
    fn part(&self, text: &str, place: Place) -> Value {
        let Some(room) = MAX_LOOKED_FOR.checked_sub(self.prefix.len()).filter(|room| *room >= 16) else {
            return self.carriers.clone();
        };
        if text.len() <= room {
            return self.one(text, place);
        }
        let start = &text[..text.floor_char_boundary(room)];
        let end = &text[text.ceil_char_boundary(text.len() - room)..];
        let middle = &text[text.ceil_char_boundary((text.len() - room) / 2)..];
        let middle = &middle[..middle.floor_char_boundary(room)];
        let at = |wanted| if place == wanted { wanted } else { Place::Anywhere };
        query::all_of(&[
            self.one(start, at(Place::Start)),
            self.one(middle, Place::Anywhere),
            self.one(end, at(Place::End)),
        ])
    }

    fn alternatives(&self, alternatives: &str, place: Place) -> Value {
        let before = if place == Place::Start { "" } else { ".*" };
        let after = if place == Place::End { "" } else { ".*" };
        self.regexp(&format!("{}{before}({alternatives}){after}", pattern::literal(&self.prefix)))
    }

    fn regexp(&self, value: &str) -> Value {
        json!({ "regexp": { self.path.as_str(): {
            "value": value, "flags": "NONE", "max_determinized_states": 2_000_000,
        }}})
    }
}

/// Text of a wildcard query that means just itself.
fn plain(text: &str) -> String {
    text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")
}
