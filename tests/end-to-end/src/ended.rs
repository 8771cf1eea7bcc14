use std::process::ExitStatus;

use serde_json::Value;

/// The result of a process that has exited.
#[derive(Debug)]
pub struct Ended {
    /// The name of the process.
    pub name: String,
    /// The exit status.
    pub status: ExitStatus,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Ended {
    /// The exit status; `None` after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Asserts the exit status, and returns itself.
    ///
    /// # Panics
    /// If the status is different, with the output.
    #[must_use]
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let Self { name, status, stdout, stderr } = &self;
        assert_eq!(
            status.code(),
            Some(code),
            "{name}: exit status\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        self
    }

    /// Asserts that stderr contains every one of `parts`, and returns itself.
    ///
    /// # Panics
    /// If one is missing, with stderr.
    #[must_use]
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{}: no {part:?} in stderr:\n{}", self.name, self.stderr);
        }
        self
    }

    /// stdout as one JSON document.
    ///
    /// # Panics
    /// If it is not valid.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }

    /// stdout as JSON lines.
    ///
    /// # Panics
    /// If a line is not JSON.
    #[must_use]
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(read).collect()
    }

    /// The last line of stderr.
    #[must_use]
    pub fn last_words(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }
}
