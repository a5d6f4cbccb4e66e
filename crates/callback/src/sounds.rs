//! What the parties of a call hear: the built-in prompts of the site's language, and the site's own announcement
//! where there is one.

use callback_core::flow::Prompt;
use callback_core::plan::PromptLengths;
use callback_core::site::Language;
use callback_phone::Sound;
use callback_phone::media::prompt;
use std::sync::Arc;
use std::time::Duration;

/// The sounds of one site.
#[derive(Clone, Debug)]
pub(crate) struct SiteSounds {
    language: Language,
    announcement: Option<Announcement>,
}

/// A site's announcement, alone and with the request to press 1.
#[derive(Clone, Debug)]
pub(crate) struct Announcement {
    /// "A call from the site …".
    pub(crate) alone: Arc<Sound>,
    /// The same, then "press 1 to take it".
    pub(crate) with_key: Arc<Sound>,
}

impl SiteSounds {
    /// Sounds in a language; without an announcement the managers hear the general request to press 1.
    pub(crate) fn new(language: Language, announcement: Option<Announcement>) -> Self {
        Self { language, announcement }
    }

    /// What a prompt sounds like.
    pub(crate) fn of(&self, prompt: Prompt) -> Arc<Sound> {
        let own = self.announcement.as_ref();
        match prompt {
            Prompt::Announcement => {
                own.map_or_else(|| self.builtin(Prompt::Connecting), |own| own.alone.clone())
            }
            Prompt::AnnouncementAndKey | Prompt::Key => {
                own.map_or_else(|| self.builtin(Prompt::Key), |own| own.with_key.clone())
            }
            Prompt::Connecting
            | Prompt::Ringback
            | Prompt::VisitorNoAnswer
            | Prompt::TalkEnds
            | Prompt::Waiting
            | Prompt::Music
            | Prompt::Apology => self.builtin(prompt),
        }
    }

    /// How long the prompts are that come to an end.
    pub(crate) fn lengths(&self) -> PromptLengths {
        let length = |prompt| self.of(prompt).length();
        PromptLengths {
            announcement: length(Prompt::Announcement),
            connecting: length(Prompt::Connecting),
            visitor_no_answer: length(Prompt::VisitorNoAnswer),
            waiting: length(Prompt::Waiting),
            apology: length(Prompt::Apology),
        }
    }

    fn builtin(&self, prompt: Prompt) -> Arc<Sound> {
        builtin(self.language, prompt)
    }
}

/// A built-in prompt, or a second of silence for those that are a site's own.
pub(crate) fn builtin(language: Language, prompt: Prompt) -> Arc<Sound> {
    let language = match language {
        Language::Ru => prompt::Language::Ru,
        Language::En => prompt::Language::En,
    };
    prompt::builtin(language, prompt).unwrap_or_else(|| Arc::new(Sound::silence(Duration::from_secs(1))))
}
