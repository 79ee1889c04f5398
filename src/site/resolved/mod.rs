//! The site resolved from its tables: the model for templates, devices in their order, members, fence devices, wires.

pub mod device;
pub(in crate::site) mod devices;
pub mod fencing;
pub mod guests;
pub(in crate::site) mod hosts;
pub mod installation;
pub mod knock;
pub mod membership;
pub mod mirrors;
pub(in crate::site) mod model;
pub mod purpose;
pub(in crate::site) mod select;
pub(in crate::site) mod wires;

pub use model::{Login, MODEL_OF_CLUSTER, MODEL_OF_GUEST, MODEL_OF_MIRROR, MODEL_OF_POOL};
pub use purpose::Purpose;
pub use select::SelectError;
pub use wires::Wire;
