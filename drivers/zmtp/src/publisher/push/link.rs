use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::Backoff;
use tokio::net::UnixStream;
use tokio::time::sleep;

use super::connection::PushConnection;
use super::counters::LinkCounters;
use super::outbox::Outbox;
use super::unacked_window::UnackedWindow;
use crate::ZmtpSettings;
use crate::connect::{self, ConnectError, Connected, LoggedOnce};
use crate::protocol::{ProtocolError, SocketType};

/// Carries events from a worker's outbox to the service's socket, connecting again whenever the connection breaks.
pub(super) struct PushLink {
    settings: ZmtpSettings,
    /// Drawn when the link is made, which is at the first send: a process that was forked before that is a worker of its
    /// own.
    worker: u64,
    outbox: Arc<Outbox>,
    counters: Arc<LinkCounters>,
    window: UnackedWindow,
    /// The log has the line that the service acknowledges nothing.
    warned: bool,
}

impl PushLink {
    pub(super) fn new(settings: &ZmtpSettings, outbox: &Arc<Outbox>, counters: &Arc<LinkCounters>) -> Self {
        Self {
            settings: settings.clone(),
            worker: random_id(),
            outbox: Arc::clone(outbox),
            counters: Arc::clone(counters),
            window: UnackedWindow::default(),
            warned: false,
        }
    }

    /// Runs until the outbox is closed and then either everything is sent or `linger` has passed. Returns the number of dropped
    /// events.
    pub(super) async fn run(mut self) -> usize {
        let (outbox, linger) = (Arc::clone(&self.outbox), self.settings.linger);
        tokio::select! {
            biased;
            () = self.carry() => {}
            () = lingered(&outbox, linger) => {}
        }
        let left = outbox.drop_rest();
        self.counters.is_down();
        self.counters.dropped.add(left as u64);
        left
    }

    async fn carry(&mut self) {
        let (mut backoff, mut logged) = (Backoff::default(), LoggedOnce::default());
        while !self.outbox.is_finished() {
            if self.connect_and_serve(&mut backoff, &mut logged).await {
                return;
            }
            tokio::select! {
                () = sleep(backoff.next_delay(fastrand::f64())) => {}
                () = self.outbox.closed(true) => {}
            }
        }
    }

    /// Whether all is done.
    async fn connect_and_serve(&mut self, backoff: &mut Backoff, logged: &mut LoggedOnce) -> bool {
        let connected = tokio::select! {
            connected = self.connect() => connected,
            () = self.outbox.closed(true) => return true,
        };
        match connected {
            Ok(connected) => {
                backoff.reset();
                logged.forget();
                self.serve(connected).await
            }
            Err(reason) => {
                self.report(&reason, logged);
                false
            }
        }
    }

    /// Each reason is a line in the log until a connection stood, and the last one is in the error of `flush`.
    fn report(&self, reason: &ConnectError, logged: &mut LoggedOnce) {
        if let Some(cause) = reason.refusal() {
            self.counters.peers_refused.count(cause, Instant::now());
        }
        let text = in_words(reason);
        if logged.unlogged(reason).is_some() {
            let path = self.settings.socket.display();
            tracing::warn!(
                id = "SK0707",
                "cannot connect to the publisher service at {path}: {text}; connecting is retried"
            );
        }
        self.counters.failed(text);
    }

    /// As DEALER, or as PUSH to a service that has no place for one.
    ///
    /// libzmq closes without a word when it does not want a DEALER, which a service that ends does too. But it sends its
    /// READY at once, while ours waits for the worker's: a peer that names itself PULL is one.
    async fn connect(&self) -> Result<Connected<UnixStream>, ConnectError> {
        let (path, settings) = (&self.settings.socket, &self.settings);
        match connect::unix(path, SocketType::Dealer, settings).await {
            Err(ConnectError::Refused(ProtocolError::WrongSocketType | ProtocolError::RefusedByPeer)) => {
                connect::unix(path, SocketType::Push, settings).await
            }
            Err(left) if left.is_within_the_handshake() => {
                let heard = connect::unix_after_its_ready(path, SocketType::Push, settings).await;
                heard.map_err(|_| left)
            }
            connected => connected,
        }
    }

    /// Whether all is done.
    async fn serve(&mut self, connected: Connected<UnixStream>) -> bool {
        let path = self.settings.socket.display();
        let confirms = connected.peer.own_type == SocketType::Dealer;
        if !confirms && !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(id = "SK0709", "{path} is a plain PULL: events are handed over, not confirmed");
        }
        let mut connection = PushConnection::new(
            connected,
            self.worker,
            self.settings.heartbeat_interval,
            (&self.outbox, &self.counters),
            &mut self.window,
        );
        self.counters.is_up(confirms);
        let ended = connection.run().await;
        self.counters.is_down();
        let Err(reason) = ended else { return true };
        let (in_doubt, again) = connection.break_off();
        self.counters.in_doubt.add(in_doubt);
        self.counters.links_lost.add(1);
        let fate =
            if confirms { format!("{again} will be sent again") } else { format!("{in_doubt} are in doubt") };
        tracing::warn!(
            id = "SK0708",
            "lost the publisher service at {path}: {reason}; of the events sent to it, {fate}"
        );
        false
    }
}

/// What an operator can do about it.
fn in_words(reason: &ConnectError) -> String {
    let advice = match reason {
        ConnectError::Unreachable(error) => match error.kind() {
            io::ErrorKind::NotFound => {
                "is the publisher service running, with this publisher_multiproc_socket?"
            }
            io::ErrorKind::ConnectionRefused => {
                "no process listens on this socket: is the publisher service running?"
            }
            io::ErrorKind::PermissionDenied => {
                "this user may not write to the socket, see its mode and group"
            }
            _ => return reason.to_string(),
        },
        ConnectError::Left { after_its_greeting: false, .. } => {
            "ipc_allow does not name this user, or the service is full (max_connections); its log has the cause"
        }
        _ => return reason.to_string(),
    };
    format!("{reason}: {advice}")
}

async fn lingered(outbox: &Outbox, linger: Duration) {
    outbox.closed(false).await;
    sleep(linger).await;
}

/// From the operating system: a seed that was drawn before `fork` would make twins.
fn random_id() -> u64 {
    let mut id = [0; 8];
    match rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(id),
        // A kernel without it (before Linux 3.17): process and time distinguish workers.
        _ => {
            let time = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
            u64::from(std::process::id()) << 32 | u64::from(time)
        }
    }
}
