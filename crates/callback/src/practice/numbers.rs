//! The practice numbers: who has them and what each does, for the exchange, and as JSON for the page. All are valid
//! numbers of Russia of a kind that is called, and nobody's: the exchange alone knows what becomes of them.

use super::voices::{MANAGER, VISITOR, Voice};
use serde::Serialize;
use std::time::Duration;

/// What the service shows to the called.
pub(super) const SERVICE: &str = "+74955550100";

/// A step of a telephone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Step {
    /// Rings (180).
    Ring,
    /// Goes on as it is for a while.
    Wait(Duration),
    /// Refuses with a status (RFC 3261 §21.4).
    Reject(u16),
    /// Picks up.
    Answer,
    /// Says it, to the end.
    Say(Voice),
    /// Says it again and again, and goes on.
    Play(Voice),
    /// Says nothing more.
    Hush,
    /// Says these in turn for a while.
    Talk(&'static [Voice], Duration),
    /// Waits until these keys were heard (RFC 4733).
    Want(&'static str),
    /// Presses a key.
    Press(&'static str),
    /// Hangs up.
    HangUp,
}

/// A text in both languages.
#[derive(Clone, Copy, Serialize, Debug)]
pub(super) struct Words {
    pub(super) ru: &'static str,
    pub(super) en: &'static str,
}

/// A practice number.
#[derive(Serialize, Debug)]
pub(super) struct Number {
    /// By E.164.
    pub(super) number: &'static str,
    /// Whose it is: managers have names, visitors have none.
    pub(super) name: Option<Words>,
    /// What it does.
    pub(super) does: Words,
    /// The extension behind it.
    pub(super) extension: Option<&'static str>,
    /// Whether whoever answers must press 1; none = as the service decides.
    pub(super) accept_key: Option<bool>,
    #[serde(skip)]
    pub(super) script: &'static [Step],
}

/// All numbers, as the page asks for them.
#[derive(Serialize, Debug)]
pub(super) struct Numbers {
    pub(super) visitors: &'static [Number],
    pub(super) managers: &'static [Number],
}

/// The table.
pub(super) const NUMBERS: Numbers = Numbers { visitors: VISITORS, managers: MANAGERS };

/// What a number does.
pub(super) fn script(number: &str) -> Option<&'static [Step]> {
    VISITORS.iter().chain(MANAGERS).find(|known| known.number == number).map(|known| known.script)
}

/// The manager with this number.
pub(super) fn manager(number: &str) -> Option<&'static Number> {
    MANAGERS.iter().find(|known| known.number == number)
}

const BUSY: u16 = 486;
const DECLINE: u16 = 603;
/// How long a visitor stays on the line.
const PATIENCE: Duration = secs(26);
/// A manager waits for the other side to hang up.
const LONG: Duration = secs(3_600);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn visitor(
    number: &'static str,
    ru: &'static str,
    en: &'static str,
    script: &'static [Step],
) -> Number {
    Number { number, name: None, does: Words { ru, en }, extension: None, accept_key: None, script }
}

const VISITORS: &[Number] = {
    use Step::{Answer, HangUp, Reject, Ring, Say, Talk, Wait};
    &[
        visitor(
            "+79165550147",
            "берёт трубку через 3\u{a0}с, говорит, потом кладёт трубку сам",
            "answers after 3\u{a0}s, talks, then hangs up",
            &[Ring, Wait(secs(3)), Answer, Talk(VISITOR, PATIENCE), HangUp],
        ),
        visitor(
            "+79165550109",
            "берёт трубку через 9\u{a0}с и говорит",
            "answers after 9\u{a0}s and talks",
            &[Ring, Wait(secs(9)), Answer, Talk(VISITOR, PATIENCE), HangUp],
        ),
        visitor("+79165550117", "занято", "is busy", &[Wait(secs(1)), Reject(BUSY)]),
        visitor("+79165550121", "отклоняет звонок", "declines", &[Ring, Wait(secs(3)), Reject(DECLINE)]),
        visitor("+79165550118", "не берёт трубку", "never answers", &[Ring]),
        visitor(
            "+79165550120",
            "отвечает автоответчик",
            "a voicemail answers",
            &[Answer, Say(Voice::Voicemail), Wait(secs(20)), HangUp],
        ),
        visitor(
            "+79165550105",
            "кладёт трубку через 5\u{a0}с после ответа",
            "hangs up 5\u{a0}s after the answer",
            &[Ring, Wait(secs(2)), Answer, Talk(VISITOR, secs(5)), HangUp],
        ),
    ]
};

const MANAGERS: &[Number] = {
    use Step::{Answer, HangUp, Hush, Play, Press, Reject, Ring, Say, Talk, Wait, Want};
    &[
        Number {
            number: "+74955550102",
            name: Some(Words { ru: "Анна", en: "Anna" }),
            does: Words {
                ru: "берёт трубку через 4\u{a0}с и говорит",
                en: "answers after 4\u{a0}s and talks",
            },
            extension: None,
            accept_key: Some(false),
            // A quicker answer would be taken for a voice assistant's, and asked to press 1.
            script: &[Ring, Wait(secs(4)), Answer, Talk(MANAGER, LONG)],
        },
        Number {
            number: "+74955550109",
            name: Some(Words { ru: "Игорь", en: "Igor" }),
            does: Words {
                ru: "берёт трубку через 9\u{a0}с и говорит",
                en: "answers after 9\u{a0}s and talks",
            },
            extension: None,
            accept_key: Some(false),
            script: &[Ring, Wait(secs(9)), Answer, Talk(MANAGER, LONG)],
        },
        Number {
            number: "+74955550101",
            name: Some(Words { ru: "Марина", en: "Marina" }),
            does: Words {
                ru: "слышит «нажмите один» и нажимает через 2\u{a0}с",
                en: "hears “press one” and presses 1 after 2\u{a0}s",
            },
            extension: None,
            accept_key: Some(true),
            script: &[Ring, Wait(secs(3)), Answer, Wait(secs(2)), Press("1"), Talk(MANAGER, LONG)],
        },
        Number {
            number: "+74955550112",
            name: Some(Words { ru: "Дмитрий", en: "Dmitry" }),
            does: Words {
                ru: "автосекретарь ждёт добавочный; отвечает и нажимает 1",
                en: "behind an auto-attendant; answers and presses 1",
            },
            extension: Some("12"),
            accept_key: None,
            script: &[
                Answer,
                Play(Voice::Attendant),
                Want("12"),
                Hush,
                Wait(secs(1)),
                Play(Voice::Ringback),
                Wait(secs(4)),
                Hush,
                Say(Voice::ManagerHello),
                Press("1"),
                Talk(MANAGER, LONG),
            ],
        },
        Number {
            number: "+74955550117",
            name: Some(Words { ru: "Олег", en: "Oleg" }),
            does: Words { ru: "занято", en: "is busy" },
            extension: None,
            accept_key: None,
            script: &[Wait(secs(1)), Reject(BUSY)],
        },
        Number {
            number: "+74955550121",
            name: Some(Words { ru: "Вера", en: "Vera" }),
            does: Words {
                ru: "отклоняет звонок через 3\u{a0}с", en: "declines after 3\u{a0}s"
            },
            extension: None,
            accept_key: None,
            script: &[Ring, Wait(secs(3)), Reject(DECLINE)],
        },
        Number {
            number: "+74955550118",
            name: Some(Words { ru: "Павел", en: "Pavel" }),
            does: Words { ru: "не берёт трубку", en: "never answers" },
            extension: None,
            accept_key: None,
            script: &[Ring],
        },
        Number {
            number: "+74955550120",
            name: Some(Words { ru: "Ольга", en: "Olga" }),
            does: Words {
                ru: "сразу отвечает автоответчик и ничего не нажимает",
                en: "voicemail answers at once and presses nothing",
            },
            extension: None,
            accept_key: None,
            script: &[Answer, Say(Voice::Voicemail)],
        },
        Number {
            number: "+74955550103",
            name: Some(Words { ru: "Сергей", en: "Sergey" }),
            does: Words {
                ru: "слышит, откуда звонок, и кладёт трубку",
                en: "hangs up 1\u{a0}s into the announcement",
            },
            extension: None,
            accept_key: None,
            script: &[Ring, Wait(secs(4)), Answer, Wait(secs(1)), HangUp],
        },
        Number {
            number: "+74955550105",
            name: Some(Words { ru: "Елена", en: "Elena" }),
            does: Words {
                ru: "кладёт трубку через 5\u{a0}с после ответа",
                en: "hangs up 5\u{a0}s after the answer",
            },
            extension: None,
            accept_key: Some(false),
            script: &[Ring, Wait(secs(2)), Answer, Talk(MANAGER, secs(5)), HangUp],
        },
    ]
};

#[cfg(test)]
mod tests {
    use super::{MANAGERS, NUMBERS, SERVICE, Step, VISITORS, manager, script};
    use callback_core::number;
    use callback_core::plan::Digits;
    use std::collections::BTreeSet;

    #[test]
    fn every_number_is_one_that_the_service_calls() {
        let russia = "RU".parse().unwrap();
        let all = VISITORS.iter().chain(MANAGERS).map(|known| known.number);
        for text in all.clone().chain([SERVICE]) {
            let parsed = number::parse(text, russia).map(|(number, home)| (number.to_string(), home));
            assert_eq!(parsed, Ok((text.to_owned(), russia)));
        }
        assert_eq!(all.clone().count(), all.collect::<BTreeSet<_>>().len(), "no number twice");
        assert_eq!((script("+74955550199"), manager(VISITORS[0].number).is_none()), (None, true));
    }

    #[test]
    fn every_script_can_be_played() {
        for known in VISITORS.iter().chain(MANAGERS) {
            let answered = known.script.iter().position(|step| *step == Step::Answer).unwrap_or(usize::MAX);
            for (at, step) in known.script.iter().enumerate() {
                let is_last = at + 1 == known.script.len();
                match step {
                    Step::Ring => assert_eq!(at, 0, "{}", known.number),
                    Step::Wait(_) | Step::Answer => {}
                    Step::Reject(status) => assert!(is_last && *status >= 300 && answered == usize::MAX),
                    Step::HangUp => assert!(is_last && answered < at),
                    Step::Press(key) => assert!(answered < at && key.parse::<Digits>().is_ok()),
                    Step::Say(_) | Step::Play(_) | Step::Hush | Step::Talk(..) => assert!(answered < at),
                    Step::Want(keys) => assert_eq!(known.extension, Some(*keys)),
                }
            }
        }
    }

    #[test]
    fn the_page_is_told_what_they_do_and_not_how() {
        let json = serde_json::to_value(&NUMBERS).unwrap();
        assert_eq!(json["managers"][3]["extension"], "12");
        assert_eq!(json["managers"][4]["does"]["en"], "is busy");
        assert_eq!(json["visitors"][0]["number"], "+79165550147");
        assert!(json["visitors"][0].get("script").is_none());
    }
}
