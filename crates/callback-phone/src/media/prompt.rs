//! The prompts that are built in. What a site says with its own name or voice is not here.

use super::sound::Sound;
use callback_core::flow::Prompt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A language in which prompts are built in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Language {
    /// Russian.
    Ru,
    /// English.
    En,
}

/// A prompt that is built in, or none for the site's announcements, which are not.
///
/// [`Prompt::Key`] is spoken without the name of the site; [`Prompt::Ringback`] and [`Prompt::Music`] have no
/// language and are made to be played again and again.
#[must_use]
pub fn builtin(language: Language, prompt: Prompt) -> Option<Arc<Sound>> {
    static MUSIC: OnceLock<Arc<Sound>> = OnceLock::new();
    static RINGBACK: OnceLock<Arc<Sound>> = OnceLock::new();
    match prompt {
        Prompt::Announcement | Prompt::AnnouncementAndKey => None,
        Prompt::Music => Some(once(&MUSIC, || read(include_bytes!("../../assets/prompts/music.wav")))),
        Prompt::Ringback => Some(once(&RINGBACK, Sound::ringback)),
        Prompt::Waiting
        | Prompt::Apology
        | Prompt::Connecting
        | Prompt::VisitorNoAnswer
        | Prompt::TalkEnds
        | Prompt::Key => spoken(language, prompt),
    }
}

macro_rules! speech {
    ($language:literal, $name:literal) => {{
        static SPEECH: OnceLock<Arc<Sound>> = OnceLock::new();
        once(&SPEECH, || {
            read(include_bytes!(concat!("../../assets/prompts/", $language, "/", $name, ".wav")))
        })
    }};
}

fn spoken(language: Language, prompt: Prompt) -> Option<Arc<Sound>> {
    Some(match (language, prompt) {
        (Language::Ru, Prompt::Waiting) => speech!("ru", "waiting"),
        (Language::Ru, Prompt::Apology) => speech!("ru", "apology"),
        (Language::Ru, Prompt::Connecting) => speech!("ru", "connecting"),
        (Language::Ru, Prompt::VisitorNoAnswer) => speech!("ru", "visitor_no_answer"),
        (Language::Ru, Prompt::TalkEnds) => speech!("ru", "talk_ends"),
        (Language::Ru, Prompt::Key) => speech!("ru", "key"),
        (Language::En, Prompt::Waiting) => speech!("en", "waiting"),
        (Language::En, Prompt::Apology) => speech!("en", "apology"),
        (Language::En, Prompt::Connecting) => speech!("en", "connecting"),
        (Language::En, Prompt::VisitorNoAnswer) => speech!("en", "visitor_no_answer"),
        (Language::En, Prompt::TalkEnds) => speech!("en", "talk_ends"),
        (Language::En, Prompt::Key) => speech!("en", "key"),
        (_, Prompt::Announcement | Prompt::AnnouncementAndKey | Prompt::Ringback | Prompt::Music) => {
            return None;
        }
    })
}

fn once(cell: &OnceLock<Arc<Sound>>, make: impl FnOnce() -> Sound) -> Arc<Sound> {
    Arc::clone(cell.get_or_init(|| Arc::new(make())))
}

/// A file of this crate as a sound. All of them are read by a test, so the silence stands for what cannot happen.
fn read(file: &[u8]) -> Sound {
    Sound::from_wav(file).unwrap_or_else(|_| Sound::silence(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::law::Codec;

    const SPOKEN: [Prompt; 6] = [
        Prompt::Waiting,
        Prompt::Apology,
        Prompt::Connecting,
        Prompt::VisitorNoAnswer,
        Prompt::TalkEnds,
        Prompt::Key,
    ];

    /// The level of a sound in dB below a full square wave.
    fn level(sound: &Sound) -> f64 {
        let samples = sound.octets(Codec::Pcma);
        let sum: f64 =
            samples.iter().map(|&octet| (f64::from(Codec::Pcma.decode(octet)) / 32_768.0).powi(2)).sum();
        10.0 * (sum / f64::from(u32::try_from(samples.len()).unwrap())).log10()
    }

    #[test]
    fn each_prompt_speaks_at_the_level_of_a_telephone() {
        for language in [Language::Ru, Language::En] {
            for prompt in SPOKEN {
                let sound = builtin(language, prompt).unwrap();
                assert!(
                    (1_000..11_000).contains(&sound.length().as_millis()),
                    "{language:?} {prompt:?} {:?}",
                    sound.length()
                );
                assert!(
                    (-23.0..=-18.0).contains(&level(&sound)),
                    "{language:?} {prompt:?} {}",
                    level(&sound)
                );
            }
        }
    }

    #[test]
    fn music_and_ringback_have_no_language_and_announcements_are_not_built_in() {
        for prompt in [Prompt::Music, Prompt::Ringback] {
            assert!(Arc::ptr_eq(
                &builtin(Language::Ru, prompt).unwrap(),
                &builtin(Language::En, prompt).unwrap()
            ));
        }
        assert_eq!(builtin(Language::Ru, Prompt::Music).unwrap().length(), Duration::from_secs(24));
        for prompt in [Prompt::Announcement, Prompt::AnnouncementAndKey] {
            assert_eq!(builtin(Language::En, prompt), None);
        }
    }
}
