//! Properties that objects of other types may have in another form: what does not fit is read over without being kept.
//! By hand, because serde's untagged enums hold all of the input in memory first.
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// A property as far as it has the form of `T`; else its default.
#[derive(Default)]
pub struct Lax<T>(pub T);

pub type Text = Lax<Option<String>>;

/// The forms of a property; those that it does not say are read over.
pub trait Property: Default {
    /// Also of a number, and of true and false.
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        IgnoredAny.visit_seq(list).map(|_| Self::default())
    }

    fn map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Self::default())
    }
}

/// Of which only the presence is of interest.
impl Property for () {}

impl Property for Option<String> {
    fn text(text: &str) -> Self {
        Some(text.to_owned())
    }
}

impl<T: Property> Property for Vec<T> {
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut out = Self::new();
        while let Some(Lax(value)) = list.next_element()? {
            out.push(value);
        }
        Ok(out)
    }
}

impl<T: Property> Property for BTreeMap<String, T> {
    fn map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut out = Self::new();
        while let Some((name, Lax(value))) = map.next_entry()? {
            out.insert(name, value);
        }
        Ok(out)
    }
}

impl<'de, T: Property> Deserialize<'de> for Lax<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Any::<T>(PhantomData)).map(Self)
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Property> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::text(text))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<T, E> {
        Ok(T::text(if is { "true" } else { "false" }))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(T::text(&number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::text(&number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Ok(T::text(&number.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::map(map)
    }
}
