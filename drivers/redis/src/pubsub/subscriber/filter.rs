use bytes::{Bytes, BytesMut};
use pubsub_api::{Subscription, Topic};

use crate::pubsub::denied::Wish;
use crate::pubsub::wire::command;

/// What a server is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Filter {
    /// One channel (SUBSCRIBE).
    Channel(Topic),
    /// Every channel that begins so (PSUBSCRIBE): patterns of Redis are not those of the contract, so that all that can match
    /// is asked for, and looked at here.
    Prefix(String),
}

impl Filter {
    /// What brings all that a subscription wants.
    pub(super) fn of(subscription: &Subscription) -> Self {
        match subscription {
            Subscription::Topic(topic) => Self::Channel(topic.clone()),
            Subscription::Pattern(pattern) => Self::Prefix(pattern.literal_prefix().to_owned()),
        }
    }

    /// How the server calls it.
    pub(super) fn name(&self) -> Bytes {
        match self {
            Self::Channel(topic) => topic.to_bytes(),
            Self::Prefix(prefix) => glob(prefix).into(),
        }
    }

    /// What it is to the rules of a user.
    pub(super) fn wish(&self) -> Wish {
        match self {
            Self::Channel(_) => Wish::Subscribe,
            Self::Prefix(_) => Wish::SubscribePattern,
        }
    }

    /// Appends the command that asks for it, or for it no longer.
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

/// A pattern of Redis that matches what begins so, and nothing else (defect D41).
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
    fn letters_that_mean_something_to_redis_mean_themselves() {
        assert_eq!(glob(""), "*");
        assert_eq!(glob("port."), "port.*");
        assert_eq!(glob(r"a*?[b]^\-ü"), r"a\*\?\[b\]\^\\-ü*");
    }
}
