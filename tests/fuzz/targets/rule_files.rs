//! A file of rules: YAML, or an archive of such files.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::io::Write as _;
use sysmonsearch::rules;

fuzz_target!(|bytes: &[u8]| {
    let name = match bytes.first_chunk::<4>() {
        Some(b"PK\x03\x04") => ".zip",
        Some([0x1f, 0x8b, ..]) => ".tar.gz",
        Some([0x28, 0xb5, 0x2f, 0xfd]) => ".tar.zst",
        Some([0xfd, b'7', b'z', b'X']) => ".tar.xz",
        _ => ".yml",
    };
    let mut file = tempfile::Builder::new().suffix(name).tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let _ = rules::load(file.path());
});
