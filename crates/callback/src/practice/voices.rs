//! What practice telephones say: sentences that ship with the program (`assets/practice`), read once. It makes no
//! speech itself.

use callback_phone::{Codec, Sound};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A sentence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Voice {
    VisitorHello,
    VisitorQuestion,
    VisitorThanks,
    ManagerHello,
    ManagerAnswer,
    ManagerMore,
    Attendant,
    Voicemail,
    /// The tone that one hears while it rings at the other end.
    Ringback,
}

/// The sentences of a visitor, in turn.
pub(super) const VISITOR: &[Voice] = &[Voice::VisitorHello, Voice::VisitorQuestion, Voice::VisitorThanks];
/// The sentences of a manager, in turn.
pub(super) const MANAGER: &[Voice] = &[Voice::ManagerHello, Voice::ManagerAnswer, Voice::ManagerMore];

macro_rules! recorded {
    ($($voice:ident = $file:literal;)*) => {
        const RECORDED: &[(Voice, &[u8])] =
            &[$((Voice::$voice, include_bytes!(concat!("../../assets/practice/", $file, ".wav")))),*];
    };
}

recorded! {
    VisitorHello = "visitor-hello";
    VisitorQuestion = "visitor-question";
    VisitorThanks = "visitor-thanks";
    ManagerHello = "manager-hello";
    ManagerAnswer = "manager-answer";
    ManagerMore = "manager-more";
    Attendant = "attendant";
    Voicemail = "voicemail";
}

static SOUNDS: LazyLock<BTreeMap<Voice, Arc<Sound>>> = LazyLock::new(|| {
    let recorded = RECORDED.iter().map(|(voice, file)| (*voice, Arc::new(from_alaw(file))));
    recorded.chain([(Voice::Ringback, Arc::new(Sound::ringback()))]).collect()
});

/// The sound of a sentence.
pub(super) fn sound(voice: Voice) -> Arc<Sound> {
    SOUNDS.get(&voice).cloned().unwrap_or_else(|| Arc::new(Sound::ringback()))
}

/// Reads a WAV file of A-law, 8 kHz, one channel.
fn from_alaw(file: &[u8]) -> Sound {
    let chunk = file.windows(4).position(|name| name == b"data").and_then(|at| file.get(at + 4..));
    let (length, data) = chunk.and_then(<[u8]>::split_first_chunk).unwrap_or((&[0; 4], &[]));
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    Sound::from_samples(data.iter().take(length).map(|octet| Codec::Pcma.decode(*octet)))
}

#[cfg(test)]
mod tests {
    use super::{RECORDED, from_alaw};
    use std::time::Duration;

    #[test]
    fn every_sentence_is_a_sound_of_a_few_seconds() {
        for (voice, file) in RECORDED {
            let length = from_alaw(file).length();
            assert!(
                (Duration::from_secs(1)..Duration::from_secs(12)).contains(&length),
                "{voice:?}: {length:?}"
            );
        }
    }
}
