use std::collections::HashSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use pubsub_api::settings::{Origin, Setting, SettingValue, shown};
use pubsub_api::{Error, ErrorKind, Result, UnlinkedDriver};

use super::file_content::FileContent;
use super::source_text::SourceText;
use super::table::Table;
use super::value::ReadKind;
use super::wanted::wants;

/// The value of a setting that nobody set.
pub(super) fn read_default(setting: &Setting) -> Result<SettingValue> {
    let defect = |came: &str| {
        let text = format!("the default of {} is wrong: {}", setting.full_name(), wants(setting, came));
        Error::new(ErrorKind::Internal, text)
    };
    let raw = DeValue::parse(setting.default).map_err(|error| defect(error.message()))?;
    setting.kind.read_toml(&raw).map_err(|refusal| defect(&refusal.came))
}

/// Reads a TOML settings file. If it is not TOML, only that is reported: all else would follow from it.
pub(super) fn read(source: &SourceText, table: &Table) -> FileContent {
    let mut reader = Reader { source, table, content: FileContent::default() };
    let (document, errors) = DeTable::parse_recoverable(source.text());
    // One mistake makes the parser stumble several times over the same line; the first message is the best.
    let mut lines = HashSet::new();
    let mut sound = true;
    for error in &errors {
        let span = error.span().unwrap_or_default();
        sound &= error.message() == DUPLICATE;
        if lines.insert(source.line(span.start)) {
            reader.content.problems.add(span.start, || describe_error(source, error.message(), span));
        }
    }
    if sound {
        reader.document(document.get_ref());
    }
    reader.content
}

/// The parser's words for a name or section that comes twice.
const DUPLICATE: &str = "duplicate key";

fn describe_error(source: &SourceText, message: &str, span: Range<usize>) -> String {
    let bare = ["string values must be quoted", "invalid boolean", "invalid float", "invalid integer"];
    if message == DUPLICATE {
        describe_duplicate(source, span)
    } else if bare.iter().any(|start| message.starts_with(start)) {
        r#"this is no TOML value; a text, a duration or a size stands in quotation marks, as in "5s""#
            .to_owned()
    } else {
        format!("this is not TOML: {message}")
    }
}

fn describe_duplicate(source: &SourceText, span: Range<usize>) -> String {
    let name = shown(source.text().get(span.clone()).unwrap_or_default());
    let before = source.text().get(..span.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    if line.trim_start().starts_with('[') {
        format!("the section `{name}` is there twice; join the two")
    } else {
        format!("`{name}` is there twice in its section; keep one")
    }
}

struct Reader<'a> {
    source: &'a SourceText,
    table: &'a Table,
    content: FileContent,
}

impl Reader<'_> {
    fn document(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("drivers", DeValue::Table(drivers)) => {
                    for (name, value) in drivers {
                        self.section(&format!("drivers.{}", name.get_ref()), name.span(), value);
                    }
                }
                (name, _) => self.section(name, key.span(), value),
            }
        }
    }

    fn section(&mut self, section: &str, at: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let table = self.table;
        let known = table.sections().contains(&section);
        match value.get_ref() {
            DeValue::Table(entries) if known => {
                for (name, value) in entries {
                    self.setting(section, name.get_ref(), name.span(), value);
                }
            }
            DeValue::Table(_) if UnlinkedDriver::has_section(section) => {}
            DeValue::Table(_) => self.content.problems.add(at.start, || table.unknown_section(section)),
            _ => self.content.problems.add(at.start, || outside_of_sections(table, section, known)),
        }
    }

    fn setting(&mut self, section: &str, name: &str, at: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let FileContent { values, problems, .. } = &mut self.content;
        let Some(setting) = self.table.find(section, name) else {
            problems.add(at.start, || self.table.unknown(section, name));
            return;
        };
        match setting.kind.read_toml(value) {
            Ok(read) => values.push((setting, read, Origin::File(self.source.place(at.start)))),
            Err(refusal) => problems.add(refusal.at.start, || wants(setting, &refusal.came)),
        }
    }
}

/// The sentence about a name that has a value, but no section.
fn outside_of_sections(table: &Table, name: &str, is_section: bool) -> String {
    match table.iter().find(|setting| setting.name == name) {
        Some(setting) => format!("`{name}` stands in no section; put it under [{}]", setting.section),
        None if is_section => format!("`{name}` is a section; write [{name}] on a line of its own"),
        None => format!("unknown setting `{}`, which stands in no section", shown(name)),
    }
}
