use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::port::free_port;
use crate::{Authority, Certified, Raw, ServerProgram, until};

/// One server with an append-only file, which keeps confirmed writes even if it is killed.
#[derive(Debug)]
pub struct RedisServer {
    program: ServerProgram,
    port: u16,
    tls_port: Option<u16>,
    folder: TempDir,
    options: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// Starts the [chosen](ServerProgram::chosen) program with further options, such as `--requirepass secret`, each word
    /// separately; it is ready when this returns.
    ///
    /// # Panics
    /// If it does not start; with its log.
    #[must_use]
    #[track_caller]
    pub fn start(options: &[&str]) -> Self {
        Self::start_program(ServerProgram::chosen(), options)
    }

    /// The same with a given program.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    #[track_caller]
    pub fn start_program(program: ServerProgram, options: &[&str]) -> Self {
        Self::start_on(program, || (None, options.iter().map(|option| (*option).to_owned()).collect()))
    }

    /// The same as [`start`](Self::start) at a given free port.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn start_at(port: u16, options: &[&str]) -> Self {
        let program = ServerProgram::chosen();
        let folder = tempfile::Builder::new().prefix("skimmer-redis-").tempdir().expect("a folder");
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = spawn(program, port, folder.path(), &options);
        let mut server = Self { program, port, tls_port: None, folder, options, child };
        assert!(server.is_ready(), "{} ended:\n{}", program.name(), server.log());
        server
    }

    /// Starts a server that also speaks TLS at another port, [`tls_address`](Self::tls_address), with the certificate `own`.
    /// It requires no client certificate, unless the options require one (`--tls-auth-clients yes`). It is always
    /// [`Redis7`](ServerProgram::Redis7): the other programs are built without TLS.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    #[track_caller]
    pub fn start_tls(authority: &Authority, own: &Certified, options: &[&str]) -> Self {
        let file = |path: &Path| path.display().to_string();
        Self::start_on(ServerProgram::Redis7, || {
            let port = free_port();
            let (port_text, ca_file) = (port.to_string(), file(&authority.ca_file()));
            let (cert_file, key_file) = (file(&own.cert_file), file(&own.key_file));
            let tls =
                ["--tls-port", &port_text, "--tls-ca-cert-file", &ca_file, "--tls-cert-file", &cert_file];
            let more = ["--tls-key-file", &key_file, "--tls-auth-clients", "no"];
            let all = tls.iter().chain(&more).chain(options);
            (Some(port), all.map(|option| (*option).to_owned()).collect())
        })
    }

    #[track_caller]
    fn start_on(program: ServerProgram, options: impl Fn() -> (Option<u16>, Vec<String>)) -> Self {
        // Another process may take a free port before the server binds it.
        const ATTEMPTS: u32 = 5;
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix("skimmer-redis-").tempdir().expect("a folder");
            let ((tls_port, options), port) = (options(), free_port());
            let child = spawn(program, port, folder.path(), &options);
            let mut server = Self { program, port, tls_port, folder, options, child };
            if server.is_ready() {
                return server;
            }
            assert!(server.log().contains("bind"), "{} ended:\n{}", program.name(), server.log());
        }
        panic!("no free port after {ATTEMPTS} attempts")
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address for `drivers.redis.hosts`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of its TLS port.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    #[track_caller]
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}", self.tls_port.expect("the server was started with TLS"))
    }

    /// The port by which the nodes of a cluster reach each other: with TLS, the TLS port.
    pub(crate) fn port_for_nodes(&self) -> u16 {
        self.tls_port.unwrap_or(self.port)
    }

    /// A new connection, without TLS.
    ///
    /// # Panics
    /// If the server does not listen.
    #[must_use]
    #[track_caller]
    pub fn raw(&self) -> Raw {
        Raw::connect(self.port).expect("the server listens")
    }

    /// The content of its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills it as `kill -9` does, and waits until it has ended.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Restarts it on its port, with its data; it is ready when this returns.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.kill();
        self.child = spawn(self.program, self.port, self.folder.path(), &self.options);
        assert!(self.is_ready(), "redis-server does not restart:\n{}", self.log());
    }

    /// Restarts it on its port and returns while it is loading its rows, which takes `each_row` for each. It answers LOADING to
    /// commands that need rows.
    ///
    /// # Panics
    /// If it does not start, or has loaded everything before it answers.
    #[track_caller]
    pub fn start_again_loading(&mut self, each_row: Duration) {
        self.kill();
        let delay = each_row.as_micros().to_string();
        // It answers after each KiB of loading.
        let slowly = ["--key-load-delay", &delay, "--loading-process-events-interval-bytes", "1024"];
        let options: Vec<_> = self.options.iter().cloned().chain(slowly.map(str::to_owned)).collect();
        self.child = spawn(self.program, self.port, self.folder.path(), &options);
        let answer = until("the server answers", || {
            Raw::connect(self.port).and_then(|mut raw| raw.try_call(&["PING"]))
        });
        assert!(answer.text().starts_with("LOADING"), "{answer:?}\n{}", self.log());
    }

    /// Makes it a replica of another server, without notice to its clients; the link is up when this returns.
    ///
    /// # Panics
    /// If the link does not come up.
    #[track_caller]
    pub fn follow(&self, master: &Self) {
        let mut raw = self.raw();
        raw.call(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]).expect_ok();
        until("the replica follows its master", || {
            raw.call(&["INFO", "replication"]).text().contains("master_link_status:up").then_some(())
        });
    }

    /// Makes it a master.
    ///
    /// # Panics
    /// If it refuses.
    #[track_caller]
    pub fn follow_nobody(&self) {
        self.raw().call(&["REPLICAOF", "NO", "ONE"]).expect_ok();
    }

    /// Suspends it: its connections stay, and it answers nothing.
    ///
    /// # Panics
    /// If it has ended.
    pub fn halt(&self) {
        self.signal(Signal::STOP);
    }

    /// Resumes it.
    ///
    /// # Panics
    /// If it has ended.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Deletes its folder, so that it cannot save any more.
    ///
    /// # Panics
    /// If that fails.
    pub fn lose_its_folder(&self) {
        fs::remove_dir_all(self.folder.path()).expect("the folder can be removed");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process number");
        kill_process(pid, signal).expect("the server runs");
    }

    /// Waits until it answers; `false` if it ended.
    fn is_ready(&mut self) -> bool {
        until("redis-server serves", || {
            if self.child.try_wait().expect("a child can be waited for").is_some() {
                return Some(false);
            }
            let answer = Raw::connect(self.port).and_then(|mut raw| raw.try_call(&["PING"]));
            // A server that requires a password is ready too.
            let serves = answer.is_some_and(|answer| !answer.text().starts_with("LOADING"));
            serves.then_some(true)
        })
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        #[expect(
            clippy::disallowed_methods,
            reason = "its port is free only a moment after the process has ended"
        )]
        sleep(Duration::from_millis(1));
    }
}

fn spawn(program: ServerProgram, port: u16, folder: &Path, options: &[String]) -> Child {
    let mut command = Command::new(program.path());
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no", "--save", ""]);
    // With "everysec", a killed server may lose writes that it confirmed while an fsync was running.
    command.args([
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--repl-diskless-sync-delay",
        "0",
        "--logfile",
        "log",
    ]);
    command.arg("--dir").arg(folder).args(options);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("cannot start {}: {error}; run ./test, or tests/setup target/interop-python", program.name())
    })
}
