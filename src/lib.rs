pub mod catalog;
pub mod error;
pub mod event;
pub mod graph;
pub mod store;
