use pubsub_api::{Error, ErrorKind, Result};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What someone asks of a running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: drain and end.
    Stop,
    /// SIGHUP: read the settings again.
    Reload,
    /// SIGUSR1: write one line of status.
    Status,
}

/// The signals of this process, as a stream. SIGUSR2, which would end a process that does not expect it, is logged and does
/// nothing.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
    usr1: Stream,
    usr2: Stream,
}

impl Signals {
    /// Takes over the signals; from now on they no longer end the process.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the operating system refuses the handlers.
    pub fn take() -> Result<Self> {
        let take = |kind| {
            signal(kind)
                .map_err(|error| Error::new(ErrorKind::Internal, "cannot handle signals").with_source(error))
        };
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            hangup: take(SignalKind::hangup())?,
            usr1: take(SignalKind::user_defined1())?,
            usr2: take(SignalKind::user_defined2())?,
        })
    }

    /// The next signal.
    ///
    /// # Cancel safety
    /// If the future is dropped, a signal that came meanwhile is told by the next call.
    pub async fn next(&mut self) -> Signal {
        loop {
            return tokio::select! {
                _ = self.terminate.recv() => Signal::Stop,
                _ = self.interrupt.recv() => Signal::Stop,
                _ = self.hangup.recv() => Signal::Reload,
                _ = self.usr1.recv() => Signal::Status,
                _ = self.usr2.recv() => {
                    tracing::info!("SIGUSR2 does nothing here: SIGUSR1 writes the status, SIGHUP reads the settings again");
                    continue;
                }
            };
        }
    }
}
