//! Connections and names.
use super::acting;
use crate::{
    event::{
        Event,
        Field::{self, *},
        text,
    },
    graph::{
        batch::{Local, Writer},
        key,
        model::{EdgeType, NodeId},
        property::Prop,
    },
};
use std::net::IpAddr;
use uuid::Uuid;

fn address(w: &mut Writer<'_>, ip: IpAddr) -> Local {
    let n = w.node(NodeId::of_ip(ip));
    w.set(n, Prop::Address, &text::canonical_ip(ip).to_string());
    w.set(n, Prop::AddressScope, scope(ip));
    n
}

fn scope(ip: IpAddr) -> &'static str {
    let (private, link_local, broadcast) = match ip {
        IpAddr::V4(v) => (v.is_private(), v.is_link_local(), v.is_broadcast()),
        IpAddr::V6(v) => (v.is_unique_local(), v.is_unicast_link_local(), false),
    };
    match () {
        () if ip.is_loopback() => "loopback",
        () if ip.is_unspecified() => "unspecified",
        () if ip.is_multicast() || broadcast => "multicast",
        () if link_local => "link-local",
        () if private => "private",
        () => "public",
    }
}

fn domain(w: &mut Writer<'_>, name: &str) -> Option<Local> {
    let d = w.node(NodeId::domain(name)?);
    w.set(d, Prop::Name, &key::domain_name(name)?);
    Some(d)
}

/// Node of a text that is a name or an address.
pub fn name_or_address(w: &mut Writer<'_>, host: &str) -> Option<Local> {
    match text::ip(host) {
        Some(ip) => Some(address(w, ip)),
        None => domain(w, host),
    }
}

fn ip_of(e: &Event, field: Field) -> Option<IpAddr> {
    e.get(field).and_then(text::ip)
}

/// Code 3. Who connects is always Sysmon's source, whichever side reports it.
pub fn connected(w: &mut Writer<'_>, host: Local) {
    let e = w.event;
    let p = acting(w);
    let initiated = e.get(Initiated);
    let inbound = initiated == Some("false");
    let (source, destination) = (ip_of(e, SourceIp), ip_of(e, DestinationIp));
    if let (Some(p), Some(remote)) = (p, if inbound { source } else { destination }) {
        let a = address(w, remote);
        let edge = if inbound { EdgeType::AcceptedFrom } else { EdgeType::Connected };
        w.edge_with(p, edge, a, &[(Prop::Initiated, initiated), (Prop::Protocol, e.get(Protocol))]);
    }
    for (ip, name) in [(source, SourceHostname), (destination, DestinationHostname)] {
        // Every machine calls the loopback its own.
        if let (Some(ip), Some(name)) = (ip.filter(|i| !i.is_loopback() && !i.is_unspecified()), e.get(name))
            && let Some(d) = domain(w, name)
        {
            let a = address(w, ip);
            w.edge(a, EdgeType::Named, d);
        }
    }
    let own = match initiated {
        Some("true") => source,
        Some("false") => destination,
        _ => None,
    };
    if let Some(ip) = own.filter(|i| matches!(scope(*i), "private" | "public" | "link-local")) {
        let a = address(w, ip);
        w.edge(a, EdgeType::Of, host);
    }
    if let (Some(p), Some(_), Some(s), Some(d)) = (p, initiated, source, destination) {
        flow(w, p, !inbound, s, d);
    }
}

/// What both sides of a connection write alike. Addresses that mean something else on every
/// machine or network join the processes of one host only.
fn flow(w: &mut Writer<'_>, p: Local, initiator: bool, source: IpAddr, destination: IpAddr) {
    let e = w.event;
    let (Some(sport), Some(dport)) = (e.get(SourcePort), e.get(DestinationPort)) else { return };
    let near = match scope(destination) {
        "multicast" | "unspecified" => return,
        "loopback" | "link-local" => w.host.as_str(),
        _ => "",
    };
    let protocol = e.get(Protocol).map(text::fold).unwrap_or_default();
    let tuple = format!("{near}\0{protocol}\0{source}\0{sport}\0{destination}\0{dport}");
    w.flow(Uuid::new_v5(&Uuid::NAMESPACE_OID, tuple.as_bytes()).as_u128(), initiator, p);
}

/// Code 22. All records of the answer are told of the name that was asked.
pub fn queried(w: &mut Writer<'_>) {
    let e = w.event;
    let p = acting(w);
    let Some(d) = e.get(QueryName).and_then(|n| name_or_address(w, n)) else { return };
    if let Some(p) = p {
        w.edge_with(p, EdgeType::Queried, d, &[(Prop::QueryStatus, e.get(QueryStatus))]);
    }
    let answers = e.get(QueryResults).unwrap_or_default();
    for answer in crate::event::dns_answers(answers) {
        if let Some(ip) = text::ip(answer) {
            let a = address(w, ip);
            w.edge(d, EdgeType::ResolvedTo, a);
        } else if let Some(name) = cname(answer)
            && let Some(alias) = domain(w, name)
        {
            w.edge(d, EdgeType::Cname, alias);
        }
    }
}

/// `type:  5 name`
fn cname(answer: &str) -> Option<&str> {
    answer.strip_prefix("type:")?.trim_start().strip_prefix("5 ").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_aliases() {
        let s = |t: &str| scope(t.parse().unwrap());
        assert_eq!(
            ["127.0.0.1", "10.1.1.1", "169.254.1.1", "224.0.0.251", "8.8.8.8", "fe80::1", "::1", "fd00::1", "0.0.0.0"]
                .map(s),
            [
                "loopback",
                "private",
                "link-local",
                "multicast",
                "public",
                "link-local",
                "loopback",
                "private",
                "unspecified"
            ]
        );
        assert_eq!(cname("type:  5 a.example"), Some("a.example"));
        assert_eq!(cname("type:  12 a.example"), None);
    }
}
