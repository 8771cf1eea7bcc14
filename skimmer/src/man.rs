use std::io::{Error as IoError, ErrorKind as IoErrorKind, Write, stdout};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use pubsub_api::{Error, ErrorKind, Result};

/// The subcommands that are also separate programs. Their pages have the name of the program.
const PROGRAMS: [&str; 2] = ["publisher-service", "subscriber-agent"];

/// Prints the man page of the command at `path` below `root`; of `root` if the path is empty.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if there is no such command, [`ErrorKind::Unavailable`] if stdout cannot be written. It is not an
/// error if the reader closes the pipe.
pub(crate) fn print(root: Command, path: &[String]) -> Result<()> {
    let page = page(find(root, path)?).map_err(failed)?;
    write(&page)
}

/// Writes to stdout. It is not an error if the reader closes the pipe, as in `skimmer man | head -1`.
pub(crate) fn write(text: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != IoErrorKind::BrokenPipe => Err(failed(error)),
        _ => Ok(()),
    }
}

fn failed(error: IoError) -> Error {
    Error::new(ErrorKind::Unavailable, "cannot write to stdout").with_source(error)
}

fn find(root: Command, path: &[String]) -> Result<Command> {
    let mut command = root.disable_help_subcommand(true);
    command.build();
    let mut found = &command;
    for name in path {
        found = found.find_subcommand(name).ok_or_else(|| {
            let parent = found.get_bin_name().unwrap_or_else(|| found.get_name()).to_owned();
            Error::new(
                ErrorKind::Unsupported,
                format!("{parent} has no command {name:?}; see {parent} --help"),
            )
        })?;
    }
    let found = found.clone().version(env!("CARGO_PKG_VERSION"));
    Ok(match PROGRAMS.into_iter().find(|program| found.get_name() == *program) {
        Some(program) => found.display_name(program).bin_name(program),
        None => found,
    })
}

/// The page: all sections that are not empty, with the examples of the help in a section EXAMPLES, which `clap_mangen` would
/// call EXTRA.
fn page(command: Command) -> std::io::Result<Vec<u8>> {
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_options = command.get_arguments().any(|argument| !argument.is_hide_set());
    let has_subcommands = command.has_subcommands();
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if has_options {
        man.render_options_section(&mut page)?;
    }
    if has_subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    examples_section(&examples).to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// The section EXAMPLES from the lines after `Example:` or `Examples:`, each as it is typed.
fn examples_section(help: &str) -> Roff {
    let mut roff = Roff::default();
    let lines = help.lines().map(|line| {
        let line = line.trim();
        line.strip_prefix("Examples:").or_else(|| line.strip_prefix("Example:")).unwrap_or(line).trim()
    });
    let mut lines = lines.filter(|line| !line.is_empty()).peekable();
    if lines.peek().is_some() {
        roff.control("SH", ["EXAMPLES"]);
        roff.control("EX", []);
        lines.for_each(|line| {
            roff.text([roman(line)]);
        });
        roff.control("EE", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::{find, page};
    use crate::cli::Cli;

    fn text_of(path: &[&str]) -> String {
        let path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        String::from_utf8(page(find(Cli::command(), &path).unwrap()).unwrap()).unwrap()
    }

    fn every_command<'a>(command: &'a Command, path: &[&'a str], all: &mut Vec<Vec<String>>) {
        all.push(path.iter().map(|&name| name.to_owned()).collect());
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            every_command(inner, &[path, &[inner.get_name()]].concat(), all);
        }
    }

    #[test]
    fn every_command_at_every_depth_has_a_page_with_examples_and_no_extra_heading() {
        let root = Cli::command();
        let mut all = Vec::new();
        every_command(&root, &[], &mut all);
        assert!(all.len() > 20, "nested commands are included: {all:?}");
        for path in &all {
            let names: Vec<_> = path.iter().map(String::as_str).collect();
            let page = text_of(&names);
            assert!(page.contains(".SH EXAMPLES"), "{path:?} has no example");
            assert!(!page.contains("EXTRA"), "{path:?}: {page}");
        }
    }

    #[test]
    fn a_nested_command_and_the_two_programs_have_their_own_names_in_the_title() {
        assert!(text_of(&["db", "ls"]).contains(".TH skimmer-db-ls 1"), "{}", text_of(&["db", "ls"]));
        for program in ["publisher-service", "subscriber-agent"] {
            let page = text_of(&[program]);
            assert!(page.contains(&format!(".TH {program} 1")), "{page}");
        }
    }

    #[test]
    fn the_error_for_an_unknown_command_names_it_and_its_parent() {
        let path = ["db".to_owned(), "no-such".to_owned()];
        let error = find(Cli::command(), &path).unwrap_err().to_string();
        assert!(error.contains("skimmer db has no command \"no-such\""), "{error}");
    }
}
