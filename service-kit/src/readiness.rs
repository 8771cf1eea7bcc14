use sd_notify::NotifyState;

/// Tells systemd where the program stands (`sd_notify(3)`); without systemd every call does nothing.
#[derive(Debug, Clone, Copy)]
pub struct Readiness;

impl Readiness {
    /// The program does its work; `status` is shown by `systemctl status`.
    pub fn ready(self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// The settings are being read again; `Type=notify-reload` (systemd 253) wants the monotonic time with it.
    pub fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!("no monotonic clock for systemd: {error}"),
        }
    }

    /// The program drains and ends.
    pub fn stopping(self) {
        self.tell(&[NotifyState::Stopping]);
    }

    fn tell(self, states: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            tracing::debug!("systemd did not take a notification: {error}");
        }
    }
}
