//! Odd far ends: SIPp with a scenario of `sipp/`. It ends well only if the other side did what the scenario needs.

use crate::program::{Program, is_bound};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{f64::consts::TAU, fs};
use tokio::process::Command;

/// A SIPp on port 5060 of its address; it takes one call, or as many as it is told.
#[derive(Debug)]
pub struct FarEnd {
    program: Program,
    folder: PathBuf,
    scenario: String,
}

impl FarEnd {
    /// Starts a scenario for so many calls; where it speaks, it says a tone of 440 Hz.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(folder: &Path, address: Ipv4Addr, scenario: &str, calls: u32) -> Self {
        let folder = folder.join(format!("sipp-{address}-{scenario}"));
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("tone.al"), tone(440.0)).expect("a tone");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("sipp").join(scenario).with_extension("xml");
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(file).args(["-nostdin", "-p", "5060", "-mp", "6000", "-i"]);
        command.arg(address.to_string()).arg("-mi").arg(address.to_string());
        command.arg("-m").arg(calls.to_string());
        command.args([
            "-trace_msg",
            "-message_file",
            "messages.txt",
            "-trace_err",
            "-error_file",
            "errors.txt",
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut program = Program::start("sipp", &folder, command);
        program.becomes_ready(async || is_bound(address, 5060)).await;
        Self { program, folder, scenario: scenario.to_owned() }
    }

    /// Waits for the end of its calls.
    ///
    /// # Panics
    /// When the other side did not do what the scenario needs.
    pub async fn is_content(&mut self) {
        if !self.program.ends().await {
            let read = |name| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            panic!("{}: {}\n{}", self.scenario, read("errors.txt"), read("messages.txt"));
        }
    }

    /// Waits until a message has passed that holds this text.
    ///
    /// # Panics
    /// When it ends before, or takes too long.
    pub async fn sees(&mut self, text: &str) {
        let messages = self.folder.join("messages.txt");
        let seen = async || fs::read_to_string(&messages).is_ok_and(|messages| messages.contains(text));
        self.program.becomes_ready(seen).await;
    }

    /// How often a message has passed that begins with this text.
    #[must_use]
    pub fn count(&self, start: &str) -> usize {
        let messages = fs::read_to_string(self.folder.join("messages.txt")).unwrap_or_default();
        messages.lines().filter(|line| line.starts_with(start)).count()
    }
}

/// A second of a tone as raw A-law (ITU-T G.711).
fn tone(hz: f64) -> Vec<u8> {
    (0..8000).map(|at| alaw((0.3 * 32_767.0 * (TAU * hz * f64::from(at) / 8000.0).sin()).round())).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sample is within 16 bits")]
fn alaw(sample: f64) -> u8 {
    let (sign, size) = if sample >= 0.0 { (0x80, sample as u32) } else { (0, (-sample - 1.0) as u32) };
    let segment = (32 - size.leading_zeros()).saturating_sub(8);
    let steps = if segment == 0 { size >> 4 } else { size >> (segment + 3) } & 15;
    (sign | (segment << 4 | steps) as u8) ^ 0x55
}
