//! The caller of a request, and the guards.
use crate::{
    catalog::Role,
    error::{Code, Error},
    event::Scope,
    serve::{Core, auth::Caller},
};
use async_graphql::Context;
use std::{net::IpAddr, sync::Arc};

/// Who sends this request.
#[derive(Debug, Clone)]
pub struct Session {
    pub caller: Option<Arc<Caller>>,
    pub address: IpAddr,
}

fn missing() -> Error {
    Error::internal("the request has no session")
}

pub fn session<'a>(ctx: &Context<'a>) -> Result<&'a Session, Error> {
    ctx.data_opt::<Session>().ok_or_else(missing)
}

pub fn core<'a>(ctx: &Context<'a>) -> Result<&'a Core, Error> {
    ctx.data_opt::<Arc<Core>>().map(|c| &**c).ok_or_else(missing)
}

pub fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller, Error> {
    let caller = session(ctx)?.caller.as_deref();
    caller.ok_or_else(|| Error::new(Code::Unauthenticated, "log in first"))
}

/// Hosts that the caller may see; goes into every store call.
pub fn scope<'a>(ctx: &Context<'a>) -> Result<&'a Scope, Error> {
    Ok(caller(ctx)?.scope())
}

/// Rules, exceptions and their settings are for every host, and so are hunts and the end of jobs.
pub fn all_hosts(ctx: &Context<'_>) -> Result<(), Error> {
    caller(ctx)?.require_all_hosts()
}

/// Guard: anybody who is logged in.
pub fn viewer(ctx: &Context<'_>) -> async_graphql::Result<()> {
    caller(ctx)?;
    Ok(())
}

/// Guard: who may import and change rules.
pub fn analyst(ctx: &Context<'_>) -> async_graphql::Result<()> {
    Ok(caller(ctx)?.require(Role::Analyst)?)
}

/// Guard: who may manage users.
pub fn admin(ctx: &Context<'_>) -> async_graphql::Result<()> {
    Ok(caller(ctx)?.require(Role::Admin)?)
}
