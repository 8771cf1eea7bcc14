use super::python::{is_space, strip};
use crate::findings::Findings;
use crate::source_text::SourceText;

/// One assignment of an oslo.config file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// As oslo.config compares sections: in small letters, but `DEFAULT`.
    pub(super) section: String,
    pub(super) name: String,
    /// Lines that continue it are joined by line feeds.
    pub(super) text: String,
    /// The byte at which the assignment begins.
    pub(super) offset: usize,
}

/// The assignments of an oslo.config file, by the grammar of `iniparser.py` in oslo.config 10.7.0: `name = value` or
/// `name: value`, whichever sign is first; a line that begins with white space continues the one before; comments are
/// whole lines; quotation marks around a value fall off, and a lone one does too. Any other line makes
/// oslo.config refuse the file, in whichever section it stands.
pub(super) fn read_lines(source: &SourceText, problems: &mut Findings) -> Vec<Assignment> {
    let mut reader = Reader { section: None, open: false, assignments: Vec::new() };
    for (offset, line) in python_lines(source) {
        if let Err(problem) = reader.line(line.trim_end_matches(is_space), offset) {
            problems.add(offset, || problem.to_owned());
        }
    }
    reader.assignments
}

/// The section headers of a text that may be oslo.config or TOML, in small letters.
pub(super) fn headers(source: &SourceText) -> impl Iterator<Item = (usize, String)> {
    source.lines().filter_map(|(offset, line)| {
        let (name, _) = line.strip_prefix('[')?.split_once(']')?;
        Some((offset, name.trim().to_ascii_lowercase()))
    })
}

/// The lines as Python reads them, which also end at a lone carriage return.
fn python_lines(source: &SourceText) -> impl Iterator<Item = (usize, &str)> {
    source.lines().flat_map(|(start, line)| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut offset = start;
        line.split('\r').map(move |part| {
            let at = offset;
            offset += part.len() + 1;
            (at, part)
        })
    })
}

struct Reader {
    section: Option<String>,
    /// Whether the next line may continue the last assignment.
    open: bool,
    assignments: Vec<Assignment>,
}

impl Reader {
    fn line(&mut self, line: &str, offset: usize) -> Result<(), &'static str> {
        if line.is_empty() {
            self.open = false;
        } else if line.starts_with([' ', '\t']) {
            return self.continuation(line.trim_start_matches(is_space));
        } else if let Some(rest) = line.strip_prefix('[') {
            self.open = false;
            let name = rest.strip_suffix(']').ok_or("a section wants `]` at the end of its line")?;
            if name.is_empty() {
                return Err("a section wants a name");
            }
            self.section = Some(if name == "DEFAULT" { name.to_owned() } else { name.to_lowercase() });
        } else if line.starts_with(['#', ';']) {
            self.open = false;
        } else {
            return self.assignment(line, offset);
        }
        Ok(())
    }

    fn continuation(&mut self, text: &str) -> Result<(), &'static str> {
        match self.assignments.last_mut() {
            Some(last) if self.open => {
                last.text.push('\n');
                last.text.push_str(text);
                Ok(())
            }
            _ => Err("this line begins with white space but continues nothing; remove the white space"),
        }
    }

    fn assignment(&mut self, line: &str, offset: usize) -> Result<(), &'static str> {
        self.open = false;
        let (name, text) = line.split_once(['=', ':']).ok_or("a line wants to be `name = value`")?;
        let (name, text) = (strip(name).to_owned(), unquote(strip(text)).to_owned());
        if name.is_empty() {
            return Err("a value wants a name before its sign");
        }
        let section = self.section.clone().ok_or("this option stands in no section")?;
        self.open = true;
        self.assignments.push(Assignment { section, name, text, offset });
        Ok(())
    }
}

/// A lone mark is first and last at once, and leaves nothing.
fn unquote(text: &str) -> &str {
    let inside = |mark: char| text.strip_prefix(mark).map(|text| text.strip_suffix(mark));
    match inside('"').or_else(|| inside('\'')) {
        Some(Some(inside)) => inside,
        Some(None) if text.len() == 1 => "",
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Findings, SourceText, read_lines};

    fn read(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let source = SourceText::new(Path::new("df.ini"), text);
        let mut problems = Findings::default();
        let assignments = read_lines(&source, &mut problems);
        let problems = problems.into_parts().0.into_iter();
        (
            assignments
                .into_iter()
                .map(|line| (format!("{}.{}", line.section, line.name), line.text))
                .collect(),
            problems.map(|(at, text)| format!("{} {text}", source.place(at).line)).collect(),
        )
    }

    #[test]
    fn the_grammar_is_that_of_oslo_config() {
        for (text, assignments) in [
            ("[df]\r\na = 1\r\n", &[("df.a", "1")][..]),
            ("[df]\ra = 1\r  2\r\rb = 3", &[("df.a", "1\n2"), ("df.b", "3")]),
            ("[DF]\na: b = c", &[("df.a", "b = c")]),
            ("[df]\na = http://x:1", &[("df.a", "http://x:1")]),
            ("[df]\na = 1,\n  2,\n\t3\nb=4", &[("df.a", "1,\n2,\n3"), ("df.b", "4")]),
            ("[df]\na =\n  b", &[("df.a", "\nb")]),
            (
                "[df]\n# a = 1\n; b = 2\nc = '3'\nd = \"\"\ne = \"\nf = '\ng = \"x'",
                &[("df.c", "3"), ("df.d", ""), ("df.e", ""), ("df.f", ""), ("df.g", "\"x'")],
            ),
            ("[df]\na =\n[DEFAULT]\na = 1", &[("df.a", ""), ("DEFAULT.a", "1")]),
            ("[default]\na = 1\n[ df ]\nb = 2", &[("default.a", "1"), (" df .b", "2")]),
        ] {
            let (read, problems) = read(text);
            let read: Vec<_> = read.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            assert_eq!(read, assignments, "{text:?}");
            assert!(problems.is_empty(), "{text:?}: {problems:?}");
        }
    }

    #[test]
    fn a_broken_line_is_a_problem_in_every_section_as_in_oslo_config() {
        let broken = "nonsense\n = 1\n\n  white\n[]\n";
        assert_eq!(read(&format!("[other]\n{broken}")).1.len(), 4);
        assert_eq!(read(&format!("[df]\n{broken}[df\n")).1.len(), 5);
        assert_eq!(read("a = 1\n").1, ["1 this option stands in no section"]);
    }
}
