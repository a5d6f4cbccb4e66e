//! A request to be called.
