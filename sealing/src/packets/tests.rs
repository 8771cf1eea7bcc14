use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use tempfile::TempDir;

use super::{PacketOpener, PacketRefusal, PacketSealer};
use crate::{EventSealer, Keyring, SealedParts, keyring_lines};

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring");
    keyring_lines::create(&path, "a").unwrap();
    (folder, path)
}

fn ends(path: &Path) -> (PacketSealer, PacketOpener) {
    let keyring = Keyring::open(path).unwrap();
    (PacketSealer::new(Arc::clone(&keyring)).unwrap(), PacketOpener::new(keyring))
}

fn sealed(sealer: &mut PacketSealer, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    sealer.seal(b"topic", content, &mut out);
    assert!(out.len() <= content.len() + PacketSealer::OVERHEAD_BYTES);
    out
}

fn opened(opener: &mut PacketOpener, packet: &[u8]) -> Result<Vec<u8>, PacketRefusal> {
    opener.open(b"topic", packet).map(<[u8]>::to_vec)
}

#[test]
fn a_packet_opens_once_on_its_topic_and_hides_its_content() {
    let (_folder, path) = file();
    let (mut sealer, mut opener) = ends(&path);
    for content in [&b""[..], b"rows", &[7; 100_000]] {
        let packet = sealed(&mut sealer, content);
        assert!(content.is_empty() || !packet.windows(content.len()).any(|part| part == content));
        assert_eq!(opener.open(b"another", &packet), Err(PacketRefusal::NotAuthentic));
        assert_eq!(opened(&mut opener, &packet), Ok(content.to_vec()));
        assert_eq!(opened(&mut opener, &packet), Err(PacketRefusal::Repeated));
    }
    let (early, late) = (sealed(&mut sealer, b"1"), sealed(&mut sealer, b"2"));
    assert_eq!(opened(&mut opener, &late), Ok(b"2".to_vec()));
    assert_eq!(opened(&mut opener, &early), Ok(b"1".to_vec()), "one may overtake another");
}

#[test]
fn a_packet_of_another_key_or_purpose_is_refused() {
    let (_folder, path) = file();
    let (_other_folder, other_path) = file();
    let (mut sealer, mut opener) = ends(&path);
    let (mut stranger, _) = ends(&other_path);
    let packet = sealed(&mut stranger, b"forged");
    assert_eq!(opened(&mut opener, &packet), Err(PacketRefusal::NotAuthentic));
    let mut packet = sealed(&mut sealer, b"rows");
    packet[1] = b'z';
    assert_eq!(opened(&mut opener, &packet), Err(PacketRefusal::UnknownKey("z".to_owned())));
    // What the same key seals as an event, laid out as a packet.
    let event = pubsub_api::Event::new("t", "k", pubsub_api::Action::Set, "v", pubsub_api::SEND_ALL);
    let plain = pubsub_api::Envelope::pack(&event).unwrap().payload;
    let mut sealer = EventSealer::new(Keyring::open(&path).unwrap(), SealedParts::Value).unwrap();
    let (plan, mut map) = (sealer.plan(&plain).unwrap(), Vec::new());
    sealer.put(&plan, b"topic", |_| (), &mut map);
    let start = map.windows(2).rposition(|part| part == b"\xa1a").unwrap() + 1;
    let (nonce, text) = map[start + 1..].split_at(2 + 24);
    let packet = [b"\x01a", &nonce[2..], &text[2..]].concat();
    assert_eq!(opened(&mut opener, &packet), Err(PacketRefusal::NotAuthentic));
}

#[test]
fn a_key_is_changed_while_packets_are_sent_and_a_removed_one_opens_nothing() {
    let (_folder, path) = file();
    let (mut sealer, mut opener) = ends(&path);
    let old = sealed(&mut sealer, b"before");
    let mut now = Instant::now();
    let mut refresh = |sealer: &PacketSealer, opener: &PacketOpener| {
        for _ in 0..3 {
            now += Keyring::LOOK;
            sealer.0.keyring().refresh(now);
            opener.keyring().refresh(now);
        }
    };
    keyring_lines::add(&path, "b").unwrap();
    keyring_lines::mark_used(&path, "b").unwrap();
    refresh(&sealer, &opener);
    let new = sealed(&mut sealer, b"after");
    assert_eq!(&new[..2], b"\x01b");
    assert_eq!(opened(&mut opener, &new), Ok(b"after".to_vec()));
    assert_eq!(opened(&mut opener, &old), Ok(b"before".to_vec()));
    let last = sealed(&mut sealer, b"last");
    keyring_lines::add(&path, "c").unwrap();
    keyring_lines::mark_used(&path, "c").unwrap();
    keyring_lines::remove(&path, "b").unwrap();
    refresh(&sealer, &opener);
    assert_eq!(opened(&mut opener, &last), Err(PacketRefusal::UnknownKey("b".to_owned())));
}

#[test]
fn the_sender_that_was_silent_for_the_longest_time_is_forgotten_first() {
    let (_folder, path) = file();
    let (mut sealer, mut opener) = ends(&path);
    let first = sealed(&mut sealer, b"first");
    opened(&mut opener, &first).unwrap();
    let (mut heard, _) = ends(&path);
    let kept = sealed(&mut heard, b"kept");
    opened(&mut opener, &kept).unwrap();
    for _ in 2..PacketOpener::MAX_SENDERS {
        let mut one = PacketSealer::new(opener.keyring()).unwrap();
        let packet = sealed(&mut one, b"");
        opened(&mut opener, &packet).unwrap();
    }
    let again = sealed(&mut heard, b"again");
    opened(&mut opener, &again).unwrap();
    assert_eq!(opened(&mut opener, &first), Err(PacketRefusal::Repeated), "so far, it is remembered");
    let again = sealed(&mut heard, b"again");
    opened(&mut opener, &again).unwrap();
    for _ in 0..2 {
        let mut one = PacketSealer::new(opener.keyring()).unwrap();
        let packet = sealed(&mut one, b"");
        opened(&mut opener, &packet).unwrap();
    }
    assert_eq!(opener.senders_remembered(), PacketOpener::MAX_SENDERS);
    assert_eq!(opened(&mut opener, &kept), Err(PacketRefusal::Repeated), "it was heard since");
}

proptest! {
    #[test]
    fn any_change_of_a_packet_is_refused(
        content in prop::collection::vec(any::<u8>(), 0..400),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let (_folder, path) = file();
        let (mut sealer, mut opener) = ends(&path);
        let good = sealed(&mut sealer, &content);
        let mut changed = good.clone();
        *place.get_mut(&mut changed) ^= 1 << bit;
        assert!(opened(&mut opener, &changed).is_err());
        assert!(opened(&mut opener, &good[..cut.index(good.len())]).is_err());
        assert!(opened(&mut opener, &[&good[..], b"?"].concat()).is_err());
        prop_assert_eq!(opened(&mut opener, &good), Ok(content), "a refused packet changes nothing");
    }
}
