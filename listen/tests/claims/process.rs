//! Second processes: this test binary, started again in a role.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use listen::UnixClaim;
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};

/// Time that a test waits for a line of its process before it fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// The number of lines of a process that may wait for the test.
const LINES: usize = 1000;

const ROLE: &str = "LISTEN_TEST_ROLE";
const ARGUMENT: &str = "LISTEN_TEST_ARGUMENT";

/// Removes root's right to ignore file permissions, so that they apply in every CI.
const WITHOUT_OVERRIDE: [&str; 3] =
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"];

/// A running second process; it is killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the role, which prints `ready` and waits for [`go`](Self::go).
    pub(crate) fn start(role: &str, argument: &Path) -> Self {
        Self::start_under(&[], role, argument)
    }

    /// Starts a role to which file permissions apply, whichever user runs the tests.
    pub(crate) fn start_under_permissions(role: &str, argument: &Path) -> Self {
        let root = geteuid().is_root();
        Self::start_under(if root { &WITHOUT_OVERRIDE } else { &[] }, role, argument)
    }

    /// Starts the role through a command that executes its last arguments.
    pub(crate) fn start_under(wrapper: &[&str], role: &str, argument: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut words = wrapper.iter().map(Into::into).chain([program.into_os_string()]);
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args(["--exact", "process::the_process_that_other_tests_start", "--ignored", "--nocapture"])
            .env(ROLE, role)
            .env(ARGUMENT, argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {wrapper:?} (setpriv is in util-linux): {error}"));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::sync_channel(LINES);
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut process = Self { stdin: child.stdin.take(), child, lines };
        assert_eq!(process.line(), "ready");
        process
    }

    /// Starts the role, lets it run, and checks that it prints `claimed`.
    pub(crate) fn holding(role: &str, path: &Path) -> Self {
        let mut process = Self::start(role, path);
        process.go();
        assert_eq!(process.line(), "claimed");
        process
    }

    pub(crate) fn go(&mut self) {
        self.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("no line from the process: {error}"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Makes it release what it holds, and waits for its end.
    pub(crate) fn end(mut self) {
        drop(self.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }

    /// Whether it answers a connection to `path`.
    pub(crate) fn answers(&self, path: &Path) -> bool {
        let mut answer = String::new();
        let read = UnixStream::connect(path).and_then(|mut stream| stream.read_to_string(&mut answer));
        read.is_ok() && answer == self.pid().to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "a process that other tests start"]
fn the_process_that_other_tests_start() {
    let (Ok(role), Some(argument)) = (std::env::var(ROLE), std::env::var_os(ARGUMENT)) else { return };
    let path = Path::new(&argument);
    eprintln!("ready");
    std::io::stdin().lines().next();
    match role.as_str() {
        "hold" => hold(path),
        "listen without a lock" => {
            serve(UnixListener::bind(path).unwrap());
            eprintln!("claimed");
            wait_for_the_end();
        }
        "hold a port" => {
            let listener = listen::tcp("127.0.0.1", 0).unwrap();
            eprintln!("{}", listener.local_addr().unwrap().port());
            wait_for_the_end();
        }
        "claim with few descriptors" => claim_with_few_descriptors(path),
        "check the directory" => report(listen::check_directory(path)),
        "claim 200 times" => {
            (0..200).for_each(|_| UnixClaim::bind(path).unwrap().release().unwrap());
            eprintln!("claimed");
        }
        other => panic!("no role {other}"),
    }
}

fn hold(path: &Path) {
    let claim = UnixClaim::bind(path);
    if let Ok(claim) = &claim {
        let listener = claim.listener().unwrap();
        listener.set_nonblocking(false).unwrap();
        serve(listener);
    }
    report(claim.as_ref());
    wait_for_the_end();
}

/// Lowers the limit of open files until a claim fails at each of its steps in turn, and prints what each attempt leaves.
fn claim_with_few_descriptors(path: &Path) {
    let all = getrlimit(Resource::Nofile);
    for limit in 3..24 {
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..all }).unwrap();
        let claim = UnixClaim::bind(path);
        setrlimit(Resource::Nofile, all).unwrap();
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let left: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        match claim {
            Ok(_) => return eprintln!("claimed"),
            Err(error) => eprintln!("refused, leaving {left:?}: {error}"),
        }
    }
}

fn report<T, E: Display>(result: Result<T, E>) {
    match result {
        Ok(_) => eprintln!("claimed"),
        Err(error) => eprintln!("refused: {error}"),
    }
}

/// Sends the pid of this process to every client.
fn serve(listener: UnixListener) {
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = write!(stream, "{}", std::process::id());
        }
    });
}

fn wait_for_the_end() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
