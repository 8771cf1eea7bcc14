use std::collections::{BTreeMap, BTreeSet};

use crate::SourceFile;
use crate::code::code;
use crate::paths::{NamedPath, named_paths};

/// Which files of one crate name items of which others.
///
/// File A points to file B if A names a path that leads into B: by `crate::…` or `super::…`, in a `use` or in code, also through a
/// name that another file imports. Not counted are `mod` declarations, test modules, and paths between a file and those
/// below it (`foo.rs` and `foo/bar.rs`), since a parent is made of its children.
#[derive(Debug, Default)]
pub struct ModuleGraph {
    modules: BTreeMap<Module, Vec<NamedPath>>,
}

/// The path of a module below its crate; empty for the crate itself.
type Module = Vec<String>;

/// How many imports a name is followed through.
const MOST_IMPORTS: usize = 8;

impl ModuleGraph {
    /// Of the files of a crate, with paths below its `src`.
    #[must_use]
    pub fn of(files: &[SourceFile]) -> Self {
        let mut modules = BTreeMap::new();
        for SourceFile { path, text } in files {
            if let Some(module) = module(path) {
                modules.entry(module).or_insert_with(Vec::new).extend(named_paths(&code(text)));
            }
        }
        Self { modules }
    }

    /// The circles: sets of files of which each reaches each other, as `a ⇄ b ⇄ c`, sorted.
    #[must_use]
    pub fn circles(&self) -> Vec<String> {
        let edges = self.edges();
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.modules.keys().map(|module| (module, reachable(module, &edges))).collect();
        let reaches = |one: &Module, other: &Module| reached.get(one).is_some_and(|all| all.contains(other));
        let mut circles = BTreeSet::new();
        for module in self.modules.keys().filter(|module| reaches(module, module)) {
            let circle: Vec<String> = self
                .modules
                .keys()
                .filter(|other| reaches(module, other) && reaches(other, module))
                .map(|member| member.join("/"))
                .collect();
            circles.insert(circle.join(" ⇄ "));
        }
        circles.into_iter().collect()
    }

    fn edges(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let targets = |(module, paths): (_, &Vec<NamedPath>)| {
            let module: &Module = module;
            let targets = paths.iter().filter_map(|path| self.resolve(module, &path.parts, MOST_IMPORTS));
            (module, targets.filter(|target| !are_related(module, target)).collect())
        };
        self.modules.iter().map(targets).collect()
    }

    /// The module in which a path ends that is named in `module`; `None` for paths of other crates.
    fn resolve(&self, module: &Module, parts: &[String], imports: usize) -> Option<Module> {
        let (first, mut rest) = parts.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => parent(module)?,
            _ => self.child(module, first)?,
        };
        while let Some(more) = rest.split_first().filter(|(part, _)| *part == "super").map(|(_, more)| more) {
            at = parent(&at)?;
            rest = more;
        }
        for (place, part) in rest.iter().enumerate() {
            if let Some(child) = self.child(&at, part) {
                at = child;
                continue;
            }
            let import = self.modules.get(&at)?.iter().find(|path| path.imported_as.as_ref() == Some(part));
            let Some(import) = import.filter(|_| imports > 0) else { return Some(at) };
            let further = rest.iter().skip(place + 1).cloned();
            let whole: Vec<String> = import.parts.iter().cloned().chain(further).collect();
            return self.resolve(&at, &whole, imports - 1);
        }
        Some(at)
    }

    fn child(&self, module: &Module, name: &str) -> Option<Module> {
        let child: Module = module.iter().cloned().chain([name.to_owned()]).collect();
        self.modules.contains_key(&child).then_some(child)
    }
}

/// The module of a file; none for the files of tests.
fn module(path: &str) -> Option<Module> {
    let path = path.strip_suffix(".rs")?;
    let parts: Module = path.split('/').map(str::to_owned).collect();
    if parts.iter().any(|part| part == "tests" || part == "bin") {
        return None;
    }
    Some(if path == "lib" || path == "main" { Module::new() } else { parts })
}

fn parent(module: &Module) -> Option<Module> {
    module.split_last().map(|(_, above)| above.to_vec())
}

fn are_related(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn reachable<'a>(from: &Module, edges: &'a BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Module> = edges.get(from).into_iter().flatten().collect();
    while let Some(module) = open.pop() {
        if reached.insert(module) {
            open.extend(edges.get(module).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::ModuleGraph;
    use crate::SourceFile;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let file =
            |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() };
        ModuleGraph::of(&files.iter().map(file).collect::<Vec<_>>()).circles()
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use super::b::B; pub struct A;"),
            ("b.rs", "fn f(a: &crate::a::A) {} pub struct B;"),
        ];
        assert_eq!(circles(&files), ["a ⇄ b"]);
    }

    #[test]
    fn a_circle_through_an_import_of_the_parent_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::B;"),
            ("a.rs", "use crate::B; pub struct A;"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ];
        assert_eq!(circles(&files), ["a ⇄ b"]);
    }

    #[test]
    fn parents_and_children_tests_and_other_crates_are_none() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod c; use c::C; use crate::b::B; pub struct A;"),
            ("a/c.rs", "use super::A; pub struct C;"),
            ("b.rs", "use other::a::A; pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
            ("b/tests.rs", "use crate::a::A;"),
        ];
        assert_eq!(circles(&files), Vec::<String>::new());
    }
}
