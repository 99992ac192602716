//! `hunt`: rules over what is stored already.
use super::{
    DONE, FAILED,
    client::Client,
    place::{self, Api},
    progress::grouped,
};
use crate::config::{Common, Connect};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks at a hunt.
const LOOK: Duration = Duration::from_millis(300);

const FIELDS: &str = "id name state eventsTotal events hits newHits startedAt message";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Hunt with rules, and wait for the result
    Start {
        /// Own ids of the rules
        #[arg(value_name = "RULE", required_unless_present = "import")]
        rules: Vec<String>,
        /// Also with all rules of this import of indicators
        #[arg(long, value_name = "ID")]
        import: Option<String>,
        /// First point in time of the events, such as 2026-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// First point in time after the events
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
    },
    /// List the newest 500 hunts
    List,
    /// End a hunt; what it has found stays
    Cancel { id: String },
}

pub async fn run(common: &Common, Args { connect, command }: Args) -> anyhow::Result<u8> {
    place::with(common, &connect, async |api| on(api, command).await).await
}

async fn on(api: &Api, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Start { rules, import, from, to } => {
            let input = json!({"rules": rules, "importId": import, "period": {"from": from, "to": to}});
            start(&api.client, input).await
        }
        Command::List => {
            let answer = api.client.ask(&format!("{{ hunts(first: 500) {{ {FIELDS} }} }}"), json!({})).await?;
            for hunt in answer["hunts"].as_array().into_iter().flatten() {
                say!("{}", line(hunt));
            }
            Ok(DONE)
        }
        Command::Cancel { id } => {
            let query = "mutation($input: CancelJobInput!) { cancelJob(input: $input) { errors { message } } }";
            api.client.ask(query, json!({"input": {"id": id}})).await?;
            say!("cancelled {id}");
            Ok(DONE)
        }
    }
}

/// Starts a hunt and waits for its end.
pub async fn start(client: &Client, input: Value) -> anyhow::Result<u8> {
    let query = "mutation($input: StartHuntInput!) { startHunt(input: $input) { job { id } errors { message } } }";
    let answer = client.ask(query, json!({"input": input})).await?;
    let id = answer["startHunt"]["job"]["id"].as_str().context("the server gave no job")?;
    wait(client, id).await
}

/// Waits for the end of a hunt.
pub async fn wait(client: &Client, id: &str) -> anyhow::Result<u8> {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on HuntJob {{ {FIELDS} }} }} }}");
    loop {
        let hunt = client.ask(&query, json!({"id": id})).await?["node"].take();
        match hunt["state"].as_str() {
            Some("RUNNING") => tokio::time::sleep(LOOK).await,
            state => {
                say!("{}", line(&hunt));
                return Ok(if state == Some("DONE") { DONE } else { FAILED });
            }
        }
    }
}

fn line(hunt: &Value) -> String {
    let text = |key: &str| hunt[key].as_str().unwrap_or_default();
    let number = |key: &str| grouped(hunt[key].as_u64().unwrap_or_default());
    let mut out = format!(
        "{}  {}  {:<9} {:>12} of {:>12} events {:>9} hits {:>9} new  {}",
        text("id"),
        text("startedAt"),
        text("state"),
        number("events"),
        number("eventsTotal"),
        number("hits"),
        number("newHits"),
        text("name")
    );
    if let Some(message) = hunt["message"].as_str() {
        out.push_str(&format!("  {message}"));
    }
    out
}
