use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench_kit::{cannot, failure};
use pubsub_api::Result;

use crate::pusher::PushAddress;
use crate::wire::Wire;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Our publisher service
    Skimmer,
    /// A PULL and a PUB of libzmq, joined by its proxy
    Libzmq,
    /// A PULL and a PUB of omq, joined by its proxy
    Omq,
    /// nats-server
    Nats,
    /// A later nats-server, which --latest-peers has
    NatsLatest,
    /// redis-server
    Redis,
    /// Valkey, which --latest-peers has
    Valkey,
    /// The same with two I/O threads
    ValkeyIoThreads,
    /// Writes its input to every subscriber and does nothing else: the machine's limit
    Raw,
}

/// A server to measure: its kind, its name, and the settings of our own one.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) settings: Vec<String>,
    /// Another build of our service, which does not acknowledge workers' events; `None` for the current build.
    pub(crate) before: Option<PathBuf>,
}

/// The paths of the servers' programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) service: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) nats: PathBuf,
    pub(crate) redis: PathBuf,
    /// The folder of omq-forwarder, nats-server and valkey-server.
    pub(crate) latest: PathBuf,
    pub(crate) this: PathBuf,
}

/// The command of a server, and its addresses.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) command: Command,
    pub(crate) push: PushAddress,
    /// Where it publishes; `None` if it prints the address on its first line.
    pub(crate) network: Option<SocketAddr>,
}

const LIBZMQ_PROXY: &str = include_str!("../../peers/libzmq_proxy.py");

impl Kind {
    fn wire(self) -> Wire {
        match self {
            Self::Skimmer => Wire::Hop,
            Self::Libzmq | Self::Omq => Wire::Zmtp,
            Self::Nats | Self::NatsLatest => Wire::Nats,
            Self::Redis | Self::Valkey | Self::ValkeyIoThreads => Wire::Redis,
            Self::Raw => Wire::Bare,
        }
    }

    /// Whether it is a peer of our service.
    pub(crate) fn is_peer(self) -> bool {
        !matches!(self, Self::Skimmer | Self::Raw)
    }

    /// The description for the report.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Skimmer => "publisher-service, from a Unix socket (an acknowledged worker) to TCP (PUB)",
            Self::Libzmq => "libzmq's proxy from PULL on a Unix socket to PUB over TCP, high-water marks 0",
            Self::Omq => {
                "omq's proxy from PULL on a Unix socket to PUB over TCP, I/O threads as the machine has cores, \
                 waiting when a queue is full"
            }
            Self::Nats | Self::NatsLatest => "nats-server over TCP, not verbose",
            Self::Redis | Self::Valkey => {
                "the server over TCP, PUBLISH in pipelines, nothing saved, no limit for subscribers"
            }
            Self::ValkeyIoThreads => "as valkey, with io-threads 2",
            Self::Raw => {
                "this program, writing the blocks of a Unix socket to every TCP socket, without parsing them"
            }
        }
    }
}

impl Contender {
    pub(crate) fn wire(&self) -> Wire {
        if self.before.is_some() { Wire::Zmtp } else { self.kind.wire() }
    }

    /// The command that starts it in `folder`, for this number of subscribers.
    pub(crate) fn start(&self, programs: &Programs, folder: &Path, subscribers: usize) -> Result<Start> {
        let socket = folder.join("push.sock");
        match self.kind {
            Kind::Skimmer => Ok(unix(self.service(programs, folder, &socket), socket)),
            Kind::Libzmq => {
                let mut command = Command::new(&programs.python);
                command.args(["-c", LIBZMQ_PROXY]).arg(&socket);
                Ok(unix(command, socket))
            }
            Kind::Raw => {
                let mut command = Command::new(&programs.this);
                command.args(["raw", "--subscribers", &subscribers.to_string()]).arg("--socket").arg(&socket);
                Ok(unix(command, socket))
            }
            Kind::Omq => {
                let mut command = Command::new(programs.latest.join("omq-forwarder"));
                command.arg(&socket);
                Ok(unix(command, socket))
            }
            Kind::Nats => nats(&programs.nats, folder),
            Kind::NatsLatest => nats(&programs.latest.join("nats-server"), folder),
            Kind::Redis => redis(&programs.redis, folder, 1),
            Kind::Valkey => redis(&programs.latest.join("valkey-server"), folder, 1),
            Kind::ValkeyIoThreads => redis(&programs.latest.join("valkey-server"), folder, 2),
        }
    }

    fn service(&self, programs: &Programs, folder: &Path, socket: &Path) -> Command {
        let own = [
            "publisher_bind_address=127.0.0.1".to_owned(),
            "publisher_port=0".to_owned(),
            format!("publisher_multiproc_socket={}", socket.display()),
            format!("state_dir={}", folder.display()),
        ];
        let mut command = Command::new(self.before.as_ref().unwrap_or(&programs.service));
        command.args(["--log-level", "warn"]);
        for setting in own.iter().chain(&self.settings) {
            command.args(["--set", setting]);
        }
        command
    }

    /// The version that its program prints.
    pub(crate) fn version(&self, programs: &Programs) -> Result<String> {
        let version: &[&str] = &["--version"];
        let latest = |name| programs.latest.join(name);
        let (program, arguments) = match self.kind {
            Kind::Skimmer => (self.before.as_ref().unwrap_or(&programs.service).clone(), version),
            Kind::Libzmq => (
                programs.python.clone(),
                &["-c", "import zmq; print('libzmq', zmq.zmq_version(), 'pyzmq', zmq.__version__)"][..],
            ),
            Kind::Omq => (latest("omq-forwarder"), version),
            Kind::Nats => (programs.nats.clone(), version),
            Kind::NatsLatest => (latest("nats-server"), version),
            Kind::Redis => (programs.redis.clone(), version),
            Kind::Valkey | Kind::ValkeyIoThreads => (latest("valkey-server"), version),
            Kind::Raw => (programs.this.clone(), version),
        };
        let wanted =
            format!("{}, to measure {} (benches/setup installs the peers)", program.display(), self.name);
        let output =
            Command::new(&program).args(arguments).output().map_err(cannot(format!("run {wanted}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failure(format!("cannot run {wanted}: {said}")));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn unix(command: Command, socket: PathBuf) -> Start {
    Start { command, push: PushAddress::Unix(socket), network: None }
}

fn tcp(command: Command, address: SocketAddr) -> Start {
    Start { command, push: PushAddress::Tcp(address), network: Some(address) }
}

fn nats(program: &Path, folder: &Path) -> Result<Start> {
    let address = free_address()?;
    let file = folder.join("nats.conf");
    let text = format!("host: {}\nport: {}\n", address.ip(), address.port());
    std::fs::write(&file, text).map_err(cannot("write nats-server's configuration"))?;
    let mut command = Command::new(program);
    command.arg("-c").arg(file);
    Ok(tcp(command, address))
}

fn redis(program: &Path, folder: &Path, io_threads: u32) -> Result<Start> {
    let address = free_address()?;
    let mut command = Command::new(program);
    command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command.args(["--client-output-buffer-limit", "pubsub", "0", "0", "0"]);
    command.args(["--io-threads", &io_threads.to_string()]).arg("--dir").arg(folder);
    Ok(tcp(command, address))
}

/// An address that is free now; a server that cannot bind it ends, and the run fails.
fn free_address() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(cannot("find a free port"))?;
    listener.local_addr().map_err(cannot("read the address of a TCP socket"))
}
