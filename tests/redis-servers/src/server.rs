use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::port::free_port;
use crate::{Authority, Certified, Raw, until};

/// One server with append-only file, which keeps what it confirmed also if it is killed.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    tls_port: Option<u16>,
    folder: TempDir,
    options: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// Starts one with further options, such as `--requirepass secret`, each word apart; it serves when this returns.
    ///
    /// # Panics
    /// If it does not come up, with its log.
    #[must_use]
    #[track_caller]
    pub fn start(options: &[&str]) -> Self {
        Self::start_on(|| (None, options.iter().map(|option| (*option).to_owned()).collect()))
    }

    /// The same, which speaks TLS at another port also, [`tls_address`](Self::tls_address), and shows `own` there. It wants
    /// no certificates of clients, unless the options say so (`--tls-auth-clients yes`).
    ///
    /// # Panics
    /// As of [`start`](Self::start).
    #[must_use]
    #[track_caller]
    pub fn start_tls(authority: &Authority, own: &Certified, options: &[&str]) -> Self {
        let file = |path: &Path| path.display().to_string();
        Self::start_on(|| {
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
    fn start_on(options: impl Fn() -> (Option<u16>, Vec<String>)) -> Self {
        // Between looking for a free port and taking it, somebody else may take it.
        const ATTEMPTS: u32 = 5;
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix("skimmer-redis-").tempdir().expect("a folder");
            let ((tls_port, options), port) = (options(), free_port());
            let child = spawn(port, folder.path(), &options);
            let mut server = Self { port, tls_port, folder, options, child };
            if server.comes_up() {
                return server;
            }
            assert!(server.log().contains("bind"), "redis-server ended:\n{}", server.log());
        }
        panic!("no free port after {ATTEMPTS} attempts")
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// As `drivers.redis.hosts` wants it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it speaks TLS.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    #[track_caller]
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}", self.tls_port.expect("the server was started with TLS"))
    }

    /// The port by which nodes of a cluster know each other: with TLS, that of TLS.
    pub(crate) fn port_for_nodes(&self) -> u16 {
        self.tls_port.unwrap_or(self.port)
    }

    /// A connection of its own, without TLS.
    ///
    /// # Panics
    /// If nobody listens.
    #[must_use]
    #[track_caller]
    pub fn raw(&self) -> Raw {
        Raw::connect(self.port).expect("the server listens")
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on its port, with its data; it serves when this returns.
    ///
    /// # Panics
    /// If it does not come up.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.kill();
        self.child = spawn(self.port, self.folder.path(), &self.options);
        assert!(self.comes_up(), "redis-server does not come up again:\n{}", self.log());
    }

    /// Halts it: its connections stay, and nothing is answered.
    ///
    /// # Panics
    /// If it is gone.
    pub fn halt(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// If it is gone.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Takes its folder away, so that it cannot save any more.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn lose_its_folder(&self) {
        fs::remove_dir_all(self.folder.path()).expect("the folder can be removed");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process number");
        kill_process(pid, signal).expect("the server runs");
    }

    /// Waits until it answers; `false` if it ended.
    fn comes_up(&mut self) -> bool {
        until("redis-server serves", || {
            if self.child.try_wait().expect("a child can be waited for").is_some() {
                return Some(false);
            }
            let answer = Raw::connect(self.port).and_then(|mut raw| raw.try_call(&["PING"]));
            // Whoever wants a password has come up too.
            let serves = answer.is_some_and(|answer| !answer.text().starts_with("LOADING"));
            serves.then_some(true)
        })
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // What it had open is closed a moment after it is gone, and only then its port is free.
        sleep(Duration::from_millis(1));
    }
}

fn spawn(port: u16, folder: &Path, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no", "--save", ""]);
    command.args(["--appendonly", "yes", "--repl-diskless-sync-delay", "0", "--logfile", "log"]);
    command.arg("--dir").arg(folder).args(options);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("cannot start redis-server: {error}; `apt-get install redis-server`, or run tests/setup")
    })
}
