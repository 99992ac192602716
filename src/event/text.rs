//! How text is compared everywhere: one folding for conditions, indexes and keys.
use std::net::{IpAddr, Ipv4Addr};

/// Case folding of the whole product: Unicode lower case, character by character.
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

/// Canonical address: v4-mapped IPv6 becomes IPv4; a zone (`%4`) is dropped.
pub fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let text = text.split('%').next().unwrap_or(text);
    let ip: IpAddr = text.parse().ok()?;
    Some(canonical_ip(ip))
}

pub fn canonical_ip(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, |v4: Ipv4Addr| IpAddr::V4(v4)),
        IpAddr::V4(_) => ip,
    }
}

/// Text as a Sigma value that means just it: wildcards and the backslashes before them are escaped.
pub fn sigma_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let chars: Vec<char> = text.chars().collect();
    let special = |c: Option<&char>| matches!(c, Some('\\' | '*' | '?'));
    for (i, c) in chars.iter().enumerate() {
        let run = i.checked_sub(1).and_then(|p| chars.get(p)) == Some(&'\\');
        if matches!(c, '*' | '?') || (*c == '\\' && (run || special(chars.get(i + 1)))) {
            out.push('\\');
        }
        out.push(*c);
    }
    out
}
