use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use crate::Launch;

/// A named pipe that is not read until the test reads it, like a journal that hangs or a stopped `less`.
#[derive(Debug)]
pub struct Unread {
    path: PathBuf,
    /// Open for reading and writing (fifo(7)), so that the program's own open does not wait, and its writes do not fail.
    pipe: File,
}

impl Unread {
    /// A new pipe of this name in a folder.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        let c_path = CString::new(path.to_string_lossy().into_owned()).expect("no zeros");
        mknodat(CWD, &c_path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe can be made");
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).expect("a small number");
        let opened = OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(&path);
        Self { path, pipe: opened.expect("a pipe can be opened") }
    }

    /// Fills it to the last byte, so that the next write to it waits.
    ///
    /// # Panics
    /// If writing fails otherwise.
    pub fn fill(&self) {
        for filler in [&[b'\n'; 4096][..], b"\n"] {
            loop {
                match (&self.pipe).write(filler) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("the pipe cannot be filled: {error}"),
                }
            }
        }
    }

    /// Reads the current content.
    ///
    /// # Panics
    /// If reading fails.
    #[must_use]
    pub fn read(&self) -> String {
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        loop {
            match (&self.pipe).read(&mut part) {
                Ok(read) => all.extend_from_slice(&part[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the pipe cannot be read: {error}"),
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

impl Launch {
    /// Redirects the program's stdout to a pipe that is not read.
    #[must_use]
    pub fn stdout_to(self, pipe: &Unread) -> Self {
        self.under("sh", &["-c", "exec \"$@\" >\"$0\"", &pipe.path.to_string_lossy()])
    }

    /// Redirects the program's stderr to a pipe that is not read.
    #[must_use]
    pub fn stderr_to(self, pipe: &Unread) -> Self {
        self.under("sh", &["-c", "exec \"$@\" 2>\"$0\"", &pipe.path.to_string_lossy()])
    }
}
