//! Programs under the restrictions of their units: another user, hidden processes, the filters of system calls and families.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use end_to_end::{Folder, Launch, binary};
use rustix::process::geteuid;

use super::shipped;

/// A user and a group that nobody has.
pub(super) const SERVICE: u32 = 64_001;

/// Fails without the rights that these tests need.
pub(super) fn require_root() {
    assert!(
        geteuid().is_root(),
        "only root can become another user: run this test as root, or leave it out by name"
    );
}

/// A folder for a service of its own user, in which others find the programs and the settings.
pub(super) fn installation() -> Folder {
    let folder = Folder::new();
    let open =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    open(folder.path(), 0o755);
    open(&folder.config(), 0o644);
    let run = folder.path().join("run");
    fs::create_dir(&run).expect("a folder");
    fs::create_dir(folder.path().join("bin")).expect("a folder");
    open(&run, 0o750);
    chown(&run, Some(SERVICE), Some(SERVICE)).expect("root may");
    chown(folder.state_dir("service.state"), Some(SERVICE), Some(SERVICE)).expect("root may");
    folder
}

/// Makes the programs and the test's files visible to other users, and hides their processes as `ProtectProc=invisible` and
/// `ProcSubset=pid` do; then becomes a user without capabilities.
const CONFINED: &str = r#"
    set -e
    programs=$1 bin=$2 user=$3 groups=$4; shift 4
    mount --bind "$programs" "$bin"
    mount -t proc -o hidepid=invisible,subset=pid proc /proc
    umask 0027
    exec setpriv --reuid="$user" --regid="$user" --groups="$groups" --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"#;

/// Starts `program` as `user`, and under the filter of a unit, if one is given.
pub(super) fn confined(
    folder: &Folder,
    name: &str,
    user: u32,
    groups: u32,
    unit: Option<&str>,
    arguments: &[&str],
) -> Launch {
    let bin = folder.path().join("bin");
    let program = binary("publisher-service");
    let programs = program.parent().expect("a folder").display().to_string();
    let (user, groups) = (user.to_string(), groups.to_string());
    let mut command = vec!["-m".to_owned(), "sh".into(), "-c".into(), CONFINED.into(), "sh".into()];
    command.extend([programs, bin.display().to_string(), user, groups]);
    if let Some(unit) = unit {
        let confine = folder.path().join("confine.py");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/units/confine.py"), &confine)
            .expect("a copy");
        let copied = folder.path().join("unit");
        fs::copy(shipped(unit), &copied).expect("a copy");
        for path in [&confine, &copied] {
            fs::set_permissions(path, Permissions::from_mode(0o644)).expect("it is ours");
        }
        command.extend([
            "/usr/bin/python3".into(),
            confine.display().to_string(),
            copied.display().to_string(),
        ]);
    }
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    // What stands between is the program's path: in the folder that all see.
    let launch = Launch::at(&bin.join(name), name, folder.path()).args(arguments);
    launch.args(["--config".into(), folder.config().into_os_string()]).under("unshare", &command)
}
