use std::collections::{BTreeSet, HashMap, HashSet};

use pubsub_api::settings::{SettingValue, shown};

use super::declared::{OptionKind, OptionValue, declared, read_list};
use super::lines::Assignment;
use super::template::substitute;
use crate::table::Table;
use crate::toml_file;
use crate::value::WriteValue;

/// How deep one option may name another, and how many names all options may use: bounds for hostile files, far above
/// any real one.
const DEPTH: usize = 16;
const NAMES: usize = 1_000;

/// The section whose name keeps its capitals: `[default]` is another one.
const DEFAULT: &str = "DEFAULT";

/// The options of all oslo.config files and of the environment, as oslo.config 10.7.0 looks them up.
pub(super) struct Options<'a> {
    /// By section and name: the last assignment of the last file that has one.
    assigned: HashMap<(&'a str, &'a str), (usize, &'a Assignment)>,
    environment: HashMap<&'a str, &'a str>,
    table: &'a Table,
    names_left: usize,
    /// The options that another one names.
    named: HashSet<(String, String)>,
    undeclared: BTreeSet<String>,
}

/// What an option is set to, before substitution.
#[derive(Debug, Clone)]
pub(super) struct Raw<'a> {
    pub(super) text: &'a str,
    pub(super) at: At,
}

/// Where an option is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// The file by its number, and the byte.
    File(usize, usize),
    /// The variable by its name.
    Environment(String),
}

impl<'a> Options<'a> {
    pub(super) fn new(
        files: &'a [Vec<Assignment>],
        environment: &'a [(String, String)],
        table: &'a Table,
    ) -> Self {
        let numbered =
            |(file, lines): (usize, &'a Vec<Assignment>)| lines.iter().map(move |line| (file, line));
        let assigned = files.iter().enumerate().flat_map(numbered);
        Self {
            assigned: assigned
                .map(|(file, line)| ((line.section.as_str(), line.name.as_str()), (file, line)))
                .collect(),
            environment: environment.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect(),
            table,
            names_left: NAMES,
            named: HashSet::new(),
            undeclared: BTreeSet::new(),
        }
    }

    /// What sets the option: the environment before files, as in oslo.config.
    pub(super) fn raw(&self, section: &str, name: &str) -> Option<Raw<'a>> {
        let variable = variable(section, name);
        if let Some(text) = self.environment.get(variable.as_str()) {
            return Some(Raw { text, at: At::Environment(variable) });
        }
        let (file, line) = self.assigned.get(&(section, name))?;
        Some(Raw { text: &line.text, at: At::File(*file, line.offset) })
    }

    /// The value of an option of Dragonflow's.
    pub(super) fn value(&mut self, section: &str, name: &str) -> Result<OptionValue, String> {
        self.value_in(section, name, &mut vec![name.to_owned()])
    }

    /// The text of an option of ours, which oslo.config does not know.
    pub(super) fn text(&mut self, section: &str, name: &str, text: &str) -> Result<String, String> {
        self.substituted(section, text, &mut vec![name.to_owned()])
    }

    /// Whether another option names this one.
    pub(super) fn is_named(&self, section: &str, name: &str) -> bool {
        self.named.contains(&(section.to_owned(), name.to_owned()))
    }

    /// The names that were looked up though neither Dragonflow nor Skimmer declares them.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = &str> {
        self.undeclared.iter().map(String::as_str)
    }

    fn value_in(&mut self, section: &str, name: &str, path: &mut Vec<String>) -> Result<OptionValue, String> {
        let raw = self.raw(section, name);
        let Some(option) = declared(section, name) else {
            let text = raw.map(|raw| self.substituted(section, raw.text, path)).transpose()?;
            return Ok(OptionValue::Text(text.or_else(|| self.our_default(name)).unwrap_or_default()));
        };
        let refused = |refusal: String| format!("`{}` {refusal}", shown(name));
        match (raw, option.default) {
            (Some(raw), _) => {
                let text = self.substituted(section, raw.text, path)?;
                option.kind.read(&text).map_err(refused)
            }
            (None, None) => Ok(OptionValue::None),
            // A default is a list of texts, of which each is substituted.
            (None, Some(text)) if option.kind == OptionKind::List => {
                let items = read_list(text).into_iter();
                let items = items.map(|item| self.substituted(section, &item, path));
                items.collect::<Result<_, _>>().map(OptionValue::List)
            }
            (None, Some(text)) => option.kind.read(text).map_err(refused),
        }
    }

    fn substituted(&mut self, section: &str, text: &str, path: &mut Vec<String>) -> Result<String, String> {
        substitute(text, |name| self.named_value(section, name, path))
    }

    fn named_value(&mut self, section: &str, key: &str, path: &mut Vec<String>) -> Result<String, String> {
        self.names_left =
            self.names_left.checked_sub(1).ok_or("the file names other options more than 1000 times")?;
        if path.iter().any(|outer| outer == key) {
            return Err(format!("`${}` names itself, by way of {}", shown(key), shown(&path.join(" and "))));
        }
        if path.len() >= DEPTH {
            return Err(format!("`${}` is more than {DEPTH} names deep", shown(key)));
        }
        let (section, name) = self.place_of(section, key)?;
        self.named.insert((section.clone(), name.clone()));
        path.push(key.to_owned());
        let value = self.value_in(&section, &name, path)?;
        path.pop();
        Ok(value.to_text())
    }

    /// The section and name that `$key` means in an option of `section`: a declared option of that section, or one of
    /// `[DEFAULT]`. A name with a dot names its section.
    fn place_of(&mut self, section: &str, key: &str) -> Result<(String, String), String> {
        let (wanted, name) = key.split_once('.').unwrap_or((section, key));
        if self.is_declared(wanted, name) {
            return Ok((wanted.to_owned(), name.to_owned()));
        }
        let elsewhere = key.contains('.') && !super::COUNTED.contains(&wanted) && wanted != DEFAULT;
        let (wanted, name) = if elsewhere { (wanted, name) } else { (DEFAULT, key) };
        if self.raw(wanted, name).is_none() {
            return Err(self.not_found(section, key));
        }
        self.undeclared.insert(key.to_owned());
        Ok((wanted.to_owned(), name.to_owned()))
    }

    fn is_declared(&self, section: &str, name: &str) -> bool {
        declared(section, name).is_some() || (section == "df" && self.table.find("pubsub", name).is_some())
    }

    fn not_found(&self, section: &str, key: &str) -> String {
        let name = shown(key);
        let set_in = |section: &str| self.raw(section, key).is_some();
        if let Some(bare) = key.strip_prefix("DEFAULT.") {
            return format!("`${{{name}}}` names no group of oslo.config's; write `${}`", shown(bare));
        }
        if set_in("default") {
            return format!(
                "`${name}` is set in [default], which is not [DEFAULT]: write the section in capitals"
            );
        }
        if section != "df" && self.is_declared("df", key) {
            return format!("`${name}` names an option of another section; write `${{df.{name}}}`");
        }
        if set_in(section) {
            return format!(
                "`${name}` is no option of Dragonflow's, so that oslo.config looks for it in [DEFAULT] only; set it there"
            );
        }
        format!("`${name}` names an option that this file does not set; write `$$` for a dollar")
    }

    fn our_default(&self, name: &str) -> Option<String> {
        let setting = self.table.find("pubsub", name)?;
        match toml_file::read_default(setting).ok()? {
            SettingValue::Text(text) => Some(text),
            SettingValue::List(items) => Some(items.join(",")),
            other => Some(other.to_toml().trim_matches('"').to_owned()),
        }
    }
}

/// The variable that sets an option, in oslo.config 6.7 and later.
pub(super) fn variable(section: &str, name: &str) -> String {
    format!("OS_{}__{}", section.to_uppercase(), name.to_uppercase())
}
