//! The service's rooms. The program is `main`; they are a library so that its tests can walk in.

pub mod engine;
pub mod ids;
mod metrics;
mod timeline;
pub mod settings;
pub mod speech;
pub mod store;
