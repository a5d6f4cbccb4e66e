//! Something is taken away from a live call: it does not notice, what cannot be done is said, and what was taken away
//! is used again once it is back.

mod clock;
mod database;
mod limits;
mod stop;
