//! The program for the terminal: `segment` is for photos, `convert` for model files, and the other
//! commands measure and show results.

mod commands;

fn main() -> std::process::ExitCode {
    commands::main()
}
