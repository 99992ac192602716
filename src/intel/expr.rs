//! What a report says of a thing, as a tree; and what of it Sysmon can see.
use super::shown;
use crate::event::{
    EventCode,
    indicator::{Kind, Relation, carries},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A condition of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Leaf(Leaf),
    /// Sysmon does not show it.
    Hidden(Hidden),
    /// All about one thing.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// All, each about a thing of its own; in this order or in any.
    Several {
        ordered: bool,
        parts: Vec<Expr>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leaf {
    pub kind: Kind,
    pub relation: Relation,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hidden {
    pub reason: String,
    /// Follows from the content of a file, so that a hash of the file implies it.
    pub of_content: bool,
}

/// Why a reference is not followed.
pub const TOO_MUCH: &str = "too many references to large objects";

/// Why a reference cannot be followed.
pub fn missing(id: &str) -> String {
    format!("'{}' is not in the file", shown(id))
}

impl Expr {
    pub fn hidden(reason: impl Into<String>) -> Self {
        Self::Hidden(Hidden { reason: reason.into(), of_content: false })
    }

    /// A thing of which nothing is left.
    pub fn nothing(kind: &str) -> Self {
        Self::hidden(format!("{}: nothing that Sysmon shows", shown(kind)))
    }

    /// Something that a hash of the file implies.
    pub fn content(reason: impl Into<String>) -> Self {
        Self::Hidden(Hidden { reason: reason.into(), of_content: true })
    }

    /// One of several: itself where it is the only one.
    pub fn or(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.swap_remove(0) } else { Self::Or(parts) }
    }

    pub fn and(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.swap_remove(0) } else { Self::And(parts) }
    }

    /// The part of it that Sysmon can see, in its simplest form. What is left out goes to `issues`; what
    /// would match more without a hidden part is left out altogether.
    pub fn seen(self, issues: &mut Vec<String>) -> Option<Self> {
        match self {
            Self::Leaf(_) => Some(self),
            Self::Hidden(h) => {
                issues.push(h.reason);
                None
            }
            Self::Or(parts) => {
                let mut out: Vec<Self> = Vec::new();
                for part in parts.into_iter().filter_map(|p| p.seen(issues)) {
                    match part {
                        Self::Or(more) => out.extend(more),
                        other => out.push(other),
                    }
                }
                (!out.is_empty()).then(|| Self::or(out))
            }
            Self::And(_) => self.all_seen(issues),
            Self::Not(inner) => {
                let mut lost = Vec::new();
                let inner = inner.seen(&mut lost);
                if let (Some(inner), []) = (inner, lost.as_slice()) {
                    return Some(Self::Not(Box::new(inner)));
                }
                issues.push(format!("a negation left out: {}", lost.join("; ")));
                None
            }
            Self::Several { ordered, parts } => {
                let how = if ordered { "one after the other" } else { "each of its own" };
                issues.push(format!("{} observations, {how}: no single event shows them", parts.len()));
                None
            }
        }
    }

    fn all_seen(self, issues: &mut Vec<String>) -> Option<Self> {
        let parts = joined(self.flat());
        let mut lost = Vec::new();
        let mut out: Vec<Self> = Vec::new();
        let mut whole = true;
        for part in parts {
            match part.seen(&mut lost) {
                Some(Self::And(more)) => out.extend(more),
                Some(part) => out.push(part),
                None => whole = false,
            }
        }
        if whole && !out.is_empty() {
            issues.append(&mut lost);
            return Some(Self::and(out));
        }
        let kept: Vec<String> = out.iter().map(ToString::to_string).collect();
        let kept = if kept.is_empty() { String::new() } else { format!("{} AND ", kept.join(" AND ")) };
        issues.push(format!("{kept}a part that Sysmon does not show: {}", lost.join("; ")));
        None
    }

    /// Members of a conjunction, those of conjunctions inside of it included.
    fn flat(self) -> Vec<Self> {
        match self {
            Self::And(parts) => parts.into_iter().flat_map(Self::flat).collect(),
            other => vec![other],
        }
    }

    /// Event codes that can show all of it at once.
    fn codes(&self) -> Vec<u32> {
        let all = || EventCode::all().iter();
        match self {
            Self::Leaf(l) => all().filter(|c| carries(c, l.kind)).map(|c| c.code).collect(),
            Self::And(parts) => {
                let each: Vec<Vec<u32>> = parts.iter().map(Self::codes).collect();
                all().map(|c| c.code).filter(|c| each.iter().all(|e| e.contains(c))).collect()
            }
            Self::Or(parts) => parts.iter().flat_map(Self::codes).collect(),
            Self::Not(_) => all().map(|c| c.code).collect(),
            Self::Hidden(_) | Self::Several { .. } => Vec::new(),
        }
    }

    /// Why no rule can be made of it, if none can.
    pub fn check(&self) -> Result<(), String> {
        fn positive(e: &Expr) -> bool {
            match e {
                Expr::Leaf(_) => true,
                Expr::And(parts) => parts.iter().any(positive),
                Expr::Or(parts) => parts.iter().all(positive),
                _ => false,
            }
        }
        if self.codes().is_empty() {
            return Err(format!("no kind of event shows all of it at once: {self}"));
        }
        if !positive(self) {
            return Err(format!("it only says what must not be there: {self}"));
        }
        Ok(())
    }
}

/// Of one file: any of its hashes identifies it, with all that follows from its content; folder and name are its path.
fn joined(parts: Vec<Expr>) -> Vec<Expr> {
    let (hashes, mut rest): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(is_hash);
    let (mut any, mut known): (Vec<Expr>, BTreeSet<Leaf>) = Default::default();
    let several = several(&hashes);
    hashes.into_iter().for_each(|h| alternatives(h, &mut any, &mut known));
    if !any.is_empty() {
        rest.retain(|p| !matches!(p, Expr::Hidden(h) if h.of_content));
        rest.insert(0, several.map_or_else(|| Expr::or(any), Expr::hidden));
    }
    let one = |kind: Kind, rest: &[Expr]| {
        let mut found = rest.iter().enumerate().filter_map(|(i, p)| match p {
            Expr::Leaf(l) if l.kind == kind && l.relation == Relation::Equals => Some((i, l.value.clone())),
            _ => None,
        });
        found.next().filter(|_| found.next().is_none())
    };
    if let (Some((f, folder)), Some((n, name))) = (one(Kind::Folder, &rest), one(Kind::FileName, &rest)) {
        rest[n] = Expr::Leaf(Leaf { kind: Kind::FilePath, relation: Relation::Equals, value: path(&folder, &name) });
        rest.remove(f);
    }
    rest
}

/// Why no event shows all of these hashes: a file has one of each kind, so that two are of different files.
fn several(hashes: &[Expr]) -> Option<String> {
    let mut first = BTreeMap::new();
    hashes.iter().filter_map(single).find_map(|leaf| {
        let known = *first.entry(leaf.kind).or_insert(leaf.value.as_str());
        let kind = leaf.kind.as_str();
        let why = || format!("several files, {kind} '{known}' and '{}': no single event shows them", leaf.value);
        (known != leaf.value).then(why)
    })
}

/// The value, where it is no choice of several.
fn single(hash: &Expr) -> Option<&Leaf> {
    match hash {
        Expr::Leaf(leaf) => Some(leaf),
        Expr::Or(members) => match members.as_slice() {
            [one] => single(one),
            _ => None,
        },
        _ => None,
    }
}

/// The path of a file in a folder.
pub fn path(folder: &str, name: &str) -> String {
    let sign = if folder.contains('/') { '/' } else { '\\' };
    format!("{}{sign}{name}", folder.trim_end_matches(sign))
}

/// The hashes of one or of alternatives in each other, each once.
fn alternatives(hash: Expr, any: &mut Vec<Expr>, known: &mut BTreeSet<Leaf>) {
    match hash {
        Expr::Leaf(leaf) if known.insert(leaf.clone()) => any.push(Expr::Leaf(leaf)),
        Expr::Or(members) => members.into_iter().for_each(|m| alternatives(m, any, known)),
        _ => {}
    }
}

/// A hash, or several of which any may be.
fn is_hash(part: &Expr) -> bool {
    match part {
        Expr::Leaf(l) => matches!(l.kind, Kind::Md5 | Kind::Sha1 | Kind::Sha256) && l.relation == Relation::Equals,
        Expr::Or(members) => {
            // Each is looked at once, as there may be many in each other.
            let mut hashes = 0;
            let of_content = |m: &Expr| matches!(m, Expr::Hidden(h) if h.of_content);
            for member in members.iter().filter(|m| !of_content(m)) {
                if !is_hash(member) {
                    return false;
                }
                hashes += 1;
            }
            hashes > 0
        }
        _ => false,
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            f.write_str("(")?;
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                part.fmt(f)?;
            }
            f.write_str(")")
        };
        match self {
            Self::Leaf(l) => write!(f, "{} {} '{}'", l.kind.as_str(), l.relation.as_str(), l.value),
            Self::Hidden(h) => write!(f, "({})", h.reason),
            Self::And(parts) => list(f, parts, "AND"),
            Self::Or(parts) => list(f, parts, "OR"),
            Self::Not(inner) => write!(f, "NOT {inner}"),
            Self::Several { ordered: true, parts } => list(f, parts, "FOLLOWEDBY"),
            Self::Several { ordered: false, parts } => list(f, parts, "AND"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(kind: Kind, value: &str) -> Expr {
        Expr::Leaf(Leaf { kind, relation: Relation::Equals, value: value.into() })
    }

    /// What is left of a conjunction, and why not more.
    fn seen(parts: Vec<Expr>) -> (Option<Expr>, Vec<String>) {
        let mut issues = Vec::new();
        (Expr::And(parts).seen(&mut issues), issues)
    }

    #[test]
    fn hashes_of_one_file_are_alternatives_and_those_of_several_are_no_event() {
        let (md5, sha1) = (hash(Kind::Md5, "a"), hash(Kind::Sha1, "b"));
        let one = vec![md5.clone(), sha1.clone(), md5.clone()];
        assert_eq!(seen(one), (Some(Expr::Or(vec![md5.clone(), sha1.clone()])), vec![]));
        // Which of the alternatives it is, is open.
        let either = Expr::Or(vec![md5.clone(), hash(Kind::Md5, "c")]);
        assert_eq!(seen(vec![either, sha1.clone()]).1, Vec::<String>::new());
        for other in [hash(Kind::Md5, "c"), Expr::Or(vec![hash(Kind::Md5, "c")])] {
            let (left, issues) = seen(vec![md5.clone(), Expr::And(vec![sha1.clone(), other])]);
            assert_eq!(left, None);
            assert!(issues.len() == 1 && issues[0].contains("several files, MD5 'a' and 'c'"), "{issues:?}");
        }
    }
}
