use super::counters::LinkCounters;
use super::desired_subscriptions::Wanted;
use super::lives::Lives;
use super::queue::Queue;
use crate::ZmtpSettings;
use crate::request::dealer::requester_state::Asking;

/// What a subscriber and its links have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: ZmtpSettings,
    pub(crate) wanted: Wanted,
    pub(crate) queue: Queue,
    pub(crate) counters: LinkCounters,
    pub(crate) asking: Asking,
    pub(crate) lives: Lives,
}

impl Shared {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        let queue = Queue::new(settings.recv_queue_events);
        let (counters, asking) = (LinkCounters::default(), Asking::default());
        Self { settings, wanted: Wanted::default(), queue, counters, asking, lives: Lives::default() }
    }
}
