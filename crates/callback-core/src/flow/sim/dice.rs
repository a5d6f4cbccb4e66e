//! Random draws that are remembered, so that a case can be told again and made smaller. 0 is always the calmest.

/// A source of draws.
pub(super) struct Dice {
    state: u64,
    tape: Vec<u32>,
    /// Where the replay is; none: it draws anew.
    at: Option<usize>,
}

impl Dice {
    pub(super) fn seeded(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, tape: Vec::with_capacity(128), at: None }
    }

    /// Gives what was drawn before, and 0 after its end.
    pub(super) fn replaying(tape: Vec<u32>) -> Self {
        Self { state: 0, tape, at: Some(0) }
    }

    pub(super) fn into_tape(self) -> Vec<u32> {
        self.tape
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        match &mut self.at {
            Some(at) => {
                let drawn = self.tape.get(*at).copied().unwrap_or(0);
                *at += 1;
                drawn % bound
            }
            None => {
                self.state ^= self.state << 13;
                self.state ^= self.state >> 7;
                self.state ^= self.state << 17;
                let high = u32::try_from(self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap();
                let drawn = high % bound;
                self.tape.push(drawn);
                drawn
            }
        }
    }

    pub(super) fn pick(&mut self, of: usize) -> usize {
        self.below(u32::try_from(of).unwrap()) as usize
    }

    /// True once in `n`; the calm answer is no.
    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == n - 1
    }
}
