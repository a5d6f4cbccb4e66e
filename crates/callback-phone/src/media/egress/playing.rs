//! A sound that plays to a leg, 20 ms at a time.

use crate::media::law::Codec;
use crate::media::sound::Sound;
use std::sync::Arc;

/// A sound, and how far it has been heard.
#[derive(Debug)]
pub(super) struct Playing {
    pub(super) number: u16,
    sound: Arc<Sound>,
    again: bool,
    at: usize,
}

impl Playing {
    pub(super) fn new(number: u16, sound: Arc<Sound>, again: bool) -> Self {
        Self { number, sound, again, at: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        !self.again && self.at >= self.sound.octets(Codec::Pcma).len()
    }

    /// Writes the next 20 ms; past the end of a sound that is not repeated the frame stays as it is.
    pub(super) fn fill(&mut self, codec: Codec, frame: &mut [u8]) {
        let octets = self.sound.octets(codec);
        for to in frame {
            if self.again && self.at >= octets.len() {
                self.at = 0;
            }
            let Some(octet) = octets.get(self.at) else { break };
            *to = *octet;
            self.at += 1;
        }
    }
}
