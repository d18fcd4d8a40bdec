//! Whether a graphics card draws the windows.
//!
//! Without one WebKit runs all of OpenGL on the processor: a call at 720p then took one and a half cores and showed four
//! pictures a second, which the same processor draws thirty times a second when it is asked directly (`bench video`). So where
//! there is no card, the windows are drawn without OpenGL, and pictures without WebGL.

use clap::ValueEnum;

/// Who draws the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Gpu {
    /// The graphics card, if there is one.
    Auto,
    /// The graphics card: there is one, though it is not recognised.
    On,
    /// The processor: there is a card, but it draws badly.
    Off,
}

/// The app's decision, made once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graphics {
    /// A graphics card draws.
    pub accelerated: bool,
}

impl Graphics {
    /// What comes of a choice on this computer.
    pub fn of(choice: Gpu) -> Self {
        let accelerated = match choice {
            Gpu::Auto => card_is_there(),
            Gpu::On => true,
            Gpu::Off => false,
        };
        Self { accelerated }
    }
}

/// Tells the windows' engine who draws, before it and any thread is there.
#[cfg(target_os = "linux")]
pub fn announce(graphics: Graphics) {
    if !graphics.accelerated {
        // SAFETY: nothing reads or writes the environment meanwhile, for this is the program's only thread. WebKit is told
        // in no other way before a window is there, and one that changes its mind when a second window shares its process
        // brings both down (2.50).
        #[expect(unsafe_code, reason = "WebKit reads this from the environment")]
        unsafe {
            std::env::set_var("WEBKIT_DISABLE_COMPOSITING_MODE", "1");
        }
    }
}

/// Elsewhere the system's own web view knows.
#[cfg(not(target_os = "linux"))]
pub fn announce(_: Graphics) {}

#[cfg(target_os = "linux")]
fn card_is_there() -> bool {
    linux::renders("/dev/dri".as_ref(), "/sys/class/drm".as_ref())
}

#[cfg(not(target_os = "linux"))]
fn card_is_there() -> bool {
    true
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    /// Whether one of the devices there renders: it has a render node, and is not a virtual machine's plain screen.
    pub fn renders(devices: &Path, classes: &Path) -> bool {
        let Ok(entries) = devices.read_dir() else { return false };
        entries
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().starts_with("renderD"))
            .any(|name| !is_plain(&classes.join(name).join("device/features")))
    }

    /// Virtio's list of features has a character for each bit. The first of a screen's is `VIRTIO_GPU_F_VIRGL`: the host
    /// renders (Virtual I/O Device 1.2, section 5.7.3). Other devices have no such list.
    fn is_plain(features: &Path) -> bool {
        std::fs::read_to_string(features).is_ok_and(|bits| bits.starts_with('0'))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::linux::renders;
    use super::*;

    #[test]
    fn a_card_is_recognised_by_its_render_node() {
        let root = tempfile::tempdir().unwrap();
        let (devices, classes) = (root.path().join("dri"), root.path().join("drm"));
        assert!(!renders(&devices, &classes), "there is no such directory");
        fs::create_dir_all(&devices).unwrap();
        fs::write(devices.join("card0"), "").unwrap();
        assert!(!renders(&devices, &classes), "a screen alone");
        fs::write(devices.join("renderD128"), "").unwrap();
        assert!(renders(&devices, &classes));
    }

    #[test]
    fn a_virtual_screen_renders_only_if_its_host_does() {
        let root = tempfile::tempdir().unwrap();
        let (devices, classes) = (root.path().join("dri"), root.path().join("drm"));
        let device = classes.join("renderD128/device");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(&devices).unwrap();
        fs::write(devices.join("renderD128"), "").unwrap();
        fs::write(device.join("features"), "0100000000\n").unwrap();
        assert!(!renders(&devices, &classes));
        fs::write(device.join("features"), "1100000000\n").unwrap();
        assert!(renders(&devices, &classes));
    }

    #[test]
    fn a_choice_is_taken_at_its_word() {
        assert!(Graphics::of(Gpu::On).accelerated);
        assert!(!Graphics::of(Gpu::Off).accelerated);
    }
}
