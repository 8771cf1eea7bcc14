use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::{Ended, PATIENCE, Program, binary};

/// A command line.
///
/// It inherits the environment of the test without `SKIMMER_…`; [`env`](Launch::env) adds variables.
#[derive(Debug)]
pub struct Launch {
    name: String,
    log: PathBuf,
    command: Command,
    listener: Option<OwnedFd>,
}

impl Launch {
    /// A program of this workspace; `name` stands in failures, stderr goes to `FOLDER/NAME.log`.
    #[must_use]
    pub fn new(program: &str, name: &str, folder: &Path) -> Self {
        Self::at(&binary(program), name, folder)
    }

    /// The program at a path, such as a copy that another user can run.
    #[must_use]
    pub fn at(program: &Path, name: &str, folder: &Path) -> Self {
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("SKIMMER_") {
                command.env_remove(variable);
            }
        }
        Self { name: name.to_owned(), log: folder.join(format!("{name}.log")), command, listener: None }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds `--set name=value`.
    #[must_use]
    pub fn set(self, name: &str, value: impl std::fmt::Display) -> Self {
        self.args(["--set".to_owned(), format!("{name}={value}")])
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it with another program, such as `nice -n 19`, which runs it by `exec`, so that the process id is its own.
    #[must_use]
    pub fn under(mut self, wrapper: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(wrapper);
        command.args(arguments).arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }

    /// Passes it a listener, as a service manager does (sd_listen_fds(3)). It has no stdin then.
    #[must_use]
    pub fn with_listener(self, listener: OwnedFd) -> Self {
        let passing = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"";
        Self { listener: Some(listener), ..self.under("sh", &["-c", passing, "sh"]) }
    }

    /// The command itself, to be started with other standard streams.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Starts it; its stdin stays open until it is closed.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    #[track_caller]
    pub fn start(mut self) -> Program {
        let stderr = File::create(&self.log).expect("the test's folder can be written");
        let stdin = self.listener.take().map_or_else(Stdio::piped, Stdio::from);
        let command = self.command.stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
        let child = command.spawn().unwrap_or_else(|error| panic!("{} does not start: {error}", self.name));
        Program::new(self.name, child, self.log)
    }

    /// Runs it until it exits, without input.
    ///
    /// # Panics
    /// If it does not exit within [`PATIENCE`].
    #[must_use]
    #[track_caller]
    pub fn run(self) -> Ended {
        self.run_with("")
    }

    /// Runs it until it exits, with `input` on its stdin.
    ///
    /// # Panics
    /// If it does not exit within [`PATIENCE`].
    #[must_use]
    #[track_caller]
    pub fn run_with(mut self, input: &str) -> Ended {
        let piped = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|error| panic!("{} does not start: {error}", self.name));
        let (mut stdin, input) = (child.stdin.take().expect("piped"), input.as_bytes().to_vec());
        thread::spawn(move || stdin.write_all(&input));
        let stdout = read_all(child.stdout.take().expect("piped"));
        let stderr = read_all(child.stderr.take().expect("piped"));
        let status = crate::program::wait(&mut child, PATIENCE).unwrap_or_else(|| {
            let _ = child.kill();
            panic!("{} did not end within {PATIENCE:?}", self.name)
        });
        let text = |reader: thread::JoinHandle<String>| reader.join().expect("reading does not fail");
        Ended { name: self.name, status, stdout: text(stdout), stderr: text(stderr) }
    }
}

fn read_all(mut source: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
