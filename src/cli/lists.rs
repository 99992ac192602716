//! `rebuild`, `jobs` and `dead-letters`.
use super::{DONE, place};
use crate::{
    config::{Common, Connect},
    store::embedded::Tantivy,
};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Rebuild {
    #[command(flatten)]
    connect: Connect,
    /// What to make anew from the stored events
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// The graph
    Graph,
    /// The hits of the rules, with the rules as they are now
    Hits,
    /// The search index; only while no server runs
    Index,
}

pub async fn rebuild(common: &Common, Rebuild { connect, what }: Rebuild) -> anyhow::Result<u8> {
    let part = match what {
        What::Graph => "GRAPH",
        What::Hits => "HITS",
        What::Index => return index(common, &connect).await,
    };
    let query = "mutation($input: RebuildInput!) { rebuild(input: $input) { errors { message } } }";
    let settled = place::with(common, &connect, async |api| {
        api.client.ask(query, json!({"input": {"part": part}})).await?;
        api.settle().await
    });
    say!("{}", if settled.await? { "done" } else { "started; the server works on it in the background" });
    Ok(DONE)
}

async fn index(common: &Common, connect: &Connect) -> anyhow::Result<u8> {
    if connect.server.is_some() {
        anyhow::bail!("the search index is rebuilt where the data folder is, while no server runs");
    }
    if common.cluster.servers()?.is_some() {
        anyhow::bail!("Elasticsearch keeps its index by itself: there is none to rebuild");
    }
    let events = common.data().join("events");
    tokio::task::spawn_blocking(move || Tantivy::drop_index(&events)).await??;
    let folder = place::Folder::embedded(common, &common.data()).await?;
    let done = folder.pipeline.caught_up().await;
    folder.pipeline.shutdown().await;
    done?;
    say!("done");
    Ok(DONE)
}

#[derive(clap::Args)]
pub struct Jobs {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(clap::Subcommand)]
enum JobsCommand {
    /// List the newest 500 imports
    List,
}

pub async fn jobs(common: &Common, Jobs { connect, command: JobsCommand::List }: Jobs) -> anyhow::Result<u8> {
    let query = "{ importJobs(first: 500) { name state stored duplicates skipped issues startedAt message } }";
    let answer = place::with(common, &connect, async |api| api.client.ask(query, json!({})).await).await?;
    for job in answer["importJobs"].as_array().into_iter().flatten() {
        let text = |key: &str| job[key].as_str().unwrap_or_default();
        say!(
            "{}  {:<9}  {}  stored {}, duplicates {}, skipped {}, issues {}  {}",
            text("startedAt"),
            text("state").to_lowercase(),
            text("name"),
            job["stored"],
            job["duplicates"],
            job["skipped"],
            job["issues"],
            text("message")
        );
    }
    Ok(DONE)
}

#[derive(clap::Args)]
pub struct DeadLetters {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    command: DeadLettersCommand,
}

#[derive(clap::Subcommand)]
enum DeadLettersCommand {
    /// List all of them, newest first, as JSON lines with the record
    List,
}

pub async fn dead_letters(common: &Common, args: DeadLetters) -> anyhow::Result<u8> {
    let DeadLetters { connect, command: DeadLettersCommand::List } = args;
    let query = "query($first: Int, $after: String) { deadLetters(first: $first, after: $after) \
                 { nodes { at source position reason record } pageInfo { hasNextPage endCursor } } }";
    let print = |letters: Vec<Value>| {
        for letter in letters {
            say!("{letter}");
        }
        Ok(())
    };
    let all = async |api: &place::Api| api.client.each_page("deadLetters", query, json!({}), print).await;
    place::with(common, &connect, all).await.map(|()| DONE)
}
