//! One comparison as queries of the cluster, and what must be tested in memory because its patterns would be too much
//! work there, or cannot be written.
//!
//! A text inside of values is looked for in every way that there are indices for ([`mapping::Substring`]): a field that an
//! index does not have matches nothing there, so each index answers in its own way.
use super::{
    mapping::{self, END, MAX_REGEX, START, Substring},
    pattern, query,
};
use crate::event::{
    Key,
    condition::{Match, Test, TextTest, key_type},
    fields::Type,
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
/// Work that the cluster may put into one expression; Elasticsearch 9 allows no more.
const MAX_WORK: usize = 1_000_000;
/// Characters that one condition may ask the wildcard fields for: OpenSearch makes a clause of each piece of three, and
/// refuses more than 1,024.
pub const MAX_PIECES: usize = 500;
/// Most networks of one comparison in the index: each is a clause.
const MAX_NETS: usize = 256;

/// The events that match a comparison are those of any query of `exact`, and those with a value that passes one of `tested`.
#[derive(Debug, Default)]
pub struct Queries {
    pub exact: Vec<Value>,
    pub tested: Vec<Tested>,
}

/// Values of which the distinct ones are tested in memory.
#[derive(Debug)]
pub struct Tested {
    pub path: String,
    /// What stands before each value.
    pub prefix: String,
    pub ty: Type,
    pub test: Test,
    /// Events with all values that can pass; the cluster may find more.
    pub within: Value,
    /// Slow queries for the same, where there are too many values; empty where there are none.
    pub otherwise: Vec<Value>,
}

/// Where the values of a name are.
struct At {
    path: String,
    /// The same values for searches inside of them.
    inside: Option<Inside>,
    /// What stands before each value.
    prefix: String,
    ty: Type,
    /// Events that carry the name.
    carriers: Value,
}

struct Inside {
    name: &'static str,
    wildcard: String,
    ngram: String,
    /// In indices that have nothing better.
    keyword: String,
    /// In all indices but those with `wildcard`.
    plain: String,
    /// Which of [`Substring::ALL`] there are.
    has: [bool; 3],
}

/// `ways`: those of the indices that are searched. `room`: characters that wildcard fields may still be asked for.
pub fn queries(m: &Match, ways: &[Substring], room: &mut usize) -> Queries {
    let mut out = Queries::default();
    for key in &m.keys {
        // What is too much goes through the terms instead, which every index has.
        let left = room.checked_sub(asked(&m.test)).filter(|_| ways.contains(&Substring::Wildcard));
        let inside = left.is_some() || !ways.contains(&Substring::Wildcard);
        *room = left.unwrap_or(*room);
        test(m, key, if inside { ways } else { &[] }, &mut out);
    }
    out
}

/// Characters that are looked for inside of values.
fn asked(test: &Test) -> usize {
    match test {
        Test::Text(TextTest::Contains(o) | TextTest::EndsWith(o)) => {
            o.iter().map(|o| o.len().min(MAX_LOOKED_FOR)).sum()
        }
        Test::Text(TextTest::Regex(p)) => p.iter().map(|p| pattern::letters(p.as_str())).sum(),
        _ => 0,
    }
}

fn test(m: &Match, key: &Key, ways: &[Substring], out: &mut Queries) {
    let (ty, carriers) = (key_type(key), json!({ "term": { "s.has": mapping::name(key) } }));
    let at = match key {
        Key::Field(f) => {
            let name = f.name();
            let inside = (mapping::has_inside(*f) && !ways.is_empty()).then(|| Inside {
                name,
                wildcard: format!("s.v.{name}.w"),
                ngram: format!("s.v.{name}.g"),
                keyword: format!("s.k.{name}"),
                plain: format!("s.p.{name}"),
                has: Substring::ALL.map(|way| ways.contains(&way)),
            });
            At { path: format!("s.v.{name}"), inside, prefix: String::new(), ty, carriers }
        }
        Key::Other(name) => {
            At { path: "s.x".to_owned(), inside: None, prefix: mapping::other_prefix(name), ty, carriers }
        }
    };
    match &m.test {
        Test::Exists => out.exact.push(at.carriers),
        Test::Cidr(nets) if nets.len() > MAX_NETS => {
            let within = at.carriers.clone();
            out.tested.push(at.tested(m.test.clone(), within));
        }
        Test::Cidr(nets) => {
            for (kind, v4) in [("i4", true), ("i6", false)] {
                let nets = nets.iter().filter(|n| n.addr().is_ipv4() == v4).map(ToString::to_string);
                let path = format!("s.{kind}.{}", key.name());
                out.exact.extend(nets.map(|n| json!({ "term": { path.as_str(): n } })));
            }
        }
        Test::Range { from, to } => {
            if let Some((from, to)) = mapping::range(ty, *from, *to) {
                out.exact.push(json!({ "range": { format!("s.n.{}", key.name()): { "gte": from, "lte": to } } }));
            }
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

impl Place {
    fn of(self, operands: Vec<String>) -> TextTest {
        match self {
            Self::Anywhere => TextTest::Contains(operands),
            Self::Start => TextTest::StartsWith(operands),
            Self::End => TextTest::EndsWith(operands),
        }
    }
}

impl At {
    fn tested(&self, test: Test, within: Value) -> Tested {
        let (path, prefix) = (self.path.clone(), self.prefix.clone());
        Tested { path, prefix, ty: self.ty, test, within, otherwise: Vec::new() }
    }

    fn text(&self, text: &TextTest, out: &mut Queries) {
        match text {
            TextTest::Equals(operands) => {
                let terms: Vec<String> = operands.iter().map(|o| format!("{}{o}", self.prefix)).collect();
                out.exact.extend(query::terms(&self.path, terms));
            }
            TextTest::Contains(operands) => self.texts(operands, Place::Anywhere, out),
            TextTest::StartsWith(operands) => self.texts(operands, Place::Start, out),
            TextTest::EndsWith(operands) => self.texts(operands, Place::End, out),
            TextTest::Regex(patterns) => {
                let (mut hard, mut parts) = (Vec::new(), Vec::new());
                for p in patterns {
                    if let Some(whole) = pattern::whole(p.as_str()) {
                        self.text(&TextTest::Equals(vec![whole]), out);
                        continue;
                    }
                    let inner = pattern::lucene(p.as_str(), MAX_LOOKED_FOR.saturating_sub(self.prefix.len()));
                    let value = inner.map(|inner| format!("{}({inner})", pattern::literal(&self.prefix)));
                    match value.filter(|v| v.chars().count() <= MAX_REGEX) {
                        Some(value) => out.exact.push(self.pattern(&value)),
                        None => {
                            hard.push(p.clone());
                            parts.push(match pattern::required(p.as_str()) {
                                Some(text) => self.part(&text, Place::Anywhere),
                                None => self.carriers.clone(),
                            });
                        }
                    }
                }
                if !hard.is_empty() {
                    out.tested.push(self.tested(Test::Text(TextTest::Regex(hard)), query::any_of(parts)));
                }
            }
        }
    }

    fn texts(&self, operands: &[String], place: Place, out: &mut Queries) {
        let (short, long): (Vec<&String>, Vec<&String>) =
            operands.iter().partition(|o| self.prefix.len() + o.len() <= MAX_LOOKED_FOR);
        if !long.is_empty() {
            let few = long.len() <= FEW;
            let within =
                if few { query::any_of(long.iter().map(|o| self.part(o, place))) } else { self.carriers.clone() };
            out.tested.push(self.tested(Test::Text(place.of(long.into_iter().cloned().collect())), within));
        }
        if short.len() <= FEW {
            out.exact.extend(short.into_iter().map(|o| self.one(o, place)));
            return;
        }
        let mut parts = vec![String::new()];
        for operand in &short {
            match parts.last_mut() {
                Some(part) if part.len() <= MAX_ALTERNATIVES => {
                    part.push_str(if part.is_empty() { "" } else { "|" });
                    part.push_str(&pattern::literal(operand));
                }
                _ => parts.push(pattern::literal(operand)),
            }
        }
        let queries: Vec<Value> = parts.iter().map(|part| self.alternatives(part, place)).collect();
        if queries.len() == 1 {
            out.exact.extend(queries);
        } else {
            // Each shard would prepare each of them.
            let test = Test::Text(place.of(short.into_iter().cloned().collect()));
            out.tested.push(Tested { otherwise: queries, ..self.tested(test, self.carriers.clone()) });
        }
    }

    /// Events with a value that has a short text at a place.
    fn one(&self, text: &str, place: Place) -> Value {
        if place == Place::Start {
            return json!({ "prefix": { self.path.as_str(): { "value": format!("{}{text}", self.prefix) } } });
        }
        let Some(inside) = &self.inside else { return self.scan(&self.path, text, place) };
        let [wildcard, ngram, keyword] = inside.has;
        let mut any = Vec::new();
        if wildcard {
            any.push(regexp(&inside.wildcard, &self.around(&pattern::literal(text), place)));
        }
        let marks = usize::from(place == Place::End);
        if text.chars().count() + marks < mapping::NGRAM || text.contains([START, END]) {
            any.extend((ngram || keyword).then(|| self.scan(&inside.plain, text, place)));
            return query::any_of(any);
        }
        if ngram {
            let phrase = |text: &str| json!({ "match_phrase": { inside.ngram.as_str(): text } });
            any.push(match place {
                // Where the mark stands inside of a value, that is tested in memory.
                Place::End => {
                    query::but_not(&phrase(&format!("{text}{END}")), &json!({ "term": { "s.big": inside.name } }))
                }
                _ => phrase(text),
            });
        }
        any.extend(keyword.then(|| self.scan(&inside.keyword, text, place)));
        query::any_of(any)
    }

    /// As [`Self::one`], by going through the terms of a field.
    fn scan(&self, path: &str, text: &str, place: Place) -> Value {
        if self.prefix.len() + text.len() > MAX_WILDCARD {
            return regexp(path, &self.around(&pattern::literal(text), place));
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
        let value = self.around(alternatives, place);
        if place == Place::Start { regexp(&self.path, &value) } else { self.pattern(&value) }
    }

    /// A pattern with what stands around it in the values.
    fn around(&self, pattern: &str, place: Place) -> String {
        let before = if place == Place::Start { "" } else { ".*" };
        let after = if place == Place::End { "" } else { ".*" };
        format!("{}{before}({pattern}){after}", pattern::literal(&self.prefix))
    }

    /// Events with a value that a pattern matches.
    fn pattern(&self, value: &str) -> Value {
        match &self.inside {
            Some(inside) => {
                let [wildcard, ngram, keyword] = inside.has;
                let paths = [(wildcard, &inside.wildcard), (ngram || keyword, &inside.plain)];
                query::any_of(paths.into_iter().filter(|(has, _)| *has).map(|(_, path)| regexp(path, value)))
            }
            None => regexp(&self.path, value),
        }
    }
}

fn regexp(path: &str, value: &str) -> Value {
    json!({ "regexp": { path: { "value": value, "flags": "NONE", "max_determinized_states": MAX_WORK } } })
}

/// Text of a wildcard query that means just itself.
fn plain(text: &str) -> String {
    text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")
}
