//! Which cameras there are.
//!
//! The number of a camera changes when it is plugged in again, so its id is made of what does not change: the name, and the place where it
//! is plugged in.

use nokhwa::utils::CameraIndex;

use super::super::{VideoDevice, VideoError};

/// A camera that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) index: CameraIndex,
    pub(super) device: VideoDevice,
}

/// All cameras, in the system's order.
pub(in crate::video::source) fn cameras() -> Vec<VideoDevice> {
    all().0.into_iter().map(|found| found.device).collect()
}

/// One camera; none: the first.
pub(super) fn find(id: Option<&str>) -> Result<Found, VideoError> {
    let (mut found, denied) = all();
    let position = match id {
        None => (!found.is_empty()).then_some(0),
        Some(id) => found.iter().position(|found| found.device.id == id).or_else(|| {
            // The same camera at another plug.
            let name = id.split_once('@').map_or(id, |(name, _)| name);
            found.iter().position(|found| found.device.name == name)
        }),
    };
    match (position, id) {
        (Some(position), _) => Ok(found.swap_remove(position)),
        (None, _) if denied => Err(VideoError::Denied),
        (None, Some(id)) if !found.is_empty() => Err(VideoError::UnknownDevice(id.to_owned())),
        (None, _) => Err(VideoError::NoCamera),
    }
}

/// Gives every camera an id of its own, also two of the same name in the same place.
fn distinct(named: Vec<(CameraIndex, String, String)>) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for (index, name, place) in named {
        let plain = format!("{name}@{place}");
        let again = all.iter().filter(|found| found.device.id.starts_with(&plain)).count();
        let id = if again == 0 { plain } else { format!("{plain}#{}", again + 1) };
        all.push(Found { index, device: VideoDevice { id, name } });
    }
    all
}

/// The cameras, and whether there is one that the system keeps from us.
#[cfg(target_os = "linux")]
fn all() -> (Vec<Found>, bool) {
    nodes::all()
}

/// The cameras, and whether there is one that the system keeps from us.
#[cfg(not(target_os = "linux"))]
fn all() -> (Vec<Found>, bool) {
    // nokhwa panics where a driver gives no name.
    let found = std::panic::catch_unwind(|| nokhwa::query(nokhwa::utils::ApiBackend::Auto));
    let found = found.ok().and_then(Result::ok).unwrap_or_default();
    let named = found.into_iter().map(|info| (info.index().clone(), info.human_name(), info.misc())).collect();
    (distinct(named), false)
}

/// nokhwa lists every node below /dev/video, those for metadata included, so Linux is asked directly.
#[cfg(target_os = "linux")]
mod nodes {
    use std::collections::HashMap;
    use std::os::unix::fs::DirEntryExt;
    use std::path::{Path, PathBuf};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use v4l::video::Capture;

    use super::{CameraIndex, Found, distinct};

    /// What a node was found to be, by its path and inode: a node that comes again has another inode. Asking each time would wake
    /// cameras that sleep.
    static KNOWN: LazyLock<Mutex<HashMap<(PathBuf, u64), Node>>> = LazyLock::new(Mutex::default);

    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Node {
        Camera { name: String, place: String },
        Other,
    }

    pub(super) fn all() -> (Vec<Found>, bool) {
        let Ok(entries) = std::fs::read_dir("/dev") else {
            return (Vec::new(), false);
        };
        let mut nodes: Vec<(u32, u64)> = entries
            .flatten()
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()?;
                Some((number, entry.ino()))
            })
            .collect();
        nodes.sort_unstable();
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut named, mut denied, mut still) = (Vec::new(), false, HashMap::new());
        for (number, inode) in nodes {
            let path = PathBuf::from(format!("/dev/video{number}"));
            let key = (path, inode);
            let node = known.remove(&key).map_or_else(|| ask(&key.0), Ok);
            match node {
                Ok(node) => {
                    if let Node::Camera { name, place } = &node {
                        named.push((CameraIndex::Index(number), name.clone(), place.clone()));
                    }
                    still.insert(key, node);
                }
                Err(error) => denied |= error.kind() == std::io::ErrorKind::PermissionDenied,
            }
        }
        *known = still;
        (distinct(named), denied)
    }

    fn ask(path: &Path) -> std::io::Result<Node> {
        let device = v4l::Device::with_path(path)?;
        // Only a node that pictures come from has formats.
        if device.enum_formats().map_or(true, |formats| formats.is_empty()) {
            return Ok(Node::Other);
        }
        // The crate panics where a name was cut in the middle of a letter.
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| device.query_caps()));
        let Ok(caps) = asked else {
            return Ok(Node::Camera { name: path.display().to_string(), place: String::new() });
        };
        let caps = caps?;
        Ok(Node::Camera { name: caps.card, place: caps.bus })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_a_kind_have_their_own_ids() {
        let camera = |index| (CameraIndex::Index(index), "Camera".to_owned(), "usb-1".to_owned());
        let found = distinct(vec![camera(0), camera(2)]);
        assert_eq!(found[0].device.id, "Camera@usb-1");
        assert_eq!(found[1].device.id, "Camera@usb-1#2");
        assert_eq!(found[1].index, CameraIndex::Index(2));
    }
}
