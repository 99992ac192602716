//! How the cluster is reached: addresses, credentials, the authority that signed its certificate.
use crate::error::{Error, Result};
use elasticsearch::{
    auth::Credentials,
    cert::{Certificate, CertificateValidation},
    http::{
        Url,
        transport::{MultiNodeConnectionPool, Transport, TransportBuilder},
    },
};
use std::fmt;

#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Addresses of the nodes, such as `https://es-1.example:9200`; asked in turn, and another one where one is away.
    pub nodes: Vec<String>,
    pub login: Login,
    /// Certificate (PEM) of the authority that signed those of the cluster, where the machine does not know it.
    pub authority: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Default)]
pub enum Login {
    #[default]
    Nobody,
    Password {
        user: String,
        password: Secret,
    },
    /// As the cluster shows it when it is made (`encoded`).
    ApiKey(Secret),
}

/// A text that is never shown.
#[derive(Clone, Default)]
pub struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Access {
    /// # Errors
    /// `BAD_INPUT` for a text that is no address, and for a file that holds no certificate.
    pub fn transport(&self) -> Result<Transport> {
        // Refused only where the process has a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let nodes = self.nodes.iter().map(|n| address(n)).collect::<Result<Vec<_>>>()?;
        let Some(first) = nodes.first() else {
            return Err(Error::bad_input("name at least one address of Elasticsearch, such as http://127.0.0.1:9200"));
        };
        if !matches!(self.login, Login::Nobody) && nodes.iter().any(|n| n.scheme() != first.scheme()) {
            return Err(Error::bad_input("the addresses of Elasticsearch must be all https:// or all http://"));
        }
        let mut builder = TransportBuilder::new(MultiNodeConnectionPool::round_robin(nodes, None)).disable_proxy();
        if let Some(pem) = &self.authority {
            let cannot =
                |e: &dyn fmt::Display| Error::bad_input(format!("certificate of the authority of Elasticsearch: {e}"));
            if !pem.windows(MARK.len()).any(|w| w == MARK.as_bytes()) {
                return Err(cannot(&format!("the file holds no \"{MARK}\"")));
            }
            let certificate = Certificate::from_pem(pem).map_err(|e| cannot(&e))?;
            builder = builder.cert_validation(CertificateValidation::Full(certificate));
        }
        builder = match &self.login {
            Login::Nobody => builder,
            Login::Password { user, password } => builder.auth(Credentials::Basic(user.clone(), password.0.clone())),
            Login::ApiKey(key) => builder.auth(Credentials::EncodedApiKey(key.0.clone())),
        };
        builder.build().map_err(Error::internal)
    }
}

const MARK: &str = "BEGIN CERTIFICATE";

fn address(text: &str) -> Result<Url> {
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/')))
        .map_err(|e| Error::bad_input(format!("an address of Elasticsearch cannot be read: {e}")))?;
    // The text of an address comes into logs, a password must not.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::bad_input("give user and password of Elasticsearch apart from its address"));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Error::bad_input(format!("address of Elasticsearch {text:?}: it begins with http:// or https://")));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let login = Login::Password { user: "hunt".into(), password: "geheim".to_owned().into() };
        let mut access = Access { nodes: vec!["https://es:9200".into()], login, authority: None };
        assert!(access.transport().is_ok());
        assert!(format!("{access:?}").contains("hunt") && !format!("{access:?}").contains("geheim"));
        access.login = Login::ApiKey("geheim".to_owned().into());
        assert!(!format!("{access:?}").contains("geheim"));
        access.nodes = vec!["https://hunt:geheim@es:9200".into()];
        let refused = access.transport().unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("geheim"));
    }

    #[test]
    fn bad_addresses_and_certificates_are_refused() {
        for nodes in [&[][..], &["es:9200"], &["ftp://es"], &["http://a", "no address"]] {
            let nodes = nodes.iter().map(|n| (*n).to_owned()).collect();
            assert!(Access { nodes, ..Access::default() }.transport().is_err());
        }
        let nodes = vec!["https://es:9200".to_owned()];
        for pem in ["", "no certificate"] {
            let access = Access { nodes: nodes.clone(), authority: Some(pem.into()), ..Access::default() };
            assert!(access.transport().unwrap_err().message.contains("authority"));
        }
    }
}
