/// The folders of the workspace's members, as its `Cargo.toml` lists them.
#[must_use]
pub fn members(manifest: &str) -> Vec<String> {
    let list = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let list = list.map_or("", |(list, _)| list);
    list.split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::members;

    #[test]
    fn members_are_read_from_the_manifest() {
        let manifest =
            "[workspace]\nmembers = [\n  \"one\",\n  \"drivers/two\",\n]\ndefault-members = [\"one\"]\n";
        assert_eq!(members(manifest), ["one", "drivers/two"]);
    }
}
