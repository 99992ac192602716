//! The event store. `conformance` is written against the trait, for every engine; `embedded` is about files,
//! crashes and two processes.
mod conformance;
mod embedded;
mod naive;
mod sample;
