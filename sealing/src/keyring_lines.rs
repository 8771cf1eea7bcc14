//! Changes of a keyring file: what `skimmer keys keyring` does. Comments and the order of lines stay; a change is one rename, so that
//! no reader sees half of it.

use std::io::Write;
use std::path::Path;

use key_files::{create_secret, read_secret, replace_secret};
use pubsub_api::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use crate::keyring::{Keys, MOST_BYTES, ROWS, Secret, USE, check_id};

/// Makes a new file of mode 0600 with one key, which is used, and a secret of row tags.
///
/// # Errors
/// [`ErrorKind::Settings`] for an invalid id, [`ErrorKind::Unavailable`] if the file exists or cannot be written.
pub fn create(path: &Path, id: &str) -> Result<()> {
    check_id(id).map_err(settings)?;
    let failed = |error| unavailable(path).with_source(error);
    let (key, rows) = (generate()?, generate()?);
    // With room for all, so that no part stays where a shorter buffer was.
    let mut text = Zeroizing::new(String::with_capacity(256));
    push_line(&mut text, &[id, key.to_text().as_str(), USE]);
    push_line(&mut text, &[ROWS, rows.to_text().as_str()]);
    let mut file = create_secret(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Adds a new key, with which events can be opened.
///
/// # Errors
/// [`ErrorKind::Settings`] for an invalid id or file, or an id that it has; [`ErrorKind::Unavailable`] if it cannot be written.
pub fn add(path: &Path, id: &str) -> Result<()> {
    let (mut text, keys) = read(path)?;
    check_id(id).map_err(settings)?;
    if keys.get(id).is_some() {
        return Err(wrong(path, &format!("it has a key {id:?}")));
    }
    let key = generate()?;
    let mut longer = Zeroizing::new(String::with_capacity(text.len() + 128));
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for part in [text.as_str(), id, " ", key.to_text().as_str(), "\n"] {
        longer.push_str(part);
    }
    write(path, &longer)
}

/// Marks a key as the one that seals.
///
/// # Errors
/// [`ErrorKind::Settings`] for an invalid file, or one without that key; [`ErrorKind::Unavailable`] if it cannot be written.
pub fn mark_used(path: &Path, id: &str) -> Result<()> {
    edit(path, id, |words, out| match *words {
        [line_id, key] if line_id == id => push_line(out, &[line_id, key, USE]),
        [line_id, key, _] if line_id != id => push_line(out, &[line_id, key]),
        _ => false,
    })
}

/// Removes a key that is not used. Events that were sealed with it, and that publishers repeat in replays and snapshots, cannot be
/// opened any more.
///
/// # Errors
/// [`ErrorKind::Settings`] for an invalid file, one without that key, or if it is used; [`ErrorKind::Unavailable`] if it cannot be
/// written.
pub fn remove(path: &Path, id: &str) -> Result<()> {
    if read(path)?.1.used().id() == id {
        return Err(wrong(path, &format!("the key {id:?} is used: mark another one first")));
    }
    edit(path, id, |words, _| words.first() == Some(&id))
}

/// The ids of all keys, each with whether it is used.
///
/// # Errors
/// [`ErrorKind::Settings`] if the file cannot be read or is invalid.
pub fn ids(path: &Path) -> Result<Vec<(String, bool)>> {
    let (_, keys) = read(path)?;
    Ok(keys.ids().into_iter().map(|id| (id.clone(), keys.used().id() == id)).collect())
}

/// Writes the file with other lines: `change` appends one in the place of a line with these words, or returns `false` if it stays.
fn edit(path: &Path, id: &str, change: impl Fn(&[&str], &mut String) -> bool) -> Result<()> {
    let (text, keys) = read(path)?;
    if keys.get(id).is_none() {
        return Err(wrong(path, &format!("it has no key {id:?}; it has {:?}", keys.ids())));
    }
    let mut new = Zeroizing::new(String::with_capacity(text.len() + 128));
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_key = words.first().is_some_and(|first| keys.get(first).is_some());
        if !is_key || !change(&words, &mut new) {
            push_line(&mut new, &[line]);
        }
    }
    write(path, &new)
}

fn push_line(out: &mut String, words: &[&str]) -> bool {
    for (place, word) in words.iter().enumerate() {
        if place > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.push('\n');
    true
}

fn read(path: &Path) -> Result<(Zeroizing<String>, Keys)> {
    let text = read_secret(path, MOST_BYTES).map_err(|reason| wrong(path, &reason))?;
    let keys = Keys::parse(&text).map_err(|reason| wrong(path, &reason))?;
    Ok((text, keys))
}

fn write(path: &Path, text: &str) -> Result<()> {
    Keys::parse(text).map_err(|reason| wrong(path, &reason))?;
    replace_secret(path, text.as_bytes()).map_err(|error| unavailable(path).with_source(error))
}

fn generate() -> Result<Secret> {
    Secret::generate()
        .map_err(|error| Error::new(ErrorKind::Unavailable, "cannot make a key").with_source(error))
}

fn settings(text: String) -> Error {
    Error::new(ErrorKind::Settings, text)
}

fn wrong(path: &Path, reason: &str) -> Error {
    settings(format!("{}: {reason}", path.display()))
}

fn unavailable(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot write a keyring to {}", path.display()))
}

#[cfg(test)]
mod tests;
