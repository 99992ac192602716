//! Where webhooks may go: nowhere but to what the administrator has allowed.
use crate::error::{Code, Error, Result};
use ipnet::IpNet;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of an address at most.
const MAX_URL: usize = 2_000;

/// Names of hosts, and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Lower case; `*.example.com` is every host below `example.com`.
    names: Vec<String>,
    networks: Vec<IpNet>,
}

impl Allowed {
    /// Reads entries such as `hooks.example.com`, `*.example.com`, `192.0.2.7` and `10.1.0.0/16`.
    ///
    /// # Errors
    /// `BAD_INPUT` for anything else.
    pub fn parse(entries: &[String]) -> Result<Self> {
        let mut allowed = Self::default();
        for entry in entries.iter().map(|e| e.trim()).filter(|e| !e.is_empty()) {
            if let Ok(net) = entry.parse::<IpNet>() {
                allowed.networks.push(net.trunc());
            } else if let Ok(ip) = entry.parse::<IpAddr>() {
                allowed.networks.push(ip.into());
            } else {
                let name = normal(entry);
                let rest = name.strip_prefix("*.").unwrap_or(&name);
                let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
                if rest.is_empty() || rest.contains("..") || !rest.chars().all(fits) {
                    let message = format!("{entry:?} is neither the name of a host nor an address nor a network");
                    return Err(Error::bad_input(message));
                }
                allowed.names.push(name);
            }
        }
        Ok(allowed)
    }

    /// Whether a connection to `ip`, found under the name `host` or given as it is, may be made. A name opens the public
    /// addresses only; any other address must be in a network of the list.
    fn permits(&self, host: Option<&str>, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|n| n.contains(&ip)) || (host.is_some_and(|h| self.knows(h)) && is_public(ip))
    }

    fn knows(&self, host: &str) -> bool {
        let host = normal(host);
        self.names.iter().any(|name| match name.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => *name == host,
        })
    }

    /// The address of a webhook. Whether a name leads to an allowed network is seen when it is resolved.
    ///
    /// # Errors
    /// `BAD_INPUT` for what is no address of a webhook, `FORBIDDEN` for one that is not allowed.
    pub fn url(&self, text: &str) -> Result<Url> {
        if text.len() > MAX_URL {
            return Err(Error::bad_input(format!("the address has more than {MAX_URL} bytes")));
        }
        let url = Url::parse(text).map_err(|_| Error::bad_input("url must be an address such as https://host/path"))?;
        if !matches!(url.scheme(), "https" | "http") || url.fragment().is_some() {
            return Err(Error::bad_input("url must begin with https:// or http:// and have no #"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::bad_input("url must not hold a name or password: requests are signed"));
        }
        let allowed = match url.host_str().map(|h| h.trim_matches(['[', ']'])) {
            Some(host) => match host.parse::<IpAddr>() {
                Ok(ip) => self.permits(None, ip),
                Err(_) => self.knows(host) || !self.networks.is_empty(),
            },
            None => false,
        };
        if allowed { Ok(url) } else { Err(not_allowed()) }
    }
}

fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

pub fn not_allowed() -> Error {
    Error::new(Code::Forbidden, "the administrator has not allowed this address: see --webhook-allow")
}

/// Neither this machine nor its surroundings, nor anything else that is not for everybody.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b)))
}

/// Only what is given out for the public (2000::/3), without parts that lead to an IPv4 address or nowhere.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let tunnels = a == 0x2002 || (a == 0x2001 && b < 0x200);
    a & 0xe000 == 0x2000 && !tunnels && (a, b) != (0x2001, 0xdb8)
}

/// Finds the addresses of a name and hands out the allowed ones: a connection goes to an address that was checked.
pub struct Resolver(pub Allowed);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, host) = (self.0.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let fit: Vec<SocketAddr> = found.filter(|a| allowed.permits(Some(&host), a.ip())).collect();
            if fit.is_empty() {
                return Err(not_allowed().into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entries: &[&str]) -> Allowed {
        Allowed::parse(&entries.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn nothing_is_allowed_unless_it_is_named() {
        let none = allowed(&[]);
        for url in ["https://hooks.example.com/x", "http://127.0.0.1/", "https://8.8.8.8/"] {
            assert_eq!(none.url(url).unwrap_err().code, Code::Forbidden, "{url}");
        }
        let some = allowed(&["Hooks.Example.com.", "*.corp.example", "10.1.0.0/16", "::1"]);
        for url in
            ["https://hooks.example.com:8443/x?y", "https://a.corp.example/", "http://10.1.2.3/", "http://[::1]:8/"]
        {
            assert!(some.url(url).is_ok(), "{url}");
        }
        for url in [
            "http://10.2.0.1/",
            "http://[::2]/",
            "https://8.8.8.8/",
            "http://2130706433/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(some.url(url).unwrap_err().code, Code::Forbidden, "{url}");
        }
        for url in
            ["", "x", "ftp://hooks.example.com/", "file:///etc/passwd", "https://a:b@hooks.example.com/", "https://"]
        {
            assert_eq!(some.url(url).unwrap_err().code, Code::BadInput, "{url}");
        }
        for entry in ["http://x", "a b", "*.", "10.0.0.0/33", "a..b"] {
            assert!(Allowed::parse(&[entry.to_owned()]).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_name_opens_public_addresses_only() {
        let names = allowed(&["hooks.example.com", "*.corp.example"]);
        let permits = |list: &Allowed, host: &str, ip: &str| list.permits(Some(host), ip.parse().unwrap());
        for ip in ["8.8.8.8", "2606:4700::1111"] {
            assert!(permits(&names, "HOOKS.example.com", ip) && permits(&names, "a.b.corp.example", ip), "{ip}");
            assert!(!permits(&names, "example.com", ip) && !permits(&names, "corp.example", ip), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "::10.0.0.1",
        ] {
            assert!(!permits(&names, "hooks.example.com", ip), "{ip}");
        }
        let inside = allowed(&["10.0.0.0/8"]);
        assert!(permits(&inside, "anything.example", "10.0.0.1") && permits(&inside, "x", "::ffff:10.0.0.1"));
        assert!(!permits(&inside, "anything.example", "8.8.8.8"));
    }
}
