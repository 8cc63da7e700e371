//! Figures and tables in Markdown.

use std::fmt::Write;

use super::bootstrap::Estimate;

/// The sentence above tables of [`percent`] that says what their cells mean.
pub const NOTE: &str = "Percent. In brackets the 95 % bootstrap interval over photos, then the \
                        number of photos with such a mask.";

/// A share in percent, its interval, and the number of photos, such as `15.8 [12.1, 19.6] 60`; `-`
/// if there is no share.
pub fn percent(share: Option<Estimate>) -> String {
    share.map_or("-".to_string(), |found| {
        let [value, low, high] = [found.value, found.low, found.high].map(|share| share * 100.0);
        match found.photos {
            // One photo says nothing about others, so it gives no interval.
            1 => format!("{value:.1} [-] 1"),
            photos => format!("{value:.1} [{low:.1}, {high:.1}] {photos}"),
        }
    })
}

/// A difference in percent and its interval, such as `+0.8 [-0.2, +1.5]`.
pub fn difference(found: Estimate) -> String {
    let [value, low, high] = [found.value, found.low, found.high].map(|share| share * 100.0);
    format!("{value:+.1} [{low:+.1}, {high:+.1}]")
}

/// A Markdown table, of which the first line has the titles. The first column is aligned to the
/// left, the others to the right.
pub fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |i: usize| {
        lines.iter().filter_map(|line| line.get(i)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|i| width(i).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (index, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = match index {
                0 => write!(text, "| {cell:<width$} "),
                _ => write!(text, "| {cell:>width$} "),
            };
        }
        text.push_str("|\n");
        if number == 0 {
            for (index, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = if index == 0 {
                    write!(text, "|{dashes}-")
                } else {
                    write!(text, "|{dashes}:")
                };
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_interval_and_photos() {
        let found = Estimate { value: 0.158, low: 0.1213, high: 0.196, photos: 60 };
        assert_eq!(percent(Some(found)), "15.8 [12.1, 19.6] 60");
        assert_eq!(percent(Some(Estimate { photos: 1, ..found })), "15.8 [-] 1");
        assert_eq!(percent(None), "-");
    }

    #[test]
    fn columns_are_aligned() {
        let lines = [["set", "AR"], ["coco", "1"]].map(|line| line.map(str::to_string).to_vec());
        assert_eq!(table(&lines), "| set  | AR |\n|------|---:|\n| coco |  1 |\n");
    }
}
