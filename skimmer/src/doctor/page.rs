use super::checks::GROUPS;

const HEAD: &str = "\
# Checks of `skimmer doctor`

This page is generated: `skimmer doctor --list > docs/doctor.md`. What the command does, and how scripts use it: [operations](operations.md#doctor).
A check passes if the sentence is true. It is not applicable on a host with another role.
";

/// The page `docs/doctor.md`.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    for group in GROUPS {
        page +=
            &format!("\n## {}\n\n| check | roles | passes if |\n|---|---|---|\n", capitalized(group.title));
        for check in group.checks {
            let roles: Vec<&str> = check.of.iter().map(|role| role.word()).collect();
            page += &format!("| `{}` | {} | {} |\n", check.id, roles.join(", "), check.demands);
        }
    }
    page
}

fn capitalized(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn the_page_of_the_checks_is_up_to_date() {
        let written = include_str!("../../../docs/doctor.md");
        assert!(written == page(), "run: skimmer doctor --list > docs/doctor.md");
    }
}
