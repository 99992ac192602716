//! Regular expressions of conditions as Lucene's, by way of their meaning and not of their text.
//!
//! Lucene's always cover the whole value and know no anchors; classes are written out, case included.
use crate::event::text;
use regex_syntax::{
    Parser,
    hir::{Class, ClassUnicode, Hir, HirKind, Look},
};

/// Longest text that a pattern may stand for, in bytes; longer than any term.
const MAX_WHOLE: usize = 64 * 1024;

/// A Lucene expression that matches the whole of the same values; `None` where an anchor is inside, or a way through it
/// is longer than `max` bytes.
pub fn lucene(pattern: &str, max: usize) -> Option<String> {
    let hir = Parser::new().parse(pattern).ok()?;
    if size(&hir, usize::max) > max {
        return None;
    }
    let mut out = Vec::new();
    branches(&hir, &mut out)?;
    Some(out.join("|"))
}

/// Bytes of all texts in an expression, or more.
pub fn letters(pattern: &str) -> usize {
    Parser::new().parse(pattern).map_or(usize::MAX, |hir| size(&hir, usize::saturating_add))
}

/// Bytes of an expression: those of the longest way through it where `ways` is the greater of two, those of all where it is
/// their sum. What repeats without end counts once more than it must.
fn size(hir: &Hir, ways: fn(usize, usize) -> usize) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(l) => l.0.len(),
        HirKind::Class(c) => c.maximum_len().unwrap_or(1),
        HirKind::Repetition(r) => {
            size(&r.sub, ways).saturating_mul(r.max.unwrap_or_else(|| r.min.saturating_add(1)) as usize)
        }
        HirKind::Capture(c) => size(&c.sub, ways),
        HirKind::Concat(all) => all.iter().map(|h| size(h, ways)).fold(0, usize::saturating_add),
        HirKind::Alternation(any) => any.iter().map(|h| size(h, ways)).fold(0, ways),
    }
}

/// The longest text that is in every folded value that matches.
pub fn required(pattern: &str) -> Option<String> {
    let hir = Parser::new().parse(pattern).ok()?;
    let (mut run, mut best) = (String::new(), String::new());
    runs(&hir, &mut run, &mut best);
    keep(&mut run, &mut best);
    (!best.is_empty()).then_some(best)
}

/// The one folded value that matches. (The wildcard fields of OpenSearch fail at a pattern that is no more than that.)
pub fn whole(pattern: &str) -> Option<String> {
    let hir = Parser::new().parse(pattern).ok()?;
    let HirKind::Concat(parts) = hir.kind() else { return None };
    let [first, inner @ .., last] = parts.as_slice() else { return None };
    let mut text = String::new();
    let ends = is(first, Look::Start) && is(last, Look::End);
    (ends && inner.iter().all(|h| only(h, &mut text))).then_some(text)
}

/// Adds the only text that matches; whether there is one.
fn only(hir: &Hir, text: &mut String) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(l) => std::str::from_utf8(&l.0).map(|t| text.push_str(t)).is_ok(),
        HirKind::Class(Class::Unicode(class)) => folded(class).map(|c| text.push(c)).is_some(),
        HirKind::Capture(c) => only(&c.sub, text),
        HirKind::Concat(all) => all.iter().all(|h| only(h, text)),
        HirKind::Repetition(r) if r.max == Some(r.min) => {
            (0..r.min).all(|_| text.len() <= MAX_WHOLE && only(&r.sub, text))
        }
        _ => false,
    }
}

fn is(hir: &Hir, look: Look) -> bool {
    matches!(hir.kind(), HirKind::Look(l) if *l == look)
}

fn keep(run: &mut String, best: &mut String) {
    if run.len() > best.len() {
        best.clone_from(run);
    }
    run.clear();
}

fn runs(hir: &Hir, run: &mut String, best: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(l) => match std::str::from_utf8(&l.0) {
            Ok(text) => run.push_str(text),
            Err(_) => keep(run, best),
        },
        HirKind::Class(Class::Unicode(class)) => match folded(class) {
            Some(c) => run.push(c),
            None => keep(run, best),
        },
        HirKind::Capture(c) => runs(&c.sub, run, best),
        HirKind::Concat(all) => all.iter().for_each(|h| runs(h, run, best)),
        HirKind::Repetition(r) if r.min > 0 => {
            keep(run, best);
            runs(&r.sub, run, best);
            keep(run, best);
        }
        _ => keep(run, best),
    }
}

/// The one character of a class that folded text may have.
fn folded(class: &ClassUnicode) -> Option<char> {
    let all = class.ranges().iter().map(|r| r.len()).sum::<usize>();
    let chars = class.ranges().iter().filter(|_| all <= 8).flat_map(|r| r.start()..=r.end());
    let mut chars = chars.filter(|c| text::fold(c.encode_utf8(&mut [0; 4])).chars().eq([*c]));
    chars.next().filter(|_| chars.next().is_none())
}

/// Text that means just itself.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| single(c, &mut out));
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
        HirKind::Literal(l) => std::str::from_utf8(&l.0).ok()?.chars().for_each(|c| single(c, out)),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            if ranges.is_empty() {
                return None;
            }
            set(ranges.iter().map(|r| (r.start(), r.end())), out);
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

/// A character outside of a class. The wildcard fields of OpenSearch take `\\`, `*` and `?` for signs of their own, even
/// escaped ones and classes of one character: here each is what all others are not.
fn single(c: char, out: &mut String) {
    let around = match c {
        '\\' => ('[', ']'),
        '*' => (')', '+'),
        '?' => ('>', '@'),
        c => return escaped(c, out),
    };
    out.push_str("[^");
    parts([('\0', around.0), (around.1, char::MAX)].into_iter(), out);
}

fn set(ranges: impl Iterator<Item = (char, char)>, out: &mut String) {
    out.push('[');
    parts(ranges, out);
}

/// The inside of a class and its end. No range begins or ends with a character that is escaped: what Lucene makes of that
/// depends on the version. Nor does anything stand before `-` that would make it a range.
fn parts(ranges: impl Iterator<Item = (char, char)>, out: &mut String) {
    let special = |c: &char| matches!(c, '\\' | ']' | '^' | '-');
    let (mut alone, mut rest) = (Vec::new(), String::new());
    for (start, end) in ranges {
        alone.extend((start..=end).take_while(special));
        let Some(start) = (start..=end).find(|c| !special(c)) else { continue };
        alone.extend((start..=end).rev().take_while(special));
        let Some(end) = (start..=end).rev().find(|c| !special(c)) else { continue };
        rest.push(start);
        if end > start {
            rest.extend(['-', end]);
        }
    }
    if alone.contains(&'-') {
        out.push('-');
    }
    out.push_str(&rest);
    alone.into_iter().filter(|c| *c != '-').for_each(|c| out.extend(['\\', c]));
    out.push(']');
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
            (r"a\\b\*", Some(".*a[^\u{0}-[_-\u{10ffff}\\]\\^]b[^\u{0}-)+-\u{10ffff}].*")),
            (r"[\\-a][\\x][+-]x?\?", Some(".*[_-a\\\\\\]\\^][x\\\\][-+](x)?[^\u{0}->@-\u{10ffff}].*")),
            ("[^a-]", Some(".*[\u{0}-,.-`b-\u{10ffff}].*")),
            ("x(^a|b)", None),
        ] {
            assert_eq!(lucene(pattern, 400).as_deref(), expected, "{pattern}");
        }
        assert_eq!(lucene("(a{20}|bc){10}x", 201), lucene("(a{20}|bc){10}x", 1_000));
        assert_eq!(lucene("(a{20}|bc){10}x", 200), None);
        assert_eq!(letters("(a{20}|bc){10}x"), 221);
    }

    #[test]
    fn one_value_only() {
        for (pattern, expected) in [
            (r"(?i)^C:\\a(b){2}$", Some(r"c:\abb")),
            ("^$", Some("")),
            ("^ab", None),
            ("(?i)^s$", None),
            ("^(a|b)$", None),
        ] {
            assert_eq!(whole(pattern).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn text_that_every_match_has() {
        for (pattern, expected) in [
            ("(?i)^.*Kill(er)?x+$", Some("kill")),
            ("(?i)a(bcd)e|f", None),
            (r"(?i)[0-9]+\.bat(q{3})*zz", Some(".bat")),
            ("(?i)s", None),
            ("(?s)^.*ab.cde$", Some("cde")),
            (".*", None),
        ] {
            assert_eq!(required(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
