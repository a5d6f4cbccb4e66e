//! The call's rules, pure: no clock, no socket, no randomness, no database, no order of a hash map.
//!
//! Time is an argument, randomness is drawn before it comes here, and the same inputs give the same
//! commands for ever: that is what makes a stored call replayable.

pub mod area;
pub mod arrival;
pub mod attribution;
pub mod behaviour;
pub mod billing;
pub mod blacklist;
pub mod flow;
pub mod holidays;
pub mod id;
pub mod language;
pub mod ledger;
pub mod look;
pub mod money;
pub mod number;
pub mod order;
pub mod origin;
pub mod plan;
pub mod quarter;
pub mod rating;
pub mod record;
pub mod rehearsal;
pub mod schedule;
pub mod site;
pub mod tally;
pub mod time;
