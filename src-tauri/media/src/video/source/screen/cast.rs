//! A stream of `PipeWire`'s with what is on a screen or in a window.
//!
//! `PipeWire`'s loop has a thread of its own; of the pictures that come faster than they are taken the newest stays.

use std::io::Cursor;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipewire::channel::{Receiver, Sender, channel};
use pipewire::context::ContextRc;
use pipewire::keys::{MEDIA_CATEGORY, MEDIA_ROLE, MEDIA_TYPE};
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::buffer::meta::{MetaRegion, MetaVideoCrop};
use pipewire::spa::buffer::{ChunkFlags, Data};
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::sys::{
    SPA_META_VideoCrop, SPA_PARAM_BUFFERS_dataType, SPA_PARAM_META_size, SPA_PARAM_META_type, spa_meta_region,
};
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Direction, Fraction, Id, Rectangle, Region, SpaTypes};
use pipewire::stream::{Stream, StreamFlags, StreamRc, StreamState};

use super::super::VideoError;
use crate::video::convert::{Order, Planar};

/// No screen is larger, in pixels in a direction.
const LARGEST: u32 = 16_384;
/// More pictures in a second are of no use.
const FASTEST: u32 = 30;
/// Memory that can be mapped: `SPA_DATA_MemPtr` and `SPA_DATA_MemFd` as bits.
const MAPPED: i32 = 1 << 1 | 1 << 2;

/// A stream that is shown.
pub(super) struct Cast {
    shared: Arc<Mutex<Shared>>,
    halt: Sender<()>,
}

/// What the loop's thread leaves for whoever takes it.
#[derive(Default)]
struct Shared {
    image: Image,
    fresh: bool,
    over: Option<VideoError>,
}

/// The newest picture.
#[derive(Default)]
struct Image {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
    is_rgb: bool,
}

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Cast {
    /// Begins to take the pictures of this node, over a connection that the desktop handed over.
    pub(super) fn start(node: u32, connection: OwnedFd) -> Result<Self, VideoError> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (halt, halted) = channel();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("screen cast".to_owned()).spawn(move || {
            let over = match run(node, connection, halted, &theirs) {
                Ok(()) => VideoError::WindowClosed,
                Err(error) => VideoError::Unusable(error.to_string()),
            };
            lock(&theirs).over.get_or_insert(over);
        });
        thread.map_err(|error| VideoError::Unusable(error.to_string()))?;
        Ok(Self { shared, halt })
    }

    /// The newest picture; false if there is none since the last one.
    pub(super) fn take(&self, planar: &mut Planar) -> Result<bool, VideoError> {
        let mut shared = lock(&self.shared);
        if let Some(error) = &shared.over {
            return Err(error.clone());
        }
        if !std::mem::take(&mut shared.fresh) {
            return Ok(false);
        }
        let Image { pixels, width, height, is_rgb } = &shared.image;
        let order = if *is_rgb { Order::Rgba } else { Order::Bgra };
        let filled = planar.set_rgb(pixels, *width, *height, width * 4, order);
        filled.map_err(|error| VideoError::Unusable(error.to_string()))?;
        Ok(true)
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        // A loop that has ended hears nothing.
        let _ = self.halt.send(());
    }
}

/// Turns `PipeWire`'s loop until halted, or until the stream is over.
fn run(
    node: u32,
    connection: OwnedFd,
    halted: Receiver<()>,
    shared: &Arc<Mutex<Shared>>,
) -> Result<(), pipewire::Error> {
    pipewire::init();
    let main_loop = MainLoopRc::new(None)?;
    let context = ContextRc::new(&main_loop, None)?;
    let core = context.connect_fd_rc(connection, None)?;
    let (breaking, ending) = (main_loop.clone(), main_loop.clone());
    let broken = Arc::clone(shared);
    let _core = core
        .add_listener_local()
        .error(move |_, _, _, message| {
            lock(&broken).over.get_or_insert_with(|| VideoError::Unusable(message.to_owned()));
            breaking.quit();
        })
        .register();
    let _halted = halted.attach(main_loop.loop_(), {
        let main_loop = main_loop.clone();
        move |()| main_loop.quit()
    });
    let kind = properties! { *MEDIA_TYPE => "Video", *MEDIA_CATEGORY => "Capture", *MEDIA_ROLE => "Screen" };
    let stream = StreamRc::new(core, "peal-screen", kind)?;
    let (told, came) = (Arc::clone(shared), Arc::clone(shared));
    let _listener = stream
        .add_local_listener_with_user_data(VideoInfoRaw::new())
        .state_changed(move |_, _, before, now| match now {
            StreamState::Error(words) => {
                lock(&told).over.get_or_insert(VideoError::Unusable(words));
                ending.quit();
            }
            // Whoever showed it has taken it away.
            StreamState::Unconnected if before != StreamState::Connecting => ending.quit(),
            StreamState::Unconnected | StreamState::Connecting | StreamState::Paused | StreamState::Streaming => {}
        })
        .param_changed(|stream, format, id, param| {
            let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) else { return };
            if format.parse(param).is_err() || agree(stream).is_err() {
                tracing::warn!("a screen's format is not understood");
            }
        })
        .process(move |stream, format| {
            let mut newest = None;
            while let Some(buffer) = stream.dequeue_buffer() {
                newest = Some(buffer);
            }
            let Some(mut buffer) = newest else { return };
            let crop = buffer.find_meta::<MetaVideoCrop>().map(|crop| crop.meta_region().clone());
            let crop = crop.filter(|crop| crop.size().width > 0 && crop.size().height > 0);
            let Some(data) = buffer.datas_mut().first_mut() else { return };
            let mut shared = lock(&came);
            if shared.image.copy(data, *format, crop.as_ref().map(MetaRegion::region)).is_some() {
                shared.fresh = true;
            }
        })
        .register()?;
    let format = bytes(formats());
    let mut wish: Vec<&Pod> = format.iter().filter_map(|it| Pod::from_bytes(it)).collect();
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT;
    stream.connect(Direction::Input, Some(node), flags, &mut wish)?;
    main_loop.run();
    Ok(())
}

/// What pictures may be like: four bytes a pixel, in memory of any size up to [`LARGEST`].
fn formats() -> Object {
    let size = |side| Rectangle { width: side, height: side };
    object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::BGRA,
            VideoFormat::RGBx,
            VideoFormat::RGBA,
        ),
        property!(FormatProperties::VideoSize, Choice, Range, Rectangle, size(1_024), size(1), size(LARGEST)),
        property!(
            FormatProperties::VideoFramerate,
            Choice,
            Range,
            Fraction,
            // Only when something changes.
            Fraction { num: 0, denom: 1 },
            Fraction { num: 0, denom: 1 },
            Fraction { num: FASTEST, denom: 1 }
        ),
    )
}

/// Tells what is understood of a format that was settled on: memory that can be read, and windows that are a part of it.
fn agree(stream: &Stream) -> Result<(), pipewire::Error> {
    let flags = ChoiceEnum::Flags { default: MAPPED, flags: Vec::new() };
    let memory = Value::Choice(ChoiceValue::Int(Choice(ChoiceFlags::empty(), flags)));
    let buffers = Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![Property::new(SPA_PARAM_BUFFERS_dataType, memory)],
    };
    let crop = Object {
        type_: SpaTypes::ObjectParamMeta.as_raw(),
        id: ParamType::Meta.as_raw(),
        properties: vec![
            Property::new(SPA_PARAM_META_type, Value::Id(Id(SPA_META_VideoCrop))),
            Property::new(SPA_PARAM_META_size, Value::Int(size_of::<spa_meta_region>() as i32)),
        ],
    };
    let pods = [bytes(buffers), bytes(crop)];
    let mut pods: Vec<&Pod> = pods.iter().flatten().filter_map(|it| Pod::from_bytes(it)).collect();
    stream.update_params(&mut pods)
}

/// An object as it travels.
fn bytes(object: Object) -> Option<Vec<u8>> {
    let written = PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object));
    written.ok().map(|(cursor, _)| cursor.into_inner())
}

impl Image {
    /// Takes what another program has drawn. None: it is nothing that can be shown, and the last picture stays.
    fn copy(&mut self, data: &mut Data, format: VideoInfoRaw, crop: Option<&Region>) -> Option<()> {
        if data.as_raw().chunk.is_null() {
            return None;
        }
        let chunk = data.chunk();
        if chunk.size() == 0 || chunk.flags().contains(ChunkFlags::CORRUPTED) {
            return None;
        }
        let (offset, stride) = (chunk.offset() as usize, usize::try_from(chunk.stride()).ok()?);
        let Rectangle { width, height } = format.size();
        let whole = Part { left: 0, top: 0, width: width as usize, height: height as usize };
        let is_rgb = match format.format() {
            VideoFormat::RGBx | VideoFormat::RGBA => true,
            VideoFormat::BGRx | VideoFormat::BGRA => false,
            _ => return None,
        };
        let lines = data.data()?.get(offset..)?;
        let part = crop.map_or(Some(whole), |crop| whole.part(crop))?;
        self.fill(lines, stride, whole, part)?;
        self.is_rgb = is_rgb;
        Some(())
    }

    /// Takes a part of so many lines of `stride` bytes.
    fn fill(&mut self, lines: &[u8], stride: usize, whole: Part, part: Part) -> Option<()> {
        let largest = LARGEST as usize;
        if whole.width > largest || whole.height > largest || stride < whole.width * 4 {
            return None;
        }
        let end = (part.top + part.height).checked_sub(1)? * stride + (part.left + part.width) * 4;
        let lines = lines.get(..end)?;
        self.pixels.clear();
        for line in lines.chunks(stride).skip(part.top) {
            self.pixels.extend_from_slice(&line[part.left * 4..][..part.width * 4]);
        }
        (self.width, self.height) = (part.width, part.height);
        Some(())
    }
}

impl Part {
    /// What a region is of this; none if it is not within.
    fn part(self, region: &Region) -> Option<Self> {
        let left = usize::try_from(region.position.x).ok()?;
        let top = usize::try_from(region.position.y).ok()?;
        let (width, height) = (region.size.width as usize, region.size.height as usize);
        let within = width > 0 && height > 0 && left + width <= self.width && top + height <= self.height;
        within.then_some(Self { left, top, width, height })
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // What is in it is whole at every moment, whoever panicked.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use pipewire::spa::utils::Point;

    use super::*;

    const WHOLE: Part = Part { left: 0, top: 0, width: 4, height: 2 };

    fn region(x: i32, y: i32, width: u32, height: u32) -> Region {
        Region { position: Point { x, y }, size: Rectangle { width, height } }
    }

    #[test]
    fn lines_are_taken_without_what_lies_between_them() {
        let lines: Vec<u8> = (0..40).collect();
        let mut image = Image::default();
        assert_eq!(image.fill(&lines, 20, WHOLE, WHOLE), Some(()));
        assert_eq!(image.pixels, (0..16).chain(20..36).collect::<Vec<u8>>());
        let part = WHOLE.part(&region(1, 1, 2, 1)).unwrap();
        assert_eq!(image.fill(&lines, 20, WHOLE, part), Some(()));
        assert_eq!(image.pixels, (24..32).collect::<Vec<u8>>());
        assert_eq!((image.width, image.height), (2, 1));
    }

    #[test]
    fn what_is_said_of_memory_is_not_believed() {
        let mut image = Image::default();
        assert_eq!(image.fill(&[0; 31], 16, WHOLE, WHOLE), None, "the last line is not all there");
        assert_eq!(image.fill(&[0; 64], 15, WHOLE, WHOLE), None, "lines overlap");
        assert_eq!(image.fill(&[0; 64], 0, WHOLE, WHOLE), None);
        for outside in [region(-1, 0, 2, 1), region(3, 0, 2, 1), region(0, 2, 1, 1), region(0, 0, 0, 1)] {
            assert_eq!(WHOLE.part(&outside), None, "{outside:?}");
        }
        assert_eq!(WHOLE.part(&region(i32::MAX, 0, u32::MAX, 1)), None);
    }
}
