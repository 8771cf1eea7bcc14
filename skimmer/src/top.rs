mod command;
mod frame_text;
mod history;
mod numbers;
mod room;
mod sample;
mod screen;
mod sort_key;
mod terminal;
mod view;

use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use service_kit::{SettingsArguments, Signal, Signals, block_on, print_line};
use settings::parse_duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use command::Command;
use frame_text::frame_text;
use history::History;
use sample::Sample;
use screen::Caption;
use terminal::{Terminal, events};
use view::View;

/// The arguments of `skimmer top`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// How often the programs are asked, 100ms or more
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    interval: Duration,

    /// Print one frame as text after one interval, and exit. It is the default if stdout is not a terminal
    #[arg(long)]
    once: bool,
}

/// Programs are not asked more often.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// The width of a frame that is printed.
const PRINTED_COLUMNS: u16 = 80;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let registry = Registry::collect()?;
    let (settings, _) = arguments.settings.load(&registry)?;
    let state_dir = settings.pubsub().state_dir.clone();
    let every = arguments.interval.max(MIN_INTERVAL);
    let caption = Caption {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        every: format!("{every:?}"),
        has_colors: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        nobody: nobody(&state_dir),
        ..Caption::default()
    };
    if arguments.once || !stdout().is_terminal() {
        return block_on(once(&state_dir, every, &caption));
    }
    block_on(live(state_dir, every, caption))
}

fn nobody(state_dir: &Path) -> String {
    format!(
        "no publisher-service, subscriber-agent or data-services-node replies in state_dir {}",
        state_dir.display()
    )
}

/// Prints one frame, with the rates of one interval.
async fn once(state_dir: &Path, every: Duration, caption: &Caption) -> Result<()> {
    let (began, mut history) = (Instant::now(), History::default());
    let mut ticks = interval(every);
    for _ in 0..2 {
        ticks.tick().await;
        history.note(Sample::take(state_dir, began.elapsed()).await);
    }
    if history.programs.values().all(|program| program.gone_since.is_some()) {
        return Err(Error::new(ErrorKind::Unavailable, caption.nobody.clone()));
    }
    print_line(frame_text(&View::of(&history, caption.sort), caption, PRINTED_COLUMNS));
    Ok(())
}

/// Shows frames until a key or a signal ends it. Programs that go away and come back are shown so.
async fn live(state_dir: PathBuf, every: Duration, mut caption: Caption) -> Result<()> {
    let mut signals = Signals::install()?;
    let mut terminal = Terminal::enter()?;
    let (mut samples, mut events) = (samples(state_dir, every), events());
    let mut history = History::default();
    loop {
        terminal.draw(&View::of(&history, caption.sort), &caption)?;
        tokio::select! {
            Some(sample) = samples.recv() => if !caption.is_paused {
                history.note(sample);
            },
            Some(event) = events.recv() => match Command::of(&event) {
                Some(Command::Quit) => return Ok(()),
                Some(Command::Sort) => caption.sort = caption.sort.next(),
                Some(Command::Pause) => caption.is_paused = !caption.is_paused,
                Some(Command::Help) => caption.shows_help = !caption.shows_help,
                Some(Command::Redraw) | None => {}
            },
            signal = signals.next() => match signal {
                // SIGHUP: the terminal is gone.
                Signal::Stop | Signal::Reload => return Ok(()),
                _ => {}
            },
        }
    }
}

/// Samples, as a task takes them: a program that hangs must not delay keys.
fn samples(state_dir: PathBuf, every: Duration) -> mpsc::Receiver<Sample> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let (began, mut ticks) = (Instant::now(), interval(every));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if sender.send(Sample::take(&state_dir, began.elapsed()).await).await.is_err() {
                return;
            }
        }
    });
    receiver
}
