//! From what cameras, screens and files give to [`Frame`]s, and from one size to another.
//!
//! Everything becomes I420 with BT.601 in limited range, which is what H.264 carries and the window draws.

mod jpeg;
mod planar;
mod scale;

pub use scale::{Fit, Rotation, Scaler, rotate, scale};

pub(super) use jpeg::Jpeg;
pub(super) use planar::{Order, Planar, Subsampling};
pub(super) use scale::halve_plane;
