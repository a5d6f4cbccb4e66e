//! Processes that die around an answer, told in virtual time: whatever was stored by then, the next process or the far
//! end itself takes the leg down.

use super::tests::{RINGS, SILENCE, check, two_trunks};

const DIALLED: &str = "reserve 11 +74951234567\nsend 11\ntold 11 Sent\nsees INVITE";
/// Leg 11 is answered, and nothing of that is committed.
const ANSWERED: &str = "the store is slow
        says 200 | tag=a | sdp | to INVITE
        told 11 Answered
        told 11 Dialog one
        told 11 Connect 192.0.2.9:4000
        sees nothing";

fn story(story: &str) {
    check(two_trunks(), story);
}

#[test]
fn an_answer_is_acknowledged_once_its_dialog_is_stored() {
    story(&format!(
        "{RINGS}
        {ANSWERED}
        wait 400ms
        sees nothing
        it is stored
        sees ACK
        crash
        take down
        sees BYE | tag=a
        says 200
        told 11 TakenDown"
    ));
    // A database that is away keeps no answer waiting for longer than it takes to be repeated.
    story(&format!(
        "{RINGS}
        {ANSWERED}
        wait 499ms
        repeats
        sees nothing
        wait 1ms
        sees ACK
        repeats
        sees ACK
        it is stored
        sees nothing
        hangup 11
        sees BYE
        says 200
        told 11 Ended Normal Us"
    ));
}

#[test]
fn what_happens_before_the_ack_waits_for_it() {
    // Our own hang-up.
    for is_stored in ["it is stored", "wait 500ms"] {
        story(&format!(
            "{RINGS}
            {ANSWERED}
            hangup 11
            sees nothing
            {is_stored}
            sees ACK
            sees BYE | tag=a
            says 200
            told 11 Ended Normal Us"
        ));
    }
    // Theirs: a far end that is gone is acknowledged all the same.
    story(&format!(
        "{RINGS}
        {ANSWERED}
        asks BYE | tag=a | cseq=1
        sees 200
        sees ACK
        told 11 Ended Normal Far
        it is stored
        repeats
        sees 200"
    ));
    // Another answer of the fork is let go at once.
    story(&format!(
        "{RINGS}
        {ANSWERED}
        says 200 | tag=b | sdp
        sees ACK | tag=b
        sees BYE | tag=b
        says 200
        it is stored
        sees ACK | tag=a
        hangup 11
        sees BYE | tag=a
        says 200
        told 11 Ended Normal Us"
    ));
    // An answer that crosses our CANCEL.
    story(&format!(
        "{RINGS}
        hangup 11
        sees CANCEL
        {}
        it is stored
        sees ACK
        sees BYE
        says 200
        told 11 Ended Normal Us
        says 200 | to CANCEL",
        ANSWERED.replace("told 11 Connect 192.0.2.9:4000", "")
    ));
}

#[test]
fn who_dies_before_the_ack_leaves_an_answer_that_is_repeated() {
    // Nothing was heard before the answer; a far end that forgets what it has answered, and one that keeps it (RFC 6026).
    story(&format!(
        "{DIALLED}
        {ANSWERED}
        crash
        take down
        sees CANCEL
        says 481
        told 11 TakenDown
        says 200 | tag=a | sdp | to INVITE
        sees ACK | tag=a
        sees BYE | tag=a
        says 200"
    ));
    story(&format!(
        "{DIALLED}
        {ANSWERED}
        crash
        take down
        sees CANCEL
        says 200
        wait 2s
        told nothing
        says 200 | tag=a | sdp | to INVITE
        sees ACK | tag=a
        sees BYE | tag=a
        says 200
        told 11 TakenDown"
    ));
    // It rang, and the repeated answer comes while the early dialog's BYE is under way.
    story(&format!(
        "{RINGS}
        {ANSWERED}
        crash
        take down
        sees CANCEL
        says 481
        sees BYE | tag=a
        says 200 | tag=a | sdp | to INVITE
        sees ACK | tag=a
        sees BYE | tag=a
        says 200 | to BYE 1
        told 11 TakenDown
        says 481 | to BYE 2"
    ));
    // An answer that crossed the dead one's CANCEL.
    story(&format!(
        "{DIALLED}
        says 100
        hangup 11
        sees CANCEL
        {}
        crash
        take down
        sees CANCEL
        says 200
        says 200 | tag=a | sdp | to INVITE
        sees ACK
        sees BYE
        says 200
        told 11 TakenDown",
        ANSWERED.replace("told 11 Connect 192.0.2.9:4000", "")
    ));
}

/// It rang, was answered and acknowledged, and the database was away from the answer on: the last that is stored is the
/// early dialog.
fn acknowledged() -> String {
    format!("{RINGS}\n{ANSWERED}\nwait 500ms\nsees ACK\ncrash\ntake down\nsees CANCEL")
}

#[test]
fn who_dies_before_the_commit_is_hung_up_in_the_early_dialog() {
    let acknowledged = acknowledged();
    story(&format!(
        "{acknowledged}\nsays 481\nsees BYE | tag=a | CSeq: 102 BYE\nsays 200\ntold 11 TakenDown"
    ));
    // The far end still knows the INVITE, takes the CANCEL, and does nothing (RFC 3261 §9.2).
    story(&format!(
        "{acknowledged}
        says 200
        wait 999ms
        sees nothing
        wait 1ms
        sees BYE | tag=a
        says 200
        told 11 TakenDown"
    ));
    // It wants to know who we are.
    story(&format!(
        "{acknowledged}
        says 481
        sees BYE | tag=a
        says 401 | WWW-Authenticate: Digest realm=\"x\", nonce=\"n1\"
        sees BYE | tag=a | CSeq: 103 BYE | Authorization: Digest
        says 200
        told 11 TakenDown"
    ));
    // Nobody is there any more.
    story(&format!("{acknowledged}\nwait 31s\nignores\ntold nothing\nwait 1s\nignores\ntold 11 TakenDown"));
    // It hangs up itself.
    story(&format!(
        "{acknowledged}
        says 481
        sees BYE | tag=a
        asks BYE | tag=a | cseq=1
        sees 200
        told 11 TakenDown"
    ));
}

#[test]
fn each_early_dialog_of_a_fork_is_hung_up() {
    let forked = format!(
        "{RINGS}
        says 183 | tag=b | Contact: <sip:other@192.0.2.44> | Record-Route: <sip:192.0.2.9;lr>
        {}
        wait 500ms
        sees ACK | tag=b
        crash
        take down
        sees CANCEL",
        ANSWERED.replace("tag=a", "tag=b")
    );
    story(&format!(
        "{forked}
        says 481
        sees BYE | tag=a | BYE sip:far@192.0.2.9:5060
        sees BYE | tag=b | BYE sip:other@192.0.2.44 | Route: <sip:192.0.2.9;lr>
        says 481 | to BYE 1
        told nothing
        says 200 | to BYE 2
        told 11 TakenDown"
    ));
    // The other one is answered too, and is the first to be heard of.
    story(&format!(
        "{forked}
        says 200
        says 200 | tag=a | sdp | to INVITE
        sees ACK | tag=a
        sees BYE | tag=a
        sees BYE | tag=b
        says 200 | to BYE 1
        told nothing
        says 200 | to BYE 2
        told 11 TakenDown"
    ));
}

#[test]
fn what_still_rings_is_cancelled_though_its_cancel_comes_late() {
    story(&format!(
        "{RINGS}
        crash
        take down
        sees CANCEL
        wait 1s
        sees CANCEL
        sees BYE | tag=a
        says 487 | tag=a | to INVITE
        sees ACK
        told 11 TakenDown
        says 200 | to BYE"
    ));
    story(&format!(
        "{RINGS}
        crash
        take down
        sees CANCEL
        says 200
        says 487 | tag=a | to INVITE
        sees ACK
        told 11 TakenDown
        wait 2s
        sees nothing"
    ));
}

#[test]
fn an_invite_is_sent_anew_once_its_branch_is_stored() {
    let challenged = format!(
        "{DIALLED}
        the store is slow
        says 401 | tag=x | WWW-Authenticate: Digest realm=\"x\", nonce=\"n1\"
        sees ACK
        told 11 Dialog one
        sees nothing"
    );
    for is_stored in ["it is stored", "wait 500ms"] {
        story(&format!(
            "{challenged}
            {is_stored}
            sees INVITE | CSeq: 2 INVITE
            says 486 | tag=a
            sees ACK
            told 11 Ended Sip(486) Far"
        ));
    }
    story(&format!("{challenged}\nhangup 11\ntold 11 Ended Normal Us\nit is stored\nsees nothing"));
    // Who dies by then has nothing that rings.
    story(&format!("{challenged}\ncrash\ntake down\nsees CANCEL\nsays 481\ntold 11 TakenDown"));
    story(
        "reserve 11 +74951234567
        send 11
        told 11 Sent
        sees INVITE | at 192.0.2.9:5060
        the store is slow
        says 503 | tag=a
        sees ACK
        told 11 Dialog two
        sees nothing
        it is stored
        sees INVITE | at 192.0.2.7:5070
        says 486 | tag=b | from 192.0.2.7:5070
        sees ACK
        told 11 Ended Sip(486) Far",
    );
}

#[test]
fn an_answer_of_a_trunk_that_was_given_up_is_stored_too() {
    story(&format!(
        "{SILENCE}
        the store is slow
        says 200 | tag=a | sdp | to INVITE 1
        told 11 Dialog two
        sees nothing
        it is stored
        sees ACK | at 192.0.2.9:5060
        sees BYE | at 192.0.2.9:5060
        crash
        take down
        sees CANCEL | at 192.0.2.7:5070
        sees BYE | tag=a | at 192.0.2.9:5060
        says 200
        says 481 | to CANCEL | from 192.0.2.7:5070
        sees BYE | tag=b
        says 481
        told 11 TakenDown"
    ));
}
