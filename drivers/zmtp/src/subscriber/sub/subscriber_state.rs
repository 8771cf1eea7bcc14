use super::counters::LinkCounters;
use super::desired_subscriptions::DesiredSubscriptions;
use super::heard_publishers::HeardPublishers;
use super::queue::Queue;
use crate::ZmtpSettings;
use crate::request::dealer::requester_state::RequesterState;

/// What a subscriber and its links share.
#[derive(Debug)]
pub(crate) struct SubscriberState {
    pub(crate) settings: ZmtpSettings,
    pub(crate) wanted: DesiredSubscriptions,
    pub(crate) queue: Queue,
    pub(crate) counters: LinkCounters,
    pub(crate) requester: RequesterState,
    pub(crate) heard_publishers: HeardPublishers,
}

impl SubscriberState {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        let queue = Queue::new(settings.recv_queue_events);
        let (counters, requester) = (LinkCounters::default(), RequesterState::default());
        Self {
            settings,
            wanted: DesiredSubscriptions::default(),
            queue,
            counters,
            requester,
            heard_publishers: HeardPublishers::default(),
        }
    }
}
