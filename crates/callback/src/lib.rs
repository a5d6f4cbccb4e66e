//! The service's rooms. The program is `main`; they are a library so that its tests can walk in.

pub mod ids;
pub mod settings;
pub mod store;
