//! The watch over what a leg should send us: tells when it fell silent and when it came back. What that means for the
//! call is decided by the flow.

use super::MediaEvent;
use std::time::{Duration, Instant};

/// How long after the answer the first packet may take.
pub const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// How long the silence may last later.
pub const SILENT_FOR: Duration = Duration::from_secs(30);

/// Watches one leg from its answer on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// The last packet, or the answer, or the end of a hold.
    since: Instant,
    heard: bool,
    lost: bool,
    sends: bool,
}

impl Watch {
    pub(super) fn new(now: Instant, sends: bool) -> Self {
        Self { since: now, heard: false, lost: false, sends }
    }

    /// The far end said whether it sends. On hold nothing is missed, and what was missed is forgiven.
    pub(super) fn set_sends(&mut self, now: Instant, sends: bool) -> Option<MediaEvent> {
        if self.sends == sends {
            return None;
        }
        (self.sends, self.since) = (sends, now);
        std::mem::take(&mut self.lost).then_some(MediaEvent::MediaBack)
    }

    /// A packet came.
    pub(super) fn packet(&mut self, now: Instant) -> Option<MediaEvent> {
        (self.since, self.heard) = (now, true);
        std::mem::take(&mut self.lost).then_some(MediaEvent::MediaBack)
    }

    pub(super) fn tick(&mut self, now: Instant) -> Option<MediaEvent> {
        let patience = if self.heard { SILENT_FOR } else { FIRST_WITHIN };
        if !self.sends || self.lost || now.saturating_duration_since(self.since) < patience {
            return None;
        }
        self.lost = true;
        Some(MediaEvent::MediaLost { first: !self.heard, since: self.since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lives a story of `seconds:what` (`p` a packet, `h` hold, `r` resume) and tells what was reported, ticking each
    /// 20 ms until the last second.
    fn check(story: &str, expected: &str) {
        let start = Instant::now();
        let mut watch = Watch::new(start, true);
        let mut told = Vec::new();
        let mut steps = story.split(' ').map(|step| step.split_once(':').unwrap()).peekable();
        for tick in 0_u32.. {
            let now = start + tick * Duration::from_millis(20);
            let mut events = Vec::new();
            while let Some((at, what)) = steps.next_if(|(at, _)| at.parse::<u32>().unwrap() * 50 == tick) {
                match what {
                    "p" => events.extend(watch.packet(now)),
                    "h" => events.extend(watch.set_sends(now, false)),
                    "r" => events.extend(watch.set_sends(now, true)),
                    what => assert_eq!(what, "end", "{at}"),
                }
            }
            events.extend(watch.tick(now));
            told.extend(events.iter().map(|event| match event {
                MediaEvent::MediaLost { first, since } => {
                    format!(
                        "{}:{}since{}",
                        tick / 50,
                        if *first { "first" } else { "lost" },
                        since.duration_since(start).as_secs()
                    )
                }
                MediaEvent::MediaBack => format!("{}:back", tick / 50),
                MediaEvent::Played(_)
                | MediaEvent::DigitsSent
                | MediaEvent::Digit(_)
                | MediaEvent::Closed(_) => {
                    unreachable!()
                }
            }));
            if steps.peek().is_none() {
                break;
            }
        }
        assert_eq!(told.join(" "), expected, "{story}");
    }

    #[test]
    fn silence_is_told_once_with_its_beginning_and_sound_again() {
        check("60:end", "10:firstsince0");
        check("12:p 60:end", "10:firstsince0 12:back 42:lostsince12");
        check("1:p 2:p 33:p 80:end", "32:lostsince2 33:back 63:lostsince33");
        check("1:p 20:p 40:p 60:end", "");
    }

    #[test]
    fn hold_suspends_the_watch_and_its_end_starts_it_anew() {
        check("1:p 2:h 300:r 329:p 340:end", "");
        check("1:p 2:h 300:r 340:end", "330:lostsince300");
        check("1:p 40:h 90:end", "31:lostsince1 40:back");
        check("0:h 60:r 80:end", "70:firstsince60");
    }
}
