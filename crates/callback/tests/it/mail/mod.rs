//! Letters over real SMTP: the service's delivery, and a mail server that nobody here wrote.
//!
//! Rounds of delivery are done at given instants, so nobody waits for a back-off.

mod killed;
mod missed;
pub(crate) mod server;

use crate::cabinet::{Browser, PASSWORD, registration, stage};
use crate::stage::{Network, found};
use crate::world::{World, on_both};
use callback::config::{Credentials, Mail, MailSecurity};
use callback::mail::Post;
use callback::store::{Letter, LetterRow, Store};
use callback_core::site::Origin;
use callback_core::time::Ts;
use serde_json::{Value, json};
use server::Server;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const OWNER: &str = "klimova@romashka.example";
/// When letters are written, in µs: 2027-01-15 08:00 UTC.
const MORNING: Ts = Ts(1_800_000_000_123_456);

/// A server with this knows whom it takes letters from.
const LOGIN: [&str; 3] = ["--login", "callback", "right"];

fn at(seconds: u64) -> Ts {
    MORNING + Duration::from_secs(seconds)
}

fn letter(number: usize) -> Letter {
    Letter {
        email: format!("reader{number}@romashka.example"),
        subject: format!("Письмо №{number} — «Ромашка» 🌼"),
        body: format!(
            "Здравствуйте!\n\n.\n{}\nhttps://callback.example/confirm?token=a\n",
            "Ё".repeat(1_000)
        ),
        html: None,
    }
}

/// The service's way of letters; its cabinet is at `cabinet.example`.
fn post(mail: &Mail) -> Post {
    Post::new(mail, &Origin::parse("https://cabinet.example").unwrap()).unwrap()
}

/// The only letter of a database.
async fn only(store: &Store) -> LetterRow {
    let mut rows = store.letters(9).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

/// A process that is started, does one round, and dies; then how the letter stands:
/// `tries N, again | sent | given up: trouble`. The pause after a try is 10 s, twice as long each time, and half as long
/// again or shorter.
async fn round(world: &World, mail: &Mail, seconds: u64) -> String {
    let store = world.open().await;
    let before = only(&store).await.attempts;
    post(mail).try_one(&store, at(seconds)).await.unwrap();
    let row = only(&store).await;
    if row.attempts > before && row.sent_at.is_none() && row.given_up_at.is_none() {
        let pause = row.run_at.since(at(seconds)).as_millis();
        let usual = 10_000 << (row.attempts - 1);
        assert!((usual / 2..usual * 2).contains(&pause), "{pause} ms after {} tries", row.attempts);
    }
    store.close().await.unwrap();
    let state = match (row.sent_at, row.given_up_at) {
        (Some(_), None) => "sent".to_owned(),
        (None, Some(_)) => "given up".to_owned(),
        (None, None) => "again".to_owned(),
        (Some(_), Some(_)) => panic!("{row:?}"),
    };
    let trouble = row.trouble.map_or_else(String::new, |why| format!(": {why}"));
    format!("tries {}, {state}{trouble}", row.attempts)
}

#[test]
fn a_registrations_letter_arrives_once_and_its_link_confirms() {
    on_both(async |world| {
        let network = Network::start(&[]).await;
        let mut server = Server::answers(&["250 OK"]).await;
        let mut stage = stage(world, &network).await;
        stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
        stage.mail = Some(server.mail(MailSecurity::None));
        stage.start().await;
        let mut browser = Browser::of(&stage);
        let registered = browser.post("/register", registration("Ромашка", OWNER)).await.ok();

        server.next("recipient").await;
        let arrived = server.next("letter").await;
        assert_eq!(
            (&arrived["to"], &arrived["sender"]),
            (&json!([OWNER]), &json!("noreply@callback.example"))
        );
        assert_eq!(arrived["subject"], "Подтвердите почту для CallBack");
        let body = arrived["body"].as_str().unwrap();
        let number = registered["number"].as_str().unwrap();
        assert!(
            body.starts_with(&format!("Вы регистрируете «Ромашка». Ваш номер клиента: {number}.\n")),
            "{body}"
        );
        let (_, link) = body.split_once("http://127.0.0.1/confirm?token=").expect("a link");
        let token = link.lines().next().unwrap();
        let me = browser.post("/confirm", json!({ "token": token, "password": PASSWORD })).await.ok();
        assert_eq!(me["memberships"][0]["number"], registered["number"]);

        // The service stops when it knows what became of the letter; nobody sends it again, however late.
        stage.service.take().unwrap().close(Duration::ZERO).await.unwrap();
        let store = stage.world.open().await;
        let row = only(&store).await;
        assert_eq!(arrived["id"], format!("<{}@callback.example>", row.id));
        assert!(row.sent_at.is_some() && row.letter.body.is_empty(), "its link is not kept: {row:?}");
        let later = row.at + Duration::from_secs(86_400);
        assert_eq!(post(stage.mail.as_ref().unwrap()).try_one(&store, later).await.unwrap(), None);
        assert_eq!(server.end().await, Vec::<Value>::new());
    });
}

#[test]
fn a_letter_that_is_put_off_is_tried_again_and_arrives_once() {
    on_both(async |world| {
        let mut server = Server::answers(&["451 4.7.1 Come again", "452 4.2.2 Full", "250 OK"]).await;
        let mail = server.mail(MailSecurity::None);
        world.open().await.write_letter(letter(1), MORNING).await.unwrap();
        let greylisted = "again: transient error (451): 4.7.1 Come again";
        assert_eq!(round(&world, &mail, 0).await, format!("tries 1, {greylisted}"));
        assert_eq!(round(&world, &mail, 4).await, format!("tries 1, {greylisted}"), "not yet");
        let full = "tries 2, again: transient error (452): 4.2.2 Full";
        assert_eq!(round(&world, &mail, 20).await, full);
        assert_eq!(round(&world, &mail, 29).await, full, "twice as long");
        assert_eq!(round(&world, &mail, 60).await, "tries 3, sent");
        assert_eq!(round(&world, &mail, 9_999).await, "tries 3, sent");

        for answer in ["451 4.7.1 Come again", "452 4.2.2 Full", "250 OK"] {
            assert_eq!(server.next("recipient").await["answer"], answer);
        }
        let arrived = server.next("letter").await;
        assert_eq!(
            (&arrived["subject"], &arrived["body"]),
            (&json!(letter(1).subject), &json!(letter(1).body))
        );
        assert_eq!(server.end().await, Vec::<Value>::new());
    });
}

#[test]
fn a_letter_that_is_refused_is_given_up_and_the_outbox_says_why() {
    on_both(async |world| {
        let server = Server::answers(&["550 5.1.1 No such <mailbox>", "250 OK"]).await;
        let mail = server.mail(MailSecurity::None);
        world.open().await.write_letter(letter(1), MORNING).await.unwrap();
        let given_up = "tries 1, given up: permanent error (550): 5.1.1 No such <mailbox>";
        assert_eq!(round(&world, &mail, 0).await, given_up);
        assert_eq!(round(&world, &mail, 9_999).await, given_up);
        assert_eq!(server.end().await.len(), 1, "asked once");

        let mut stage = stage(world, &Network::start(&[]).await).await;
        let page = format!("http://{}/outbox", stage.service.as_ref().unwrap().http());
        let page = stage.browser.get(page).header("host", "127.0.0.1").send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(page.contains("permanent error (550): 5.1.1 No such &lt;mailbox&gt;"), "{page}");
        stage.service.take();
    });
}

#[test]
fn a_server_that_is_gone_loses_nothing() {
    on_both(async |world| {
        let mut server = Server::answers(&["hang up"]).await;
        let mail = server.mail(MailSecurity::None);
        world.open().await.write_letter(letter(1), MORNING).await.unwrap();
        let told = round(&world, &mail, 0).await;
        assert!(told.starts_with("tries 1, again: "), "it took the text, and did not say so: {told}");
        server.next("recipient").await;
        let port = server.port.to_string();
        assert_eq!(server.end().await, Vec::<Value>::new());
        let told = round(&world, &mail, 20).await;
        assert!(told.starts_with("tries 2, again: Connection error: "), "{told}");

        let mut server = Server::start(&["--port", &port]).await;
        assert_eq!(round(&world, &mail, 60).await, "tries 3, sent");
        server.next("recipient").await;
        assert_eq!(server.next("letter").await["body"], letter(1).body);
        assert_eq!(server.end().await, Vec::<Value>::new());
    });
}

#[test]
fn a_server_that_takes_a_letter_and_forgets_its_manners_has_it_once() {
    on_both(async |world| {
        let mut server = Server::answers(&["stand still"]).await;
        let mail = server.mail(MailSecurity::None);
        world.open().await.write_letter(letter(1), MORNING).await.unwrap();
        assert_eq!(round(&world, &mail, 0).await, "tries 1, sent");
        server.next("recipient").await;
        server.next("letter").await;
        assert_eq!(server.end().await, Vec::<Value>::new());
    });
}

#[test]
fn a_server_that_thinks_a_letter_over_for_longer_than_it_is_held_has_it_once() {
    const HELD: Duration = Duration::from_millis(300);
    on_both(async |world| {
        let mut server = Server::answers(&["think it over", "250 OK"]).await;
        let mail = server.mail(MailSecurity::None);
        let stores = [world.open().await, world.open().await];
        stores[0].write_letter(letter(1), MORNING).await.unwrap();
        let slow = post(&mail).holding(HELD);
        let meanwhile = async {
            server.next("recipient").await;
            server.next("letter").await;
            let quick = post(&mail);
            let mut held = MORNING + HELD;
            // The third hold begins after the first has run out.
            for _ in 0..4 {
                let next = found("who says that it is still being sent", async || {
                    let row = only(&stores[1]).await;
                    (row.run_at > held).then_some(row.run_at)
                })
                .await;
                // When it would have been free, another process looks for what is due.
                let due = quick.try_one(&stores[1], held).await.unwrap();
                assert!(due.is_some_and(|due| due >= next), "{due:?}");
                let row = only(&stores[1]).await;
                assert_eq!((row.attempts, row.sent_at, row.given_up_at), (1, None, None));
                held = next;
            }
            server.answer().await;
        };
        let (sent, ()) = tokio::join!(slow.try_one(&stores[0], MORNING), meanwhile);
        assert_eq!(sent.unwrap(), None, "no letter waits");
        let row = only(&stores[1]).await;
        assert!(row.sent_at.is_some_and(|sent| sent > MORNING + HELD), "{row:?}");
        assert_eq!((row.attempts, row.trouble), (1, None));
        assert_eq!(post(&mail).try_one(&stores[1], at(9_999)).await.unwrap(), None);
        assert_eq!(server.end().await, Vec::<Value>::new(), "it was brought nothing else");
    });
}

#[test]
fn two_processes_send_each_letter_once() {
    const LETTERS: usize = 20;
    on_both(async |world| {
        let server = Server::answers(&["250 OK"]).await;
        let mail = server.mail(MailSecurity::None);
        let stores = [world.open().await, world.open().await];
        for number in 0..LETTERS {
            stores[0].write_letter(letter(number), MORNING).await.unwrap();
        }
        let process = async |store: &Store| {
            let post = post(&mail);
            // What the other has at the moment is due at a later instant than this one.
            while store.next_letter().await.unwrap().is_some_and(|next| next <= MORNING) {
                post.try_one(store, MORNING).await.unwrap();
            }
        };
        tokio::join!(process(&stores[0]), process(&stores[1]));
        let reports = server.end().await;
        let letters: Vec<_> = reports.iter().filter(|report| report["event"] == "letter").collect();
        let subjects: BTreeSet<_> =
            letters.iter().map(|letter| letter["subject"].as_str().unwrap()).collect();
        assert_eq!((letters.len(), subjects.len()), (LETTERS, LETTERS));
    });
}

#[test]
fn trouble_on_the_way_gives_up_no_letter() {
    let keys = Keys::new();
    let check = async |words: &[&str], change: fn(&mut Mail), trouble: &str| {
        let world = World::lite();
        world.open().await.write_letter(letter(1), MORNING).await.unwrap();
        let server = Server::start(words).await;
        let mut mail = server.mail(MailSecurity::None);
        change(&mut mail);
        let told = round(&world, &mail, 0).await;
        assert!(told.starts_with("tries 1, again: ") && told.contains(trouble), "{words:?}: {told}");
        assert_eq!(server.end().await, Vec::<Value>::new(), "nothing was said to it");
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        check(&LOGIN, |_| {}, "permanent error (530)").await;
        check(&LOGIN, |mail| mail.credentials = Some(credentials("wrong")), "permanent error (535)").await;
        check(&[], |mail| mail.security = MailSecurity::StartTls, "internal client error: STARTTLS").await;
        let unknown = "invalid peer certificate: UnknownIssuer";
        check(&keys.words("starttls"), |mail| mail.security = MailSecurity::StartTls, unknown).await;
        check(&keys.words("wrapper"), |mail| mail.security = MailSecurity::Tls, unknown).await;
    });
}

#[test]
fn letters_leave_over_tls_with_a_password() {
    let keys = Keys::new();
    let check = async |tls: &str, security: &str, net: &str| {
        let world = World::lite();
        let now = Ts(jiff::Timestamp::now().as_microsecond());
        world.open().await.write_letter(letter(1), now).await.unwrap();
        let words = [&keys.words(tls)[..], &LOGIN].concat();
        let mut server = Server::start(&words).await;
        let config = format!(
            "[http]\nlisten = \"{net}:8080\"\nmetrics_listen = \"{net}:9090\"\n[database]\nurl = \"{}\"\n\
             [sip]\nlisten = [\"udp://{net}:5060\"]\n[media]\naddress = \"{net}\"\nports = \"20000-20003\"\n\
             [speech]\nvoice = \"none\"\n[mail]\nserver = \"localhost:{}\"\nsecurity = \"{security}\"\n\
             username = \"callback\"\npassword = \"right\"\n",
            world.url, server.port
        );
        std::fs::write(world.folder.path().join("callback.toml"), config).unwrap();
        // A process of its own, because its environment says who is believed; it goes with this one.
        let mut service = Command::new("setpriv");
        service
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_callback"), "serve"])
            .current_dir(world.folder.path())
            .env("SSL_CERT_FILE", &keys.certificate);
        let log = std::fs::File::create(world.folder.path().join("log")).unwrap();
        let mut service = service.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        assert_eq!(server.next("recipient").await["tls"], tls == "starttls");
        assert_eq!(server.next("letter").await["body"], letter(1).body);
        let store = world.open().await;
        found("that the letter left", async || only(&store).await.sent_at).await;
        service.kill().unwrap();
        service.wait().unwrap();
        assert_eq!(server.end().await, Vec::<Value>::new());
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        check("starttls", "starttls", "127.71.1.1").await;
        check("wrapper", "tls", "127.71.1.2").await;
    });
}

fn credentials(password: &str) -> Credentials {
    Credentials { username: "callback".to_owned(), password: password.to_owned().into() }
}

/// A certificate for `localhost` that nobody has heard of, and its key.
struct Keys {
    _folder: TempDir,
    certificate: String,
    key: String,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] =
            ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        openssl.args(["-config", "/dev/null", "-subj", "/CN=a mail server of a test", "-days", "2"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]);
        let made = openssl.args(["-keyout", &key, "-out", &certificate]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        Self { _folder: folder, certificate, key }
    }

    /// For `server.py`.
    fn words<'a>(&'a self, tls: &'a str) -> [&'a str; 6] {
        ["--tls", tls, "--cert", &self.certificate, "--key", &self.key]
    }
}
