//! Cursors: opaque and versioned; and the size of a page.
use crate::{
    catalog::Place,
    error::{Error, Result},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Items of one page at most.
pub const MAX: i32 = 500;

/// # Errors
/// `BAD_INPUT` unless `first` is from 1 to [`MAX`].
pub fn size(first: i32) -> Result<usize> {
    match usize::try_from(first) {
        Ok(n) if (1..=MAX).contains(&first) => Ok(n),
        _ => Err(Error::bad_input(format!("first must be from 1 to {MAX}, not {first}"))),
    }
}

/// # Errors
/// `BAD_INPUT` for a negative number.
pub fn skip(items: i32) -> Result<usize> {
    usize::try_from(items).map_err(|_| Error::bad_input(format!("skip must not be negative: {items}")))
}

/// What a cursor points into; with the version of its form.
#[derive(Debug, Clone, Copy)]
pub enum List {
    Events,
    Hosts,
    Neighbours,
    Members,
    Tree,
    Rules,
    Hits,
    DeadLetters,
    Indicators,
    Alerts,
    AlertChanges,
    Audit,
    Deliveries,
}

impl List {
    const fn tag(self) -> &'static str {
        match self {
            Self::Events => "e1",
            Self::Hosts => "h2",
            Self::Neighbours => "n1",
            Self::Members => "m1",
            Self::Tree => "t1",
            Self::Rules => "r1",
            Self::Hits => "x1",
            Self::DeadLetters => "d1",
            Self::Indicators => "i1",
            Self::Alerts => "a1",
            Self::AlertChanges => "c1",
            Self::Audit => "u1",
            Self::Deliveries => "w1",
        }
    }

    pub fn cursor(self, body: impl std::fmt::Display) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{body}", self.tag()))
    }

    /// Body of a cursor of this list.
    ///
    /// # Errors
    /// `BAD_INPUT` for anything that this list has not given out.
    pub fn read(self, cursor: &str) -> Result<String> {
        URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|b| String::from_utf8(b).ok())
            .and_then(|t| t.strip_prefix(self.tag())?.strip_prefix(':').map(str::to_owned))
            .ok_or_else(|| self.bad())
    }

    pub fn read_with<T>(self, cursor: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        cursor.map(|c| parse(&self.read(c)?).ok_or_else(|| self.bad())).transpose()
    }

    pub fn number(self, cursor: Option<&str>) -> Result<Option<u64>> {
        Ok(self.place(cursor)?.map(|place| place.number))
    }

    /// Where somebody stands who follows hits.
    pub fn place(self, cursor: Option<&str>) -> Result<Option<Place>> {
        self.read_with(cursor, Place::parse)
    }

    fn bad(self) -> Error {
        Error::bad_input("after is not a cursor that this list has given out")
    }
}
