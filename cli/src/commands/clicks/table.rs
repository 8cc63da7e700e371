//! Tables of the average recall of clicks and boxes.

use super::super::eval::markdown::{NOTE, difference, percent, table};
use super::super::eval::mean::{Mean, mean, mean_difference};
use super::super::eval::size::Size;
use super::judge::{Judged, PhotoClicks};
use super::rules::RULES;

/// The photos of one set.
pub struct Row {
    /// The name of the set.
    pub name: String,
    /// The figures of each photo.
    pub photos: Vec<PhotoClicks>,
}

type Column = (&'static str, fn(&Judged) -> f64);

const COLUMNS: &[Column] = &[
    ("click, picked", |mask| mask.click),
    ("click, best of three", |mask| mask.click_best),
    ("box, picked", |mask| mask.box_picked),
    ("box, best of three", |mask| mask.box_best),
];

/// The table of average recalls, with a row for each set and size.
pub fn sizes(rows: &[Row]) -> String {
    let titles = ["", "masks"].into_iter().chain(COLUMNS.iter().map(|(title, _)| *title));
    let mut lines = vec![titles.map(str::to_string).collect::<Vec<_>>()];
    for row in rows {
        for size in std::iter::once(None).chain(Size::ALL.map(Some)) {
            let takes_part = |mask: &Judged| size.is_none_or(|size| mask.size == size);
            let masks = row
                .photos
                .iter()
                .flat_map(|photo| &photo.masks)
                .filter(|mask| takes_part(mask))
                .count();
            let name =
                size.map_or(row.name.clone(), |size| format!("{}, {}", row.name, size.name()));
            let mut line = vec![name, masks.to_string()];
            let recall = |of: fn(&Judged) -> f64| mean(means(row, takes_part, of).iter());
            line.extend(COLUMNS.iter().map(|(_, of)| percent(recall(*of))));
            lines.push(line);
        }
    }
    format!("AR. {} {NOTE}\n\n{}", Size::NOTE, table(&lines))
}

/// Two tables with a row for each rule and a column for each set: the average recall, and how much
/// higher it is than that of the first rule.
pub fn rules(rows: &[Row]) -> String {
    let reached = |row: &Row, rule: usize| means(row, |_| true, |mask| mask.rules[rule]);
    let recall = |row: &Row, rule: usize| percent(mean(reached(row, rule).iter()));
    let more = |row: &Row, rule: usize| {
        mean_difference(&reached(row, rule), &reached(row, 0)).map_or("-".to_string(), difference)
    };
    format!(
        "{}\n{}",
        by_rule("click, picked by", rows, recall),
        by_rule("more than the first", rows, more)
    )
}

fn by_rule(title: &str, rows: &[Row], cell: impl Fn(&Row, usize) -> String) -> String {
    let names = rows.iter().map(|row| row.name.clone());
    let mut lines = vec![std::iter::once(title.to_string()).chain(names).collect::<Vec<_>>()];
    for (index, (name, _)) in RULES.iter().enumerate() {
        let cells = rows.iter().map(|row| cell(row, index));
        lines.push(std::iter::once(name.to_string()).chain(cells).collect());
    }
    table(&lines)
}

fn means(
    row: &Row,
    takes_part: impl Fn(&Judged) -> bool,
    of: impl Fn(&Judged) -> f64,
) -> Vec<Mean> {
    let mean_of = |photo: &PhotoClicks| {
        let mut mean = Mean::default();
        photo.masks.iter().filter(|mask| takes_part(mask)).for_each(|mask| mean.add(of(mask)));
        mean
    };
    row.photos.iter().map(mean_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_count_in_their_size_and_in_all() {
        let judged = |size, click| Judged {
            size,
            click,
            click_best: 1.0,
            box_picked: 0.5,
            box_best: 0.5,
            rules: vec![click; RULES.len()],
        };
        let photo = PhotoClicks { masks: vec![judged(Size::Small, 0.0), judged(Size::Large, 1.0)] };
        let rows = [Row { name: "coco".to_string(), photos: vec![photo.clone(), photo] }];
        let text = sizes(&rows);
        let line = |name: &str| text.lines().find(|line| line.contains(name)).expect("a line");
        for figure in [" 50.0 [50.0, 50.0] 2 |", " 100.0 [100.0, 100.0] 2 |"] {
            assert!(line("| coco  ").contains(figure), "{text}");
        }
        assert!(line("coco, small").contains(" 0.0 [0.0, 0.0] 2 |"), "{text}");
        assert!(line("coco, medium").ends_with("- |"), "{text}");
        assert!(rules(&rows).contains("+0.0 [+0.0, +0.0]"), "{}", rules(&rows));
    }
}
