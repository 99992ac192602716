//! The index template: explicit fields only, so that no event can make the mapping grow.
//!
//! | field | what |
//! | --- | --- |
//! | `@timestamp` and the ECS document | for people and other programs; only the time of it is indexed |
//! | `t` | time in milliseconds |
//! | `s.id`, `s.code`, `s.host` | identity, event code, host in normal form |
//! | `s.has`, `s.big` | names of the values that the event carries; of those that are too long for a term |
//! | `s.v.FIELD` | folded values |
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

pub fn template(prefix: &str, shards: u32) -> Value {
    let of = |wanted: &dyn Fn(Field) -> bool, mapping: &Value| -> Value {
        let fields: Map<String, Value> =
            Field::all().filter(|f| wanted(*f)).map(|f| (f.name().to_owned(), mapping.clone())).collect();
        json!({ "properties": fields })
    };
    let keyword = json!({ "type": "keyword" });
    let ip = of(&|f| f.ty() == Type::Ip, &json!({ "type": "ip" }));
    json!({
        "index_patterns": [format!("{prefix}-*")],
        "priority": 500,
        "template": {
            "aliases": { prefix: {} },
            "settings": {
                "number_of_shards": shards,
                "auto_expand_replicas": "0-1",
                "refresh_interval": "1s",
                "max_regex_length": MAX_REGEX,
            },
            "mappings": {
                "dynamic": false,
                // They are made of the rest at any time.
                "_source": { "excludes": ["s"] },
                "properties": {
                    "@timestamp": { "type": "date", "ignore_malformed": true },
                    "t": { "type": "long" },
                    "s": { "dynamic": false, "properties": {
                        "id": keyword, "host": keyword, "has": keyword, "big": keyword, "x": keyword,
                        "code": { "type": "long" },
                        "v": of(&|_| true, &keyword),
                        "o": of(&has_order, &keyword),
                        "n": of(&|f| is_number(f.ty()), &json!({ "type": "long" })),
                        "i4": ip.clone(),
                        "i6": ip,
                    }},
                },
            },
        },
    })
}
