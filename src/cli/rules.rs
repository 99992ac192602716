//! `rules`: import with a verdict per rule, list, switch, delete.
use super::{
    DONE, ISSUES, IssueFile,
    client::Client,
    hunt,
    place::{self, Api, Place},
    progress::{Issues, grouped},
};
use crate::{
    config::{Common, Connect},
    event::detection::Rule,
    pipeline::{Imported, Superseded},
    rules::{self, Loaded},
};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};

/// Bytes of rules in one request.
const REQUEST: usize = 512 << 10;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Load the Sigma rules of a file, a folder, or an archive
    Import {
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// Search what is stored already with them too, and wait for the result
        #[arg(long)]
        hunt: bool,
        #[command(flatten)]
        issues: IssueFile,
    },
    /// List all rules
    List,
    /// Match a rule from now on
    Enable { id: String },
    /// Stop matching a rule
    Disable { id: String },
    /// Delete a rule; its hits stay
    Delete { id: String },
}

pub async fn run(common: &Common, Args { connect, command }: Args) -> anyhow::Result<u8> {
    if let Command::Import { path, hunt, issues } = command {
        let issues = Issues::new(issues.path.as_deref()).context("cannot write the list of issues")?;
        let (done, rules) = import(common, &connect, path, issues).await?;
        if !hunt {
            return Ok(done);
        }
        if rules.is_empty() {
            say!("no rule to hunt with");
            return Ok(done);
        }
        let start = async |api: &Api| hunt::start(&api.client, json!({"rules": rules})).await;
        return place::with(common, &connect, start).await.map(|hunted| if hunted == DONE { done } else { hunted });
    }
    place::with(common, &connect, async |api| on(api, command).await).await.map(|()| DONE)
}

async fn on(api: &Api, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(&api.client).await?,
        Command::Enable { id } => enable(&api.client, id, true).await?,
        Command::Disable { id } => enable(&api.client, id, false).await?,
        Command::Delete { id } => {
            let query = "mutation($input: DeleteRuleInput!) { deleteRule(input: $input) { errors { message } } }";
            api.client.ask(query, json!({"input": {"id": id}})).await?;
            say!("deleted {id}");
        }
        Command::Import { .. } => {}
    }
    Ok(())
}

/// What became of a rule.
struct Verdict {
    id: String,
    title: String,
    refused: Option<String>,
    /// Whether events are matched with it: it is no filter, and not switched off.
    matched: bool,
}

/// What the list of rules calls filters.
const FILTER: &str = "filter";

/// How it went, and the rules that are matched.
async fn import(
    common: &Common,
    connect: &Connect,
    path: PathBuf,
    mut issues: Issues,
) -> anyhow::Result<(u8, Vec<String>)> {
    let place = place::find(common, connect).await?;
    let Loaded { rules, issues: found, other_files } =
        tokio::task::spawn_blocking(move || rules::load(&path)).await??;
    let (changed, verdicts) = match place {
        Place::Server(client) => send(&client, &rules).await?,
        Place::Folder(folder) => {
            let ids: Vec<String> = rules.iter().map(|r| r.id.clone()).collect();
            let Imported { changed, superseded } = folder.pipeline.import_rules(rules).await?;
            for s in &superseded {
                say!("{s}");
            }
            let set = folder.pipeline.rule_set();
            let stored = folder.pipeline.catalog.rules_by_id(&ids).await?;
            folder.pipeline.shutdown().await;
            let verdict = |r: Rule| {
                let refused = r.refused.or_else(|| set.blocked(&r.id).map(str::to_owned));
                let matched = r.enabled && refused.is_none() && r.logsource != FILTER;
                Verdict { matched, id: r.id, title: r.title, refused }
            };
            (changed, stored.into_iter().flatten().map(verdict).collect())
        }
    };
    let mut refused = 0;
    for v in &verdicts {
        match &v.refused {
            None => say!("loaded   {}  {}", v.id, v.title),
            Some(reason) => {
                refused += 1;
                say!("refused  {}  {}: {reason}", v.id, v.title);
            }
        }
    }
    for file in &other_files {
        say!("no rule  {file}");
    }
    for issue in &found {
        issues.add(issue, None);
    }
    let loaded = verdicts.len() - refused;
    say!("{} rules loaded, {} refused, {} new or changed", count(loaded), count(refused), grouped(changed));
    let count = issues.finish().context("the list of issues could not be written completely")?;
    let matched = verdicts.into_iter().filter(|v| v.matched).map(|v| v.id).collect();
    Ok((if count > 0 { ISSUES } else { DONE }, matched))
}

fn count(n: usize) -> String {
    grouped(n as u64)
}

async fn send(client: &Client, rules: &[Rule]) -> anyhow::Result<(u64, Vec<Verdict>)> {
    let query = "mutation($input: ImportRulesInput!) { importRules(input: $input) \
                 { changed superseded { ruleId by } rules { ruleId title refused blocked enabled logsource } \
                 errors { message } } }";
    let (mut changed, mut verdicts) = (0, Vec::new());
    for (origin, yaml) in requests(rules) {
        let mut answer = client.ask(query, json!({"input": {"yaml": yaml, "origin": origin}})).await?;
        let answer = &mut answer["importRules"];
        changed += answer["changed"].as_u64().unwrap_or_default();
        let text = |v: &Value| v.as_str().map(str::to_owned);
        for s in answer["superseded"].as_array().into_iter().flatten() {
            let [rule_id, by] = ["ruleId", "by"].map(|key| text(&s[key]).unwrap_or_default());
            say!("{}", Superseded { rule_id, by });
        }
        for rule in answer["rules"].as_array().into_iter().flatten() {
            verdicts.push(Verdict {
                id: text(&rule["ruleId"]).unwrap_or_default(),
                title: text(&rule["title"]).unwrap_or_default(),
                matched: rule["enabled"] == true
                    && rule["refused"].is_null()
                    && rule["blocked"].is_null()
                    && rule["logsource"] != FILTER,
                refused: text(&rule["refused"]).or_else(|| text(&rule["blocked"])),
            });
        }
    }
    Ok((changed, verdicts))
}

/// Rules as texts of many documents, each with the name of the archive or file they come from. The text of a
/// rule must arrive as it is, because its version is a digest of it.
fn requests(rules: &[Rule]) -> Vec<(String, String)> {
    let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in rules {
        let from = rule.origin.split('!').next().unwrap_or_default();
        let texts = texts.entry(from).or_default();
        // Documents of a collection (`action: global`) carry the text of all of it.
        if texts.last() != Some(&rule.text.as_str()) {
            texts.push(&rule.text);
        }
    }
    let mut requests: Vec<(String, String)> = Vec::new();
    for (origin, texts) in texts {
        let mut yaml = String::new();
        for text in texts {
            let alone = text.lines().any(|l| l.starts_with("action:"));
            let full = yaml.len() + text.len() > REQUEST;
            if !yaml.is_empty() && (alone || full || !yaml.ends_with('\n')) {
                requests.push((origin.to_owned(), std::mem::take(&mut yaml)));
            }
            if !yaml.is_empty() {
                yaml.push_str("---\n");
            }
            yaml.push_str(text);
            if alone {
                requests.push((origin.to_owned(), std::mem::take(&mut yaml)));
            }
        }
        if !yaml.is_empty() {
            requests.push((origin.to_owned(), yaml));
        }
    }
    requests
}

async fn enable(client: &Client, id: String, enabled: bool) -> anyhow::Result<()> {
    let query = "mutation($input: EnableRuleInput!) { enableRule(input: $input) { errors { message } } }";
    client.ask(query, json!({"input": {"id": id, "enabled": enabled}})).await?;
    say!("{} {id}", if enabled { "enabled" } else { "disabled" });
    Ok(())
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let query = "query($first: Int, $after: String) { rules(first: $first, after: $after) \
                 { nodes { ruleId title level enabled refused blocked hits } pageInfo { hasNextPage endCursor } } }";
    let rules = client.all("rules", query, json!({})).await?;
    for rule in &rules {
        let text = |key: &str| rule[key].as_str().unwrap_or_default();
        let refused = rule["refused"].as_str().or_else(|| rule["blocked"].as_str());
        let state = match (refused, rule["enabled"] == true) {
            (Some(_), _) => "refused",
            (None, true) => "enabled",
            (None, false) => "disabled",
        };
        let hits = grouped(rule["hits"].as_u64().unwrap_or_default());
        let reason = refused.map(|r| format!(": {r}")).unwrap_or_default();
        say!("{state:<9}{:<14}{hits:>9}  {}  {}{reason}", text("level"), text("ruleId"), text("title"));
    }
    say!("{} rules", count(rules.len()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_rules_arrive_as_they_are() {
        let one = "title: One\nid: 1\nlogsource:\n  category: dns_query\ndetection:\n  a:\n    QueryName: x\n  condition: a\n";
        let two = one.replace("One", "Two").replace("id: 1", "id: 2");
        let bare = one.replace("One", "Bare").replace("id: 1", "id: 3").trim_end().to_owned();
        let many = (4..3_000).map(|n| one.replace("id: 1", &format!("id: {n}")));
        let texts: Vec<String> = [one.to_owned(), two, bare].into_iter().chain(many).collect();
        let rules: Vec<Rule> = texts.iter().flat_map(|t| rules::parse(t, "a.zip!x.yml").rules).collect();
        let sent = requests(&rules);
        assert!(sent.len() > 1 && sent.iter().all(|(o, y)| o == "a.zip" && y.len() <= REQUEST + 4_096));
        let received: Vec<Rule> = sent.iter().flat_map(|(_, y)| rules::parse(y, "a.zip").rules).collect();
        let versions = |rules: &[Rule]| rules.iter().map(|r| (r.id.clone(), r.version.clone())).collect::<Vec<_>>();
        assert_eq!(versions(&received), versions(&rules));
    }
}
