//! Tables of the figures of all sets, with a row for each figure and a column for each set.

use super::bootstrap::Estimate;
use super::markdown::{NOTE, percent, table};
use super::mean::{Mean, mean};
use super::measure::{
    Outcomes, average_precision, average_recall, average_recall_of, recall_at_half,
};
use super::predict::Times;
use super::score::PhotoScores;
use super::size::Size;

/// The photos of one set.
pub struct Row {
    /// The name of the set.
    pub name: String,
    /// What each photo adds to the figures.
    pub photos: Vec<PhotoScores>,
    /// The time spent on the photos; `None` if the predictions were read from a file.
    pub times: Option<Times>,
}

type Figure = (&'static str, fn(&[PhotoScores]) -> Option<Estimate>);

const FIGURES: &[Figure] = &[
    ("AR^E", |photos| recall(photos, |photo| &photo.entity)),
    ("AR^E any level", |photos| recall(photos, |photo| &photo.entity_any)),
    ("AR^P", |photos| recall(photos, |photo| &photo.part)),
    ("AR^P any level", |photos| recall(photos, |photo| &photo.part_any)),
    ("AR^P\\|E", |photos| recall(photos, |photo| &photo.part_prompted)),
    ("AR^R", |photos| recall(photos, |photo| &photo.relation)),
    ("AR region any level", |photos| recall(photos, |photo| &photo.region_any)),
    ("AP^E complete", |photos| precision(photos, |photo| &photo.entity_complete)),
    ("AR^E complete", |photos| recall(photos, |photo| &photo.entity_complete)),
    ("AR^E small", |photos| recall_of(Size::Small, photos, |photo| &photo.entity)),
    ("AR^E medium", |photos| recall_of(Size::Medium, photos, |photo| &photo.entity)),
    ("AR^E large", |photos| recall_of(Size::Large, photos, |photo| &photo.entity)),
    ("AP^P", |photos| precision(photos, |photo| &photo.part)),
    ("AP^P\\|E", |photos| precision(photos, |photo| &photo.part_prompted)),
    ("AR^P small", |photos| recall_of(Size::Small, photos, |photo| &photo.part)),
    ("AR^P medium", |photos| recall_of(Size::Medium, photos, |photo| &photo.part)),
    ("AR^P large", |photos| recall_of(Size::Large, photos, |photo| &photo.part)),
    ("AR^EP", |photos| average(photos, |photo| &photo.entity_part)),
    ("AR^RE", |photos| average(photos, |photo| &photo.relation_entity)),
    ("AR^RE named", |photos| average(photos, |photo| &photo.named_relation_entity)),
    ("F^E", |photos| average(photos, |photo| &photo.entity_boundary)),
    ("F^P", |photos| average(photos, |photo| &photo.part_boundary)),
    ("consistency", |photos| average(photos, |photo| &photo.consistency)),
    ("R50^E", |photos| half(photos, |photo| &photo.entity)),
    ("R50^E any level", |photos| half(photos, |photo| &photo.entity_any)),
    ("R50^P", |photos| half(photos, |photo| &photo.part)),
    ("R50^P any level", |photos| half(photos, |photo| &photo.part_any)),
    ("R50^P\\|E", |photos| half(photos, |photo| &photo.part_prompted)),
    ("R50^R", |photos| half(photos, |photo| &photo.relation)),
    ("R50 region any level", |photos| half(photos, |photo| &photo.region_any)),
];

type Count = (&'static str, fn(&Row) -> String);

const COUNTS: &[Count] = &[
    ("photos", |row| row.photos.len().to_string()),
    ("entities", |row| sum(row, |photo| photo.entity.targets())),
    ("parts", |row| sum(row, |photo| photo.part.targets())),
    ("prompted parts", |row| sum(row, |photo| photo.part_prompted.targets())),
    ("regions", |row| sum(row, |photo| photo.region_any.targets())),
    ("entities complete", |row| sum(row, |photo| photo.entity_complete.targets())),
    ("relations", |row| sum(row, |photo| photo.relation.targets())),
    ("links EP", |row| sum(row, |photo| photo.entity_part.count())),
    ("links RE", |row| sum(row, |photo| photo.relation_entity.count())),
    ("masks a photo", |row| {
        let masks: usize = row.photos.iter().map(|photo| photo.predictions).sum();
        format!("{:.1}", masks as f64 / row.photos.len().max(1) as f64)
    }),
    ("encoder s", |row| seconds(row, |times| times.encoder.as_secs_f64())),
    ("levels s", |row| seconds(row, |times| times.levels.as_secs_f64())),
];

/// The tables of figures and of counts. Figures that no set has are left out.
pub fn report(rows: &[Row]) -> String {
    let titles = || {
        let names = rows.iter().map(|row| row.name.clone());
        std::iter::once(String::new()).chain(names).collect::<Vec<_>>()
    };
    let mut figures = vec![titles()];
    for (title, figure) in FIGURES {
        let found: Vec<_> = rows.iter().map(|row| figure(&row.photos)).collect();
        if found.iter().any(Option::is_some) {
            figures.push(
                std::iter::once(title.to_string()).chain(found.into_iter().map(percent)).collect(),
            );
        }
    }
    let mut counts = vec![titles()];
    for (title, count) in COUNTS {
        counts.push(std::iter::once(title.to_string()).chain(rows.iter().map(count)).collect());
    }
    format!("{NOTE} {}\n\n{}\n{}", Size::NOTE, table(&figures), table(&counts))
}

fn recall(photos: &[PhotoScores], of: fn(&PhotoScores) -> &Outcomes) -> Option<Estimate> {
    average_recall(photos.iter().map(of))
}

fn recall_of(
    size: Size,
    photos: &[PhotoScores],
    of: fn(&PhotoScores) -> &Outcomes,
) -> Option<Estimate> {
    average_recall_of(size, photos.iter().map(of))
}

fn precision(photos: &[PhotoScores], of: fn(&PhotoScores) -> &Outcomes) -> Option<Estimate> {
    average_precision(photos.iter().map(of))
}

fn half(photos: &[PhotoScores], of: fn(&PhotoScores) -> &Outcomes) -> Option<Estimate> {
    recall_at_half(photos.iter().map(of))
}

fn average(photos: &[PhotoScores], of: fn(&PhotoScores) -> &Mean) -> Option<Estimate> {
    mean(photos.iter().map(of))
}

fn sum(row: &Row, of: fn(&PhotoScores) -> usize) -> String {
    row.photos.iter().map(of).sum::<usize>().to_string()
}

fn seconds(row: &Row, of: impl Fn(&Times) -> f64) -> String {
    row.times.map_or("-".to_string(), |times| {
        format!("{:.1}", of(&times) / row.photos.len().max(1) as f64)
    })
}
