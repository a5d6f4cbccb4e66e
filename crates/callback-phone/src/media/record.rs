//! Recordings: what a leg heard on the left, what it said on the right, as 8-bit A-law WAV. A thread of its own writes the
//! files, so that no disk stops the sound; what the disk cannot take is lost and said so once.

use super::law::Codec;
use super::sound::samples_in;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Chunks of a second that wait for the disk, of all recordings together.
const QUEUE: usize = 1024;
/// A voice may come so late and still be put in its place.
const LATE: Duration = Duration::from_millis(200);
/// How much is written at once.
const CHUNK: Duration = Duration::from_secs(1);
/// A voice that is ahead of the clock by more than this is cut.
const AHEAD: u64 = 4_000;

/// The recording of one leg: gathers both voices and hands them over each second.
#[derive(Debug)]
pub(super) struct Tap {
    start: Instant,
    /// Samples of each voice that were handed over.
    written: u64,
    heard: Vec<u8>,
    said: Vec<u8>,
    file: SyncSender<Chunk>,
    path: PathBuf,
    lost: bool,
}

/// What goes to the thread that writes.
#[derive(Debug)]
pub(super) struct Chunk {
    path: PathBuf,
    samples: Vec<u8>,
    last: bool,
}

impl Tap {
    pub(super) fn new(now: Instant, path: PathBuf, file: SyncSender<Chunk>) -> Self {
        Self { start: now, written: 0, heard: Vec::new(), said: Vec::new(), file, path, lost: false }
    }

    /// The leg was sent this.
    pub(super) fn heard(&mut self, now: Instant, codec: Codec, octets: &[u8]) {
        place(&mut self.heard, self.written, samples_in(now - self.start), codec, octets);
        self.hand_over(now);
    }

    /// The leg sent this.
    pub(super) fn said(&mut self, now: Instant, codec: Codec, octets: &[u8]) {
        place(&mut self.said, self.written, samples_in(now - self.start), codec, octets);
        self.hand_over(now);
    }

    /// Writes what is left and the final header.
    pub(super) fn close(mut self, now: Instant) {
        let whole = samples_in(now - self.start).saturating_sub(self.written);
        let samples = self.take(whole);
        self.send(samples, true);
    }

    fn hand_over(&mut self, now: Instant) {
        let ready = samples_in((now - self.start).saturating_sub(LATE)).saturating_sub(self.written);
        if ready >= samples_in(CHUNK) {
            let samples = self.take(ready);
            self.send(samples, false);
        }
    }

    /// The next samples of both voices, side by side, silence where there is none.
    fn take(&mut self, count: u64) -> Vec<u8> {
        self.written += count;
        let count = usize::try_from(count).unwrap_or_default();
        for voice in [&mut self.heard, &mut self.said] {
            voice.resize(voice.len().max(count), Codec::Pcma.silence());
        }
        self.heard
            .drain(..count)
            .zip(self.said.drain(..count))
            .flat_map(|(heard, said)| [heard, said])
            .collect()
    }

    fn send(&mut self, samples: Vec<u8>, last: bool) {
        let chunk = Chunk { path: self.path.clone(), samples, last };
        if self.file.try_send(chunk).is_err() && !std::mem::replace(&mut self.lost, true) {
            tracing::error!(path = %self.path.display(), "a recording has holes: the disk does not keep up");
        }
    }
}

/// Puts octets where they belong by the clock, after what is there already.
fn place(voice: &mut Vec<u8>, written: u64, now: u64, codec: Codec, octets: &[u8]) {
    let end = written + u64::try_from(voice.len()).unwrap_or_default();
    if end > now + AHEAD {
        return;
    }
    // A packet holds what sounded before it came, but a later one may follow at once: only a real hole is filled.
    let hole = now.saturating_sub(end);
    if hole > samples_in(Duration::from_millis(60)) {
        let length = voice.len() + usize::try_from(hole).unwrap_or_default();
        voice.resize(length, Codec::Pcma.silence());
    }
    let start = voice.len();
    voice.extend(octets);
    codec.rewrite(Codec::Pcma, voice.get_mut(start..).unwrap_or_default());
}

/// Makes the file of a recording, empty, with its header.
pub(super) fn create(path: &Path) -> io::Result<()> {
    File::create(path)?.write_all(&header(0))
}

/// Starts the thread that writes; it ends when the last tap and the sender are gone.
pub(super) fn start() -> io::Result<SyncSender<Chunk>> {
    let (sender, chunks) = sync_channel(QUEUE);
    thread::Builder::new().name("recordings".into()).spawn(move || write_all(&chunks))?;
    Ok(sender)
}

fn write_all(chunks: &Receiver<Chunk>) {
    while let Ok(chunk) = chunks.recv() {
        if let Err(error) = append(&chunk.path, &chunk.samples) {
            tracing::error!(path = %chunk.path.display(), %error, "cannot write a recording");
        } else if chunk.last {
            tracing::debug!(path = %chunk.path.display(), "recording closed");
        }
    }
}

/// Appends samples to a file and brings its header up to date, so that it can be played at any moment.
fn append(path: &Path, samples: &[u8]) -> io::Result<()> {
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    let length = file.seek(SeekFrom::End(0))?.max(HEADER_LENGTH.into());
    file.seek(SeekFrom::Start(length))?;
    file.write_all(samples)?;
    let data = file.stream_position()?.saturating_sub(HEADER_LENGTH.into());
    file.rewind()?;
    file.write_all(&header(u32::try_from(data).unwrap_or(u32::MAX - HEADER_LENGTH)))
}

const HEADER_LENGTH: u32 = 58;

/// The header of a WAV file of A-law, two channels, with this many octets of data.
fn header(data: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(58);
    header.extend(b"RIFF");
    header.extend((HEADER_LENGTH - 8 + data).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(18_u32.to_le_bytes());
    header.extend(6_u16.to_le_bytes()); // A-law
    header.extend(2_u16.to_le_bytes()); // channels
    header.extend(8_000_u32.to_le_bytes()); // samples a second
    header.extend(16_000_u32.to_le_bytes()); // octets a second
    header.extend(2_u16.to_le_bytes()); // octets a frame
    header.extend(8_u16.to_le_bytes()); // bits a sample
    header.extend(0_u16.to_le_bytes()); // no extension
    header.extend(b"fact");
    header.extend(4_u32.to_le_bytes());
    header.extend((data / 2).to_le_bytes());
    header.extend(b"data");
    header.extend(data.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Records a story of (ms, `h`eard or `s`aid, octet) packets of 20 ms and reads back both voices, one letter a frame.
    fn check(name: &str, story: &[(u64, char, u8)], end: u64, heard: &str, said: &str) {
        let path = std::env::temp_dir().join(format!("callback-{}-{name}.wav", std::process::id()));
        create(&path).unwrap();
        let (sender, chunks) = sync_channel(QUEUE);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut tap = Tap::new(start, path.clone(), sender);
        for &(ms, who, octet) in story {
            match who {
                'h' => tap.heard(at(ms), Codec::Pcma, &[octet; 160]),
                _ => tap.said(at(ms), Codec::Pcma, &[octet; 160]),
            }
        }
        tap.close(at(end));
        write_all(&chunks);
        let file = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let data = u32::try_from(file.len() - 58).unwrap();
        assert_eq!(file[..58], header(data), "the header is right");
        assert_eq!(u64::from(data), end * 16);
        let voice = |channel: usize| -> String {
            let middles = file[58..].chunks(320).map(|frame| frame[160 + channel]);
            middles.map(|octet| if octet == 0xD5 { '.' } else { char::from(octet) }).collect()
        };
        assert_eq!((voice(0).as_str(), voice(1).as_str()), (heard, said), "{name}");
    }

    #[test]
    fn both_voices_lie_where_they_sounded() {
        check(
            "both",
            &[(0, 'h', b'a'), (20, 's', b'x'), (20, 'h', b'b'), (120, 'h', b'c')],
            160,
            "ab....c.",
            "x.......",
        );
    }

    #[test]
    fn a_voice_that_comes_in_bursts_has_no_holes() {
        let burst = [(40, 's', b'1'), (41, 's', b'2'), (42, 's', b'3'), (100, 's', b'4')];
        check("burst", &burst, 120, "......", "1234..");
    }

    #[test]
    fn a_long_call_is_written_as_it_goes() {
        let story: Vec<_> = (0..150).map(|frame| (frame * 20, 'h', b'a')).collect();
        check("long", &story, 3_000, &"a".repeat(150), &".".repeat(150));
    }

    #[test]
    fn an_empty_recording_is_a_file_of_silence() {
        check("empty", &[], 40, "..", "..");
    }
}
