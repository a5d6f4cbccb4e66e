//! Letters: what is written in them, and how they leave.
//!
//! A letter is stored in the transaction of what it tells of; a job sends it. Without a server letters stay in the
//! outbox, which whoever sits at the machine can read.

pub(crate) mod letter;
mod post;

pub use post::Post;
pub(crate) use post::deliver;
