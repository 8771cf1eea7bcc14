use std::fs;
use std::io;
use std::path::Path;

use pubsub_api::Result;
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, accessat, stat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::refusal::{refusal, type_name};

/// Checks that the directory of the socket file `socket` can hold it, and changes nothing.
///
/// The directory must exist, must let this user create and remove files, and must not be writable by everybody unless
/// its sticky bit is set: otherwise any local user could replace our socket.
///
/// The permission comes from access(2). A directory on a file system that refuses new files for other reasons, such
/// as `/proc`, fails only in [`UnixClaim::bind`](crate::UnixClaim::bind).
///
/// # Errors
///
/// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable); the text ends with the shell command that fixes the
/// directory, such as `mkdir -p /run/skimmer && chown skimmer: /run/skimmer`.
///
/// ```
/// use std::path::Path;
///
/// let error = listen::check_directory(Path::new("/no/such/place/publisher.sock")).unwrap_err();
/// assert!(error.to_string().contains("mkdir -p /no/such/place && chown "));
/// ```
pub fn check_directory(socket: &Path) -> Result<()> {
    let directory = directory_of(socket);
    match fault(directory) {
        None => Ok(()),
        Some((what, command)) => Err(refusal(format!(
            "the directory {} of the socket {} {what}; {command}",
            directory.display(),
            socket.display()
        ))),
    }
}

/// The directory of `socket`; for a bare name, the current directory.
pub(crate) fn directory_of(socket: &Path) -> &Path {
    match socket.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What is wrong with `directory`, and how to fix it.
fn fault(directory: &Path) -> Option<(String, String)> {
    let quoted = quoted(directory);
    let owner = owner();
    let make = format!("mkdir -p {quoted} && chown {owner} {quoted}");
    let found = match stat(directory) {
        Ok(found) => found,
        Err(Errno::NOENT) => return Some(("does not exist".into(), format!("create it: {make}"))),
        Err(errno) => {
            let reason = io::Error::from(errno);
            return Some((
                format!("cannot be examined ({reason})"),
                format!("find the cause: namei -l {quoted}"),
            ));
        }
    };
    let file_type = FileType::from_raw_mode(found.st_mode);
    if file_type != FileType::Directory {
        let what = format!("is {}, not a directory", type_name(file_type));
        return Some((what, format!("choose another path, or: mv {quoted} {quoted}.old && {make}")));
    }
    let mode = Mode::from_raw_mode(found.st_mode);
    if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) {
        let what = "is writable by everybody without a sticky bit, so anybody could replace the socket";
        return Some((what.into(), format!("restrict it: chmod o-w {quoted}")));
    }
    access_fault(directory)
}

/// The reason why this process cannot create files in the directory, and the repair.
fn access_fault(directory: &Path) -> Option<(String, String)> {
    match accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => None,
        Err(Errno::ROFS) => {
            Some(("is on a read-only file system".into(), "choose a path elsewhere, such as in /run".into()))
        }
        Err(errno) => {
            let (quoted, owner) = (quoted(directory), owner());
            let what = format!("is not writable by {} ({})", user(), io::Error::from(errno));
            Some((what, format!("give it to that user: chown {owner} {quoted} && chmod u+rwx {quoted}")))
        }
    }
}

/// The current user for a message: the name, or `uid 1000` if it has none.
pub(crate) fn user() -> String {
    user_name().unwrap_or_else(|| format!("uid {}", geteuid().as_raw()))
}

/// The current user and its group for chown(1): `name:`, or `1000` for a user without a name (`1000:` is invalid).
pub(crate) fn owner() -> String {
    user_name().map_or_else(|| geteuid().as_raw().to_string(), |name| format!("{name}:"))
}

/// The name in `/etc/passwd`, passwd(5). Users from other sources (LDAP) are shown by number.
fn user_name() -> Option<String> {
    let uid = geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// Quotes `path` as one word for a POSIX shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text
    } else if text.starts_with('-') {
        quoted(&Path::new(".").join(path))
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_command_is_one_word_of_the_shell() {
        let cases = [
            ("/run/skimmer", "/run/skimmer"),
            ("/run/my socket", "'/run/my socket'"),
            ("/run/it's;rm", r"'/run/it'\''s;rm'"),
            ("-rf", "./-rf"),
        ];
        for (path, word) in cases {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }

    #[test]
    fn the_directory_of_a_bare_name_is_the_current_one() {
        assert_eq!(directory_of(Path::new("publisher.sock")), Path::new("."));
        assert_eq!(directory_of(Path::new("/publisher.sock")), Path::new("/"));
    }
}
