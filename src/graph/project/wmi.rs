//! WMI filters, consumers and the bindings between them. They are known by host and name: the binding
//! does not tell the namespace.
use super::{reference, user};
use crate::{
    event::{Field::*, text},
    graph::{
        batch::{Local, Writer},
        key,
        model::{EdgeType, NodeId},
        property::Prop,
    },
};

fn operation(w: &Writer<'_>) -> EdgeType {
    match w.event.get(Operation).map(text::fold).as_deref() {
        Some("created") => EdgeType::WmiCreated,
        Some("deleted") => EdgeType::WmiDeleted,
        _ => EdgeType::WmiModified,
    }
}

fn by_user(w: &mut Writer<'_>, object: Local) {
    if let Some(name) = w.event.get(User) {
        let (edge, said) = (operation(w), [(Prop::Operation, w.event.get(Operation))]);
        let u = user(w, name);
        w.edge_with(u, edge, object, &said);
    }
}

/// Code 19.
pub fn filter(w: &mut Writer<'_>, host: Local) {
    let e = w.event;
    let Some(name) = e.get(Name).map(unquote) else { return };
    let f = w.node(NodeId::wmi_filter(&w.host, &name));
    w.set(f, Prop::Name, &name);
    w.set_some(f, Prop::Namespace, e.get(EventNamespace).map(unquote).as_deref());
    w.set_some(f, Prop::Query, e.get(Query).map(unquote).as_deref());
    by_user(w, f);
    w.edge(f, EdgeType::On, host);
}

/// Code 20.
pub fn consumer(w: &mut Writer<'_>, host: Local) {
    let e = w.event;
    let Some(name) = e.get(Name).map(unquote) else { return };
    let c = w.node(NodeId::wmi_consumer(&w.host, e.get(Type).unwrap_or_default(), &name));
    w.set(c, Prop::Name, &name);
    w.set_some(c, Prop::Type, e.get(Type));
    by_user(w, c);
    w.edge(c, EdgeType::On, host);
    let Some(destination) = e.get(Destination).map(unquote) else { return };
    w.set(c, Prop::Destination, &destination);
    for path in reference::paths(&destination) {
        let f = w.reference(NodeId::file(&w.host, &path));
        w.set(f, Prop::Path, &key::path(&path));
        w.edge(c, EdgeType::RefersTo, f);
    }
}

/// Code 21.
pub fn binding(w: &mut Writer<'_>) {
    let e = w.event;
    let (Some(consumer), Some(filter)) = (e.get(Consumer).map(unquote), e.get(Filter).map(unquote)) else { return };
    let (_, filter) = class_and_name(&filter);
    let (class, consumer) = class_and_name(&consumer);
    let f = w.reference(NodeId::wmi_filter(&w.host, filter));
    w.set(f, Prop::Name, filter);
    let c = w.reference(NodeId::wmi_consumer(&w.host, class, consumer));
    w.set(c, Prop::Name, consumer);
    w.edge_with(f, EdgeType::BoundTo, c, &[(Prop::Operation, e.get(Operation)), (Prop::User, e.get(User))]);
    by_user(w, f);
    by_user(w, c);
}

/// Sysmon writes WMI texts as ` "a\"b\\c"`.
fn unquote(text: &str) -> String {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// `\\.\root\subscription:CommandLineEventConsumer.Name="x"` -> class and name.
fn class_and_name(path: &str) -> (&str, &str) {
    let Some((class, name)) = path.split_once(".Name=") else { return ("", path) };
    let class = class.rsplit_once(':').map_or(class, |(_, c)| c);
    (class, name.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_wmi() {
        assert_eq!(unquote(r#" "root\\CimV2""#), r"root\CimV2");
        let path = unquote(r#" "\\\\.\\ROOT\\subscription:CommandLineEventConsumer.Name=\"Some name\"""#);
        assert_eq!(class_and_name(&path), ("CommandLineEventConsumer", "Some name"));
        assert_eq!(class_and_name(r#"__EventFilter.Name="f""#), ("__EventFilter", "f"));
        assert_eq!(unquote("plain"), "plain");
    }
}
