//! `kill -9` while missed calls are told: a service of its own process, killed twenty times at drawn steps of an order's
//! way from the page into the mail server.

use super::server::Server;
use super::{Post, post};
use crate::stage::{LIMIT, LOCAL, Network, ORIGIN, body, found, managers};
use crate::world::World;
use callback::config::MailSecurity;
use callback::settings::SettingsFile;
use callback::store::Store;
use callback_core::time::Ts;
use reqwest::StatusCode;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

const KILLS: usize = 20;
/// One for each.
const ORDERS: usize = KILLS;

/// After which step the service is killed.
const STEPS: [&str; 5] = ["stored", "dialled", "ended", "recipient", "letter"];

/// Splitmix64 (Steele, Lea, Flood 2014): the next number below a bound.
fn drawn(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % bound
}

/// Whom the n-th order rings: he is busy.
fn manager(n: usize) -> String {
    format!("+7495123{n:04}")
}

/// A service in a folder, with its configuration there.
struct Killed {
    world: World,
    http: u16,
}

impl Killed {
    fn new(network: &Network, server: &Server) -> Self {
        let world = World::lite();
        let tcp = || TcpListener::bind((LOCAL, 0)).unwrap().local_addr().unwrap().port();
        let (http, metrics) = (tcp(), tcp());
        let sip = UdpSocket::bind((LOCAL, 0)).unwrap().local_addr().unwrap().port();
        let config = format!(
            "[http]\nlisten = \"127.0.0.1:{http}\"\nmetrics_listen = \"127.0.0.1:{metrics}\"\n\
             public_url = \"http://127.0.0.1:{http}\"\n[database]\nurl = \"{}\"\n\
             [sip]\nlisten = [\"udp://127.0.0.1:{sip}\"]\n\
             [[trunk]]\nname = \"provider\"\nproxy = \"sip:{};transport=udp\"\ncaller_ids = [\"+74950000001\"]\n\
             [media]\naddress = \"127.0.0.1\"\nports = \"37000-37199\"\n[speech]\nvoice = \"none\"\n\
             [limits]\norders_per_ip_10min = 1000\norders_per_ip_hour = 1000\n\
             [mail]\nserver = \"localhost:{}\"\nsecurity = \"none\"\nfrom = \"noreply@callback.example\"\n",
            world.url, network.proxy, server.port
        );
        std::fs::write(world.folder.path().join("callback.toml"), config).unwrap();
        Self { world, http }
    }

    /// Starts it, and waits until it is ready; it goes with this process.
    async fn start(&self) -> Child {
        let mut service = Command::new("setpriv");
        service.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_callback"), "serve"]);
        service.current_dir(self.world.folder.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut service = service.spawn().unwrap();
        let mut log = BufReader::new(service.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let ready = async {
            while let Some(line) = log.next_line().await.unwrap() {
                said.push_str(&line);
                if line.contains("ready") {
                    return true;
                }
            }
            false
        };
        assert_eq!(timeout(LIMIT, ready).await, Ok(true), "it does not start: {said}");
        // What it says from here on is read and forgotten: a log that nobody reads stands still.
        tokio::spawn(async move { while log.next_line().await.is_ok_and(|line| line.is_some()) {} });
        service
    }

    async fn order(&self, n: usize, order: Uuid) {
        let url = format!("http://127.0.0.1:{}/w/v1/site{n}/orders", self.http);
        let phone = format!("+7916555{n:04}");
        let ordered = reqwest::Client::new().post(url).header("Origin", ORIGIN);
        let ordered = ordered.body(body(order, &phone).to_string()).send().await.unwrap();
        assert_eq!(ordered.status(), StatusCode::ACCEPTED);
    }
}

/// Delivers what is left, without waiting for any back-off.
async fn deliver(store: &Store, post: &Post) {
    while let Some(next) = store.next_letter().await.unwrap() {
        post.try_one(store, next).await.unwrap();
    }
}

#[test]
fn a_missed_call_is_mailed_once_through_kills_at_drawn_moments() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut network = Network::start(&[]).await;
        let mut server = Server::answers(&["250 OK"]).await;
        let killed = Killed::new(&network, &server);
        let store = killed.world.open().await;
        // A site and a manager for each order: a telephone that a dead process rang is held for a while.
        let site = |n| {
            format!(
                "[[customer.site]]\nkey = \"site{n}\"\nurl = \"{ORIGIN}\"\nmode = \"manager_first\"\nrounds = 1\n{}",
                managers(&[&manager(n)])
            )
        };
        let sites: String = (1..=KILLS).map(site).collect();
        let settings = format!(
            "[[customer]]\nname = \"Shop\"\nemail = \"owner@shop.example\"\n\
             missed_emails = [\"leads@shop.example\"]\n{sites}"
        );
        store
            .apply(Arc::new(SettingsFile::parse(&settings).unwrap()), "test", Ts(0), false)
            .await
            .unwrap();
        store.close().await.unwrap();

        let (mut dice, mut heard, mut killed_after) = (6, Vec::new(), BTreeMap::<&str, u32>::new());
        for n in 1..=KILLS {
            let order = Uuid::from_u128(n.try_into().unwrap());
            let step = STEPS[usize::try_from(drawn(&mut dice, STEPS.len() as u64)).unwrap()];
            let mut service = killed.start().await;
            killed.order(n, order).await;
            match step {
                "stored" => {}
                "dialled" => network.sees(&format!("{} called", manager(n))).await,
                "ended" => network.sees(&format!("{} down", manager(n))).await,
                report => loop {
                    let told = server.any().await;
                    let is_it = told["event"] == report;
                    heard.push(told);
                    if is_it {
                        break;
                    }
                },
            }
            service.kill().await.unwrap();
            *killed_after.entry(step).or_default() += 1;
        }

        // One more ends what was left, and is killed as well.
        let mut service = killed.start().await;
        let store = killed.world.open().await;
        found("the end of all calls", async || {
            let journal = store.journal(99, None).await.unwrap();
            (journal.len() == ORDERS && journal.iter().all(|line| line.record.is_some())).then_some(())
        })
        .await;
        service.kill().await.unwrap();
        deliver(&store, &post(&server.mail(MailSecurity::None))).await;
        let rows = store.letters(99).await.unwrap();
        heard.extend(server.end().await);

        assert_eq!(rows.len(), ORDERS, "one letter for each order");
        assert!(rows.iter().all(|row| row.sent_at.is_some()), "{rows:?}");
        let arrived: Vec<&Value> = heard.iter().filter(|report| report["event"] == "letter").collect();
        let calls: BTreeSet<_> = arrived
            .iter()
            .map(|letter| letter["body"].as_str().unwrap().split("/calls/").nth(1).unwrap().lines().next())
            .collect();
        let ids: BTreeSet<_> = arrived.iter().map(|letter| letter["id"].to_string()).collect();
        assert_eq!((calls.len(), ids.len()), (ORDERS, ORDERS), "each order is told, under one id");
        // A mail server that has a letter, and whose client is killed before that is written down, is given it again
        // under the same id: at most once for each kill.
        let again = arrived.len() - ids.len();
        println!("killed after {killed_after:?}; {again} letters came again under their id");
        assert!(again <= KILLS, "{again}");
    });
}
