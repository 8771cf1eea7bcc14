use super::followers::Followers;
use super::publish_effect::PublishEffect;
use crate::StreamName;

/// What is known of a stream, whether it is declared or not.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct StreamRecord {
    pub(super) followers: Followers,
    /// The highest epoch of a declaration.
    pub(super) last_epoch: u64,
}

/// Reports whether a stream has followers, if that has changed.
pub(super) fn report(stream: &StreamName, had_some: bool, has_some: bool, effects: &mut Vec<PublishEffect>) {
    match (had_some, has_some) {
        (false, true) => effects.push(PublishEffect::FirstFollower(stream.clone())),
        (true, false) => effects.push(PublishEffect::NoFollower(stream.clone())),
        _ => {}
    }
}
