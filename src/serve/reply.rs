//! Errors as HTTP answers, and what handlers need of a request.
use super::frame;
use crate::error::{Code, Error, Result};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// What a caller may read of an error; the rest goes to the log, found by the request id.
pub struct Public {
    pub code: Code,
    pub message: String,
    pub request_id: String,
}

impl Public {
    pub fn of(error: &Error) -> Self {
        let request_id = frame::request_id();
        let message = if error.code == Code::Internal {
            tracing::error!(request_id, error = chain(error), "internal error");
            format!("internal error: the server's log tells more about request {request_id}")
        } else {
            error.message.clone().into_owned()
        };
        Self { code: error.code, message, request_id }
    }
}

/// The message and all its sources.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(s) = source {
        text.push_str(": ");
        text.push_str(&s.to_string());
        source = s.source();
    }
    text
}

/// An error as answer: `{"error": {"code", "message", "requestId"}}`.
pub struct Failure(pub Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let public = Public::of(&self.0);
        let status = status(public.code);
        let body = json!({"error": {
            "code": public.code.as_str(), "message": public.message, "requestId": public.request_id,
        }});
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

pub fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Reads a whole body within bounds of size and time.
pub async fn read_body(body: Body, max: usize) -> Result<Bytes> {
    let read = axum::body::to_bytes(body, max);
    match tokio::time::timeout(super::limits::BODY_TIME, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(e)) => {
            let mut source: Option<&dyn std::error::Error> = Some(&e);
            while let Some(s) = source {
                if s.to_string().contains("length limit exceeded") {
                    return Err(Error::new(Code::TooLarge, format!("the body has more than {max} bytes")));
                }
                source = s.source();
            }
            Err(Error::bad_input("the body could not be read to its end").with(e))
        }
        Err(_) => Err(Error::bad_input("the body did not arrive in time")),
    }
}

pub fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok())
}

/// Address of the caller.
pub struct Address(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |c| c.0.ip().to_canonical())))
    }
}
