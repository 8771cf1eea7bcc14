use pubsub_api::Result;
use pubsub_api::wire::EventRef;
use recording::RecordedItem;
use service_kit::json::{LineOptions, to_line_with};
use service_kit::{WriteQueue, printable_lines};
use std::io::{IsTerminal, stdout};

use super::Arguments;
use super::tally::Tally;

/// Prints the events of a recording on stdout.
pub(super) struct Lines<'a> {
    arguments: &'a Arguments,
    output: WriteQueue,
    reader_has_gone: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(arguments: &'a Arguments) -> Self {
        Self { arguments, output: WriteQueue::stdout(), reader_has_gone: false }
    }

    pub(super) async fn take(&mut self, entry: RecordedItem, tally: &mut Tally) -> Result<()> {
        match entry {
            RecordedItem::Event { envelope, mode } => {
                let Ok(event) = EventRef::read(envelope.topic.as_bytes(), &envelope.payload) else {
                    tally.refuse("invalid", 1);
                    return Ok(());
                };
                let sealed = event.sealed.map(|sealed| sealed.key_id);
                let options = LineOptions { origin: mode.name(), stamp: self.arguments.stamps, sealed };
                self.write(to_line_with(&event.to_event(), options)?).await;
                tally.played += 1;
            }
            RecordedItem::Notice(text) => {
                tally.notices += 1;
                if self.arguments.show_gaps {
                    self.write(text).await;
                }
            }
        }
        Ok(())
    }

    async fn write(&mut self, mut line: String) {
        if self.reader_has_gone {
            return;
        }
        if stdout().is_terminal() {
            line = printable_lines(&line);
        }
        line.push('\n');
        self.reader_has_gone = self.output.put(line.as_bytes()).await.is_err();
    }

    /// Waits until everything is written. It is not an error if the reader has gone.
    pub(super) async fn end(&self) -> Result<()> {
        let _ = self.output.written().await;
        Ok(())
    }
}
