use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use end_to_end::{Ended, Launch};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::{Built, prepared};

/// A minimal Debian whose changes are in memory, with a network and mounts of its own. Both are gone when this is dropped.
pub struct CleanRoot {
    holder: Child,
    folder: TempDir,
}

/// Holds the namespaces until its stdin is closed.
const HOLD: &str = r#"
    set -e
    mount -t tmpfs -o size=2G,mode=755 tmpfs "$2"
    mkdir "$2/changes" "$2/work" "$2/root"
    mount -t overlay -o "lowerdir=$1,upperdir=$2/changes,workdir=$2/work" overlay "$2/root"
    mount -t proc proc "$2/root/proc"
    mount --bind /dev "$2/root/dev"
    mount --bind "$3" "$2/root/mnt"
    ip link set lo up
    echo ready
    exec cat
"#;

impl CleanRoot {
    /// A new one; the packages are in its `/mnt`.
    ///
    /// # Panics
    /// If this is not root, or the root cannot be mounted.
    #[must_use]
    pub fn mounted() -> Self {
        assert!(
            geteuid().is_root(),
            "only root can install packages into another root: run this test as root, or leave it out by name"
        );
        let folder = tempfile::Builder::new().prefix("skimmer-root-").tempdir().expect("a folder");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--propagation", "private", "sh", "-c", HOLD, "sh"]);
        command.args([&prepared("clean-root"), folder.path(), Built::once().folder()]);
        let mut holder =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare is there");
        let mut line = String::new();
        let stdout = holder.stdout.as_mut().expect("piped");
        let _ = BufReader::new(stdout).read_line(&mut line).expect("stdout can be read");
        assert_eq!(line, "ready\n", "the root cannot be mounted");
        Self { holder, folder }
    }

    /// A command in the root, as `root`.
    pub fn launch<A: AsRef<str>>(&self, name: &str, command: &[A]) -> Launch {
        let launch = Launch::at(Path::new("nsenter"), name, self.folder.path());
        let launch =
            launch.args([format!("--target={}", self.holder.id()), "--mount".into(), "--net".into()]);
        let launch = launch.args(["chroot".into(), self.folder.path().join("root").into_os_string()]);
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let launch = launch.args(["env", "-i", path, "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]);
        launch.args(command.iter().map(AsRef::as_ref))
    }

    /// A command in the root, as a user and a group.
    pub fn launch_as<A: AsRef<str>>(&self, user: &str, group: &str, command: &[A]) -> Launch {
        let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
        let become_user = ["setpriv", &user, &group, "--clear-groups"];
        let all: Vec<&str> = become_user.into_iter().chain(command.iter().map(AsRef::as_ref)).collect();
        self.launch(
            command.first().map_or("command", AsRef::as_ref).rsplit('/').next().unwrap_or_default(),
            &all,
        )
    }

    /// The output of a command that succeeds.
    #[track_caller]
    pub fn run<A: AsRef<str>>(&self, command: &[A]) -> String {
        self.launch("command", command).run().expect(0).stdout
    }

    /// A line of shell, and how it ended.
    #[track_caller]
    pub fn sh(&self, line: &str) -> Ended {
        self.launch("sh", &["sh", "-c", line]).run()
    }

    /// Installs the packages of the folder `packages` or `later`, as an administrator without a terminal.
    #[track_caller]
    pub fn install(&self, folder: &str) -> Ended {
        self.sh(&format!("dpkg --install /mnt/{folder}/*.deb")).expect(0)
    }

    /// Whether there is a file.
    pub fn has(&self, path: &str) -> bool {
        self.sh(&format!("test -e {path}")).code() == Some(0)
    }

    /// The value of a key of an installed unit.
    #[track_caller]
    pub fn of_unit(&self, unit: &str, key: &str) -> String {
        let unit = self.run(&["cat", &format!("/lib/systemd/system/{unit}")]);
        let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {key} in\n{unit}")).to_owned()
    }
}

impl Drop for CleanRoot {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The units, each with its package.
pub const UNITS: [(&str, &str); 3] = [
    ("publisher-service.service", "skimmer-publisher-service"),
    ("subscriber-agent.service", "skimmer-subscriber-agent"),
    ("data-services-node.service", "skimmer"),
];
