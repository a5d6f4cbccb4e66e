//! The service's rooms. The program is `main`; they are a library so that its tests can walk in.

pub mod account;
pub mod check;
pub mod cli;
mod clock;
pub mod config;
mod connections;
mod door;
pub mod engine;
mod html;
pub mod ids;
pub mod mail;
mod metrics;
mod money;
pub mod practice;
mod quote;
pub mod regions;
mod retention;
pub mod say;
mod serve;
pub mod service;
pub mod settings;
mod sounds;
pub mod speech;
pub mod store;
mod tariffs;
mod timeline;
pub mod web;
