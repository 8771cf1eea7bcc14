use super::EventRef;

/// Where the table and the key of an event are in its payload, and what the event does to their row.
///
/// Whoever [checks](super::plain_row) an event finds them on the way. They travel with the event
/// (`EncodedEvent::row` of the crate `pubsub-api`), so that nobody parses the payload again for them.
///
/// ```
/// use events::{Action, Event, SEND_ALL, wire};
///
/// let payload = wire::encode(&Event::new("lport", "port-1", Action::Set, "up", SEND_ALL))?;
/// let row = wire::plain_row(b"D", &payload).expect("an event in the plainest form");
/// assert_eq!(row.name(&payload), Some((&b"lport"[..], &b"port-1"[..])));
/// assert!(!row.is_deleted());
/// # Ok::<(), events::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSpan {
    table: TextSpan,
    key: TextSpan,
    effect: Effect,
}

/// Where a text is in a payload. It is small because a batch has two for each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextSpan {
    /// 0: nil instead of a text.
    at: u16,
    bytes: u16,
}

/// What an action does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Changed,
    Deleted,
    /// The event concerns no row.
    None,
}

impl RowSpan {
    #[inline]
    pub(super) fn new(table: TextSpan, key: TextSpan, action: &[u8]) -> Self {
        let effect = match action {
            b"sync" => Effect::None,
            _ if table.at == 0 || key.at == 0 => Effect::None,
            b"delete" => Effect::Deleted,
            _ => Effect::Changed,
        };
        Self { table, key, effect }
    }

    /// Returns the span of an event that was read from `payload`; `None` if it begins too far behind.
    #[must_use]
    pub fn of(event: &EventRef<'_>, payload: &[u8]) -> Option<Self> {
        let span = |text: Option<&str>| TextSpan::within(payload, text.map(str::as_bytes));
        Some(Self::new(span(event.table)?, span(event.key)?, event.action.as_bytes()))
    }

    /// Returns the table of the payload in which it was found; `None` if that is nil.
    #[must_use]
    #[inline]
    pub fn table<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        self.table.of(payload)
    }

    /// Returns table and key; `None` if the event concerns no row: one of them is nil, or the action is `sync`.
    #[must_use]
    #[inline]
    pub fn name<'a>(&self, payload: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        match self.effect {
            Effect::None => None,
            Effect::Changed | Effect::Deleted => Some((self.table.of(payload)?, self.key.of(payload)?)),
        }
    }

    /// Returns whether the event deletes the row.
    #[must_use]
    #[inline]
    pub fn is_deleted(&self) -> bool {
        self.effect == Effect::Deleted
    }
}

impl TextSpan {
    /// Returns the span of a part of `payload`, or of nil; `None` if it begins too far behind.
    #[inline]
    pub(super) fn within(payload: &[u8], text: Option<&[u8]>) -> Option<Self> {
        let Some(text) = text else { return Some(Self { at: 0, bytes: 0 }) };
        let at = text.as_ptr().addr().checked_sub(payload.as_ptr().addr())?;
        Some(Self { at: u16::try_from(at).ok()?, bytes: u16::try_from(text.len()).ok()? })
    }

    #[inline]
    fn of(self, payload: &[u8]) -> Option<&[u8]> {
        let at = usize::from(self.at);
        payload.get(at..at + usize::from(self.bytes)).filter(|_| self.at > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::RowSpan;
    use crate::wire::{EventRef, RowRef, encode, plain_row};
    use crate::{Action, Event, SEND_ALL, Value};

    #[test]
    fn it_finds_what_reading_finds() {
        let event = Event::new("lport", "k", Action::Set, "v", SEND_ALL);
        for (event, concerns_row, is_deleted) in [
            (event.clone(), true, false),
            (Event { action: Action::Other("archive".to_owned()), ..event.clone() }, true, false),
            (Event { action: Action::Delete, value: Value::Nil, ..event.clone() }, true, true),
            (
                Event { table: Some(String::new()), key: Some("k".repeat(40_000)), ..event.clone() },
                true,
                false,
            ),
            (Event { table: None, ..event.clone() }, false, false),
            (Event { key: None, action: Action::Delete, ..event.clone() }, false, false),
            (Event { action: Action::Sync, ..event.clone() }, false, false),
        ] {
            let payload = encode(&event).unwrap();
            let row = plain_row(b"D", &payload).unwrap();
            let read = RowRef::find(&payload).unwrap();
            assert_eq!(RowSpan::of(&EventRef::read(b"D", &payload).unwrap(), &payload), Some(row));
            assert_eq!(row.table(&payload), read.table, "{event:?}");
            assert_eq!(row.name(&payload), read.table.zip(read.key).filter(|_| concerns_row), "{event:?}");
            assert_eq!(row.is_deleted(), is_deleted, "{event:?}");
        }
    }

    #[test]
    fn a_key_that_begins_too_far_behind_is_left_to_reading() {
        let table = "t".repeat(65_530);
        let payload = encode(&Event::new(table.clone(), "k", Action::Set, "v", SEND_ALL)).unwrap();
        assert_eq!(plain_row(b"D", &payload), None);
        let read = EventRef::read(b"D", &payload).unwrap();
        assert_eq!((read.table, RowSpan::of(&read, &payload)), (Some(&table[..]), None));
    }
}
