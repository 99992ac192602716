//! LIKE and regular expressions of reports, as they hold for what events show: names behind folders, keys behind
//! hives, pipes behind a backslash.
use super::{
    expr::Expr,
    leaf::{Compare, MAX_VALUE, What, leaf},
    registry::{self, ANY_USER, HIVES, OF_USER, current_control_set, of_kernel},
};
use crate::event::indicator::{Kind, Relation, edges};

/// The expression of SQL's LIKE: `%` any text, `_` one character.
pub fn like(name: &str, what: What, pattern: &str) -> Expr {
    // Longer ones are no values, and to look for hives in them takes ages.
    if pattern.len() > MAX_VALUE {
        return leaf(name, what, Compare::Is(Relation::Equals), pattern);
    }
    let mut what = what;
    let mut pattern = pattern.trim().to_owned();
    match what {
        What::Url => return url(name, &pattern),
        What::Is(Kind::FileName) if pattern.contains(['\\', '/']) => what = What::Is(Kind::FilePath),
        What::Is(Kind::Folder) => pattern.truncate(pattern.trim_end_matches('\\').len()),
        // The underscores of a hive's name are no wildcards.
        What::Is(Kind::RegistryKey | Kind::RegistryPath) => {
            pattern = of_kernel(pattern.trim_start_matches('\\'));
            for (long, short) in HIVES {
                pattern = replaced(&pattern, long, short);
            }
        }
        _ => {}
    }
    let (relation, value) = compared(&pattern);
    leaf(name, what, Compare::Is(relation), &value)
}

fn compared(pattern: &str) -> (Relation, String) {
    let inner = pattern.trim_matches('%');
    let (open, ends) = (pattern.starts_with('%'), pattern.ends_with('%'));
    if inner.contains(['%', '_']) {
        let mut regex = String::from(if open { "" } else { "^" });
        for c in inner.chars() {
            match c {
                '%' => regex.push_str(".*"),
                '_' => regex.push('.'),
                c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
        regex.push_str(if ends { "" } else { "$" });
        return (Relation::Matches, regex);
    }
    let relation = match (open, ends) {
        (false, false) => Relation::Equals,
        (true, true) => Relation::Contains,
        (false, true) => Relation::StartsWith,
        (true, false) => Relation::EndsWith,
    };
    (relation, inner.to_owned())
}

/// Of an address only its host is visible: wildcards behind it play no part.
fn url(name: &str, pattern: &str) -> Expr {
    let ends = |at: &str| at.find(['/', '?', '#']);
    let (scheme, rest) = match pattern.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, pattern),
    };
    if let Some(end) = ends(rest).filter(|_| scheme || !rest.starts_with('%')) {
        let host = rest.get(..end).unwrap_or_default();
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit() || b == b'%') => name,
            _ => host,
        };
        if host.contains(['%', '_']) {
            return if host.trim_matches('%').is_empty() {
                Expr::hidden(format!("{name} '{pattern}': no host in it"))
            } else {
                like(name, What::Host, host)
            };
        }
    }
    let (relation, value) = match compared(pattern) {
        (Relation::Matches, _) => {
            let relation = if pattern.starts_with('%') { Relation::Contains } else { Relation::StartsWith };
            (relation, pattern.trim_matches('%').to_owned())
        }
        plain => plain,
    };
    leaf(name, What::Url, Compare::Is(relation), &value)
}

/// As [`str::replace`], for a name in capitals in any case of letters.
fn replaced(text: &str, name: &str, by: &str) -> String {
    let (mut out, mut from) = (text.to_owned(), 0);
    while let Some(at) = out.get(from..).and_then(|rest| rest.to_ascii_uppercase().find(name)) {
        let at = from + at;
        out.replace_range(at..at + name.len(), by);
        from = at + by.len();
    }
    out
}

/// A regular expression by its parts.
struct Shape<'r> {
    /// Whether it begins, or ends, with the edge of the value.
    start: bool,
    end: bool,
    inner: &'r str,
    /// `inner` with dots that do not reach over a backslash.
    flat: String,
    /// It asks for a backslash or slash.
    path: bool,
    /// What cannot be moved to other edges: further edges, or alternatives of the whole beside one.
    fixed: bool,
}

fn shape(regex: &str) -> Shape<'_> {
    // Case never counts.
    let regex = regex.strip_prefix("(?i)").unwrap_or(regex);
    let (start, inner, end) = edges(regex);
    let mut shape = Shape { start, end, inner, flat: String::new(), path: false, fixed: false };
    let (mut class, mut depth) = (false, 0_usize);
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next();
                shape.path |= !class && matches!(next, Some('\\' | '/'));
                shape.fixed |= !class && matches!(next, Some('A' | 'z' | 'Z'));
                shape.flat.push('\\');
                shape.flat.extend(next);
                continue;
            }
            '[' if !class => class = true,
            ']' if class => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            '/' if !class => shape.path = true,
            '^' | '$' if !class => shape.fixed = true,
            '|' if !class && depth == 0 => shape.fixed |= start || end,
            '.' if !class => {
                shape.flat.push_str(r"[^\\]");
                continue;
            }
            _ => {}
        }
        // What a class excludes stays excluded.
        let negated = shape.flat.ends_with('[') && c == '^' && class;
        shape.flat.push(c);
        if negated {
            shape.flat.push_str(r"\\");
        }
    }
    shape
}

/// The kind and regular expression that hold for values of events.
///
/// # Errors
/// Where the edges in it cannot be those of a part of the value.
pub fn regex(kind: Kind, regex: &str) -> Result<(Kind, String), &'static str> {
    const FIXED: &str = "a regular expression with edges inside of it, which are not those of what Sysmon writes";
    let shape = shape(regex);
    let movable = if shape.fixed { Err(FIXED) } else { Ok(()) };
    let edge = |at: bool, sign: &'static str| if at { sign } else { "" };
    let (start, end) = (edge(shape.start, "^"), edge(shape.end, "$"));
    Ok(match kind {
        Kind::FileName if shape.path => (Kind::FilePath, regex.to_owned()),
        Kind::FileName => {
            movable?;
            (kind, format!("{start}{}{end}", shape.flat))
        }
        Kind::Process if !shape.path && (shape.start || shape.end) => {
            movable?;
            (kind, name_in_path(&format!("{start}{}{end}", shape.flat)))
        }
        Kind::Folder => {
            movable?;
            let behind = match (shape.end, shape.inner.ends_with(r"\\")) {
                (true, true) => r"[^\\]*$",
                (true, false) => r"\\[^\\]*$",
                (false, _) => r".*\\",
            };
            (kind, format!("{start}(?:{}){behind}", shape.inner))
        }
        Kind::RegistryKey | Kind::RegistryPath => {
            let mut inner = current_control_set(shape.inner);
            for (long, short) in HIVES {
                inner = replaced(&inner, long, short);
            }
            registry::written(&inner)?;
            let inner = replaced(&inner, OF_USER, ANY_USER);
            // A key without its hive may lie in any.
            let hive = inner.get(..2).is_none_or(|h| h.eq_ignore_ascii_case("HK"));
            let begins = inner.starts_with(|c: char| c.is_alphanumeric()) && !hive;
            let start = if shape.start && begins { r"\\" } else { start };
            if start == r"\\" {
                movable?;
            }
            (kind, registry::classes(&format!("{start}{inner}{end}")))
        }
        Kind::Pipe if shape.start && !shape.inner.starts_with(r"\") => {
            movable?;
            (kind, format!(r"^\\{}{end}", shape.inner))
        }
        _ => (kind, regex.to_owned()),
    })
}

/// A regular expression for the last part of a path, whose edges are those of the name.
pub fn name_in_path(regex: &str) -> String {
    crate::event::indicator::term(Kind::FileName, Relation::Matches, regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, pattern: &str) -> String {
        like("p", What::Is(kind), pattern).to_string()
    }

    #[test]
    fn like_keeps_to_the_part_that_it_is_about() {
        for (kind, pattern, expected) in [
            (Kind::FileName, "%my_tool%", r"file name matches 'my[^\\]tool'"),
            (Kind::FileName, "my%.exe", r"file name matches '^my[^\\]*\.exe$'"),
            (Kind::FileName, r"C:\Users\%\evil.exe", r"file path matches '^C:\\Users\\.*\\evil\.exe$'"),
            (Kind::Folder, r"C:\%\Temp\", r"folder matches '^(?:C:\\.*\\Temp)\\[^\\]*$'"),
            (Kind::RegistryKey, r"HKEY_LOCAL_MACHINE\Software\Bad%", r"registry key starts with 'HKLM\Software\Bad'"),
            (Kind::RegistryKey, r"hkey_current_user\%\Run", r"registry key matches '^HKU\\[^\\]+\\.*\\Run$'"),
            (Kind::RegistryKey, r"Software\_\Run", r"registry key matches '\\Software\\.\\Run$'"),
            (
                Kind::RegistryKey,
                r"HKEY_CURRENT_USER\Software\Classes\%\shell",
                r"registry key matches '^HKU\\[^\\]+(?:_Classes|\\Software\\Classes)\\.*\\shell$'",
            ),
            (
                Kind::RegistryKey,
                r"HKLM\Software\Classes\CLSID%",
                r"(registry key starts with 'HKLM\Software\Classes\CLSID' OR registry key starts with 'HKCR\CLSID')",
            ),
            (Kind::Process, "mimi%", r"process matches '\\(?:mimi)[^\\]*$'"),
            (Kind::Pipe, "msagent_%", r"pipe matches '^\\msagent.'"),
        ] {
            assert_eq!(of(kind, pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn edges_that_cannot_be_moved_are_refused() {
        for (kind, pattern) in [
            (Kind::FileName, "^a|b$"),
            (Kind::FileName, "(^a)"),
            (Kind::Folder, r"\AC:\\x"),
            (Kind::RegistryKey, r"^HKEY_CURRENT_CONFIG\\x"),
        ] {
            assert!(regex(kind, pattern).is_err(), "{pattern}");
        }
        let same = |kind: Kind, pattern: &str, expected: &str| {
            assert_eq!(regex(kind, pattern).map(|(_, r)| r), Ok(expected.to_owned()));
        };
        same(Kind::FileName, "a|b", "a|b");
        same(Kind::FileName, r"[^x.]a\.b\$", r"[^\\x.]a\.b\$");
        same(Kind::CommandLine, "^a|b$", "^a|b$");
    }
}
