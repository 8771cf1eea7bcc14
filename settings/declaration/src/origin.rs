use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A place in a settings file, shown as `skimmer.toml:3:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path of the file, as it was passed.
    pub path: Arc<Path>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// The source of a value.
///
/// Of several sources the strongest decides: `Set`, then `Environment`, then the last `File`, then a default.
///
/// ```
/// use settings_declaration::{Origin, Place};
/// use std::path::Path;
///
/// let place = Place { path: Path::new("skimmer.toml").into(), line: 3, column: 1 };
/// assert_eq!(place.to_string(), "skimmer.toml:3:1");
/// assert_eq!(Origin::File(place).to_string(), "skimmer.toml:3");
/// assert_eq!(Origin::Environment("SKIMMER_LINGER".to_owned()).to_string(), "SKIMMER_LINGER");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// No source set it.
    Default,
    /// No source set it, and an oslo.config file was read: the default is Dragonflow's.
    Dragonflow,
    /// A settings file.
    File(Place),
    /// The environment variable of this name.
    Environment(String),
    /// `--set` on the command line.
    Set,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Dragonflow => f.write_str("Dragonflow's default"),
            Self::File(place) => write!(f, "{}:{}", place.path.display(), place.line),
            Self::Environment(name) => f.write_str(name),
            Self::Set => f.write_str("--set"),
        }
    }
}
