//! The tables of an inventory, as they are written.

pub mod guests;
pub mod inventory;
pub mod machines;
pub mod network;
