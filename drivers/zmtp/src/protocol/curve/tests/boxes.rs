//! The vectors of NaCl's own tests (nacl-20110221, `tests/box.c` and `tests/secretbox.c`).

use crate::protocol::curve::keys::{PublicKey, SecretKey};
use crate::protocol::curve::secret_box::BoxKey;

const ALICE_SECRET: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const ALICE_PUBLIC: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const BOB_SECRET: &str = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
const BOB_PUBLIC: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const FIRST_KEY: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const TEXT: &str = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c012335\
                    61f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c\
                    60902e52f0a089bc76897040e082f937763848645e0705";
const BOX: &str = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce8\
                   7b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732b\
                   c0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    long(hex).try_into().unwrap()
}

fn long(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn between(secret: &str, public: &str) -> BoxKey {
    BoxKey::between(&SecretKey::from_bytes(bytes(secret)), &PublicKey::new(bytes(public))).unwrap()
}

#[test]
fn a_box_between_two_keys_is_that_of_nacl_from_either_side() {
    for key in [between(ALICE_SECRET, BOB_PUBLIC), between(BOB_SECRET, ALICE_PUBLIC)] {
        assert_eq!(key.seal(bytes(NONCE), &long(TEXT)), long(BOX));
        assert_eq!(*key.open(bytes(NONCE), &long(BOX)).unwrap(), long(TEXT));
    }
}

#[test]
fn a_secret_box_is_that_of_nacl() {
    let key = BoxKey::new(bytes(FIRST_KEY).into());
    assert_eq!(key.seal(bytes(NONCE), &long(TEXT)), long(BOX));
}

#[test]
fn the_public_keys_are_those_of_nacl() {
    for (secret, public) in [(ALICE_SECRET, ALICE_PUBLIC), (BOB_SECRET, BOB_PUBLIC)] {
        assert_eq!(SecretKey::from_bytes(bytes(secret)).public().as_bytes(), &bytes(public));
    }
}

#[test]
fn texts_of_all_lengths_around_a_block_come_back_and_a_changed_bit_is_refused() {
    let key = between(ALICE_SECRET, BOB_PUBLIC);
    for length in (0..200).chain([1000, 65_537]) {
        let text: Vec<u8> = (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect();
        let boxed = key.seal(bytes(NONCE), &text);
        assert_eq!(boxed.len(), length + 16);
        assert_eq!(*key.open(bytes(NONCE), &boxed).unwrap(), text);
        assert!(key.open([7; 24], &boxed).is_none(), "another nonce");
        for cut in [boxed.len() - 1, 15, 0] {
            assert!(key.open(bytes(NONCE), &boxed[..cut]).is_none(), "cut at {cut}");
        }
        for at in (0..boxed.len()).step_by(1 + boxed.len() / 64) {
            let mut changed = boxed.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(key.open(bytes(NONCE), &changed).is_none(), "changed at {at} of {length}");
        }
    }
}

#[test]
fn a_public_key_without_a_secret_of_its_own_is_refused() {
    let secret = SecretKey::generate().unwrap();
    let mut one = [0; 32];
    assert!(BoxKey::between(&secret, &PublicKey::new(one)).is_none());
    one[0] = 1;
    assert!(BoxKey::between(&secret, &PublicKey::new(one)).is_none());
}

#[test]
fn no_key_is_shown() {
    let key = between(ALICE_SECRET, BOB_PUBLIC);
    let shown = format!("{key:?} {:?}", key.stream(b"CurveZMQMESSAGEC"));
    assert_eq!(shown, "BoxKey(…) StreamKey(…)");
}
