//! The `framehaul` program; see [`framehaul::cli`].

fn main() -> std::process::ExitCode {
    framehaul::cli::main()
}
