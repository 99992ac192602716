//! `users`: who may log in.
use super::{
    DONE,
    place::{self, Api},
};
use crate::{
    config::{Common, Connect, secret_file},
    serve::auth,
};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List all users
    List,
    /// Add a user
    Add {
        name: String,
        #[arg(long, value_enum, default_value_t = Role::Viewer)]
        role: Role,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Set a new password and end all sessions of the user
    Passwd {
        name: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Refuse the user from now on and end all his sessions
    Disable { name: String },
    /// Let the user log in again
    Enable { name: String },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Role {
    /// Reads
    Viewer,
    /// Also imports and changes rules
    Analyst,
    /// Also manages users
    Admin,
}

#[derive(clap::Args)]
struct NewPassword {
    /// File with the new password; without it a random one is made and shown once
    #[arg(long = "new-password-file", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl NewPassword {
    /// The password, and whether it must be shown.
    fn get(&self) -> anyhow::Result<(String, bool)> {
        Ok(match &self.file {
            Some(file) => (secret_file(file)?, false),
            None => (auth::random_password(), true),
        })
    }
}

pub async fn run(common: &Common, Args { connect, command }: Args) -> anyhow::Result<u8> {
    place::with(common, &connect, async |api| on(api, command).await).await.map(|()| DONE)
}

async fn on(api: &Api, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(api).await,
        Command::Add { name, role, password } => {
            let (password, shown) = password.get()?;
            let role = match role {
                Role::Viewer => "VIEWER",
                Role::Analyst => "ANALYST",
                Role::Admin => "ADMIN",
            };
            let query = "mutation($input: CreateUserInput!) { createUser(input: $input) { errors { message } } }";
            api.client.ask(query, json!({"input": {"name": name, "password": password, "role": role}})).await?;
            say!("added {name}");
            show(&password, shown)
        }
        Command::Passwd { name, password } => {
            let (password, shown) = password.get()?;
            let query = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { errors { message } } }";
            api.client.ask(query, json!({"input": {"name": name, "password": password}})).await?;
            say!("{name} has a new password");
            show(&password, shown)
        }
        Command::Disable { name } => enable(api, &name, false).await,
        Command::Enable { name } => enable(api, &name, true).await,
    }
}

fn show(password: &str, shown: bool) -> anyhow::Result<()> {
    if shown {
        say!("password (shown only this once): {password}");
    }
    Ok(())
}

async fn enable(api: &Api, name: &str, enabled: bool) -> anyhow::Result<()> {
    let query = "mutation($input: EnableUserInput!) { enableUser(input: $input) { errors { message } } }";
    api.client.ask(query, json!({"input": {"name": name, "enabled": enabled}})).await?;
    say!("{} {name}", if enabled { "enabled" } else { "disabled" });
    Ok(())
}

async fn list(api: &Api) -> anyhow::Result<()> {
    let users = api.client.ask("{ users { name role disabled created } }", json!({})).await?;
    for user in users["users"].as_array().into_iter().flatten() {
        let text = |key: &str| user[key].as_str().unwrap_or_default();
        let state = if user["disabled"] == true { "disabled" } else { "" };
        say!("{:<24}{:<9}{}  {state}", text("name"), text("role").to_lowercase(), text("created"));
    }
    Ok(())
}
