//! Bounds on what one request, one socket, and all of them together may take.
use crate::error::{Code, Error, Result};
use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet},
};
use std::{collections::HashMap, time::Duration};

/// Body of a GraphQL request, and one WebSocket message.
pub const GRAPHQL_BODY: usize = 1 << 20;
/// Text of the query alone.
const QUERY_BYTES: usize = 64 << 10;
const TOKENS: usize = 5_000;
/// Brackets inside each other, before parsing.
const NESTING: usize = 100;
const ALIASES: usize = 50;
const ROOT_FIELDS: usize = 20;
/// Fields after fragments are put in place.
const FIELDS: u64 = 5_000;
pub const DEPTH: usize = 16;
/// See [`super::graphql`]: one point per field, times `first`.
pub const COST: usize = 200_000;
/// GraphQL operations that run at once.
pub const OPERATIONS: usize = 64;
pub const OPERATION_TIME: Duration = Duration::from_secs(60);
/// Time for a small body to arrive, and between two pieces of a large one.
pub const BODY_TIME: Duration = Duration::from_secs(30);
/// Body of one `_bulk` request as sent, and unpacked.
pub const BULK_BODY: usize = 32 << 20;
pub const BULK_UNPACKED: usize = 64 << 20;
/// Items of one `_bulk` request: the answer has something to say about each.
pub const BULK_ITEMS: usize = 20_000;
/// `_bulk` requests worked on at once; more are told to come back.
pub const BULKS: usize = 4;
pub const UPLOADS: usize = 4;
/// Threat reports and rule packs that are read and stored at once; more wait.
pub const READERS: usize = 2;
/// Exports that run at once; each reads a page at a time, as fast as its client takes them.
pub const EXPORTS: usize = 8;
pub const SHUTDOWN: Duration = Duration::from_secs(10);

/// Sockets of all users, and of one.
pub const SOCKETS: usize = 1_000;
pub const SOCKETS_PER_USER: usize = 20;
/// Operations that run at once on one socket.
pub const SOCKET_OPERATIONS: usize = 20;
/// Messages that wait for one socket.
pub const SOCKET_BUFFER: usize = 64;
pub const SOCKET_INIT: Duration = Duration::from_secs(3);
/// A socket from which nothing came for so many pings, answers included, is dropped.
pub const SOCKET_SILENT: u32 = 3;
/// Time for one message to leave.
pub const SOCKET_SEND: Duration = Duration::from_secs(10);

fn too_large(message: String) -> Error {
    Error::new(Code::TooLarge, message)
}

/// Bounds on the text of a query, before it is parsed.
///
/// # Errors
/// `TOO_LARGE`.
pub fn check_text(query: &str) -> Result<()> {
    if query.len() > QUERY_BYTES {
        return Err(too_large(format!("the query has more than {QUERY_BYTES} bytes: put values into variables")));
    }
    let (mut tokens, mut nesting) = (0usize, 0usize);
    let mut rest = query.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => continue,
            b'#' => {
                rest = skip_while(rest, |b| b != b'\n');
                continue;
            }
            b'"' => rest = skip_string(rest),
            b'{' | b'(' | b'[' => nesting += 1,
            b'}' | b')' | b']' => nesting = nesting.saturating_sub(1),
            b if is_name(*b) => rest = skip_while(rest, is_name),
            _ => {}
        }
        tokens += 1;
        if tokens > TOKENS {
            return Err(too_large(format!("the query has more than {TOKENS} tokens")));
        }
        if nesting > NESTING {
            return Err(too_large(format!("the query has more than {NESTING} brackets inside each other")));
        }
    }
    Ok(())
}

const fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

fn skip_while(rest: &[u8], keep: impl Fn(u8) -> bool) -> &[u8] {
    let end = rest.iter().position(|b| !keep(*b)).unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}

/// Behind the opening quote, to behind the closing one.
fn skip_string(rest: &[u8]) -> &[u8] {
    if let Some(block) = rest.strip_prefix(b"\"\"") {
        let end = block
            .windows(3)
            .enumerate()
            .find(|(i, w)| *w == b"\"\"\"" && (*i == 0 || block.get(i - 1) != Some(&b'\\')))
            .map_or(block.len(), |(i, _)| i + 3);
        return block.get(end..).unwrap_or_default();
    }
    let mut escaped = false;
    for (i, b) in rest.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' | b'\n' => return rest.get(i + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    &[]
}

/// Bounds on the parsed query, before it is validated. Returns the number of items of its longest list.
///
/// # Errors
/// `TOO_LARGE`; `BAD_INPUT` for fragments that contain themselves.
pub fn check_document(document: &ExecutableDocument, variables: &Variables) -> Result<usize> {
    let mut walk = Walk { fragments: &document.fragments, variables, sizes: HashMap::new(), aliases: 0, longest: 50 };
    for fragment in document.fragments.keys() {
        walk.fragment(fragment, 0)?;
    }
    let mut fields = 0u64;
    for (_, operation) in document.operations.iter() {
        let size = walk.set(&operation.node.selection_set, 0)?;
        fields = fields.saturating_add(size.fields);
        if size.direct > ROOT_FIELDS as u64 {
            return Err(too_large(format!("the request has more than {ROOT_FIELDS} root fields")));
        }
    }
    if fields > FIELDS {
        return Err(too_large(format!("the request has more than {FIELDS} fields, with fragments put in place")));
    }
    if walk.aliases > ALIASES {
        return Err(too_large(format!("the request has more than {ALIASES} aliases")));
    }
    Ok(walk.longest)
}

#[derive(Clone, Copy, Default)]
struct Size {
    /// Fields on all levels.
    fields: u64,
    /// Fields of the outermost level.
    direct: u64,
}

struct Walk<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// `None` while a fragment is being measured.
    sizes: HashMap<Name, Option<Size>>,
    variables: &'a Variables,
    aliases: usize,
    longest: usize,
}

impl Walk<'_> {
    fn fragment(&mut self, name: &Name, depth: usize) -> Result<Size> {
        match self.sizes.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Error::bad_input(format!("the fragment {name} contains itself"))),
            None => {}
        }
        let Some(fragment) = self.fragments.get(name) else { return Ok(Size::default()) };
        self.sizes.insert(name.clone(), None);
        let size = self.set(&fragment.node.selection_set, depth)?;
        self.sizes.insert(name.clone(), Some(size));
        Ok(size)
    }

    /// Length of the list that a field asks for.
    fn measure(&mut self, field: &Field) {
        for (name, value) in &field.arguments {
            let known = |name: Name| self.variables.get(&name).cloned().ok_or(());
            let value = value.node.clone().into_const_with(known).ok();
            let length = match (name.node.as_str(), value) {
                ("first" | "maxDescendants", Some(Value::Number(n))) => n.as_u64(),
                // A variable may have a default.
                ("first" | "maxDescendants", _) => Some(500),
                ("ids", Some(Value::List(ids))) => Some(ids.len() as u64),
                _ => None,
            };
            let length = length.map_or(0, |n| usize::try_from(n.min(500)).unwrap_or(500));
            self.longest = self.longest.max(length);
        }
        if matches!(field.name.node.as_str(), "processTree" | "lineage") {
            self.longest = self.longest.max(200);
        }
    }

    fn set(&mut self, set: &Positioned<SelectionSet>, depth: usize) -> Result<Size> {
        if depth > NESTING {
            return Err(too_large(format!("the query is nested deeper than {NESTING}")));
        }
        let mut all = Size::default();
        for selection in &set.node.items {
            let size = match &selection.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.measure(&field.node);
                    let inner = self.set(&field.node.selection_set, depth + 1)?;
                    Size { fields: inner.fields.saturating_add(1), direct: 1 }
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, depth + 1)?,
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set, depth + 1)?,
            };
            all.fields = all.fields.saturating_add(size.fields);
            all.direct = all.direct.saturating_add(size.direct);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn check(query: &str) -> Result<usize> {
        check_document(&parse_query(query).unwrap(), &Variables::default())
    }

    #[test]
    fn the_longest_list_is_known() {
        for (query, longest) in [
            ("{ a }", 50),
            ("{ a(first: 5) { b(first: 300) { c } } }", 300),
            ("{ a(first: 4000) }", 500),
            ("query($f: Int = 7) { a(first: $f) }", 500),
            ("{ processTree { a } }", 200),
        ] {
            assert_eq!(check(query).unwrap(), longest, "{query}");
        }
    }

    #[test]
    fn text_is_bounded_before_parsing() {
        assert!(check_text("query A($x: Int) { a(b: \"}}}{{{ \\\" \") # {{{{\n c(d: \"\"\" { \"\"\") }").is_ok());
        assert_eq!(check_text(&"{".repeat(101)).unwrap_err().code, Code::TooLarge);
        assert_eq!(check_text(&"a ".repeat(6_000)).unwrap_err().code, Code::TooLarge);
        assert_eq!(check_text(&" ".repeat(70_000)).unwrap_err().code, Code::TooLarge);
        for odd in ["\"", "\"\"\"", "\"\\", "#", "é{"] {
            assert!(check_text(odd).is_ok(), "{odd}");
        }
    }

    #[test]
    fn fragments_are_counted_where_they_are_put() {
        // Each fragment holds the next one twice: 2^30 fields in a small text.
        let mut text = String::from("{ ...f0 }");
        for i in 0..30 {
            text.push_str(&format!(" fragment f{i} on Query {{ a {{ ...f{n} }} b {{ ...f{n} }} }}", n = i + 1));
        }
        text.push_str(" fragment f30 on Query { a }");
        assert_eq!(check(&text).unwrap_err().code, Code::TooLarge);
        let ring = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        assert_eq!(check(ring).unwrap_err().code, Code::BadInput);
        let roots = (0..21).map(|i| format!("f{i} ")).collect::<String>();
        assert_eq!(check(&format!("{{ {roots} }}")).unwrap_err().code, Code::TooLarge);
    }
}
