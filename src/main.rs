/// That of glibc keeps what many threads have freed: large imports took twice the memory, and did not give it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sysmonsearch::cli::main()
}
