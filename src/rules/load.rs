//! Rules from a folder, an archive or a file.
use super::{
    Loaded,
    archive::{Content, MAX_FILE, unpack},
    parse::parse,
    sysmonsearch,
};
use crate::error::{Code, Error, Result};
use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Bytes of an archive as it lies on disk.
pub const MAX_ARCHIVE: u64 = 64 << 20;
/// Rules and issues of one folder, archive or file.
const MAX_FOUND: usize = 20_000;
/// Bytes of the text of its rules.
const MAX_TEXT: usize = 64 << 20;

/// Loads every rule of a folder (with its sub-folders), of an archive (`tar`, also packed with xz, gzip or zstd,
/// or `zip`) or of one file: YAML, or JSON of SysmonSearch. Archives inside of folders are loaded too.
///
/// # Errors
/// When `path` itself cannot be read. What is wrong with single files becomes issues.
pub fn load(path: &Path) -> Result<Loaded> {
    let mut all = Loading::default();
    if path.is_dir() {
        folder(&mut all, path)?;
    } else {
        let name = path.display().to_string();
        file(&mut all, &name, path).map_err(|e| of(&name, e))?;
    }
    Ok(all.finished())
}

/// As [`load`], of one file or archive that is called `name`.
///
/// # Errors
/// When it cannot be read.
pub fn load_file(path: &Path, name: &str) -> Result<Loaded> {
    let mut all = Loading::default();
    file(&mut all, name, path).map_err(|e| of(name, e))?;
    Ok(all.finished())
}

/// What is loaded so far.
#[derive(Default)]
struct Loading {
    loaded: Loaded,
    /// Bytes of the text of its rules.
    text: usize,
}

impl Loading {
    fn finished(mut self) -> Loaded {
        drop_doubles(&mut self.loaded);
        self.loaded
    }

    /// Refuses all of it when it is more than anybody has.
    fn room(&self) -> Result<()> {
        let found = self.loaded.rules.len() + self.loaded.issues.len();
        if found > MAX_FOUND || self.text > MAX_TEXT {
            let most = format!("{MAX_FOUND} rules and issues, or {} MiB of rules", MAX_TEXT >> 20);
            return Err(Error::new(Code::TooLarge, format!("more than {most}: import it in parts")));
        }
        Ok(())
    }
}

fn folder(all: &mut Loading, root: &Path) -> Result<()> {
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    let mut first = true;
    while let Some(dir) = folders.pop() {
        let entries = match fs::read_dir(&dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(e) if first => return Err(of(&dir.display().to_string(), unreadable(e))),
            Err(e) => {
                all.loaded.issue(&dir.display().to_string(), "folder", format!("cannot be read: {e}"));
                continue;
            }
        };
        first = false;
        let mut paths: Vec<(PathBuf, bool)> = entries
            .into_iter()
            // Links are followed to files but not to folders, which could lead round in circles.
            .map(|e| (e.path(), e.file_type().is_ok_and(|t| t.is_dir())))
            .filter(|(p, is_dir)| *is_dir || p.is_file())
            .collect();
        paths.sort();
        for (path, is_dir) in paths {
            let name = path.display().to_string();
            if is_dir {
                folders.push(path);
            } else if is_yaml(&name) || is_archive(&name) || is_other_rule(&path) {
                match file(all, &name, &path) {
                    Err(e) if e.code == Code::TooLarge => return Err(of(&name, e)),
                    Err(e) => all.loaded.issue(&name, "file", e.to_string()),
                    Ok(()) => {}
                }
            } else {
                all.loaded.other_files.push(name);
            }
        }
    }
    Ok(())
}

fn file(all: &mut Loading, name: &str, path: &Path) -> Result<()> {
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() > MAX_ARCHIVE {
        return Err(Error::new(Code::TooLarge, format!("larger than {} MiB", MAX_ARCHIVE >> 20)));
    }
    let mut inner = |member: &str, content: Option<Vec<u8>>| {
        let whole = format!("{name}!{member}");
        let is_rule = is_yaml(member) || content.as_deref().is_some_and(sysmonsearch::is_rule);
        match content {
            _ if !is_rule => all.loaded.other_files.push(whole),
            Some(content) => text(all, &whole, content),
            None => all.loaded.issue(&whole, "file", format!("larger than {} MiB", MAX_FILE >> 20)),
        }
        all.room()
    };
    match unpack(file, &mut inner)? {
        Content::Archive => {}
        Content::Plain(content) if content.len() as u64 > MAX_FILE => {
            all.loaded.issue(name, "file", format!("larger than {} MiB", MAX_FILE >> 20));
        }
        Content::Plain(content) => text(all, name, content),
    }
    all.room()
}

/// With the name of what cannot be read.
fn of(name: &str, e: Error) -> Error {
    Error::new(e.code, format!("{name}: {}", e.message)).with(e)
}

fn text(all: &mut Loading, name: &str, content: Vec<u8>) {
    let sigma = match sysmonsearch::sigma(&content, name) {
        Some(Err(why)) => return all.loaded.issue(name, "file", why),
        Some(Ok(text)) => Ok(text),
        None => String::from_utf8(content),
    };
    match sigma {
        Ok(text) => {
            let found = parse(&text, name);
            all.text += found.rules.iter().map(|r| r.text.len()).sum::<usize>();
            all.loaded.rules.extend(found.rules);
            all.loaded.issues.extend(found.issues);
        }
        Err(e) => all.loaded.issue(name, format!("byte {}", e.utf8_error().valid_up_to()), "not UTF-8 text"),
    }
}

/// Of rules with one id the first stays, as only one can be stored.
fn drop_doubles(loaded: &mut Loaded) {
    let mut first: HashMap<String, String> = HashMap::new();
    let rules = std::mem::take(&mut loaded.rules);
    for rule in rules {
        match first.get(&rule.id) {
            Some(origin) => {
                let reason = format!("rule id {} is already that of {origin}", rule.id);
                loaded.issue(&rule.origin, "rule", reason);
            }
            None => {
                first.insert(rule.id.clone(), rule.origin.clone());
                loaded.rules.push(rule);
            }
        }
    }
}

fn unreadable(e: std::io::Error) -> Error {
    Error::bad_input(format!("cannot be read: {e}"))
}

/// Whether a small file holds a rule in another form than YAML; its name does not tell.
fn is_other_rule(path: &Path) -> bool {
    let is_small = fs::metadata(path).is_ok_and(|m| m.len() <= sysmonsearch::MAX_FILE as u64);
    is_small && fs::read(path).is_ok_and(|content| sysmonsearch::is_rule(&content))
}

fn is_yaml(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".yml") || name.ends_with(".yaml")
}

fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".tar", ".tar.xz", ".tar.gz", ".tgz", ".txz", ".tar.zst", ".zip"].iter().any(|e| name.ends_with(e))
}
