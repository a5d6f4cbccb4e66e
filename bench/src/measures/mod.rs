//! What is measured: a function for each figure, or for those that come out of one run.

pub(crate) mod cabinet;
pub(crate) mod hold;
pub(crate) mod live;
pub(crate) mod pressure;
pub(crate) mod rate;
pub(crate) mod rating;
pub(crate) mod sim;
pub(crate) mod soak;
pub(crate) mod statistics;
