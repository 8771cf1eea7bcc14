use super::findings::Findings;
use super::nearest::did_you_mean;
use super::origin::{Origin, Warning};
use super::oslo_file;
use super::setting::Setting;
use super::shown::shown;
use super::source_text::SourceText;
use super::sources::{ENVIRONMENT_OF_OTHERS, Sources};
use super::table::Table;
use super::toml_file;
use super::value::{Dialect, Value};
use super::{Agent, PubSub, Service, Settings};
use crate::{Error, ErrorKind, Result};

/// A setting with its value, and where the value came from.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) setting: &'static Setting,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// What reading a file yields: values and what is wrong, each with the byte at which it stands.
#[derive(Debug, Default)]
pub(super) struct FileContent {
    pub(super) values: Vec<(&'static Setting, Value, usize)>,
    pub(super) problems: Findings,
    pub(super) warnings: Findings,
}

/// Settings while their sources are laid over each other, weakest first.
struct Loading {
    table: Table,
    slots: Vec<Slot>,
    problems: Vec<String>,
    warnings: Vec<Warning>,
}

impl Settings {
    /// Reads all sources and checks every value.
    ///
    /// `drivers` holds the settings of every driver that is linked in; one slice may come twice, as with the two
    /// aliases of one driver. The files are the only ones that this crate ever opens, at most 1 MiB of each.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Settings`] with one line for each problem of a file (at most fifty), the environment and the
    /// command line. [`ErrorKind::Internal`] if a driver's table contradicts itself or another's.
    pub fn load(sources: &Sources, drivers: &[&'static [Setting]]) -> Result<(Self, Vec<Warning>)> {
        let mut loading = Loading::with_defaults(Table::new(drivers)?)?;
        for path in &sources.files {
            loading.add_file(&SourceText::read(path)?);
        }
        loading.add_environment(&sources.environment);
        loading.add_sets(&sources.sets);
        loading.finish()
    }
}

impl Loading {
    fn with_defaults(table: Table) -> Result<Self> {
        let slot = |setting: &'static Setting| {
            let value = toml_file::read_default(setting)?;
            Ok(Slot { setting, value, origin: Origin::Default })
        };
        let slots = table.iter().map(slot).collect::<Result<_>>()?;
        Ok(Self { table, slots, problems: Vec::new(), warnings: Vec::new() })
    }

    fn add_file(&mut self, source: &SourceText) {
        let read = if oslo_file::is_oslo(source) { oslo_file::read } else { toml_file::read };
        let FileContent { values, problems, warnings } = read(source, &self.table);
        for (setting, value, offset) in values {
            self.put(setting, value, Origin::File(source.place(offset)));
        }
        let (problems, more) = problems.into_parts();
        self.problems.extend(problems.into_iter().map(|(at, text)| format!("{}: {text}", source.place(at))));
        if more > 0 {
            self.problems.push(format!("{}: {more} more problems", source.path().display()));
        }
        let (warnings, more) = warnings.into_parts();
        let warning = |(at, text)| Warning { place: source.place(at), text };
        self.warnings.extend(warnings.into_iter().map(warning));
        if more > 0 {
            self.warnings.push(warning((0, format!("{more} more options have no effect"))));
        }
    }

    fn add_environment(&mut self, variables: &[(String, String)]) {
        for (name, text) in variables.iter().filter(|(name, _)| name.starts_with("SKIMMER_")) {
            if ENVIRONMENT_OF_OTHERS.contains(&name.as_str()) {
                continue;
            }
            let found = self.table.iter().find(|setting| setting.environment() == *name);
            let Some(setting) = found else {
                let known: Vec<_> = self.table.iter().map(Setting::environment).collect();
                let hint = did_you_mean(name, known.iter().map(String::as_str));
                self.problems.push(format!("environment: unknown variable `{}`{hint}", shown(name)));
                continue;
            };
            self.add_text(setting, text, Origin::Environment(name.clone()), &format!("environment: {name}"));
        }
    }

    fn add_sets(&mut self, sets: &[String]) {
        for set in sets {
            let Some((name, text)) = set.split_once('=') else {
                self.problems.push(format!("--set {}: write it as name=value", shown(set)));
                continue;
            };
            let flat = name.trim();
            let flat = flat.strip_prefix("pubsub.").unwrap_or(flat);
            let found = self.table.iter().find(|setting| setting.full_name() == flat);
            let Some(setting) = found else {
                let known: Vec<_> = self.table.iter().map(Setting::full_name).collect();
                let hint = did_you_mean(flat, known.iter().map(String::as_str));
                self.problems.push(format!("--set {}: unknown setting `{}`{hint}", shown(set), shown(name)));
                continue;
            };
            self.add_text(setting, text, Origin::Set, &format!("--set {}={}", shown(name), shown(text)));
        }
    }

    fn add_text(&mut self, setting: &'static Setting, text: &str, origin: Origin, at: &str) {
        match setting.kind.read_text(text, Dialect::Plain) {
            Ok(value) => self.put(setting, value, origin),
            Err(came) => self.problems.push(format!("{at}: {}", wants(setting, &came))),
        }
    }

    fn put(&mut self, setting: &'static Setting, value: Value, origin: Origin) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.setting.is(setting)) {
            *slot = Slot { setting, value, origin };
        }
    }

    fn finish(self) -> Result<(Settings, Vec<Warning>)> {
        if !self.problems.is_empty() {
            return Err(Error::new(ErrorKind::Settings, self.problems.join("\n")));
        }
        let (pubsub, service) = (PubSub::of(&self.slots)?, Service::of(&self.slots)?);
        let agent = Agent::of(&self.slots)?;
        Ok((Settings { slots: self.slots, pubsub, service, agent }, self.warnings))
    }
}

/// The sentence about a value that a setting does not accept.
pub(super) fn wants(setting: &Setting, came: &str) -> String {
    format!("`{}` wants {}, not {came}", setting.name, setting.kind)
}
