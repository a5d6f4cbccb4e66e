//! `run`: the service with everything embedded, on loopback, for a first look.

use crate::say::say;
use crate::shell::{command, must, passes, root};
use crate::{setup, web};
use anyhow::{Result, bail};
use std::fs;

/// Builds the service, writes a configuration for practice beside its database, and runs it until Ctrl-C.
pub(crate) fn run(words: &[&str]) -> Result<bool> {
    let listen = match words {
        [] => "127.0.0.1:8080",
        ["--listen", listen] => listen,
        _ => bail!("cargo xtask run [--listen 127.0.0.1:8080]"),
    };
    say("[1/4] what it needs");
    setup::for_a_run()?;
    say("[2/4] building the pages");
    web::build()?;
    say("[3/4] building the service (the first time takes some minutes)");
    // As the tests build it, so that one does not build the other's dependencies anew.
    must("cargo", &["build", "--quiet", "--workspace", "--bin", "callback"])?;
    let home = root().join("target/practice");
    fs::create_dir_all(&home)?;
    let config = home.join("callback.toml");
    fs::write(&config, configuration(listen))?;
    say("[4/4] starting; Ctrl-C stops it");
    say(&format!("\n    the cabinet             http://{listen}/"));
    say(&format!("    its letters             http://{listen}/outbox"));
    say(&format!("    a site with the widget  http://{listen}/practice/shop.html"));
    say(&format!("    a telephone to try it   http://{listen}/practice/\n"));
    let binary = root().join("target/debug/callback");
    let mut service = command(&binary.to_string_lossy(), &["serve", "--config"]);
    passes(service.arg(&config).current_dir(&home))
}

fn configuration(listen: &str) -> String {
    format!(
        "# Made by `cargo xtask run`: everything embedded, nothing leaves this machine.\n\
         [http]\nlisten = \"{listen}\"\npublic_url = \"http://{listen}\"\n\
         [database]\nurl = \"sqlite://callback.db\"\n\
         [practice]\nenabled = true\n"
    )
}
