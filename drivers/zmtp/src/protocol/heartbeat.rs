use std::time::{Duration, Instant};

/// When to ping a peer, and when it is dead (RFC 37, "Connection Heartbeating"). Time comes in as input.
///
/// - Any byte from the peer is a sign of life; so is that its socket accepts bytes again after it accepted none.
/// - A peer that was silent for an interval is sent a PING, and is dead `dead_after` after the PING was written.
/// - A peer that states how often it sends something by itself is only sent a PING when it is late by a third
///   ([`expect_every`](Self::expect_every)): of two ends, one then sends one message where both sent two.
/// - A PING that cannot be written, because the peer's socket accepts nothing, does not wait for ever: the peer is dead as
///   soon as if it were idle. A peer that reads slowly lives, since its socket accepts bytes now and then.
/// - Only a peer that knows PING gets one: peers of ZMTP 3.1, and those that pinged us. The `zeromq` crate disconnects at one.
/// - A time to live in the peer's own PING is kept.
///
/// ```
/// use drivers_zmtp::protocol::{Heartbeat, Pulse};
/// use std::time::{Duration, Instant};
///
/// let (start, second) = (Instant::now(), Duration::from_secs(1));
/// let mut heartbeat = Heartbeat::new(second, 3 * second, true, start);
/// assert_eq!(heartbeat.tick(start + second / 2), Pulse::Quiet);
/// assert_eq!(heartbeat.tick(start + second), Pulse::Ping);
/// heartbeat.ping_written(start + second);
/// assert_eq!(heartbeat.tick(start + 3 * second), Pulse::Quiet);
/// assert_eq!(heartbeat.tick(start + 4 * second), Pulse::Dead, "no answer within three seconds");
///
/// let mut heartbeat = Heartbeat::new(second, 3 * second, false, start);
/// assert_eq!(heartbeat.tick(start + 60 * second), Pulse::Quiet, "a peer of ZMTP 3.0 gets no PING");
/// ```
#[derive(Debug, Clone)]
pub struct Heartbeat {
    interval: Duration,
    /// The silence before a PING: the interval, or longer for a peer that sends by itself.
    patience: Duration,
    dead_after: Duration,
    may_ping: bool,
    /// The last sign of life.
    heard: Instant,
    ping: Ping,
    /// What the peer's PING asked for.
    time_to_live: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ping {
    None,
    /// Asked for, not yet written.
    Queued,
    Written(Instant),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// Nothing.
    Quiet,
    /// Send a PING, and call [`ping_written`](Heartbeat::ping_written) when it is written.
    Ping,
    /// Close: the peer is dead.
    Dead,
}

impl Heartbeat {
    /// For a peer whose handshake is complete `now`.
    #[must_use]
    pub fn new(interval: Duration, dead_after: Duration, peer_knows_ping: bool, now: Instant) -> Self {
        Self {
            interval,
            patience: interval,
            dead_after,
            may_ping: peer_knows_ping,
            heard: now,
            ping: Ping::None,
            time_to_live: None,
        }
    }

    /// The peer sends something this often without being pinged. Above [`MAX_PATIENCE`](Self::MAX_PATIENCE) intervals it is
    /// pinged all the same.
    pub fn expect_every(&mut self, time: Duration) {
        let late = time.saturating_add(time / 3);
        self.patience = late.clamp(self.interval, self.interval * Self::MAX_PATIENCE);
    }

    /// The most intervals of silence after which a peer is pinged, whatever it states.
    pub const MAX_PATIENCE: u32 = 4;

    /// A sign of life.
    #[inline]
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        if let Ping::Written(_) = self.ping {
            self.ping = Ping::None;
        }
    }

    /// The peer pinged us, with its time to live in tenths of a second.
    pub fn pinged(&mut self, time_to_live: u16) {
        self.may_ping = true;
        self.time_to_live = (time_to_live > 0).then(|| Duration::from_millis(u64::from(time_to_live) * 100));
    }

    /// The PING that was asked for is written.
    pub fn ping_written(&mut self, now: Instant) {
        if self.ping == Ping::Queued {
            self.ping = Ping::Written(now);
        }
    }

    /// Whether a PING was asked for and is not yet written.
    #[must_use]
    pub fn awaits_writing(&self) -> bool {
        self.ping == Ping::Queued
    }

    /// Whether a PING is queued or unanswered: a peer whose socket is full is then worth a try to write.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.ping != Ping::None
    }

    /// Looks at the clock; call it a few times per interval.
    pub fn tick(&mut self, now: Instant) -> Pulse {
        let silent_for = now.saturating_duration_since(self.heard);
        let outlived = self.time_to_live.is_some_and(|limit| silent_for >= limit);
        match self.ping {
            _ if outlived => Pulse::Dead,
            Ping::Written(at) if now.saturating_duration_since(at) >= self.dead_after => Pulse::Dead,
            Ping::Queued if silent_for >= self.patience + self.dead_after => Pulse::Dead,
            Ping::None if self.may_ping && silent_for >= self.patience => {
                self.ping = Ping::Queued;
                Pulse::Ping
            }
            _ => Pulse::Quiet,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Heartbeat, Pulse};

    const SECOND: Duration = Duration::from_secs(1);

    fn heartbeat(knows_ping: bool) -> (Heartbeat, Instant) {
        let start = Instant::now();
        (Heartbeat::new(SECOND, 3 * SECOND, knows_ping, start), start)
    }

    #[test]
    fn a_silent_peer_is_pinged_once_and_dead_three_seconds_after_the_ping_was_written() {
        let (mut beat, start) = heartbeat(true);
        assert_eq!(beat.tick(start + SECOND / 2), Pulse::Quiet);
        assert_eq!(beat.tick(start + SECOND), Pulse::Ping);
        beat.ping_written(start + 2 * SECOND);
        assert_eq!(beat.tick(start + 4 * SECOND), Pulse::Quiet);
        assert_eq!(beat.tick(start + 5 * SECOND), Pulse::Dead);
    }

    #[test]
    fn a_peer_to_which_no_ping_can_be_written_is_dead_as_soon_as_an_idle_one() {
        let (mut beat, start) = heartbeat(true);
        assert_eq!(beat.tick(start + SECOND), Pulse::Ping);
        assert_eq!(beat.tick(start + Duration::from_millis(3999)), Pulse::Quiet);
        assert_eq!(beat.tick(start + 4 * SECOND), Pulse::Dead);
    }

    #[test]
    fn a_peer_that_accepts_bytes_now_and_then_is_slow_and_not_dead() {
        let (mut beat, start) = heartbeat(true);
        assert_eq!(beat.tick(start + SECOND), Pulse::Ping);
        for seconds in (3..60).step_by(3) {
            assert!(beat.is_in_doubt());
            beat.heard(start + seconds * SECOND);
            assert_eq!(beat.tick(start + (seconds + 2) * SECOND), Pulse::Quiet);
        }
    }

    #[test]
    fn any_byte_is_life() {
        let (mut beat, start) = heartbeat(true);
        assert_eq!(beat.tick(start + SECOND), Pulse::Ping);
        beat.ping_written(start + SECOND);
        beat.heard(start + 2 * SECOND);
        assert_eq!(beat.tick(start + 4 * SECOND), Pulse::Ping);
    }

    #[test]
    fn a_peer_that_does_not_know_ping_gets_none_until_it_pings() {
        let (mut beat, start) = heartbeat(false);
        assert_eq!(beat.tick(start + 100 * SECOND), Pulse::Quiet);
        beat.pinged(0);
        assert_eq!(beat.tick(start + 100 * SECOND), Pulse::Ping);
    }

    #[test]
    fn a_peer_that_sends_by_itself_is_pinged_when_it_is_late() {
        for (every, patience) in [(3, 4), (1, 2), (1000, 8)] {
            let (mut beat, start) = heartbeat(true);
            beat.expect_every(every * SECOND / 2);
            assert_eq!(beat.tick(start + patience * SECOND / 2 - SECOND / 100), Pulse::Quiet, "{every}");
            assert_eq!(beat.tick(start + patience * SECOND / 2), Pulse::Ping, "{every}");
            assert_eq!(beat.tick(start + patience * SECOND / 2 + 3 * SECOND), Pulse::Dead, "{every}");
        }
    }

    #[test]
    fn a_time_to_live_is_kept() {
        let (mut beat, start) = heartbeat(true);
        beat.heard(start);
        beat.pinged(15);
        assert_eq!(beat.tick(start + Duration::from_millis(1499)), Pulse::Ping);
        assert_eq!(beat.tick(start + Duration::from_millis(1500)), Pulse::Dead);
    }
}
