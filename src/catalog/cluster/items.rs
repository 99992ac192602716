//! Small things by kind and id. Who changes them holds the lock of detect, which numbers the log of changes.
use super::{
    Cluster, alerts,
    nodes::{self, Kind, Row, Space, limit, things},
    state::lock_detected,
};
use crate::{
    catalog::{AuditEntry, Item, ItemChange, ItemFilter, ItemKind},
    error::Result,
    neo4j::{Transaction, cypher, transact},
};
use neo4rs::Query;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// An item; its kind is that of the list in which it stands.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    id: String,
    group: String,
    number: i64,
    body: String,
}

fn key(space: &Space, kind: ItemKind, id: &str) -> String {
    space.key(Kind::Item, &[kind.as_str(), id])
}

fn list(space: &Space, kind: ItemKind) -> String {
    space.list_of(Kind::Item, &[kind.as_str()])
}

fn row(space: &Space, item: &Item) -> Result<Row> {
    let stored = Stored { id: item.id.clone(), group: item.group.clone(), number: item.order, body: item.body.clone() };
    Ok(Row::new(key(space, item.kind, &item.id), Kind::Item, &stored)?.list(list(space, item.kind)))
}

/// Adds the filter to a statement over items.
fn asking(query: Query, space: &Space, filter: &ItemFilter) -> Query {
    query
        .param("list", list(space, filter.kind))
        .param("ids", filter.ids.clone())
        .param("groups", filter.groups.clone())
        .param("from", filter.from.unwrap_or(i64::MIN))
        .param("upto", filter.upto.unwrap_or(i64::MAX))
}

impl Cluster {
    pub(super) async fn item_page(
        &self,
        filter: &ItemFilter,
        after: Option<(i64, String)>,
        first: usize,
    ) -> Result<Vec<Item>> {
        // No id is empty: the least order is not left out.
        let (order, id) = after.unwrap_or((i64::MIN, String::new()));
        let query = asking(cypher!("cypher/read/catalog_items.cypher"), &self.space, filter)
            .param("order", order)
            .param("id", id)
            .param("limit", limit(first));
        let kind = filter.kind;
        let item = |s: Stored| Item { kind, id: s.id, group: s.group, order: s.number, body: s.body };
        Ok(things::<Stored>(self.neo4j.rows(query).await?)?.into_iter().map(item).collect())
    }

    pub(super) async fn item_counts(&self, kind: ItemKind) -> Result<Vec<(String, u64)>> {
        #[derive(Deserialize)]
        struct Group {
            name: String,
            count: i64,
        }
        let query = cypher!("cypher/read/catalog_items_per.cypher").param("list", list(&self.space, kind));
        let groups = self.neo4j.rows::<Group>(query).await?;
        Ok(groups.into_iter().map(|g| (g.name, u64::try_from(g.count).unwrap_or(0))).collect())
    }

    pub(super) async fn write_items(&self, changes: &[ItemChange], audit: &[AuditEntry]) -> Result<()> {
        let call = uuid::Uuid::now_v7().to_string();
        transact!(self.neo4j, t => self.write_items_in(&mut t, changes, audit, &call).await)
    }

    async fn write_items_in(
        &self,
        t: &mut Transaction,
        changes: &[ItemChange],
        audit: &[AuditEntry],
        call: &str,
    ) -> Result<()> {
        let space = &self.space;
        let mut state = lock_detected(t, space).await?;
        // What is of one sort and stands together is written at once.
        for some in changes.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
            let mut rows = Vec::new();
            let adds = some.iter().filter_map(|c| match c {
                ItemChange::Add(item) => Some(key(space, item.kind, &item.id)),
                _ => None,
            });
            let adds: Vec<String> = adds.collect();
            let mut there: HashSet<String> = HashSet::new();
            if !adds.is_empty() {
                let found = nodes::known::<Stored>(t, adds.clone()).await?;
                there.extend(adds.into_iter().zip(found).filter(|(_, s)| s.is_some()).map(|(k, _)| k));
            }
            for change in some {
                match change {
                    ItemChange::Put(item) => rows.push(row(space, item)?),
                    ItemChange::Add(item) => {
                        if there.insert(key(space, item.kind, &item.id)) {
                            rows.push(row(space, item)?);
                        }
                    }
                    ItemChange::Remove(filter) => {
                        t.run(asking(cypher!("cypher/write/catalog_items_remove.cypher"), space, filter)).await?;
                    }
                }
            }
            nodes::put(t, rows).await?;
        }
        let mut entries = Vec::new();
        for (n, entry) in audit.iter().enumerate() {
            entries.push(alerts::audit(space, &mut state, &format!("{call}/{n}"), entry.clone())?);
        }
        if !entries.is_empty() {
            nodes::put(t, entries).await?;
            state.save(t, space).await?;
        }
        Ok(())
    }
}
