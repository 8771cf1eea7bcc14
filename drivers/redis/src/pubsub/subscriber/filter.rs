use bytes::{Bytes, BytesMut};
use pubsub_api::{Subscription, Topic};

use crate::pubsub::denied::ChannelAction;
use crate::pubsub::wire::command;

/// A subscription as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Filter {
    /// One channel (SUBSCRIBE).
    Channel(Topic),
    /// Every channel with this prefix (PSUBSCRIBE): Redis's patterns differ from the contract's, so the driver subscribes to all
    /// channels that may match, and checks them itself.
    Prefix(String),
}

impl Filter {
    /// The filter that covers a subscription.
    pub(super) fn of(subscription: &Subscription) -> Self {
        match subscription {
            Subscription::Topic(topic) => Self::Channel(topic.clone()),
            Subscription::Pattern(pattern) => Self::Prefix(pattern.literal_prefix().to_owned()),
        }
    }

    /// Its name in the server's notation.
    pub(super) fn name(&self) -> Bytes {
        match self {
            Self::Channel(topic) => topic.to_bytes(),
            Self::Prefix(prefix) => glob(prefix).into(),
        }
    }

    /// Its action in ACL rules.
    pub(super) fn action(&self) -> ChannelAction {
        match self {
            Self::Channel(_) => ChannelAction::Subscribe,
            Self::Prefix(_) => ChannelAction::SubscribePattern,
        }
    }

    /// Appends the command that subscribes or unsubscribes.
    pub(super) fn ask(&self, wanted: bool, out: &mut BytesMut) {
        let word: &[u8] = match (self, wanted) {
            (Self::Channel(_), true) => b"SUBSCRIBE",
            (Self::Channel(_), false) => b"UNSUBSCRIBE",
            (Self::Prefix(_), true) => b"PSUBSCRIBE",
            (Self::Prefix(_), false) => b"PUNSUBSCRIBE",
        };
        command(out, &[word, &self.name()]);
    }
}

/// A Redis pattern that matches exactly the channels with this prefix (docs/dragonflow.md#d41).
fn glob(prefix: &str) -> String {
    let mut glob = String::with_capacity(prefix.len() + 1);
    for letter in prefix.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^') {
            glob.push('\\');
        }
        glob.push(letter);
    }
    glob.push('*');
    glob
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn special_characters_of_redis_patterns_are_escaped() {
        assert_eq!(glob(""), "*");
        assert_eq!(glob("port."), "port.*");
        assert_eq!(glob(r"a*?[b]^\-ü"), r"a\*\?\[b\]\^\\-ü*");
    }
}
