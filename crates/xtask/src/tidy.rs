//! The house's own rules: which room may know which, that the map is true, that the core is pure.

use crate::say::say;
use crate::shell::root;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Words that the core's code never says: they read the world.
const IMPURE: [&str; 11] = [
    "Instant::now",
    "SystemTime",
    "std::env",
    "TcpStream",
    "UdpSocket",
    "::now()",
    "std::fs",
    "thread::sleep",
    "HashMap",
    "HashSet",
    "tokio",
];

/// A room, and what it must not know, with the reason.
const ARROWS: [(&str, &str, &str); 5] = [
    ("crates/callback-phone/src", "sqlx", "the phone knows no database"),
    ("crates/callback-phone/src", "axum", "the phone knows no web"),
    ("crates/callback/src/store", "crate::web", "the store knows no web"),
    ("crates/callback/src/store", "crate::engine", "the store knows no engine"),
    ("crates/callback/src/web", "engine::call", "the web never reaches into a running call"),
];

/// How the service names what was wrong: the call, which of its arguments is the code, and where its words stand.
const CODES: [(&str, usize, &str); 6] = [
    ("Kind::plain(", 0, "problem"),
    ("Kind::with(", 0, "problem"),
    ("parse_as(", 0, "problem"),
    ("FieldProblem::plain(", 1, "problem"),
    ("Problem::field(", 1, "problem"),
    ("Conflict(", 0, "error"),
];

/// Checks the rules; says what is broken and where.
pub(crate) fn run() -> Result<bool> {
    let mut wrong: Vec<String> = Vec::new();
    the_map_is_true(&mut wrong)?;
    the_core_is_pure(&mut wrong)?;
    arrows_point_one_way(&mut wrong)?;
    refusals_have_words(&mut wrong)?;
    for line in &wrong {
        say(line);
    }
    Ok(wrong.is_empty())
}

/// Every path that ARCHITECTURE.md names exists.
fn the_map_is_true(wrong: &mut Vec<String>) -> Result<()> {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let named = map.split('`').skip(1).step_by(2).filter(|text| {
        let is_path = text.contains('/') && !text.contains([' ', '<', '{', '*', ':', '→']);
        is_path && !text.starts_with('/')
    });
    for path in named {
        if !root().join(path).exists() {
            wrong.push(format!("ARCHITECTURE.md names {path}, which does not exist"));
        }
    }
    Ok(())
}

fn the_core_is_pure(wrong: &mut Vec<String>) -> Result<()> {
    let tests = ["flow/stories.rs", "flow/sim.rs", "flow/sim/"];
    for file in rust_files(&root().join("crates/callback-core/src"))? {
        if tests.iter().any(|test| file.to_string_lossy().contains(test)) {
            continue;
        }
        let code = code_of(&file)?;
        for word in IMPURE.iter().filter(|word| code.contains(*word)) {
            wrong.push(format!("{}: the core says {word}", short(&file)));
        }
    }
    let manifest = fs::read_to_string(root().join("crates/callback-core/Cargo.toml"))?;
    if manifest.contains("callback-phone") || manifest.contains("tokio") {
        wrong.push("crates/callback-core/Cargo.toml: the core depends on what it must not know".into());
    }
    Ok(())
}

fn arrows_point_one_way(wrong: &mut Vec<String>) -> Result<()> {
    for (room, word, why) in ARROWS {
        for file in rust_files(&root().join(room))? {
            if code_of(&file)?.contains(word) {
                wrong.push(format!("{}: says {word}, but {why}", short(&file)));
            }
        }
    }
    for file in rust_files(&root().join("crates/callback/src"))? {
        let in_store = file.to_string_lossy().contains("/store");
        if !in_store && code_of(&file)?.contains("sqlx::query") {
            wrong.push(format!("{}: SQL lives in store alone", short(&file)));
        }
    }
    let wire = "src/sip/wire";
    for file in rust_files(&root().join("crates/callback-phone/src"))? {
        if !file.to_string_lossy().contains(wire) && code_of(&file)?.contains("sipx_sip::") {
            wrong.push(format!("{}: only {wire} knows the SIP library", short(&file)));
        }
    }
    Ok(())
}

/// Every code of a refusal has its words in the cabinet, whose tests see to it that each language has the same ones.
fn refusals_have_words(wrong: &mut Vec<String>) -> Result<()> {
    let words = fs::read_to_string(root().join("web/cabinet/src/lib/i18n/ru.json"))?;
    for file in rust_files(&root().join("crates/callback/src"))? {
        let code = code_of(&file)?;
        for (call, argument, room) in CODES {
            for given in code.split(call).skip(1) {
                let named = given.split(',').nth(argument).map_or("", str::trim);
                let Some(named) = named.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                let said = format!("\"{room}.{named}\"");
                let parts = format!("\"{room}.{named}.");
                if !words.contains(&said) && !words.contains(&parts) {
                    wrong.push(format!("{}: the cabinet has no words for {said}", short(&file)));
                }
            }
        }
    }
    Ok(())
}

/// A file's text without comments and without its tests.
fn code_of(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    Ok(code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n"))
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn short(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}
