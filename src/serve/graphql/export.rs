//! What an export asks, in the form of the API, and how an event becomes a line of it.
use super::{
    condition::{ConditionInput, condition},
    describe,
    enums::{EventOrder, Language},
    event::{self, SortInput, code_category, code_name},
    scalar::{PeriodInput, period},
};
use crate::{
    error::{Error, Result},
    event::{Event, Field, Key, document, fields::Source},
    store::{Order, Query},
};
use async_graphql::{Enum, InputObject, InputType, Value};
use std::sync::Arc;

/// Form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Format {
    /// One event document a line: what the importer reads again.
    Ndjson,
    /// A line of headings, then one line an event.
    Csv,
}

/// What an export asks.
#[derive(InputObject)]
struct ExportInput {
    condition: Option<ConditionInput>,
    period: Option<PeriodInput>,
    #[graphql(default_with = "EventOrder::NewestFirst")]
    order: EventOrder,
    sort: Option<SortInput>,
    #[graphql(default_with = "Format::Ndjson")]
    format: Format,
    /// Columns of CSV; absent means all.
    columns: Option<Vec<String>>,
}

/// An export that is allowed.
pub struct Export {
    pub query: Query,
    pub order: Order,
    pub format: Format,
    columns: Vec<String>,
}

/// Columns that are no field of an event.
const OWN: [&str; 8] = ["time", "code", "name", "category", "host", "image", "user", "description"];
const MAX_COLUMNS: usize = 200;

impl Export {
    /// # Errors
    /// `BAD_INPUT` that names what is wrong.
    pub fn read(json: &str) -> Result<Self> {
        let value = serde_json::from_str(json).map_err(|e| Error::bad_input(format!("query is not JSON: {e}")))?;
        let value = Value::from_json(value).map_err(Error::internal)?;
        let input = ExportInput::parse(Some(value)).map_err(|e| {
            Error::bad_input(format!("query is not an export: {}", e.into_server_error(Default::default()).message))
        })?;
        let columns = input.columns.filter(|c| !c.is_empty()).unwrap_or_else(all_columns);
        if columns.len() > MAX_COLUMNS {
            return Err(Error::bad_input(format!("more than {MAX_COLUMNS} columns")));
        }
        Ok(Self {
            query: Query { condition: condition(input.condition)?, period: period(input.period)? },
            order: event::order(input.order, input.sort)?,
            format: input.format,
            columns,
        })
    }

    /// What stands before the first event.
    ///
    /// # Errors
    /// Never for input: only where memory cannot be written.
    pub fn head(&self) -> Result<String> {
        match self.format {
            Format::Ndjson => Ok(String::new()),
            // The mark tells spreadsheets that the text is UTF-8.
            Format::Csv => Ok(format!("\u{feff}{}", csv([self.columns.iter().cloned()])?)),
        }
    }

    /// The lines of some events.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn lines(&self, events: &[Arc<Event>]) -> Result<String> {
        match self.format {
            Format::Ndjson => Ok(events.iter().map(|e| format!("{}\n", document::document(e))).collect()),
            Format::Csv => csv(events.iter().map(|e| self.columns.iter().map(|c| cell(e, c)))),
        }
    }
}

fn all_columns() -> Vec<String> {
    let data = Field::all().filter(|f| f.source() == Source::Data).map(Field::name);
    OWN.into_iter().chain(data).map(str::to_owned).collect()
}

fn cell(event: &Event, column: &str) -> String {
    match column {
        "time" => event.time.rfc3339(),
        "code" => event.code.to_string(),
        "name" => code_name(event.code),
        "category" => code_category(event.code).to_owned(),
        "host" => event.host(),
        "image" => describe::image(event).unwrap_or_default().to_owned(),
        "user" => describe::user(event).unwrap_or_default().to_owned(),
        "description" => describe::describe(event, Language::default()),
        field => event.key_values(&Key::parse(field)).join(","),
    }
}

/// RFC 4180. Text that a spreadsheet would run as a formula gets an apostrophe before it: what is in a log was chosen
/// by others.
fn csv(rows: impl IntoIterator<Item = impl Iterator<Item = String>>) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let formula = |c: &String| c.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let cells = row.map(|c| if formula(&c) { format!("'{c}") } else { c });
        writer.write_record(cells).map_err(Error::internal)?;
    }
    let bytes = writer.into_inner().map_err(Error::internal)?;
    String::from_utf8(bytes).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_not_run() {
        let cells = ["a", "b,c", "d\"e", "=cmd|' /C calc'!A0", "-x", "", "two\nlines"];
        let line = csv([cells.into_iter().map(str::to_owned)]).unwrap();
        assert_eq!(line, "a,\"b,c\",\"d\"\"e\",'=cmd|' /C calc'!A0,'-x,,\"two\nlines\"\r\n");
    }

    #[test]
    fn a_wrong_request_says_what_is_wrong() {
        for (json, expected) in [
            ("{", "not JSON"),
            ("[]", "not an export"),
            (r#"{"format": "XLS"}"#, "not an export"),
            (r#"{"condition": {"match": {"field": "Nope", "values": ["x"]}}}"#, "Nope"),
            (r#"{"sort": {"field": "Nope"}}"#, "Nope"),
        ] {
            let e = Export::read(json).err().unwrap();
            assert!(e.message.contains(expected), "{json}: {e}");
        }
        assert!(Export::read("{}").is_ok());
    }
}
