use pubsub_api::{Error, ErrorKind, Result};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A request to a running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: drain and exit.
    Stop,
    /// SIGUSR2: stop with more patience than on SIGTERM; programs that have none stop.
    Drain,
    /// SIGHUP: reload the settings.
    Reload,
    /// SIGUSR1: write the status as one line.
    Status,
}

/// The signals of this process, as a stream.
///
/// Two signals of one kind that arrive before [`next`](Self::next) is called may be reported once, as the kernel does
/// (signal(7)).
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
    usr1: Stream,
    usr2: Stream,
}

impl Signals {
    /// Installs the signal handlers. After this the signals do not end the process.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the operating system refuses a handler.
    pub fn install() -> Result<Self> {
        let install = |kind| {
            signal(kind).map_err(|error| {
                Error::new(ErrorKind::Internal, "cannot install a signal handler").with_source(error)
            })
        };
        Ok(Self {
            terminate: install(SignalKind::terminate())?,
            interrupt: install(SignalKind::interrupt())?,
            hangup: install(SignalKind::hangup())?,
            usr1: install(SignalKind::user_defined1())?,
            usr2: install(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next signal.
    ///
    /// # Cancel safety
    /// If the future is dropped, the next call returns a signal that arrived in the meantime.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.usr2.recv() => Signal::Drain,
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.usr1.recv() => Signal::Status,
        }
    }
}
