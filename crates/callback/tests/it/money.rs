//! Money, as the operator and a whole call see it.

use crate::cli::{callback, check, folder};
use crate::stage::{ANNA, BORIS, Does, Network, ORIGIN, Stage, VERA, VISITOR, body, found, last, managers};
use crate::world::{World, on_both};
use callback::config::Billing;
use callback::ids::CustomerId;
use callback::store::{Claimant, DeckFile, Fact, Hold, NewOrder, OrderFacts, Store, StoredIntent};
use callback_core::billing::WhenOut;
use callback_core::flow::{Input, Intent, LegEvent, Past};
use callback_core::id::OrderId;
use callback_core::ledger::{Booking, What};
use callback_core::money::{Currency, Micros};
use callback_core::plan::{Callee, Seat};
use callback_core::rating::charge::Markup;
use callback_core::record::{CallRecord, Cause, Disposition, EndedBy, LegRecord, NotCalled, Outcome};
use callback_core::time::Ts;
use reqwest::StatusCode;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

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
    // Half of it goes back, and then the rest, once each.
    let back = "0198f0a0-0000-7000-8000-000000000002";
    let half = ["refund", key, "75.25", "--key", back];
    let left = "balance: 75.250001 RUB, of which 0.000000 are reserved\n";
    check(at, &half, 0, &format!("refund {back}: 75.250000 RUB of payment {key} booked\n{left}"), "");
    check(
        at,
        &half,
        0,
        &format!("refund {back}: 75.250000 RUB of payment {key} was booked before\n{left}"),
        "",
    );
    check(at, &["refund", key, "76"], 1, "", "only 75.250000 of it is left\n");
    let rest = json(at, &["refund", key]);
    assert_eq!((&rest["amount"], &rest["balance"]), (&"75.250000".into(), &"0.000001".into()));
    check(at, &["refund", back], 1, "", &format!("there is no payment {back} in the books\n"));
    check(at, &["ledger", "check"], 0, "4 transfers, 2 accounts: the books agree\n", "");
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

#[test]
fn check_tells_of_a_trunk_without_a_deck() {
    let folder = folder("127.72.0.5", &format!("[billing]\ncurrency = \"RUB\"\n{TRUNK}"));
    let found = || {
        let report = json(folder.path(), &["check"]);
        let findings = report["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|one| one["what"] == "trunk \"provider\" deck in RUB").unwrap()["problem"]
            .clone()
    };
    assert_eq!(found(), "there is none, and without it nothing is called: callback deck import");
    deck(folder.path(), "one.csv", BY_THE_SECOND);
    callback(folder.path(), &["deck", "import", "one.csv", "--trunk", "provider"]).output().unwrap();
    assert_eq!(found(), Value::Null);
}

fn shop(site: &str) -> String {
    format!(
        "[[customer]]\nname = \"Shop\"\nemail = \"owner@shop.example\"\ntime_zone = \"Europe/Moscow\"\n\
         missed_emails = [\"leads@shop.example\"]\n[[customer.site]]\nkey = \"demo\"\nurl = \"{ORIGIN}\"\n{site}"
    )
}

/// A charged stage: a rouble a second and half a one for each answer, and a tenth on top.
pub(crate) struct Charged {
    pub(crate) stage: Stage,
    pub(crate) store: Store,
    customer: CustomerId,
}

impl Charged {
    pub(crate) async fn new(world: World, network: &Network, site: &str, lines: &str) -> Self {
        Self::of(world, network, shop(site), lines, (WhenOut::Finish, 60)).await
    }

    /// With what becomes of a talk without money, and how many seconds ahead it is paid.
    async fn of(
        world: World,
        network: &Network,
        settings: String,
        lines: &str,
        (when_out, warn_s): (WhenOut, u64),
    ) -> Self {
        let mut stage = Stage::of(world, network, settings, None).await;
        stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
        stage.billing = Some(Billing {
            currency: roubles(),
            time_zone: "Europe/Moscow".to_owned(),
            when_out,
            warn: Duration::from_secs(warn_s),
            dearest_minute: None,
        });
        stage.start().await;
        let store = stage.world.open().await;
        let customer = store.customer_named("owner@shop.example").await.unwrap().unwrap();
        let file = format!("{HEADER}\n{lines}").into_bytes();
        let time_zone = "Europe/Moscow".to_owned();
        let deck = DeckFile { trunk: "provider".into(), currency: roubles(), time_zone, file };
        store.import_deck(deck, Ts(0)).await.unwrap();
        let markup = Markup { percent: "10".parse().unwrap(), ..Markup::default() };
        store.set_markup(None, roubles(), markup, Ts(0)).await.unwrap();
        Self { stage, store, customer }
    }

    pub(crate) async fn pays(&self, amount: i64) {
        let what = What::TopUp { payment: Uuid::new_v4(), amount: Micros(amount * 1_000_000) };
        let booking = Booking { customer: self.customer, currency: roubles(), what };
        self.store.book(booking, None, Ts(1)).await.unwrap();
    }

    async fn balance(&self) -> (i64, i64) {
        let balance = self.store.purse(self.customer, roubles()).await.unwrap().balance;
        (balance.posted.0, balance.reserved.0)
    }

    pub(crate) async fn books_agree(&self) {
        assert_eq!(self.store.check_ledger().await.unwrap().wrong, vec![]);
    }

    /// What `callback bill` says.
    fn bill(&self, order: Uuid) -> (String, Value) {
        let at = self.stage.world.folder.path();
        let config = format!("[database]\nurl = \"{}\"\n", self.stage.world.url);
        std::fs::write(at.join("callback.toml"), config).unwrap();
        let words = ["bill", &order.to_string()];
        let output = callback(at, &words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        (String::from_utf8(output.stdout).unwrap(), json(at, &words))
    }
}

fn roubles() -> Currency {
    "RUB".parse().unwrap()
}

pub(crate) const BY_THE_SECOND: &str = "7,Russia,60,0.5,1,1,2020-01-01\n";

/// What the legs of a record are charged by that deck and a tenth on top of it, in millionths.
fn expected(record: &CallRecord) -> i64 {
    let price = |leg: &LegRecord| {
        let answered = leg.times.answered_at?;
        let micros = leg.times.ended_at.unwrap_or(record.finished_at).since(answered).as_micros();
        let seconds = i64::try_from(micros.div_ceil(1_000_000).max(1)).unwrap();
        Some(seconds * 1_100_000 + 550_000)
    };
    record.legs.iter().filter_map(price).sum()
}

#[test]
fn a_call_is_charged_what_its_legs_took_and_explained() {
    on_both(async |world| {
        let numbers = [(ANNA, Does::IsBusy), (BORIS, Does::Answers), (VISITOR, Does::Talks(1_200))];
        let mut network = Network::start(&numbers).await;
        let charged = Charged::new(world, &network, &managers(&[ANNA, BORIS]), BY_THE_SECOND).await;
        charged.pays(300).await;
        let id = Uuid::new_v4();
        charged.stage.order(id).await;
        network.sees(&format!("{VISITOR} answered")).await;
        // Two legs of two minutes are held from before the first dial on.
        let held = charged.store.call_money(OrderId(id)).await.unwrap().unwrap().reserved();
        assert_eq!(held, (Micros(2 * (120 * 1_100_000 + 550_000)), 1));
        let record = charged.stage.record(id).await;
        assert_eq!(record.disposition.keys(), ("connected", None));
        assert_eq!(record.legs.iter().filter(|leg| leg.times.answered_at.is_some()).count(), 2);
        let price = expected(&record);
        assert_eq!(charged.balance().await, (300_000_000 - price, 0));
        charged.books_agree().await;
        let (said, bill) = charged.bill(id);
        println!("{said}");
        assert_eq!(bill["price"], Micros(price).to_string());
        assert_eq!((&bill["paid"], &bill["is_over"]), (&bill["price"], &true.into()));
        let legs = bill["legs"].as_array().unwrap();
        assert!(legs.len() == 2 && legs.iter().all(|leg| leg["charge"]["agrees"] == true), "{bill}");
        assert!(said.contains("prefix 7 Russia: 60.000000 a minute, 0.500000 for the answer, 1/1"), "{said}");
        assert!(said.contains("made again, it is the same"), "{said}");
    });
}

#[test]
fn without_money_nobody_is_rung_and_the_lead_is_told_of() {
    on_both(async |world| {
        let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Answers)]).await;
        let charged = Charged::new(world, &network, &managers(&[ANNA]), BY_THE_SECOND).await;
        charged.pays(265).await;
        let id = Uuid::new_v4();
        charged.stage.order(id).await;
        assert_eq!(last(&charged.stage.states(id).await), ("not_called", "no_funds"));
        let file = charged.store.call(OrderId(id)).await.unwrap().unwrap();
        let record = file.record.expect("the lead is kept");
        assert_eq!(record.disposition, Disposition::NotCalled(NotCalled::NoFunds));
        assert_eq!((file.intents, file.plan), (vec![], None));
        let letters = charged.store.letters(9).await.unwrap();
        let told: Vec<_> = letters.iter().map(|row| row.letter.email.as_str()).collect();
        assert_eq!(told, ["leads@shop.example"]);
        assert_eq!(charged.balance().await, (265_000_000, 0));
        let (said, _) = charged.bill(id);
        assert_eq!(said, format!("order {id}: it is not charged\n"));
        assert!(network.seen.try_recv().is_err(), "somebody was called");
        // He pays what was missing, and the next order is called.
        charged.pays(1).await;
        network.does(VISITOR, Does::Talks(1_100));
        let next = Uuid::new_v4();
        charged.stage.order(next).await;
        network.sees(&format!("{VISITOR} answered")).await;
        charged.stage.record(next).await;
        charged.books_agree().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_without_a_rate_is_not_dialled() {
    let numbers = [(ANNA, Does::Answers), (BORIS, Does::Answers), (VISITOR, Does::Talks(1_100))];
    let mut network = Network::start(&numbers).await;
    let lines = "7916,Mobile,0.6,0,60,60,2020-01-01\n74951234502,Boris,0,0,1,1,2020-01-01\n";
    let charged = Charged::new(World::lite(), &network, &managers(&[ANNA, BORIS]), lines).await;
    charged.pays(2).await;
    let id = Uuid::new_v4();
    charged.stage.order(id).await;
    network.sees(&format!("{BORIS} called")).await;
    let record = charged.stage.record(id).await;
    let anna = &record.legs[0];
    assert_eq!((anna.outcome, anna.ended), (Outcome::NotSent, Some((Cause::RefusedNumber, EndedBy::Us))));
    assert_eq!(charged.balance().await, (2_000_000 - 660_000, 0));
    charged.books_agree().await;
}

/// A talk is paid almost two minutes ahead, so that it asks for more at once: whether there is more, or it is to be cut,
/// or goes on without.
#[tokio::test(flavor = "multi_thread")]
async fn a_talk_asks_for_money_before_what_it_holds_is_spent() {
    let check = async |money: i64, when_out, bookings: u16, limits: usize| {
        let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(2_500))]).await;
        let settings = shop(&managers(&[ANNA]));
        let policy = (when_out, 119);
        let charged = Charged::of(World::lite(), &network, settings, BY_THE_SECOND, policy).await;
        charged.pays(money).await;
        let id = Uuid::new_v4();
        charged.stage.order(id).await;
        network.sees(&format!("{VISITOR} down")).await;
        let record = charged.stage.record(id).await;
        let price = expected(&record);
        let held = charged.store.call_money(OrderId(id)).await.unwrap().unwrap().reserved();
        assert_eq!(held.1, bookings, "{money} {when_out:?}");
        let file = charged.store.call(OrderId(id)).await.unwrap().unwrap();
        let told = file.processes.iter().flat_map(|process| &process.inputs);
        let told: Vec<_> = told.filter(|(_, input)| matches!(input, Input::TalkLimit(_))).collect();
        assert_eq!(told.len(), limits, "{told:?}");
        for (at, limit) in told {
            let Input::TalkLimit(limit) = limit else { continue };
            let answered = record.legs.iter().filter_map(|leg| leg.times.answered_at).min().unwrap();
            let bridged = record.talk.unwrap().from;
            // Two seconds before what is held ends, by the clock of the task that carried the answer.
            let off = (answered + Duration::from_secs(118)).0 - (bridged + *limit).0;
            assert!(off.abs() < 5_000_000 && *at > bridged, "{off} {limit:?}");
        }
        assert_eq!(charged.balance().await, (money * 1_000_000 - price, 0));
        charged.books_agree().await;
    };
    check(1_000, WhenOut::Cut, 2, 0).await;
    check(300, WhenOut::Cut, 1, 1).await;
    check(300, WhenOut::Finish, 1, 0).await;
}

/// A balance for three calls, and many visitors at once, whose telephones nobody answers: three are called, and the rest
/// are leads.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_orders_at_once_as_many_are_called_as_there_is_money_for() {
    let numbers = [(ANNA, Does::Rings), (BORIS, Does::Rings), (VERA, Does::Rings)];
    let network = Network::start(&numbers).await;
    let site = format!("mode = \"manager_first\"\n{}", managers(&[ANNA, BORIS, VERA]));
    let charged = Charged::new(World::lite(), &network, &site, BY_THE_SECOND).await;
    charged.pays(3 * 266).await;
    let ids: Vec<_> = (0..20).map(|_| Uuid::new_v4()).collect();
    let ordered = ids.iter().zip(10..).map(async |(id, n)| {
        let order = body(*id, &format!("+791612345{n}"));
        assert_eq!(charged.stage.post("/orders", &order).await.status(), StatusCode::ACCEPTED);
    });
    futures_util::future::join_all(ordered).await;
    let called = found("what becomes of all", async || {
        let (mut called, mut leads) = (Vec::new(), 0);
        for id in &ids {
            let file = charged.store.call(OrderId(*id)).await.unwrap().unwrap();
            match file.record {
                Some(record) => {
                    assert_eq!(record.disposition, Disposition::NotCalled(NotCalled::NoFunds));
                    leads += 1;
                }
                None if file.plan.is_some() => called.push(*id),
                None => {}
            }
        }
        (called.len() + leads == ids.len()).then_some(called)
    })
    .await;
    assert_eq!((called.len(), charged.balance().await.1), (3, 3 * 265_100_000));
    for id in called {
        charged.stage.post(&format!("/orders/{id}/cancel"), &serde_json::json!({})).await;
        charged.stage.record(id).await;
    }
    assert_eq!(charged.balance().await, (3 * 266_000_000, 0));
    charged.books_agree().await;
}

/// A process dies in the middle of a talk; the next one ends the call by what was stored, and pays it with its record.
#[test]
fn a_dead_process_s_reservation_is_settled_with_its_call_s_record() {
    on_both(async |world| {
        let mut network = Network::start(&[(ANNA, Does::Answers), (VISITOR, Does::Talks(1_100))]).await;
        let mut charged = Charged::new(world, &network, &managers(&[ANNA]), BY_THE_SECOND).await;
        charged.pays(1_000).await;
        let whole = Uuid::new_v4();
        charged.stage.order(whole).await;
        network.sees(&format!("{VISITOR} answered")).await;
        charged.stage.record(whole).await;
        charged.stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
        let (before, _) = charged.balance().await;
        let file = charged.store.call(OrderId(whole)).await.unwrap().unwrap();
        let money = charged.store.call_money(OrderId(whole)).await.unwrap().unwrap();

        let now = Ts(jiff::Timestamp::now().as_microsecond()) - Duration::from_secs(100);
        let at = |seconds| now + Duration::from_secs(seconds);
        let order = OrderId(Uuid::new_v4());
        let facts = OrderFacts { id: order, accepted_at: now, ..file.order.facts.clone() };
        let phone = file.order.phone.clone();
        let accepted =
            NewOrder { phone, run_at: now, refused: None, pretence: Duration::ZERO, caps: None, facts };
        charged.store.accept(accepted).await.unwrap();
        let by = Claimant { owner: Uuid::new_v4(), limit: 1, room: 1, guarded: false };
        let claimed = charged.store.claim(by, Hold::at(now, Duration::from_secs(15))).await.unwrap();
        let fence = claimed[0].fence;
        let mut plan = (*file.plan.unwrap()).clone();
        plan.order = order;
        plan.accepted_at = now;
        let what = What::Reserve { call: order, nth: 0, amount: Micros(265_300_000), expires_at: at(600) };
        let reservation = Booking { customer: charged.customer, currency: roubles(), what };
        let dial = |stored: &StoredIntent| Fact::Intent {
            intent: Intent { at: now, ..stored.intent },
            telephone: None,
            dialog: stored.dialog.clone(),
        };
        let leg = |callee| file.intents.iter().find(|stored| stored.intent.callee == callee).unwrap();
        let (manager, visitor) = (leg(Callee::Manager(Seat(0))), leg(Callee::Visitor));
        let input = |seq, seconds, stored: &StoredIntent, event| Fact::Input {
            seq,
            at: at(seconds),
            input: Input::Leg(stored.intent.leg, event),
        };
        let told = vec![
            Fact::Booked(Box::new(reservation), now),
            Fact::Terms(Box::new(money.terms)),
            Fact::Began { at: now, plan: Arc::new(plan), past: Past::default() },
            dial(manager),
            dial(visitor),
            input(0, 1, manager, LegEvent::Sent),
            input(1, 2, visitor, LegEvent::Sent),
            input(2, 3, visitor, LegEvent::Answered),
            input(3, 4, manager, LegEvent::Answered),
            input(4, 10, visitor, LegEvent::Digit('5')),
        ];
        charged.store.write(fence, told).await.unwrap();
        assert_eq!(charged.balance().await, (before, 265_300_000));

        charged.stage.start().await;
        let record = charged.stage.record(order.0).await;
        println!("{record:?}");
        let price = expected(&record);
        assert!(price >= 2 * 7 * 1_100_000, "{price}");
        assert_eq!(charged.balance().await, (before - price, 0));
        charged.books_agree().await;
        println!("{}", charged.bill(order.0).0);
    });
}
