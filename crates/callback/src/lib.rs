//! The service's rooms. The program is `main`; they are a library so that its tests can walk in.

pub mod check;
pub mod cli;
pub mod config;
mod door;
pub mod ids;
pub mod say;
pub mod settings;
pub mod store;
