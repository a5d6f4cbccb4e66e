use super::{MORNING, at, by, held, key, order, order_id, plan, romashka};
use crate::world::{World, on_both};
use callback::store::{Error, Fact, Fence, OrderFacts, Store};
use callback_core::flow::{Detail, HangupReason, Input, Intent, IntentEnd, LegEvent, Past, VisitorState};
use callback_core::id::LegId;
use callback_core::plan::{Callee, Seat};
use callback_core::record::{
    CallRecord, Cause, Disposition, EndedBy, LegRecord, LegTimes, ManagerFault, Outcome,
};
use serde_json::json;
use std::time::Duration;

/// A store with an order that the first process has.
async fn served(world: &World) -> (Store, Fence) {
    let (store, site) = romashka(world).await;
    store.accept(order(&site, 1, "+79161234567", 0)).await.unwrap();
    let claimed = store.claim(by(1, 1), held(at(0))).await.unwrap();
    (store, claimed[0].fence)
}

fn intent(leg: u16, callee: Callee, seconds: u64) -> Intent {
    let round = if callee == Callee::Visitor { 0 } else { 1 };
    Intent { leg: LegId(leg), callee, round, at: at(seconds), end: IntentEnd::Unknown }
}

fn input(seq: u32, seconds: u64, input: Input) -> Fact {
    Fact::Input { seq, at: at(seconds), input }
}

fn record(disposition: Disposition) -> CallRecord {
    let leg = LegRecord {
        leg: LegId(1),
        callee: Callee::Manager(Seat(0)),
        round: 1,
        outcome: Outcome::Failed,
        times: LegTimes { dialled_at: at(1), ended_at: Some(at(20)), ..LegTimes::default() },
        hangup: Some(HangupReason::NoAnswer),
        ended: Some((Cause::Sip(487), EndedBy::Us)),
    };
    CallRecord {
        order: order_id(1),
        settings_version: 1,
        disposition,
        started_at: at(0),
        ended_at: at(20),
        finished_at: at(21),
        talk: None,
        stop_requested: false,
        legs: vec![leg],
    }
}

const ALL_FAILED: Disposition = Disposition::ManagerNoAnswer(ManagerFault::AllFailed);

#[test]
fn a_call_is_told_as_it_was() {
    on_both(async |world| {
        let (store, fence) = served(&world).await;
        let detail =
            Detail { trying: Some(1), of: 1, talk: Some(Duration::from_millis(1_500)), ..Detail::default() };
        let began = Fact::Began { at: at(1), plan: plan(fence.order), past: Past::default() };
        let dialled = intent(1, Callee::Manager(Seat(0)), 1);
        let inputs = [
            Input::Leg(LegId(1), LegEvent::Sent),
            Input::Leg(LegId(1), LegEvent::Digit('#')),
            Input::Timeout,
        ];
        store
            .write(fence, vec![began, Fact::Intent { intent: dialled, telephone: None, dialog: None }])
            .await
            .unwrap();
        for (seq, fed) in (1_u32..).zip(inputs) {
            store.write(fence, vec![input(seq, u64::from(seq), fed)]).behind();
        }
        store.write(fence, vec![Fact::Dialog { leg: LegId(1), dialog: json!({"call_id": "x"}) }]).behind();
        store.write(fence, vec![Fact::Shown(VisitorState::CallingManager, detail)]).behind();
        store.flush().await.unwrap();
        let row = store.order(&key("demo"), fence.order).await.unwrap().unwrap();
        assert_eq!((row.state, row.detail), (VisitorState::CallingManager, detail));

        let failed = IntentEnd::Failed(at(20));
        store
            .write(
                fence,
                vec![
                    Fact::Ended { at: at(20), disposition: ALL_FAILED },
                    Fact::Shown(
                        VisitorState::Ended(ALL_FAILED),
                        Detail { cause: Some(Cause::Sip(480)), ..detail },
                    ),
                    Fact::IntentEnd { leg: LegId(1), down_at: Some(at(20)), end: failed },
                    input(4, 20, Input::Leg(LegId(1), LegEvent::Ended(Cause::Sip(487), EndedBy::Us))),
                    Fact::Record(Box::new(record(ALL_FAILED)), None),
                ],
            )
            .await
            .unwrap();
        let told = store.call(fence.order).await.unwrap().unwrap();
        assert_eq!((told.site_key.as_str(), &*told.site.name), ("demo", "romashka.example"));
        assert_eq!(
            (told.order.state, told.order.detail.cause),
            (VisitorState::Ended(ALL_FAILED), Some(Cause::Sip(480)))
        );
        assert_eq!(told.plan, Some(plan(fence.order)));
        assert_eq!(told.record, Some(record(ALL_FAILED)));
        let [process] = &told.processes[..] else { panic!("one process") };
        assert_eq!(process.began, Some((at(1), Past::default())));
        assert_eq!(process.inputs.iter().map(|(_, input)| *input).collect::<Vec<_>>()[..3], inputs);
        assert_eq!(process.inputs.len(), 4);
        let [stored] = &told.intents[..] else { panic!("one dial") };
        assert_eq!(stored.intent, Intent { end: failed, ..dialled });
        assert_eq!((&stored.dialog, stored.ended_at), (&Some(json!({"call_id": "x"})), Some(at(20))));
        assert_eq!(store.call(order_id(9)).await.unwrap(), None);
        assert_eq!(store.renew(vec![fence], held(at(99))).await.unwrap(), [fence], "all is over");
    });
}

#[test]
fn the_next_process_knows_what_the_last_one_dialled() {
    on_both(async |world| {
        let (store, fence) = served(&world).await;
        let anna = intent(1, Callee::Manager(Seat(0)), 1);
        let boris = intent(2, Callee::Manager(Seat(1)), 16);
        store
            .write(
                fence,
                vec![
                    Fact::Began { at: at(1), plan: plan(fence.order), past: Past::default() },
                    Fact::Intent { intent: anna, telephone: None, dialog: Some(json!({"call_id": "a"})) },
                    Fact::IntentEnd { leg: LegId(1), down_at: None, end: IntentEnd::Refused(at(15)) },
                    Fact::Intent { intent: boris, telephone: None, dialog: None },
                    Fact::Shown(VisitorState::CallingManager, Detail::default()),
                ],
            )
            .await
            .unwrap();
        drop(store);
        let next = world.open().await;
        let claimed = next.claim(by(2, 9), held(at(30))).await.unwrap();
        let [claimed] = &claimed[..] else { panic!("one order") };
        assert_eq!((claimed.fence.process, claimed.phone.to_string().as_str()), (2, "+79161234567"));
        assert_eq!(claimed.plan, Some(plan(fence.order)));
        assert_eq!(
            claimed.past(),
            Past {
                intents: vec![Intent { end: IntentEnd::Refused(at(15)), ..anna }, boris],
                shown: Some(VisitorState::CallingManager),
            }
        );
        assert_eq!(claimed.last_sign, at(0), "when it was last seen alive");
        assert_eq!(claimed.intents[0].dialog, Some(json!({"call_id": "a"})));
    });
}

#[test]
fn no_intent_is_dialled_twice() {
    on_both(async |world| {
        let (store, fence) = served(&world).await;
        let dial = |leg, callee, seconds| {
            store.write(
                fence,
                vec![Fact::Intent { intent: intent(leg, callee, seconds), telephone: None, dialog: None }],
            )
        };
        dial(1, Callee::Manager(Seat(0)), 1).await.unwrap();
        dial(1, Callee::Manager(Seat(0)), 1).await.unwrap();
        let taken = dial(1, Callee::Manager(Seat(1)), 1).await;
        assert!(matches!(taken, Err(Error::LegTaken(LegId(1)))), "{taken:?}");
        store.write(fence, vec![Fact::HandedBack]).await.unwrap();
        let next = store.claim(by(2, 1), held(at(2))).await.unwrap()[0].fence;
        let again =
            Fact::Intent { intent: intent(1, Callee::Manager(Seat(0)), 1), telephone: None, dialog: None };
        let again = store.write(next, vec![again]).await;
        assert!(matches!(again, Err(Error::LegTaken(_))), "another process's dial: {again:?}");
    });
}

#[test]
fn an_order_with_a_stored_end_never_goes_on() {
    on_both(async |world| {
        let (store, fence) = served(&world).await;
        let end = |disposition, seconds| Fact::Ended { at: at(seconds), disposition };
        store.write(fence, vec![end(ALL_FAILED, 20)]).await.unwrap();
        let late = store
            .write(
                fence,
                vec![
                    Fact::Intent { intent: intent(1, Callee::Visitor, 21), telephone: None, dialog: None },
                    input(1, 21, Input::Timeout),
                    end(Disposition::Connected, 22),
                    Fact::Shown(VisitorState::Talking, Detail::default()),
                ],
            )
            .await;
        assert!(matches!(late, Err(Error::OrderEnded)), "{late:?}");
        let told = store.call(fence.order).await.unwrap().unwrap();
        assert_eq!((told.order.state, told.order.ended_at), (VisitorState::Ended(ALL_FAILED), Some(at(20))));
        assert_eq!((told.intents.len(), told.processes[0].inputs.len()), (0, 1), "what it was told is kept");
        assert_eq!(store.claim(by(2, 9), held(at(99))).await.unwrap(), []);
        assert_eq!(store.claim_unrecorded(by(2, 9), held(at(29))).await.unwrap(), [], "its process lives");
        let orphan = store.claim_unrecorded(by(2, 9), held(at(99))).await.unwrap();
        let [orphan] = &orphan[..] else { panic!("one order") };
        store.write(orphan.fence, vec![Fact::Record(Box::new(record(ALL_FAILED)), None)]).await.unwrap();
        assert_eq!(store.claim_unrecorded(by(2, 9), held(at(999))).await.unwrap(), []);
    });
}

#[test]
fn a_record_without_an_end_ends_the_order() {
    on_both(async |world| {
        let (store, fence) = served(&world).await;
        store.write(fence, vec![Fact::Record(Box::new(record(ALL_FAILED)), None)]).await.unwrap();
        let other = Fact::Record(Box::new(record(Disposition::Connected)), None);
        store.write(fence, vec![other]).await.unwrap();
        let told = store.call(fence.order).await.unwrap().unwrap();
        assert_eq!((told.order.ended_at, told.record), (Some(at(20)), Some(record(ALL_FAILED))));
    });
}

#[test]
fn who_asks_never_to_be_called_is_not() {
    on_both(async |world| {
        let (store, fence) = served(&world).await;
        let phone = "+79161234567".parse().unwrap();
        assert!(!store.stopped(phone).await.unwrap());
        let asked = || CallRecord { stop_requested: true, ..record(Disposition::Connected) };
        store.write(fence, vec![Fact::Record(Box::new(asked()), None)]).await.unwrap();
        store.write(fence, vec![Fact::Record(Box::new(asked()), None)]).await.unwrap();
        assert!(store.stopped(phone).await.unwrap());
        assert!(!store.stopped("+79161234568".parse().unwrap()).await.unwrap());
    });
}

#[test]
fn the_journal_is_read_in_pages_the_newest_first() {
    on_both(async |world| {
        let (store, site) = romashka(&world).await;
        for n in 0..7_u32 {
            // Three of them in the same instant.
            let seconds = u64::from(n.max(4));
            store.accept(order(&site, u128::from(n), &format!("+7916123456{n}"), seconds)).await.unwrap();
        }
        store.accept(order(&site, 50, "+79161234566", 60)).await.unwrap();
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page = store.journal(3, before).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.order.facts.accepted_at, last.order.facts.id));
            assert!(page.iter().all(|line| line.site_key == key("demo") && line.record.is_none()));
            let ids = |facts: &OrderFacts| facts.id.0.as_u128();
            pages.push(page.iter().map(|line| ids(&line.order.facts)).collect::<Vec<_>>());
        }
        assert_eq!(pages, [vec![6, 5, 4], vec![3, 2, 1], vec![0]], "the joined one is not in it");
        assert!(store.journal(1, Some((MORNING, order_id(0)))).await.unwrap().is_empty());
    });
}
