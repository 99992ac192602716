//! The index template: explicit fields only, so that no event can make the mapping grow.
//!
//! | field | what |
//! | --- | --- |
//! | `@timestamp` and the ECS document | for people and other programs; only the time of it is indexed |
//! | `t` | time in milliseconds |
//! | `s.id`, `s.code`, `s.host` | identity, event code, host in normal form |
//! | `s.has`, `s.big` | names of the values that the event carries; of those that are too long for a term, or hold its marks |
//! | `s.v.FIELD` | folded values |
//! | `s.v.FIELD.w`, `s.v.FIELD.g` | the same for searches inside of them, as `wildcard`, or in pieces of three characters |
//! | `s.k.FIELD` | the same as `s.v.FIELD` where an index has neither of both |
//! | `s.p.FIELD` | the same as `s.v.FIELD` where an index has no `wildcard` |
//! | `s.x` | folded values of names that the table does not know, behind their names |
//! | `s.n.FIELD` | numbers and times ([`number`]) |
//! | `s.i4.FIELD`, `s.i6.FIELD` | addresses, apart, because a network of one kind never holds one of the other |
//! | `s.o.FIELD` | what a list is sorted by, where that is not the value itself |
use crate::{
    event::{Field, Key, fields::Type},
    store::Order,
};
use serde_json::{Map, Value, json};

/// Longest term of Lucene, in bytes.
pub const MAX_TERM: usize = 32_766;
/// Longest regular expression that the index accepts, in characters.
pub const MAX_REGEX: usize = 10_000;

/// Name of a value in `s.has` and `s.big`.
pub fn name(key: &Key) -> String {
    match key {
        Key::Field(f) => f.name().to_owned(),
        Key::Other(n) => format!("data.{n}"),
    }
}

/// What stands before the values of an unknown name in `s.x`.
pub fn other_prefix(name: &str) -> String {
    format!("{}:{name}=", name.len())
}

/// A number in `s.n`: milliseconds as they are, unsigned numbers moved down to fit in a `long`.
pub fn number(ty: Type, n: i128) -> i64 {
    range(ty, Some(n), Some(n)).map_or(if n < 0 { i64::MIN } else { i64::MAX }, |(n, _)| n)
}

/// The numbers of `s.n` from one number to another; none where no number can be in between.
pub fn range(ty: Type, from: Option<i128>, to: Option<i128>) -> Option<(i64, i64)> {
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let place = |n: i128| if ty == Type::Time { n } else { n.saturating_add(least) };
    let (from, to) = (from.map_or(least, place).max(least), to.map_or(most, place).min(most));
    Some((i64::try_from(from).ok()?, i64::try_from(to).ok()?)).filter(|(from, to)| from <= to)
}

pub const fn is_number(ty: Type) -> bool {
    matches!(ty, Type::UInt | Type::Hex | Type::Time)
}

/// Whether `field` is sorted by a field of its own.
pub fn has_order(field: Field) -> bool {
    Order::by_length(field) || Order::fields(field).len() > 1
}

/// The field that a list is sorted by.
pub fn order_path(field: Field) -> String {
    format!("s.{}.{}", if has_order(field) { "o" } else { "v" }, field.name())
}

/// A value in `s.o`.
pub fn order_value(field: Field, folded: &str) -> String {
    if Order::by_length(field) { format!("{:05}{folded}", folded.len()) } else { folded.to_owned() }
}

/// Whether searches look inside of the values of `field`. The others are short, or have few distinct values.
pub const fn has_inside(field: Field) -> bool {
    matches!(field.ty(), Type::Text)
}

/// What stands before and behind a value in pieces, so that pieces know where it begins and ends.
pub const START: char = '\u{2}';
pub const END: char = '\u{3}';
/// Characters of a piece.
pub const NGRAM: usize = 3;

/// How an index finds a text inside of values. It is a part of its mapping: indices of all three are searched together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substring {
    /// By fields of the type `wildcard`.
    Wildcard,
    /// By pieces of three characters that follow each other.
    Ngram,
    /// By going through all distinct values: slow where there are many.
    Keyword,
}

impl Substring {
    /// The best first.
    pub const ALL: [Self; 3] = [Self::Wildcard, Self::Ngram, Self::Keyword];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wildcard => "wildcard",
            Self::Ngram => "ngram",
            Self::Keyword => "keyword",
        }
    }

    /// That of an index, by its mappings.
    pub fn of(mappings: &Value) -> Option<Self> {
        let name = mappings["_meta"]["substring"].as_str()?;
        Self::ALL.into_iter().find(|way| way.as_str() == name)
    }
}

/// The index template. `doc_values` is for the wildcard fields of OpenSearch, which test their candidates by them; those of
/// Elasticsearch always have them, and refuse to be told.
pub fn template(prefix: &str, shards: u32, substring: Substring, doc_values: bool) -> Value {
    let of = |wanted: &dyn Fn(Field) -> bool, mapping: &dyn Fn(Field) -> Value| -> Value {
        let fields: Map<String, Value> =
            Field::all().filter(|f| wanted(*f)).map(|f| (f.name().to_owned(), mapping(f))).collect();
        json!({ "properties": fields })
    };
    let keyword = json!({ "type": "keyword" });
    let inside = match (substring, doc_values) {
        (Substring::Wildcard, true) => json!({ "w": { "type": "wildcard", "doc_values": true } }),
        (Substring::Wildcard, false) => json!({ "w": { "type": "wildcard" } }),
        (Substring::Ngram, _) => json!({ "g": {
            "type": "text", "analyzer": "whole", "search_analyzer": "part", "norms": false,
        }}),
        (Substring::Keyword, _) => Value::Null,
    };
    let value = |f: Field| match &inside {
        Value::Object(inside) if has_inside(f) => json!({ "type": "keyword", "fields": inside }),
        _ => keyword.clone(),
    };
    let same = |f: Field| json!({ "type": "alias", "path": format!("s.v.{}", f.name()) });
    let ip = of(&|f| f.ty() == Type::Ip, &|_| json!({ "type": "ip" }));
    let mut searched = json!({
        "id": keyword, "host": keyword, "has": keyword, "big": keyword, "x": keyword,
        "code": { "type": "long" },
        "v": of(&|_| true, &value),
        "o": of(&has_order, &|_| keyword.clone()),
        "n": of(&|f| is_number(f.ty()), &|_| json!({ "type": "long" })),
        "i4": ip.clone(),
        "i6": ip,
    });
    if substring != Substring::Wildcard {
        searched["p"] = of(&has_inside, &same);
    }
    if substring == Substring::Keyword {
        searched["k"] = of(&has_inside, &same);
    }
    let mut settings = json!({
        "number_of_shards": shards,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "1s",
        "max_regex_length": MAX_REGEX,
    });
    if substring == Substring::Ngram {
        settings["analysis"] = json!({
            "char_filter": { "ends": {
                "type": "pattern_replace", "pattern": r"(?s)\A(.*)\z", "replacement": format!("{START}$1{END}"),
            }},
            "tokenizer": { "part": { "type": "ngram", "min_gram": NGRAM, "max_gram": NGRAM } },
            "analyzer": {
                "whole": { "type": "custom", "tokenizer": "part", "char_filter": ["ends"] },
                "part": { "type": "custom", "tokenizer": "part" },
            },
        });
    }
    json!({
        "index_patterns": [format!("{prefix}-*")],
        "priority": 500,
        "template": {
            "aliases": { prefix: {} },
            "settings": settings,
            "mappings": {
                "dynamic": false,
                "_meta": { "substring": substring.as_str() },
                // They are made of the rest at any time.
                "_source": { "excludes": ["s"] },
                "properties": {
                    "@timestamp": { "type": "date", "ignore_malformed": true },
                    "t": { "type": "long" },
                    "s": { "dynamic": false, "properties": searched },
                },
            },
        },
    })
}
