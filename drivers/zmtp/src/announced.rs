//! A whole subscription, as a subscriber of ours sends it to a publisher that judges subscriptions
//! (docs/design.md#rights-by-topic): a NUL, which no topic has, `T` for a topic or `P` for a pattern, and its text.

use pubsub_api::{Pattern, Subscription, Topic};

/// The body of the SUBSCRIBE, and of the CANCEL.
pub(crate) fn announce(subscription: &Subscription) -> Vec<u8> {
    match subscription {
        Subscription::Topic(topic) => [b"\0T", topic.as_bytes()].concat(),
        Subscription::Pattern(pattern) => [b"\0P", pattern.as_str().as_bytes()].concat(),
    }
}

/// The subscription of a body; `None` if it is a prefix.
pub(crate) fn read_announced(body: &[u8]) -> Option<Subscription> {
    let (kind, text) = body.strip_prefix(b"\0")?.split_first()?;
    match kind {
        b'T' => Topic::new(text.to_vec()).ok().map(Subscription::from),
        b'P' => std::str::from_utf8(text).ok()?.parse::<Pattern>().ok().map(Subscription::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{Pattern, Subscription, Topic};

    use super::{announce, read_announced};

    #[test]
    fn a_subscription_reads_back_and_a_topic_is_no_pattern() {
        for text in ["a.*", "tenant-1", "$hello"] {
            let topic = Subscription::from(Topic::new(text).unwrap());
            let pattern = Subscription::from(text.parse::<Pattern>().unwrap());
            assert_eq!(read_announced(&announce(&topic)), Some(topic));
            assert_eq!(read_announced(&announce(&pattern)), Some(pattern));
        }
    }

    #[test]
    fn what_is_no_subscription_is_a_prefix() {
        for body in [&b""[..], b"a", b"\0", b"\0T", b"\0Pa.*.b*", b"\0T\xff", b"\0Xa", b"\0Ta\0"] {
            assert_eq!(read_announced(body), None, "{}", body.escape_ascii());
        }
    }
}
