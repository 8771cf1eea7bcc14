use pubsub_api::settings::{Reload, Setting};

use super::table::Table;
use super::wanted::wanted;

/// Where the lines of the sample end.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Settings of Skimmer. Every setting is here, with its default after a `#`: remove the `#` and
# change the value. `--set name=value` overrides an environment variable, which overrides this file.
# `skimmer config show` prints every value and its source.
";

/// The complete documented settings file: every setting with its documentation, and its default as a comment.
///
/// Prose lines begin with `# `, assignments with `#` and their name. Of two slices that declare the same setting the
/// first counts. `openings` has the sentence that opens a section; a driver is a section of its own, opened by its name.
///
/// ```
/// use pubsub_api::settings::PubSub;
///
/// let sample = settings::sample(&[PubSub::TABLE], &[], &[]);
/// assert!(sample.contains("\n#publisher_port = 8866\n"));
/// ```
#[must_use]
pub fn sample(
    tables: &[&'static [Setting]],
    openings: &[(&str, &str)],
    drivers: &[&'static [Setting]],
) -> String {
    let table = Table::lenient(tables, drivers);
    let mut text = HEAD.to_owned();
    for section in table.sections() {
        text.push_str(&format!("\n[{section}]\n"));
        let opening =
            openings.iter().find(|(name, _)| *name == section).map(|(_, opening)| (*opening).to_owned());
        let driver = section.strip_prefix("drivers.").unwrap_or(section);
        push_prose(&mut text, &opening.unwrap_or_else(|| format!("The settings of the driver `{driver}`.")));
        for setting in table.iter().filter(|setting| setting.section == section) {
            push_setting(&mut text, setting);
        }
    }
    text
}

fn push_setting(text: &mut String, setting: &Setting) {
    let applied = match setting.reload {
        Reload::Live => "A reload (SIGHUP) applies it.",
        Reload::Restart => "A restart applies it.",
    };
    text.push('\n');
    push_prose(text, setting.doc);
    push_prose(
        text,
        &format!("Wants {}. Environment: {}. {applied}", wanted(&setting.kind), setting.environment()),
    );
    text.push_str(&format!("#{} = {}\n", setting.name, setting.default));
}

/// Adds prose as comment lines, broken between words.
fn push_prose(text: &mut String, prose: &str) {
    let mut line = String::from("#");
    for word in prose.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}
