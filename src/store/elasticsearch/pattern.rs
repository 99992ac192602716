//! Regular expressions of conditions as Lucene's, by way of their meaning and not of their text.
//!
//! Lucene's always cover the whole value and know no anchors; classes are written out, case included.
use regex_syntax::{
    Parser,
    hir::{Class, Hir, HirKind, Look},
};

/// A Lucene expression that matches the whole of the same values; `None` where an anchor is inside.
pub fn lucene(pattern: &str) -> Option<String> {
    let hir = Parser::new().parse(pattern).ok()?;
    let mut out = Vec::new();
    branches(&hir, &mut out)?;
    Some(out.join("|"))
}

/// Text that means just itself.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| escaped(c, &mut out));
    out
}

fn branches(hir: &Hir, out: &mut Vec<String>) -> Option<()> {
    match hir.kind() {
        HirKind::Alternation(all) => all.iter().try_for_each(|h| branches(h, out)),
        HirKind::Capture(c) => branches(&c.sub, out),
        HirKind::Concat(parts) => branch(parts, out),
        _ => branch(std::slice::from_ref(hir), out),
    }
}

fn branch(mut parts: &[Hir], out: &mut Vec<String>) -> Option<()> {
    let is = |hir: &Hir, look: Look| matches!(hir.kind(), HirKind::Look(l) if *l == look);
    let (mut before, mut after) = (".*", ".*");
    while let [first, rest @ ..] = parts
        && is(first, Look::Start)
    {
        (before, parts) = ("", rest);
    }
    while let [rest @ .., last] = parts
        && is(last, Look::End)
    {
        (after, parts) = ("", rest);
    }
    let mut text = String::from(before);
    parts.iter().try_for_each(|p| write(p, &mut text))?;
    text.push_str(after);
    // Nothing at all is written as such.
    out.push(if text.is_empty() { "()".into() } else { text });
    Some(())
}

fn write(hir: &Hir, out: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => out.push_str("()"),
        HirKind::Literal(l) => std::str::from_utf8(&l.0).ok()?.chars().for_each(|c| escaped(c, out)),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            if ranges.is_empty() {
                return None;
            }
            out.push('[');
            for r in ranges {
                escaped(r.start(), out);
                if r.end() != r.start() {
                    out.push('-');
                    escaped(r.end(), out);
                }
            }
            out.push(']');
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) => return None,
        HirKind::Repetition(r) => {
            out.push('(');
            write(&r.sub, out)?;
            out.push(')');
            match (r.min, r.max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => out.push_str(&format!("{{{min},}}")),
                (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
            }
        }
        HirKind::Capture(c) => write(&c.sub, out)?,
        HirKind::Concat(all) => all.iter().try_for_each(|h| write(h, out))?,
        HirKind::Alternation(all) => {
            for (i, h) in all.iter().enumerate() {
                out.push(if i == 0 { '(' } else { '|' });
                write(h, out)?;
            }
            out.push(')');
        }
    }
    Some(())
}

fn escaped(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meaning_is_kept() {
        for (pattern, expected) in [
            ("a.b", Some(".*a[\u{0}-\t\u{b}-\u{10ffff}]b.*")),
            ("(?s)^.*x$", Some("([\u{0}-\u{10ffff}])*x")),
            ("(?i)k", Some(".*[Kk\u{212a}].*")),
            (r"^a|b{2,3}\.$", Some(r"a.*|.*(b){2,3}\.")),
            ("^$", Some("()")),
            ("x(^a|b)", None),
        ] {
            assert_eq!(lucene(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
