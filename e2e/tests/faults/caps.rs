//! A telephone is not pestered: two days of orders for one number, told by the wall's clock of the service.

use e2e::PATIENCE;
use e2e::browser;
use e2e::fault::WallClock;
use e2e::ledger::Ledger;
use e2e::network::{Habit, Network, until};
use e2e::program::run_folder;
use e2e::service::{Service, Setup};
use e2e::stage::{self, ANNA, VISITOR, managers};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn for_two_days_a_telephone_rings_by_its_caps() {
    let folder = tempfile::tempdir_in(run_folder()).unwrap();
    let (address, far) = stage::addresses();
    // He answers and hangs up at once: there is no conversation.
    let hangs_up = Habit { stays: Some(Duration::ZERO), ..Habit::answers(VISITOR.number()) };
    let network = Network::start(far, address, vec![Habit::answers(ANNA.number()), hangs_up]).await;
    let trunks = [far];
    let site = managers(&[ANNA]);
    let mut service =
        Service::set_up(&Setup { voice: "none", ..Setup::new(folder.path(), address, &trunks, &site) });
    let clock = WallClock::new(folder.path());
    assert!(service.starts_under(&clock.under()).await);
    let mut rang_at = Vec::new();
    for half_hour in 0..96_u32 {
        clock.jumps(&format!("+{}m", half_hour * 30));
        let order = Uuid::new_v4();
        assert_eq!(browser::orders(&service.url(), order, VISITOR.number()).await, Some(202));
        let database = service.database().to_owned();
        let is_settled = async || {
            let ledger = Ledger::read(&database, order).await;
            ledger.is_ok_and(|ledger| ledger.record.is_some() || ledger.state.contains("limits"))
        };
        until(PATIENCE, "what becomes of it is settled", is_settled).await;
        if network.dials(VISITOR.number()) > rang_at.len() {
            rang_at.push(half_hour / 2);
        }
    }
    println!("    96 orders in 48 hours: rang in the hours {rang_at:?}");
    assert_eq!(rang_at, [0, 0, 24, 24], "twice in 24 hours, and no more");
}
