//! Threat reports: every format, real files, bad files, and what becomes of an import.
mod bad;
mod formats;
mod observed;
mod real;
mod stix1;
