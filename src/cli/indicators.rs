//! `indicators`: import of threat reports, list, remove.
use super::{
    DONE, FAILED, ISSUES,
    client::Client,
    hunt,
    place::{self, Api},
    progress::grouped,
};
use crate::config::{Common, Connect};
use anyhow::bail;
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Load the indicators of a file, or of every file of a folder
    Import {
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// Search what is stored already with them too, and wait for the result
        #[arg(long)]
        hunt: bool,
    },
    /// List the imports
    List,
    /// Remove an import with its rules; its hits stay
    Remove { id: String },
}

pub async fn run(common: &Common, Args { connect, command }: Args) -> anyhow::Result<u8> {
    place::with(common, &connect, async |api| on(api, command).await).await
}

async fn on(api: &Api, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Import { path, hunt } => import(&api.client, &path, hunt).await,
        Command::List => list(&api.client).await.map(|()| DONE),
        Command::Remove { id } => {
            let query = "mutation($input: RemoveIndicatorsInput!) { removeIndicators(input: $input) \
                         { errors { message } } }";
            api.client.ask(query, json!({"input": {"importId": id}})).await?;
            say!("removed {id}");
            Ok(DONE)
        }
    }
}

async fn import(client: &Client, path: &Path, at_once: bool) -> anyhow::Result<u8> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    if files.is_empty() {
        bail!("{}: no file in it", path.display());
    }
    let (mut failed, mut issues) = (0, 0);
    for file in &files {
        match client.upload_indicators(file, at_once).await? {
            Ok(import) => {
                let number = |key: &str| grouped(import[key].as_u64().unwrap_or_default());
                issues += import["issues"].as_u64().unwrap_or_default();
                let (format, id) = (text(&import, "format"), text(&import, "importId"));
                say!(
                    "{id}  {format:<8}{:>10} indicators {:>6} rules {:>6} issues  {}",
                    number("indicators"),
                    number("rules"),
                    number("issues"),
                    file.display()
                );
                print_issues(client, id).await?;
                if let Some(job) = import["huntId"].as_str() {
                    hunt::wait(client, job).await?;
                }
            }
            Err(reason) => {
                failed += 1;
                writeln!(std::io::stderr(), "{}: not imported: {reason}", file.display())?;
            }
        }
    }
    Ok(match (failed, issues) {
        (0, 0) => DONE,
        (n, _) if n == files.len() => FAILED,
        _ => ISSUES,
    })
}

async fn print_issues(client: &Client, import: &str) -> anyhow::Result<()> {
    let query = "query($job: ID, $first: Int, $after: String) { deadLetters(job: $job, first: $first, after: $after) \
                 { nodes { source position reason } pageInfo { hasNextPage endCursor } } }";
    let print = |nodes: Vec<Value>| {
        for issue in &nodes {
            let (source, position) = (text(issue, "source"), text(issue, "position"));
            writeln!(std::io::stderr(), "{source}: {position}: {}", text(issue, "reason"))?;
        }
        Ok(())
    };
    client.each_page("deadLetters", query, json!({"job": import}), print).await
}

/// The files of a folder and its sub-folders, in order; links to folders are not followed.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut folders = vec![path.to_owned()];
    if !path.is_dir() {
        files.push(folders.remove(0));
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(())
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let query = "{ indicatorImports { importId name format importedAt by indicators rules issues } }";
    let answer = client.ask(query, json!({})).await?;
    let imports = answer["indicatorImports"].as_array().map(Vec::as_slice).unwrap_or_default();
    for import in imports {
        let number = |key: &str| grouped(import[key].as_u64().unwrap_or_default());
        say!(
            "{}  {}  {:<8}{:>10} indicators {:>6} rules {:>6} issues  {}",
            text(import, "importId"),
            text(import, "importedAt"),
            text(import, "format"),
            number("indicators"),
            number("rules"),
            number("issues"),
            text(import, "name")
        );
    }
    say!("{} imports", imports.len());
    Ok(())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}
