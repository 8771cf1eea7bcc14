use std::cell::Cell;
use std::collections::HashMap;

use super::oslo_lines::Assignment;
use super::shown::shown;
use super::table::Table;
use super::toml_file;
use super::value::Value;

/// How deep one option may name another, and how many names one file may use: bounds for hostile files, far above any
/// real one.
const DEPTH: usize = 16;
const NAMES: usize = 1_000;

/// The longest text after expansion.
const TEXT_BYTES: usize = 64 * 1024;

/// Dragonflow's defaults of the options that others name (`conf/df_common_params.py`).
const DRAGONFLOW_DEFAULTS: &[(&str, &str)] = &[
    ("local_ip", "127.0.0.1"),
    ("management_ip", "127.0.0.1"),
    ("remote_db_ip", "127.0.0.1"),
    ("remote_db_port", "4001"),
];

/// Replaces `$name`, `${name}` and `${section.name}` as oslo.config does, except that an unknown name is an error, where
/// oslo.config leaves it standing. `$$` and `\$` are a dollar.
///
/// A name is looked up in the option's own section, then `[df]`, then `[DEFAULT]`, then among defaults.
pub(super) struct Expander<'a> {
    options: HashMap<(&'a str, &'a str), &'a Assignment>,
    table: &'a Table,
    names_left: Cell<usize>,
}

impl<'a> Expander<'a> {
    pub(super) fn new(assignments: &'a [Assignment], table: &'a Table) -> Self {
        let option = |line: &'a Assignment| ((line.section.as_str(), line.name.as_str()), line);
        Self { options: assignments.iter().map(option).collect(), table, names_left: Cell::new(NAMES) }
    }

    /// The text with every name replaced.
    pub(super) fn expand(&self, section: &str, name: &str, text: &str) -> Result<String, String> {
        let mut path = vec![name.to_owned()];
        self.expand_in(section, text, &mut path)
    }

    fn expand_in(&self, section: &str, text: &str, path: &mut Vec<String>) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            if let Some(before) = before.strip_suffix('\\') {
                expanded.push_str(before);
                expanded.push('$');
                rest = after;
                continue;
            }
            expanded.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                expanded.push('$');
                rest = after;
                continue;
            }
            let (name, after) = split_name(after)?;
            expanded.push_str(&self.value(section, name, path)?);
            if expanded.len() > TEXT_BYTES {
                return Err(format!("`${}` expands to more than 64 KiB", shown(name)));
            }
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn value(&self, section: &str, name: &str, path: &mut Vec<String>) -> Result<String, String> {
        let left = self
            .names_left
            .get()
            .checked_sub(1)
            .ok_or("the file names other options more than 1000 times")?;
        self.names_left.set(left);
        if path.iter().any(|outer| outer == name) {
            return Err(format!("`${}` names itself, by way of {}", shown(name), shown(&path.join(" and "))));
        }
        if path.len() >= DEPTH {
            return Err(format!("`${}` is more than {DEPTH} names deep", shown(name)));
        }
        let Some(option) = self.find(section, name) else {
            return self.default(name).ok_or_else(|| {
                format!(
                    "`${}` names an option that this file does not set; write `$$` for a dollar",
                    shown(name)
                )
            });
        };
        path.push(name.to_owned());
        let expanded = self.expand_in(&option.section, &option.text, path)?;
        path.pop();
        Ok(expanded)
    }

    fn find(&self, section: &str, name: &str) -> Option<&'a Assignment> {
        let option = |section: &str, name: &str| self.options.get(&(section, name)).copied();
        match name.split_once('.') {
            Some((section, name)) => option(&section.to_ascii_lowercase(), name),
            None => [section, "df", "default"].into_iter().find_map(|section| option(section, name)),
        }
    }

    fn default(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("df.").unwrap_or(name);
        if let Some((_, text)) = DRAGONFLOW_DEFAULTS.iter().find(|(known, _)| *known == name) {
            return Some((*text).to_owned());
        }
        let setting = self.table.find("pubsub", name)?;
        match toml_file::read_default(setting).ok()? {
            Value::Text(text) => Some(text),
            Value::List(items) => Some(items.join(",")),
            other => Some(other.to_toml().trim_matches('"').to_owned()),
        }
    }
}

/// The name after a dollar, and what follows it.
fn split_name(after: &str) -> Result<(&str, &str), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let (name, rest) = match after.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or("`${` wants a name and `}`")?,
        None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
    };
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("a dollar wants a name after it; write `$$` for a dollar".to_owned());
    }
    Ok((name, rest))
}
