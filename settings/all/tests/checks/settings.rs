//! A settings file, whatever its bytes: its refusal is of a length to be read and names the place of each problem; its
//! settings, written down as they are shown, are the same settings.

use settings::restart_only_changes;
use settings::shown_settings;
use std::io::Write;
use std::path::Path;

use pubsub_api::ErrorKind;
use pubsub_api::settings::Settings;
use settings::Sources;
use tempfile::{Builder, NamedTempFile};

/// Fifty problems and one line for the rest, each with its place, what came (at most some 100 characters of it), and what
/// is wanted.
const REFUSAL_BYTES: usize = 64 * 1024;
const REFUSAL_LINES: usize = 51;

/// The first byte of `input` decides the ending of the file's name, which decides its form; the rest is its content.
pub(crate) fn check(input: &[u8]) {
    let Some((ending, content)) = input.split_first() else { return };
    let ending = if ending % 2 == 0 { ".toml" } else { ".conf" };
    let Some(file) = written(ending, content) else { return };
    match load(file.path()) {
        Ok(settings) => check_written_down(&settings),
        Err(refusal) => check_refusal(&refusal, file.path()),
    }
}

fn written(ending: &str, content: &[u8]) -> Option<NamedTempFile> {
    let mut file = Builder::new().suffix(ending).tempfile().ok()?;
    file.write_all(content).ok()?;
    Some(file)
}

fn load(file: &Path) -> Result<Settings, String> {
    let sources = Sources { files: vec![file.to_owned()], ..Sources::default() };
    all_settings::load(&sources, &[]).map(|(settings, _)| settings).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
        error.to_string()
    })
}

fn check_refusal(refusal: &str, file: &Path) {
    assert!(refusal.len() <= REFUSAL_BYTES, "{} bytes of refusal: {refusal}", refusal.len());
    assert!(refusal.lines().count() <= REFUSAL_LINES, "{refusal}");
    assert!(refusal.chars().all(|char| char == '\n' || !char.is_control()), "{refusal:?}");
    let file = file.display().to_string();
    assert!(refusal.lines().all(|line| line.contains(&file)), "which file? {refusal}");
}

fn check_written_down(settings: &Settings) {
    let (mut text, mut section) = (String::new(), "");
    for entry in shown_settings(settings) {
        if entry.setting.section != section {
            section = entry.setting.section;
            text.push_str(&format!("[{section}]\n"));
        }
        text.push_str(&format!("{} = {}\n", entry.setting.name, entry.value));
    }
    let Some(file) = written(".toml", text.as_bytes()) else { return };
    let again = load(file.path());
    let Ok(again) = again else { unreachable!("{text}\nis refused: {again:?}") };
    let values = |settings: &Settings| shown_settings(settings).map(|entry| entry.value).collect::<Vec<_>>();
    assert_eq!(values(&again), values(settings));
    assert!(restart_only_changes(settings, &again).is_empty(), "shown alike, and yet not the same: {text}");
}
