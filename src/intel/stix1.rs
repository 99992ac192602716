//! STIX 1.0 to 1.2.1 with CybOX 2: indicators, their observables, and what they refer to by id.
use super::{
    Findings, Found,
    expr::{Expr, TOO_MUCH, missing},
    leaf::{Compare, What, leaf},
    shown, tlp,
    xml::Element,
};
use crate::event::indicator::{Kind, Relation, Tlp};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
};

/// References behind one another.
const MAX_REFERENCES: usize = 30;
/// What the indicators of a file may look at again, because many refer to it: observables, and elements and pieces of
/// text of what they are about.
const MAX_AGAIN: usize = 200_000;
/// Bytes of a piece.
const PIECE: usize = 16;
/// Values of one property.
const MAX_VALUES: usize = 200_000;

struct Package<'e> {
    by_id: HashMap<&'e str, &'e Element>,
    /// What was looked at, by its place in memory.
    known: RefCell<HashSet<*const Element>>,
    /// How much may still be looked at again.
    left: Cell<usize>,
}

/// # Errors
/// For another version than 1.x.
pub fn read(root: &Element) -> Result<Findings, String> {
    let version = root.attribute("version").unwrap_or("none");
    if !version.trim_start_matches("stix-").starts_with("1.") {
        return Err(format!("STIX package of version {}: 1.0 to 1.2.1 are read as XML", shown(version)));
    }
    let (mut by_id, mut referred) = (HashMap::new(), HashSet::new());
    root.walk(&mut |e| {
        if let Some(id) = e.attribute("id") {
            by_id.entry(id).or_insert(e);
        }
        referred.extend(e.attribute("idref").filter(|_| e.name == "Observable"));
    });
    let (mut indicators, mut observables) = (Vec::new(), Vec::new());
    alone(root, false, &mut indicators);
    free(root, &mut observables);
    let package = Package { by_id, known: RefCell::default(), left: Cell::new(MAX_AGAIN) };
    let handling = root.child("STIX_Header").and_then(marking);
    let mut findings = Findings::default();
    for indicator in &indicators {
        package.indicator(indicator, handling, &mut findings);
    }
    // Observables of their own are what the file has to tell only where it has no indicators.
    if indicators.is_empty() {
        for observable in observables {
            package.observable_found(observable, handling, &mut findings);
        }
    } else {
        let free = observables.iter().filter(|o| o.attribute("id").is_none_or(|id| !referred.contains(id)));
        for observable in free {
            findings.issue(observable.attribute("id").unwrap_or("Observable"), "observed, but part of no indicator");
        }
    }
    Ok(findings)
}

/// Indicators that hold by themselves. One that is written inside of a composite other than OR, or of a negated
/// indicator, is a `part` and tells nothing alone: the indicator around it tells it.
fn alone<'e>(e: &'e Element, part: bool, out: &mut Vec<&'e Element>) {
    let whole = e.name == "Indicator" && e.attribute("idref").is_none() && !e.children.is_empty();
    if whole && !part {
        out.push(e);
    }
    for child in &e.children {
        let part = match (e.name.as_str(), child.name.as_str()) {
            ("Indicator", "Composite_Indicator_Expression") => {
                part || whole && (is_negated(e) || child.attribute("operator") != Some("OR"))
            }
            ("Composite_Indicator_Expression", "Indicator") => part,
            _ => false,
        };
        alone(child, part, out);
    }
}

fn is_negated(e: &Element) -> bool {
    e.attribute("negate") == Some("true")
}

/// Observables that are part of no indicator, of no other observable, and of no course of action: what that acts
/// upon need not be bad.
fn free<'e>(e: &'e Element, out: &mut Vec<&'e Element>) {
    match e.name.as_str() {
        "Indicator" | "Course_Of_Action" => {}
        "Observable" => out.extend(Some(e).filter(|e| e.attribute("idref").is_none())),
        _ => e.children.iter().for_each(|c| free(c, out)),
    }
}

fn marking(e: &Element) -> Option<Tlp> {
    let mut found = None;
    let mut look = |e: &Element| {
        if matches!(e.name.as_str(), "Marking_Structure" | "TLPMarking") {
            found = found.or(e.attribute("color").and_then(tlp));
        }
    };
    e.child("Handling")?.walk(&mut look);
    found
}

fn time<'e>(e: &'e Element, end: &str) -> Option<&'e str> {
    e.at(&["Valid_Time_Position", end]).map(Element::text)
}

impl<'e> Package<'e> {
    fn indicator(&self, e: &'e Element, handling: Option<Tlp>, findings: &mut Findings) {
        let origin = e.attribute("id").unwrap_or("Indicator").to_owned();
        let mut parts: Vec<Expr> = e.all("Observable").map(|o| self.observable(o, 0)).collect();
        let mut composed = e.all("Composite_Indicator_Expression").map(|c| self.composite(c, 0));
        parts.extend(composed.by_ref());
        if parts.is_empty() {
            let test = e.at(&["Test_Mechanisms"]).is_some();
            let why = if test { "a test mechanism of another tool" } else { "an indicator without an observable" };
            findings.issue(origin, why);
            return;
        }
        let expr = Expr::or(parts);
        let validity = findings.validity(&origin, time(e, "Start_Time"), time(e, "End_Time"));
        let Some((valid_from, valid_until)) = validity else { return };
        findings.push(Found {
            origin,
            title: e.child("Title").map(|t| t.text().to_owned()).unwrap_or_default(),
            valid_from,
            valid_until,
            tlp: marking(e).or(handling),
            expr: if is_negated(e) { Expr::Not(Box::new(expr)) } else { expr },
        });
    }

    fn observable_found(&self, e: &'e Element, handling: Option<Tlp>, findings: &mut Findings) {
        let expr = self.observable(e, 0);
        findings.push(Found {
            origin: e.attribute("id").unwrap_or("Observable").to_owned(),
            title: e.child("Title").map(|t| t.text().to_owned()).unwrap_or_default(),
            valid_from: None,
            valid_until: None,
            tlp: handling,
            expr,
        });
    }

    /// The element itself, or the one that it refers to.
    fn resolved(&self, e: &'e Element) -> Result<&'e Element, Expr> {
        match e.attribute("idref") {
            None => Ok(e),
            // Some write the thing itself beside a reference that leads nowhere.
            Some(id) if !e.children.is_empty() && !self.by_id.contains_key(id) => Ok(e),
            Some(id) => self.by_id.get(id).copied().ok_or_else(|| Expr::hidden(missing(id))),
        }
    }

    /// Indicators joined to one: each speaks of a thing of its own.
    fn composite(&self, e: &'e Element, depth: usize) -> Expr {
        let mut parts = Vec::new();
        for part in e.all("Indicator") {
            let part = match self.resolved(part) {
                Ok(part) if depth < MAX_REFERENCES => part,
                Ok(_) => return Expr::hidden("too many references behind one another"),
                Err(hidden) => return hidden,
            };
            let inner = part
                .all("Observable")
                .map(|o| self.observable(o, depth + 1))
                .chain(part.all("Composite_Indicator_Expression").map(|c| self.composite(c, depth + 1)))
                .collect::<Vec<_>>();
            let inner =
                if inner.is_empty() { Expr::hidden("an indicator without an observable") } else { Expr::or(inner) };
            parts.push(if is_negated(part) { Expr::Not(Box::new(inner)) } else { inner });
        }
        match e.attribute("operator") {
            _ if parts.is_empty() => Expr::hidden("an indicator without items"),
            _ if parts.len() < 2 => Expr::or(parts),
            Some("AND") => Expr::Several { ordered: false, parts },
            Some("OR") => Expr::Or(parts),
            other => Expr::hidden(format!("composite with operator {:?}", other.map(shown))),
        }
    }

    fn observable(&self, e: &'e Element, depth: usize) -> Expr {
        let e = match self.resolved(e) {
            Ok(e) if depth < MAX_REFERENCES && self.affords(e, || 1) => e,
            Ok(_) => return Expr::hidden("too many references behind one another"),
            Err(hidden) => return hidden,
        };
        let inner = if let Some(composition) = e.child("Observable_Composition") {
            let parts: Vec<Expr> = composition.all("Observable").map(|o| self.observable(o, depth + 1)).collect();
            match composition.attribute("operator") {
                _ if parts.is_empty() => Expr::hidden("a composition of nothing"),
                Some("AND") => Expr::and(parts),
                Some("OR") | None => Expr::or(parts),
                Some(other) => Expr::hidden(format!("composition with operator '{}'", shown(other))),
            }
        } else if let Some(object) = e.child("Object") {
            match self.resolved(object) {
                Ok(object) => self.object(object),
                Err(hidden) => hidden,
            }
        } else if e.child("Event").is_some() {
            Expr::hidden("an observed event, not a thing")
        } else {
            Expr::hidden("an observable without an object")
        };
        if is_negated(e) { Expr::Not(Box::new(inner)) } else { inner }
    }

    /// Whether this may be looked at, for the first time or again.
    fn affords(&self, e: &'e Element, work: impl Fn() -> usize) -> bool {
        if self.known.borrow_mut().insert(std::ptr::from_ref(e)) {
            return true;
        }
        let left = self.left.get().checked_sub(work());
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }

    fn object(&self, e: &'e Element) -> Expr {
        let Some(properties) = e.child("Properties") else { return Expr::hidden("an object without properties") };
        let kind = properties.has("type", |t| t.ends_with("Type")).unwrap_or_default();
        let kind = &*shown(kind.rsplit(':').next().unwrap_or_default().trim_end_matches("ObjectType"));
        let work = || {
            let mut work = 0;
            properties.walk(&mut |e| work += 1 + (e.name.len() + e.text().len()) / PIECE);
            work
        };
        if !self.affords(properties, work) {
            return Expr::hidden(TOO_MUCH);
        }
        let mut out = Vec::new();
        properties_of(kind, properties, &mut out);
        if out.is_empty() { Expr::nothing(kind) } else { Expr::and(out) }
    }
}

/// What each property of an object says.
fn properties_of(kind: &str, e: &Element, out: &mut Vec<Expr>) {
    let parts = |e: &Element, name: &str, what: What, out: &mut Vec<Expr>| {
        out.extend(
            e.children.iter().filter(|c| c.name == name).filter_map(|c| value(&format!("{kind}/{name}"), what, c)),
        );
    };
    match kind {
        "File" | "WindowsFile" | "WindowsExecutableFile" | "ArchiveFile" | "PDFFile" | "ImageFile" => {
            file(kind, e, out)
        }
        "Address" => {
            let category = e.attribute("category").unwrap_or("ipv4-addr");
            let what = match category {
                "ipv4-addr" | "ipv6-addr" | "ipv4-net" | "ipv6-net" | "cidr" => What::Is(Kind::Ip),
                _ => What::Hidden,
            };
            parts(e, "Address_Value", what, out);
        }
        "DomainName" => parts(e, "Value", What::Is(Kind::Domain), out),
        "Hostname" => parts(e, "Hostname_Value", What::Host, out),
        "URI" | "Link" => {
            let domain = e.has("type", |t| t == "Domain Name").is_some();
            parts(e, "Value", if domain { What::Is(Kind::Domain) } else { What::Url }, out);
        }
        "WindowsRegistryKey" => registry(e, out),
        "Process" | "WindowsProcess" => process(kind, e, out),
        "Pipe" | "WindowsPipe" => parts(e, "Name", What::Is(Kind::Pipe), out),
        "WindowsDriver" => {
            parts(e, "Driver_Name", What::Is(Kind::FileName), out);
            rest(kind, e, &["Driver_Name"], out);
        }
        "Port" => parts(e, "Port_Value", What::Is(Kind::DestinationPort), out),
        "SocketAddress" => socket(e, Kind::Ip, Kind::DestinationPort, out),
        "NetworkConnection" => {
            for (name, ip, port) in [
                ("Source_Socket_Address", Kind::SourceIp, Kind::SourcePort),
                ("Destination_Socket_Address", Kind::DestinationIp, Kind::DestinationPort),
            ] {
                e.child(name).into_iter().for_each(|s| socket(s, ip, port, out));
            }
            rest(kind, e, &["Source_Socket_Address", "Destination_Socket_Address"], out);
        }
        _ => rest(kind, e, &[], out),
    }
}

/// Everything but `known`: not shown by Sysmon.
fn rest(kind: &str, e: &Element, known: &[&str], out: &mut Vec<Expr>) {
    for child in e.children.iter().filter(|c| !known.contains(&c.name.as_str())) {
        let mut text = child.text().to_owned();
        child.walk(&mut |c| {
            if text.is_empty() {
                text = c.text().to_owned();
            }
        });
        if !text.is_empty() {
            out.push(leaf(&format!("{kind}/{}", child.name), What::Hidden, Compare::Other, &text));
        }
    }
}

fn socket(e: &Element, ip: Kind, port: Kind, out: &mut Vec<Expr>) {
    out.extend(e.at(&["IP_Address", "Address_Value"]).and_then(|v| value("address", What::Is(ip), v)));
    out.extend(e.at(&["Hostname", "Hostname_Value"]).and_then(|v| value("host name", What::Host, v)));
    out.extend(e.at(&["Port", "Port_Value"]).and_then(|v| value("port", What::Is(port), v)));
}

fn file(kind: &str, e: &Element, out: &mut Vec<Expr>) {
    let name = e.child("File_Name");
    for child in &e.children {
        let what = match child.name.as_str() {
            "File_Name" => What::Is(Kind::FileName),
            "Full_Path" => What::Is(Kind::FilePath),
            "File_Path" => {
                // With or without the name at its end.
                let with_name = name.is_none_or(|n| child.text().ends_with(n.text()));
                let equals = matches!(child.attribute("condition"), None | Some("Equals"));
                What::Is(if with_name && equals { Kind::FilePath } else { Kind::Folder })
            }
            "Hashes" => {
                out.extend(child.all("Hash").map(|h| hash(kind, h)));
                continue;
            }
            "Device_Path" | "File_Extension" | "Created_Time" | "Modified_Time" | "Accessed_Time" | "User_Owner" => {
                What::Hidden
            }
            _ => {
                let mut any = child.text().to_owned();
                child.walk(&mut |c| {
                    if any.is_empty() {
                        any = c.text().to_owned();
                    }
                });
                out.extend(
                    (!any.is_empty()).then(|| Expr::content(format!("{kind}/{}: not shown by Sysmon", child.name))),
                );
                continue;
            }
        };
        out.extend(value(&format!("{kind}/{}", child.name), what, child));
    }
}

fn hash(kind: &str, e: &Element) -> Expr {
    let Some(v) = e.child("Simple_Hash_Value") else {
        return Expr::content(format!("{kind}: a fuzzy hash, not shown by Sysmon"));
    };
    let named = e.child("Type").map(|t| t.text().to_ascii_uppercase().replace('-', "")).unwrap_or_default();
    // A type that is `Other` or missing is told by the length.
    let first = v.text().split("##comma##").next().unwrap_or_default().trim().len();
    let what = match (named.as_str(), first) {
        ("MD5", _) => What::Is(Kind::Md5),
        ("SHA1", _) => What::Is(Kind::Sha1),
        ("SHA256", _) => What::Is(Kind::Sha256),
        ("OTHER" | "", 32) => What::Is(Kind::Md5),
        ("OTHER" | "", 40) => What::Is(Kind::Sha1),
        ("OTHER" | "", 64) => What::Is(Kind::Sha256),
        _ => What::Content,
    };
    value(&format!("{kind}/{named}"), what, v).unwrap_or_else(|| Expr::hidden("a hash without a value"))
}

fn registry(e: &Element, out: &mut Vec<Expr>) {
    if let Some(key) = e.child("Key") {
        let hive = e.child("Hive").map(Element::text).unwrap_or_default();
        let contains = key.attribute("condition") == Some("Contains");
        let whole =
            |k: &str| if hive.is_empty() { k.to_owned() } else { format!("{hive}\\{}", k.trim_start_matches('\\')) };
        // Of a key that contains a text, the path with the value name is compared.
        let what = What::Is(if contains { Kind::RegistryPath } else { Kind::RegistryKey });
        let text = if contains { key.text().to_owned() } else { whole(key.text()) };
        out.push(values("WindowsRegistryKey/Key", what, key, &text));
    }
    for v in e.at(&["Values"]).into_iter().flat_map(|v| v.all("Value")) {
        out.extend(v.child("Name").and_then(|n| value("registry value", What::Is(Kind::RegistryValue), n)));
        out.extend(v.child("Data").and_then(|d| value("registry data", What::Is(Kind::RegistryData), d)));
    }
}

fn process(kind: &str, e: &Element, out: &mut Vec<Expr>) {
    out.extend(e.child("Name").and_then(|n| value("process name", What::Is(Kind::Process), n)));
    for image in e.all("Image_Info") {
        for (name, title, what) in [
            ("Path", "process path", Kind::Process),
            ("Command_Line", "command line", Kind::CommandLine),
            ("File_Name", "process name", Kind::Process),
        ] {
            out.extend(image.child(name).and_then(|part| value(title, What::Is(what), part)));
        }
        rest(kind, image, &["Path", "Command_Line", "File_Name"], out);
    }
    rest(kind, e, &["Name", "Image_Info"], out);
}

fn value(name: &str, what: What, e: &Element) -> Option<Expr> {
    (!e.text().is_empty()).then(|| values(name, what, e, e.text()))
}

/// One value, or several behind one another with `apply_condition`.
fn values(name: &str, what: What, e: &Element, text: &str) -> Expr {
    let compare = match e.attribute("condition") {
        None | Some("Equals") => Compare::Is(Relation::Equals),
        Some("Contains") => Compare::Is(Relation::Contains),
        Some("StartsWith") => Compare::Is(Relation::StartsWith),
        Some("EndsWith") => Compare::Is(Relation::EndsWith),
        Some("FitsPattern") => Compare::Is(Relation::Matches),
        Some("DoesNotEqual") => Compare::Not(Relation::Equals),
        Some("DoesNotContain") => Compare::Not(Relation::Contains),
        Some("InclusiveBetween") => Compare::Between,
        Some(_) => Compare::Other,
    };
    let delimiter = e.attribute("delimiter").unwrap_or("##comma##");
    if compare == Compare::Between || !text.contains(delimiter) {
        return leaf(name, what, compare, text);
    }
    let each: Vec<&str> = text.split(delimiter).filter(|v| !v.trim().is_empty()).take(MAX_VALUES + 1).collect();
    if each.len() > MAX_VALUES {
        return Expr::hidden(format!("{name}: more than {MAX_VALUES} values in one property"));
    }
    let each = each.into_iter().map(|v| leaf(name, what, compare, v)).collect();
    match e.attribute("apply_condition") {
        Some("ALL") => Expr::and(each),
        Some("NONE") => Expr::Not(Box::new(Expr::or(each))),
        _ => Expr::or(each),
    }
}
