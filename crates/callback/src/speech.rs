//! The site's announcement, spoken by a program of the machine when settings are applied, and kept as a file.
//!
//! It is never in a call's way: a call whose announcement is not there yet is announced in general words. Names of
//! sites are spelled for the voice ("shop.example" → «шоп точка экзампл»); a site's own pronunciation replaces that.

use crate::sounds::{Announcement, builtin};
use anyhow::{Context as _, Result, bail};
use callback_core::flow::Prompt;
use callback_core::site::{Language, Site};
use callback_phone::Sound;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

/// How long a program may take for one sentence.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sounds in memory, some 50 kB each; then it begins anew.
const MOST_AT_HAND: usize = 1_000;
/// The name space of cached files' names.
const FILES: Uuid = Uuid::from_u128(0x1b1c_2d9a_5a3e_4c0f_8e77_90ab_13cd_57ef);

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// The first of the two that is installed, by language.
    Auto,
    /// Debian's `festival` with `festvox-ru`, or its English voice.
    Festival,
    /// `espeak-ng`.
    EspeakNg,
    /// Nobody.
    None,
}

/// Sounds that were read, by their files and when those were written.
type Spoken = BTreeMap<(PathBuf, SystemTime), Arc<Sound>>;

/// Speaks, and remembers what was spoken.
#[derive(Clone, Debug)]
pub struct Speech {
    voice: Voice,
    folder: PathBuf,
    spoken: Arc<Mutex<Spoken>>,
    /// One sentence at a time.
    speaking: Arc<tokio::sync::Mutex<()>>,
}

impl Speech {
    /// Files are kept in `folder`.
    #[must_use]
    pub fn new(voice: Voice, folder: PathBuf) -> Self {
        Self { voice, folder, spoken: Arc::default(), speaking: Arc::default() }
    }

    /// Somebody speaks just now.
    pub(crate) fn is_speaking(&self) -> bool {
        self.speaking.try_lock().is_err()
    }

    /// A site's announcement, where it is at hand: recorded, or spoken before.
    pub(crate) fn spoken(&self, site: &Site) -> Option<Announcement> {
        if let Some(file) = self.recording(site) {
            return self.recorded(site.language, &file);
        }
        let texts = texts(site);
        let (alone, with_key) = (self.load(site.language, &texts.0)?, self.load(site.language, &texts.1)?);
        Some(Announcement { alone, with_key })
    }

    /// The file that is played in place of a voice, where the site has one; it need not be there yet.
    fn recording(&self, site: &Site) -> Option<PathBuf> {
        let own = site.own_recording.map(|id| self.own(id));
        own.or_else(|| site.recording.as_ref().map(|path| PathBuf::from(&**path)))
    }

    fn own(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("own-{id}.wav"))
    }

    /// Whether a sound that a customer sent in is at hand on this machine.
    pub(crate) fn has(&self, id: Uuid) -> bool {
        self.own(id).exists()
    }

    /// Lays a sound that a customer sent in at hand.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(crate) fn keep(&self, id: Uuid, wav: &[u8]) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        let draft = self.folder.join(format!("{}.draft.wav", Uuid::new_v4()));
        fs::write(&draft, wav)?;
        Ok(fs::rename(&draft, self.own(id))?)
    }

    /// Speaks a site's announcement into its files, where they are not there yet; a recording of the operator's is tried.
    ///
    /// # Errors
    /// No program that speaks, or one that fails; a recording that is none.
    pub async fn speak(&self, site: &Site) -> Result<()> {
        let _alone = self.speaking.lock().await;
        if site.own_recording.is_some() {
            return Ok(());
        }
        if let Some(recording) = &site.recording {
            let file = fs::read(&**recording).with_context(|| format!("recording {recording}"))?;
            Sound::from_wav(&file).with_context(|| format!("recording {recording}"))?;
            return Ok(());
        }
        let (alone, with_key) = texts(site);
        for text in [alone, with_key] {
            let file = self.file(site.language, &text);
            if !file.exists() && self.voice != Voice::None {
                fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
                self.synthesize(site.language, &text, &file).await?;
            }
        }
        Ok(())
    }

    /// A site's announcement as a WAV file; one that was not spoken yet is not kept, for nothing may ever come of it.
    ///
    /// # Errors
    /// No program that speaks, or one that fails.
    pub(crate) async fn wav(&self, site: &Site) -> Result<Vec<u8>> {
        if let Some(file) = self.recording(site) {
            return fs::read(&file).with_context(|| format!("recording {}", file.display()));
        }
        let text = texts(site).0;
        match fs::read(self.file(site.language, &text)) {
            Ok(wav) => Ok(wav),
            Err(_) => self.once(site.language, &text).await,
        }
    }

    /// A sentence that is spoken once and not kept.
    ///
    /// # Errors
    /// No program that speaks, or one that fails.
    pub(crate) async fn sentence(&self, language: Language, text: &str) -> Result<Arc<Sound>> {
        let sound = Sound::from_wav(&self.once(language, text).await?);
        Ok(Arc::new(sound.context("the program wrote no usable sound")?))
    }

    async fn once(&self, language: Language, text: &str) -> Result<Vec<u8>> {
        let _alone = self.speaking.lock().await;
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        let file = self.folder.join(format!("{}.wav", Uuid::new_v4()));
        self.synthesize(language, text, &file).await?;
        let wav = fs::read(&file);
        let _ = fs::remove_file(&file);
        Ok(wav?)
    }

    /// The customer's own recording, and the request to press 1 after it.
    fn recorded(&self, language: Language, file: &Path) -> Option<Announcement> {
        let alone = self.read(file)?;
        let with_key = Arc::new(alone.then(&builtin(language, Prompt::Key)));
        Some(Announcement { alone, with_key })
    }

    fn load(&self, language: Language, text: &str) -> Option<Arc<Sound>> {
        self.read(&self.file(language, text))
    }

    /// A file's sound, read once for each time that the file was written.
    fn read(&self, file: &Path) -> Option<Arc<Sound>> {
        let written = fs::metadata(file).and_then(|file| file.modified()).ok()?;
        let key = (file.to_owned(), written);
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sound) = spoken.get(&key) {
            return Some(Arc::clone(sound));
        }
        let sound = Arc::new(Sound::from_wav(&fs::read(file).ok()?).ok()?);
        if spoken.len() >= MOST_AT_HAND {
            spoken.clear();
        }
        spoken.insert(key, Arc::clone(&sound));
        Some(sound)
    }

    fn file(&self, language: Language, text: &str) -> PathBuf {
        let name = format!("{:?} {language:?} {text}", self.voice);
        self.folder.join(Uuid::new_v5(&FILES, name.as_bytes()).to_string()).with_extension("wav")
    }

    /// Speaks into a file of its own, which takes the right name only when it is whole.
    async fn synthesize(&self, language: Language, text: &str, file: &Path) -> Result<()> {
        // Another process may speak the same: each has its own draft.
        let own = Uuid::new_v4();
        let draft = self.folder.join(format!("{own}.draft.wav"));
        let words = self.folder.join(format!("{own}.txt"));
        fs::write(&words, text)?;
        let festival = match language {
            Language::Ru => "(voice_msu_ru_nsh_clunits)",
            Language::En => "(voice_cmu_us_slt_arctic_hts)",
        };
        let espeak = match language {
            Language::Ru => "ru",
            Language::En => "en",
        };
        let by_festival = || {
            let mut command = Command::new("text2wave");
            command.arg("-eval").arg(festival).arg(&words).arg("-o").arg(&draft);
            command
        };
        let by_espeak = || {
            let mut command = Command::new("espeak-ng");
            command.args(["-v", espeak, "-s", "150", "-f"]).arg(&words).arg("-w").arg(&draft);
            command
        };
        let outcome = match self.voice {
            Voice::Festival => run(by_festival()).await,
            Voice::EspeakNg => run(by_espeak()).await,
            Voice::Auto => match run(by_festival()).await {
                Ok(()) => Ok(()),
                Err(_) => run(by_espeak()).await,
            },
            Voice::None => bail!("speech is switched off"),
        };
        let _ = fs::remove_file(&words);
        let kept = outcome.and_then(|()| {
            Sound::from_wav(&fs::read(&draft)?).context("the program wrote no usable sound")?;
            Ok(fs::rename(&draft, file)?)
        });
        if kept.is_err() {
            let _ = fs::remove_file(&draft);
        }
        kept
    }
}

async fn run(mut command: Command) -> Result<()> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await;
    let output = output.with_context(|| format!("{program} does not come to an end"))?;
    let output = output.with_context(|| format!("{program} cannot be run"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// What is said: alone, and with the request to press 1.
fn texts(site: &Site) -> (String, String) {
    let name =
        site.pronunciation.as_ref().map_or_else(|| spelled(&site.name, site.language), ToString::to_string);
    match site.language {
        Language::Ru => {
            let alone = format!("Звонок с сайта {name}.");
            let with_key = format!("{alone} Нажмите один, чтобы соединить.");
            (alone, with_key)
        }
        Language::En => {
            let alone = format!("Call from {name}.");
            let with_key = format!("{alone} Press one to connect.");
            (alone, with_key)
        }
    }
}

/// A site's name as a voice should read it.
fn spelled(name: &str, language: Language) -> String {
    match language {
        Language::En => name.replace('.', " dot ").replace('-', " "),
        Language::Ru => {
            let parts: Vec<String> = name.split('.').map(|part| cyrillic(&part.to_lowercase())).collect();
            parts.join(" точка ")
        }
    }
}

/// Latin letters as a Russian reads them; others stay.
fn cyrillic(text: &str) -> String {
    const PAIRS: [(&str, &str); 40] = [
        ("shch", "щ"),
        ("sch", "щ"),
        ("sh", "ш"),
        ("ch", "ч"),
        ("zh", "ж"),
        ("kh", "х"),
        ("ph", "ф"),
        ("th", "т"),
        ("ck", "к"),
        ("ee", "и"),
        ("oo", "у"),
        ("ya", "я"),
        ("yu", "ю"),
        ("yo", "ё"),
        ("ts", "ц"),
        ("qu", "кв"),
        ("x", "кс"),
        ("a", "а"),
        ("b", "б"),
        ("c", "к"),
        ("d", "д"),
        ("e", "е"),
        ("f", "ф"),
        ("g", "г"),
        ("h", "х"),
        ("i", "и"),
        ("j", "дж"),
        ("k", "к"),
        ("l", "л"),
        ("m", "м"),
        ("n", "н"),
        ("o", "о"),
        ("p", "п"),
        ("q", "к"),
        ("r", "р"),
        ("s", "с"),
        ("t", "т"),
        ("u", "у"),
        ("v", "в"),
        ("w", "в"),
    ];
    let mut spoken = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let pair = PAIRS.iter().find(|(latin, _)| rest.starts_with(latin));
        let (length, letters) = match (pair, first) {
            (Some((latin, letters)), _) => (latin.len(), *letters),
            (None, 'y') => (1, "и"),
            (None, 'z') => (1, "з"),
            (None, '-' | '_') => (1, " "),
            (None, _) => (first.len_utf8(), ""),
        };
        if letters.is_empty() {
            spoken.push(first);
        } else {
            spoken.push_str(letters);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::{Speech, Voice, spelled};
    use callback_core::site::Language;
    use std::path::Path;

    #[test]
    fn an_own_recording_is_played_and_followed_by_the_request_for_the_key() {
        let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../callback-phone/assets/prompts/ru");
        let speech = Speech::new(Voice::None, "nowhere".into());
        let announcement = speech.recorded(Language::Ru, &prompts.join("apology.wav")).unwrap();
        assert!(announcement.with_key.length() > announcement.alone.length());
        assert!(speech.recorded(Language::Ru, &prompts.join("none.wav")).is_none());
    }

    #[test]
    fn names_of_sites_are_spelled_for_the_voice() {
        let check = |name: &str, russian: &str, english: &str| {
            assert_eq!(spelled(name, Language::Ru), russian);
            assert_eq!(spelled(name, Language::En), english);
        };
        check("romashka.example", "ромашка точка ексампле", "romashka dot example");
        check("my-shop.ru", "ми шоп точка ру", "my shop dot ru");
        check("кофе.рф", "кофе точка рф", "кофе dot рф");
    }
}
