use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pubsub_api::{HELLO, MAX_SUBSCRIPTIONS, Subscription, Subscriptions};

use crate::announced::announce;
use crate::protocol::{Command, Peer};

/// The subscriptions that one connection was sent, so that each prefix is sent once: some publishers count (RFC 37, "SUBSCRIBE"),
/// libzmq's and ours keep a set. A publisher that judges subscriptions is sent each as a whole instead. Time comes in as input.
///
/// A new prefix is subscribed to at once; one that is not desired any more is cancelled after [`CANCEL_AFTER`]. So a topic that
/// is unregistered and registered again has no gap: between a CANCEL and the next SUBSCRIBE it is not known which events
/// are missing. What comes meanwhile is not delivered, as the queue's reader looks at what is wanted. It is taken back earlier
/// where publishers would have no room for what is wanted instead.
#[derive(Debug)]
pub(super) struct SentSubscriptions {
    /// The prefixes, or whole subscriptions, each with the time since when it is not wanted.
    bodies: BTreeMap<Vec<u8>, Option<Instant>>,
    /// This peer judges whole subscriptions.
    as_a_whole: bool,
    /// Subscriptions are commands to this peer, and messages to one of ZMTP 3.0 (RFC 23).
    as_commands: bool,
}

/// How long a subscription outlives the wish for it.
pub(super) const CANCEL_AFTER: Duration = Duration::from_secs(1);

/// The most that a publisher of ours accepts: those of an application, and `$hello`.
const MAX_SENT: usize = MAX_SUBSCRIPTIONS + 1;

impl SentSubscriptions {
    /// Nothing yet, of `peer`.
    pub(super) fn new(peer: Peer) -> Self {
        Self {
            bodies: BTreeMap::new(),
            as_a_whole: peer.judges_subscriptions,
            as_commands: peer.speaks_3_1(),
        }
    }

    /// Appends the subscriptions and cancellations that make the peer send what is wanted now. Returns when to call it again,
    /// if nothing changes until then.
    ///
    /// Prefixes of `$hello` go last, `$hello` itself after them, so the first hello proves all others. `$hello` is always
    /// subscribed to.
    pub(super) fn place(
        &mut self,
        wanted: &Subscriptions,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Option<Instant> {
        // Each with whether it is one of those that go last.
        let mut bodies: BTreeMap<Vec<u8>, bool> =
            wanted.iter().chain([HELLO.into()]).map(|subscription| self.body(&subscription)).collect();
        let next = self.cancel(&bodies, now, out);
        bodies.retain(|body, _| self.bodies.insert(body.clone(), None).is_none());
        // In bytewise order, `$hello` comes after all its prefixes, and its topic after patterns.
        let (of_hello, others): (Vec<_>, Vec<_>) = bodies.into_iter().partition(|(_, is_last)| *is_last);
        for (body, _) in others.into_iter().chain(of_hello) {
            self.put(Ask::Subscribe, &body, out);
        }
        next
    }

    /// What a subscription is sent as, and whether it matches what begins as `$hello` does.
    fn body(&self, subscription: &Subscription) -> (Vec<u8>, bool) {
        let prefix = subscription.literal_prefix();
        let is_of_hello = HELLO.as_bytes().starts_with(prefix);
        (if self.as_a_whole { announce(subscription) } else { prefix.to_vec() }, is_of_hello)
    }

    /// Cancels what has not been desired for long enough. Returns when the next one is due.
    fn cancel(
        &mut self,
        wanted: &BTreeMap<Vec<u8>, bool>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Option<Instant> {
        let new = wanted.keys().filter(|body| !self.bodies.contains_key(*body)).count();
        let too_many = (self.bodies.len() + new).saturating_sub(MAX_SENT);
        let (mut next, mut over) = (None::<Instant>, Vec::new());
        for (body, unwanted) in &mut self.bodies {
            if wanted.contains_key(body) {
                continue;
            }
            let due = *unwanted.get_or_insert(now) + CANCEL_AFTER;
            match due <= now || over.len() < too_many {
                true => over.push(body.clone()),
                false => next = Some(next.map_or(due, |next| next.min(due))),
            }
        }
        for body in over {
            self.bodies.remove(&body);
            self.put(Ask::Cancel, &body, out);
        }
        next
    }

    fn put(&self, ask: Ask, prefix: &[u8], out: &mut Vec<u8>) {
        match ask {
            Ask::Subscribe if self.as_commands => Command::Subscribe(prefix).put(out),
            Ask::Cancel if self.as_commands => Command::Cancel(prefix).put(out),
            _ => put_message(out, ask as u8, prefix),
        }
    }
}

/// With the first byte of the message form (RFC 23, "subscribe" and "cancel").
#[derive(Debug, Clone, Copy)]
enum Ask {
    Subscribe = 1,
    Cancel = 0,
}

/// A message of one frame: `first`, and the prefix.
fn put_message(out: &mut Vec<u8>, first: u8, prefix: &[u8]) {
    let length = 1 + prefix.len();
    match u8::try_from(length) {
        Ok(short) => out.extend_from_slice(&[0, short]),
        Err(_) => {
            out.push(0b010);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.push(first);
    out.extend_from_slice(prefix);
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use pubsub_api::{MAX_SUBSCRIPTIONS, Pattern, Subscription, Subscriptions, Topic};

    use super::{CANCEL_AFTER, MAX_SENT, SentSubscriptions};
    use crate::protocol::{Peer, PeerDecoder, PeerMessage, SocketType};

    fn sent(minor: u8) -> SentSubscriptions {
        let (socket_type, own_type) = (SocketType::Pub, SocketType::Sub);
        SentSubscriptions::new(Peer {
            socket_type,
            own_type,
            minor,
            alive_every: None,
            judges_subscriptions: false,
        })
    }

    fn topic(name: &str) -> Subscription {
        Topic::new(name.to_owned()).unwrap().into()
    }

    fn wanted(names: &[&str]) -> Subscriptions {
        let mut wanted = Subscriptions::default();
        for name in names {
            let pattern = name.contains('*').then(|| name.parse::<Pattern>().unwrap().into());
            wanted.insert(pattern.unwrap_or_else(|| topic(name)));
        }
        wanted
    }

    fn said(sent: &mut SentSubscriptions, wanted: &Subscriptions, now: Instant) -> Vec<String> {
        let (mut out, mut said) = (Vec::new(), Vec::new());
        sent.place(wanted, now, &mut out);
        let mut rest = &out[..];
        while !rest.is_empty() {
            let (used, says) = PeerDecoder::default().next(rest).unwrap();
            said.push(match says {
                PeerMessage::Subscribe(prefix) => format!("+{}", String::from_utf8_lossy(prefix)),
                PeerMessage::Cancel(prefix) => format!("-{}", String::from_utf8_lossy(prefix)),
                other => panic!("{other:?}"),
            });
            rest = &rest[used..];
        }
        said
    }

    #[test]
    fn prefixes_of_hello_go_last_and_hello_after_them() {
        let now = Instant::now();
        for minor in [0, 1] {
            let mut sent = sent(minor);
            let first = wanted(&["z", "$h*", "*", "$mark.a", "a", "a.*", "$hello"]);
            assert_eq!(said(&mut sent, &first, now), ["+$mark.a", "+a", "+a.", "+z", "+", "+$h", "+$hello"]);
            assert!(said(&mut sent, &first, now).is_empty(), "nothing is asked for twice");
        }
    }

    #[test]
    fn a_publisher_that_judges_is_sent_whole_subscriptions_with_hello_last() {
        let now = Instant::now();
        let mut sent = SentSubscriptions { as_a_whole: true, ..sent(1) };
        let first = wanted(&["a", "a*", "a.*", "*", "$h*", "$hello"]);
        let whole = ["+\0Pa*", "+\0Pa.*", "+\0Ta", "+\0P$h*", "+\0P*", "+\0T$hello"];
        assert_eq!(said(&mut sent, &first, now), whole);
        assert!(said(&mut sent, &wanted(&["a*"]), now).is_empty());
        let later = now + CANCEL_AFTER;
        assert_eq!(said(&mut sent, &wanted(&["a*"]), later), ["-\0P$h*", "-\0P*", "-\0Pa.*", "-\0Ta"]);
    }

    #[test]
    fn what_is_wanted_goes_out_at_once_and_what_is_not_is_taken_back_later() {
        let start = Instant::now();
        for minor in [0, 1] {
            let mut sent = sent(minor);
            assert_eq!(said(&mut sent, &wanted(&["a", "b"]), start), ["+a", "+b", "+$hello"]);
            assert_eq!(said(&mut sent, &wanted(&["b", "c"]), start), ["+c"]);
            let half = start + CANCEL_AFTER / 2;
            assert!(said(&mut sent, &wanted(&["c"]), half).is_empty());
            assert_eq!(sent.place(&wanted(&["c"]), half, &mut Vec::new()), Some(start + CANCEL_AFTER));
            assert_eq!(said(&mut sent, &wanted(&["c"]), start + CANCEL_AFTER), ["-a"]);
            assert_eq!(said(&mut sent, &wanted(&["c", "a"]), half + CANCEL_AFTER), ["-b", "+a"]);
            assert_eq!(sent.place(&wanted(&["c", "a"]), half + CANCEL_AFTER, &mut Vec::new()), None);
        }
    }

    #[test]
    fn what_is_no_longer_wanted_makes_room_at_once_for_what_is() {
        let (mut sent, now) = (sent(1), Instant::now());
        let all = |letter: char| (0..MAX_SUBSCRIPTIONS).map(|number| format!("{letter}{number}")).collect();
        let (before, after): (Vec<String>, Vec<String>) = (all('a'), all('b'));
        let names = |all: &[String]| wanted(&all.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(said(&mut sent, &names(&before), now).len(), MAX_SENT);
        let said = said(&mut sent, &names(&after), now);
        let (cancels, subscribes) = said.split_at(MAX_SUBSCRIPTIONS);
        assert!(cancels.iter().all(|word| word.starts_with("-a")));
        assert!(subscribes.iter().all(|word| word.starts_with("+b")));
    }

    #[test]
    fn what_is_wanted_again_in_time_was_never_given_up() {
        let (mut sent, mut now) = (sent(1), Instant::now());
        assert_eq!(said(&mut sent, &wanted(&["a"]), now), ["+a", "+$hello"]);
        for _ in 0..10 {
            assert!(said(&mut sent, &wanted(&[]), now).is_empty());
            now += CANCEL_AFTER * 3 / 4;
            assert!(said(&mut sent, &wanted(&["a"]), now).is_empty());
        }
    }

    #[test]
    fn two_wishes_with_one_prefix_are_one_subscription() {
        let (mut sent, now) = (sent(1), Instant::now());
        let both = wanted(&["a*", "a"]);
        assert_eq!(both.len(), 2);
        assert_eq!(said(&mut sent, &both, now), ["+a", "+$hello"]);
        assert!(said(&mut sent, &wanted(&["a"]), now + 2 * CANCEL_AFTER).is_empty());
    }

    #[test]
    fn the_form_is_the_peers() {
        let longest = "x".repeat(255);
        for (minor, starts) in
            [(0, &b"\x02\0\0\0\0\0\0\x01\0\x01x"[..]), (1, b"\x06\0\0\0\0\0\0\x01\x09\x09SUBSCRIBEx")]
        {
            let mut out = Vec::new();
            sent(minor).place(&wanted(&[&longest]), Instant::now(), &mut out);
            assert!(out.starts_with(starts), "{out:?}");
        }
        let mut out = Vec::new();
        sent(0).place(&wanted(&["D"]), Instant::now(), &mut out);
        assert_eq!(out, b"\0\x02\x01D\0\x07\x01$hello");
    }
}
