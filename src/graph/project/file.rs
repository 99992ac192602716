//! Files, streams, modules, drivers, and the binaries that are their content.
use super::{acting, file_node, reference};
use crate::{
    event::{
        Event,
        Field::{self, *},
        text,
    },
    graph::{
        batch::{Local, Writer},
        key,
        model::{EdgeType, NodeId},
        property::Prop,
    },
};

/// Fields that describe the content of the file that an event is about.
pub type About = &'static [(Prop, Field)];
pub const VERSION: About = &[
    (Prop::OriginalFileName, OriginalFileName),
    (Prop::Company, Company),
    (Prop::Product, Product),
    (Prop::Description, Description),
    (Prop::FileVersion, FileVersion),
];
const SIGNATURE: About =
    &[(Prop::Signed, Signed), (Prop::Signature, Signature), (Prop::SignatureStatus, SignatureStatus)];

/// Content is known by the strongest hash of the event alone, so that it does not depend on other events.
/// The same content reported with other algorithms is another node with the same values among its properties.
pub fn identity(hashes: &[(&str, &str)]) -> Option<NodeId> {
    ["SHA256", "SHA1", "MD5"]
        .iter()
        .find_map(|wanted| hashes.iter().find(|(a, _)| a.eq_ignore_ascii_case(wanted)).map(|(a, v)| NodeId::hash(a, v)))
}

/// `HAS_HASH` to the content that the event gives hashes of.
pub fn has_hash(w: &mut Writer<'_>, file: Local, about: About) {
    let e = w.event;
    let hashes = e.hashes();
    let Some(id) = identity(&hashes) else { return };
    let b = w.node(id);
    for (algorithm, value) in hashes {
        let prop = match () {
            () if algorithm.eq_ignore_ascii_case("SHA256") => Prop::Sha256,
            () if algorithm.eq_ignore_ascii_case("SHA1") => Prop::Sha1,
            () if algorithm.eq_ignore_ascii_case("MD5") => Prop::Md5,
            () if algorithm.eq_ignore_ascii_case("IMPHASH") => Prop::Imphash,
            () => continue,
        };
        w.set(b, prop, &text::fold(value));
    }
    describe(w, b, about);
    w.edge(file, EdgeType::HasHash, b);
}

fn describe(w: &mut Writer<'_>, node: Local, about: About) {
    let e = w.event;
    for (prop, field) in about {
        w.set_some(node, *prop, e.get(*field));
    }
}

/// Codes 2, 11, 23, 26 to 29.
pub fn touched(w: &mut Writer<'_>) {
    let e = w.event;
    let p = acting(w);
    let Some(f) = e.get(TargetFilename).and_then(|t| file_node(w, t)) else { return };
    w.set_some(f, Prop::Created, e.get(CreationUtcTime));
    w.set_some(f, Prop::IsExecutable, e.get(IsExecutable));
    w.set_some(f, Prop::Archived, e.get(Archived));
    match e.code {
        23 | 26 => w.set(f, Prop::Deleted, &e.time.rfc3339()),
        27 => w.set(f, Prop::Blocked, "executable"),
        28 => w.set(f, Prop::Blocked, "shredding"),
        29 => w.set(f, Prop::IsExecutable, "true"),
        _ => {}
    }
    has_hash(w, f, &[]);
    let Some(p) = p else { return };
    let said = [(Prop::IsExecutable, e.get(IsExecutable)), (Prop::Archived, e.get(Archived))];
    match e.code {
        2 => changed_time(w, p, f),
        11 => w.edge(p, EdgeType::Created, f),
        27 => w.edge(p, EdgeType::BlockedWriteExe, f),
        28 => w.edge(p, EdgeType::BlockedShred, f),
        29 => w.edge(p, EdgeType::CreatedExe, f),
        _ => w.edge_with(p, EdgeType::Deleted, f, &said),
    }
}

/// A time set back is a time stomp: Sysmon writes both in one sortable form.
fn changed_time(w: &mut Writer<'_>, p: Local, f: Local) {
    let e = w.event;
    let (new, old) = (e.get(CreationUtcTime), e.get(PreviousCreationUtcTime));
    let stomp = new.zip(old).map(|(new, old)| if new < old { "true" } else { "false" });
    let said = [(Prop::Created, new), (Prop::PreviousCreated, old), (Prop::Timestomp, stomp)];
    w.set_some(f, Prop::PreviousCreated, old);
    w.set_some(f, Prop::Timestomp, stomp);
    w.edge_with(p, EdgeType::ChangedTime, f, &said);
}

fn loaded(w: &mut Writer<'_>) -> Option<Local> {
    let e = w.event;
    let f = e.get(ImageLoaded).and_then(|i| file_node(w, i))?;
    describe(w, f, SIGNATURE);
    has_hash(w, f, if e.code == 7 { VERSION } else { &[] });
    if let Some(id) = identity(&e.hashes()) {
        let b = w.node(id);
        describe(w, b, SIGNATURE);
    }
    if let Some(name) = e.get(Signature) {
        let s = w.node(NodeId::signer(name));
        w.set(s, Prop::Name, name);
        w.edge_with(f, EdgeType::SignedBy, s, &[(Prop::SignatureStatus, e.get(SignatureStatus))]);
    }
    Some(f)
}

/// Code 6.
pub fn driver_loaded(w: &mut Writer<'_>, host: Local) {
    if let Some(f) = loaded(w) {
        w.set(f, Prop::Driver, "true");
        w.edge(host, EdgeType::LoadedDriver, f);
    }
}

/// Code 7.
pub fn module_loaded(w: &mut Writer<'_>) {
    let p = acting(w);
    if let (Some(f), Some(p)) = (loaded(w), p) {
        w.edge(p, EdgeType::Loaded, f);
    }
}

/// Code 9.
pub fn raw_read(w: &mut Writer<'_>) {
    let p = acting(w);
    let Some(device) = w.event.get(Device) else { return };
    let d = w.node(NodeId::device(&w.host, device));
    w.set(d, Prop::Device, device);
    if let Some(p) = p {
        w.edge(p, EdgeType::RawRead, d);
    }
}

/// Path of the file and name of the stream; a stream without a name is the file's own content.
fn split_stream(path: &str) -> (&str, &str) {
    let from = path.rfind(['\\', '/']).map_or(0, |i| i + 1);
    match path[from..].split_once(':') {
        // `C:` alone is a drive.
        Some((file, name)) if from > 0 || file.len() > 1 => (&path[..from + file.len()], name),
        _ => (path, ""),
    }
}

/// Code 15.
pub fn stream(w: &mut Writer<'_>) {
    let e = w.event;
    let p = acting(w);
    let Some(path) = e.get(TargetFilename) else { return };
    let (file, name) = split_stream(path);
    let s = w.node(NodeId::stream(&w.host, &format!("{file}:{name}")));
    w.set(s, Prop::Path, &key::path(path));
    w.set_some(s, Prop::Contents, e.get(Contents));
    has_hash(w, s, &[]);
    if let Some(p) = p {
        w.edge(p, EdgeType::WroteStream, s);
    }
    if let Some(f) = file_node(w, file) {
        w.set_some(f, Prop::Created, e.get(CreationUtcTime));
        w.edge(s, EdgeType::Of, f);
    }
    for (line, value) in zone_lines(e) {
        let prop = match () {
            () if line.eq_ignore_ascii_case("ZoneId") => Prop::ZoneId,
            () if line.eq_ignore_ascii_case("HostUrl") => Prop::HostUrl,
            () if line.eq_ignore_ascii_case("ReferrerUrl") => Prop::ReferrerUrl,
            () => continue,
        };
        w.set(s, prop, value);
        if prop != Prop::ZoneId
            && let Some(from) = reference::url_host(value).and_then(|h| super::network::name_or_address(w, h))
        {
            w.edge_with(s, EdgeType::FromUrl, from, &[(prop, Some(value))]);
        }
    }
}

/// `Name=value` pairs of a `Zone.Identifier`, whose lines a shipper may have joined by spaces.
fn zone_lines(e: &Event) -> impl Iterator<Item = (&str, &str)> {
    e.get(Contents).unwrap_or_default().split_whitespace().filter_map(|part| part.split_once('='))
}

#[cfg(test)]
mod tests {
    use super::split_stream;

    #[test]
    fn splits_streams() {
        assert_eq!(split_stream(r"C:\a\b.exe:Zone.Identifier"), (r"C:\a\b.exe", "Zone.Identifier"));
        assert_eq!(split_stream(r"C:\a\b.exe"), (r"C:\a\b.exe", ""));
        assert_eq!(split_stream("C:"), ("C:", ""));
        assert_eq!(split_stream(r"C:\a:s:$DATA"), (r"C:\a", "s:$DATA"));
    }
}
