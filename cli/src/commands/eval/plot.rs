//! A plot of recall at each IoU threshold. It shows how many masks are found at all, and how many
//! closely.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

use super::matching::{THRESHOLDS, threshold};
use super::measure::{Outcomes, recalls};
use super::score::PhotoScores;

type Curve = (&'static str, RGBColor, fn(&PhotoScores) -> &Outcomes);

const CURVES: [Curve; 4] = [
    ("entities", RGBColor(0, 114, 178), |photo| &photo.entity),
    ("parts", RGBColor(213, 94, 0), |photo| &photo.part),
    ("parts in a true entity", RGBColor(0, 158, 115), |photo| &photo.part_prompted),
    ("relations", RGBColor(150, 80, 160), |photo| &photo.relation),
];

/// Draws a curve for everything that has human masks, as an SVG file.
pub fn draw(path: &Path, photos: &[PhotoScores]) -> Result<()> {
    let svg = picture(photos).map_err(|error| anyhow!("cannot draw the plot: {error}"))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

fn picture(photos: &[PhotoScores]) -> Result<String, Box<dyn std::error::Error + '_>> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (560, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(44)
        .build_cartesian_2d(threshold(0)..threshold(THRESHOLDS - 1), 0.0..100.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("IoU with the human mask, at least")
        .y_desc("found, %")
        .draw()?;
    for (name, color, of) in CURVES {
        let Some(recalls) = recalls(photos.iter().map(of)) else { continue };
        let points =
            recalls.iter().enumerate().map(|(index, recall)| (threshold(index), recall * 100.0));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(TRANSPARENT)
        .draw()?;
    area.present()?;
    drop(chart);
    drop(area);
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use aims_web::mask::BitMask;

    use super::super::matching::{Shape, Target};
    use super::*;

    #[test]
    fn only_what_has_human_masks_has_a_curve() {
        let shape = Shape::new(BitMask::full(4, 4));
        let mut scores = PhotoScores::default();
        scores.part.add(&[(1.0, &shape)], &[Target { shape: &shape, ignore: false }]);
        let svg = picture(&[scores]).expect("a picture");
        // A curve and its sample in the legend.
        assert_eq!(svg.matches("#D55E00").count(), 2, "{svg}");
        assert!(svg.contains("parts\n") && !svg.contains("relations"), "{svg}");
    }
}
