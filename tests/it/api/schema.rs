//! The exported schema is the code's, and every part of it is described.
use sysmonsearch::serve::graphql::sdl;

/// With `UPDATE_SCHEMA=1` the file is written instead of compared.
#[test]
fn schema_file_is_that_of_the_code() {
    let sdl = sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write("schema.graphql", &sdl).unwrap();
    }
    let file = std::fs::read_to_string("schema.graphql").unwrap();
    assert!(file == sdl, "schema.graphql is not that of the code: run the test with UPDATE_SCHEMA=1 and look at the diff");
}

#[test]
fn everything_is_described() {
    let sdl = sdl();
    let lines: Vec<&str> = sdl.lines().map(str::trim).collect();
    let mut bare = Vec::new();
    let mut described = false;
    let mut in_text = false;
    let mut depth = 0usize;
    for line in lines {
        if in_text || line.starts_with("\"\"\"") {
            let marks = line.matches("\"\"\"").count();
            in_text = if in_text { marks == 0 } else { marks == 1 };
            described = !in_text;
            continue;
        }
        let opens = line.ends_with('{');
        let is_type = depth == 0
            && ["type ", "input ", "enum ", "interface ", "union ", "scalar "].iter().any(|k| line.starts_with(k));
        let is_member = depth > 0 && line != "}" && !line.is_empty();
        if (is_type || is_member) && !described && !line.starts_with("schema") {
            bare.push(line.to_owned());
        }
        // Arguments on the line of their field carry their descriptions there.
        if let Some(arguments) = line.split_once('(').map(|(_, a)| a).filter(|_| is_member) {
            let count = arguments.split(')').next().unwrap_or_default();
            if !count.contains('"') {
                bare.push(format!("arguments of {line}"));
            }
        }
        depth = if opens { depth + 1 } else if line == "}" { depth.saturating_sub(1) } else { depth };
        described = false;
    }
    let roots = ["query: Query", "mutation: Mutation", "subscription: Subscription"];
    bare.retain(|l| !roots.contains(&l.as_str()));
    assert!(bare.is_empty(), "without description:\n{}", bare.join("\n"));
}
