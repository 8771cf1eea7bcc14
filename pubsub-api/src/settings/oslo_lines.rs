use super::findings::Findings;
use super::source_text::SourceText;

/// One assignment of an oslo.config file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// In small letters, as oslo.config compares them.
    pub(super) section: String,
    pub(super) name: String,
    /// Lines that continue it are joined by line feeds.
    pub(super) text: String,
    /// The byte at which the assignment begins.
    pub(super) offset: usize,
}

/// The assignments and section headers of an oslo.config file, by the grammar of its `iniparser.py`: `name = value` or
/// `name: value`, whichever sign is first; a line that begins with white space continues the one before; comments are
/// whole lines; quotation marks around a value fall off.
///
/// The sections of other programs are not ours to judge, so a broken line counts only in the sections that `judged`
/// names.
pub(super) fn read_lines(
    source: &SourceText,
    judged: impl Fn(&str) -> bool,
    problems: &mut Findings,
) -> Vec<Assignment> {
    let mut reader = Reader { section: None, open: false, assignments: Vec::new(), problems };
    for (offset, line) in source.lines() {
        let line = line.trim_end();
        match reader.line(line, offset) {
            Err(problem) if reader.section.as_deref().is_none_or(&judged) => {
                reader.problems.add(offset, || problem.to_owned());
            }
            _ => {}
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

struct Reader<'a> {
    section: Option<String>,
    /// Whether the next line may continue the last assignment.
    open: bool,
    assignments: Vec<Assignment>,
    problems: &'a mut Findings,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, offset: usize) -> Result<(), &'static str> {
        if line.is_empty() {
            self.open = false;
        } else if line.starts_with([' ', '\t']) {
            return self.continuation(line.trim_start());
        } else if let Some(rest) = line.strip_prefix('[') {
            self.open = false;
            let name = rest.strip_suffix(']').ok_or("a section wants `]` at the end of its line")?;
            self.section = Some(name.to_ascii_lowercase());
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
        let (name, text) = (name.trim().to_owned(), unquote(text.trim()).to_owned());
        if name.is_empty() {
            return Err("a value wants a name before its sign");
        }
        let section = self.section.clone().ok_or("this option stands in no section")?;
        self.open = true;
        self.assignments.push(Assignment { section, name, text, offset });
        Ok(())
    }
}

fn unquote(text: &str) -> &str {
    let inside = |mark: char| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Findings, SourceText, read_lines};

    fn read(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let source = SourceText::new(Path::new("df.ini"), text);
        let mut problems = Findings::default();
        let assignments = read_lines(&source, |section| section == "df", &mut problems);
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
            ("[DF]\na: b = c", &[("df.a", "b = c")]),
            ("[df]\na = http://x:1", &[("df.a", "http://x:1")]),
            ("[df]\na = 1,\n  2,\n\t3\nb=4", &[("df.a", "1,\n2,\n3"), ("df.b", "4")]),
            (
                "[df]\n# a = 1\n; b = 2\nc = '3'\nd = \"\"\ne = \"",
                &[("df.c", "3"), ("df.d", ""), ("df.e", "\"")],
            ),
            ("[df]\na =\n[DEFAULT]\na = 1", &[("df.a", ""), ("default.a", "1")]),
        ] {
            let (read, problems) = read(text);
            let read: Vec<_> = read.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            assert_eq!(read, assignments, "{text:?}");
            assert!(problems.is_empty(), "{text:?}: {problems:?}");
        }
    }

    #[test]
    fn a_broken_line_is_a_problem_in_our_sections_only() {
        let broken = "nonsense\n = 1\n\n  white\n";
        assert!(read(&format!("[other]\n{broken}")).1.is_empty());
        assert_eq!(read(&format!("[df]\n{broken}[df\n")).1.len(), 4);
        assert_eq!(read("a = 1\n").1, ["1 this option stands in no section"]);
    }
}
