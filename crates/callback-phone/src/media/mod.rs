//! Sound.
mod law;
pub mod prompt;
mod rtp;
mod sound;
mod tones;
pub use law::Codec;
pub use sound::{LONGEST, NotASound, Sound};
