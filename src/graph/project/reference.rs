//! Paths in texts: registry data, commands of WMI consumers, addresses of downloads.
use crate::event::text;

/// Endings of what can be run or loaded: there a path in an unquoted command ends.
const ENDINGS: &[&str] = &[
    "exe", "dll", "sys", "com", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf", "hta", "scr", "cpl", "ocx",
    "msi", "lnk", "pif", "sct", "jar", "py",
];

/// No path in a command is longer; bounds the search for its end.
const LONGEST: usize = 1024;

/// Absolute paths in a text, written as Sysmon would: with the system's own variables resolved to `C:\Windows`. Sorted.
pub fn paths(data: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = data.trim();
    while let Some(start) = next_start(rest) {
        let quoted = start > 0 && rest.as_bytes()[start - 1] == b'"';
        let text = &rest[start..];
        let len = if quoted { text.find('"').unwrap_or(text.len()) } else { length(text, start == 0) };
        let path = resolve(text[..len].trim_end());
        if path.len() > 3 && !path.contains(['<', '>', '|', '?', '*', '\n']) {
            found.push(path);
        }
        rest = &text[len.max(1)..];
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Where the next absolute path starts: `C:\`, `\\server`, `\??\`, `\SystemRoot\`, `%SystemRoot%\`.
fn next_start(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|&i| {
        let boundary = i == 0 || !bytes[i - 1].is_ascii_alphanumeric() && !matches!(bytes[i - 1], b'\\' | b'%');
        boundary && text.is_char_boundary(i) && starts_path(&text[i..])
    })
}

fn starts_path(text: &str) -> bool {
    let b = text.as_bytes();
    let drive = b.len() > 3 && b[0].is_ascii_alphabetic() && b[1] == b':' && b[2] == b'\\';
    let share = b.len() > 3 && b.starts_with(br"\\") && b[2].is_ascii_alphanumeric();
    drive || share || text.starts_with(r"\??\") || VARIABLES.iter().any(|(v, _)| starts_with(text, v))
}

const VARIABLES: &[(&str, &str)] =
    &[(r"%systemroot%\", r"C:\Windows\"), (r"%windir%\", r"C:\Windows\"), (r"\systemroot\", r"C:\Windows\")];

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn resolve(path: &str) -> String {
    for (variable, value) in VARIABLES {
        if starts_with(path, variable) {
            return format!("{value}{}", &path[variable.len()..]);
        }
    }
    crate::graph::key::path(path).into_owned()
}

/// Length of an unquoted path: up to a known ending, else to the first blank; the whole text when it is
/// nothing but the path (`C:\Program Files\x`).
fn length(text: &str, whole: bool) -> usize {
    let near = &text[..text.floor_char_boundary(LONGEST)];
    let stop = near.find(['"', ';', '\n', '\r', '\t', '\'', ',']).unwrap_or(near.len());
    let head = &near[..stop];
    let end = head.match_indices('.').find_map(|(dot, _)| {
        let behind = &head[dot + 1..];
        let (ending, rest) = behind.split_at(behind.bytes().take_while(u8::is_ascii_alphanumeric).count());
        let ends = rest.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, ')' | '/' | ':'));
        (ends && ENDINGS.iter().any(|e| e.eq_ignore_ascii_case(ending))).then_some(dot + 1 + ending.len())
    });
    match end {
        Some(end) => end,
        None if whole && stop == text.len() && !head.contains(" /") && !head.contains(" -") => stop,
        None => head.find(char::is_whitespace).unwrap_or(stop),
    }
}

/// Host of `https://user@host:port/path`.
pub fn url_host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    if text::fold(scheme) == "file" {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_commands() {
        for (text, expected) in [
            (r#""C:\Program Files\a b\x.exe" /q"#, &[r"C:\Program Files\a b\x.exe"][..]),
            (r"C:\Program Files\a b\x.exe /q", &[r"C:\Program Files\a b\x.exe"]),
            (r"C:\Program Files\folder", &[r"C:\Program Files\folder"]),
            (r"rundll32.exe C:\a\b.dll,Start", &[r"C:\a\b.dll"]),
            (r"%SystemRoot%\system32\svchost.exe -k x", &[r"C:\Windows\system32\svchost.exe"]),
            (r"\SystemRoot\System32\drivers\x.sys", &[r"C:\Windows\System32\drivers\x.sys"]),
            (r"\??\C:\x\y.sys", &[r"C:\x\y.sys"]),
            (r"cmd /c \\srv\share\p.bat && C:\z.exe", &[r"C:\z.exe", r"\\srv\share\p.bat"]),
            ("DWORD (0x00000001)", &[]),
            ("Binary Data", &[]),
            ("QWORD (0x1-0x2)", &[]),
            ("é C:\\é\\ü.exe ö", &["C:\\é\\ü.exe"]),
            ("", &[]),
        ] {
            assert_eq!(paths(text), expected, "{text}");
        }
    }

    #[test]
    fn hosts_of_urls() {
        assert_eq!(url_host("https://u:p@Example.org:8443/a?b"), Some("Example.org"));
        assert_eq!(url_host("http://[::1]:80/"), Some("::1"));
        assert_eq!(url_host("about:internet"), None);
        assert_eq!(url_host("file:///C:/a"), None);
    }
}
