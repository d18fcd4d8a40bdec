//! The screens and windows of an X server.
//!
//! The server writes into memory that both share, and tells what changed (DAMAGE). A window is shown without what lies on top of it
//! (Composite). Peal draws the pointer, which is in no picture, itself.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use x11rb::connection::Connection;
use x11rb::errors::{ReplyError, ReplyOrIdError};
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageFormat, ImageOrder, MapState, Window,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::super::{VideoDevice, VideoError};
use super::Kind;
use super::pointer::Pointer;
use crate::video::convert::{Order, Planar};

/// A screen or a window that is never as large as it says is not one.
const MOST_MISSED: u32 = 100;
/// The longest name that is asked for, in 32-bit words.
const LONGEST_NAME: u32 = 256;
/// At most so many windows are listed.
const MOST_WINDOWS: u32 = 4_096;

/// What is being shown.
pub(super) struct Capture {
    server: Server,
    target: Target,
    memory: Option<Memory>,
    pixels: Vec<u8>,
    /// Whether it changed since it was looked at last.
    changed: bool,
    pointer: Option<Pointer>,
    /// How many times one after the other it had another size than it said a moment before.
    missed: u32,
}

struct Server {
    connection: RustConnection,
    root: Window,
    has_composite: bool,
    has_pointer: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Screen { id: String, area: Area },
    Window { window: Window, pixmap: Option<(u32, Area)> },
}

/// A part of the root window, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Area {
    left: i16,
    top: i16,
    width: u16,
    height: u16,
}

/// What to read, and which part of it; where the upper left corner of that is on the root window.
type Place = (u32, Area, (i32, i32));

/// Memory that is shared with the server. It is read like a file, which costs a copy and needs no trust in what the server does meanwhile.
struct Memory {
    segment: shm::Seg,
    file: File,
    size: usize,
}

/// The screens, or the windows that can be seen; none without an X server.
pub(super) fn all(kind: Kind) -> Vec<VideoDevice> {
    let Ok(server) = Server::connect() else {
        return Vec::new();
    };
    match kind {
        Kind::Screen => server.screens().into_iter().map(|(device, _)| device).collect(),
        Kind::Window => server.windows().unwrap_or_default(),
    }
}

impl Capture {
    /// Opens what has this id; with it comes its name.
    pub(super) fn open(kind: Kind, id: &str) -> Result<(Self, String), VideoError> {
        let server = Server::connect()?;
        let unknown = || VideoError::UnknownDevice(id.to_owned());
        let (target, name) = match kind {
            Kind::Screen => {
                let (device, area) =
                    server.screens().into_iter().find(|(device, _)| device.id == id).ok_or_else(unknown)?;
                (Target::Screen { id: device.id, area }, device.name)
            }
            Kind::Window => {
                let window = id.parse().map_err(|_| unknown())?;
                let name = server.name(window).map_err(|_| unknown())?;
                let aux = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
                server
                    .connection
                    .change_window_attributes(window, &aux)
                    .map_err(lost)?
                    .check()
                    .map_err(|_| unknown())?;
                if server.has_composite {
                    server.connection.composite_redirect_window(window, Redirect::AUTOMATIC).map_err(lost)?;
                }
                (Target::Window { window, pixmap: None }, name)
            }
        };
        let drawable = match target {
            Target::Screen { .. } => server.root,
            Target::Window { window, .. } => window,
        };
        let damage = server.connection.generate_id().map_err(|error| VideoError::Unusable(error.to_string()))?;
        let watched = server.connection.damage_create(damage, drawable, ReportLevel::NON_EMPTY).map_err(lost)?;
        watched.check().map_err(failed)?;
        let capture =
            Self { server, target, memory: None, pixels: Vec::new(), changed: true, pointer: None, missed: 0 };
        Ok((capture, name))
    }

    /// Takes a picture; false if nothing changed since the last one.
    pub(super) fn grab(&mut self, planar: &mut Planar) -> Result<bool, VideoError> {
        self.listen()?;
        let Some((drawable, area, origin)) = self.place()? else {
            return Ok(false);
        };
        let pointer = self.server.pointer(origin, area);
        if !self.changed && pointer == self.pointer {
            return Ok(false);
        }
        match self.read(drawable, area) {
            Ok(()) => self.missed = 0,
            // It was made smaller in the meantime.
            Err(VideoError::Unusable(_)) if self.missed < MOST_MISSED => {
                self.missed += 1;
                self.renew()?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        (self.pointer, self.changed) = (pointer, false);
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        if let Some(pointer) = &self.pointer {
            pointer.draw(&mut self.pixels, width, height);
        }
        let filled = planar.set_rgb(&self.pixels, width, height, width * 4, Order::Bgra);
        filled.map_err(|error| VideoError::Unusable(error.to_string()))?;
        Ok(true)
    }

    /// Takes in what the server tells.
    fn listen(&mut self) -> Result<(), VideoError> {
        while let Some(event) = self.server.connection.poll_for_event().map_err(lost)? {
            match event {
                Event::DamageNotify(damage) => {
                    self.changed = true;
                    self.server.connection.damage_subtract(damage.damage, x11rb::NONE, x11rb::NONE).map_err(lost)?;
                }
                // Each of these gives a window other memory.
                Event::MapNotify(_) | Event::UnmapNotify(_) | Event::ConfigureNotify(_) => self.renew()?,
                Event::DestroyNotify(_) => return Err(VideoError::WindowClosed),
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks anew where it is.
    fn renew(&mut self) -> Result<(), VideoError> {
        self.changed = true;
        match &mut self.target {
            Target::Screen { id, area } => {
                let found = self.server.screens().into_iter().find(|(device, _)| device.id == *id);
                *area = found.ok_or_else(|| VideoError::UnknownDevice(id.clone()))?.1;
            }
            Target::Window { pixmap, .. } => {
                if let Some((old, _)) = pixmap.take() {
                    self.server.connection.free_pixmap(old).map_err(lost)?;
                }
            }
        }
        Ok(())
    }

    /// Where the picture is; none while the window can't be seen.
    fn place(&mut self) -> Result<Option<Place>, VideoError> {
        let server = &self.server;
        let (window, pixmap) = match &mut self.target {
            Target::Screen { area, .. } => {
                return Ok(Some((server.root, *area, (area.left.into(), area.top.into()))));
            }
            Target::Window { window, pixmap } => (*window, pixmap),
        };
        let connection = &server.connection;
        let attributes = connection.get_window_attributes(window).map_err(lost)?.reply().map_err(failed)?;
        if attributes.map_state != MapState::VIEWABLE {
            return Ok(None);
        }
        let geometry = connection.get_geometry(window).map_err(lost)?.reply().map_err(failed)?;
        let at = connection.translate_coordinates(window, server.root, 0, 0).map_err(lost)?.reply().map_err(failed)?;
        let area = Area { left: 0, top: 0, width: geometry.width, height: geometry.height };
        let origin = (i32::from(at.dst_x), i32::from(at.dst_y));
        if !server.has_composite {
            return Ok(Some((window, area, origin)));
        }
        // A border belongs to the memory, not to the picture.
        let border = geometry.border_width as i16;
        let inner = Area { left: border, top: border, ..area };
        if let Some((name, of)) = *pixmap
            && of == inner
        {
            return Ok(Some((name, inner, origin)));
        }
        if let Some((old, _)) = pixmap.take() {
            connection.free_pixmap(old).map_err(lost)?;
        }
        let name = connection.generate_id().map_err(|error| VideoError::Unusable(error.to_string()))?;
        match connection.composite_name_window_pixmap(window, name).map_err(lost)?.check().map_err(failed) {
            Ok(()) => {}
            // It went out of sight in the meantime.
            Err(VideoError::Unusable(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        *pixmap = Some((name, inner));
        self.changed = true;
        Ok(Some((name, inner, origin)))
    }

    fn read(&mut self, drawable: u32, area: Area) -> Result<(), VideoError> {
        let size = usize::from(area.width) * usize::from(area.height) * 4;
        let connection = &self.server.connection;
        if self.memory.as_ref().is_none_or(|memory| memory.size < size) {
            if let Some(old) = self.memory.take() {
                connection.shm_detach(old.segment).map_err(lost)?;
            }
            self.memory = Memory::shared(connection, size);
        }
        self.pixels.resize(size, 0);
        let Area { left, top, width, height } = area;
        let all = u32::MAX;
        let Some(memory) = &self.memory else {
            // The server is elsewhere, or knows no shared memory.
            let image = connection.get_image(ImageFormat::Z_PIXMAP, drawable, left, top, width, height, all);
            let image = image.map_err(lost)?.reply().map_err(failed)?;
            if image.data.len() != size {
                return Err(VideoError::Unusable("the screen has no 32 bits for a pixel".to_owned()));
            }
            self.pixels.copy_from_slice(&image.data);
            return Ok(());
        };
        let format = u8::from(ImageFormat::Z_PIXMAP);
        let image = connection.shm_get_image(drawable, left, top, width, height, all, format, memory.segment, 0);
        let image = image.map_err(lost)?.reply().map_err(failed)?;
        if image.size as usize != size {
            return Err(VideoError::Unusable("the screen has no 32 bits for a pixel".to_owned()));
        }
        memory.file.read_exact_at(&mut self.pixels, 0).map_err(|error| VideoError::Unusable(error.to_string()))
    }
}

impl Memory {
    /// None if the server shares no memory.
    fn shared(connection: &RustConnection, size: usize) -> Option<Self> {
        // Since 1.2 of the extension memory is shared by handing a file over.
        let version = connection.shm_query_version().ok()?.reply().ok()?;
        if (version.major_version, version.minor_version) < (1, 2) {
            return None;
        }
        let file = memfd_create("peal-screen", MemfdFlags::CLOEXEC).ok()?;
        ftruncate(&file, size as u64).ok()?;
        let theirs = file.try_clone().ok()?;
        let segment = connection.generate_id().ok()?;
        connection.shm_attach_fd(segment, theirs, false).ok()?.check().ok()?;
        Some(Self { segment, file: file.into(), size })
    }
}

impl Server {
    fn connect() -> Result<Self, VideoError> {
        let (connection, screen) = x11rb::connect(None).map_err(|_| VideoError::NoScreen)?;
        let setup = connection.setup();
        if setup.image_byte_order != ImageOrder::LSB_FIRST {
            return Err(VideoError::NoScreen);
        }
        let root = setup.roots.get(screen).ok_or(VideoError::NoScreen)?.root;
        let has_composite = connection.composite_query_version(0, 4).ok().is_some_and(|cookie| cookie.reply().is_ok());
        let has_pointer = connection.xfixes_query_version(4, 0).ok().is_some_and(|cookie| cookie.reply().is_ok());
        let has_damage = connection.damage_query_version(1, 1).ok().is_some_and(|cookie| cookie.reply().is_ok());
        if !has_damage {
            return Err(VideoError::NoScreen);
        }
        Ok(Self { connection, root, has_composite, has_pointer })
    }

    /// The screens with their places.
    fn screens(&self) -> Vec<(VideoDevice, Area)> {
        let monitors = self.connection.randr_get_monitors(self.root, true).ok().and_then(|cookie| cookie.reply().ok());
        let monitors = monitors.map(|reply| reply.monitors).unwrap_or_default();
        let mut screens: Vec<_> = monitors
            .into_iter()
            .filter_map(|monitor| {
                let name = self.connection.get_atom_name(monitor.name).ok()?.reply().ok()?.name;
                let name = String::from_utf8_lossy(&name).into_owned();
                let area = Area { left: monitor.x, top: monitor.y, width: monitor.width, height: monitor.height };
                Some((VideoDevice { id: name.clone(), name }, area))
            })
            .collect();
        if screens.is_empty()
            && let Some(root) = self.connection.get_geometry(self.root).ok().and_then(|cookie| cookie.reply().ok())
        {
            let area = Area { left: 0, top: 0, width: root.width, height: root.height };
            screens.push((VideoDevice { id: "screen".to_owned(), name: "screen".to_owned() }, area));
        }
        screens
    }

    /// The windows that can be seen and have a name.
    fn windows(&self) -> Result<Vec<VideoDevice>, ReplyError> {
        let list = self.connection.intern_atom(false, b"_NET_CLIENT_LIST")?.reply()?.atom;
        let listed =
            self.connection.get_property(false, self.root, list, AtomEnum::WINDOW, 0, MOST_WINDOWS)?.reply()?;
        // Without a window manager, whatever stands on the root window.
        let windows: Vec<Window> = match listed.value32() {
            Some(windows) if listed.type_ != x11rb::NONE => windows.collect(),
            _ => self.connection.query_tree(self.root)?.reply()?.children,
        };
        let seen = windows.into_iter().filter_map(|window| {
            let attributes = self.connection.get_window_attributes(window).ok()?.reply().ok()?;
            if attributes.map_state != MapState::VIEWABLE || attributes.override_redirect {
                return None;
            }
            let name = self.name(window).ok().filter(|name| !name.is_empty())?;
            Some(VideoDevice { id: window.to_string(), name })
        });
        Ok(seen.collect())
    }

    /// What a window is called.
    fn name(&self, window: Window) -> Result<String, ReplyError> {
        let name = self.connection.intern_atom(false, b"_NET_WM_NAME")?.reply()?.atom;
        for name in [name, AtomEnum::WM_NAME.into()] {
            let property =
                self.connection.get_property(false, window, name, AtomEnum::ANY, 0, LONGEST_NAME)?.reply()?;
            if !property.value.is_empty() {
                return Ok(String::from_utf8_lossy(&property.value).into_owned());
            }
        }
        Ok(String::new())
    }

    /// The pointer, if it is in the area, whose upper left corner is there on the root window.
    fn pointer(&self, origin: (i32, i32), area: Area) -> Option<Pointer> {
        if !self.has_pointer {
            return None;
        }
        let image = self.connection.xfixes_get_cursor_image().ok()?.reply().ok()?;
        let pointer = Pointer {
            left: i32::from(image.x) - i32::from(image.xhot) - origin.0,
            top: i32::from(image.y) - i32::from(image.yhot) - origin.1,
            width: image.width.into(),
            height: image.height.into(),
            pixels: image.cursor_image,
        };
        let inside = pointer.left < area.width.into()
            && pointer.top < area.height.into()
            && pointer.left + pointer.width as i32 > 0
            && pointer.top + pointer.height as i32 > 0;
        (inside && pointer.pixels.len() == pointer.width * pointer.height).then_some(pointer)
    }
}

/// The connection is gone.
fn lost(error: impl std::fmt::Display) -> VideoError {
    tracing::debug!(%error, "the display is gone");
    VideoError::NoScreen
}

fn failed(error: impl Into<ReplyOrIdError>) -> VideoError {
    match error.into() {
        ReplyOrIdError::X11Error(error) => match error.error_kind {
            ErrorKind::Window | ErrorKind::Drawable => VideoError::WindowClosed,
            ErrorKind::Access => VideoError::Denied,
            kind => VideoError::Unusable(format!("{kind:?}")),
        },
        error => lost(error),
    }
}
