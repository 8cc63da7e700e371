//! Observes what the layers of a network are fed on some photos, which is needed to round their
//! weights well.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use nalgebra::{DMatrix, DMatrixView};

use aims_web::model::inputs::observe;
use aims_web::photo::{Photo, decode};
use aims_web::progress::Progress;
use aims_web::segmenter::{DeviceKind, Point, PointPrompt, Request, Segmenter};

/// The long side of the photos as the network reads them, in pixels.
const INPUT_SIZE: u32 = 640;
/// The number of tiles along each side of a photo. The network is prompted at the middle of each
/// tile, and with a box around it.
const TILES: u32 = 4;
/// The maximum number of rows that are used of one input. The first layers have many rows, which
/// are similar.
const MOST_ROWS: usize = 4096;

/// For each matrix of n inputs, by its name in the model file: the mean of `xᵀx` over the rows `x`
/// that it was fed, `[n, n]`.
pub type Moments = HashMap<String, DMatrix<f32>>;

/// The moments of the network in `model`, a file of floats, on the JPEG, PNG and WebP files in the
/// folder `photos`.
pub fn moments(model: &[u8], photos: &Path) -> Result<Moments> {
    let files = photos_in(photos)?;
    let segmenter = pollster::block_on(Segmenter::new(DeviceKind::Cpu, model, Some(INPUT_SIZE)))?;
    let sums = Rc::new(RefCell::new(HashMap::<String, Sum>::new()));
    let kept = sums.clone();
    observe(Some(Box::new(move |name, values, inputs| {
        let mut sums = kept.borrow_mut();
        sums.entry(format!("{name}.weight")).or_insert_with(|| Sum::new(inputs)).add(values);
    })));
    let result = files.iter().enumerate().try_for_each(|(index, file)| {
        eprintln!("{}/{} {}", index + 1, files.len(), file.display());
        let photo = decode(&std::fs::read(file)?).with_context(|| file.display().to_string())?;
        pollster::block_on(ask(&segmenter, photo))
    });
    observe(None);
    result?;
    let sums = sums.take().into_iter();
    Ok(sums.map(|(name, Sum { products, rows })| (name, products / rows as f32)).collect())
}

/// The photos in a folder, in the order of their names.
fn photos_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| ["jpg", "jpeg", "png", "webp"].contains(&extension))
    });
    files.sort();
    ensure!(!files.is_empty(), "there are no photos in {}", folder.display());
    Ok(files)
}

/// Runs all parts of the network on a photo.
async fn ask(segmenter: &Segmenter, photo: Photo) -> Result<()> {
    let photo = segmenter.encode(photo, &Progress::none()).await?;
    if segmenter.has_levels() {
        segmenter.segment(&photo, &Request::default(), &Progress::none()).await?;
    }
    let (width, height) = (f64::from(photo.width), f64::from(photo.height));
    let [wide, high] = [width, height].map(|side| side / f64::from(TILES));
    for row in 0..TILES {
        for column in 0..TILES {
            let (x, y) = (wide * f64::from(column), high * f64::from(row));
            let middle = Point { x: x + wide / 2.0, y: y + high / 2.0, label: 1 };
            let click = PointPrompt::at(vec![middle]);
            let boxed = PointPrompt::around([x, y, wide, high]);
            segmenter.answers(&photo, &click).await?;
            segmenter.answers(&photo, &boxed).await?;
        }
    }
    Ok(())
}

struct Sum {
    products: DMatrix<f32>,
    rows: usize,
}

impl Sum {
    fn new(inputs: usize) -> Self {
        Self { products: DMatrix::zeros(inputs, inputs), rows: 0 }
    }

    /// Adds the products of the rows in `values`. If there are too many, only every second, third,
    /// ... is used.
    fn add(&mut self, values: &[f32]) {
        let inputs = self.products.nrows();
        let step = (values.len() / inputs).div_ceil(MOST_ROWS).max(1);
        let taken: Vec<f32> = values.chunks(inputs).step_by(step).flatten().copied().collect();
        let rows = taken.len() / inputs;
        // nalgebra stores matrices column by column.
        let x = DMatrixView::from_slice(&taken, inputs, rows);
        self.products.gemm(1.0, &x, &x.transpose(), 1.0);
        self.rows += rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_summed() {
        let mut sum = Sum::new(2);
        sum.add(&[1.0, 2.0, 3.0, 4.0]);
        sum.add(&[0.0, 10.0]);
        assert_eq!(sum.products, DMatrix::from_row_slice(2, 2, &[10.0, 14.0, 14.0, 120.0]));
        assert_eq!(sum.rows, 3);
        let mut many = Sum::new(1);
        many.add(&vec![1.0; 3 * MOST_ROWS]);
        assert_eq!((many.rows, many.products[(0, 0)]), (MOST_ROWS, MOST_ROWS as f32));
    }
}
