//! `segment`: masks of any number of photos, as JSON lines. A run that was stopped goes on where it was.

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

#[derive(Args)]
pub struct Arguments {
    /// Photos, and folders that are searched for .jpg, .jpeg, .png and .webp.
    #[arg(required = true, value_name = "PHOTO_OR_FOLDER")]
    photos: Vec<PathBuf>,
    /// Folder for `scenes.jsonl`, one line a photo. Photos that it has already are not computed again.
    #[arg(long, default_value = "out")]
    out: PathBuf,
    /// Also draw the masks on each photo: one PNG a level, in `overlays` below the folder for results.
    #[arg(long)]
    overlays: bool,
    /// Also write what `scenes.jsonl` has to this file, as a COCO data set.
    #[arg(long, value_name = "FILE")]
    coco: Option<PathBuf>,
    /// Delete what the folder has of earlier runs, and begin anew.
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    model: ModelArguments,
    /// A prompt as JSON, as the JavaScript API takes it; the whole photo if there is none.
    #[arg(long)]
    prompt: Option<String>,
    #[command(flatten)]
    search: SearchArguments,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let request = arguments.request()?;
    let Selection { photos, failures } = photos::select(&arguments.photos, &arguments.out);
    ensure!(
        !photos.is_empty() || !failures.is_empty(),
        "no photo was found. Name photos, or folders with files that end in .jpg, .jpeg, .png or .webp"
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

    /// Segments the photos that the folder does not have yet. The model is opened only if there are any.
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

    /// Overlays of photos that an earlier run has done without, and the COCO file.
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
