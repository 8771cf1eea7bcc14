use std::sync::atomic::{AtomicBool, Ordering};

/// The address under which a requester receives replies, until its link ends.
#[derive(Debug)]
pub(crate) struct ReplyAddress {
    address: String,
    ended: AtomicBool,
}

impl ReplyAddress {
    /// Creates one for the publisher's address as the requester knows it.
    pub(crate) fn new(address: String) -> Self {
        Self { address, ended: AtomicBool::new(false) }
    }

    /// The publisher's address as the requester knows it.
    pub(crate) fn as_str(&self) -> &str {
        &self.address
    }

    /// Marks the link as ended. Call this, and check for it, while holding the lock of the replies: nothing may follow the
    /// notice that all replies are lost.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}
