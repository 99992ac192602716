//! Builds the page, so that `cargo run --release` is all it takes.
//!
//! Only for release builds, or with `SYSMONSEARCH_BUILD_PAGE=1`: a check or a test build does without (it reads
//! `frontend/dist` when it runs). `SYSMONSEARCH_SKIP_PAGE=1` takes what is in `frontend/dist`.
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::SystemTime,
};

/// What the page is made of, besides `frontend/src`.
const PARTS: &[&str] = &["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"];
/// Folders of further parts.
const FOLDERS: &[&str] = &["src", "public", "scripts"];
/// Written by the build of the page itself.
const GENERATED: &str = "generated.ts";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SYSMONSEARCH_SKIP_PAGE");
    println!("cargo::rerun-if-env-changed=SYSMONSEARCH_BUILD_PAGE");
    let is_set = |name| env::var_os(name).is_some_and(|v| v == "1");
    let release = env::var_os("PROFILE").is_some_and(|p| p == "release");
    if is_set("SYSMONSEARCH_SKIP_PAGE") || !(release || is_set("SYSMONSEARCH_BUILD_PAGE")) {
        return ExitCode::SUCCESS;
    }
    let page = Path::new("frontend");
    if !page.join("package.json").is_file() {
        println!("cargo::warning=there is no frontend/package.json: the program will have no page");
        return ExitCode::SUCCESS;
    }
    match build(page) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::NoNpm) => {
            println!("cargo::warning=npm is not there: the program keeps what is in frontend/dist; install Node.js 20");
            ExitCode::SUCCESS
        }
        Err(Failure::Step(step, why)) => {
            println!("cargo::error={step} in frontend/ has failed: {why}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    NoNpm,
    Step(&'static str, String),
}

fn build(page: &Path) -> Result<(), Failure> {
    let mut files: Vec<PathBuf> = PARTS.iter().map(|p| page.join(p)).collect();
    files.push("schema.graphql".into());
    for folder in FOLDERS {
        collect(&page.join(folder), &mut files);
    }
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let newest = files.iter().filter_map(|f| changed(f)).max();
    let built = changed(&page.join("dist/index.html"));
    if built.is_some() && built >= newest {
        return Ok(());
    }
    let installed = changed(&page.join("node_modules/.package-lock.json"));
    if installed.is_none() || installed < changed(&page.join("package-lock.json")) {
        npm(page, "npm ci", &["ci", "--no-audit", "--no-fund"])?;
    }
    npm(page, "npm run build", &["run", "build"])
}

/// Files below a folder, one by one: a folder as a whole would hold what the build writes there.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if !path.ends_with(GENERATED) {
            files.push(path);
        }
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|m| m.modified()).ok()
}

fn npm(page: &Path, step: &'static str, arguments: &[&str]) -> Result<(), Failure> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = match Command::new(program).args(arguments).current_dir(page).output() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Failure::NoNpm),
        Err(e) => return Err(Failure::Step(step, e.to_string())),
        Ok(output) => output,
    };
    if output.status.success() {
        return Ok(());
    }
    // The whole goes to Cargo's log of this script; what is wrong stands first.
    let said = [output.stdout, output.stderr].map(|o| String::from_utf8_lossy(&o).trim().to_owned()).join("\n");
    eprintln!("{said}");
    let first: Vec<&str> = said.trim().lines().take(8).collect();
    Err(Failure::Step(step, first.join(" | ")))
}
