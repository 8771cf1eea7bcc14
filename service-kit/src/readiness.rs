use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sd_notify::NotifyState;

/// Notifies systemd of the state of the program (`sd_notify(3)`). Without systemd every call does nothing.
///
/// A separate thread sends the notifications in order, so a service manager that does not read its socket blocks nothing else.
///
/// The environment variable `NOTIFY_SOCKET` names the socket of the service manager. If the queue of 16 notifications
/// is full, a notification is dropped, and a later one supersedes it.
#[derive(Debug, Clone, Copy)]
pub struct Readiness;

/// The name of our listeners at systemd.
const LISTENER: &str = "skimmer";

/// A notification for systemd.
#[derive(Debug)]
enum Notification {
    Ready(String),
    /// With the monotonic time of the call, if the clock can be read.
    Reloading(Option<NotifyState<'static>>),
    Status(String),
    Keep(OwnedFd),
    Forget,
    Alive,
    Stopping,
}

/// The bound of the queue of notifications. If it is full, a notification is dropped; a later one supersedes it.
const QUEUE_BOUND: usize = 16;

impl Readiness {
    /// The program is ready; `systemctl status` shows `status`.
    pub fn ready(self, status: &str) {
        send(Notification::Ready(status.to_owned()));
    }

    /// The program reloads its settings; `Type=notify-reload` (systemd 253) requires the monotonic time.
    pub fn reloading(self) {
        send(Notification::Reloading(NotifyState::monotonic_usec_now().ok()));
    }

    /// The program makes progress (`WatchdogSec=`).
    pub fn alive(self) {
        send(Notification::Alive);
    }

    /// `systemctl status` shows `status`; nothing else changes.
    pub fn status(self, status: &str) {
        send(Notification::Status(status.to_owned()));
    }

    /// Gives a listener to systemd, which keeps it over a restart of the unit (`FileDescriptorStoreMax=`) and passes it to the next
    /// start. Without that setting systemd closes it. One that is dropped, because the queue of notifications is full, is not kept.
    pub fn keep(self, listener: &TcpListener) {
        match listener.as_fd().try_clone_to_owned() {
            Ok(listener) => send(Notification::Keep(listener)),
            Err(error) => tracing::debug!("cannot give a listener to systemd: {error}"),
        }
    }

    /// Makes systemd forget the listeners that were given to it by earlier starts; those of this start are given afterwards.
    pub fn forget_listeners(self) {
        send(Notification::Forget);
    }

    /// The program drains and exits.
    pub fn stopping(self) {
        send(Notification::Stopping);
    }
}

fn send(notification: Notification) {
    static SENDER: OnceLock<Option<SyncSender<Notification>>> = OnceLock::new();
    let start = || {
        std::env::var_os("NOTIFY_SOCKET")?;
        let (sender, receiver) = sync_channel(QUEUE_BOUND);
        thread::spawn(move || notify_all(&receiver));
        Some(sender)
    };
    if let Some(sender) = SENDER.get_or_init(start)
        && sender.try_send(notification).is_err()
    {
        tracing::debug!("dropped a notification for systemd: it does not read its socket");
    }
}

fn notify_all(notifications: &Receiver<Notification>) {
    for notification in notifications {
        let notified = match &notification {
            Notification::Ready(status) => {
                sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)])
            }
            Notification::Reloading(Some(now)) => sd_notify::notify(&[NotifyState::Reloading, now.clone()]),
            Notification::Reloading(None) => sd_notify::notify(&[NotifyState::Reloading]),
            Notification::Status(status) => sd_notify::notify(&[NotifyState::Status(status)]),
            Notification::Keep(listener) => {
                let states = [NotifyState::FdStore, NotifyState::FdName(LISTENER)];
                sd_notify::notify_with_fds(&states, &[listener.as_fd()])
            }
            Notification::Forget => {
                sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(LISTENER)])
            }
            Notification::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
            Notification::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        };
        if let Err(error) = notified {
            tracing::debug!("cannot send a notification to systemd: {error}");
        }
    }
}
