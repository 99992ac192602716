fn main() -> std::process::ExitCode {
    sysmonsearch::cli::main()
}
