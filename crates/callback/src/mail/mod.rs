//! Letters: what is written in them, and how they leave.
//!
//! A letter is stored in the transaction of what it tells of; a job sends it. Without a server letters stay in the
//! outbox, which whoever sits at the machine can read.

mod daily;
pub(crate) mod letter;
pub(crate) mod low;
pub(crate) mod missed;
mod post;
pub(crate) mod tried;

pub(crate) use daily::daily;
pub(crate) use low::watch_balances;
pub use post::Post;
pub(crate) use post::deliver;
