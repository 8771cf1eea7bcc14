use comfy_table::{CellAlignment, Table};

/// A table in Markdown with this header and these rows, without a newline at its end. All columns are aligned to the
/// right, except column `names`, counted from 0.
#[must_use]
pub fn table<'a>(
    header: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Vec<String>>,
    names: usize,
) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header);
    table.add_rows(rows);
    for (place, column) in table.column_iter_mut().enumerate() {
        if place != names {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn numbers_are_aligned_to_the_right_and_names_to_the_left() {
        let rows = [["ours", "7"], ["theirs & others", "1,234"]].map(|row| row.map(str::to_owned).to_vec());
        let text = table(["server", "events"], rows, 0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].starts_with("| ours  ") && lines[2].ends_with("  7 |"), "{text}");
        assert_eq!(lines.len(), 4, "{text}");
    }
}
