use bytes::Bytes;
use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, Value, cmd};

use crate::servers::Command;

/// Compares and sets one key. Returns 1 if it was set, 0 if the value is different, 2 if the key does not exist.
///
/// Arguments: whether a value is expected, the value, whether there is a new value, the value. The script is sent in full
/// each time: EVALSHA would save a hundred bytes, but needs another round trip after each restart of a server.
const COMPARE_AND_SET: &str = "local now = redis.call('GET', KEYS[1]) \
    if ARGV[1] == '0' then if now then return 0 end \
    elseif not now then return 2 \
    elseif now ~= ARGV[2] then return 0 end \
    if ARGV[3] == '1' then redis.call('SET', KEYS[1], ARGV[4]) \
    elseif now then redis.call('DEL', KEYS[1]) end \
    return 1";

/// Sets one key unless it or another key exists. Returns 1 if it was set, 0 if not.
const CREATE_BESIDE: &str = "if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end \
    redis.call('SET', KEYS[1], ARGV[1]) \
    return 1";

/// The result of [`COMPARE_AND_SET`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// The key was set.
    Set,
    /// The value is different.
    Different,
    /// The key does not exist.
    Absent,
}

/// Reads the value of a key; parse the answer with [`as_value`].
pub(super) fn get(slot: u16, key: &str) -> Command {
    Command::reading(slot, one("GET", key))
}

/// As [`get`], but a value that is not a string reads as none instead of an error, which is how MGET treats it. It has one
/// key only, so it is never refused while the slot moves (TRYAGAIN).
pub(super) fn get_string(slot: u16, key: &str) -> Command {
    Command::reading(slot, one("MGET", key))
}

/// Asks for the type of a key's value.
pub(super) fn kind(slot: u16, key: &str) -> Command {
    Command::reading(slot, one("TYPE", key))
}

/// Asks whether a key exists; parse the answer with [`as_count`].
pub(super) fn exists(slot: u16, key: &str) -> Command {
    Command::reading(slot, one("EXISTS", key))
}

/// Deletes a key; parse the answer with [`as_count`].
pub(super) fn delete(slot: u16, key: &str) -> Command {
    Command::writing(slot, one("DEL", key))
}

/// Adds 1 to the number of a key, which begins at 0; parse the answer with [`as_count`].
pub(super) fn increment(slot: u16, key: &str) -> Command {
    Command::writing(slot, one("INCR", key))
}

/// Sets a key, whether or not it exists.
pub(super) fn set(slot: u16, key: &str, value: &[u8]) -> Command {
    let mut set = one("SET", key);
    set.arg(value);
    Command::writing(slot, set)
}

/// Creates a row in one layout, unless it exists in either, atomically.
pub(super) fn create_beside(slot: u16, key: &str, other: &str, value: &[u8]) -> Command {
    let mut eval = cmd("EVAL");
    eval.arg(CREATE_BESIDE).arg(2).arg(key).arg(other).arg(value);
    Command::writing(slot, eval)
}

/// Sets a key only if it exists (`XX`) or only if it does not (`NX`).
pub(super) fn set_if(condition: &str, slot: u16, key: &str, value: &[u8]) -> Command {
    let mut set = one("SET", key);
    set.arg(value).arg(condition);
    Command::writing(slot, set)
}

/// Runs [`COMPARE_AND_SET`]: sets a key to `new`, or deletes it if that is `None`, if its value is `expected`. Parse the answer
/// with [`as_compared`].
pub(super) fn compare_and_set(slot: u16, key: &str, expected: Option<&[u8]>, new: Option<&[u8]>) -> Command {
    let mut eval = cmd("EVAL");
    eval.arg(COMPARE_AND_SET).arg(1).arg(key);
    for value in [expected, new] {
        eval.arg(u8::from(value.is_some())).arg(value.unwrap_or_default());
    }
    Command::writing(slot, eval)
}

fn one(name: &str, key: &str) -> Cmd {
    let mut one = cmd(name);
    one.arg(key);
    one
}

/// Parses the answer to GET.
pub(super) fn as_value(answer: Value) -> Result<Option<Bytes>> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(Bytes::from(bytes))),
        other => Err(unexpected(&other)),
    }
}

/// Converts the answer to MGET of one key into the answer of GET.
pub(super) fn as_string(answer: Value) -> Result<Value> {
    match answer {
        Value::Array(values) => Ok(values.into_iter().next().unwrap_or(Value::Nil)),
        other => Err(unexpected(&other)),
    }
}

/// Parses the answer to TYPE; returns the type if no row can have it.
pub(super) fn as_foreign_kind(answer: &Value) -> Option<&str> {
    match answer {
        Value::SimpleString(kind) if kind != "none" && kind != "string" => Some(kind),
        _ => None,
    }
}

/// Parses the answer to EXISTS, DEL and INCR.
pub(super) fn as_count(answer: &Value) -> Result<u64> {
    match answer {
        Value::Int(count) => u64::try_from(*count).map_err(|_| unexpected(answer)),
        other => Err(unexpected(other)),
    }
}

/// Parses the answer to a conditional SET: whether it was executed.
pub(super) fn as_done(answer: &Value) -> Result<bool> {
    match answer {
        Value::Okay => Ok(true),
        Value::Nil => Ok(false),
        other => Err(unexpected(other)),
    }
}

/// Parses the answer to [`compare_and_set`].
pub(super) fn as_compared(answer: &Value) -> Result<Compared> {
    match answer {
        Value::Int(0) => Ok(Compared::Different),
        Value::Int(1) => Ok(Compared::Set),
        Value::Int(2) => Ok(Compared::Absent),
        other => Err(unexpected(other)),
    }
}

/// Names the type of the answer, but not its content.
fn unexpected(answer: &Value) -> Error {
    let sort = match answer {
        Value::Nil => "nothing",
        Value::Int(_) => "an integer",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "a string",
        Value::Array(_) => "a list",
        _ => "another type",
    };
    Error::new(
        ErrorKind::Internal,
        format!("Redis answered {sort}, which its documentation does not allow here"),
    )
}
