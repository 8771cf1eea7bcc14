//! A publisher on a broker that seals: the broker sees no value.

use std::sync::Arc;

use delivery::BrokerPublisher;
use pubsub_api::wire::EventRef;
use pubsub_api::{ErrorKind, Publisher};
use sealing::{AcceptedEvents, EventOpener, Keyring, SealedParts, SealingOptions, keyring_lines};

use crate::fake::{OPTIONS, broker_of, send};

#[tokio::test(start_paused = true)]
async fn the_broker_sees_sealed_events_and_subscribers_open_them() {
    let folder = tempfile::tempdir().unwrap();
    let keyring_file = folder.path().join("keyring");
    let (driver, fake) = broker_of();
    let sealing = SealingOptions { keyring_file: keyring_file.clone(), parts: SealedParts::Row };
    let publisher = BrokerPublisher::new(driver, OPTIONS).with_sealing(Some(sealing));
    assert_eq!(publisher.initialize().await.unwrap_err().kind(), ErrorKind::Settings);
    assert_eq!(send(&publisher, "t", "k1").await.unwrap_err().kind(), ErrorKind::Settings);
    keyring_lines::create(&keyring_file, "k1").unwrap();
    publisher.initialize().await.unwrap();
    let publisher = Arc::new(publisher);
    for key in ["secret-1", "secret-2"] {
        send(&publisher, "t", key).await.unwrap();
    }
    let mut opener = EventOpener::new(Keyring::open(&keyring_file).unwrap(), AcceptedEvents::Sealed);
    let published = fake.published.lock().unwrap();
    let events: Vec<_> =
        published.iter().map(|(_, event)| event).filter(|event| !event.topic.is_reserved()).collect();
    for (number, event) in (1..).zip(&events) {
        assert!(!event.payload.windows(6).any(|part| part == b"secret"));
        let sealed = EventRef::read(b"t", &event.payload).unwrap();
        let opened = opener.open(b"t", &event.payload, sealed.sealed).unwrap().unwrap();
        let read = EventRef::read(b"t", &opened).unwrap();
        assert_eq!((read.key, read.value), (Some(&*format!("secret-{number}")), &b"\xa1v"[..]));
        assert_eq!(read.stamp.map(|stamp| stamp.sequence), Some(number));
    }
    assert_eq!(events.len(), 2);
}
