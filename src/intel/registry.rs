//! Registry paths of reports as Sysmon writes them: hives by their short names, the keys of a user under his SID, and
//! those below `Software\Classes` where Windows mounts them.
use crate::event::{indicator::Relation, text};

/// Long names of hives, and the short ones.
pub const HIVES: [(&str, &str); 5] = [
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_CURRENT_USER", OF_USER),
    ("HKEY_CURRENT_CONFIG", OF_CONFIG),
];
/// Sysmon writes the keys of a user under his SID: any of [`ANY_USER`].
pub const OF_USER: &str = "HKCU";
/// A regular expression.
pub const ANY_USER: &str = r"HKU\\[^\\]+";
/// A link to a hardware profile, which has a number of its own on each machine.
const OF_CONFIG: &str = "HKCC";
const NO_CONFIG: &str = "Sysmon does not write the hive of the current hardware profile";

/// Every form in which events may show a path; a key without its hive may lie in any.
///
/// # Errors
/// Where Sysmon does not write the hive.
pub fn forms(relation: Relation, value: &str) -> Result<Vec<(Relation, String)>, &'static str> {
    let value = current_control_set(&of_kernel(value.trim_matches('\\')));
    let (first, rest) = value.split_once('\\').unwrap_or((value.as_str(), ""));
    let hive = HIVES.iter().find(|(long, short)| [long, short].iter().any(|name| name.eq_ignore_ascii_case(first)));
    match hive.map(|(_, short)| *short) {
        None => Ok(anywhere(relation, &value)),
        Some(OF_CONFIG) => Err(NO_CONFIG),
        Some(OF_USER) => Ok(vec![(Relation::Matches, of_user(relation, rest))]),
        Some(short) => {
            let path = if rest.is_empty() { short.to_owned() } else { format!("{short}\\{rest}") };
            Ok([Some(path), mounted(short, rest)].into_iter().flatten().map(|path| (relation, path)).collect())
        }
    }
}

fn anywhere(relation: Relation, value: &str) -> Vec<(Relation, String)> {
    let (within, path) = match relation {
        Relation::Equals => (Relation::EndsWith, format!("\\{value}")),
        Relation::StartsWith => (Relation::Contains, format!("\\{value}")),
        _ => (relation, value.to_owned()),
    };
    let classes = below_classes(value)
        .map(|below| [(within, format!("_Classes{below}")), (relation, format!("HKCR{below}"))])
        .into_iter()
        .flatten();
    std::iter::once((within, path)).chain(classes).collect()
}

/// A regular expression for the keys of any user.
fn of_user(relation: Relation, rest: &str) -> String {
    let begin = if matches!(relation, Relation::Equals | Relation::StartsWith) { "^" } else { "" };
    let end = if matches!(relation, Relation::Equals | Relation::EndsWith) { "$" } else { "" };
    classes(&format!(r"{begin}{ANY_USER}\\{}{end}", regex::escape(rest)))
}

/// Where the classes of the machine, or of one user, are mounted.
fn mounted(hive: &str, rest: &str) -> Option<String> {
    match hive {
        "HKLM" => below_classes(rest).map(|below| format!("HKCR{below}")),
        "HKU" => {
            let (sid, rest) = rest.split_once('\\')?;
            below_classes(rest).map(|below| format!("HKU\\{sid}_Classes{below}"))
        }
        _ => None,
    }
}

/// What follows `Software\Classes`, with the backslash before it.
fn below_classes(path: &str) -> Option<&str> {
    const CLASSES: &str = "Software\\Classes";
    let below = path.get(CLASSES.len()..).filter(|below| below.is_empty() || below.starts_with('\\'))?;
    path.get(..CLASSES.len()).filter(|start| start.eq_ignore_ascii_case(CLASSES)).map(|_| below)
}

/// A regular expression for paths, with the classes where they are mounted as well.
pub fn classes(regex: &str) -> String {
    const CLASSES: &str = r"SOFTWARE\\CLASSES";
    const MACHINE: &str = r"HKLM\\";
    let upper = regex.to_ascii_uppercase();
    let (mut out, mut from) = (String::new(), 0);
    for (at, _) in upper.match_indices(CLASSES) {
        let before = upper.get(from..at).unwrap_or_default();
        let name = regex.get(at..at + CLASSES.len()).unwrap_or_default();
        let slashes = before.bytes().rev().take_while(|b| *b == b'\\').count();
        let repeated = upper.get(at + CLASSES.len()..).is_some_and(|rest| rest.starts_with(['?', '*', '+', '{']));
        let (cut, by) = match slashes {
            _ if repeated || before.ends_with(|c: char| c.is_alphanumeric()) => (0, name.to_owned()),
            2 if before.ends_with(MACHINE) => (MACHINE.len(), format!(r"(?:HKCR|{MACHINE}{name})")),
            2 if before.contains("HK") => (2, format!(r"(?:_Classes|\\{name})")),
            2 => (2, format!(r"(?:HKCR|_Classes|\\{name})")),
            0 => (0, format!("(?:HKCR|_Classes|{name})")),
            _ => (0, name.to_owned()),
        };
        out.push_str(regex.get(from..at - cut).unwrap_or_default());
        out.push_str(&by);
        from = at + CLASSES.len();
    }
    out.push_str(regex.get(from..).unwrap_or_default());
    out
}

/// # Errors
/// Where a regular expression, with hives by their short names, names one that Sysmon does not write.
pub fn written(regex: &str) -> Result<(), &'static str> {
    if regex.to_ascii_uppercase().contains(&format!(r"{OF_CONFIG}\\")) { Err(NO_CONFIG) } else { Ok(()) }
}

/// A path as the kernel names it: `REGISTRY\MACHINE` is HKLM and `REGISTRY\USER` is HKU.
pub fn of_kernel(path: &str) -> String {
    const ROOT: &str = "registry\\";
    let Some(inner) = path.get(..ROOT.len()).filter(|r| r.eq_ignore_ascii_case(ROOT)).and(path.get(ROOT.len()..))
    else {
        return path.to_owned();
    };
    let (first, rest) = inner.split_at(inner.find('\\').unwrap_or(inner.len()));
    match first.to_ascii_lowercase().as_str() {
        "machine" => format!("HKLM{rest}"),
        "user" => format!("HKU{rest}"),
        _ => inner.to_owned(),
    }
}

/// Sysmon writes the control set that is in use, whatever its number, as the current one.
pub fn current_control_set(path: &str) -> String {
    const NUMBERED: &str = "ControlSet00";
    let at = text::fold(path).find(&text::fold(NUMBERED)).filter(|at| path.is_char_boundary(*at));
    let after = at.and_then(|at| path.get(at + NUMBERED.len() + 1..));
    match (at.and_then(|at| path.get(..at)), after) {
        (Some(before), Some(after)) => format!("{before}CurrentControlSet{after}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_looked_for_where_they_are_mounted() {
        use Relation::{Contains, EndsWith, Equals, Matches, StartsWith};
        type Case = (Relation, &'static str, &'static [(Relation, &'static str)]);
        let cases: &[Case] = &[
            (
                Equals,
                r"HKEY_LOCAL_MACHINE\SOFTWARE\Classes\CLSID\x",
                &[(Equals, r"HKLM\SOFTWARE\Classes\CLSID\x"), (Equals, r"HKCR\CLSID\x")],
            ),
            (StartsWith, r"hklm\software\classes", &[(StartsWith, r"HKLM\software\classes"), (StartsWith, "HKCR")]),
            (Equals, r"HKLM\Software\ClassesOf\x", &[(Equals, r"HKLM\Software\ClassesOf\x")]),
            (
                Equals,
                r"HKCU\Software\Classes\a.b",
                &[(Matches, r"^HKU\\[^\\]+(?:_Classes|\\Software\\Classes)\\a\.b$")],
            ),
            (
                Equals,
                r"\REGISTRY\USER\S-1-5-21\Software\Classes\x",
                &[(Equals, r"HKU\S-1-5-21\Software\Classes\x"), (Equals, r"HKU\S-1-5-21_Classes\x")],
            ),
            (
                Equals,
                r"Software\Classes\x",
                &[(EndsWith, r"\Software\Classes\x"), (EndsWith, r"_Classes\x"), (Equals, r"HKCR\x")],
            ),
            (
                Contains,
                r"\Software\Classes\x",
                &[(Contains, r"Software\Classes\x"), (Contains, r"_Classes\x"), (Contains, r"HKCR\x")],
            ),
        ];
        for (relation, written, expected) in cases {
            let expected: Vec<(Relation, String)> =
                expected.iter().map(|(relation, path)| (*relation, (*path).to_owned())).collect();
            assert_eq!(forms(*relation, written), Ok(expected), "{written}");
        }
    }

    #[test]
    fn regular_expressions_find_mounted_classes_too() {
        for (written, expected) in [
            (r"^HKLM\\Software\\Classes\\x", r"^(?:HKCR|HKLM\\Software\\Classes)\\x"),
            (r"^HKU\\.*\\software\\classes$", r"^HKU\\.*(?:_Classes|\\software\\classes)$"),
            (r"\\Software\\Classes\\x", r"(?:HKCR|_Classes|\\Software\\Classes)\\x"),
            (r".*Software\\Classes\\x", r".*(?:HKCR|_Classes|Software\\Classes)\\x"),
            (r"MySoftware\\Classes", r"MySoftware\\Classes"),
            (r"HKLM\\Software\\Class", r"HKLM\\Software\\Class"),
        ] {
            assert_eq!(classes(written), expected);
        }
    }

    #[test]
    fn the_hive_of_the_hardware_profile_is_refused() {
        for path in [r"HKEY_CURRENT_CONFIG\Software\x", r"hkcc\x", "HKCC"] {
            assert!(forms(Relation::Equals, path).is_err(), "{path}");
        }
        assert!(written(r"^hkcc\\x").is_err() && written(r"^HKLM\\x").is_ok());
    }
}
