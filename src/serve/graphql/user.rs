//! Users, and facts about the product.
use super::{
    enums::Role,
    scalar::{DateTime, UserError},
};
use crate::{
    catalog,
    event::{EventCode, Field, condition::CRITERIA, fields::Source, fields::Type},
    serve::{auth::Login, health::VERSION},
};
use async_graphql::SimpleObject;

/// The caller.
#[derive(SimpleObject)]
pub struct Viewer {
    /// Name to log in with.
    name: String,
    /// What he may do.
    role: Role,
}

impl From<&catalog::User> for Viewer {
    fn from(u: &catalog::User) -> Self {
        Self { name: u.name.clone(), role: u.role.into() }
    }
}

/// Somebody who may log in.
#[derive(SimpleObject)]
pub struct User {
    /// Name to log in with.
    name: String,
    /// What he may do.
    role: Role,
    /// Whether he may not log in for now.
    disabled: bool,
    /// When he was made.
    created: DateTime,
}

impl From<&catalog::User> for User {
    fn from(u: &catalog::User) -> Self {
        Self { name: u.name.clone(), role: u.role.into(), disabled: u.disabled, created: DateTime(u.created) }
    }
}

/// Answer of `login`.
#[derive(SimpleObject)]
pub struct LoginResult {
    /// To be sent as `Authorization: Bearer TOKEN`, and as `token` of a WebSocket's `connection_init`.
    token: Option<String>,
    /// End of the token.
    expires_at: Option<DateTime>,
    /// Who is logged in.
    viewer: Option<Viewer>,
    /// Why nobody is.
    errors: Vec<UserError>,
}

impl LoginResult {
    pub fn new(login: Result<Login, Vec<UserError>>) -> Self {
        match login {
            Ok(l) => Self {
                viewer: Some(Viewer::from(&l.user)),
                token: Some(l.token),
                expires_at: Some(DateTime(l.expires)),
                errors: Vec::new(),
            },
            Err(errors) => Self { token: None, expires_at: None, viewer: None, errors },
        }
    }
}

/// Facts about the server that anybody may read.
#[derive(SimpleObject)]
pub struct ServerInfo {
    /// Name of the product.
    name: &'static str,
    /// Its version.
    version: &'static str,
}

pub const SERVER: ServerInfo = ServerInfo { name: "sysmonsearch", version: VERSION };

/// A name that conditions and statistics may use.
#[derive(SimpleObject)]
pub struct FieldInfo {
    /// The name.
    name: &'static str,
    /// How its values are read: text, number, boolean, guid, hex, ip, time.
    #[graphql(name = "type")]
    ty: &'static str,
    /// Whether it stands for several fields; such a name is for conditions only.
    criterion: bool,
    /// The fields that a criterion stands for.
    fields: Vec<&'static str>,
    /// Where its values come from: data, system, computed; `criterion` for a criterion.
    source: &'static str,
    /// Name in ECS, where it has one.
    ecs: Option<&'static str>,
}

const fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Text => "text",
        Type::UInt => "number",
        Type::Bool => "boolean",
        Type::Guid => "guid",
        Type::Hex => "hex",
        Type::Ip => "ip",
        Type::Time => "time",
    }
}

/// Criteria, then fields.
pub fn fields() -> Vec<FieldInfo> {
    let criteria = CRITERIA.iter().map(|c| FieldInfo {
        name: c.name,
        ty: c.fields.first().map_or("text", |f| type_name(f.ty())),
        criterion: true,
        fields: c.fields.iter().map(|f| f.name()).collect(),
        source: "criterion",
        ecs: None,
    });
    let fields = Field::all().map(|f| FieldInfo {
        name: f.name(),
        ty: type_name(f.ty()),
        criterion: false,
        fields: Vec::new(),
        source: match f.source() {
            Source::Data => "data",
            Source::System => "system",
            Source::Derived => "computed",
        },
        ecs: Some(f.ecs()).filter(|e| !e.is_empty()),
    });
    criteria.chain(fields).collect()
}

/// A kind of event.
#[derive(SimpleObject)]
pub struct EventCodeInfo {
    /// Sysmon's number.
    code: u32,
    /// Sysmon's name.
    name: &'static str,
    /// Coarse kind.
    category: &'static str,
    /// Sigma's log source categories that it serves.
    sigma: Vec<&'static str>,
    /// Its fields in the order of Sysmon's manifest.
    fields: Vec<&'static str>,
}

pub fn event_codes() -> Vec<EventCodeInfo> {
    let info = |c: &'static EventCode| EventCodeInfo {
        code: c.code,
        name: c.name,
        category: c.category.as_str(),
        sigma: c.sigma.to_vec(),
        fields: c.fields.iter().map(|f| f.name()).collect(),
    };
    EventCode::all().iter().map(info).collect()
}
