use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::{Arc, Mutex};

use end_to_end::{Launch, Signal, until};
use rustix::process::{Pid, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::screen::Screen;

/// A program in a terminal of its own.
pub(super) struct Terminal {
    master: File,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    /// Its settings before the program.
    before: Termios,
}

#[derive(Debug, Default)]
struct Seen {
    screen: Screen,
    written: String,
}

impl Terminal {
    /// Starts a program in a terminal with this number of columns and lines.
    pub(super) fn start(launch: Launch, size: (u16, u16)) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it can be used");
        let path = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("a path");
        resize(&master, size);
        let before = tcgetattr(&master).expect("its settings");
        let open = || File::options().read(true).write(true).open(&path).expect("the other end");
        let mut command = launch.env("TERM", "xterm-256color").into_command();
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().expect("it starts");
        let seen = Arc::<Mutex<Seen>>::default();
        let (reader, sink) = (File::from(master.try_clone().expect("a copy")), Arc::clone(&seen));
        std::thread::spawn(move || collect(reader, &sink));
        Self { master: File::from(master), child, seen, before }
    }

    /// Waits until the screen shows something.
    pub(super) fn wait_for<T>(&self, what: &str, wanted: impl Fn(&[String]) -> Option<T>) -> T {
        until(what, || wanted(&self.seen.lock().unwrap().screen.lines()))
    }

    pub(super) fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    pub(super) fn resize(&self, size: (u16, u16)) {
        resize(&self.master, size);
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(pid, signal).expect("it gets the signal");
    }

    /// Asserts that the program ends, and leaves the terminal as it was.
    pub(super) fn assert_restored(&mut self) {
        let child = &mut self.child;
        let status = until("the end of the program", || child.try_wait().expect("a child can be waited for"));
        assert!(status.success(), "{status}: {}", self.seen.lock().unwrap().screen.lines().join("\n"));
        let after = tcgetattr(&self.master).expect("its settings");
        assert_eq!(
            (after.local_modes, after.input_modes),
            (self.before.local_modes, self.before.input_modes)
        );
        until("the end of the alternate screen, and a cursor", || {
            let seen = self.seen.lock().unwrap();
            let last = |sequence: &str| seen.written.rfind(sequence);
            (last("\u{1b}[?1049l") > last("\u{1b}[?1049h") && last("\u{1b}[?25h") > last("\u{1b}[?25l"))
                .then_some(())
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(master: impl AsFd, (columns, lines): (u16, u16)) {
    let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(master, size).expect("it takes a size");
}

fn collect(mut reader: File, seen: &Mutex<Seen>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut bytes) {
        let text = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned();
        let mut seen = seen.lock().unwrap();
        seen.screen.take(&text);
        seen.written += &text;
    }
}
