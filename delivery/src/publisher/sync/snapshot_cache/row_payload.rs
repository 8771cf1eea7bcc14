use std::sync::Arc;

use bytes::Bytes;

/// The payload of a row's latest event, whose memory is used again for the next one.
#[derive(Debug)]
pub(super) struct RowPayload(Arc<[u8]>);

impl RowPayload {
    /// A copy of a payload.
    pub(super) fn new(payload: &[u8]) -> Self {
        Self(Arc::from(payload))
    }

    /// The size in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Replaces it by a copy of `new`, in the same memory if that has the same size and no reader.
    pub(super) fn replace(&mut self, new: &[u8]) {
        match Arc::get_mut(&mut self.0) {
            Some(memory) if memory.len() == new.len() => memory.copy_from_slice(new),
            _ => self.0 = Arc::from(new),
        }
    }

    /// Shares it; the memory is then not used again before the reader has dropped it.
    pub(super) fn share(&self) -> Bytes {
        Bytes::from_owner(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::RowPayload;

    #[test]
    fn a_payload_is_replaced_in_its_memory_unless_somebody_reads_it() {
        let mut payload = RowPayload::new(b"first");
        let memory = payload.share().as_ptr();
        payload.replace(b"other");
        let read = payload.share();
        assert_eq!((read.as_ptr(), &read[..]), (memory, &b"other"[..]));
        payload.replace(b"third");
        payload.replace(b"longer");
        assert_eq!((&read[..], &payload.share()[..], payload.len()), (&b"other"[..], &b"longer"[..], 6));
    }
}
