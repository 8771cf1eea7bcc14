use strsim::osa_distance;

/// The known name that was probably meant by `name`, if any is near enough.
///
/// Near is a third of the letters changed, dropped, added or swapped; or a known name that ends with all of `name`,
/// since people leave out prefixes.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long, and the distance costs time by the product of the lengths.
    if name.len() > 64 {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    let distance = |candidate: &str| {
        let tail = name.len() >= 4 && candidate.ends_with(&format!("_{name}"));
        if tail { allowed } else { osa_distance(name, candidate) }
    };
    known
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or nothing.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|right| format!("; did you mean `{right}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_and_a_distant_one_is_not() {
        let known = ["publisher_port", "publishers_ips", "linger", "pub_sub_use_multiproc"];
        for (name, right) in [
            ("publisher_prot", Some("publisher_port")),
            ("publishers_ip", Some("publishers_ips")),
            ("use_multiproc", Some("pub_sub_use_multiproc")),
            ("lingr", Some("linger")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), right, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
    }
}
