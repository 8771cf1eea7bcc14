/// How much has happened. What can still happen depends on it, and nothing else.
#[derive(Debug, Clone, Copy, Default, Hash)]
pub(super) struct Spent {
    pub(super) publishes: u8,
    pub(super) declares: u8,
    pub(super) withdraws: u8,
    pub(super) losses: u8,
    pub(super) repeats: u8,
    pub(super) ticks: u8,
    pub(super) heartbeats: u8,
    pub(super) downs: u8,
    pub(super) resets: u8,
    pub(super) unfollows: u8,
}
