//! Observed things: each is told by all of its properties at once, as by a pattern of them (STIX 2.1, part 6).
use super::{Object, Objects};
use crate::{
    event::indicator::Relation,
    intel::{
        expr::{self, Expr},
        leaf::{Compare, What, leaf},
        pattern, shown,
    },
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

/// Bytes that the things of a file take over from what they refer to, as many may refer to one.
pub(super) const MAX_REFERRED: usize = 16 << 20;

const THINGS: [&str; 18] = [
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];

/// Whether a type is one of observed things.
pub(super) fn is_thing(kind: &str) -> bool {
    THINGS.contains(&kind)
}

/// Objects that may refer to each other.
pub(super) struct Scope<'o> {
    by_id: BTreeMap<&'o str, &'o Object>,
    /// Ids of what files lie in.
    folders: BTreeSet<&'o str>,
    /// How much may still be taken over.
    left: &'o Cell<usize>,
}

impl<'o> Scope<'o> {
    pub(super) fn new(objects: impl Iterator<Item = (&'o str, &'o Object)> + Clone, left: &'o Cell<usize>) -> Self {
        let files = objects.clone().filter(|(_, o)| o.kind == "file");
        let folders = files.filter_map(|(_, o)| o.parent_directory_ref.0.as_deref()).collect();
        Self { by_id: objects.collect(), folders, left }
    }

    /// Any of the things that were observed together.
    pub(super) fn data(&self, object: &Object) -> Result<Option<Expr>, String> {
        let Some(Objects::Observed(parts)) = &object.objects else { return self.refers(object) };
        let inner = Scope::new(parts.iter().map(|(id, o)| (id.as_str(), o)), self.left);
        let things = parts.iter().filter(|(id, o)| !inner.is_folder(id, o));
        let told: Vec<Expr> =
            things.map(|(id, o)| inner.thing(id, o).unwrap_or_else(|| Expr::nothing(&o.kind))).collect();
        if told.is_empty() { Err("observed data without objects".into()) } else { Ok(Some(Expr::or(told))) }
    }

    /// What observed data refer to is told where it stands.
    fn refers(&self, data: &Object) -> Result<Option<Expr>, String> {
        let mut ids = data.object_refs.0.iter().flatten().peekable();
        if ids.peek().is_none() {
            return Err("observed data without objects".into());
        }
        match ids.find(|id| !self.by_id.contains_key(id.as_str())) {
            Some(id) => Err(expr::missing(id)),
            None => Ok(None),
        }
    }

    /// A folder that a file lies in is a part of the file: by itself it would be told by all files in it.
    fn is_folder(&self, id: &str, object: &Object) -> bool {
        object.kind == "directory" && self.folders.contains(id)
    }

    /// What a thing is told by; `None` for what only describes.
    pub(super) fn thing(&self, id: &str, object: &Object) -> Option<Expr> {
        if self.is_folder(id, object) {
            return None;
        }
        let mut parts = own(object);
        match object.kind.as_str() {
            "file" => {
                let folder = self.folder(object);
                parts.extend(
                    folder.map(|f| f.map_or_else(Expr::hidden, |p| is(object, "parent_directory_ref.path", p))),
                );
            }
            "process" => {
                let refers = [("image_ref", &object.image_ref), ("binary_ref", &object.binary_ref)];
                let refers = refers.into_iter().filter_map(|(name, id)| Some((name, id.0.as_deref()?)));
                parts.extend(refers.flat_map(|(name, id)| self.image(object, name, id)));
            }
            "network-traffic" => self.traffic(object, &mut parts),
            "windows-registry-key" => parts.extend(values(object)),
            _ => {}
        }
        if !is_thing(&object.kind) {
            return (!parts.is_empty()).then(|| Expr::and(parts));
        }
        parts.extend(unseen(object));
        Some(if parts.is_empty() { Expr::nothing(&object.kind) } else { Expr::and(parts) })
    }

    fn at(&self, id: &str) -> Result<&'o Object, String> {
        let object = self.by_id.get(id).copied().ok_or_else(|| expr::missing(id))?;
        if self.left.get() == 0 {
            return Err(expr::TOO_MUCH.into());
        }
        self.left.set(self.left.get().saturating_sub(size(object)));
        Ok(object)
    }

    /// The folder that a file refers to.
    fn folder(&self, file: &Object) -> Option<Result<&'o str, String>> {
        let id = file.parent_directory_ref.0.as_deref()?;
        let path = |o: &'o Object| o.path.0.as_deref().ok_or_else(|| format!("'{}' has no path", shown(id)));
        Some(self.at(id).and_then(path))
    }

    /// The file that a process was started from.
    fn image(&self, process: &Object, property: &str, id: &str) -> Vec<Expr> {
        let file = match self.at(id) {
            Ok(file) => file,
            Err(why) => return vec![Expr::hidden(why)],
        };
        let mut parts: Vec<Expr> = hashes(process, &format!("{property}."), file).collect();
        let named = |name: &str| is(process, &format!("{property}.name"), name);
        parts.extend(match (file.name.as_str(), self.folder(file)) {
            ("", None) => None,
            (_, Some(Err(why))) => Some(Expr::hidden(why)),
            ("", Some(Ok(folder))) => Some(is(process, &format!("{property}.parent_directory_ref.path"), folder)),
            (name, None) => Some(named(name)),
            (name, Some(Ok(folder))) => Some(named(&expr::path(folder, name))),
        });
        parts.extend(unseen(file));
        if parts.is_empty() { vec![Expr::nothing(property)] } else { parts }
    }

    fn traffic(&self, object: &Object, parts: &mut Vec<Expr>) {
        for (property, id) in [("src_ref", &object.src_ref), ("dst_ref", &object.dst_ref)] {
            let Some(id) = id.0.as_deref() else { continue };
            parts.push(match self.at(id) {
                Ok(end) => is(object, &format!("{property}.value"), end.value.0.as_deref().unwrap_or_default()),
                Err(why) => Expr::hidden(why),
            });
        }
        // The connections that Sysmon shows are of these, so that they say nothing more.
        let common = |p: &&str| ["ip", "ipv4", "ipv6", "tcp", "udp"].iter().any(|c| c.eq_ignore_ascii_case(p));
        let protocols = object.protocols.0.iter().map(|p| p.as_deref().unwrap_or_default());
        parts.extend(protocols.filter(|p| !common(p)).map(|p| is(object, "protocols[*]", p)));
    }
}

/// Bytes of what others take over.
fn size(object: &Object) -> usize {
    let texts = [&object.path, &object.value].into_iter().filter_map(|t| t.0.as_ref()).map(String::len);
    let hashes = object.hashes.0.iter().map(|(name, hash)| name.len() + hash.as_ref().map_or(0, String::len));
    object.kind.len() + object.name.len() + object.extensions.0.len() + texts.chain(hashes).sum::<usize>()
}

fn is(object: &Object, property: &str, value: &str) -> Expr {
    let path = format!("{}:{property}", object.kind);
    leaf(&path, pattern::what(&path), Compare::Is(Relation::Equals), value)
}

/// What stands in the object itself.
fn own(object: &Object) -> Vec<Expr> {
    let named = matches!(object.kind.as_str(), "file" | "process" | "mutex") && !object.name.is_empty();
    let mut parts: Vec<Expr> = named.then(|| is(object, "name", &object.name)).into_iter().collect();
    let mut read = |property: &str, text: &super::Text| {
        parts.extend(text.0.as_deref().map(|t| is(object, property, t)));
    };
    read("value", &object.value);
    read("path", &object.path);
    read("key", &object.key);
    read("command_line", &object.command_line);
    read("src_port", &object.src_port);
    read("dst_port", &object.dst_port);
    parts.extend(hashes(object, "", object));
    parts
}

/// The hashes of a file, as properties of a thing.
fn hashes(object: &Object, before: &str, file: &Object) -> impl Iterator<Item = Expr> {
    let one = move |(name, hash): (&String, &Option<String>)| {
        is(object, &format!("{before}hashes.{name}"), hash.as_deref().unwrap_or_default())
    };
    file.hashes.0.iter().map(one)
}

/// Each value of a key is a thing of its own, which an event of its own shows.
fn values(key: &Object) -> Option<Expr> {
    let value = |value: &BTreeMap<String, Option<String>>| {
        let text = |name: &str| value.get(name).map(|text| text.as_deref().unwrap_or_default());
        let name = text("name").map(|name| is(key, "values[*].name", name));
        let data = text("data").map(|data| match written(text("data_type").unwrap_or_default(), data) {
            Some(data) => is(key, "values[*].data", &data),
            None => Expr::hidden(format!("values[*].data '{}': not shown by Sysmon", shown(data))),
        });
        let parts: Vec<Expr> = name.into_iter().chain(data).collect();
        if parts.is_empty() { Expr::nothing("values[*]") } else { Expr::and(parts) }
    };
    let each: Vec<Expr> = key.values.0.iter().map(value).collect();
    (!each.is_empty()).then(|| Expr::or(each))
}

/// Data as Sysmon writes them: numbers with their type, and of bytes nothing.
fn written(kind: &str, data: &str) -> Option<String> {
    let number = || match data.trim().strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => data.trim().parse().ok(),
    };
    match kind {
        "REG_DWORD" => number().map(|n| format!("DWORD (0x{n:08x})")),
        "REG_QWORD" => number().map(|n| format!("QWORD (0x{:08x}-0x{:08x})", n >> 32, n & 0xffff_ffff)),
        "REG_BINARY" => None,
        _ => Some(data.to_owned()),
    }
}

/// Properties that Sysmon does not show, without which the others would match more. When and how often a thing was seen,
/// and under which number, is no part of what it is.
fn unseen(object: &Object) -> impl Iterator<Item = Expr> {
    // Other extensions hold what their makers think of the thing.
    let extended = object.extensions.0.keys().any(|name| !name.starts_with("extension-definition--"));
    let properties = [
        ("size", object.size.is_some()),
        ("mime_type", object.mime_type.is_some()),
        ("magic_number_hex", object.magic_number_hex.is_some()),
        ("content_ref", object.content_ref.is_some()),
        ("arguments", object.arguments.is_some()),
        ("cwd", object.cwd.is_some()),
        ("environment_variables", object.environment_variables.is_some()),
        ("parent_ref", object.parent_ref.is_some()),
        ("creator_user_ref", object.creator_user_ref.is_some()),
        ("src_payload_ref", object.src_payload_ref.is_some()),
        ("dst_payload_ref", object.dst_payload_ref.is_some()),
        ("extensions", extended),
    ];
    properties.into_iter().filter(|(_, there)| *there).map(move |(property, _)| {
        let path = format!("{}:{property}", object.kind);
        let why = format!("{path}: not shown by Sysmon");
        if pattern::what(&path) == What::Content { Expr::content(why) } else { Expr::hidden(why) }
    })
}
