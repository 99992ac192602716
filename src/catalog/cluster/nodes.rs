//! How things are kept in Neo4j: a node each, with the label of its kind and `Catalog`, and its parts as properties.
use crate::{
    error::{Error, Result},
    neo4j::{Client, Map, Transaction, cypher, transact},
};
use neo4rs::{BoltList, BoltType, Query};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Namespace of keys; part of the stored form, never to be changed.
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x7a10_c3e9_52d4_5b6f_9e21_8c4d_b07f_35a6);
/// What ends the name of a property that holds JSON, as Neo4j keeps only texts, numbers and lists of texts.
const JSON: &str = "Json";
/// Nodes deleted in one transaction.
const PIECE: i64 = 10_000;

/// The kinds, which are labels too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Alert,
    Audit,
    Comment,
    Firing,
    Group,
    Import,
    Item,
    Job,
    Lease,
    Letter,
    Outbox,
    Pair,
    Rule,
    RuleVersion,
    Search,
    Secret,
    Sighting,
    Staged,
    State,
    User,
}

impl Kind {
    /// Never those of the graph.
    const fn label(self) -> &'static str {
        match self {
            Self::Alert => "CatalogAlert",
            Self::Audit => "CatalogAudit",
            Self::Comment => "CatalogComment",
            Self::Firing => "CatalogFiring",
            Self::Group => "CatalogGroup",
            Self::Import => "CatalogImport",
            Self::Item => "CatalogItem",
            Self::Job => "CatalogJob",
            Self::Lease => "CatalogLease",
            Self::Letter => "CatalogLetter",
            Self::Outbox => "CatalogOutbox",
            Self::Pair => "CatalogPair",
            Self::Rule => "CatalogRule",
            Self::RuleVersion => "CatalogRuleVersion",
            Self::Search => "CatalogSearch",
            Self::Secret => "CatalogSecret",
            Self::Sighting => "CatalogSighting",
            Self::Staged => "CatalogStaged",
            Self::State => "CatalogState",
            Self::User => "CatalogUser",
        }
    }
}

/// One catalog of the database.
#[derive(Debug, Clone)]
pub struct Space(pub String);

impl Space {
    /// Key of a thing: a hash, because a name may be longer than an index allows. Keys and lists begin with the name of the
    /// catalog.
    pub fn key(&self, kind: Kind, parts: &[&str]) -> String {
        let mut name = format!("{}\0{}", self.0, kind.label());
        for part in parts {
            name.push('\0');
            name.push_str(part);
        }
        format!("{}/{}", self.0, uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).simple())
    }

    /// The list of all of a kind.
    pub fn list(&self, kind: Kind) -> String {
        format!("{}/{}", self.0, kind.label())
    }

    /// A list of those of a kind that belong to one thing.
    pub fn list_of(&self, kind: Kind, parts: &[&str]) -> String {
        self.key(kind, &[&["list"], parts].concat())
    }
}

/// A node to be written.
pub struct Row(Map);

impl Row {
    /// # Errors
    /// When `thing` is no object.
    pub fn new(key: String, kind: Kind, thing: &impl Serialize) -> Result<Self> {
        Ok(Self(
            Map::default()
                .with("key", &*key)
                .with("label", kind.label())
                .with("all", properties(thing)?.with("key", key)),
        ))
    }

    pub fn with(self, name: &str, value: impl Into<BoltType>) -> Self {
        let Self(mut row) = self;
        row.within("all", name, value);
        Self(row)
    }

    pub fn list(self, list: impl Into<String>) -> Self {
        self.with("list", list.into())
    }

    pub fn of(self, of: impl Into<String>) -> Self {
        self.with("of", of.into())
    }

    pub fn number(self, number: u64) -> Self {
        self.with("number", to_bolt(number))
    }
}

/// Neo4j's integers are signed; numbers and counts of the catalog never reach the difference.
pub fn to_bolt(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The parts of a thing as properties; what is absent has none.
pub fn properties(thing: &impl Serialize) -> Result<Map> {
    let Value::Object(parts) = serde_json::to_value(thing)? else {
        return Err(Error::internal("only what has named parts can be a node"));
    };
    let mut all = Map::default();
    for (name, value) in parts {
        match value {
            Value::Null => {}
            Value::Bool(b) => all.put(&name, b),
            Value::String(s) => all.put(&name, s),
            Value::Number(n) if n.is_i64() => all.put(&name, n.as_i64().unwrap_or_default()),
            Value::Array(list) if list.iter().all(Value::is_string) => {
                let texts: Vec<BoltType> = list.iter().filter_map(Value::as_str).map(Into::into).collect();
                all.put(&name, BoltType::List(BoltList::from(texts)));
            }
            other => all.put(&format!("{name}{JSON}"), other.to_string()),
        }
    }
    Ok(all)
}

/// A thing from its properties.
pub fn thing<T: DeserializeOwned>(properties: Value) -> Result<T> {
    let Value::Object(mut parts) = properties else { return Err(Error::internal("a node without properties")) };
    let texts: Vec<String> = parts.keys().filter(|k| k.ends_with(JSON)).cloned().collect();
    for name in texts {
        if let Some(Value::String(text)) = parts.remove(&name) {
            parts.insert(name.trim_end_matches(JSON).to_owned(), serde_json::from_str(&text)?);
        }
    }
    Ok(T::deserialize(Value::Object(parts))?)
}

pub fn things<T: DeserializeOwned>(rows: Vec<All>) -> Result<Vec<T>> {
    rows.into_iter().map(|r| thing(r.all)).collect()
}

#[derive(Deserialize)]
pub struct All {
    pub all: Value,
}

#[derive(Deserialize)]
pub struct Keyed {
    pub key: String,
    pub all: Value,
}

#[derive(Deserialize)]
pub struct Count {
    pub count: i64,
}

/// The number that a statement counts.
pub async fn count(client: &Client, query: Query) -> Result<u64> {
    let rows = client.rows::<Count>(query).await?;
    Ok(rows.first().map_or(0, |c| u64::try_from(c.count).unwrap_or(0)))
}

/// Things by their keys, in the order asked.
pub async fn by_keys<T: DeserializeOwned + Clone>(client: &Client, keys: Vec<String>) -> Result<Vec<Option<T>>> {
    let rows = client.rows::<Keyed>(cypher!("cypher/read/catalog_nodes.cypher").param("keys", keys.clone())).await?;
    in_order(rows, &keys)
}

/// The same inside of a transaction.
pub async fn known<T: DeserializeOwned + Clone>(t: &mut Transaction, keys: Vec<String>) -> Result<Vec<Option<T>>> {
    let rows = t.rows::<Keyed>(cypher!("cypher/read/catalog_nodes.cypher").param("keys", keys.clone())).await?;
    in_order(rows, &keys)
}

fn in_order<T: DeserializeOwned + Clone>(rows: Vec<Keyed>, keys: &[String]) -> Result<Vec<Option<T>>> {
    let found = rows.into_iter().map(|r| Ok((r.key, thing::<T>(r.all)?)));
    let found = found.collect::<Result<std::collections::HashMap<_, _>>>()?;
    Ok(keys.iter().map(|k| found.get(k).cloned()).collect())
}

/// All of a list, upwards.
pub async fn all<T: DeserializeOwned>(client: &Client, list: String) -> Result<Vec<T>> {
    things(client.rows(list_query(list)).await?)
}

/// The same inside of a transaction.
pub async fn all_known<T: DeserializeOwned>(t: &mut Transaction, list: String) -> Result<Vec<T>> {
    things(t.rows(list_query(list)).await?)
}

pub fn list_query(list: String) -> Query {
    cypher!("cypher/read/catalog_list.cypher").param("list", list).param("after", i64::MIN).param("limit", i64::MAX)
}

pub async fn put(t: &mut Transaction, rows: Vec<Row>) -> Result<()> {
    t.each(cypher!("cypher/write/catalog_put.cypher"), rows.into_iter().map(|r| r.0.into()).collect()).await
}

pub async fn delete(t: &mut Transaction, keys: impl IntoIterator<Item = String>) -> Result<()> {
    let rows = keys.into_iter().map(|k| Map::default().with("key", k).into()).collect();
    t.each(cypher!("cypher/write/catalog_delete.cypher"), rows).await
}

/// Runs a statement that deletes at most `most` nodes and counts them. Whether more may be left.
pub async fn delete_piece(t: &mut Transaction, query: Query) -> Result<bool> {
    Ok(t.rows::<Count>(query.param("most", PIECE)).await?.iter().any(|c| c.count == PIECE))
}

/// Repeats such a statement until nothing is left.
pub async fn delete_all(client: &Client, query: Query) -> Result<()> {
    while transact!(client, t => delete_piece(&mut t, query.clone()).await)? {}
    Ok(())
}

/// Takes the lock of a node until the end of the transaction. Returns what the node says; a new one has only defaults.
pub async fn lock<T: DeserializeOwned>(t: &mut Transaction, key: &str) -> Result<T> {
    let rows = t.rows::<All>(cypher!("cypher/write/catalog_lock.cypher").param("key", key)).await?;
    let all = rows.into_iter().next().ok_or_else(|| Error::internal("Neo4j did not answer with the locked node"))?;
    thing(all.all)
}
