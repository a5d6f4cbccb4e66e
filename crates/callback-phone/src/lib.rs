//! SIP and RTP in the words of `callback-core`: places calls, reports what becomes of them, and carries their sound.

mod cause;
mod sdp;
mod sip;
