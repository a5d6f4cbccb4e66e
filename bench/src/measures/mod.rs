//! What is measured: a function for each figure, or for those that come out of one run.

pub(crate) mod rate;
