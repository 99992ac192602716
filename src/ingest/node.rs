//! One JSON value that borrows its text from the input where it can.
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};

#[derive(Debug, Clone)]
pub enum Node<'a> {
    Null,
    Bool(bool),
    UInt(u64),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// In the order of the input.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// First member with this name.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members().iter().find(|(k, _)| k == name).map(|(_, v)| v)
    }

    /// Member by a dotted path: `a.b.c` nested, or written with dots (`"a.b": {"c": …}`).
    pub fn path(&self, path: &str) -> Option<&Node<'a>> {
        if let Some(found) = self.get(path) {
            return Some(found);
        }
        path.match_indices('.').find_map(|(i, _)| self.get(path.get(..i)?)?.path(path.get(i + 1..)?))
    }

    /// Members of a map, none of anything else.
    pub fn members(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        match self {
            Self::Map(m) => m,
            _ => &[],
        }
    }

    /// Text of a scalar; of a list its first scalar.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null | Self::Map(_) => return None,
            Self::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Self::UInt(n) => Cow::Owned(n.to_string()),
            Self::Int(n) => Cow::Owned(n.to_string()),
            Self::Float(n) => Cow::Owned(n.to_string()),
            Self::Text(t) => Cow::Borrowed(t),
            Self::List(l) => return l.iter().find_map(Node::text),
        })
    }

    /// Unsigned number, also from decimal or `0x` text; a negative one by its bits (event keywords).
    pub fn uint(&self) -> Option<u64> {
        match self {
            Self::UInt(n) => Some(*n),
            Self::Int(n) => Some(n.cast_unsigned()),
            Self::Text(t) => number(t),
            Self::List(l) => l.first().and_then(Node::uint),
            _ => None,
        }
    }

    pub fn u32(&self) -> Option<u32> {
        self.uint().and_then(|n| u32::try_from(n).ok())
    }
}

/// Decimal (negative by its bits) or `0x` hexadecimal.
pub fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok().or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned)),
    }
}

/// A name or value, borrowed unless it holds escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(v.into())))
            }
        }
        d.deserialize_str(V)
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Node<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Node::Null)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Node::Bool(v))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Node::UInt(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Node::Int(v))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Node::Float(v))
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Owned(v.into())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(v) = seq.next_element()? {
                    list.push(v);
                }
                Ok(Node::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Node::Map(members))
            }
        }
        d.deserialize_any(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_nested_and_dotted() {
        let n: Node = serde_json::from_str(r#"{"a":{"b.c":{"d":1}},"x.y":"0x10","k":-9223372036854775808}"#).unwrap();
        assert_eq!(n.path("a.b.c.d").and_then(Node::uint), Some(1));
        assert_eq!(n.path("x.y").and_then(Node::uint), Some(16));
        assert_eq!(n.get("k").and_then(Node::uint), Some(0x8000_0000_0000_0000));
        assert!(n.path("a.b.d").is_none());
    }
}
