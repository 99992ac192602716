//! Users, their password hashes, and the secrets of the installation.
use super::{
    Cluster,
    nodes::{self, All, Kind, Row, Space, things},
    state::Counter,
};
use crate::{
    catalog::User,
    error::{Code, Error, Result},
    event::text::fold,
    neo4j::{Transaction, cypher, transact},
};
use rand::TryRngCore as _;
use serde::{Deserialize, Serialize};

/// Bytes of a secret.
const SECRET: usize = 32;
/// Whose lock writers take.
const LOCK: &str = "users";

#[derive(Clone, Serialize, Deserialize)]
struct StoredUser {
    #[serde(flatten)]
    user: User,
    password_hash: String,
}

#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    name: String,
    /// Hexadecimal.
    value: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, b| text + &format!("{b:02x}"))
}

fn unique(space: &Space, name: &str) -> String {
    space.key(Kind::User, &["name", &fold(name)])
}

fn row(space: &Space, stored: &StoredUser) -> Result<Row> {
    let user = &stored.user;
    let row = Row::new(space.key(Kind::User, &[&user.id]), Kind::User, stored)?;
    Ok(row.list(space.list(Kind::User)).number(0).with("unique", unique(space, &user.name)))
}

/// `CONFLICT` when another user has the name.
async fn is_free(t: &mut Transaction, space: &Space, user: &User) -> Result<()> {
    let query = cypher!("cypher/read/catalog_unique.cypher").param("unique", unique(space, &user.name));
    let found: Vec<StoredUser> = things(t.rows(query).await?)?;
    if found.iter().all(|f| f.user.id == user.id) {
        return Ok(());
    }
    Err(Error::new(Code::Conflict, format!("there is already a user named {:?}", user.name)))
}

impl Cluster {
    pub(super) async fn all_users(&self) -> Result<Vec<User>> {
        let mut users: Vec<StoredUser> = nodes::all(&self.neo4j, self.space.list(Kind::User)).await?;
        users.sort_by_cached_key(|s| fold(&s.user.name));
        Ok(users.into_iter().map(|s| s.user).collect())
    }

    pub(super) async fn named_user(&self, name: &str) -> Result<Option<User>> {
        let query = cypher!("cypher/read/catalog_unique.cypher").param("unique", unique(&self.space, name));
        let found = self.neo4j.rows::<All>(query).await?;
        Ok(things::<StoredUser>(found)?.into_iter().next().map(|s| s.user))
    }

    async fn stored_user(&self, id: &str) -> Result<Option<StoredUser>> {
        let found = nodes::by_keys(&self.neo4j, vec![self.space.key(Kind::User, &[id])]).await?;
        Ok(found.into_iter().flatten().next())
    }

    pub(super) async fn user_by_id(&self, id: &str) -> Result<Option<User>> {
        Ok(self.stored_user(id).await?.map(|s| s.user))
    }

    pub(super) async fn hash_of(&self, id: &str) -> Result<Option<String>> {
        Ok(self.stored_user(id).await?.map(|s| s.password_hash))
    }

    pub(super) async fn add_user(&self, user: &User, password_hash: &str) -> Result<()> {
        let stored = StoredUser { user: user.clone(), password_hash: password_hash.to_owned() };
        let add = async |t: &mut Transaction| {
            Counter::lock(t, &self.space, LOCK).await?;
            is_free(t, &self.space, user).await?;
            nodes::put(t, vec![row(&self.space, &stored)?]).await
        };
        transact!(self.neo4j, t => add(&mut t).await)
    }

    /// `NOT_FOUND` when there is no such user.
    pub(super) async fn change_user(&self, id: &str, change: impl Fn(&mut User, &mut String) + Sync) -> Result<()> {
        let key = self.space.key(Kind::User, &[id]);
        let work = async |t: &mut Transaction| {
            Counter::lock(t, &self.space, LOCK).await?;
            let found = nodes::known::<StoredUser>(t, vec![key.clone()]).await?;
            let mut stored = found.into_iter().flatten().next().ok_or_else(|| Error::not_found("no such user"))?;
            change(&mut stored.user, &mut stored.password_hash);
            is_free(t, &self.space, &stored.user).await?;
            nodes::put(t, vec![row(&self.space, &stored)?]).await
        };
        transact!(self.neo4j, t => work(&mut t).await)
    }

    pub(super) async fn kept_secret(&self, name: &str) -> Result<Vec<u8>> {
        let mut fresh = vec![0; SECRET];
        rand::rngs::OsRng.try_fill_bytes(&mut fresh).map_err(Error::internal)?;
        let fresh = Secret { name: name.to_owned(), value: hex(&fresh) };
        let key = self.space.key(Kind::Secret, &[name]);
        let work = async |t: &mut Transaction| {
            Counter::lock(t, &self.space, LOCK).await?;
            if let Some(Some(kept)) = nodes::known::<Secret>(t, vec![key.clone()]).await?.pop() {
                return Ok(kept);
            }
            nodes::put(t, vec![Row::new(key.clone(), Kind::Secret, &fresh)?]).await?;
            Ok(fresh.clone())
        };
        let kept: Secret = transact!(self.neo4j, t => work(&mut t).await)?;
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).map_err(Error::internal)?;
            u8::from_str_radix(text, 16).map_err(Error::internal)
        };
        kept.value.as_bytes().chunks(2).map(byte).collect()
    }
}
