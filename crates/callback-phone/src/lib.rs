//! SIP and RTP in the words of `callback-core`: places calls, reports what becomes of them, and carries their sound.

pub mod key;
pub mod media;
