use std::time::{Duration, Instant};

use crate::protocol::{Heartbeat, Pulse};

/// When a publisher is pinged, and when it is dead. Time comes in as input.
///
/// - [`Heartbeat`] judges a publisher that answers PING.
/// - After its first hello, a publisher is never silent for `dead_after`, whatever ZMTP it speaks: hellos come every second.
/// - A proxy answers PING by itself, also when it has no publisher any more: without an event for twice `dead_after`, the
///   link is dead all the same.
/// - A publisher that we hear must see that we live: on a slow line its own PING waits after its events, for longer than it
///   waits for the PONG. One that sends hellos is sent a PONG without a PING one and a half intervals after our last message,
///   as our READY states, and needs to send no PING; it is itself sent none unless it misses two intervals. Any other is
///   sent a PING two intervals after our last message.
/// - Only time in which we read counts. As long as the application leaves no room, the silence is ours: then the publisher
///   is sent a PING every interval, so that it sees that we live, and is judged by nothing.
#[derive(Debug)]
pub(crate) struct PublisherLiveness {
    beat: Heartbeat,
    interval: Duration,
    dead_after: Duration,
    knows_ping: bool,
    /// A hello came.
    proved: bool,
    /// Since when the publisher is silent, or might have spoken.
    heard: Instant,
    /// Since when no event came, or might have come.
    published: Instant,
    /// Set while we do not read: when it was sent a PING.
    stalled: Option<Instant>,
    /// When we last sent something.
    said: Instant,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Quiet,
    /// Send a PING.
    Ping,
    /// Send a PONG although no PING came.
    Pong,
    /// Leave: nothing came for `dead_after`, or for the time to live that the publisher asked for.
    Dead,
}

impl PublisherLiveness {
    /// Over a connection that stands since `now`.
    pub(crate) fn new(interval: Duration, dead_after: Duration, knows_ping: bool, now: Instant) -> Self {
        let beat = Heartbeat::new(interval, dead_after, knows_ping, now);
        Self {
            beat,
            interval,
            dead_after,
            knows_ping,
            proved: false,
            heard: now,
            published: now,
            stalled: None,
            said: now,
        }
    }

    /// How often to call [`tick`](Self::tick).
    pub(crate) fn tick_every(&self) -> Duration {
        self.interval.min(self.dead_after) / 4
    }

    /// Bytes came.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.beat.heard(now);
    }

    /// An event came, or a part of one.
    pub(crate) fn published(&mut self, now: Instant) {
        self.published = now;
    }

    /// A hello came: there will be more.
    pub(crate) fn proved(&mut self) {
        if !self.proved {
            self.proved = true;
            self.beat.expect_every(self.interval * 3 / 2);
        }
    }

    /// The publisher pinged us, with its time to live in tenths of a second.
    pub(crate) fn pinged(&mut self, time_to_live: u16) {
        self.knows_ping = true;
        self.beat.pinged(time_to_live);
    }

    /// All that was to be sent is written.
    pub(crate) fn written(&mut self, now: Instant) {
        self.said = now;
        self.beat.ping_written(now);
    }

    /// We do not read, or read again.
    pub(crate) fn reading(&mut self, reading: bool, now: Instant) {
        match (reading, self.stalled) {
            (false, None) => self.stalled = Some(now),
            (true, Some(_)) => {
                self.stalled = None;
                self.heard(now);
                self.published(now);
            }
            _ => {}
        }
    }

    /// Looks at the clock; `unwritten` if something still waits to be sent.
    pub(crate) fn tick(&mut self, unwritten: bool, now: Instant) -> Verdict {
        if let Some(pinged) = &mut self.stalled {
            let due =
                self.knows_ping && !unwritten && now.saturating_duration_since(*pinged) >= self.interval;
            if !due {
                return Verdict::Quiet;
            }
            *pinged = now;
            return Verdict::Ping;
        }
        let since = |then: Instant| now.saturating_duration_since(then);
        let is_silent = since(self.heard) >= self.dead_after || since(self.published) >= 2 * self.dead_after;
        if self.proved && is_silent {
            return Verdict::Dead;
        }
        let may_be_mute = if self.proved { self.interval * 3 / 2 } else { self.interval * 2 };
        let is_mute = since(self.said) >= may_be_mute && self.heard > self.said;
        match self.beat.tick(now) {
            Pulse::Quiet if self.knows_ping && is_mute && !unwritten => {
                self.said = now;
                if self.proved { Verdict::Pong } else { Verdict::Ping }
            }
            Pulse::Quiet => Verdict::Quiet,
            Pulse::Ping => Verdict::Ping,
            Pulse::Dead => Verdict::Dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{PublisherLiveness, Verdict};

    const SECOND: Duration = Duration::from_secs(1);

    fn liveness(knows_ping: bool) -> (PublisherLiveness, Instant) {
        let start = Instant::now();
        (PublisherLiveness::new(SECOND, 3 * SECOND, knows_ping, start), start)
    }

    #[test]
    fn a_publisher_without_ping_is_dead_only_after_a_hello() {
        let (mut liveness, start) = liveness(false);
        assert_eq!(liveness.tick(false, start + 100 * SECOND), Verdict::Quiet);
        liveness.heard(start + 100 * SECOND);
        liveness.published(start + 100 * SECOND);
        liveness.proved();
        assert_eq!(liveness.tick(false, start + 102 * SECOND), Verdict::Quiet);
        assert_eq!(liveness.tick(false, start + 103 * SECOND), Verdict::Dead);
    }

    #[test]
    fn a_publisher_with_ping_is_pinged_and_dead_when_it_does_not_answer() {
        let (mut liveness, start) = liveness(true);
        assert_eq!(liveness.tick(false, start + SECOND), Verdict::Ping);
        liveness.written(start + SECOND);
        assert_eq!(liveness.tick(false, start + 3 * SECOND), Verdict::Quiet);
        assert_eq!(liveness.tick(false, start + 4 * SECOND), Verdict::Dead);
    }

    /// A proxy whose publishers are all gone.
    #[test]
    fn a_publisher_that_answers_pings_and_publishes_nothing_more_is_dead() {
        let (mut liveness, start) = liveness(true);
        liveness.proved();
        for second in [2, 4] {
            let now = start + second * SECOND;
            assert_eq!(liveness.tick(false, now), Verdict::Ping);
            liveness.written(now);
            liveness.heard(now);
        }
        assert_eq!(liveness.tick(false, start + 6 * SECOND), Verdict::Dead);
    }

    #[test]
    fn while_we_do_not_read_the_publisher_is_pinged_every_interval_and_never_dead() {
        let (mut liveness, start) = liveness(true);
        liveness.proved();
        liveness.reading(false, start);
        for second in 1..100 {
            assert_eq!(liveness.tick(false, start + second * SECOND), Verdict::Ping);
            assert_eq!(liveness.tick(false, start + second * SECOND), Verdict::Quiet, "once per interval");
            liveness.reading(false, start + second * SECOND);
            liveness.written(start + second * SECOND);
        }
        assert_eq!(liveness.tick(true, start + 200 * SECOND), Verdict::Quiet, "what waits is enough");
        liveness.reading(true, start + 200 * SECOND);
        assert_eq!(liveness.tick(false, start + 202 * SECOND), Verdict::Ping, "its time begins anew");
        liveness.written(start + 202 * SECOND);
        assert_eq!(liveness.tick(false, start + 203 * SECOND), Verdict::Dead);
    }

    #[test]
    fn a_publisher_that_only_sends_hears_from_us_before_it_takes_us_for_dead() {
        let [unproved, proved] = [false, true];
        let pings = [20, 40, 60, 80].map(|tenth| (tenth, Verdict::Ping));
        let pongs = [15, 30, 45, 60, 75, 90].map(|tenth| (tenth, Verdict::Pong));
        assert_eq!(said_to_one_that_only_sends(true, unproved), pings);
        assert_eq!(said_to_one_that_only_sends(true, proved), pongs);
        assert_eq!(said_to_one_that_only_sends(false, unproved), []);
        assert_eq!(said_to_one_that_only_sends(false, proved), []);
    }

    /// What a publisher is sent that sends an event every tenth of a second, for ten seconds, and when in tenths.
    fn said_to_one_that_only_sends(knows_ping: bool, is_proved: bool) -> Vec<(u32, Verdict)> {
        let (mut liveness, start) = liveness(knows_ping);
        if is_proved {
            liveness.proved();
        }
        let mut said = Vec::new();
        for tenth in 1..100 {
            let now = start + tenth * SECOND / 10;
            liveness.heard(now);
            liveness.published(now);
            match liveness.tick(false, now) {
                Verdict::Quiet => {}
                verdict => {
                    liveness.written(now);
                    said.push((tenth, verdict));
                }
            }
        }
        said
    }

    #[test]
    fn a_publisher_whose_pings_we_answer_gets_none_of_ours() {
        let (mut liveness, start) = liveness(true);
        for quarter in 1..100 {
            let now = start + quarter * SECOND / 4;
            liveness.heard(now);
            if quarter % 5 == 0 {
                liveness.written(now);
            }
            assert_eq!(liveness.tick(false, now), Verdict::Quiet);
        }
    }

    #[test]
    fn a_peer_that_does_not_know_ping_gets_none_while_we_do_not_read() {
        let (mut liveness, start) = liveness(false);
        liveness.reading(false, start);
        assert_eq!(liveness.tick(false, start + 9 * SECOND), Verdict::Quiet);
        liveness.pinged(0);
        assert_eq!(liveness.tick(false, start + 9 * SECOND), Verdict::Ping);
    }
}
