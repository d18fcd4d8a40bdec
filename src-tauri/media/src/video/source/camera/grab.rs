//! The thread that waits for a camera's frames.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nokhwa::utils::{CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};
use nokhwa::{Buffer, NokhwaError};

use super::super::worker::{Control, Opened};
use super::super::{Format, VideoError};
use super::{choose, devices};

/// All that can be converted.
const FORMATS: &[FrameFormat] = &[
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::MJPEG,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
    FrameFormat::GRAY,
];
/// So long a camera may take to be let go of.
const RELEASE: Duration = Duration::from_secs(3);
/// So many formats are tried.
const MOST_TRIED: usize = 8;

/// News of a camera.
#[derive(Debug)]
pub(super) enum Grab {
    Opened(Opened),
    Frame(Buffer, Instant),
    Failed(VideoError),
}

/// The thread, as the source's thread sees it. Dropping it lets the camera go.
#[derive(Debug)]
pub(super) struct Grabber {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    news: Mutex<News>,
    stop: AtomicBool,
    done: Mutex<bool>,
    over: Condvar,
}

/// What was not taken yet; of frames, the newest.
#[derive(Debug, Default)]
struct News {
    opened: Option<Opened>,
    frame: Option<(Buffer, Instant)>,
    failed: Option<VideoError>,
}

impl Grabber {
    /// Starts the thread, which opens the camera.
    pub(super) fn start(id: Option<String>, format: Format, control: Arc<Control>) -> Result<Self, VideoError> {
        wake::prepare();
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("camera".to_owned())
            .spawn(move || {
                let tell = |grab| {
                    inside.news.lock().unwrap_or_else(PoisonError::into_inner).add(grab);
                    control.nudge();
                };
                // The bindings of cameras panic at what some drivers answer.
                let run = std::panic::AssertUnwindSafe(|| run(id.as_deref(), format, &inside, &control, &tell));
                let over = std::panic::catch_unwind(run)
                    .unwrap_or_else(|_| Err(VideoError::Unusable("its driver answers in an unknown way".to_owned())));
                if let Err(error) = over {
                    tell(Grab::Failed(error));
                }
                *inside.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
                inside.over.notify_all();
            })
            .map_err(|error| VideoError::Unusable(error.to_string()))?;
        Ok(Self { shared, thread })
    }

    /// Whether [`Self::take`] has something.
    pub(super) fn has_news(&self) -> bool {
        let news = self.shared.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.opened.is_some() || news.frame.is_some() || news.failed.is_some()
    }

    /// The next news, in their order.
    pub(super) fn take(&self) -> Option<Grab> {
        let mut news = self.shared.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.opened
            .take()
            .map(Grab::Opened)
            .or_else(|| news.frame.take().map(|(buffer, at)| Grab::Frame(buffer, at)))
            .or_else(|| news.failed.take().map(Grab::Failed))
    }
}

impl News {
    fn add(&mut self, grab: Grab) {
        match grab {
            Grab::Opened(opened) => self.opened = Some(opened),
            Grab::Frame(buffer, at) => self.frame = Some((buffer, at)),
            Grab::Failed(error) => self.failed = Some(error),
        }
    }
}

impl Drop for Grabber {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let until = Instant::now() + RELEASE;
        let mut done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        // It may go to sleep just after it was woken.
        while !*done && Instant::now() < until {
            wake::wake(&self.thread);
            let patience = Duration::from_millis(5);
            done = self.shared.over.wait_timeout(done, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn run(
    id: Option<&str>,
    format: Format,
    shared: &Shared,
    control: &Arc<Control>,
    tell: &dyn Fn(Grab),
) -> Result<(), VideoError> {
    let stopped = || shared.stop.load(Ordering::Acquire);
    let found = devices::find(id)?;
    let _held = hold::hold(&found.index, control)?;
    ready(&found.index)?;
    let mut camera = open(&found.index, format)?;
    camera.open_stream().map_err(|error| classify(&error))?;
    let opened = Opened { name: found.device.name, frame_rate: camera.frame_rate().min(format.frame_rate) };
    tell(Grab::Opened(opened));
    while !stopped() {
        match camera.frame() {
            Ok(buffer) => {
                let at = captured_at(&buffer);
                tell(Grab::Frame(buffer, at));
            }
            Err(_) if stopped() => break,
            // A signal of somebody else's: the stream is left in between, so it is opened anew.
            Err(error) if os_error(&error.to_string()) == Some(EINTR) => {
                camera.stop_stream().and_then(|()| camera.open_stream()).map_err(|error| classify(&error))?;
            }
            Err(error) => return Err(gone(&error)),
        }
    }
    Ok(())
}

/// Opens the camera in the best of its formats that it really takes.
fn open(index: &CameraIndex, format: Format) -> Result<nokhwa::Camera, VideoError> {
    let any = RequestedFormat::with_formats(RequestedFormatType::None, FORMATS);
    let mut camera = nokhwa::Camera::new(index.clone(), any).map_err(|error| classify(&error))?;
    let formats = camera.compatible_camera_formats().map_err(|error| classify(&error))?;
    for best in choose::by_use(formats, format).into_iter().take(MOST_TRIED) {
        let exactly = RequestedFormat::with_formats(RequestedFormatType::Exact(best), FORMATS);
        match camera.set_camera_requset(exactly) {
            Ok(_) => return Ok(camera),
            Err(error) => match classify(&error) {
                // The driver gave another size or rate than it had listed.
                VideoError::Unusable(_) => {}
                worse => return Err(worse),
            },
        }
    }
    // It was opened in a format of its own choice, and stays in it.
    Ok(camera)
}

/// Brings a camera that another program left in a state which nokhwa does not know (a format of its own, a rate that is no whole number) into
/// one that it knows, and says in the system's words why it can't be opened.
#[cfg(target_os = "linux")]
fn ready(index: &CameraIndex) -> Result<(), VideoError> {
    use v4l::video::Capture;
    use v4l::video::capture::Parameters;

    const KNOWN: [&[u8; 4]; 5] = [b"YUYV", b"NV12", b"MJPG", b"RGB3", b"BGR3"];
    let CameraIndex::Index(number) = index else {
        return Ok(());
    };
    let failed = |error: std::io::Error| from_os(error.raw_os_error(), error.to_string());
    let device = v4l::Device::new(*number as usize).map_err(failed)?;
    let mut format = device.format().map_err(failed)?;
    let known = |code: &v4l::FourCC| KNOWN.contains(&&code.repr);
    if !known(&format.fourcc) {
        let possible = device.enum_formats().map_err(failed)?.into_iter().map(|format| format.fourcc);
        if let Some(code) = possible.into_iter().find(known) {
            format.fourcc = code;
            device.set_format(&format).map_err(failed)?;
        }
    }
    if device.params().is_ok_and(|params| params.interval.numerator != 1) {
        // A camera that can't is refused by nokhwa in its own words.
        let _ = device.set_params(&Parameters::with_fps(30));
    }
    Ok(())
}

/// macOS asks the person first.
#[cfg(target_os = "macos")]
fn ready(_: &CameraIndex) -> Result<(), VideoError> {
    let (answer, answered) = std::sync::mpsc::channel();
    let answer = Mutex::new(answer);
    nokhwa::nokhwa_initialize(move |granted| {
        let _ = answer.lock().unwrap_or_else(PoisonError::into_inner).send(granted);
    });
    match answered.recv_timeout(Duration::from_secs(60)) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(VideoError::Denied),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn ready(_: &CameraIndex) -> Result<(), VideoError> {
    Ok(())
}

/// When the frame was seen, by the camera's stamp where that makes sense.
fn captured_at(buffer: &Buffer) -> Instant {
    let now = Instant::now();
    let age = buffer
        .capture_timestamp()
        .and_then(|stamp| SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_sub(stamp))
        .filter(|age| *age < Duration::from_secs(1));
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EINTR: i32 = 4;
const ENXIO: i32 = 6;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;

/// nokhwa hands errors on as words.
fn classify(error: &NokhwaError) -> VideoError {
    let words = error.to_string();
    from_os(os_error(&words), words)
}

/// Why a camera stopped while it was open.
fn gone(error: &NokhwaError) -> VideoError {
    match classify(error) {
        VideoError::NoCamera => VideoError::Unplugged,
        other => other,
    }
}

fn from_os(code: Option<i32>, words: String) -> VideoError {
    // How Windows says the same: access denied, another program took it (MF_E_HW_MFT_FAILED_START_STREAMING, MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED),
    // it is gone (MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED).
    let windows = |codes: &[&str]| codes.iter().any(|code| words.to_ascii_uppercase().contains(code));
    match code {
        Some(EBUSY) => VideoError::Busy,
        Some(EACCES | EPERM) => VideoError::Denied,
        Some(ENODEV | ENOENT | ENXIO) => VideoError::NoCamera,
        _ if windows(&["80070005"]) => VideoError::Denied,
        _ if windows(&["C00D3704", "C00D3EA3"]) => VideoError::Busy,
        _ if windows(&["C00D3EA2"]) => VideoError::NoCamera,
        _ => VideoError::Unusable(words),
    }
}

/// The number in "… (os error 16)".
fn os_error(words: &str) -> Option<i32> {
    words.rsplit_once("(os error ")?.1.split_once(')')?.0.parse().ok()
}

/// One source at a time has a camera. Whoever changes its format opens it again at once, so a source that is being dropped is waited for.
mod hold {
    use super::{Arc, CameraIndex, Condvar, Control, Instant, Mutex, PoisonError, RELEASE, VideoError};

    static HELD: Mutex<Vec<(CameraIndex, Arc<Control>)>> = Mutex::new(Vec::new());
    static RELEASED: Condvar = Condvar::new();

    pub(super) struct Hold(CameraIndex);

    pub(super) fn hold(index: &CameraIndex, control: &Arc<Control>) -> Result<Hold, VideoError> {
        let until = Instant::now() + RELEASE;
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, holder)) = held.iter().find(|(other, _)| other == index) {
            let left = until.saturating_duration_since(Instant::now());
            if !holder.is_halted() || left.is_zero() {
                return Err(VideoError::Busy);
            }
            held = RELEASED.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        held.push((index.clone(), Arc::clone(control)));
        Ok(Hold(index.clone()))
    }

    impl Drop for Hold {
        fn drop(&mut self) {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).retain(|(index, _)| *index != self.0);
            RELEASED.notify_all();
        }
    }
}

/// On Linux nokhwa waits for a frame for ever; a signal ends the wait. Elsewhere its waits end by themselves.
#[cfg(target_os = "linux")]
mod wake {
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::{Arc, LazyLock, atomic::AtomicBool};
    use std::thread::JoinHandle;

    /// A signal that is ignored unless asked for, and that has a handler from now on.
    static HANDLED: LazyLock<bool> = LazyLock::new(|| {
        signal_hook::flag::register(signal_hook::consts::SIGURG, Arc::new(AtomicBool::new(false))).is_ok()
    });

    pub(super) fn prepare() {
        if !*HANDLED {
            tracing::warn!("a camera that gives nothing can't be let go of");
        }
    }

    #[expect(unsafe_code, reason = "the standard library sends no signals to threads")]
    pub(super) fn wake(thread: &JoinHandle<()>) {
        if *HANDLED {
            // SAFETY: a thread that was neither joined nor detached has a valid id, and the signal has a handler.
            unsafe { libc::pthread_kill(thread.as_pthread_t(), signal_hook::consts::SIGURG) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod wake {
    pub(super) fn prepare() {}

    pub(super) fn wake(_: &std::thread::JoinHandle<()>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_drivers_become_reasons() {
        let error = |words: &str| classify(&NokhwaError::OpenStreamError(words.to_owned()));
        assert_eq!(error("Device or resource busy (os error 16)"), VideoError::Busy);
        assert_eq!(error("Permission denied (os error 13)"), VideoError::Denied);
        assert_eq!(error("HRESULT(0xC00D3EA3)"), VideoError::Busy);
        assert!(matches!(error("Invalid argument (os error 22)"), VideoError::Unusable(_)));
        let unplugged = NokhwaError::ReadFrameError("No such device (os error 19)".to_owned());
        assert_eq!(gone(&unplugged), VideoError::Unplugged);
    }
}
