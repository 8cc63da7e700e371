//! A folder of small photos, and the program that segments them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder, in which the program runs.
pub struct Place {
    folder: TempDir,
}

/// What a run printed to standard error, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// The exit status; `None` if a signal ended the program.
    pub status: Option<i32>,
    /// The text on standard error.
    pub text: String,
}

impl Place {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a photo of a disc that is different for each name.
    pub fn photo(&self, name: &str) {
        let seed = name.bytes().map(u32::from).sum::<u32>();
        let (x0, y0) = (20 + seed % 24, 20 + seed / 3 % 8);
        let image = RgbImage::from_fn(64, 48, |x, y| {
            let is_inside = x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2) < 150;
            if is_inside { Rgb([220, 60, seed as u8]) } else { Rgb([30, 90, 140]) }
        });
        self.file(name, b"");
        let path = self.path(name);
        let format = image::ImageFormat::from_path(&path).expect("a photo's extension");
        image.save_with_format(path, format).expect("a photo");
    }

    /// Adds a file, and the folders around it.
    pub fn file(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, bytes).expect("a file");
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command `aims-web segment` in this folder, with a small model on the CPU.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_named("segment", arguments)
    }

    /// Another command in this folder, with the same model.
    pub fn command_named(&self, name: &str, arguments: &[&str]) -> Command {
        let model =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/aims-tiny-q8.safetensors");
        let mut command = Command::new(env!("CARGO_BIN_EXE_aims-web"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).arg(name);
        command.args(["--device", "cpu", "--model"]).arg(model).args(arguments);
        command
    }

    /// Runs the command to its end, with an input of 64 pixels unless the arguments have another
    /// size.
    pub fn segment(&self, arguments: &[&str]) -> Said {
        let has_size = arguments.contains(&"--input-size");
        let size: &[&str] = if has_size { &[] } else { &["--input-size", "64"] };
        Said::of(self.command(&[arguments, size].concat()))
    }

    /// The lines of a file of JSON lines.
    pub fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.read(name);
        assert!(text.is_empty() || text.ends_with('\n'), "the last line of {name} is incomplete");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The photos that have a line, in the order of the lines.
    pub fn photos(&self) -> Vec<String> {
        let name = |line: &Value| line["photo"].as_str().expect("a name").to_string();
        self.lines("out/scenes.jsonl").iter().map(name).collect()
    }
}

impl Said {
    /// Runs a command to its end.
    pub fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the program runs");
        assert!(stdout.is_empty(), "results must go to files");
        Self { status: status.code(), text: String::from_utf8(stderr).expect("text") }
    }

    /// Checks the exit status, and that the output has all of these texts.
    #[track_caller]
    pub fn expect(&self, status: i32, texts: &[&str]) {
        assert_eq!(self.status, Some(status), "{}", self.text);
        for text in texts {
            assert!(self.text.contains(text), "{text:?} is not in: {}", self.text);
        }
    }
}
