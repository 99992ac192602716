//! Progress of an import: a bar on a terminal, plain lines otherwise; and the list of issues.
use crate::error::Issue;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::Path,
    time::{Duration, Instant},
};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR: &str = "{bar:30} {bytes}/{total_bytes}  {msg}  {eta} left";

/// Shows how far an import is.
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    total: u64,
    started: Instant,
    line: Instant,
}

impl Progress {
    pub fn new(total: u64) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        let now = Instant::now();
        let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style);
        Self { bar, terminal, total, started: now, line: now }
    }

    /// `bytes` of all files are read, and hold so many `events`.
    pub fn set(&mut self, bytes: u64, events: u64) {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let rate = events as f64 / seconds;
        if self.terminal {
            self.bar.set_position(bytes);
            self.bar.set_message(format!("{} events, {}/s", grouped(events), grouped(rate as u64)));
        } else if self.line.elapsed() >= LINE_EVERY {
            self.line = Instant::now();
            let left = (bytes > 0).then(|| seconds / bytes as f64 * self.total.saturating_sub(bytes) as f64);
            let left = left.map_or(String::new(), |s| format!(", {s:.0} s left"));
            let (mib, of) = (bytes >> 20, self.total >> 20);
            let (events, rate) = (grouped(events), grouped(rate as u64));
            let _ = writeln!(io::stderr(), "{mib} of {of} MiB, {events} events, {rate} events/s{left}");
        }
    }

    /// Says what goes on after the last byte was read.
    pub fn say(&self, what: &str) {
        if self.terminal {
            self.bar.set_style(ProgressStyle::default_spinner());
            self.bar.set_message(what.to_owned());
            self.bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            let _ = writeln!(io::stderr(), "{what}");
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Where issues are listed, all of them: a file of JSON lines, or standard error.
pub struct Issues {
    file: Option<BufWriter<File>>,
    pub count: u64,
    failed: Option<io::Error>,
}

impl Issues {
    pub fn new(path: Option<&Path>) -> io::Result<Self> {
        Ok(Self { file: path.map(File::create).transpose()?.map(BufWriter::new), count: 0, failed: None })
    }

    pub fn add(&mut self, issue: &Issue, progress: Option<&Progress>) {
        self.count += 1;
        let written = match (&mut self.file, progress) {
            (Some(file), _) => {
                serde_json::to_writer(&mut *file, issue).map_err(Into::into).and_then(|()| writeln!(file))
            }
            (None, Some(progress)) => progress.bar.suspend(|| writeln!(io::stderr(), "issue: {issue}")),
            (None, None) => writeln!(io::stderr(), "issue: {issue}"),
        };
        if let Err(e) = written {
            self.failed.get_or_insert(e);
        }
    }

    /// # Errors
    /// When the list could not be written.
    pub fn finish(mut self) -> io::Result<u64> {
        if let Some(mut file) = self.file.take() {
            file.flush()?;
        }
        self.failed.map_or(Ok(self.count), Err)
    }
}

/// `1234567` as `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn groups_digits_by_three() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(n), text);
        }
    }
}
