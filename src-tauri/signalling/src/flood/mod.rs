//! What one person may ask of this device's attention, so that nobody's flood drowns the others.

mod bucket;
mod lanes;
mod presences;

pub(crate) use lanes::{Admission, Lanes, Waiting};
pub(crate) use presences::{Presences, Ready};
