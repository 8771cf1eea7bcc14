use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use end_to_end::binary;

/// The version of the packages that an upgrade brings.
pub const LATER: &str = "99.0.0";

/// The packages, built once for all tests.
pub struct Built {
    /// In the target folder, as nothing removes what is kept until the process ends.
    folder: PathBuf,
}

impl Built {
    /// The packages; the first call builds them.
    #[must_use]
    pub fn once() -> &'static Self {
        static BUILT: OnceLock<Built> = OnceLock::new();
        BUILT.get_or_init(Self::new)
    }

    fn new() -> Self {
        let folder = target().join("packages-under-test");
        // Of an earlier run.
        let _ = fs::remove_dir_all(&folder);
        let stripped = folder.join("programs");
        fs::create_dir_all(&stripped).expect("a folder");
        for program in ["skimmer", "publisher-service", "subscriber-agent"] {
            // The programs of a debug build are large for their symbols.
            run("strip", [OsStr::new("-o"), stripped.join(program).as_os_str(), binary(program).as_os_str()]);
        }
        thread::scope(|scope| {
            for (name, version) in [("packages", &[][..]), ("again", &[]), ("later", &["--version", LATER])] {
                let output = folder.join(name);
                let options = [OsStr::new("--fast"), OsStr::new("--binaries"), stripped.as_os_str()];
                let rest = [OsStr::new("--output"), output.as_os_str()];
                let all: Vec<_> = options.into_iter().chain(rest).map(OsStr::to_owned).collect();
                scope.spawn(move || {
                    run(
                        root().join("packaging/build"),
                        all.iter().cloned().chain(version.iter().map(Into::into)),
                    )
                });
            }
        });
        Self { folder }
    }

    /// The packages of this version, with their checksums.
    pub fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    /// The same packages, built a second time.
    pub fn again(&self) -> PathBuf {
        self.folder.join("again")
    }

    /// The file of a package of this version.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn file_of(&self, package: &str) -> PathBuf {
        let files = fs::read_dir(self.packages()).expect("the packages are built");
        let mut paths = files.map(|file| file.expect("a file").path());
        let prefix = format!("{package}_");
        let is_file =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
        paths.find(is_file).unwrap_or_else(|| panic!("no package {package}"))
    }

    /// All of it: the folders `packages` and `later`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The target folder.
fn target() -> PathBuf {
    let program = binary("skimmer");
    program.ancestors().nth(2).expect("programs are in TARGET/PROFILE").to_path_buf()
}

/// What `tests/setup` has put into the target folder.
pub fn prepared(name: &str) -> PathBuf {
    let path = target().join(name);
    assert!(path.exists(), "{} is missing: tests/setup makes it", path.display());
    path
}

/// The output of a program that succeeds.
#[track_caller]
pub fn run<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> String {
    let mut command = Command::new(program);
    // A time from outside would hide that the packages take theirs from the repository.
    let command = command.args(arguments).current_dir(root()).env_remove("SOURCE_DATE_EPOCH");
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{words}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
