//! Who calls: log in with name and password, tokens (JWT, HS256), and what a caller may see.
mod attempts;
mod password;

pub use password::{check_new as check_new_password, hash as hash_password, random as random_password};

use crate::{
    catalog::{Catalog, Role, User},
    error::{Code, Error, Result},
    event::{Scope, Time},
};
use attempts::Attempts;
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Name of the first user.
pub const ADMIN: &str = "admin";
/// How long checked credentials of a shipper are remembered, so that not every request costs a password hash.
const REMEMBER_MS: i64 = 5 * 60 * 1000;
/// Shippers remembered at most.
const REMEMBER_MAX: usize = 1_000;
const AUDIENCE: &str = "sysmonsearch";

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    /// End of the token; `None` for a shipper that sends its password with every request.
    pub expires: Option<Time>,
}

impl Caller {
    pub fn scope(&self) -> &Scope {
        &self.user.scope
    }
    /// # Errors
    /// `FORBIDDEN` below `role`.
    pub fn require(&self, role: Role) -> Result<()> {
        if self.user.role >= role {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, format!("this needs the role {role:?}").to_lowercase()))
    }
    /// # Errors
    /// `FORBIDDEN` for who sees some hosts only.
    pub fn require_all_hosts(&self) -> Result<()> {
        match self.scope() {
            Scope::All => Ok(()),
            Scope::Hosts(_) => {
                Err(Error::new(Code::Forbidden, "this is about all hosts: it is for those who may see all of them"))
            }
        }
    }
}

/// A fresh token.
pub struct Login {
    pub token: String,
    pub expires: Time,
    pub user: User,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    /// [`User::token_generation`] at the time of the login.
    generation: u64,
}

pub struct Auth {
    catalog: Arc<dyn Catalog>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    life: Duration,
    attempts: Attempts,
    passwords: password::Verifier,
    /// Digest of credentials -> user id, token generation, end.
    remembered: Mutex<HashMap<Uuid, (String, u64, i64)>>,
    /// Key of the digests; never leaves this process.
    digest_key: Uuid,
}

fn unauthenticated(message: &'static str) -> Error {
    Error::new(Code::Unauthenticated, message)
}

impl Auth {
    pub async fn new(catalog: Arc<dyn Catalog>, life: Duration) -> Result<Self> {
        let secret = catalog.secret("jwt").await?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        Ok(Self {
            catalog,
            encoding: EncodingKey::from_secret(&secret),
            decoding: DecodingKey::from_secret(&secret),
            validation,
            life,
            attempts: Attempts::default(),
            passwords: password::Verifier::new().await?,
            remembered: Mutex::default(),
            digest_key: Uuid::from_u128(rand::random()),
        })
    }

    /// Checks name and password. The answer and its time do not tell whether the user exists.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; `TOO_MANY` after too many failures for this name or address.
    pub async fn login(&self, name: &str, password: &str, address: IpAddr) -> Result<Login> {
        self.issue(self.check(name, password, address).await?)
    }

    /// A token for a user who has shown otherwise who he is: by reading the secret of this installation.
    ///
    /// # Errors
    /// When the token cannot be signed.
    pub fn issue(&self, user: User) -> Result<Login> {
        let now = Time::now();
        let life = i64::try_from(self.life.as_millis()).unwrap_or(i64::MAX / 4);
        // A token ends at a full second, the resolution of its `exp`.
        let exp = now.0.saturating_add(life) / 1000;
        let claims = Claims {
            sub: user.id.clone(),
            aud: AUDIENCE.into(),
            exp,
            iat: now.0 / 1000,
            generation: user.token_generation,
        };
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(Error::internal)?;
        Ok(Login { token, expires: Time(exp * 1000), user })
    }

    async fn check(&self, name: &str, password: &str, address: IpAddr) -> Result<User> {
        self.attempts.start(name, address)?;
        let user = self.catalog.user_by_name(name).await?;
        let hash = match &user {
            Some(u) => self.catalog.password_hash(&u.id).await?,
            None => None,
        };
        let right = self.passwords.verify(password, hash).await?;
        match user {
            Some(user) if right && !user.disabled => {
                self.attempts.succeeded(name, address);
                Ok(user)
            }
            _ => Err(unauthenticated("wrong name or password")),
        }
    }

    /// Checks the password of a user who is logged in, with the same limits as a login.
    pub async fn confirm(&self, user: &User, password: &str, address: IpAddr) -> Result<()> {
        self.check(&user.name, password, address).await.map(|_| ())
    }

    /// # Errors
    /// `UNAUTHENTICATED` for a token that is malformed, expired, revoked, or of a disabled user.
    pub async fn token(&self, token: &str) -> Result<Caller> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|e| unauthenticated("the token is not valid or has expired: log in again").with(e))?
            .claims;
        self.recheck(&claims.sub, claims.generation, Some(Time(claims.exp.saturating_mul(1000)))).await
    }

    /// Whether a session still stands: asked again while a socket is open.
    pub async fn recheck(&self, user_id: &str, generation: u64, expires: Option<Time>) -> Result<Caller> {
        let ended = || unauthenticated("the session has ended: log in again");
        if expires.is_some_and(|e| e <= Time::now()) {
            return Err(ended());
        }
        let user = self.catalog.user(user_id).await?.ok_or_else(ended)?;
        if user.disabled || user.token_generation != generation {
            return Err(ended());
        }
        Ok(Caller { user, expires })
    }

    /// Caller of an `Authorization` header: `Bearer TOKEN`, and where `shipper` is set also `Basic` and
    /// `ApiKey`, both base64 of `user:password`.
    pub async fn header(&self, value: Option<&str>, address: IpAddr, shipper: bool) -> Result<Option<Caller>> {
        let Some(value) = value else { return Ok(None) };
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.token(rest.trim()).await.map(Some);
        }
        if shipper && (scheme.eq_ignore_ascii_case("basic") || scheme.eq_ignore_ascii_case("apikey")) {
            let text = STANDARD.decode(rest.trim()).ok().and_then(|b| String::from_utf8(b).ok());
            let (name, password) = text
                .as_deref()
                .and_then(|t| t.split_once(':'))
                .ok_or_else(|| unauthenticated("Authorization must hold base64 of user:password"))?;
            return self.shipper(name, password, address).await.map(Some);
        }
        Err(unauthenticated("this Authorization scheme is not known: use Bearer"))
    }

    async fn shipper(&self, name: &str, password: &str, address: IpAddr) -> Result<Caller> {
        let digest = Uuid::new_v5(&self.digest_key, format!("{name}\0{password}").as_bytes());
        let known = self.remembered.lock().await.get(&digest).filter(|(_, _, end)| *end > Time::now().0).cloned();
        if let Some((id, generation, _)) = known
            && let Ok(caller) = self.recheck(&id, generation, None).await
        {
            return Ok(caller);
        }
        let user = self.check(name, password, address).await?;
        let now = Time::now().0;
        let mut remembered = self.remembered.lock().await;
        if remembered.len() >= REMEMBER_MAX {
            remembered.retain(|_, (_, _, end)| *end > now);
        }
        if remembered.len() < REMEMBER_MAX {
            remembered.insert(digest, (user.id.clone(), user.token_generation, now + REMEMBER_MS));
        }
        Ok(Caller { user, expires: None })
    }
}

/// Creates the user [`ADMIN`] with a random password where there is no user at all; returns the password,
/// which is to be shown once.
pub async fn ensure_admin(catalog: &dyn Catalog) -> Result<Option<String>> {
    if !catalog.users().await?.is_empty() {
        return Ok(None);
    }
    let password = password::random();
    create_user(catalog, ADMIN, &password, Role::Admin).await?;
    Ok(Some(password))
}

/// Creates a user who sees all hosts.
///
/// # Errors
/// `BAD_INPUT` for a bad name or a weak password, `CONFLICT` for a taken name.
pub async fn create_user(catalog: &dyn Catalog, name: &str, password: &str, role: Role) -> Result<User> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(Error::bad_input("a user name has 1 to 64 letters, digits, or any of . _ @ -"));
    }
    check_new_password(password)?;
    let user = User {
        id: Uuid::now_v7().to_string(),
        name: name.into(),
        role,
        scope: Scope::All,
        disabled: false,
        token_generation: 1,
        created: Time::now(),
    };
    catalog.create_user(&user, &hash_password(password.to_owned()).await?).await?;
    Ok(user)
}

/// Lets a user log in, or not any more and ends his sessions.
///
/// # Errors
/// `NOT_FOUND` for an unknown name, `CONFLICT` for the last administrator.
pub async fn enable_user(catalog: &dyn Catalog, name: &str, enabled: bool) -> Result<User> {
    let mut user = known(catalog, name).await?;
    if !enabled && user.role == Role::Admin {
        let others = catalog.users().await?;
        if !others.iter().any(|u| u.id != user.id && u.role == Role::Admin && !u.disabled) {
            return Err(Error::new(Code::Conflict, "the last administrator cannot be disabled"));
        }
    }
    user.disabled = !enabled;
    user.token_generation += 1;
    catalog.update_user(&user).await?;
    Ok(user)
}

/// Sets the password of a user and ends his sessions.
///
/// # Errors
/// `NOT_FOUND` for an unknown name, `BAD_INPUT` for a weak password.
pub async fn reset_password(catalog: &dyn Catalog, name: &str, password: String) -> Result<()> {
    let user = known(catalog, name).await?;
    check_new_password(&password)?;
    catalog.set_password(&user.id, &hash_password(password).await?).await
}

async fn known(catalog: &dyn Catalog, name: &str) -> Result<User> {
    catalog.user_by_name(name).await?.ok_or_else(|| Error::not_found("there is no user of this name"))
}
