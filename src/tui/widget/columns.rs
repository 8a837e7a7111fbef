//! Columns that stand under each other: headings and cells cut and padded to the same widths.

/// One column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) title: &'static str,
    /// Characters.
    pub(crate) width: usize,
    /// Whether its cells stand at the right, as numbers do.
    pub(crate) right: bool,
}

impl Column {
    /// A column of words.
    pub(crate) const fn left(title: &'static str, width: usize) -> Self {
        Self { title, width, right: false }
    }

    /// A column of numbers.
    pub(crate) const fn right(title: &'static str, width: usize) -> Self {
        Self { title, width, right: true }
    }
}

/// The headings, one space between them.
pub(crate) fn heading(columns: &[Column]) -> String {
    line(columns, columns.iter().map(|column| column.title.to_owned()))
}

/// Cells under the headings.
pub(crate) fn line(columns: &[Column], cells: impl IntoIterator<Item = String>) -> String {
    let cell = |(column, text): (&Column, String)| {
        let text: String = text.chars().take(column.width).collect();
        let width = column.width;
        if column.right { format!("{text:>width$}") } else { format!("{text:<width$}") }
    };
    columns.iter().zip(cells).map(cell).collect::<Vec<_>>().join(" ")
}

/// Characters a line takes.
pub(crate) fn width(columns: &[Column]) -> usize {
    columns.iter().map(|column| column.width + 1).sum::<usize>().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other() {
        let columns = [Column::left("NAME", 6), Column::right("LEVEL", 6)];
        let cells = |name: &str, level: &str| line(&columns, [name.to_owned(), level.to_owned()]);
        assert_eq!(heading(&columns), "NAME    LEVEL");
        assert_eq!(cells("ZYG-L", "3.1"), "ZYG-L     3.1");
        assert_eq!(cells("far-too-long", "12345678"), "far-to 123456");
        assert_eq!(width(&columns), 13);
    }
}
