//! The command line, as a script sees it: words in, words and an exit code out.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const SETTINGS: &str = "[[customer]]\nname = \"Romashka\"\nemail = \"owner@romashka.example\"\n\
    [[customer.site]]\nkey = \"demo\"\nurl = \"https://romashka.example\"\n";

/// A folder with a configuration whose addresses are this test's own.
pub(crate) fn folder(net: &str, more: &str) -> TempDir {
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

pub(crate) fn callback(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callback"));
    command.args(words).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CALLBACK_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it, and compares what it says and how it ends.
pub(crate) fn check(folder: &Path, words: &[&str], code: i32, out: &str, err: &str) {
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

const DECK: &str = "prefix;description;rate_per_minute;connect_fee;initial_s;increment_s;effective_from\n\
    7;Russia;0.9;0;1;1;2026-01-01\n7916;\"Russia; MTS\";0.5;0;60;60;2026-01-01\n7916;MTS;2.000001;0.1;30;6;2027-01-01\n";

#[test]
fn a_quote_needs_a_deck_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("deck.csv"), DECK).unwrap();
    std::fs::write(at.join("callback.toml"), "nonsense").unwrap();
    let quote = |words: &[&str], out: &str, err: &str| {
        let words = [&["quote", "--deck", "deck.csv", "--on", "2026-12-31"], words].concat();
        check(at, &words, i32::from(!err.is_empty()), out, err);
    };
    let markup = ["--markup-percent", "10", "--markup-per-minute", "0.50"];
    quote(
        &[&markup, &["--number", "+79161234567", "--seconds", "61"][..]].concat(),
        "+79161234567 has the prefix 7916: Russia; MTS\n\
         0.500000 a minute, 0.000000 for the answer, counted by 60/60 seconds\n\
         61 s are billed as 120 s\ncost 1.000000, price 2.100000, margin 1.100000\n",
        "",
    );
    let as_json = "{\n  \"number\": \"+79161234567\",\n  \"seconds\": 31,\n  \"prefix\": \"7916\",\n  \"description\": \"MTS\",\n  \
                   \"rate_per_minute\": \"2.000001\",\n  \"connect_fee\": \"0.100000\",\n  \"initial_s\": 30,\n  \
                   \"increment_s\": 6,\n  \"billable_s\": 36,\n  \"cost\": \"1.300001\",\n  \"price\": \"3.000000\",\n  \
                   \"margin\": \"1.699999\"\n}\n";
    let later =
        ["--on", "2027-01-01", "--floor-per-minute", "5", "--number", "79161234567", "--seconds", "31"];
    check(at, &[&["quote", "--json", "--deck", "deck.csv"], &later[..]].concat(), 0, as_json, "");
    let none = "the deck has no rate for this number on that day\n";
    quote(&["--number", "+12025550123", "--seconds", "61"], "", none);
    check(
        at,
        &["quote", "--deck", "none.csv", "--number", "+79161234567", "--seconds", "1"],
        1,
        "",
        "none.csv cannot be read: No such file or directory (os error 2)\n",
    );
    for wrong in [
        &["--number", "8 916", "--seconds", "1"][..],
        &["--number", "+79161234567"],
        &["--number", "+79161234567", "--seconds", "1.5"],
        &["--batch", "--json"],
        &["--batch", "--markup-percent", "ten"],
        &["--batch", "--markup-per-minute", "-1"],
    ] {
        let words = [&["quote", "--deck", "deck.csv"], wrong].concat();
        assert_eq!(callback(at, &words).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn many_quotes_are_answered_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("deck.csv"), DECK).unwrap();
    let batch = |asked: &str, code: i32, out: &str, err: &str| {
        std::fs::write(at.join("asked"), asked).unwrap();
        let words =
            ["quote", "--deck", "deck.csv", "--on", "2026-12-31", "--markup-percent", "12.5", "--batch"];
        let asked = std::fs::File::open(at.join("asked")).unwrap();
        let done = callback(at, &words).stdin(asked).output().unwrap();
        let said = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
        assert_eq!((done.status.code(), said), (Some(code), (out.to_owned(), err.to_owned())));
    };
    batch(
        "+79161234567\t61\n79261234567\t7\r\n+12025550123\t61\n+79161234567\t0\n",
        0,
        "+79161234567\t61\t7916\t120\t1.000000\t1.125000\n79261234567\t7\t7\t7\t0.105000\t0.118125\n\
         +12025550123\t61\t-\t-\t-\t-\n+79161234567\t0\t7916\t0\t0.000000\t0.000000\n",
        "",
    );
    batch("", 0, "", "");
    batch(
        "+79161234567\t1\n\n+79161234567 1\n+79161234567\t1\n",
        1,
        "+79161234567\t1\t7916\t60\t0.500000\t0.562500\n",
        "line 3, \"+79161234567 1\": write a number, a tab and seconds\n",
    );
    batch(
        "+79161234567\t-1",
        1,
        "",
        "line 1, \"+79161234567\\t-1\": \"-1\": write whole seconds, 0 to 2678400\n",
    );
}

#[test]
fn a_deck_that_is_wrong_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("deck.csv"), DECK.replace("0.9;", "0,9;").replace("0.5;", "five;")).unwrap();
    let wrong = |line: u32, value: &str| {
        format!(
            "line {line}, column 3 (rate_per_minute): {value:?}: write a number with a decimal point, like 0.50"
        )
    };
    let (one, other) = (wrong(2, "0,9"), wrong(3, "five"));
    let words = ["quote", "--deck", "deck.csv", "--number", "+79161234567", "--seconds", "1"];
    check(at, &words, 1, "", &format!("{one}\n{other}\n"));
    let as_json = serde_json::to_string_pretty(&serde_json::json!({ "problems": [one, other] })).unwrap();
    check(at, &[&words[..], &["--json"]].concat(), 1, &format!("{as_json}\n"), "");
}
