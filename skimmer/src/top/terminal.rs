use pubsub_api::{Error, ErrorKind, Result};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{Event, read};
use tokio::sync::mpsc;

use super::screen::{Caption, draw};
use super::view::View;

/// The terminal while the view has it. It is as before after this is dropped, and after a panic.
#[derive(Debug)]
pub(super) struct Terminal(DefaultTerminal);

/// Keys that are typed ahead of the view; more wait in the terminal.
const MAX_EVENTS: usize = 16;

impl Terminal {
    /// # Errors
    /// [`ErrorKind::Unavailable`] if it cannot be controlled.
    pub(super) fn enter() -> Result<Self> {
        ratatui::try_init().map(Self).map_err(failed)
    }

    /// # Errors
    /// [`ErrorKind::Unavailable`] if it is gone.
    pub(super) fn draw(&mut self, view: &View, caption: &Caption) -> Result<()> {
        self.0.draw(|frame| draw(frame, view, caption)).map(|_| ()).map_err(failed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the terminal cannot be used; --once prints one frame")
        .with_source(error)
}

/// The events of the terminal. A thread reads them until the process ends; if it cannot, there are none.
pub(super) fn events() -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(MAX_EVENTS);
    std::thread::spawn(move || {
        while let Ok(event) = read() {
            if sender.blocking_send(event).is_err() {
                break;
            }
        }
    });
    receiver
}
