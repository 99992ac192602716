//! Password hashes: argon2id, on a blocking thread, with a bound on how many run at once.
use crate::error::{Code, Error, Result};
use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Hashes at once: each takes 19 MiB and a core.
const PARALLEL: usize = 2;
/// Checks waiting for their turn at most; more are refused.
const WAITING: usize = 64;
const MAX_LEN: usize = 256;
const MIN_LEN: usize = 10;

/// Checks passwords.
pub struct Verifier {
    turns: Semaphore,
    waiting: AtomicUsize,
    /// Hash of an unknown password: checked for users that do not exist, so that the answer takes as long.
    decoy: String,
}

impl Verifier {
    pub async fn new() -> Result<Self> {
        Ok(Self { turns: Semaphore::new(PARALLEL), waiting: AtomicUsize::new(0), decoy: hash(random()).await? })
    }

    /// Whether `password` fits `hash`; `None` never fits and takes as long.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        if password.len() > MAX_LEN {
            return Ok(false);
        }
        let _place = Place::take(&self.waiting)?;
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let known = hash.is_some();
        let (hash, password) = (hash.unwrap_or_else(|| self.decoy.clone()), password.to_owned());
        let fits = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
        })
        .await?;
        Ok(fits && known)
    }
}

/// A place in the queue, given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self> {
        if waiting.fetch_add(1, Ordering::SeqCst) >= WAITING {
            waiting.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(Code::TooMany, "too many logins at once: try again in a moment"));
        }
        Ok(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// PHC form of argon2id with a fresh salt.
pub async fn hash(password: String) -> Result<String> {
    tokio::task::spawn_blocking(move || {
        let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(|e| Error::internal(e.to_string()))?;
        Argon2::default()
            .hash_password(password.as_bytes(), &salt)
            .map(|h| h.to_string())
            .map_err(|e| Error::internal(e.to_string()))
    })
    .await?
}

/// # Errors
/// `BAD_INPUT` for a password that is too short or too long.
pub fn check_new(password: &str) -> Result<()> {
    if password.chars().count() < MIN_LEN || password.len() > MAX_LEN {
        return Err(Error::bad_input(format!(
            "a password has {MIN_LEN} characters at least and {MAX_LEN} bytes at most"
        )));
    }
    Ok(())
}

/// 144 random bits, to be typed by a person.
pub fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>())
}
