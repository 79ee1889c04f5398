//! What a person got wrong is said in full: what, where, and what would be right.

mod codes;
mod hostile;
mod inventories;
