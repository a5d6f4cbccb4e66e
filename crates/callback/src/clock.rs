//! A call's clock: the wall's time when it began, and what the monotonic clock has counted since. A wall clock
//! that jumps in a call changes no second of it.

use callback_core::time::Ts;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall's time.
#[must_use]
pub(crate) fn wall_now() -> Ts {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ts(0) + since
}

/// One call's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: Ts,
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: wall_now(), began: Instant::now() }
    }

    pub(crate) fn now(self) -> Ts {
        self.at(Instant::now())
    }

    /// The call's time of an instant of the monotonic clock, be it before the call began.
    pub(crate) fn at(self, instant: Instant) -> Ts {
        match instant.checked_duration_since(self.began) {
            Some(after) => self.wall + after,
            None => self.wall - self.began.saturating_duration_since(instant),
        }
    }

    /// The instant of a time of the call.
    pub(crate) fn instant(self, at: Ts) -> Instant {
        let after = at.since(self.wall);
        self.began.checked_add(after).unwrap_or_else(|| self.began + Duration::from_secs(86_400))
    }
}
