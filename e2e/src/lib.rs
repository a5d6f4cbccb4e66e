//! A stage for whole calls: the real service between a provider (Kamailio), telephones (pjsua2), odd far ends (SIPp) and
//! a browser's requests. Everybody has an address of the loopback net of his own stage, so that stages stand side by
//! side. It knows the service only from outside: its program, its files, its API, its messages.
//!
//! It is made for tests: what does not work panics, with what was seen so far. Nothing is waited for by the clock;
//! each wait is for an event and has a generous limit.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "it is made for tests: what does not work panics, and what was seen is printed"
)]

pub mod audio;
pub mod browser;
pub mod far_end;
pub mod fault;
pub mod kill;
pub mod ledger;
pub mod network;
pub mod postgres;
pub mod program;
pub mod provider;
pub mod service;
pub mod stage;
pub mod telephone;

use std::time::Duration;

/// How long anything may take that a story waits for.
pub const PATIENCE: Duration = Duration::from_secs(60);
