//! The program for the terminal: `segment` for photos, `convert` for model files, the others for measurements.

mod commands;

fn main() -> std::process::ExitCode {
    commands::main()
}
