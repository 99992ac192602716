//! `doctor`.
use super::{DONE, FAILED, ISSUES, place};
use crate::{
    checkup::{Finding, State},
    config::{Common, Connect},
};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
}

/// Looks at the engines and says what to do. 0: all is well; 2: there are warnings; 1: something does not work.
pub async fn run(common: &Common, Args { connect }: Args) -> anyhow::Result<u8> {
    let mut worst = State::Good;
    match place::engines(common, &connect).await? {
        place::Looked::Here(found) => {
            for Finding { part, state, text, advice } in found {
                worst = worst.max(state);
                print(part, state, &text, advice.as_deref())?;
            }
        }
        place::Looked::There(client) => {
            let answer = client.ask("{ checkup { part state text advice } }", json!({})).await?;
            for finding in answer["checkup"].as_array().into_iter().flatten() {
                let text = |key: &str| finding[key].as_str().unwrap_or_default();
                let state = match &finding["state"] {
                    Value::String(s) if s == "GOOD" => State::Good,
                    Value::String(s) if s == "WARNING" => State::Warning,
                    _ => State::Bad,
                };
                worst = worst.max(state);
                print(text("part"), state, text("text"), finding["advice"].as_str())?;
            }
        }
    }
    Ok(match worst {
        State::Good => DONE,
        State::Warning => ISSUES,
        State::Bad => FAILED,
    })
}

fn print(part: &str, state: State, text: &str, advice: Option<&str>) -> std::io::Result<()> {
    let mark = match state {
        State::Good => "ok",
        State::Warning => "warning",
        State::Bad => "BAD",
    };
    say!("{mark:<8} {part}: {text}");
    if let Some(advice) = advice {
        say!("{:<8} -> {advice}", "");
    }
    Ok(())
}
