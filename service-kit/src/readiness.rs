use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sd_notify::NotifyState;

/// Notifies systemd of where the program stands (`sd_notify(3)`); without systemd every call does nothing.
///
/// Notifications are sent by a thread of their own, in order: a service manager that does not read its socket blocks nobody.
#[derive(Debug, Clone, Copy)]
pub struct Readiness;

/// What is sent.
#[derive(Debug)]
enum Notification {
    Ready(String),
    /// With the monotonic time of the call, if there is such a clock.
    Reloading(Option<NotifyState<'static>>),
    Alive,
    Stopping,
}

/// The notifications that wait at most; more are dropped, since later ones supersede them.
const WAITING: usize = 16;

impl Readiness {
    /// The program does its work; `status` is shown by `systemctl status`.
    pub fn ready(self, status: &str) {
        send(Notification::Ready(status.to_owned()));
    }

    /// The settings are being read again; `Type=notify-reload` (systemd 253) wants the monotonic time with it.
    pub fn reloading(self) {
        send(Notification::Reloading(NotifyState::monotonic_usec_now().ok()));
    }

    /// The program makes progress (`WatchdogSec=`).
    pub fn alive(self) {
        send(Notification::Alive);
    }

    /// The program drains and ends.
    pub fn stopping(self) {
        send(Notification::Stopping);
    }
}

fn send(notification: Notification) {
    static SENDER: OnceLock<Option<SyncSender<Notification>>> = OnceLock::new();
    let start = || {
        std::env::var_os("NOTIFY_SOCKET")?;
        let (sender, receiver) = sync_channel(WAITING);
        thread::spawn(move || notify_all(&receiver));
        Some(sender)
    };
    if let Some(sender) = SENDER.get_or_init(start)
        && sender.try_send(notification).is_err()
    {
        tracing::debug!("systemd does not read its notifications");
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
            Notification::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
            Notification::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        };
        if let Err(error) = notified {
            tracing::debug!("systemd did not accept a notification: {error}");
        }
    }
}
