use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use pubsub_api::{Error, Result};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::directory::{owner, quoted, user};
use crate::holder::Holder;
use crate::place::Place;
use crate::refusal::{refusal, type_name};

/// Time that a refused claim waits for the holder to sign the lock file; signing takes microseconds. It is half of the
/// second in which a second publisher must name the holder (docs/guarantees.md#f07).
const SIGNATURE_DEADLINE: Duration = Duration::from_millis(500);

/// The pause between two reads of a lock file that is held but not signed.
const SIGNATURE_PAUSE: Duration = Duration::from_millis(5);

/// An exclusive flock(2) on `<path>.lock`, signed by its holder.
///
/// The kernel drops the lock when the process ends for any reason. The file is never deleted: if a process removed it,
/// two others could lock two files of the same name.
///
/// The signature is `<pid> <start>`, the start in clock ticks since boot (field 22 of proc_pid_stat(5)). It is valid
/// only for a living process with that start time. So neither the signature of a killed holder, nor a reused pid, nor a
/// pid of another container is mistaken for the holder.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, or returns an error that names its holder.
    pub(crate) fn acquire(place: &Place) -> Result<Self> {
        let file = open(place)?;
        let deadline = Instant::now() + SIGNATURE_DEADLINE;
        loop {
            match file.try_lock() {
                Ok(()) => return Self { file }.sign().map_err(|error| unusable(place, "write", error)),
                Err(TryLockError::Error(error)) => return Err(unusable(place, "lock", error)),
                Err(TryLockError::WouldBlock) => {}
            }
            match signer(&file) {
                Some(holder) => return Err(in_use(place, &holder)),
                None if Instant::now() >= deadline => return Err(in_use(place, &Holder::Unseen)),
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the holder signs in a moment, and nothing announces it"
                )]
                None => thread::sleep(SIGNATURE_PAUSE),
            }
        }
    }

    fn sign(self) -> io::Result<Self> {
        let pid = process::id();
        let start = start_of(pid).unwrap_or_default();
        self.file.set_len(0)?;
        self.file.write_all_at(format!("{pid} {start}\n").as_bytes(), 0)?;
        Ok(self)
    }
}

impl Drop for Lock {
    /// Clears the signature before it frees the lock, so that an unlocked file never names a living process. The explicit
    /// unlock also frees a lock whose descriptor a child inherited between fork and exec.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn lock_path(place: &Place) -> PathBuf {
    place.path.with_file_name(place.sibling("", ".lock"))
}

fn open(place: &Place) -> Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = openat(&place.directory, place.sibling("", ".lock"), flags, Mode::RUSR | Mode::WUSR);
    let path = lock_path(place);
    let file = match opened {
        Ok(file) => file,
        Err(Errno::LOOP) => return Err(not_regular(place, FileType::Symlink)),
        Err(Errno::ISDIR) => return Err(not_regular(place, FileType::Directory)),
        Err(Errno::NXIO) => return Err(not_regular(place, FileType::Socket)),
        Err(Errno::ACCESS) if path.exists() => {
            let path = quoted(&path);
            return Err(refusal(format!(
                "{} may not open the lock file {path}; give it to that user: \
                 chown {} {path} && chmod u+rw {path}",
                user(),
                owner()
            )));
        }
        Err(errno) => return Err(unusable(place, "open", errno)),
    };
    let found = fstat(&file).map_err(|errno| unusable(place, "examine", errno))?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Ok(File::from(file)),
        file_type => Err(not_regular(place, file_type)),
    }
}

/// The process that signed the lock file, if the signature is valid.
fn signer(file: &File) -> Option<Holder> {
    let mut bytes = [0; 64];
    let read = file.read_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(bytes.get(..read)?).ok()?;
    let (pid, start) = text.trim_end().split_once(' ')?;
    let pid = pid.parse().ok()?;
    (start_of(pid)? == start.parse::<u64>().ok()?).then(|| Holder::of(pid))
}

/// When the process `pid` started, in clock ticks since boot; `None` if it has ended or is a zombie, which holds no files.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may itself hold spaces and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?;
    if matches!(state, "Z" | "X") { None } else { start.parse().ok() }
}

fn in_use(place: &Place, holder: &Holder) -> Error {
    refusal(format!(
        "{} is in use by {holder}; stop that process or choose another path",
        place.path.display()
    ))
}

fn not_regular(place: &Place, file_type: FileType) -> Error {
    refusal(format!(
        "the lock file {} is {}, not a regular file; move it away or choose another socket path",
        lock_path(place).display(),
        type_name(file_type)
    ))
}

fn unusable(place: &Place, what: &str, reason: impl Into<io::Error>) -> Error {
    refusal(format!(
        "cannot {what} the lock file {}; fix the cause, or choose a socket path elsewhere",
        lock_path(place).display()
    ))
    .with_source(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str) -> File {
        let file = tempfile::tempfile().expect("a temporary file");
        file.write_all_at(text.as_bytes(), 0).expect("written");
        file
    }

    #[test]
    fn a_signature_with_the_start_of_a_living_process_is_valid() {
        let pid = process::id();
        let start = start_of(pid).expect("our own start");
        assert_eq!(signer(&signed(&format!("{pid} {start}\n"))), Some(Holder::of(pid)));
    }

    #[test]
    fn a_signature_of_a_reused_pid_and_an_incomplete_one_are_invalid() {
        let pid = process::id();
        let start = start_of(pid).expect("our own start");
        for text in [format!("{pid} {}\n", start + 1), format!("{pid}"), String::new(), "0 0\n".into()] {
            assert_eq!(signer(&signed(&text)), None, "{text:?}");
        }
    }

    #[test]
    fn a_signature_of_a_zombie_is_invalid() {
        let mut child = process::Command::new("true").spawn().expect("true(1)");
        let deadline = Instant::now() + Duration::from_secs(10);
        while start_of(child.id()).is_some() {
            assert!(Instant::now() < deadline, "true(1) still runs after 10 s");
            thread::yield_now();
        }
        assert!(fs::exists(format!("/proc/{}/stat", child.id())).expect("/proc"), "not a zombie");
        child.wait().expect("reaped");
    }
}
