//! Whole calls through programs that nobody here wrote. In-process stories of the same calls, and their exact times, are
//! told elsewhere; here order counts, and that everybody else understands what we mean.

mod crash;
mod odd;
mod seek;
mod talk;

use e2e::telephone::Answers;
use std::time::Duration;

/// A telephone that is picked up soon.
const SOON: Answers = Answers::After(Duration::from_millis(500));
/// One that is picked up after everybody else.
const LATER: Answers = Answers::After(Duration::from_millis(2_500));
