//! Trunks that refuse, ask to be left alone, say little, say it late, or are not there: told in virtual time.

use super::tests::{RINGS, SILENCE, check, trunk, two_trunks};
use super::*;

/// A leg is dialled over the first trunk.
const DIALLED: &str = "
    reserve 11 +74951234567
    send 11
    told 11 Sent
    sees INVITE | at 192.0.2.9:5060
";

fn one_trunk() -> Vec<TrunkConfig> {
    vec![trunk("one", "sip:192.0.2.9", 1)]
}

#[test]
fn a_trunk_that_asks_to_be_left_alone_gets_no_call_that_another_can_take() {
    // Of two channels of the second both are taken: the first is the last resort, and takes calls again in time.
    check(
        two_trunks(),
        &format!(
            "{DIALLED}
            says 503 | tag=a | Retry-After: 60 (overloaded);duration=9
            sees ACK
            told 11 Dialog two
            sees INVITE | at 192.0.2.7:5070
            says 180 | tag=b | from 192.0.2.7:5070
            told 11 Ringing
            reserve 21 +74951234502
            send 21
            told 21 Sent
            sees INVITE | at 192.0.2.7:5070
            reserve 31 +74951234503
            send 31
            told 31 Sent
            sees INVITE | at 192.0.2.9:5060
            says 486 | tag=c
            sees ACK
            told 31 Ended Sip(486) Far
            says 486 | tag=b | to INVITE 3 | from 192.0.2.7:5070
            sees ACK
            told 21 Ended Sip(486) Far
            wait 59s
            reserve 41 +74951234504
            send 41
            told 41 Sent
            sees INVITE | at 192.0.2.7:5070
            says 486 | tag=b | from 192.0.2.7:5070
            sees ACK
            told 41 Ended Sip(486) Far
            wait 1s
            reserve 51 +74951234505
            send 51
            told 51 Sent
            sees INVITE | at 192.0.2.9:5060
            says 486 | tag=d
            sees ACK
            told 51 Ended Sip(486) Far
            says 486 | tag=b | to INVITE 2 | from 192.0.2.7:5070
            sees ACK
            told 11 Ended Sip(486) Far"
        ),
    );
}

#[test]
fn two_dead_trunks_are_a_trunks_fault_and_nothing_is_left() {
    check(
        two_trunks(),
        &format!(
            "{DIALLED}
            wait 3900ms
            ignores
            wait 100ms
            told 11 Dialog two
            finally INVITE
            wait 31s
            ignores
            told nothing
            wait 1s
            ignores
            told 11 Ended Trunk Network"
        ),
    );
    check(
        two_trunks(),
        &format!(
            "{DIALLED}
            says 503 | tag=a
            sees ACK
            told 11 Dialog two
            sees INVITE
            refused 192.0.2.7:5070
            told nothing
            refused 192.0.2.7:5070
            told 11 Ended Trunk Network"
        ),
    );
}

#[test]
fn a_trunk_that_says_100_and_nothing_more_is_waited_for_and_cancelled() {
    // No other trunk is tried: the telephone may ring behind it. How long is waited is the flow's to say.
    check(
        two_trunks(),
        &format!(
            "{DIALLED}
            says 100
            wait 23s
            sees nothing
            told nothing
            hangup 11
            sees CANCEL | at 192.0.2.9:5060
            wait 31s
            ignores
            told nothing
            wait 1s
            ignores
            told 11 Ended Silent Us"
        ),
    );
}

#[test]
fn a_trunk_that_answers_after_the_next_was_tried_makes_no_second_leg() {
    check(
        two_trunks(),
        &format!(
            "{SILENCE}
            says 200 | tag=a | sdp | to INVITE 1
            told 11 Dialog two
            sees ACK | at 192.0.2.9:5060
            sees BYE | at 192.0.2.9:5060
            says 200
            told nothing
            says 200 | tag=b | sdp | to INVITE 5 | from 192.0.2.7:5070
            sees ACK
            told 11 Answered
            told 11 Dialog two
            told 11 Connect 192.0.2.9:4000
            hangup 11
            sees BYE | at 192.0.2.9:5060
            says 200
            told 11 Ended Normal Us"
        ),
    );
}

#[test]
fn a_shut_port_is_left_for_the_next_trunk_at_once() {
    // Half a second of silence, a knock, a refusal; a second later what is left of it there is over.
    let shut = format!(
        "{DIALLED}
        wait 500ms
        sees INVITE
        refused 192.0.2.9:5060
        told 11 Dialog two
        sees INVITE | at 192.0.2.7:5070
        says 180 | tag=b | from 192.0.2.7:5070
        told 11 Ringing"
    );
    check(
        two_trunks(),
        &format!(
            "{shut}
            refused 192.0.2.9:5060
            refused 192.0.2.9:5060
            wait 4s
            sees nothing
            reserve 21 +74951234502
            send 21
            told 21 Sent
            sees INVITE | at 192.0.2.7:5070
            says 486 | tag=c | from 192.0.2.7:5070
            sees ACK
            told 21 Ended Sip(486) Far
            says 486 | tag=b | to INVITE 3 | from 192.0.2.7:5070
            sees ACK
            told 11 Ended Sip(486) Far"
        ),
    );
    // Somebody is there all the same, and rings: he is cancelled at once.
    check(
        two_trunks(),
        &format!(
            "{shut}
            says 180 | tag=a | to INVITE 1
            sees CANCEL | at 192.0.2.9:5060
            says 200
            says 487 | tag=a | to INVITE 1
            sees ACK
            says 486 | tag=b | to INVITE 3 | from 192.0.2.7:5070
            sees ACK
            told 11 Ended Sip(486) Far"
        ),
    );
}

#[test]
fn the_only_trunk_or_a_telephone_itself_is_given_up_at_the_second_refusal() {
    let story = |trunks, to: &str, cause: &str| {
        check(
            trunks,
            &format!(
                "reserve 11 {to}
                send 11
                told 11 Sent
                sees INVITE
                wait 500ms
                sees INVITE
                refused 192.0.2.9:5060
                told nothing
                refused 192.0.2.9:5060
                told 11 Ended {cause} Network"
            ),
        );
    };
    story(one_trunk(), "+74951234567", "Trunk");
    story(vec![trunk("two", "sip:192.0.2.7:5070", 2)], "sip:anna@192.0.2.9:5060", "Sip(480)");
    // What was heard there is not lost by it, and a BYE that nobody can take is not waited for.
    check(
        one_trunk(),
        &format!(
            "{RINGS}
            refused 192.0.2.9:5060
            refused 192.0.2.9:5060
            unreachable 192.0.2.9:5060
            told nothing
            says 200 | tag=a | sdp
            sees ACK
            told 11 Answered
            told 11 Dialog one
            told 11 Connect 192.0.2.9:4000
            hangup 11
            sees BYE
            refused 192.0.2.9:5060
            refused 192.0.2.9:5060
            told 11 Ended Normal Us"
        ),
    );
    let mut asked = one_trunk();
    asked[0].probe_every = Some(Duration::from_secs(1_000));
    check(
        asked,
        "wait 1ms
        sees OPTIONS
        refused 192.0.2.9:5060
        told nothing
        refused 192.0.2.9:5060
        told Trunk one false",
    );
}

#[test]
fn a_far_end_that_was_frozen_for_a_minute_hangs_up() {
    check(
        one_trunk(),
        &format!(
            "{RINGS}
            says 200 | tag=a | sdp
            sees ACK
            told 11 Answered
            told 11 Dialog one
            told 11 Connect 192.0.2.9:4000
            wait 60s
            sees nothing
            told nothing
            asks BYE | tag=a
            sees 200
            told 11 Ended Normal Far"
        ),
    );
}
