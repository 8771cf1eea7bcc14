use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::output::{InVain, Output};
use crate::{PATIENCE, is_event, notice};

/// A running process whose stdout lines are all kept. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    output: Arc<Output>,
    log: PathBuf,
}

impl Program {
    pub(crate) fn new(name: String, mut child: Child, log: PathBuf) -> Self {
        let output = Output::collect(child.stdout.take().expect("stdout is piped"));
        Self { name, child, output, log }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All lines so far; a line that is not JSON is a JSON string.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.output.lines()
    }

    /// The number of lines: a mark, to [wait](Self::wait_for_since) for later lines.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.output.len()
    }

    /// The events so far, without the notices.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.lines().into_iter().filter(is_event).collect()
    }

    /// The names of the notices so far.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.lines().iter().filter_map(notice).map(str::to_owned).collect()
    }

    /// The same without `live`, whose position depends on when its publisher has confirmed that no event is missing.
    #[must_use]
    pub fn notices_but_live(&self) -> Vec<String> {
        self.notices().into_iter().filter(|name| name != "live").collect()
    }

    /// Its stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for the first line that is `wanted`, among the lines so far and later ones.
    ///
    /// # Panics
    /// If there is none, with the lines that there are.
    #[track_caller]
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_since(0, what, wanted)
    }

    /// The first line that is `wanted` among those after a [`mark`](Self::mark).
    ///
    /// # Panics
    /// If there is none, with the lines that there are.
    #[track_caller]
    pub fn wait_for_since(&self, mark: usize, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_count(mark, 1, what, wanted)
    }

    /// The `count`th `wanted` line after a mark.
    ///
    /// # Panics
    /// If there is none, with the lines that there are.
    #[track_caller]
    pub fn wait_for_count(
        &self,
        mark: usize,
        count: usize,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        match self.output.find(mark, count, PATIENCE, wanted) {
            Ok((_, line)) => line,
            Err(in_vain) => self.fail(what, in_vain),
        }
    }

    /// Waits for `count` events, and returns all events.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    pub fn wait_for_events(&self, count: usize) -> Vec<Value> {
        if count > 0 {
            self.wait_for_count(0, count, &format!("{count} events"), is_event);
        }
        self.events()
    }

    /// Waits for a notice of this name after a mark.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn wait_for_notice(&self, mark: usize, name: &str) -> Value {
        self.wait_for_since(mark, &format!("the notice {name}"), |line| notice(line) == Some(name))
    }

    /// Writes one line to its stdin.
    ///
    /// # Panics
    /// If it does not read, or its stdin was closed.
    #[track_caller]
    pub fn write_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the process reads its stdin");
    }

    /// Writes one line to its stdin; `false` if stdin is closed.
    pub fn offer_line(&mut self, line: &str) -> bool {
        let stdin = self.child.stdin.as_mut();
        stdin.is_some_and(|stdin| writeln!(stdin, "{line}").and_then(|()| stdin.flush()).is_ok())
    }

    /// Closes its stdin.
    pub fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If the process has ended.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{} gets no signal: {error}", self.name));
    }

    /// Kills it with SIGKILL and waits until it has exited.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it is still running.
    ///
    /// # Panics
    /// If the operating system returns an error.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Waits until it has exited and all of its output is read.
    ///
    /// # Panics
    /// If it does not exit.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let status = wait(&mut self.child, PATIENCE);
        let Some(status) = status else { self.fail("the exit of the process", InVain::TimedOut) };
        assert!(self.output.wait_for_end(PATIENCE), "{}: its output does not end", self.name);
        status
    }

    /// Sends SIGTERM and waits until it exits with status 0.
    ///
    /// # Panics
    /// If it exits with another status, with its stderr.
    #[track_caller]
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
        let status = self.wait_for_end();
        assert_eq!(status.code(), Some(0), "{}: {status}\n{}", self.name, self.stderr());
    }

    #[track_caller]
    fn fail(&self, what: &str, in_vain: InVain) -> ! {
        const LAST: usize = 20;
        let lines = self.lines();
        let shown: Vec<String> = lines.iter().rev().take(LAST).rev().map(shortened).collect();
        let why = match in_vain {
            InVain::TimedOut => format!("not within {PATIENCE:?}"),
            InVain::OutputEnded => "its output ended without".to_owned(),
        };
        panic!(
            "{}: {why}: {what}\n--- the last of {} lines\n{}\n--- stderr\n{}",
            self.name,
            lines.len(),
            shown.join("\n"),
            self.stderr()
        )
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits, at most `patience`, until a child has exited.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    const LOOK_EVERY: Duration = Duration::from_millis(2);
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "the end of a process is polled, with a deadline")]
        std::thread::sleep(LOOK_EVERY);
    }
}

fn shortened(line: &Value) -> String {
    line.to_string().chars().take(200).collect()
}
