//! Traffic of a subscriber, whatever the bytes: what comes out is what a slow reader of RFC 23 and 37 finds in them,
//! however they are cut.

use drivers_zmtp::protocol::{Command, MAX_PREFIX_BYTES, PeerDecoder, PeerMessage, ProtocolError};

use crate::cuts::same_however_cut;
use crate::feed::{Found, feed};
use crate::slow_frame::next_frame;

/// How much is made a prefix of ours: more only takes longer.
const OWN_BYTES: usize = 32;

/// The longest prefix, and the name of its command with its length and some more.
const LARGEST_FRAME: u64 = MAX_PREFIX_BYTES as u64 + 16;

/// The largest frame that is waited for, and its head.
const KEPT_BYTES: usize = MAX_PREFIX_BYTES + 16 + 9;

/// The first byte of `input` decides how the others, which come from the peer, are cut; the first of them are also a prefix of
/// ours.
pub(crate) fn check(input: &[u8]) {
    let Some((seed, sent)) = input.split_first() else { return };
    let found = same_however_cut(sent, *seed, |ends| decode(sent, ends));
    assert_eq!((found.items, found.end.err()), slow(sent), "and what a slow reader finds");
    check_own_commands(*seed, sent.get(..sent.len().min(OWN_BYTES)).unwrap_or(sent));
}

/// What `Command::put` wrote of a prefix and a context decodes back.
pub(crate) fn check_own_commands(seed: u8, text: &[u8]) {
    let prefix = text.get(..text.len().min(MAX_PREFIX_BYTES)).unwrap_or_default();
    let ping =
        Command::Ping { ttl: u16::from(seed), context: text.get(..text.len().min(16)).unwrap_or_default() };
    let mut bytes = Vec::new();
    for command in [Command::Subscribe(prefix), ping, Command::Pong, Command::Cancel(prefix)] {
        command.put(&mut bytes);
    }
    let found = same_however_cut(&bytes, seed, |ends| decode(&bytes, ends));
    let Command::Ping { ttl, context } = ping else { unreachable!("it is one") };
    let wanted = [
        PeerMessage::Subscribe(prefix),
        PeerMessage::Ping { ttl, context },
        PeerMessage::Pong,
        PeerMessage::Cancel(prefix),
    ];
    assert_eq!((&*found.items, found.end), (&wanted[..], Ok(bytes.len())));
}

fn decode<'a>(bytes: &'a [u8], ends: &[usize]) -> Found<PeerMessage<'a>, ProtocolError> {
    let mut decoder = PeerDecoder::default();
    feed(bytes, ends, KEPT_BYTES, |_, arrived| {
        let (used, said) = decoder.next(arrived)?;
        Ok((used, (said != PeerMessage::Incomplete).then_some(said)))
    })
}

fn slow(bytes: &[u8]) -> (Vec<PeerMessage<'_>>, Option<ProtocolError>) {
    let (mut items, mut in_message, mut at) = (Vec::new(), false, 0);
    loop {
        let frame = match next_frame(bytes, at) {
            Ok(Some(frame)) if frame.size > LARGEST_FRAME => {
                return (items, Some(ProtocolError::FrameTooLong));
            }
            Ok(Some(frame)) => frame,
            Ok(None) => return (items, None),
            Err(error) => return (items, Some(error)),
        };
        let Some(body) = frame.body else { return (items, None) };
        at = frame.body_at.saturating_add(body.len());
        let said = if frame.command {
            command(body, in_message)
        } else {
            Ok(message(body, in_message || frame.more))
        };
        in_message = frame.more;
        match said {
            Ok(PeerMessage::Subscribe(prefix) | PeerMessage::Cancel(prefix))
                if prefix.len() > MAX_PREFIX_BYTES =>
            {
                return (items, Some(ProtocolError::SubscriptionTooLong));
            }
            Ok(said) => items.push(said),
            Err(error) => return (items, Some(error)),
        }
    }
}

/// RFC 37, `command`: the length of the name, the name, the data.
fn command(body: &[u8], in_message: bool) -> Result<PeerMessage<'_>, ProtocolError> {
    if in_message {
        return Err(ProtocolError::CommandInMessage);
    }
    let name = body.first().and_then(|length| body.get(1..1 + usize::from(*length)));
    let name = name.filter(|name| !name.is_empty()).ok_or(ProtocolError::BadCommand)?;
    let data = body.get(1 + name.len()..).unwrap_or_default();
    match (name, data) {
        (b"SUBSCRIBE", prefix) => Ok(PeerMessage::Subscribe(prefix)),
        (b"CANCEL", prefix) => Ok(PeerMessage::Cancel(prefix)),
        (b"PING", [high, low, context @ ..]) if context.len() <= 16 => {
            Ok(PeerMessage::Ping { ttl: u16::from(*high) << 8 | u16::from(*low), context })
        }
        (b"PING", _) => Err(ProtocolError::BadCommand),
        (b"PONG", _) => Ok(PeerMessage::Pong),
        _ => Ok(PeerMessage::Other),
    }
}

/// RFC 23, `subscribe` and `cancel`: messages of one frame.
fn message(body: &[u8], of_several: bool) -> PeerMessage<'_> {
    match body {
        [1, prefix @ ..] if !of_several => PeerMessage::Subscribe(prefix),
        [0, prefix @ ..] if !of_several => PeerMessage::Cancel(prefix),
        _ => PeerMessage::Other,
    }
}
