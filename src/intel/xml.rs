//! XML as a tree of elements, within bounds: no document type (and so no entities of its own), limited depth and size.
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// Elements in elements.
const MAX_DEPTH: usize = 100;
/// Elements and attributes of one document.
const MAX_ELEMENTS: usize = 1_000_000;

/// An element, by its name without prefix.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    /// By name without prefix.
    attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    text: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }

    /// The attribute of this name, whatever its prefix, whose value fits.
    pub fn has(&self, name: &str, value: impl Fn(&str) -> bool) -> Option<&str> {
        self.attributes.iter().find(|(n, v)| n == name && value(v.trim())).map(|(_, v)| v.trim())
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    pub fn all<'e>(&'e self, name: &'static str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The element at a path of names.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |e, name| e.child(name))
    }

    /// Text without white space around it.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// Calls `visit` with this element and all below it.
    pub fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }
}

/// The root element of a document.
pub fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(|e| at(text, reader.error_position(), &e))?;
        let position = reader.buffer_position();
        let Some(top) = open.last_mut() else { return Err(at(text, position, &"an end tag too many")) };
        match event {
            Event::Start(tag) => {
                if open.len() > MAX_DEPTH {
                    return Err(at(text, position, &format_args!("more than {MAX_DEPTH} elements in each other")));
                }
                open.push(Element::new(&tag, &mut count).map_err(|e| at(text, position, &e))?);
            }
            Event::Empty(tag) => {
                top.children.push(Element::new(&tag, &mut count).map_err(|e| at(text, position, &e))?);
            }
            Event::End(_) => {
                if let (Some(element), Some(parent)) = (open.pop(), open.last_mut()) {
                    parent.children.push(element);
                }
            }
            Event::Text(t) => top.text.push_str(&t.decode().map_err(|e| at(text, position, &e))?),
            Event::CData(t) => top.text.push_str(&t.decode().map_err(|e| at(text, position, &e))?),
            Event::GeneralRef(name) => {
                let raw = name.decode().map_err(|e| at(text, position, &e))?;
                match name.resolve_char_ref() {
                    Ok(Some(c)) => top.text.push(c),
                    _ => match quick_xml::escape::resolve_predefined_entity(&raw) {
                        Some(known) => top.text.push_str(known),
                        None => return Err(at(text, position, &format_args!("unknown entity &{raw};"))),
                    },
                }
            }
            Event::DocType(_) => {
                return Err(at(text, position, &"a document type is refused, since its entities could be a bomb"));
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let end = text.len() as u64;
    let root = open.pop().filter(|_| open.is_empty()).ok_or_else(|| at(text, end, &"an end tag is missing"))?;
    root.children.into_iter().next().ok_or_else(|| "no element in it".to_owned())
}

fn at(text: &str, position: u64, what: &dyn std::fmt::Display) -> String {
    let before = usize::try_from(position).ok().and_then(|p| text.as_bytes().get(..p)).unwrap_or(text.as_bytes());
    format!("line {}: bad XML: {what}", memchr::memchr_iter(b'\n', before).count() + 1)
}

impl Element {
    /// `count` is how many elements and attributes there were so far.
    fn new(tag: &BytesStart<'_>, count: &mut usize) -> Result<Self, String> {
        let mut one_more = || {
            *count += 1;
            let more = || format!("more than {MAX_ELEMENTS} elements and attributes: split the file");
            if *count > MAX_ELEMENTS { Err(more()) } else { Ok(()) }
        };
        one_more()?;
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut element = Self { name: name(tag.local_name().as_ref()), ..Self::default() };
        for attribute in tag.attributes() {
            one_more()?;
            let attribute = attribute.map_err(|e| e.to_string())?;
            let key = attribute.key;
            let value =
                attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|e| e.to_string())?.into_owned();
            // The default name space keeps its own name.
            element.attributes.push((name(key.local_name().as_ref()), value));
        }
        Ok(element)
    }
}
