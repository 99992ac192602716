//! A value of a report in normal form, or why Sysmon cannot show it.
use super::{
    expr::{Expr, Leaf},
    wild,
};
use crate::event::{
    fields::Type,
    indicator::{Kind, Relation},
    normal_value, text,
};
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::IpAddr;

/// Longest value: longer ones are no value of an event.
const MAX_VALUE: usize = 8 << 10;

/// Bytes of the program of a regular expression, as in rules.
const MAX_PROGRAM: usize = 256 << 10;

/// What a name in a report means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Is(Kind),
    /// An address or a name: told by the value.
    Host,
    /// Its host is what Sysmon sees of it.
    Url,
    /// Follows from the content of a file.
    Content,
    /// Sysmon has no such thing.
    Hidden,
}

/// A comparison as reports write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    Is(Relation),
    Not(Relation),
    Between,
    /// Any other, which has no meaning for what Sysmon shows.
    Other,
}

/// The expression of one value. `name` is what the report calls it.
pub fn leaf(name: &str, what: What, compare: Compare, value: &str) -> Expr {
    let name = &*super::shown(name);
    let shown: String = value.chars().take(120).collect();
    let hidden = |why: &str| Expr::hidden(format!("{name} '{shown}': {why}"));
    let value = value.trim();
    if value.is_empty() {
        return hidden("no value");
    }
    if value.len() > MAX_VALUE {
        return hidden("the value is too long");
    }
    if normal_value(Type::Text, value).is_none() {
        return hidden("it means that there is no value");
    }
    match (what, compare) {
        (What::Content, _) => Expr::content(format!("{name} '{shown}': not shown by Sysmon")),
        (What::Hidden, _) => hidden("not shown by Sysmon"),
        (_, Compare::Not(relation)) => match leaf(name, what, Compare::Is(relation), value) {
            Expr::Hidden(h) => Expr::Hidden(h),
            inner => Expr::Not(Box::new(inner)),
        },
        (What::Is(Kind::Ip | Kind::SourceIp | Kind::DestinationIp), Compare::Between) => {
            range(value).unwrap_or_else(|| hidden("not a range of addresses"))
        }
        (_, Compare::Between | Compare::Other) => hidden("this comparison has no meaning for events"),
        (What::Url, Compare::Is(relation)) => match host_of(relation, value) {
            Ok((relation, host)) => made(name, host_kind(&host), relation, &host),
            Err(why) => hidden(why),
        },
        (What::Host, Compare::Is(relation)) => made(name, host_kind(value), relation, value),
        (What::Is(kind), Compare::Is(relation)) => made(name, kind, relation, value),
    }
}

fn host_kind(value: &str) -> Kind {
    let value = refanged(value);
    match (text::ip(&value), value.parse::<IpNet>()) {
        (Some(_), _) => Kind::Ip,
        (_, Ok(_)) => Kind::Network,
        _ => Kind::Domain,
    }
}

fn made(name: &str, kind: Kind, relation: Relation, value: &str) -> Expr {
    let (kind, relation, value) = match normal(kind, relation, value) {
        Ok(normal) => normal,
        Err(why) => return Expr::hidden(format!("{name} '{value}': {why}")),
    };
    if relation == Relation::Matches
        && let Err(e) = regex::RegexBuilder::new(&value).size_limit(MAX_PROGRAM).build()
    {
        let e = e.to_string();
        let why = e.lines().last().unwrap_or_default();
        return Expr::hidden(format!("{name} '{value}': not a regular expression: {why}"));
    }
    Expr::Leaf(Leaf { kind, relation, value })
}

fn normal(kind: Kind, relation: Relation, value: &str) -> Result<(Kind, Relation, String), &'static str> {
    let as_is = |v: &str| Ok((kind, relation, v.to_owned()));
    match kind {
        _ if relation == Relation::Matches => wild::regex(kind, value).map(|(kind, regex)| (kind, relation, regex)),
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Imphash => {
            let length = match kind {
                Kind::Sha1 => 40,
                Kind::Sha256 => 64,
                _ => 32,
            };
            let hex = value.len() == length && value.bytes().all(|b| b.is_ascii_hexdigit());
            // A part of the whole length is the whole.
            if hex { Ok((kind, Relation::Equals, value.to_ascii_lowercase())) } else { Err("not a hash of this kind") }
        }
        Kind::Ip | Kind::SourceIp | Kind::DestinationIp => {
            let value = refanged(value);
            if let Some(ip) = text::ip(&value) {
                return Ok((kind, Relation::Equals, ip.to_string()));
            }
            match value.parse::<IpNet>() {
                Ok(net) if kind == Kind::Ip => Ok((Kind::Network, Relation::Equals, net.trunc().to_string())),
                _ => Err("not an address"),
            }
        }
        Kind::Network => match refanged(value).parse::<IpNet>() {
            Ok(net) => Ok((kind, Relation::Equals, net.trunc().to_string())),
            Err(_) => Err("not a network"),
        },
        Kind::SourcePort | Kind::DestinationPort => match value.parse::<u16>() {
            Ok(port) => Ok((kind, Relation::Equals, port.to_string())),
            Err(_) => Err("not a port"),
        },
        Kind::Domain => {
            let name = text::fold(refanged(value).trim_end_matches('.'));
            if text::ip(&name).is_some() {
                return normal(Kind::Ip, relation, &name);
            }
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            let whole = relation != Relation::Equals || name.contains('.');
            if relation == Relation::Equals && name.starts_with('.') {
                return Err("the end of a domain, not a whole one");
            }
            if whole && name.chars().all(fits) { Ok((kind, relation, name)) } else { Err("not a domain") }
        }
        Kind::FileName | Kind::Process | Kind::FilePath | Kind::Folder => file(kind, relation, value),
        Kind::RegistryKey | Kind::RegistryPath => Ok(registry(kind, relation, value)),
        Kind::Pipe => {
            let folded = text::fold(value);
            let cut = ["\\\\.\\pipe\\", "\\device\\namedpipe\\", "\\pipe\\"].iter().find(|p| folded.starts_with(**p));
            let name = value.get(cut.map_or(0, |p| p.len())..).unwrap_or(value);
            if matches!(relation, Relation::Equals | Relation::StartsWith) {
                as_is(&format!("\\{}", name.trim_start_matches('\\')))
            } else {
                as_is(name)
            }
        }
        Kind::RegistryValue | Kind::RegistryData | Kind::CommandLine => as_is(value),
        Kind::Composite => Err("not a single value"),
    }
}

fn file(kind: Kind, relation: Relation, value: &str) -> Result<(Kind, Relation, String), &'static str> {
    if value.contains('%') && value.matches('%').count() >= 2 {
        return Err("a variable of the environment, which has another value on each machine");
    }
    let folder = value.contains(['\\', '/']);
    Ok(match (kind, relation, folder) {
        (Kind::FileName, _, true) => return file(Kind::FilePath, relation, value),
        (Kind::FilePath, Relation::Equals, false) => (Kind::FileName, relation, value.to_owned()),
        // A path without a drive may begin anywhere.
        (Kind::FilePath, Relation::Equals, true) if value.starts_with('\\') && !value.starts_with("\\\\") => {
            (kind, Relation::EndsWith, value.to_owned())
        }
        (Kind::FilePath | Kind::Process, Relation::StartsWith, true)
            if value.starts_with('\\') && !value.starts_with("\\\\") =>
        {
            (kind, Relation::Contains, value.to_owned())
        }
        (Kind::Process, Relation::Equals, false) => (kind, Relation::EndsWith, format!("\\{value}")),
        (Kind::Process, Relation::StartsWith, false) => {
            (kind, Relation::Matches, wild::name_in_path(&format!("^{}", regex::escape(value))))
        }
        (Kind::Folder, ..) => (kind, relation, value.trim_end_matches('\\').to_owned()),
        _ => (kind, relation, value.to_owned()),
    })
}

/// Long names of hives, and the short ones.
pub(super) const HIVES: [(&str, &str); 4] = [
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_CURRENT_USER", OF_USER),
];
/// Sysmon writes the keys of a user under his SID: any of [`ANY_USER`].
pub(super) const OF_USER: &str = "HKCU";
/// A regular expression.
pub(super) const ANY_USER: &str = r"HKU\\[^\\]+";

/// A key without its hive may lie in any.
fn registry(kind: Kind, relation: Relation, value: &str) -> (Kind, Relation, String) {
    let value = &current_control_set(&of_kernel(value.trim_matches('\\')));
    let (first, rest) = value.split_once('\\').unwrap_or((value, ""));
    let hive = HIVES.iter().find(|(long, short)| [long, short].iter().any(|name| name.eq_ignore_ascii_case(first)));
    if let Some((_, short)) = hive.filter(|(_, short)| *short != OF_USER) {
        let path = if rest.is_empty() { (*short).to_owned() } else { format!("{short}\\{rest}") };
        return (kind, relation, path);
    }
    if hive.is_some() {
        let begin = if matches!(relation, Relation::Equals | Relation::StartsWith) { "^" } else { "" };
        let end = if matches!(relation, Relation::Equals | Relation::EndsWith) { "$" } else { "" };
        return (kind, Relation::Matches, format!(r"{begin}{ANY_USER}\\{}{end}", regex::escape(rest)));
    }
    match relation {
        Relation::Equals => (kind, Relation::EndsWith, format!("\\{value}")),
        Relation::StartsWith => (kind, Relation::Contains, format!("\\{value}")),
        _ => (kind, relation, value.to_owned()),
    }
}

/// A path as the kernel names it: `REGISTRY\MACHINE` is HKLM and `REGISTRY\USER` is HKU.
pub(super) fn of_kernel(path: &str) -> String {
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
pub(super) fn current_control_set(path: &str) -> String {
    const NUMBERED: &str = "ControlSet00";
    let at = text::fold(path).find(&text::fold(NUMBERED)).filter(|at| path.is_char_boundary(*at));
    let after = at.and_then(|at| path.get(at + NUMBERED.len() + 1..));
    match (at.and_then(|at| path.get(..at)), after) {
        (Some(before), Some(after)) => format!("{before}CurrentControlSet{after}"),
        _ => path.to_owned(),
    }
}

/// Addresses and names as reports write them to keep them from being clicked.
fn refanged(value: &str) -> String {
    value.trim().replace("[.]", ".").replace("(.)", ".").replace("[dot]", ".").replace("[:]", ":")
}

/// What of an address, or of a part of one, Sysmon sees: its host.
fn host_of(relation: Relation, value: &str) -> Result<(Relation, String), &'static str> {
    const WEB: &[&str] =
        &["php", "asp", "aspx", "jsp", "cgi", "html", "htm", "png", "gif", "jpg", "css", "json", "xml"];
    let scheme = value.contains("://");
    let is_page = |host: &str| {
        let end = host.rsplit_once('.').map_or("", |(_, e)| e);
        is_file_name(host) || WEB.iter().any(|w| w.eq_ignore_ascii_case(end))
    };
    match relation {
        Relation::Matches => Err("a pattern over a whole address, of which only the host is visible"),
        _ if scheme => url_host(value).map(|host| (Relation::Equals, host)).ok_or("no host in it"),
        Relation::Equals | Relation::StartsWith => match url_host(value).filter(|host| !is_page(host)) {
            Some(host) => Ok((Relation::Equals, host)),
            None => Err("no host in it"),
        },
        Relation::Contains | Relation::EndsWith => {
            let value = refanged(value);
            let end = value.find(['/', '?', '#']);
            let host = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
            let host = without_port(host);
            let labels: Vec<&str> = host.split('.').filter(|l| !l.is_empty()).collect();
            let top = labels.last().copied().unwrap_or_default();
            let is_top = top.len() > 1 && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
            let named = labels.len() > 1 && is_top && !is_page(host);
            if !named && text::ip(host).is_none() {
                return Err("a part of an address without its host");
            }
            // What stands before the path is where the host ends.
            Ok((if end.is_some() { Relation::EndsWith } else { relation }, host.to_owned()))
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Host of an address such as `hxxp://name[.]example:80/path`, or of `name.example/path`.
fn url_host(url: &str) -> Option<String> {
    let url = refanged(url);
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest,
        None => url.as_str(),
    };
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, h)| h);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => without_port(host),
    };
    (host.contains('.') || text::ip(host).is_some()).then(|| host.to_owned())
}

/// `a-b`, or two addresses behind one another, as networks.
fn range(value: &str) -> Option<Expr> {
    let (from, to) = ["##comma##", "-", ","].iter().find_map(|sign| value.split_once(sign))?;
    let nets: Vec<IpNet> = match (text::ip(from)?, text::ip(to)?) {
        (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => Ipv4Subnets::new(a, b, 0).map(IpNet::V4).collect(),
        (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => Ipv6Subnets::new(a, b, 0).map(IpNet::V6).collect(),
        _ => return None,
    };
    let net = |n: IpNet| Expr::Leaf(Leaf { kind: Kind::Network, relation: Relation::Equals, value: n.to_string() });
    Some(Expr::or(nets.into_iter().map(net).collect()))
}

fn is_registry(value: &str) -> bool {
    let begins = |with: &str| value.get(..with.len()).is_some_and(|h| h.eq_ignore_ascii_case(with));
    begins("\\REGISTRY\\") || begins("HK") && value.contains('\\')
}

/// What a bare value is, for lists that do not say so.
pub fn guess(value: &str) -> Option<(What, &'static str)> {
    let value = refanged(value);
    let hex = value.bytes().all(|b| b.is_ascii_hexdigit());
    Some(match value.len() {
        32 if hex => (What::Is(Kind::Md5), "MD5"),
        40 if hex => (What::Is(Kind::Sha1), "SHA1"),
        64 if hex => (What::Is(Kind::Sha256), "SHA256"),
        _ if text::ip(&value).is_some() || value.parse::<IpNet>().is_ok() => (What::Is(Kind::Ip), "address"),
        _ if value.contains("://") => (What::Url, "URL"),
        _ if is_registry(&value) => (What::Is(Kind::RegistryKey), "registry key"),
        _ if text::fold(&value).starts_with("\\\\.\\pipe\\") => (What::Is(Kind::Pipe), "pipe"),
        _ if value.contains('\\') => (What::Is(Kind::FilePath), "file path"),
        _ if value.contains('@') || value.contains(char::is_whitespace) => return None,
        _ if value.contains('/') => (What::Url, "URL"),
        _ if is_file_name(&value) => (What::Is(Kind::FileName), "file name"),
        _ if value.contains('.') => (What::Is(Kind::Domain), "domain"),
        _ => return None,
    })
}

/// Ends in what is an extension of programs and documents rather than a top-level domain.
fn is_file_name(value: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "exe", "dll", "sys", "scr", "bat", "cmd", "ps1", "vbs", "js", "jse", "hta", "lnk", "doc", "docx", "docm",
        "xls", "xlsx", "xlsm", "ppt", "pptx", "rtf", "pdf", "zip", "rar", "7z", "iso", "img", "msi", "jar", "tmp",
        "dat", "bin", "ocx", "cpl", "txt", "cab", "wsf", "ini", "log", "one",
    ];
    value.rsplit_once('.').is_some_and(|(_, e)| EXTENSIONS.iter().any(|x| x.eq_ignore_ascii_case(e)))
}
