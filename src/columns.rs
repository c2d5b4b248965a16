//! Text in columns, without lines around it and without blanks at the ends of lines.

/// On which side a column has its blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Two blanks before each row and between columns, each row ended. Rows may be shorter than `sides`.
pub(crate) fn columns(sides: &[Side], rows: &[Vec<String>]) -> String {
    let mut widths = vec![0; sides.len()];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, side), width) in row.iter().zip(sides).zip(&widths) {
            let blanks = " ".repeat(width - cell.chars().count());
            let (before, after) = match side {
                Side::Left => ("", blanks.as_str()),
                Side::Right => (blanks.as_str(), ""),
            };
            line.extend(["  ", before, cell, after]);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = [row(&["a", "1,000", "x"]), row(&["größe", "2"]), row(&["b", "30", ""])];
        let text = columns(&[Side::Left, Side::Right, Side::Left], &rows);
        assert_eq!(text, "  a      1,000  x\n  größe      2\n  b         30\n");
    }
}
