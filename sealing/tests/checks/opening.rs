//! What anyone may send as a sealed event, and what any map becomes that is sealed.

use pubsub_api::wire::EventRef;
use sealing::SealedParts;

use crate::keys::{opened, sealed, sealer};

/// The first byte of `input` is the number of the others that are the topic frame; the rest is the payload.
pub(crate) fn check(input: &[u8]) {
    let Some((length, rest)) = input.split_first() else { return };
    let (topic, payload) = rest.split_at(rest.len().min(usize::from(*length)));
    for topic in [topic, b"D"] {
        let Ok(event) = EventRef::read(topic, payload) else { continue };
        if event.sealed.is_some() {
            assert!(!matches!(opened(topic, payload), Some(Ok(_))), "the keys are secret");
        } else if event.stamp.is_none() {
            check_sealed(topic, payload, usize::from(*length));
        }
    }
}

/// An event that is sealed opens as it was; with one bit changed, it does not.
fn check_sealed(topic: &[u8], payload: &[u8], seed: usize) {
    for parts in [SealedParts::Value, SealedParts::Row] {
        let Some((plain, mut sealed)) = sealed(&mut sealer(parts), topic, payload) else {
            unreachable!("an event can be sealed")
        };
        let Ok(wanted) = EventRef::read(topic, &plain) else { continue };
        assert_eq!(opened(topic, &sealed), Some(Ok(plain.clone())), "{wanted:?} as {parts:?}");
        let at = seed.wrapping_mul(251) % sealed.len();
        if let Some(byte) = sealed.get_mut(at) {
            *byte ^= 1 << (seed % 8);
        }
        assert!(!matches!(opened(topic, &sealed), Some(Ok(_))), "bit {} of byte {at} counts", seed % 8);
    }
}
