//! One request to one webhook: signed, to a checked address, with limits on everything.
use super::{
    Webhooks,
    allow::{Allowed, Resolver, not_allowed},
};
use crate::{
    catalog::Webhook,
    error::{Error, Result},
    event::Time,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::{Certificate, Client, ClientBuilder, header::CONTENT_TYPE, redirect::Policy};
use std::{sync::Arc, time::Duration};

/// Bytes of a key.
const KEY: usize = 32;
/// Longest time until there is a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Why it failed, where it did.
    pub failure: Option<String>,
}

/// Key of the signatures of a webhook.
#[derive(Clone)]
pub struct Key([u8; KEY]);

impl Key {
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// As the receiver needs it; to be shown once.
    pub fn secret(&self) -> String {
        format!("whsec_{}", self.stored())
    }

    pub fn stored(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// # Errors
    /// `INTERNAL` for a text that [`Self::stored`] has not made.
    pub fn read(stored: &str) -> Result<Self> {
        let bytes = STANDARD.decode(stored).map_err(Error::internal)?;
        bytes.try_into().map(Self).map_err(|_| Error::internal("the key of a webhook has another length"))
    }
}

/// HMAC-SHA256 over `id.timestamp.body`, in base64.
fn signature(key: &[u8], id: &str, timestamp: i64, body: &str) -> Result<String> {
    let message = format!("{id}.{timestamp}.{body}");
    let key = EncodingKey::from_secret(key);
    let signed = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).map_err(Error::internal)?;
    Ok(STANDARD.encode(URL_SAFE_NO_PAD.decode(signed).map_err(Error::internal)?))
}

/// Sends to allowed addresses only.
pub struct Sender {
    allowed: Allowed,
    client: Client,
    timeout: Duration,
}

impl Sender {
    /// # Errors
    /// `BAD_INPUT` when the authority is no PEM, and when TLS cannot be set up.
    pub fn new(Webhooks { allowed, ca, timeout, .. }: &Webhooks) -> Result<Self> {
        let (allowed, timeout) = (allowed.clone(), *timeout);
        let bad = |e| Error::bad_input("the certificate authority of webhooks is no PEM").with(e);
        let authorities = ca.as_deref().map(Certificate::from_pem_bundle).transpose().map_err(bad)?.unwrap_or_default();
        if ca.is_some() && authorities.is_empty() {
            return Err(Error::bad_input("the certificate authority of webhooks is no PEM: it holds no certificate"));
        }
        let client = authorities
            .into_iter()
            .fold(Client::builder(), ClientBuilder::add_root_certificate)
            .dns_resolver(Arc::new(Resolver(allowed.clone())))
            .redirect(Policy::none())
            // A proxy would connect in our place, unchecked.
            .no_proxy()
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("sysmonsearch/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal)?;
        Ok(Self { allowed, client, timeout })
    }

    pub const fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Sends `body` with the signature of `key`. The answer's body is not read.
    ///
    /// # Errors
    /// When it cannot be signed; what goes wrong at the other end is in the [`Attempt`].
    pub async fn post(&self, webhook: &Webhook, key: &Key, id: &str, body: String) -> Result<Attempt> {
        let failed = |message: String| Ok(Attempt { status: None, failure: Some(message) });
        let url = match self.allowed.url(&webhook.url) {
            Ok(url) => url,
            Err(e) => return failed(e.message.into_owned()),
        };
        let timestamp = Time::now().0 / 1000;
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{}", signature(&key.0, id, timestamp, &body)?))
            .body(body);
        match request.send().await {
            Ok(answer) => {
                let status = answer.status();
                let failure = (!status.is_success()).then(|| match status.is_redirection() {
                    true => format!("the answer is {status}: redirects are not followed"),
                    false => format!("the answer is {status}"),
                });
                Ok(Attempt { status: Some(status.as_u16()), failure })
            }
            Err(e) if e.is_timeout() => failed(format!("no answer within {} s", self.timeout.as_secs_f32())),
            Err(e) => failed(reason(&e)),
        }
    }
}

/// What is below an error of a request: without the address, which may hold a secret.
fn reason(error: &reqwest::Error) -> String {
    let mut source = std::error::Error::source(error);
    let mut parts: Vec<String> = Vec::new();
    while let Some(s) = source {
        if let Some(own) = s.downcast_ref::<Error>() {
            return own.message.clone().into_owned();
        }
        parts.push(s.to_string());
        source = s.source();
    }
    if parts.iter().any(|p| *p == not_allowed().message) {
        return not_allowed().message.into_owned();
    }
    parts.dedup();
    if parts.is_empty() { "the request failed".into() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let made = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(made, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn keys_are_kept_as_text() {
        let key = Key::random();
        assert_eq!(Key::read(&key.stored()).unwrap().secret(), key.secret());
        assert_ne!(Key::random().secret(), key.secret());
        assert!(Key::read("AAAA").is_err() && Key::read("?").is_err());
    }
}
