//! Runs one request: limits before parsing, then the schema, then errors with stable codes.
use super::{load::Loaders, session::Session};
use crate::{
    error::{Code, Error},
    event::Scope,
    serve::{
        App, frame, limits,
        reply::{self, Address, Failure, Public, authorization},
    },
};
use async_graphql::{ErrorExtensionValues, Request, Response, ServerError, parser::parse_query};
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response as HttpResponse},
};
use std::sync::Arc;

/// `POST /graphql` with `{"query", "variables", "operationName"}`.
pub async fn http(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    body: Body,
) -> Result<HttpResponse, Failure> {
    let json = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(is_json);
    if !json {
        return Err(Error::bad_input("send the request as application/json").into());
    }
    let body = reply::read_body(body, limits::GRAPHQL_BODY).await?;
    let request = read(&body)?;
    let caller = match app.core.auth.header(authorization(&headers), address, false).await {
        Ok(caller) => caller.map(Arc::new),
        Err(e) => return Ok(answer(Response::from_errors(vec![server_error(&e)]))),
    };
    let response = execute(&app, request, Session { caller, address }).await;
    Ok(answer(response))
}

/// # Errors
/// `BAD_INPUT` for a body that is no GraphQL request; a list of them is none.
fn read(body: &[u8]) -> Result<Request, Error> {
    serde_json::from_slice(body)
        .map_err(|e| Error::bad_input(format!("the body is not one GraphQL request as JSON object: {e}")))
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.eq_ignore_ascii_case("application/graphql-response+json")
}

/// 200 whenever there is data; without, the status of the first error where that says more than the body.
fn answer(response: Response) -> HttpResponse {
    let code = response.errors.first().and_then(|e| e.extensions.as_ref()?.get("code").cloned());
    let status = match code.and_then(|c| c.into_json().ok()) {
        Some(serde_json::Value::String(code)) if code == Code::Unauthenticated.as_str() => StatusCode::UNAUTHORIZED,
        Some(serde_json::Value::String(code)) if code == Code::TooMany.as_str() => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    let status = if response.data == async_graphql::Value::Null { status } else { StatusCode::OK };
    (status, GraphQLResponse::from(response)).into_response()
}

/// Checks the limits that hold before validation, and gives the request what its resolvers need.
pub fn prepare(app: &App, mut request: Request, session: Session) -> Result<Request, ServerError> {
    limits::check_text(&request.query).map_err(|e| server_error(&e))?;
    let document = parse_query(&request.query).map_err(|e| coded(e.into(), Code::BadInput))?;
    let longest = limits::check_document(&document, &request.variables).map_err(|e| server_error(&e))?;
    request.set_parsed_query(document);
    if session.caller.is_none() {
        request = request.disable_introspection();
    }
    let scope = session.caller.as_ref().map_or(Scope::hosts([""; 0]), |c| c.scope().clone());
    Ok(request.data(Loaders::new(&app.core, scope, longest)).data(session))
}

/// Runs a query or mutation to its end.
pub async fn execute(app: &App, request: Request, session: Session) -> Response {
    let request = match prepare(app, request, session) {
        Ok(request) => request,
        Err(e) => return Response::from_errors(vec![e]),
    };
    let Ok(_turn) = app.core.operations.try_acquire() else {
        let busy = Error::new(Code::TooMany, "the server is busy: try again in a moment");
        return Response::from_errors(vec![server_error(&busy)]);
    };
    // The scheduler's budget would make a long list take several turns to reach a loader, and so split its batches.
    let run = tokio::task::unconstrained(app.schema.execute(request));
    match tokio::time::timeout(limits::OPERATION_TIME, run).await {
        Ok(response) => finish(response),
        Err(_) => {
            let seconds = limits::OPERATION_TIME.as_secs();
            let late = Error::new(Code::Unavailable, format!("the request took longer than {seconds} s: ask for less"));
            Response::from_errors(vec![server_error(&late)])
        }
    }
}

/// Gives every error its code and hides what is not for callers.
pub fn finish(mut response: Response) -> Response {
    for error in &mut response.errors {
        let known = error.source::<Error>().map(Public::of);
        match known {
            Some(public) => *error = publish(std::mem::replace(error, ServerError::new("", None)), public),
            None => {
                let limit = ["Query is too complex.", "Query is nested too deep."].contains(&error.message.as_str())
                    || error.message.contains("recursion depth");
                let code = if limit { Code::TooLarge } else { Code::BadInput };
                if limit {
                    error.message = format!(
                        "{} The limits are a cost of {} and a depth of {}.",
                        error.message,
                        limits::COST,
                        limits::DEPTH
                    );
                }
                let plain = std::mem::replace(error, ServerError::new("", None));
                *error = coded(plain, code);
            }
        }
    }
    response
}

fn publish(mut error: ServerError, public: Public) -> ServerError {
    error.message = public.message;
    coded(error, public.code)
}

fn coded(mut error: ServerError, code: Code) -> ServerError {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    extensions.set("requestId", frame::request_id());
    error
}

pub fn server_error(error: &Error) -> ServerError {
    publish(ServerError::new("", None), Public::of(error))
}
