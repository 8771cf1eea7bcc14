use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use pubsub_api::settings::Place;
use pubsub_api::{Error, ErrorKind, Result};

/// The greatest settings file; a real one has a few KiB, Dragonflow's complete sample 40.
const FILE_BYTES: u64 = 1024 * 1024;

/// A settings file: its text without byte order mark, and where its lines begin.
#[derive(Debug)]
pub(super) struct SourceText {
    path: Arc<Path>,
    text: String,
    line_starts: Vec<usize>,
    had_byte_order_mark: bool,
}

impl SourceText {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let refuse = |why: &str| {
            let text = format!("cannot read the settings file {}: {why}", path.display());
            Error::new(ErrorKind::Settings, text)
        };
        let bytes = read_bounded(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => refuse("there is no such file"),
            io::ErrorKind::PermissionDenied => refuse("this user may not read it; give it read permission"),
            io::ErrorKind::IsADirectory => refuse("it is a directory; name the file in it"),
            io::ErrorKind::FileTooLarge => refuse("it has more than 1 MiB, which no settings file needs"),
            _ => refuse(&error.to_string()),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let prefix =
                String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
            let place = Self::new(path, &prefix).place(good);
            refuse(&format!("it is not UTF-8 text, from {}:{} on", place.line, place.column))
        })?;
        Ok(Self::new(path, &text))
    }

    pub(super) fn new(path: &Path, text: &str) -> Self {
        let bare = text.strip_prefix('\u{feff}');
        let (had_byte_order_mark, text) = (bare.is_some(), bare.unwrap_or(text).to_owned());
        let after_newline = text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after_newline).collect();
        Self { path: path.into(), text, line_starts, had_byte_order_mark }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn had_byte_order_mark(&self) -> bool {
        self.had_byte_order_mark
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The lines without their ends, each with the byte at which it begins.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.line_starts.iter().copied().zip(self.text.split('\n'))
    }

    /// The line, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.line(offset);
        let start = line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Place { path: Arc::clone(&self.path), line, column: before.chars().count() + 1 }
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::SourceText;

    #[test]
    fn a_place_counts_characters_from_the_start_of_its_line_and_ignores_the_byte_order_mark() {
        let source = SourceText::new(Path::new("a.toml"), "\u{feff}é = 1\r\nx = 2\n");
        for (offset, place) in [(0, "a.toml:1:1"), (2, "a.toml:1:2"), (8, "a.toml:2:1"), (12, "a.toml:2:5")] {
            assert_eq!(source.place(offset).to_string(), place);
        }
        assert_eq!(source.place(9999).line, 3);
    }
}
