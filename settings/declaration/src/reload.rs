/// When a new value of a setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// A running program applies it on SIGHUP.
    Live,
    /// The program must be restarted.
    Restart,
}
