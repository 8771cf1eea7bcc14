use pubsub_api::settings::{Origin, Setting, SettingValue, Settings, Slot, shown};
use pubsub_api::{Error, ErrorKind, Result, UnlinkedDriver};

use super::file_content::FileContent;
use super::kubernetes::is_service_link;
use super::nearest::did_you_mean;
use super::oslo::{self, InForce, OsloContent, RedisHosts};
use super::oslo_rules::OsloRules;
use super::source_text::SourceText;
use super::sources::{ENVIRONMENT_OF_OTHERS, Sources};
use super::table::Table;
use super::toml_file;
use super::value::{Dialect, ReadKind};
use super::wanted::wants;
use super::warning::Warning;

/// Settings while their sources are laid over each other, weakest first.
struct Loading {
    table: Table,
    rules: OsloRules,
    slots: Vec<Slot>,
    problems: Vec<String>,
    warnings: Vec<Warning>,
}

/// Reads all sources and checks every value.
///
/// `tables` are those of all programs that share the settings file, in the order of the sample; `drivers` are those of
/// every driver that is linked in, each in its own section. One slice may come twice, as with the two aliases of one driver.
/// At most 1 MiB of each file is read.
///
/// A warning is about something that has no effect, or that another reader of the same file understands otherwise; the
/// settings are valid. The caller shows each of them once.
///
/// # Errors
///
/// [`ErrorKind::Settings`] with one line for each problem of a file (at most fifty), the environment and the
/// command line. [`ErrorKind::Internal`] if a table contradicts itself or another.
///
/// ```
/// use pubsub_api::ErrorKind;
/// use pubsub_api::settings::PubSub;
/// use settings::{Sources, load};
///
/// let sources = Sources {
///     environment: vec![("SKIMMER_PUBLISHER_PORT".into(), "9000".into())],
///     sets: vec!["publisher_port=9001".into()],
///     ..Sources::default()
/// };
/// let (settings, _warnings) = load(&sources, &[PubSub::TABLE], &[])?;
/// assert_eq!(settings.pubsub().publisher_port, 9001, "`--set` is stronger than the environment");
/// assert!(settings.is_set("publisher_port") && !settings.is_set("linger"));
///
/// let sources = Sources { sets: vec!["publisher_prot=9001".into(), "linger=2h".into()], ..Sources::default() };
/// let error = load(&sources, &[PubSub::TABLE], &[]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Settings);
/// assert_eq!(error.to_string().lines().count(), 2, "a line for each problem");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn load(
    sources: &Sources,
    tables: &[&'static [Setting]],
    drivers: &[&'static [Setting]],
) -> Result<(Settings, Vec<Warning>)> {
    load_with_rules(sources, tables, drivers, OsloRules::NONE)
}

/// Like [`load`], with rules for oslo.config files.
///
/// # Errors
///
/// As [`load`].
pub fn load_with_rules(
    sources: &Sources,
    tables: &[&'static [Setting]],
    drivers: &[&'static [Setting]],
    rules: OsloRules,
) -> Result<(Settings, Vec<Warning>)> {
    let mut loading = Loading::with_defaults(Table::new(tables, drivers)?, rules)?;
    let files = sources.files.iter().map(|path| SourceText::read(path)).collect::<Result<Vec<_>>>()?;
    let redis = loading.add_files(&files, &sources.environment);
    loading.add_environment(&sources.environment);
    loading.add_sets(&sources.sets);
    if let Some(redis) = redis {
        loading.add_in_force(redis, &files);
    }
    loading.finish()
}

impl Loading {
    fn with_defaults(table: Table, rules: OsloRules) -> Result<Self> {
        let slot = |setting: &'static Setting| {
            let value = toml_file::read_default(setting)?;
            Ok(Slot { setting, value, origin: Origin::Default })
        };
        let slots = table.iter().map(slot).collect::<Result<_>>()?;
        Ok(Self { table, rules, slots, problems: Vec::new(), warnings: Vec::new() })
    }

    /// Adds the files, a later one over an earlier one. Those of oslo.config are read together, as options of one may
    /// name options of another. Their hosts of Redis are returned, to be applied once it is known whether Redis is used.
    fn add_files(&mut self, files: &[SourceText], environment: &[(String, String)]) -> Option<RedisHosts> {
        let of_oslo: Vec<_> = files.iter().filter(|file| oslo::is_oslo(file)).collect();
        if of_oslo.is_empty() {
            self.warn_of_unread_variables(environment);
            files.iter().for_each(|file| self.add_file(file, toml_file::read(file, &self.table)));
            return None;
        }
        let OsloContent { files: contents, defaults, variables, variable_problems, variable_warnings, redis } =
            oslo::read(&of_oslo, environment, &self.table, &self.rules);
        for (setting, value) in defaults {
            self.put(setting, value, Origin::Dragonflow);
        }
        let mut contents = contents.into_iter();
        for file in files {
            let content = match oslo::is_oslo(file) {
                true => contents.next().unwrap_or_default(),
                false => toml_file::read(file, &self.table),
            };
            self.add_file(file, content);
        }
        for (setting, value, origin) in variables {
            self.put(setting, value, origin);
        }
        self.problems.extend(variable_problems);
        self.warnings.extend(variable_warnings.into_iter().map(|text| Warning { place: None, text }));
        Some(redis)
    }

    fn add_file(&mut self, source: &SourceText, content: FileContent) {
        let FileContent { values, problems, warnings } = content;
        for (setting, value, origin) in values {
            self.put(setting, value, origin);
        }
        let (problems, more) = problems.into_parts();
        self.problems.extend(problems.into_iter().map(|(at, text)| format!("{}: {text}", source.place(at))));
        if more > 0 {
            self.problems.push(format!("{}: {more} more problems", source.path().display()));
        }
        let (warnings, more) = warnings.into_parts();
        let warning = |(at, text)| Warning { place: Some(source.place(at)), text };
        self.warnings.extend(warnings.into_iter().map(warning));
        if more > 0 {
            self.warnings.push(warning((0, format!("{more} more warnings"))));
        }
    }

    /// Variables of oslo.config count only with one of its files.
    fn warn_of_unread_variables(&mut self, environment: &[(String, String)]) {
        let counted = oslo::VARIABLES.iter().filter(|prefix| **prefix != "OS_DEFAULT__");
        let unread = environment.iter().map(|(name, _)| name);
        let unread: Vec<_> =
            unread.filter(|name| counted.clone().any(|prefix| name.starts_with(prefix))).collect();
        if let Some(first) = unread.first() {
            let text = format!(
                "environment: {} {} no effect: variables of oslo.config count with an oslo.config file only",
                shown(first),
                if unread.len() == 1 {
                    "has".to_owned()
                } else {
                    format!("and {} more have", unread.len() - 1)
                },
            );
            self.warnings.push(Warning { place: None, text });
        }
    }

    fn add_environment(&mut self, variables: &[(String, String)]) {
        let mut links = Vec::new();
        for (name, text) in variables.iter().filter(|(name, _)| name.starts_with("SKIMMER_")) {
            if ENVIRONMENT_OF_OTHERS.contains(&name.as_str()) {
                continue;
            }
            let found = self.table.iter().find(|setting| setting.environment() == *name);
            let accepted = found.is_some_and(|setting| setting.kind.read_text(text, Dialect::Plain).is_ok());
            if !accepted && is_service_link(name, text) {
                links.push(name.as_str());
                continue;
            }
            if found.is_none() && UnlinkedDriver::has_variable(name) {
                continue;
            }
            let Some(setting) = found else {
                self.refuse_variable(name);
                continue;
            };
            self.add_text(setting, text, Origin::Environment(name.clone()), &format!("environment: {name}"));
        }
        if !links.is_empty() {
            let text = format!(
                "environment: {} are passed over: they are variables of Kubernetes for a Service of that name; \
                 enableServiceLinks: false in the pod leaves them out",
                links.join(", ")
            );
            self.warnings.push(Warning { place: None, text });
        }
    }

    /// Reports an unknown variable, with its present or nearest name.
    fn refuse_variable(&mut self, name: &str) {
        let hint = self.hint(name, Setting::environment);
        self.problems.push(format!("environment: unknown variable `{}`{hint}", shown(name)));
    }

    /// The end of a sentence about an unknown name: the present name of its setting, or the nearest one. `name_of` is the form
    /// of the names.
    fn hint(&self, unknown: &str, name_of: impl Fn(&Setting) -> String) -> String {
        match self.table.renamed(|former| name_of(former) == unknown) {
            Some(setting) => format!("; it is called `{}` now", name_of(setting)),
            None => {
                let known: Vec<_> = self.table.iter().map(&name_of).collect();
                did_you_mean(unknown, known.iter().map(String::as_str))
            }
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
            if found.is_none() && UnlinkedDriver::has_variable(name) {
                continue;
            }
            let Some(setting) = found else {
                let hint = self.hint(flat, Setting::full_name);
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

    /// What Dragonflow's options come to with the drivers that are in force.
    fn add_in_force(&mut self, redis: RedisHosts, files: &[SourceText]) {
        let place = files.iter().find(|file| oslo::is_oslo(file)).map(|file| file.place(0));
        let InForce { hosts, warnings, problem } = oslo::in_force(redis, &self.slots, place, &self.rules);
        if let Some((setting, value, origin)) = hosts {
            self.put(setting, value, origin);
        }
        self.warnings.extend(warnings);
        self.problems.extend(problem);
    }

    fn put(&mut self, setting: &'static Setting, value: SettingValue, origin: Origin) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.setting.is(setting)) {
            *slot = Slot { setting, value, origin };
        }
    }

    fn finish(self) -> Result<(Settings, Vec<Warning>)> {
        if !self.problems.is_empty() {
            return Err(Error::new(ErrorKind::Settings, self.problems.join("\n")));
        }
        Ok((Settings::new(self.slots)?, self.warnings))
    }
}
