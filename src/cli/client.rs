//! A client of the API: the same for a server elsewhere and for one in this process.
use crate::intel;
use anyhow::{Context as _, anyhow, bail};
use reqwest::{StatusCode, Url, header};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio_util::io::ReaderStream;

/// Waiting time after "too many at once".
const BUSY: Duration = Duration::from_millis(500);

/// A logged-in client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl Client {
    pub fn new(base: &str, token: String) -> anyhow::Result<Self> {
        let base = Url::parse(base).with_context(|| format!("{base:?} is not the address of a server"))?;
        if base.scheme() != "http" {
            bail!("{base}: this command speaks http:// only; for a server behind TLS, tunnel to it (ssh -L)");
        }
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).no_proxy().build()?;
        Ok(Self { http, base, token })
    }

    /// Logs in with name and password.
    pub async fn login(base: &str, user: &str, password: &str) -> anyhow::Result<Self> {
        let mut client = Self::new(base, String::new())?;
        let query = "mutation($input: LoginInput!) { login(input: $input) { token errors { message } } }";
        let answer = client.ask(query, json!({"input": {"name": user, "password": password}})).await?;
        client.token = answer["login"]["token"].as_str().context("the server gave no token")?.to_owned();
        Ok(client)
    }

    fn url(&self, path: &str) -> anyhow::Result<Url> {
        Ok(self.base.join(path)?)
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// The `data` of a query or mutation. Errors of the request and of the mutation are errors here.
    pub async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let request = self.http.post(self.url("graphql")?).json(&json!({"query": query, "variables": variables}));
        let answer = self.authorized(request).send().await.with_context(|| self.unreachable())?;
        let status = answer.status();
        let mut answer: Value =
            answer.json().await.with_context(|| format!("{}: no GraphQL answer ({status})", self.base))?;
        let errors = messages(&answer["errors"]);
        if !errors.is_empty() {
            bail!("{errors}");
        }
        let data = answer["data"].take();
        let user_errors = data.as_object().into_iter().flatten().map(|(_, field)| messages(&field["errors"]));
        match user_errors.into_iter().find(|e| !e.is_empty()) {
            Some(errors) => Err(anyhow!(errors)),
            None => Ok(data),
        }
    }

    /// All nodes of the connection `field`. `query` takes `$first` and `$after`.
    pub async fn all(&self, field: &str, query: &str, variables: Value) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let take = |mut nodes| {
            all.append(&mut nodes);
            Ok(())
        };
        self.each_page(field, query, variables, take).await?;
        Ok(all)
    }

    /// As [`Self::all`], page by page, for lists that may be too long for the memory.
    pub async fn each_page(
        &self,
        field: &str,
        query: &str,
        mut variables: Value,
        mut take: impl FnMut(Vec<Value>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        variables["first"] = 500.into();
        loop {
            let mut data = self.ask(query, variables.clone()).await?;
            let page = &mut data[field];
            if let Value::Array(nodes) = page["nodes"].take() {
                take(nodes)?;
            }
            if page["pageInfo"]["hasNextPage"] != true {
                return Ok(());
            }
            variables["after"] = page["pageInfo"]["endCursor"].take();
        }
    }

    /// Uploads a file to import. The answer is the id of the import job, or why the server does not take this file.
    pub async fn upload(&self, path: &Path, keep_other: bool) -> anyhow::Result<Result<String, String>> {
        let keep = if keep_other { "true" } else { "false" };
        Ok(match self.post_file("api/import", path, &[("keepOther", keep)]).await? {
            Ok(answer) => Ok(answer["jobId"].as_str().context("the server gave no job")?.to_owned()),
            Err(reason) => Err(reason),
        })
    }

    /// Uploads a threat report, to `hunt` with it at once. The answer is its import, or why the server does not take this file.
    pub async fn upload_indicators(&self, path: &Path, hunt: bool) -> anyhow::Result<Result<Value, String>> {
        let hunt = if hunt { "true" } else { "false" };
        // It would be refused when all is sent.
        if tokio::fs::metadata(path).await?.len() > intel::MAX_FILE {
            return Ok(Err(format!("more than {} MiB of indicators: split the file", intel::MAX_FILE >> 20)));
        }
        self.post_file("api/indicators", path, &[("hunt", hunt)]).await
    }

    async fn post_file(
        &self,
        route: &str,
        path: &Path,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<Result<Value, String>> {
        let mut url = self.url(route)?;
        url.query_pairs_mut().append_pair("name", &path.display().to_string()).extend_pairs(parameters);
        loop {
            let file = tokio::fs::File::open(path).await?;
            let size = file.metadata().await?.len();
            let body = ReaderStream::with_capacity(file, 256 << 10);
            let request = self.http.post(url.clone()).header(header::CONTENT_LENGTH, size);
            let request = self.authorized(request.body(reqwest::Body::wrap_stream(body)));
            let answer = request.send().await.with_context(|| self.unreachable())?;
            let status = answer.status();
            if status == StatusCode::TOO_MANY_REQUESTS {
                tokio::time::sleep(BUSY).await;
                continue;
            }
            let text = answer.text().await?;
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            if status.is_success() {
                return Ok(Ok(answer));
            }
            let reason = answer["error"]["message"].as_str().unwrap_or(&text);
            if [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE].contains(&status) {
                return Ok(Err(reason.to_owned()));
            }
            bail!("{status}: {reason}");
        }
    }

    fn unreachable(&self) -> String {
        format!("cannot reach the server at {}", self.base)
    }
}

fn messages(errors: &Value) -> String {
    let texts = errors.as_array().into_iter().flatten().filter_map(|e| e["message"].as_str());
    texts.collect::<Vec<_>>().join("; ")
}
