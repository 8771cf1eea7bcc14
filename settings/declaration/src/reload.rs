/// When a new value of a setting takes effect.
///
/// A reload that changes a `Restart` setting is refused as a whole: the program names the settings, logs that no change
/// was applied, and runs with the old values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// A running program applies it on SIGHUP.
    Live,
    /// The program must be restarted.
    Restart,
}
