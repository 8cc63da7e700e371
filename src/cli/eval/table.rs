//! The figures as a table in Markdown.

use std::fmt::Write;

use super::measure::Measure;
use super::predict::Times;
use super::score::Scores;

/// A line of the tables.
pub struct Row {
    pub name: String,
    pub scores: Scores,
    /// None if the predictions were read from a file.
    pub times: Option<Times>,
}

type Column = (&'static str, fn(&Row) -> String);

const RECALLS: &[Column] = &[
    ("set", |row| row.name.clone()),
    ("AR^E", |row| average(&row.scores.entity)),
    ("AR^E any level", |row| average(&row.scores.entity_any)),
    ("AR^P", |row| average(&row.scores.part)),
    ("AR^P any level", |row| average(&row.scores.part_any)),
    ("AR^P\\|E", |row| average(&row.scores.part_prompted)),
    ("AR^R", |row| average(&row.scores.relation)),
    ("AR region any level", |row| average(&row.scores.region_any)),
];

const PRECISIONS_AND_LINKS: &[Column] = &[
    ("set", |row| row.name.clone()),
    ("AP^E complete", |row| percent(row.scores.entity_complete.average_precision())),
    ("AR^E complete", |row| average(&row.scores.entity_complete)),
    ("AP^P", |row| percent(row.scores.part.average_precision())),
    ("AP^P\\|E", |row| percent(row.scores.part_prompted.average_precision())),
    ("AR^EP", |row| percent(row.scores.entity_part.value())),
    ("AR^RE", |row| percent(row.scores.relation_entity.value())),
    ("F^E", |row| percent(row.scores.entity_boundary.value())),
    ("F^P", |row| percent(row.scores.part_boundary.value())),
    ("consistency", |row| percent(row.scores.consistency.value())),
];

const RECALLS_AT_HALF: &[Column] = &[
    ("set", |row| row.name.clone()),
    ("R50^E", |row| at_half(&row.scores.entity)),
    ("R50^E any level", |row| at_half(&row.scores.entity_any)),
    ("R50^P", |row| at_half(&row.scores.part)),
    ("R50^P any level", |row| at_half(&row.scores.part_any)),
    ("R50^P\\|E", |row| at_half(&row.scores.part_prompted)),
    ("R50^R", |row| at_half(&row.scores.relation)),
    ("R50 region any level", |row| at_half(&row.scores.region_any)),
];

const COUNTS: &[Column] = &[
    ("set", |row| row.name.clone()),
    ("images", |row| row.scores.images.to_string()),
    ("entities", |row| row.scores.entity.targets().to_string()),
    ("parts", |row| row.scores.part.targets().to_string()),
    ("prompted parts", |row| row.scores.part_prompted.targets().to_string()),
    ("regions", |row| row.scores.region_any.targets().to_string()),
    ("entities complete", |row| row.scores.entity_complete.targets().to_string()),
    ("relations", |row| row.scores.relation.targets().to_string()),
    ("links EP", |row| row.scores.entity_part.count().to_string()),
    ("links RE", |row| row.scores.relation_entity.count().to_string()),
    ("masks an image", |row| {
        format!("{:.1}", row.scores.predictions as f64 / row.scores.images.max(1) as f64)
    }),
    ("encoder s", |row| seconds(row, |times| times.encoder.as_secs_f64())),
    ("levels s", |row| seconds(row, |times| times.levels.as_secs_f64())),
];

/// All tables, percentages with one decimal.
pub fn report(rows: &[Row]) -> String {
    [RECALLS, PRECISIONS_AND_LINKS, RECALLS_AT_HALF, COUNTS].map(|columns| table(columns, rows)).join("\n")
}

fn average(measure: &Measure) -> String {
    percent(measure.average_recall())
}

fn at_half(measure: &Measure) -> String {
    percent(measure.recall_at_half())
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_string(), |share| format!("{:.1}", share * 100.0))
}

fn seconds(row: &Row, of: impl Fn(&Times) -> f64) -> String {
    row.times.map_or("-".to_string(), |times| format!("{:.1}", of(&times) / row.scores.images.max(1) as f64))
}

fn table(columns: &[Column], rows: &[Row]) -> String {
    let mut lines = vec![columns.iter().map(|(title, _)| title.to_string()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(_, value)| value(row)).collect()));
    let widths: Vec<usize> = (0..columns.len())
        .map(|i| {
            lines.iter().filter_map(|line| line.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (index, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            // Names to the left, figures to the right.
            let _ = if index == 0 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
        if number == 0 {
            for (index, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = if index == 0 { write!(text, "|{dashes}-") } else { write!(text, "|{dashes}:") };
            }
            text.push_str("|\n");
        }
    }
    text
}
