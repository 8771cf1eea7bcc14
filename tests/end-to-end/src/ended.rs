use std::process::ExitStatus;

use serde_json::Value;

/// What is left of a process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The name that it was given.
    pub name: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Ended {
    /// The exit status; `None` after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Asserts the exit status, and gives itself on.
    ///
    /// # Panics
    /// If it ended otherwise, with what it wrote.
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

    /// Asserts that every one of `parts` stands in stderr, and gives itself on.
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
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }

    /// stdout as JSON lines.
    ///
    /// # Panics
    /// If a line is no JSON.
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
