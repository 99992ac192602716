//! Deny by default: every root field, called by nobody, by a viewer, with a bad token.
use super::app::{ADMIN, TestApp, VIEWER};
use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
};
use serde_json::json;
use std::collections::HashMap;
use sysmonsearch::serve::graphql::sdl;

/// The root fields that anybody may call.
const PUBLIC: [&str; 2] = ["login", "serverInfo"];
/// Root fields that need more than a viewer.
const ABOVE_VIEWER: [&str; 26] = [
    "auditLog",
    "cancelJob",
    "checkup",
    "commentAlert",
    "createException",
    "createRule",
    "createUser",
    "deadLetters",
    "deleteRule",
    "deleteWebhook",
    "deliveries",
    "enableRule",
    "enableUser",
    "importIndicators",
    "importRules",
    "rebuild",
    "removeIndicators",
    "resetPassword",
    "retryDeliveries",
    "saveWebhook",
    "startHunt",
    "suppressRule",
    "testWebhook",
    "updateAlerts",
    "users",
    "webhooks",
];

struct Schema(HashMap<String, TypeKind>);

impl Schema {
    fn new() -> Self {
        let document = parse_schema(sdl()).unwrap();
        Self(
            document
                .definitions
                .into_iter()
                .filter_map(|d| match d {
                    TypeSystemDefinition::Type(t) => Some((t.node.name.node.to_string(), t.node.kind)),
                    _ => None,
                })
                .collect(),
        )
    }

    fn fields(&self, name: &str) -> Vec<FieldDefinition> {
        match &self.0[name] {
            TypeKind::Object(o) => o.fields.iter().map(|f| f.node.clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn is_leaf(&self, name: &str) -> bool {
        matches!(self.0.get(name), None | Some(TypeKind::Scalar | TypeKind::Enum(_)))
    }

    /// A literal that fits an input type.
    fn literal(&self, ty: &Type) -> String {
        match &ty.base {
            BaseType::List(_) => "[]".into(),
            BaseType::Named(name) => match (name.as_str(), self.0.get(name.as_str())) {
                (_, Some(TypeKind::Enum(e))) => e.values[0].node.value.node.to_string(),
                // Exactly one of its fields.
                ("ConditionInput", _) => "{and: []}".into(),
                (_, Some(TypeKind::InputObject(o))) => {
                    let fields = o.fields.iter().filter(|f| !f.node.ty.node.nullable);
                    let fields: Vec<String> =
                        fields.map(|f| format!("{}: {}", f.node.name.node, self.literal(&f.node.ty.node))).collect();
                    format!("{{{}}}", fields.join(", "))
                }
                ("Int" | "Long", _) => "1".into(),
                ("Boolean", _) => "true".into(),
                _ => "\"x\"".into(),
            },
        }
    }

    /// A request for one root field.
    fn call(&self, operation: &str, field: &FieldDefinition) -> String {
        let arguments = field.arguments.iter().filter(|a| !a.node.ty.node.nullable && a.node.default_value.is_none());
        let arguments: Vec<String> =
            arguments.map(|a| format!("{}: {}", a.node.name.node, self.literal(&a.node.ty.node))).collect();
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let mut ty = &field.ty.node.base;
        while let BaseType::List(inner) = ty {
            ty = &inner.base;
        }
        let BaseType::Named(name) = ty else { unreachable!() };
        let inside = if self.is_leaf(name) { "" } else { " { __typename }" };
        format!("{operation} {{ {}{arguments}{inside} }}", field.name.node)
    }
}

/// Names of all mutations.
pub fn mutations() -> Vec<String> {
    Schema::new().fields("Mutation").into_iter().map(|f| f.name.node.to_string()).collect()
}

fn roots() -> Vec<(String, String)> {
    let schema = Schema::new();
    let mut all = Vec::new();
    for (operation, name) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
        for field in schema.fields(name) {
            all.push((field.name.node.to_string(), schema.call(operation, &field)));
        }
    }
    assert!(all.len() > 30, "the walk finds the root fields");
    all
}

#[tokio::test]
async fn nobody_reads_or_changes_anything() {
    let app = TestApp::start().await;
    for (name, query) in roots() {
        if query.starts_with("subscription") {
            continue; // Over HTTP there are none; the socket refuses before it begins: see `subscription`.
        }
        let (_, answer) = app.send(None, &query, json!({})).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        if PUBLIC.contains(&name.as_str()) {
            assert!(answer.get("errors").is_none(), "{query}: {answer}");
        } else {
            assert_eq!(code, "UNAUTHENTICATED", "{query}: {answer}");
            assert!(answer["data"].is_null() || answer["data"][&name].is_null(), "{answer}");
        }
        for token in ["", "x", "eyJhbGciOiJub25lIn0.e30.", "a.b.c"] {
            assert_eq!(app.code(Some(token), &query, json!({})).await, "UNAUTHENTICATED", "{query} with {token:?}");
        }
    }
    let introspection = "{ __schema { types { name } } }";
    let (_, answer) = app.send(None, introspection, json!({})).await;
    assert!(answer["data"]["__schema"].is_null(), "{answer}");
    let token = app.login("viewer", VIEWER).await;
    assert!(app.ask(&token, introspection, json!({})).await["__schema"]["types"].is_array());
}

#[tokio::test]
async fn a_viewer_may_not_do_what_is_for_others() {
    let app = TestApp::start().await;
    let token = app.login("viewer", VIEWER).await;
    let mut above = Vec::new();
    for (name, query) in roots() {
        if query.starts_with("subscription") || name == "logout" || PUBLIC.contains(&name.as_str()) {
            continue;
        }
        let (_, answer) = app.send(Some(&token), &query, json!({})).await;
        match answer["errors"][0]["extensions"]["code"].as_str() {
            Some("FORBIDDEN") => above.push(name),
            Some("INTERNAL" | "UNAUTHENTICATED") => panic!("{query}: {answer}"),
            _ => {}
        }
    }
    above.sort();
    assert_eq!(above, ABOVE_VIEWER);
    let upload = app.client.post(app.url("/api/import?name=x")).body("x");
    assert_eq!(upload.try_clone().unwrap().send().await.unwrap().status(), 401);
    assert_eq!(upload.bearer_auth(&token).send().await.unwrap().status(), 403);
    let bulk = app.client.post(app.url("/_bulk")).body("{}\n");
    assert_eq!(bulk.try_clone().unwrap().send().await.unwrap().status(), 401);
    assert_eq!(bulk.basic_auth("viewer", Some(VIEWER)).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn sessions_end() {
    let app = TestApp::start().await;
    let (a, b) = (app.login("viewer", VIEWER).await, app.login("viewer", VIEWER).await);
    let viewer = "{ viewer { name role } }";
    assert_eq!(app.ask(&a, viewer, json!({})).await["viewer"], json!({"name": "viewer", "role": "VIEWER"}));
    app.ask(&b, "mutation { logout { errors { code } } }", json!({})).await;
    for token in [a, b] {
        assert_eq!(app.code(Some(&token), viewer, json!({})).await, "UNAUTHENTICATED");
    }
    let token = app.login("viewer", VIEWER).await;
    let change = "mutation($i: ChangePasswordInput!) { changePassword(input: $i) { errors { field code } } }";
    let wrong = json!({"i": {"currentPassword": "no", "newPassword": "a longer password"}});
    let answer = app.ask(&token, change, wrong).await;
    assert_eq!(answer["changePassword"]["errors"][0], json!({"field": "currentPassword", "code": "UNAUTHENTICATED"}));
    let weak = json!({"i": {"currentPassword": VIEWER, "newPassword": "short"}});
    let answer = app.ask(&token, change, weak).await;
    assert_eq!(answer["changePassword"]["errors"][0], json!({"field": "newPassword", "code": "BAD_INPUT"}));
    let good = json!({"i": {"currentPassword": VIEWER, "newPassword": "a longer password"}});
    assert_eq!(app.ask(&token, change, good).await["changePassword"]["errors"], json!([]));
    assert_eq!(app.code(Some(&token), viewer, json!({})).await, "UNAUTHENTICATED");
    app.login("viewer", "a longer password").await;
}

#[tokio::test]
async fn failed_logins_tell_nothing_and_are_limited() {
    let app = TestApp::start().await;
    let query = "mutation($i: LoginInput!) { login(input: $i) { token errors { field message code } } }";
    let login = async |name: &str, password: &str| {
        app.send(None, query, json!({"i": {"name": name, "password": password}})).await.1["data"]["login"].take()
    };
    let (known, unknown) = (login("admin", "wrong").await, login("nobody", "wrong").await);
    assert_eq!(known, unknown);
    assert_eq!(known["errors"][0]["code"], "UNAUTHENTICATED");
    for _ in 0..9 {
        login("admin", "wrong").await;
    }
    assert_eq!(login("admin", ADMIN).await["errors"][0]["code"], "TOO_MANY");
    app.login("viewer", VIEWER).await;
}

#[tokio::test]
async fn users_are_made_by_an_admin_only_with_sound_names() {
    let app = TestApp::start().await;
    let token = app.login("admin", ADMIN).await;
    let query = "mutation($i: CreateUserInput!) { createUser(input: $i) { user { name role } errors { code } } }";
    let make = async |name: &str, password: &str| {
        let input = json!({"i": {"name": name, "password": password, "role": "ANALYST"}});
        app.ask(&token, query, input).await["createUser"].take()
    };
    assert_eq!(make("bob", "a good password").await["user"], json!({"name": "bob", "role": "ANALYST"}));
    assert_eq!(make("bob", "a good password").await["errors"][0]["code"], "CONFLICT");
    assert_eq!(make("bob\n", "a good password").await["errors"][0]["code"], "BAD_INPUT");
    assert_eq!(make("eve", "short").await["errors"][0]["code"], "BAD_INPUT");
    app.login("bob", "a good password").await;
    let users = app.ask(&token, "{ users { name } }", json!({})).await;
    assert_eq!(users["users"].as_array().unwrap().len(), 4);
}
