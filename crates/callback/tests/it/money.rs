//! Money, as the operator and a whole call see it.

use crate::cli::{callback, check, folder};
use serde_json::Value;
use std::path::Path;

const HEADER: &str = "prefix,description,rate_per_minute,connect_fee,initial_s,increment_s,effective_from";
const TRUNK: &str =
    "[[trunk]]\nname = \"provider\"\nproxy = \"sip:127.0.0.1\"\ncaller_ids = [\"+74950000001\"]\n";

fn deck(folder: &Path, name: &str, lines: &str) {
    std::fs::write(folder.join(name), format!("{HEADER}\n{lines}")).unwrap();
}

/// What it says as JSON.
fn json(folder: &Path, words: &[&str]) -> Value {
    let output = callback(folder, &[words, &["--json"]].concat()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words:?}: {output:?}"))
}

#[test]
fn a_deck_is_imported_whole_with_its_difference_or_not_at_all() {
    let billing = "[billing]\ncurrency = \"RUB\"\ntime_zone = \"Europe/Moscow\"\n";
    let folder = folder("127.72.0.1", &format!("{billing}{TRUNK}"));
    let at = folder.path();
    deck(at, "one.csv", "7,Russia,1.5,0,60,60,2026-01-01\n7916,Mobile,2,0.1,1,1,2026-01-01\n");
    deck(at, "two.csv", "7,Russia,1.6,0,60,60,2026-01-01\n49,Germany,3,0,1,1,2026-02-01\n");
    deck(at, "wrong.csv", "7,Russia,1.5,0,60,60,2026-01-01\n7916,Mobile,2.0000001,0,0,0,2026-01-01\n");
    let import = |file: &str, more: &[&str], code, out: &str, err: &str| {
        let words = [&["deck", "import", file, "--trunk", "provider"], more].concat();
        check(at, &words, code, out, err);
    };
    let first = "+ 7 Russia from 2026-01-01: 1.500000 a minute, 0.000000 for the answer, 60/60\n\
                 + 7916 Mobile from 2026-01-01: 2.000000 a minute, 0.100000 for the answer, 1/1\n";
    let would = "deck of provider in RUB: version 1 would be in force, 2 rates, 2 of them changed\n";
    import("one.csv", &["--dry-run"], 0, &format!("{first}{would}"), "");
    let is = "deck of provider in RUB: version 1 is in force, 2 rates, 2 of them changed\n";
    import("one.csv", &[], 0, &format!("{first}{is}"), "");
    let wrong = "line 3, column 3 (rate_per_minute): \"2.0000001\": at most 6 digits after the point\n";
    import("wrong.csv", &[], 1, "", wrong);
    let second = "+ 49 Germany from 2026-02-01: 3.000000 a minute, 0.000000 for the answer, 1/1\n\
                  ~ 7 Russia from 2026-01-01: 1.500000 a minute, 0.000000 for the answer, 60/60 -> 1.600000 a minute, \
                  0.000000 for the answer, 60/60\n\
                  - 7916 Mobile from 2026-01-01: 2.000000 a minute, 0.100000 for the answer, 1/1\n\
                  deck of provider in RUB: version 2 is in force, 2 rates, 3 of them changed\n";
    import("two.csv", &[], 0, second, "");
    let same = json(at, &["deck", "import", "two.csv", "--trunk", "provider", "--dry-run"]);
    assert_eq!(
        (&same["version"], &same["changes"], &same["rates"]),
        (&3.into(), &Value::Array(vec![]), &2.into())
    );
    let words = ["deck", "import", "one.csv", "--trunk", "provoder"];
    check(at, &words, 1, "", "there is no trunk \"provoder\" in the configuration\n");
}

#[test]
fn a_payment_is_booked_once_however_often_it_is_told() {
    let folder = folder("127.72.0.2", "[billing]\ncurrency = \"RUB\"\n");
    let at = folder.path();
    callback(at, &["apply", "settings.toml"]).output().unwrap();
    let key = "0198f0a0-0000-7000-8000-000000000001";
    let pay = |amount: &str, code, out: &str, err: &str| {
        let words = ["top-up", "owner@romashka.example", amount, "--key", key, "--note", "invoice 12"];
        check(at, &words, code, out, err);
    };
    let balance = "balance: 150.500000 RUB, of which 0.000000 are reserved\n";
    pay("150.50", 0, &format!("payment {key}: 150.500000 RUB booked\n{balance}"), "");
    pay("150.50", 0, &format!("payment {key}: 150.500000 RUB was booked before\n{balance}"), "");
    pay("151", 1, "", "this was booked before, with other inputs\n");
    let by_number = json(at, &["top-up", "4001-0", "0.000001"]);
    assert_eq!((&by_number["balance"], &by_number["booked"]), (&"150.500001".into(), &true.into()));
    check(
        at,
        &["top-up", "4001-0", "0"],
        1,
        "",
        "not an amount that can be booked: 0.000001 to 1000000000.000000\n",
    );
    check(
        at,
        &["top-up", "nobody", "1"],
        1,
        "",
        "there is no customer \"nobody\": write a number like 4071-8, or an address\n",
    );
    check(at, &["credit", "4001-0", "500"], 0, "4001-0 may owe 500.000000 RUB\n", "");
    check(at, &["ledger", "check"], 0, "2 transfers, 2 accounts: the books agree\n", "");
    let markup =
        json(at, &["markup", "set", "--percent", "12.5", "--per-minute", "0.5", "--customer", "4001-0"]);
    assert_eq!((&markup["markup"]["version"], &markup["markup"]["percent"]), (&1.into(), &"12.5".into()));
    let unknown = format!("there is no order {key} in this database\n");
    check(at, &["bill", key], 1, "", &unknown);
}

#[test]
fn books_that_do_not_agree_are_told() {
    let folder = folder("127.72.0.3", "[billing]\ncurrency = \"RUB\"\n");
    let at = folder.path();
    callback(at, &["apply", "settings.toml"]).output().unwrap();
    callback(at, &["top-up", "4001-0", "10"]).output().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{Connection as _, Executor as _};
        let url = format!("sqlite://{}", at.join("callback.db").display());
        let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let steal = "UPDATE balances SET posted = posted + 1 WHERE account LIKE 'customer/%'";
        database.execute(steal).await.unwrap();
    });
    let output = callback(at, &["ledger", "check"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("10.000001 posted and 0.000000 reserved are kept, 10.000000 and 0.000000 are made"),
        "{said}"
    );
    assert!(said.contains("all balances in RUB add up to 1 millionths, not to 0"), "{said}");
}

#[test]
fn without_a_currency_nothing_is_charged() {
    let folder = folder("127.72.0.4", TRUNK);
    callback(folder.path(), &["apply", "settings.toml"]).output().unwrap();
    let problem = "calls are not charged here: name a currency in billing.currency\n";
    check(folder.path(), &["top-up", "4001-0", "1"], 1, "", problem);
    check(folder.path(), &["markup", "set", "--percent", "1"], 1, "", problem);
    check(folder.path(), &["ledger", "check"], 0, "0 transfers, 0 accounts: the books agree\n", "");
}
