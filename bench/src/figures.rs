//! Numbers as they are printed, and the lines of the table.

use std::io::Write as _;
use std::time::Duration;

/// Writes a line; a closed pipe is no reason to panic.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    value: String,
    goal: &'static str,
    missed: bool,
}

impl Row {
    /// A measured figure; it is printed at once too, for whoever waits.
    pub(crate) fn new(what: impl Into<String>, value: impl Into<String>, goal: &'static str) -> Self {
        let row = Self { what: what.into(), value: value.into(), goal, missed: false };
        say(&format!("  = {}: {}", row.what, row.value));
        row
    }

    /// Whether the figure is within its goal: one that is not makes the run fail.
    pub(crate) fn if_within(mut self, is_within: bool) -> Self {
        self.missed = !is_within;
        self
    }

    /// It is not within its goal.
    pub(crate) fn is_missed(&self) -> bool {
        self.missed
    }
}

/// The table in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from("| figure | measured | goal |\n|---|---|---|\n");
    for Row { what, value, goal, missed } in rows {
        let missed = if *missed { ": missed" } else { "" };
        text.push_str(&format!("| {what} | {value} | {goal}{missed} |\n"));
    }
    text
}

/// Spans in order, for shares of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Vec<Duration>);

impl FromIterator<Duration> for Spans {
    fn from_iter<I: IntoIterator<Item = Duration>>(spans: I) -> Self {
        let mut spans: Vec<_> = spans.into_iter().collect();
        spans.sort_unstable();
        Self(spans)
    }
}

impl Spans {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What so many of a hundred do not exceed; nothing of none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }

    /// The longest.
    pub(crate) fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }

    /// `p50/p99/max`, in milliseconds.
    pub(crate) fn show(&self) -> String {
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        format!("{} / {} / {}", ms(p50), ms(p99), ms(self.longest()))
    }
}

/// Milliseconds with one digit after the point.
pub(crate) fn ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1_000.0)
}

/// A share in percent.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    format!("{:.2} %", part as f64 * 100.0 / whole.max(1) as f64)
}

/// Kilobytes as megabytes.
pub(crate) fn mb(kb: u64) -> String {
    format!("{:.1} MB", kb as f64 / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_spans() {
        let spans: Spans = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(spans.show(), "100.0 ms / 198.0 ms / 200.0 ms");
        assert_eq!(Spans::default().show(), "0.0 ms / 0.0 ms / 0.0 ms");
    }
}
