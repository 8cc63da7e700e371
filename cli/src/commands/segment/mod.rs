//! `segment`: finds the masks of any number of photos, and writes them as JSON lines. The same
//! command continues a run that was stopped.

mod coco;
mod files;
mod folder;
mod overlays;
mod photos;
mod report;
mod scenes;
mod settings;
mod worker;

use std::path::PathBuf;

use aims_web::Request;
use anyhow::{Context, Result, ensure};
use clap::Args;

use super::setup::{ModelArguments, SearchArguments};
use folder::Folder;
use photos::{PhotoFile, Selection};
use report::Report;
use settings::Settings;
use worker::Worker;

/// The arguments of `segment`.
#[derive(Args)]
pub struct Arguments {
    /// Photos, and folders to search for .jpg, .jpeg, .png and .webp files.
    #[arg(required = true, value_name = "PHOTO_OR_FOLDER")]
    photos: Vec<PathBuf>,
    /// Folder for `scenes.jsonl`, which has one line per photo.
    ///
    /// Photos that already have a line are not computed again.
    #[arg(long, default_value = "out")]
    out: PathBuf,
    /// Also draw the masks on each photo.
    ///
    /// There is one PNG file per level, in the folder `overlays` below the folder for results.
    #[arg(long)]
    overlays: bool,
    /// Also write the contents of `scenes.jsonl` to this file, as a COCO data set.
    #[arg(long, value_name = "FILE")]
    coco: Option<PathBuf>,
    /// Delete the results of earlier runs in the folder, and start again.
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    model: ModelArguments,
    /// Prompt as JSON, as the JavaScript API takes it; by default the whole photo.
    #[arg(long)]
    prompt: Option<String>,
    #[command(flatten)]
    search: SearchArguments,
}

/// Segments the photos, and prints how many are done, skipped and failed.
pub async fn run(arguments: Arguments) -> Result<()> {
    let request = arguments.request()?;
    let Selection { photos, failures } = photos::select(&arguments.photos, &arguments.out);
    ensure!(
        !photos.is_empty() || !failures.is_empty(),
        "no photo was found. Name photos, or folders with files that end in .jpg, .jpeg, .png or \
         .webp"
    );
    let model = arguments.model.read_model()?;
    let settings = arguments.settings(&request, &model)?;
    let mut folder = Folder::open(&arguments.out, settings, arguments.restart)?;

    let mut report = Report::new(&folder);
    failures.into_iter().try_for_each(|failure| report.fail(failure))?;
    let (old, new): (Vec<_>, Vec<_>) =
        photos.into_iter().partition(|photo| folder.scenes.contains(&photo.name));
    report.skipped = old.len();
    let mut worked = arguments.work(&model, request, &new, &mut folder, &mut report).await;
    if worked.is_ok() {
        worked = arguments.add_further_files(&folder, &old, &mut report);
    }
    report.finish(&folder, worked)
}

impl Arguments {
    fn request(&self) -> Result<Request> {
        let mut request = self.search.request();
        if let Some(prompt) = &self.prompt {
            request.prompt = serde_json::from_str(prompt).context("the prompt is not valid")?;
        }
        request.check()?;
        Ok(request)
    }

    fn settings(&self, request: &Request, model: &[u8]) -> Result<Settings> {
        let prompt = self.prompt.as_deref().unwrap_or(r#"{"kind":"full"}"#);
        Settings::new(model, self.model.input_size, prompt, request)
    }

    /// Segments the photos that the folder does not have yet. The model is opened only if there are
    /// any.
    async fn work(
        &self,
        model: &[u8],
        request: Request,
        photos: &[PhotoFile],
        folder: &mut Folder,
        report: &mut Report,
    ) -> Result<()> {
        if photos.is_empty() {
            return Ok(());
        }
        let segmenter = self.model.open_bytes(model).await?;
        folder.keep_settings(segmenter.input_size())?;
        Worker { segmenter, request, overlays: self.overlays }
            .segment_all(photos, folder, report)
            .await
    }

    /// Draws the overlays that photos of earlier runs lack, and writes the COCO file.
    fn add_further_files(
        &self,
        folder: &Folder,
        old: &[PhotoFile],
        report: &mut Report,
    ) -> Result<()> {
        if self.overlays {
            overlays::complete(folder, old, report)?;
        }
        self.coco.as_ref().map_or(Ok(()), |file| coco::write(file, &folder.scenes))
    }
}
