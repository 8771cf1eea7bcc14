use std::collections::HashSet;

use pubsub_api::settings::{Kind, Origin, Setting, SettingValue, check_no_userinfo, shown};

use super::convert::{of_option, whole_milliseconds};
use super::declared::{OTHER_RELEASES, declared};
use super::lines::{Assignment, headers, read_lines};
use super::options::{At, Options, variable};
use super::oslo_content::OsloContent;
use super::redis_hosts::{self, RedisHosts};
use super::{COUNTED, is_ours};
use crate::file_content::FileContent;
use crate::nearest::{did_you_mean, nearest};
use crate::oslo_rules::OsloRules;
use crate::source_text::SourceText;
use crate::table::Table;
use crate::toml_file;
use crate::value::{Dialect, ReadKind};
use crate::wanted::wants;

/// Reads oslo.config files, of which a later one is stronger, and the variables of oslo.config.
pub(crate) fn read(
    sources: &[&SourceText],
    environment: &[(String, String)],
    table: &Table,
    rules: &OsloRules,
) -> OsloContent {
    let mut contents: Vec<FileContent> = sources.iter().map(|_| FileContent::default()).collect();
    let mut files = Vec::new();
    for (source, content) in sources.iter().zip(&mut contents) {
        check_form(source, content);
        files.push(read_lines(source, &mut content.problems));
    }
    let mut reader = Reader {
        sources,
        table,
        rules,
        options: Options::new(&files, environment, table),
        contents,
        variables: Vec::new(),
        variable_problems: Vec::new(),
        variable_warnings: Vec::new(),
        defaults: Vec::new(),
    };
    for setting in table.iter().filter(|setting| setting.section == "pubsub") {
        reader.setting(setting);
    }
    let redis = RedisHosts::read(&mut reader.options, |at| origin_of(sources, at));
    reader.warn_of_undeclared();
    for (number, lines) in files.iter().enumerate() {
        reader.look_over(number, lines);
    }
    reader.look_over_variables(environment);
    reader.into_content(redis)
}

/// Reports what does not belong into an oslo.config file: sections of a TOML file, and a byte order mark.
fn check_form(source: &SourceText, content: &mut FileContent) {
    for (offset, name) in headers(source).filter(|(_, name)| is_ours(name)) {
        content.problems.add(offset, || {
            let name = shown(&name);
            format!(
                "[{name}] is a section of a TOML file, but this file is read as oslo.config; end its name in .toml"
            )
        });
    }
    if source.had_byte_order_mark() {
        let text = || "the file begins with a byte order mark, which oslo.config refuses".to_owned();
        content.warnings.add(0, text);
    }
}

struct Reader<'a> {
    sources: &'a [&'a SourceText],
    table: &'a Table,
    rules: &'a OsloRules,
    options: Options<'a>,
    contents: Vec<FileContent>,
    variables: Vec<(&'static Setting, SettingValue, Origin)>,
    variable_problems: Vec<String>,
    variable_warnings: Vec<String>,
    defaults: Vec<(&'static Setting, SettingValue)>,
}

impl<'a> Reader<'a> {
    /// Reads what sets a setting; an option of another section is stronger than that of `[df]`.
    fn setting(&mut self, setting: &'static Setting) {
        let mut option = ("df", setting.name);
        if let Some(other) = self.rules.renamed(setting.name)
            && let Some(raw) = self.options.raw(other.section, other.option)
        {
            let (section, name) = (other.section, other.option);
            if self.options.raw("df", setting.name).is_some() {
                self.warn(&raw.at, || {
                    format!("`{name}` of [{section}] counts, and `{}` of [df] does not", setting.name)
                });
            }
            option = (section, name);
        }
        let Some(raw) = self.options.raw(option.0, option.1) else {
            return self.default(setting);
        };
        // Before it is expanded: a message would show what follows a `$` in a password as the name of an option.
        if setting.kind == Kind::Addresses
            && let Err(came) = check_no_userinfo(raw.text)
        {
            return self.problem(&raw.at, || wants(setting, &came));
        }
        match self.value(setting, option, raw.text) {
            Ok(value) => {
                self.warn_of_odd_value(setting, &value, &raw.at);
                self.put(setting, whole_milliseconds(value), &raw.at);
            }
            Err(problem) => self.problem(&raw.at, || problem),
        }
    }

    fn value(
        &mut self,
        setting: &'static Setting,
        (section, name): (&str, &str),
        text: &str,
    ) -> Result<SettingValue, String> {
        let expanding = |why: String| format!("cannot expand `{}`: {why}", shown(name));
        if declared(section, name).is_none() {
            let text = self.options.text(section, name, text).map_err(expanding)?;
            return setting.kind.read_text(&text, Dialect::Oslo).map_err(|came| wants(setting, &came));
        }
        let own = format!("`{name}` wants");
        let value = self.options.value(section, name).map_err(|problem| match problem.starts_with(&own) {
            true => problem,
            false => expanding(problem),
        })?;
        let value = of_option(value, &setting.kind).and_then(|value| setting.kind.accept(value));
        value.map_err(|came| wants(setting, &came))
    }

    /// Dragonflow's default, which may name other options.
    fn default(&mut self, setting: &'static Setting) {
        if !self.rules.foreign_defaults.contains(&setting.name) {
            return;
        }
        let value = self.options.value("df", setting.name);
        let value = value.and_then(|value| of_option(value, &setting.kind));
        match value.and_then(|value| setting.kind.accept(value)) {
            Ok(value) if toml_file::read_default(setting).is_ok_and(|ours| ours == value) => {}
            Ok(value) => self.defaults.push((setting, value)),
            Err(problem) => {
                let local_ip = self.options.raw("df", "local_ip").map(|raw| raw.at);
                let at = local_ip.unwrap_or(At::File(0, 0));
                self.problem(&at, || format!("`{}` is left out, and {problem}", setting.name));
            }
        }
    }

    fn warn_of_odd_value(&mut self, setting: &'static Setting, value: &SettingValue, at: &At) {
        match value {
            SettingValue::Text(text) if text.contains('\n') => self.warn(at, || {
                format!("the value of `{}` has a line end in it, as oslo.config reads it", setting.name)
            }),
            SettingValue::Duration(duration) if duration.subsec_nanos() % 1_000_000 != 0 => {
                self.warn(at, || format!("`{}` is rounded down to whole milliseconds", setting.name))
            }
            _ => {}
        }
    }

    fn warn_of_undeclared(&mut self) {
        let names: Vec<_> = self.options.undeclared().map(|name| format!("`${}`", shown(name))).collect();
        if !names.is_empty() {
            let text = format!(
                "{}: options that Dragonflow does not declare; what the file sets is used, where oslo.config refuses a \
                 name that no part of its program declares",
                names.join(", ")
            );
            self.warn(&At::File(0, 0), || text);
        }
    }

    /// Reports what the file sets twice, and what has no effect; each once.
    fn look_over(&mut self, number: usize, lines: &[Assignment]) {
        let mut seen = HashSet::new();
        for line in lines.iter().filter(|line| COUNTED.contains(&line.section.as_str())) {
            let (section, name) = (line.section.as_str(), line.name.as_str());
            let (at, first) = (At::File(number, line.offset), seen.insert((section, name)));
            match (self.is_setting(section, name), first) {
                (true, false) => self.warn(&at, || {
                    format!("`{}` is there twice; the last one counts, as in oslo.config", shown(name))
                }),
                (false, true) if !self.options.is_named(section, name) => {
                    self.without_effect(section, name, &at)
                }
                _ => {}
            }
        }
    }

    fn is_setting(&self, section: &str, name: &str) -> bool {
        match section {
            "df" => self.table.find("pubsub", name).is_some() || redis_hosts::NAMES.contains(&name),
            _ => self.rules.is_renamed(section, name),
        }
    }

    fn without_effect(&mut self, section: &str, name: &str, at: &At) {
        let table = self.table;
        let meaningless =
            declared(section, name).is_some() || (section == "df" && OTHER_RELEASES.contains(&name));
        if !meaningless && name.starts_with("pub") {
            return self.problem(at, || unknown(table, section, name));
        }
        self.warn(at, || {
            let shown = shown(name);
            match nearest(name, table.names("pubsub")) {
                _ if meaningless => format!("`{shown}` is Dragonflow's and has no effect here"),
                Some(right) => format!("`{shown}` is unknown and has no effect; did you mean `{right}`?"),
                None => format!("`{shown}` is unknown and has no effect"),
            }
        });
    }

    fn look_over_variables(&mut self, environment: &[(String, String)]) {
        for (name, _) in environment {
            let counted = COUNTED.iter().find(|section| name.starts_with(&variable(section, "")));
            let Some(section) = counted else { continue };
            let ours = self.table.names("pubsub").chain(super::declared::names(section));
            let option = ours.into_iter().find(|option| variable(section, option) == *name);
            let has_effect = option.is_some_and(|option| {
                self.is_setting(section, option) || self.options.is_named(section, option)
            });
            if !has_effect {
                let text = format!("environment: {} sets no option that has an effect here", shown(name));
                self.variable_warnings.push(text);
            }
        }
    }

    fn put(&mut self, setting: &'static Setting, value: SettingValue, at: &At) {
        let found = (setting, value, origin_of(self.sources, at));
        match at {
            At::Environment(_) => self.variables.push(found),
            At::File(number, _) => {
                if let Some(content) = self.contents.get_mut(*number) {
                    content.values.push(found);
                }
            }
        }
    }

    fn problem(&mut self, at: &At, text: impl FnOnce() -> String) {
        match at {
            At::Environment(name) => self.variable_problems.push(format!("environment: {name}: {}", text())),
            At::File(number, offset) => {
                if let Some(content) = self.contents.get_mut(*number) {
                    content.problems.add(*offset, text);
                }
            }
        }
    }

    fn warn(&mut self, at: &At, text: impl FnOnce() -> String) {
        match at {
            At::Environment(name) => self.variable_warnings.push(format!("environment: {name}: {}", text())),
            At::File(number, offset) => {
                if let Some(content) = self.contents.get_mut(*number) {
                    content.warnings.add(*offset, text);
                }
            }
        }
    }

    fn into_content(self, redis: RedisHosts) -> OsloContent {
        OsloContent {
            files: self.contents,
            variables: self.variables,
            variable_problems: self.variable_problems,
            variable_warnings: self.variable_warnings,
            defaults: self.defaults,
            redis,
        }
    }
}

fn origin_of(sources: &[&SourceText], at: &At) -> Origin {
    match at {
        At::Environment(name) => Origin::Environment(name.clone()),
        At::File(number, offset) => {
            sources.get(*number).map_or(Origin::Dragonflow, |source| Origin::File(source.place(*offset)))
        }
    }
}

/// The sentence about a name that looks like ours: Dragonflow would pass over it without a word.
fn unknown(table: &Table, section: &str, name: &str) -> String {
    let hint = match (section, table.find("pubsub", name)) {
        ("df", _) | (_, None) => did_you_mean(name, table.names("pubsub")),
        (_, Some(_)) => "; it stands in [df]".to_owned(),
    };
    format!("unknown option `{}` in [{section}]{hint}", shown(name))
}
