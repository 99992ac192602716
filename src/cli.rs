//! The commands.
//!
//! What changes or lists the catalog goes through the API (`client::Client`), whether a server runs or not:
//! `place::open` finds the running server, or opens the data folder itself and serves it to this process only.

/// Writes a line of the answer to standard output. Unlike `println!` it does not panic when nobody reads any more.
macro_rules! say {
    ($($text:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)))?
    };
}

mod client;
mod doctor;
mod hunt;
mod indicators;
mod ingest;
mod lists;
mod place;
mod progress;
mod rules;
mod serve;
mod users;

use crate::{config, telemetry};
use clap::{Parser, Subcommand};
use std::{
    io::{self, ErrorKind, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// Hunt in Windows Sysmon logs: search, graph, Sigma rules and statistics over one GraphQL API
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: config::Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start with a generated intrusion streaming in, to look around
    Demo(config::Server),
    /// Start the server
    Serve(config::Server),
    /// Import files and folders: EVTX, event XML, JSON; plain, gzip, zstd, or zip
    Ingest(ingest::Args),
    /// Sigma rules
    Rules(rules::Args),
    /// Indicators of threat reports: STIX, OpenIOC, MISP, CSV, lists
    Indicators(indicators::Args),
    /// Rules over what is stored already
    Hunt(hunt::Args),
    /// Who may log in
    Users(users::Args),
    /// Make what is derived from the stored events anew
    Rebuild(lists::Rebuild),
    /// Imports by HTTP
    Jobs(lists::Jobs),
    /// Records that could not be imported
    DeadLetters(lists::DeadLetters),
    /// Look at the engines and the followers, and say what to do
    Doctor(doctor::Args),
    /// Print the GraphQL schema
    Schema,
}

/// Everything was done.
const DONE: u8 = 0;
/// The command failed.
const FAILED: u8 = 1;
/// Done, except for what was listed as issues.
const ISSUES: u8 = 2;

/// Parses the command line, runs the command, and says how it went: 0 done, 2 done with issues, 1 failed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let serves = matches!(cli.command, Command::Demo(_) | Command::Serve(_));
    let filter =
        cli.common.log.as_deref().unwrap_or(if serves { "info,tantivy=warn,evtx=error" } else { "warn,evtx=error" });
    let result = telemetry::init(filter).map_err(anyhow::Error::from).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(run(cli.command, &cli.common));
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        result
    });
    match result {
        Ok(code) => ExitCode::from(code),
        Err(e) if e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => DONE.into(),
        Err(e) => {
            let _ = writeln!(io::stderr(), "error: {e:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(command: Command, common: &config::Common) -> anyhow::Result<u8> {
    match command {
        Command::Demo(server) => serve::demo(common, &server).await,
        Command::Serve(server) => serve::serve(common, &server).await,
        Command::Ingest(args) => ingest::run(common, args).await,
        Command::Rules(args) => rules::run(common, args).await,
        Command::Indicators(args) => indicators::run(common, args).await,
        Command::Hunt(args) => hunt::run(common, args).await,
        Command::Users(args) => users::run(common, args).await,
        Command::Rebuild(what) => lists::rebuild(common, what).await,
        Command::Jobs(args) => lists::jobs(common, args).await,
        Command::DeadLetters(args) => lists::dead_letters(common, args).await,
        Command::Doctor(args) => doctor::run(common, args).await,
        Command::Schema => {
            io::stdout().write_all(crate::serve::graphql::sdl().as_bytes())?;
            Ok(DONE)
        }
    }
}

/// `--issues FILE`, for commands that read files.
#[derive(clap::Args)]
struct IssueFile {
    /// Write the issues as JSON lines to this file instead of standard error
    #[arg(long = "issues", id = "issues", value_name = "FILE")]
    path: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
