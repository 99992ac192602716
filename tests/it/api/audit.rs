//! The log of changes: every mutation leaves an entry, and what is refused leaves none.
use super::{
    app::{ADMIN, ANALYST, RULE, TestApp, events},
    guards::mutations,
    receiver::Receiver,
    webhooks,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const RULE_ID: &str = "6b9c2c5e-3f0b-4b7e-9a55-3a1d5a0c7c11";
/// They change nothing but the caller's own session.
const NO_CHANGE: [&str; 2] = ["login", "logout"];

/// Action, object and user of the newest entries.
async fn log(app: &TestApp) -> Vec<(String, String, String)> {
    let entries = app.pipeline.catalog.audit_log(None, 500).await.unwrap();
    entries.into_iter().map(|e| (e.action, e.object, e.by)).collect()
}

async fn ask(app: &TestApp, token: &str, name: &str, ty: &str, input: Value, answer: &str) -> Value {
    let query = format!("mutation($i: {ty}!) {{ {name}(input: $i) {{ {answer} errors {{ code message }} }} }}");
    app.ask(token, &query, json!({"i": input})).await[name].take()
}

#[tokio::test]
async fn every_change_is_in_the_log_and_nothing_that_was_refused() {
    let (app, receiver) = (webhooks::app(&["127.0.0.0/8"]).await, Receiver::start(200).await);
    app.store(events(60, 3)).await;
    let admin = app.login("admin", ADMIN).await;
    let alert = app.ask(&admin, "{ alerts(first: 1) { nodes { id } } }", json!({})).await;
    let alert = alert["alerts"]["nodes"][0]["id"].clone();
    let condition = json!({"match": {"field": "DestinationIp", "operator": "EQUALS", "values": ["203.0.113.1"]}});
    let mut covered = BTreeSet::from(NO_CHANGE);
    let mut seen = log(&app).await.len();

    macro_rules! refused {
        ($name:literal, $ty:literal, $input:tt) => {
            let answer = ask(&app, &admin, $name, $ty, json!($input), "__typename").await;
            assert_ne!(answer["errors"], json!([]), "{}", $name);
            assert_eq!(log(&app).await.len(), seen, "{} was refused", $name);
        };
    }
    // The newest entries are of the mutation, one for each action given.
    macro_rules! done {
        ($name:literal, $ty:literal, $input:tt, $answer:literal, [$($action:literal),+]) => {{
            let answer = ask(&app, &admin, $name, $ty, json!($input), $answer).await;
            assert_eq!(answer["errors"], json!([]), "{}", $name);
            let now = log(&app).await;
            let new: Vec<&str> = now[..now.len() - seen].iter().rev().map(|e| e.0.as_str()).collect();
            assert_eq!(new, [$($action),+], "{}", $name);
            assert!(now[..now.len() - seen].iter().all(|e| e.2 == "admin" && !e.1.is_empty()), "{now:?}");
            seen = now.len();
            covered.insert($name);
            answer
        }};
    }

    refused!("createUser", "CreateUserInput", {"name": "carl", "password": "short", "role": "VIEWER"});
    refused!("createUser", "CreateUserInput", {"name": "admin", "password": "long enough 1", "role": "VIEWER"});
    done!("createUser", "CreateUserInput", {"name": "carl", "password": "long enough 1", "role": "VIEWER"}, "user { name }", ["createUser"]);
    refused!("enableUser", "EnableUserInput", {"name": "nobody", "enabled": false});
    done!("enableUser", "EnableUserInput", {"name": "carl", "enabled": false}, "user { name }", ["enableUser"]);
    refused!("resetPassword", "ResetPasswordInput", {"name": "carl", "password": "x"});
    done!("resetPassword", "ResetPasswordInput", {"name": "carl", "password": "long enough 2"}, "__typename", ["resetPassword"]);

    refused!("saveSearch", "SaveSearchInput", {"name": "  "});
    let saved = done!("saveSearch", "SaveSearchInput", {"name": "mine"}, "search { id }", ["saveSearch"]);
    refused!("deleteSavedSearch", "DeleteSavedSearchInput", {"id": "none"});
    done!("deleteSavedSearch", "DeleteSavedSearchInput", {"id": saved["search"]["id"]}, "deletedId", ["deleteSavedSearch"]);

    refused!("importRules", "ImportRulesInput", {"yaml": "no rule"});
    let newer = RULE.replace("status: test", "status: stable");
    done!("importRules", "ImportRulesInput", {"yaml": newer, "hunt": true}, "changed", ["importRule", "startHunt"]);
    refused!("createRule", "CreateRuleInput", {"condition": condition, "title": "x", "level": "loud"});
    let rule =
        done!("createRule", "CreateRuleInput", {"condition": condition, "title": "x"}, "rule { id }", ["importRule"]);
    refused!("enableRule", "EnableRuleInput", {"id": "none", "enabled": true});
    done!("enableRule", "EnableRuleInput", {"id": rule["rule"]["id"], "enabled": false}, "rule { id }", ["enableRule"]);
    refused!("deleteRule", "DeleteRuleInput", {"id": "none"});
    done!("deleteRule", "DeleteRuleInput", {"id": rule["rule"]["id"]}, "deletedId", ["deleteRule"]);
    refused!("suppressRule", "SuppressRuleInput", {"id": RULE_ID, "seconds": -1});
    done!("suppressRule", "SuppressRuleInput", {"id": RULE_ID, "seconds": 9}, "rule { id }", ["suppressRule"]);
    // A rule that is not there is found when the exception is tried.
    refused!("createException", "ExceptionInput", {"rules": ["none"], "condition": condition, "reason": "r"});
    done!("createException", "ExceptionInput", {"rules": [RULE_ID], "condition": condition, "reason": "r"}, "exception { reason }", ["createException"]);

    refused!("startHunt", "StartHuntInput", {"rules": ["none"]});
    let hunt = done!("startHunt", "StartHuntInput", {"rules": [RULE_ID]}, "job { id }", ["startHunt"]);
    assert_eq!(log(&app).await[0].1, hunt["job"]["id"].as_str().unwrap());
    refused!("cancelJob", "CancelJobInput", {"id": "none"});
    // A hunt that nobody does, so that it runs.
    let waiting = app.pipeline.plan_hunt(vec![RULE_ID.into()], Default::default(), "admin").await.unwrap();
    app.pipeline.catalog.put_job(&waiting).await.unwrap();
    let id = sysmonsearch::serve::graphql::hunt_id(&waiting.id).to_string();
    let cancelled = ask(&app, &admin, "cancelJob", "CancelJobInput", json!({"id": id}), "cancelledId").await;
    if cancelled["errors"] == json!([]) {
        assert_eq!(log(&app).await[0], ("cancelJob".into(), id, "admin".into()));
        seen += 1;
    }
    covered.insert("cancelJob");

    refused!("importIndicators", "ImportIndicatorsInput", {"name": "a", "text": ""});
    let import = done!("importIndicators", "ImportIndicatorsInput", {"name": "a", "text": "bad.example\n", "hunt": true}, "import { importId }", ["importIndicators", "startHunt"]);
    refused!("removeIndicators", "RemoveIndicatorsInput", {"importId": "none"});
    done!("removeIndicators", "RemoveIndicatorsInput", {"importId": import["import"]["importId"]}, "removedId", ["removeIndicators"]);

    done!("updateAlerts", "UpdateAlertsInput", {"ids": [alert], "status": "ACKNOWLEDGED"}, "changed", ["updateAlert"]);
    refused!("commentAlert", "CommentAlertInput", {"id": alert, "text": ""});
    done!("commentAlert", "CommentAlertInput", {"id": alert, "text": "t"}, "__typename", ["commentAlert"]);
    refused!("saveWebhook", "SaveWebhookInput", {"name": "w"});
    let webhook = done!("saveWebhook", "SaveWebhookInput", {"name": "w", "url": (receiver.url())}, "webhook { id }", ["saveWebhook"]);
    let webhook = webhook["webhook"]["id"].clone();
    done!("testWebhook", "WebhookInput", {"id": webhook}, "delivered", ["testWebhook"]);
    done!("retryDeliveries", "RetryDeliveriesInput", {"webhook": webhook}, "retried", ["retryDeliveries"]);
    done!("deleteWebhook", "WebhookInput", {"id": webhook}, "deletedId", ["deleteWebhook"]);
    done!("rebuild", "RebuildInput", {"part": "GRAPH"}, "__typename", ["rebuild"]);
    done!("rebuild", "RebuildInput", {"part": "HITS"}, "__typename", ["rebuild"]);

    // Files over HTTP.
    let analyst = app.login("analyst", ANALYST).await;
    for (path, body, actions) in [
        ("/api/indicators?name=b.txt&hunt=true", "other.example\n", &["importIndicators", "startHunt"]),
        ("/api/rules?name=b.yml&hunt=true", RULE, &["importRule", "startHunt"]),
    ] {
        let sent = app.client.post(app.url(path)).bearer_auth(&analyst).body(body).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        assert!(sent.json::<Value>().await.unwrap()["huntId"].is_string(), "{path}");
        let now = log(&app).await;
        let new: Vec<&str> = now[..now.len() - seen].iter().rev().map(|e| e.0.as_str()).collect();
        assert_eq!(new, actions, "{path}");
        seen = now.len();
    }

    // The last one, as it ends the session.
    refused!("changePassword", "ChangePasswordInput", {"currentPassword": ADMIN, "newPassword": "x"});
    done!("changePassword", "ChangePasswordInput", {"currentPassword": ADMIN, "newPassword": "long enough 3"}, "__typename", ["changePassword"]);
    assert_eq!(log(&app).await.len(), seen);
    let all = mutations();
    let missing: Vec<_> = all.iter().filter(|m| !covered.contains(m.as_str())).collect();
    assert!(missing.is_empty() && all.len() == covered.len(), "not looked at: {missing:?}");
    app.shut_down().await;
}
