use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// What a check of links needs to know of a file that may be linked to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    anchors: BTreeSet<String>,
}

impl Page {
    /// Of a Markdown file: the anchors of its headings, as GitHub makes them, and those in `<a id="…">`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut anchors = BTreeSet::new();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for line in without_code_blocks(text).lines().filter(|line| line.starts_with('#')) {
            let slug = slug(line.trim_start_matches('#').trim());
            let before = times.entry(slug.clone()).or_default();
            anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
            *before += 1;
        }
        let ids = text.split("<a id=\"").skip(1).filter_map(|rest| rest.split_once('"'));
        anchors.extend(ids.map(|(id, _)| id.to_owned()));
        Self { anchors }
    }
}

/// The links of a file that lead nowhere, among the paths that exist (folders are [`Page`]s without anchors).
///
/// In Markdown (`.md`), relative links, from the file's folder on. In every file, citations of pages in `docs/`, from the
/// repository's folder on, with or without `#section`.
#[must_use]
pub fn broken_links(path: &str, text: &str, existing: &BTreeMap<String, Page>) -> Vec<String> {
    let mut broken = Vec::new();
    if path.ends_with(".md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = path.rsplit_once('/').map_or(path, |(_, name)| name);
        for target in relative_links(text) {
            let (file, _) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let whole = if file.is_empty() { format!("{own}{target}") } else { target.clone() };
            if !leads_somewhere(&joined(folder, &whole), existing) {
                broken.push(target);
            }
        }
    }
    broken.extend(citations(text).into_iter().filter(|target| !leads_somewhere(target, existing)));
    broken
}

fn leads_somewhere(target: &str, existing: &BTreeMap<String, Page>) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let page = existing.get(file.trim_end_matches('/'));
    page.is_some_and(|page| anchor.is_empty() || page.anchors.contains(anchor))
}

/// The targets of `[…](target)` outside code, but for those with a scheme.
fn relative_links(text: &str) -> Vec<String> {
    let text = without_code_spans(&without_code_blocks(text));
    let targets =
        text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.trim());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

/// `docs/….md` and `docs/….md#section`, where no longer path ends so.
fn citations(text: &str) -> Vec<String> {
    let belongs = |this: char| this.is_ascii_alphanumeric() || "_./#-".contains(this);
    let mut found = Vec::new();
    for (start, _) in text.match_indices("docs/") {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        if before.is_some_and(belongs) {
            continue;
        }
        let whole: String =
            text.get(start..).unwrap_or("").chars().take_while(|this| belongs(*this)).collect();
        let target = whole.trim_end_matches(['.', '-']);
        if target.contains(".md") {
            found.push(target.to_owned());
        }
    }
    found
}

fn without_code_blocks(text: &str) -> String {
    let mut is_code = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code && !line.starts_with("    ") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn without_code_spans(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// `folder/target` without `..` and `.`.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn slug(heading: &str) -> String {
    let letters = heading.to_lowercase();
    let kept = letters.chars().filter(|this| this.is_alphanumeric() || " -_".contains(*this));
    kept.map(|this| if this == ' ' { '-' } else { this }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Page, broken_links};

    fn existing() -> BTreeMap<String, Page> {
        let page = Page::of("# A page\n\n## When a queue is full?\n\n| <a id=\"f01\"></a>F01 |\n");
        let docs = Page::default();
        [("docs/page.md", page), ("docs", docs.clone()), ("src/lib.rs", docs)]
            .map(|(path, page)| (path.to_owned(), page))
            .into()
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let text = "[a](page.md) [b](page.md#when-a-queue-is-full) [c](../src/lib.rs) [d](https://x.y/z) `[e](f)`\n\
                    [g](none.md) [h](page.md#none) [i](../docs/)\n\n    [j](code.md)\n";
        assert_eq!(broken_links("docs/other.md", text, &existing()), ["none.md", "page.md#none"]);
    }

    #[test]
    fn a_link_within_a_page_leads_to_its_own_heading() {
        assert_eq!(broken_links("docs/page.md", "[a](#f01) [b](#f02)", &existing()), ["#f02"]);
    }

    #[test]
    fn citations_in_source_files_are_checked_from_the_root_on() {
        let text = "/// See docs/page.md#f01, docs/page.md#f02 and docs/none.md.\n/// Not x/docs/none.md.";
        assert_eq!(broken_links("src/lib.rs", text, &existing()), ["docs/page.md#f02", "docs/none.md"]);
    }
}
