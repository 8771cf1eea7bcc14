//! What a publisher of this crate says in its hello beside what every hello has (`pubsub_api::hello`).

use pubsub_api::hello::HELLO_TABLE;
use pubsub_api::wire::MAX_EVENT_BYTES;
use pubsub_api::{Envelope, HELLO, PublisherEpoch, Result, Stamp, wire};

use super::packing::pack;

/// The pair of a publisher that takes [reports](crate::AppliedReport).
const TAKES_REPORTS: &str = "takes_reports";

/// The pair with the version of a publisher with requests, for operators.
pub(super) const RELEASE: &str = "release";

/// The pair with the largest event that it accepts, in bytes.
pub(super) const EVENT_BYTES: &str = "event_bytes";

/// Packs the hello of a publisher with requests or without, with the first sequence of topics that it does not know.
///
/// # Errors
/// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if the id is too long to be packed.
pub(crate) fn packed(
    publisher_id: &str,
    of: PublisherEpoch,
    first_sequence: u64,
    takes_reports: bool,
) -> Result<Envelope> {
    let PublisherEpoch { publisher, epoch } = of;
    let stamp = Stamp { publisher, epoch, sequence: first_sequence, time_us: 0 };
    let pairs = [
        (TAKES_REPORTS, true.into()),
        (RELEASE, env!("CARGO_PKG_VERSION").into()),
        (EVENT_BYTES, MAX_EVENT_BYTES.into()),
    ];
    let stated = if takes_reports { pairs.as_slice() } else { &[] };
    pack(HELLO, HELLO_TABLE, publisher_id, "hello", Some(stamp), stated)
}

/// Whether the publisher of this hello takes reports: an older one would count them as malformed requests.
pub(crate) fn takes_reports(payload: &[u8]) -> bool {
    const TRUE: &[u8] = &[0xc3];
    wire::find(payload, TAKES_REPORTS.as_bytes()).is_some_and(|value| value == TRUE)
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Envelope, PublisherEpoch, hello};

    use super::{packed, takes_reports};

    const OF: PublisherEpoch = PublisherEpoch { publisher: 7, epoch: 2 };

    #[test]
    fn a_hello_says_whether_reports_are_taken_and_is_a_hello_for_every_reader() {
        for takes in [false, true] {
            let hello = packed("p", OF, 5, takes).unwrap();
            assert_eq!(takes_reports(&hello.payload), takes);
            let stamp = hello::stamp(&hello.payload).unwrap();
            assert_eq!((stamp.publisher, stamp.epoch, stamp.sequence), (7, 2, 5));
        }
    }

    #[test]
    fn without_reports_it_is_the_hello_of_the_contract() {
        let plain = Envelope::pack(&hello::event_with("p", Some(OF), 5)).unwrap();
        assert_eq!(packed("p", OF, 5, false).unwrap(), plain);
        assert!(!takes_reports(&plain.payload));
    }
}
