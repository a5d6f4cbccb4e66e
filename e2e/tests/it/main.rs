//! Whole calls through programs that nobody here wrote.

mod talk;
