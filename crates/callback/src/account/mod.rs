//! Those who sign in: passwords, secrets of links and cookies, second factors, customers' numbers, roles.
//!
//! It knows no HTTP and no database. What is slow on purpose, hashing a password, stands in
//! a line here.

mod number;
mod password;
mod role;
mod secret;
mod totp;

pub use number::{CustomerNumber, NotACustomerNumber};
pub(crate) use password::{Crowded, Hasher, Refused};
pub use role::{Right, Role};
pub(crate) use secret::{Secret, fingerprint};
pub(crate) use totp::{SecondFactor, recovery_codes};
