//! The command line, as a script sees it: words in, words and an exit code out.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const SETTINGS: &str = "[[customer]]\nname = \"Romashka\"\nemail = \"owner@romashka.example\"\n\
    [[customer.site]]\nkey = \"demo\"\nurl = \"https://romashka.example\"\n";

/// A folder with a configuration whose addresses are this test's own.
fn folder(net: &str, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[http]\nlisten = \"{net}:8080\"\nmetrics_listen = \"{net}:9090\"\n\
         [database]\nurl = \"sqlite://{}\"\n[sip]\nlisten = [\"udp://{net}:5060\"]\n\
         [media]\naddress = \"{net}\"\nports = \"20000-20003\"\n{more}",
        folder.path().join("callback.db").display()
    );
    std::fs::write(folder.path().join("callback.toml"), config).unwrap();
    std::fs::write(folder.path().join("settings.toml"), SETTINGS).unwrap();
    folder
}

fn callback(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callback"));
    command.args(words).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CALLBACK_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it, and compares what it says and how it ends.
fn check(folder: &Path, words: &[&str], code: i32, out: &str, err: &str) {
    let Output { status, stdout, stderr } = callback(folder, words).output().unwrap();
    let said = (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(said, (Some(code), out.to_owned(), err.to_owned()), "{words:?}");
}

#[test]
fn a_file_is_applied_once() {
    let folder = folder("127.71.0.1", "");
    let apply = |words: &[&str], out| check(folder.path(), words, 0, out, "");
    apply(
        &["apply", "settings.toml", "--dry-run"],
        "customer owner@romashka.example: would be created\nsite demo: would be created, version 1\n",
    );
    apply(
        &["apply", "settings.toml", "--config", "callback.toml"],
        "customer owner@romashka.example: created\nsite demo: created, version 1\n",
    );
    apply(&["apply", "settings.toml"], "nothing to change\n");
    apply(&["--json", "apply", "settings.toml"], "{\n  \"dry_run\": false,\n  \"changes\": []\n}\n");
}

#[test]
fn what_is_wrong_is_said_where_people_and_scripts_look_for_it() {
    let folder = folder("127.71.0.2", "");
    let at = folder.path();
    let wrong = SETTINGS.replace("\"demo\"", "\"Demo!\"").replace("https", "gopher");
    std::fs::write(at.join("wrong.toml"), wrong).unwrap();
    let key = "customer \"Romashka\", site \"Demo!\": key = \"Demo!\": a site's key is 3 to 40 of a-z, 0-9 and \"-\"";
    let url = "customer \"Romashka\", site \"Demo!\": url = \"gopher://romashka.example\": not a site's address, like \
               https://shop.example";
    check(at, &["apply", "wrong.toml"], 1, "", &format!("{key}\n{url}\n"));
    let as_json = format!(
        "{}\n",
        serde_json::to_string_pretty(&serde_json::json!({ "problems": [key, url] })).unwrap()
    );
    check(at, &["apply", "wrong.toml", "--json"], 1, &as_json, "");
    let gone = "none.toml cannot be read: No such file or directory (os error 2)\n";
    check(at, &["apply", "none.toml"], 1, "", gone);
    check(at, &["check", "--config", "none.toml"], 1, "", gone);
}

#[test]
fn a_backup_is_a_database() {
    let folder = folder("127.71.0.3", "");
    let at = folder.path();
    callback(at, &["apply", "settings.toml"]).output().unwrap();
    check(at, &["backup", "copy.db"], 0, "the database was copied to copy.db\n", "");
    check(at, &["backup", "copy.db"], 1, "", "copy.db is there already: name a file that is not\n");
    let url = format!("sqlite://{}", at.join("copy.db").display());
    let from_copy =
        callback(at, &["apply", "settings.toml"]).env("CALLBACK_DATABASE_URL", url).output().unwrap();
    assert_eq!(String::from_utf8(from_copy.stdout).unwrap(), "nothing to change\n");
}

#[test]
fn check_looks_at_everything_that_the_service_needs() {
    let net = "127.71.0.4";
    let trunks = "[[trunk]]\nname = \"good\"\nproxy = \"sip:127.0.0.1\"\ncaller_ids = [\"+74950000001\"]\n\
                  [[trunk]]\nname = \"bad\"\nproxy = \"sip:no.such.host.invalid\"\ncaller_ids = [\"+74950000001\"]\n";
    let folder = folder(net, trunks);
    let taken = std::net::TcpListener::bind((net, 9090)).unwrap();
    let odd = std::net::UdpSocket::bind((net, 20_001)).unwrap();
    let report = callback(folder.path(), &["check"]).output().unwrap();
    assert_eq!(report.status.code(), Some(1));
    let text = String::from_utf8(report.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let port = "somebody has this port: this service, if it runs, or another program";
    let expected = [
        "ok     database.url".to_owned(),
        format!("ok     http.listen {net}:8080"),
        format!("WRONG  http.metrics_listen {net}:9090: {port}"),
        format!("ok     sip.listen {net}:5060"),
        format!("ok     media.ports {net}:20000"),
        format!("WRONG  media.ports {net}:20001: {port}"),
        format!("ok     media.ports {net}:20002"),
        format!("ok     media.ports {net}:20003"),
        "ok     trunk \"good\" proxy 127.0.0.1".to_owned(),
    ];
    assert_eq!(lines[..9], expected);
    assert!(
        lines[9].starts_with("WRONG  trunk \"bad\" proxy no.such.host.invalid: the name"),
        "{}",
        lines[9]
    );
    assert_eq!(lines.len(), 10);
    drop((taken, odd));

    let config = folder.path().join("callback.toml");
    let well = std::fs::read_to_string(&config)
        .unwrap()
        .split("[[trunk]]\nname = \"bad\"")
        .next()
        .unwrap()
        .to_owned();
    std::fs::write(&config, well).unwrap();
    let report = callback(folder.path(), &["check", "--json"]).output().unwrap();
    assert_eq!(report.status.code(), Some(0), "{}", String::from_utf8_lossy(&report.stdout));
    let json: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(json["findings"][0], serde_json::json!({ "what": "database.url", "problem": null }));
}

#[test]
fn a_reader_who_has_gone_is_no_reason_to_fall_over() {
    let folder = folder("127.71.0.5", "");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = callback(folder.path(), &["apply", "settings.toml"]).stdout(writer).output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn a_number_is_put_on_the_list_and_taken_off_it() {
    let folder = folder("127.71.0.6", "");
    let stop = |words: &[&str], out| check(folder.path(), words, 0, out, "");
    stop(&["stop", "+79161234567"], "the number is never called again\n");
    stop(&["stop", "+79161234567"], "the number is never called again\n");
    stop(
        &["stop", "+79161234567", "--lift", "--json"],
        "{\n  \"number\": \"+79161234567\",\n  \"stopped\": false\n}\n",
    );
    stop(&["stop", "+79161234567", "--lift"], "the number was not on the list\n");
    let wrong = "not a telephone number in international form, like +74951234567\n";
    check(folder.path(), &["stop", "8 916"], 1, "", wrong);
}

#[test]
fn what_cannot_be_served_says_why() {
    let net = "127.71.0.7";
    let trunk = "[[trunk]]\nname = \"provider\"\nproxy = \"sip:127.0.0.1\"\nusername = \"u\"\n\
                 password_file = \"/none/password\"\ncaller_ids = [\"+74950000001\"]\n";
    let folder = folder(net, trunk);
    let at = folder.path();
    let says = |words: &[&str]| {
        let output = callback(at, &["serve"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap_or_default();
        assert!(words.iter().all(|word| last.contains(word)), "{said}");
    };
    says(&["trunk \"provider\"", "password_file", "/none/password", "No such file"]);
    let config = std::fs::read_to_string(at.join("callback.toml")).unwrap();
    let write = |text: &str| std::fs::write(at.join("callback.toml"), text).unwrap();
    let without = config.split("[[trunk]]").next().unwrap();
    write(&without.replace("[media]", "[media]\nnonsense = 1"));
    says(&["line", "nonsense"]);
    write(without);
    let taken = std::net::TcpListener::bind((net, 8080)).unwrap();
    says(&["http.listen", "127.71.0.7:8080", "in use"]);
    drop(taken);
    let taken = std::net::UdpSocket::bind((net, 5060)).unwrap();
    says(&["sip.listen", "127.71.0.7:5060", "in use"]);
    drop(taken);
    write(&without.replace("callback.db", "text.db"));
    std::fs::write(at.join("text.db"), "this is no database, and it stays as it is").unwrap();
    says(&["database", "text.db"]);
}
