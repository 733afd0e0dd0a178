//! Tables for people: columns as wide as what they hold, the last one as long as it likes.

use crate::screen::{Screen, Style};

/// A text and its style.
pub(crate) type Cell = (String, Option<Style>);

/// The lines of a table.
pub(crate) fn lines<const N: usize>(
    head: [&str; N],
    rows: &[[Cell; N]],
    screen: &Screen,
) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].0.chars().count());
        cells
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let heading = head.map(|text| (text.to_owned(), Some(Style::Heading)));
    std::iter::once(&heading)
        .chain(rows)
        .map(|row| {
            let cells =
                row.iter()
                    .zip(&widths)
                    .enumerate()
                    .map(|(column, ((text, style), width))| {
                        let is_last = column + 1 == N;
                        let padding = if is_last {
                            0
                        } else {
                            width - text.chars().count()
                        };
                        let text =
                            style.map_or_else(|| text.clone(), |style| screen.styled(style, text));
                        format!("{text}{}", " ".repeat(padding))
                    });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}
