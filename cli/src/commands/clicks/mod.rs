//! `clicks`: measures how well one click, and one box, finds each mask that people drew.

mod judge;
mod rules;
mod table;

use aims_web::mask::Rle;
use aims_web::photo::decode;
use aims_web::{Progress, Segmenter};
use anyhow::{Context, Result, ensure};
use clap::Args;

use super::eval::data::{Label, LabelLevel, LabelledImage, Set};
use super::eval::sets::SetArguments;
use super::setup::ModelArguments;
use judge::{PhotoClicks, judge};
use table::Row;

/// The arguments of `clicks`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    sets: SetArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Also compare rules that pick one of the three answers to a click.
    ///
    /// Choose a rule with `--split train` only.
    #[arg(long)]
    rules: bool,
}

/// Measures the sets, and prints the tables.
pub async fn run(arguments: Arguments) -> Result<()> {
    let sets = arguments.sets.open()?;
    let segmenter = arguments.model.open().await?;
    let mut rows = Vec::new();
    for set in &sets {
        let mut photos = Vec::new();
        for (image, number) in set.images.iter().zip(1..) {
            let masks = scored(image);
            eprintln!("{number}/{} {}: {} masks", set.images.len(), image.name, masks.len());
            if !masks.is_empty() {
                let clicks = click(&segmenter, set, image, &masks).await;
                photos.push(clicks.with_context(|| image.name.clone())?);
            }
        }
        rows.push(Row { name: set.name.clone(), photos });
    }
    if rows.len() > 1 {
        let photos = rows.iter().flat_map(|row| &row.photos).cloned().collect();
        rows.push(Row { name: "all".to_string(), photos });
    }
    println!("{}", table::sizes(&rows));
    if arguments.rules {
        println!("{}", table::rules(&rows));
    }
    Ok(())
}

/// The masks of a photo whose outlines and levels are certain.
fn scored(image: &LabelledImage) -> Vec<&Rle> {
    let is_sure =
        |label: &&Label| label.level != LabelLevel::Region && !label.approx && !label.crowd;
    let labels = image.drawings.iter().flat_map(|drawing| &drawing.labels);
    labels.filter(is_sure).map(|label| &label.rle).collect()
}

async fn click(
    segmenter: &Segmenter,
    set: &Set,
    image: &LabelledImage,
    masks: &[&Rle],
) -> Result<PhotoClicks> {
    let photo = decode(&set.read(&image.name)?)?;
    let encoded = segmenter.encode(photo, &Progress::none()).await?;
    let mut clicks = PhotoClicks::default();
    for rle in masks {
        let mask = rle.decode()?;
        ensure!(
            mask.size() == (encoded.width, encoded.height),
            "a human mask does not have the photo's size"
        );
        clicks.masks.extend(judge(segmenter, &encoded, mask).await?);
    }
    Ok(clicks)
}

#[cfg(test)]
mod tests {
    use super::super::eval::data::Drawing;
    use super::*;

    #[test]
    fn only_masks_of_sure_outline_and_level_are_clicked() {
        let rle = |counts: &str| -> Rle {
            serde_json::from_str(&format!(r#"{{"size":[2,3],"counts":"{counts}"}}"#))
                .expect("a valid RLE")
        };
        let sure = Label {
            level: LabelLevel::Part,
            rle: rle("06"),
            parent: None,
            members: Vec::new(),
            source: None,
            approx: false,
            crowd: false,
        };
        let labels = vec![
            sure.clone(),
            Label { approx: true, ..sure.clone() },
            Label { crowd: true, ..sure.clone() },
            Label { level: LabelLevel::Region, ..sure.clone() },
            Label { level: LabelLevel::Entity, rle: rle("15"), ..sure },
        ];
        let drawings = vec![Drawing { labels, is_complete: false, relations: Vec::new() }];
        let image = LabelledImage { name: "a/b.jpg".to_string(), drawings };
        assert_eq!(scored(&image), [&rle("06"), &rle("15")]);
    }
}
