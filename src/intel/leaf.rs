//! A value of a report in normal form, or why Sysmon cannot show it.
use super::{
    expr::{Expr, Leaf},
    registry, wild,
};
use crate::event::{
    fields::Type,
    indicator::{Kind, Relation},
    normal_value, text,
};
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::{IpAddr, SocketAddr};

/// Longest value: longer ones are no value of an event.
pub const MAX_VALUE: usize = 8 << 10;

/// Bytes of the program of a regular expression, as in rules.
const MAX_PROGRAM: usize = 256 << 10;

/// What a name in a report means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Is(Kind),
    /// An address or a name: told by the value.
    Host,
    /// The same, at the end of a connection whose addresses are of this kind.
    HostAt(Kind),
    /// An address with the port behind it.
    Socket,
    /// Its host is what Sysmon sees of it.
    Url,
    /// The name of a file or a domain: its ending is one of both.
    FileOrDomain,
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
        (What::Socket, Compare::Is(relation)) => match refanged(value).parse::<SocketAddr>() {
            Ok(at) => Expr::and(vec![
                made(name, Kind::Ip, relation, &at.ip().to_string()),
                made(name, Kind::DestinationPort, relation, &at.port().to_string()),
            ]),
            Err(_) => hidden("not an address"),
        },
        (What::Host, Compare::Is(relation)) => made(name, host_kind(value), relation, value),
        (What::HostAt(kind), Compare::Is(relation)) => host_at(name, kind, relation, value),
        (What::FileOrDomain, Compare::Is(relation)) => either(name, [Kind::FileName, Kind::Domain], relation, value),
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

fn host_at(name: &str, kind: Kind, relation: Relation, value: &str) -> Expr {
    // An expression may be meant for either.
    if relation == Relation::Matches {
        return either(name, [kind, Kind::Domain], relation, value);
    }
    // A part of an address is no domain, whose last label has letters.
    let named = host_kind(value) == Kind::Domain && value.contains(char::is_alphabetic);
    made(name, if named { Kind::Domain } else { kind }, relation, value)
}

fn either(name: &str, kinds: [Kind; 2], relation: Relation, value: &str) -> Expr {
    Expr::Or(kinds.into_iter().map(|kind| made(name, kind, relation, value)).collect())
}

/// The type of STIX 2 that an object with this value has, at the end of a connection.
pub fn host_type(value: &str) -> &'static str {
    let value = refanged(value);
    match text::ip(&value).or_else(|| value.parse::<IpNet>().ok().map(|net| net.addr())) {
        Some(IpAddr::V4(_)) => "ipv4-addr",
        Some(IpAddr::V6(_)) => "ipv6-addr",
        None => "domain-name",
    }
}

fn made(name: &str, kind: Kind, relation: Relation, value: &str) -> Expr {
    match normal(kind, relation, value) {
        Ok(forms) => Expr::or(forms.into_iter().map(|form| compiled(name, form)).collect()),
        Err(why) => Expr::hidden(format!("{name} '{value}': {why}")),
    }
}

fn compiled(name: &str, (kind, relation, value): Form) -> Expr {
    if relation == Relation::Matches
        && let Err(e) = regex::RegexBuilder::new(&value).size_limit(MAX_PROGRAM).build()
    {
        let e = e.to_string();
        let why = e.lines().last().unwrap_or_default();
        return Expr::hidden(format!("{name} '{value}': not a regular expression: {why}"));
    }
    Expr::Leaf(Leaf { kind, relation, value })
}

type Form = (Kind, Relation, String);

/// The forms in which events may show a value.
fn normal(kind: Kind, relation: Relation, value: &str) -> Result<Vec<Form>, &'static str> {
    let one = |kind: Kind, relation: Relation, value: String| Ok(vec![(kind, relation, value)]);
    match kind {
        _ if relation == Relation::Matches => {
            let (kind, regex) = wild::regex(kind, value)?;
            one(kind, relation, regex)
        }
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Imphash => {
            let length = match kind {
                Kind::Sha1 => 40,
                Kind::Sha256 => 64,
                _ => 32,
            };
            let hex = value.len() == length && value.bytes().all(|b| b.is_ascii_hexdigit());
            // A part of the whole length is the whole.
            if hex { one(kind, Relation::Equals, value.to_ascii_lowercase()) } else { Err("not a hash of this kind") }
        }
        Kind::Ip | Kind::SourceIp | Kind::DestinationIp => {
            let value = refanged(value);
            if let Some(ip) = text::ip(&value) {
                return one(kind, Relation::Equals, ip.to_string());
            }
            match value.parse::<IpNet>() {
                Ok(net) if kind == Kind::Ip => one(Kind::Network, Relation::Equals, net.trunc().to_string()),
                Ok(net) => network_at(kind, net).map(|form| vec![form]),
                Err(_) => Err("not an address"),
            }
        }
        Kind::Network => match refanged(value).parse::<IpNet>() {
            Ok(net) => one(kind, Relation::Equals, net.trunc().to_string()),
            Err(_) => Err("not a network"),
        },
        Kind::SourcePort | Kind::DestinationPort => match value.parse::<u16>() {
            Ok(port) => one(kind, Relation::Equals, port.to_string()),
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
            if whole && name.chars().all(fits) { one(kind, relation, name) } else { Err("not a domain") }
        }
        Kind::FileName | Kind::Process | Kind::FilePath | Kind::Folder => {
            file(kind, relation, value).map(|form| vec![form])
        }
        Kind::RegistryKey | Kind::RegistryPath => {
            let forms = registry::forms(relation, value)?;
            Ok(forms.into_iter().map(|(relation, path)| (kind, relation, path)).collect())
        }
        Kind::Pipe => {
            let folded = text::fold(value);
            let cut = ["\\\\.\\pipe\\", "\\device\\namedpipe\\", "\\pipe\\"].iter().find(|p| folded.starts_with(**p));
            let name = value.get(cut.map_or(0, |p| p.len())..).unwrap_or(value);
            if matches!(relation, Relation::Equals | Relation::StartsWith) {
                one(kind, relation, format!("\\{}", name.trim_start_matches('\\')))
            } else {
                one(kind, relation, name.to_owned())
            }
        }
        Kind::RegistryValue | Kind::RegistryData | Kind::CommandLine => one(kind, relation, value.to_owned()),
        Kind::Composite => Err("not a single value"),
    }
}

/// A network at one end of a connection, as the beginning of its addresses: networks as such are looked for at both.
fn network_at(kind: Kind, net: IpNet) -> Result<Form, &'static str> {
    let net = match net {
        IpNet::V4(net) => net,
        IpNet::V6(net) if net.prefix_len() == net.max_prefix_len() => {
            return Ok((kind, Relation::Equals, text::canonical_ip(net.addr().into()).to_string()));
        }
        IpNet::V6(_) => return Err("a network of IPv6 at one end of a connection"),
    };
    let octets = net.network().octets();
    let (whole, bits) = (usize::from(net.prefix_len() / 8), net.prefix_len() % 8);
    let begin: String = octets.iter().take(whole).map(|octet| format!("{octet}.")).collect();
    Ok(match (whole, bits) {
        (0, 0) => return Err("a network of all addresses"),
        (4, _) => (kind, Relation::Equals, net.network().to_string()),
        (_, 0) => (kind, Relation::StartsWith, begin),
        _ => {
            let first = octets.get(whole).copied().unwrap_or_default();
            let any: Vec<String> = (first..=first | u8::MAX >> bits).map(|octet| octet.to_string()).collect();
            let end = if whole == 3 { "$" } else { r"\." };
            (kind, Relation::Matches, format!("^{}(?:{}){end}", regex::escape(&begin), any.join("|")))
        }
    })
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

/// Addresses and names as reports write them to keep them from being clicked.
fn refanged(value: &str) -> String {
    let mut rest = value.trim();
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['[', '(', '{']) {
        let (before, bracket) = rest.split_at(at);
        let (sign, behind) = sign_in_brackets(bracket).unwrap_or_else(|| bracket.split_at(1));
        out.push_str(before);
        out.push_str(sign);
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The sign in the brackets with which a text begins, and what stands behind them.
fn sign_in_brackets(text: &str) -> Option<(&str, &str)> {
    const SIGNS: &[(&str, &str)] =
        &[(".", "."), ("dot", "."), ("d0t", "."), (":", ":"), ("://", "://"), (":/", ":/"), ("//", "//"), ("/", "/")];
    let close = match text.chars().next()? {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        _ => return None,
    };
    SIGNS.iter().find_map(|(written, meant)| {
        let (inner, behind) = text.get(1..)?.split_at_checked(written.len())?;
        let behind = behind.strip_prefix(close)?;
        inner.eq_ignore_ascii_case(written).then_some((*meant, behind))
    })
}

/// What of an address, or of a part of one, Sysmon sees: its host.
fn host_of(relation: Relation, value: &str) -> Result<(Relation, String), &'static str> {
    const WEB: &[&str] =
        &["php", "asp", "aspx", "jsp", "cgi", "html", "htm", "png", "gif", "jpg", "css", "json", "xml"];
    let scheme = refanged(value).contains("://");
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
    let written = value;
    let value = refanged(value);
    let hex = value.bytes().all(|b| b.is_ascii_hexdigit());
    Some(match value.len() {
        32 if hex => (What::Is(Kind::Md5), "MD5"),
        40 if hex => (What::Is(Kind::Sha1), "SHA1"),
        64 if hex => (What::Is(Kind::Sha256), "SHA256"),
        _ if text::ip(&value).is_some() || value.parse::<IpNet>().is_ok() => (What::Is(Kind::Ip), "address"),
        _ if value.parse::<SocketAddr>().is_ok() => (What::Socket, "address and port"),
        _ if value.contains("://") => (What::Url, "URL"),
        _ if is_registry(&value) => (What::Is(Kind::RegistryKey), "registry key"),
        _ if text::fold(&value).starts_with("\\\\.\\pipe\\") => (What::Is(Kind::Pipe), "pipe"),
        _ if value.contains('\\') => (What::Is(Kind::FilePath), "file path"),
        _ if value.contains('@') || value.contains(char::is_whitespace) => return None,
        _ if value.contains('/') => (What::Url, "URL"),
        _ if is_domain_too(&value) && value != written => (What::Is(Kind::Domain), "domain"),
        _ if is_domain_too(&value) => (What::FileOrDomain, "file name or domain"),
        _ if is_file_name(&value) => (What::Is(Kind::FileName), "file name"),
        _ if value.contains('.') => (What::Is(Kind::Domain), "domain"),
        _ => return None,
    })
}

/// Ends in what is an extension of programs and documents.
fn is_file_name(value: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "exe", "dll", "sys", "scr", "bat", "cmd", "ps1", "vbs", "js", "jse", "hta", "lnk", "doc", "docx", "docm",
        "xls", "xlsx", "xlsm", "ppt", "pptx", "rtf", "pdf", "zip", "rar", "7z", "iso", "img", "msi", "jar", "tmp",
        "dat", "bin", "ocx", "cpl", "txt", "cab", "wsf", "ini", "log", "one",
    ];
    ends_in(value, EXTENSIONS)
}

/// A file name whose extension is a top-level domain as well.
fn is_domain_too(value: &str) -> bool {
    let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-');
    ends_in(value, &["zip", "cab", "one"]) && value.split('.').all(label)
}

fn ends_in(value: &str, extensions: &[&str]) -> bool {
    value.rsplit_once('.').is_some_and(|(_, e)| extensions.iter().any(|x| x.eq_ignore_ascii_case(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_clicked_is_read_as_it_was() {
        for (written, meant) in [
            ("hxxps[://]evil[.]example/x", "hxxps://evil.example/x"),
            ("hxxp[:]//evil(.)example", "hxxp://evil.example"),
            ("hxxp[:/]/evil{.}example[/]x", "hxxp://evil.example/x"),
            ("a[dot]b(dot)c{dot}d[DOT]example", "a.b.c.d.example"),
            ("evil[d0t]example", "evil.example"),
            ("evil(D0T)example", "evil.example"),
            ("198.51.100[.]7[:]443", "198.51.100.7:443"),
            // Other brackets, and such as do not belong together.
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("a[.)b(dot]c[dots]d[", "a[.)b(dot]c[dots]d["),
            ("HKCR\\{0d3a}\\(ä)", "HKCR\\{0d3a}\\(ä)"),
            ("[[.]]", "[.]"),
        ] {
            assert_eq!(refanged(written), meant, "{written}");
        }
    }

    #[test]
    fn an_address_keeps_its_port() {
        for (written, ip, port) in [
            ("198.51.100.7:443", "198.51.100.7", "443"),
            ("198.51.100[.]7[:]8080", "198.51.100.7", "8080"),
            ("[2001:DB8::1]:443", "2001:db8::1", "443"),
            ("[::ffff:198.51.100.7]:80", "198.51.100.7", "80"),
        ] {
            let (what, name) = guess(written).unwrap();
            let is = |kind, value: &str| Expr::Leaf(Leaf { kind, relation: Relation::Equals, value: value.to_owned() });
            let expected = Expr::And(vec![is(Kind::Ip, ip), is(Kind::DestinationPort, port)]);
            assert_eq!(leaf(name, what, Compare::Is(Relation::Equals), written), expected, "{written}");
        }
        for (written, what) in [
            ("2001:db8::1:443", What::Is(Kind::Ip)),
            ("198.51.100.7:443/x", What::Url),
            ("198.51.100.7:99999", What::Is(Kind::Domain)),
        ] {
            assert_eq!(guess(written).map(|(what, _)| what), Some(what), "{written}");
        }
    }
}
