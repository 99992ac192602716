//! The page: built into the program, or from a folder.
use super::{App, bulk, reply::Failure};
use crate::error::{Code, Error};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::RustEmbed;
use std::path::{Component, Path};

#[derive(RustEmbed)]
#[folder = "frontend/dist"]
#[allow_missing = true]
struct Built;

const NOT_BUILT: &str = "<!doctype html><title>sysmonsearch</title><h1>The page is not built</h1>\
    <p>The API runs. Build the page with <code>npm ci &amp;&amp; npm run build</code> in <code>frontend/</code> \
    and start the program again.</p>";

struct Asset {
    bytes: std::borrow::Cow<'static, [u8]>,
    etag: String,
}

/// `/`: the page for a browser, the greeting of Elasticsearch for a shipper.
pub async fn root(state: State<App>, address: super::reply::Address, headers: HeaderMap, method: Method) -> Response {
    if bulk::is_shipper(&headers) {
        return bulk::greeting(state, address, headers).await;
    }
    serve(&state.0, "index.html", &headers, &method).await
}

/// A file of the page; its index for the routes that the page knows itself.
pub async fn page(State(app): State<App>, uri: Uri, headers: HeaderMap, method: Method) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_api = ["api/", "graphql", "_"].iter().any(|p| path.starts_with(p));
    if is_api || (method != Method::GET && method != Method::HEAD) {
        return Failure(Error::not_found("there is nothing at this path")).into_response();
    }
    serve(&app, path, &headers, &method).await
}

async fn serve(app: &App, path: &str, headers: &HeaderMap, method: &Method) -> Response {
    let (path, asset) = match find(app, path).await {
        Some(asset) => (path, asset),
        // A file that is not there is no route of the page.
        None if path.rsplit('/').next().is_some_and(|f| f.contains('.')) && path != "index.html" => {
            return Failure(Error::new(Code::NotFound, "there is no such file")).into_response();
        }
        None => match find(app, "index.html").await {
            Some(asset) => ("index.html", asset),
            None => return (StatusCode::OK, Html(NOT_BUILT)).into_response(),
        },
    };
    let hashed = path.starts_with("assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let etag = format!("\"{}\"", asset.etag);
    let fresh = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.split(',').any(|t| t.trim().trim_start_matches("W/") == etag));
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = match (fresh, method) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (_, &Method::HEAD) => StatusCode::OK.into_response(),
        _ => Body::from(asset.bytes.into_owned()).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    for (name, value) in [(header::CONTENT_TYPE, mime.to_string()), (header::ETAG, etag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

async fn find(app: &App, path: &str) -> Option<Asset> {
    let plain = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
    if !plain {
        return None;
    }
    let Some(folder) = &app.core.settings.page else {
        let file = Built::get(path)?;
        let etag = URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash());
        return Some(Asset { bytes: file.data, etag });
    };
    let path = folder.join(path);
    let meta = tokio::fs::metadata(&path).await.ok().filter(std::fs::Metadata::is_file)?;
    let changed = meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos();
    let bytes = tokio::fs::read(&path).await.ok()?;
    Some(Asset { etag: format!("{changed:x}-{:x}", bytes.len()), bytes: bytes.into() })
}
