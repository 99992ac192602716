//! The body of an Elasticsearch `_bulk` request: an action line and a document line for each item.
use super::{
    MAX_RECORD, Options,
    node::Node,
    normalise::{Normaliser, Record},
    reading::issue,
};
use crate::{
    error::{Issue, Result},
    event::Event,
};

/// Action of an item, under the name that the answer repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Index,
    Create,
    Update,
    Delete,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One item in the order of the request.
#[derive(Debug)]
pub struct Item {
    pub action: Action,
    /// `_index` of the item, or of the request's path.
    pub index: Option<String>,
    /// `_id` as the sender gave it.
    pub id: Option<String>,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    Event(Box<Event>),
    /// An event of this provider, not asked for.
    Skipped(String),
    /// Not an event, or an action that is not taken (`update`, `delete`).
    Refused(Issue),
}

/// Reads the items of one request. The same body gives the same event ids.
pub struct Bulk<'b> {
    rest: &'b [u8],
    line: u64,
    source: &'b str,
    normaliser: Normaliser,
}

/// Items of `body`; `source` names the request in issues.
pub fn bulk<'b>(body: &'b [u8], source: &'b str, options: &Options) -> Bulk<'b> {
    Bulk { rest: body, line: 0, source, normaliser: Normaliser::new(options) }
}

impl<'b> Bulk<'b> {
    /// Whether the ids handed out are to be trusted; ask at the end.
    ///
    /// # Errors
    /// Counting identical records needed temporary space that was not there.
    pub fn check(&mut self) -> Result<()> {
        self.normaliser.ordinals.check()
    }

    fn next_line(&mut self) -> Option<&'b [u8]> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let line = self.rest.get(..end).unwrap_or_default().trim_ascii();
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            self.line += 1;
            if !line.is_empty() {
                return Some(line);
            }
        }
    }

    fn refused(&self, line: u64, reason: impl Into<String>, record: &[u8]) -> Outcome {
        Outcome::Refused(issue(self.source, format!("line {line}"), reason, Some(record)))
    }

    fn document(&mut self) -> Outcome {
        let at = self.line + 1;
        let Some(line) = self.next_line() else {
            return self.refused(at, "the request ends before the document of this action", b"");
        };
        if line.len() > MAX_RECORD {
            return self.refused(self.line, format!("a record of more than {} MiB", MAX_RECORD >> 20), line);
        }
        let outcome = serde_json::from_slice::<Node>(line)
            .map_err(|e| format!("bad JSON: {e}").into())
            .and_then(|node| self.normaliser.json(&node));
        match outcome {
            Ok(Record::Event(event)) => Outcome::Event(Box::new(event)),
            Ok(Record::Other(provider)) => Outcome::Skipped(provider),
            Err(reason) => self.refused(self.line, reason, line),
        }
    }
}

impl Iterator for Bulk<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let line = self.next_line()?;
        let refuse = |this: &Self, reason: &str| Item {
            action: Action::Index,
            index: None,
            id: None,
            outcome: this.refused(this.line, reason, line),
        };
        let Ok(node) = serde_json::from_slice::<Node>(line) else {
            return Some(refuse(self, "not an action line of a bulk request"));
        };
        let [(name, meta)] = node.members() else {
            return Some(refuse(self, "not an action line of a bulk request"));
        };
        let action = match &**name {
            "index" => Action::Index,
            "create" => Action::Create,
            "update" => Action::Update,
            "delete" => Action::Delete,
            _ => return Some(refuse(self, "unknown bulk action")),
        };
        let text = |name: &str| meta.get(name).and_then(Node::text).map(std::borrow::Cow::into_owned);
        let (index, id) = (text("_index"), text("_id"));
        let outcome = match action {
            Action::Index | Action::Create => self.document(),
            Action::Update | Action::Delete => {
                let outcome = self.refused(self.line, "events cannot be changed or deleted", line);
                if action == Action::Update {
                    self.next_line();
                }
                outcome
            }
        };
        Some(Item { action, index, id, outcome })
    }
}
