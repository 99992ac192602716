//! A body as sent, unpacked within bounds.
use crate::error::{Code, Error, Result};
use axum::body::Bytes;
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// # Errors
/// `TOO_LARGE` when it unpacks to more than `max` bytes; `BAD_INPUT` for what is not packed as announced.
pub fn unpack(body: Bytes, encoding: Option<&str>, max: usize) -> Result<Bytes> {
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => {
            let mut out = Vec::new();
            let mut reader = MultiGzDecoder::new(&*body).take(max as u64 + 1);
            reader.read_to_end(&mut out).map_err(|e| Error::bad_input(format!("the body is not gzip: {e}")))?;
            if out.len() > max {
                return Err(Error::new(Code::TooLarge, format!("the body unpacks to more than {max} bytes")));
            }
            Ok(out.into())
        }
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            Err(Error::bad_input(format!("Content-Encoding {other:?} is not known: use gzip or none")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let mut gz = GzEncoder::new(Vec::new(), Compression::best());
        gz.write_all(&vec![b' '; 100_000]).unwrap();
        let packed = Bytes::from(gz.finish().unwrap());
        assert_eq!(unpack(packed.clone(), Some("gzip"), 100_000).unwrap().len(), 100_000);
        assert_eq!(unpack(packed.clone(), Some("gzip"), 99_999).unwrap_err().code, Code::TooLarge);
        assert_eq!(unpack(packed, Some("br"), 100_000).unwrap_err().code, Code::BadInput);
        assert_eq!(unpack(Bytes::from_static(b"plain"), Some("gzip"), 10).unwrap_err().code, Code::BadInput);
    }
}
