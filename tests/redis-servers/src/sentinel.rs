use std::fs;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::port::free_port;
use crate::{Raw, RedisServer, ServerProgram, until};

/// A Sentinel of the [chosen](ServerProgram::chosen) program that monitors one master under the name `mymaster`.
#[derive(Debug)]
pub struct Sentinel {
    port: u16,
    _folder: TempDir,
    child: Child,
}

impl Sentinel {
    /// Starts a Sentinel; it answers when this returns.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(master: &RedisServer) -> Self {
        let (port, program) = (free_port(), ServerProgram::chosen());
        let folder = tempfile::Builder::new().prefix("skimmer-sentinel-").tempdir().expect("a folder");
        let file = folder.path().join("sentinel.conf");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nlogfile log\nsentinel monitor mymaster 127.0.0.1 {} 1\n",
            folder.path().display(),
            master.port()
        );
        // Sentinel writes what it learns into its configuration file.
        fs::write(&file, settings).expect("a file");
        let mut command = Command::new(program.path());
        command.arg(&file).arg("--sentinel").current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start Sentinel: {error}"));
        let sentinel = Self { port, _folder: folder, child };
        until("Sentinel answers", || {
            Raw::connect(port).and_then(|mut raw| raw.try_call(&["PING"])).map(|_| ())
        });
        sentinel
    }

    /// Its address, `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
