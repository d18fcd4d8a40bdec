//! The thread of a source: opens it, paces it, touches its pictures up, and lets go of it.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::screen::{Kind, Screen};
use super::{Format, SourceChoice, SourceEvent, VideoError, camera, file, pattern};
use crate::video::{Frame, Picture, Retoucher, TouchUp};

/// What the [`Source`](super::Source) tells its thread.
#[derive(Debug)]
pub(super) struct Control {
    halted: AtomicBool,
    touch_up: AtomicU16,
    asleep: Mutex<()>,
    wake: Condvar,
}

/// A source that is open, on its thread.
pub(super) trait Reel {
    /// What is told of it.
    fn opened(&self) -> Opened;

    /// Waits for its next picture; comes back early, with [`Next::Nothing`], when `control` is halted.
    fn next(&mut self, control: &Control) -> Result<Next, VideoError>;
}

/// What is told of a source that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) frame_rate: u32,
}

/// What a source gave.
#[derive(Debug)]
pub(super) enum Next {
    Picture(Frame),
    Nothing,
    End,
}

/// Starts the thread.
pub(super) fn start(
    choice: SourceChoice,
    format: Format,
    control: Arc<Control>,
    pictures: watch::Sender<Picture>,
    events: mpsc::UnboundedSender<SourceEvent>,
) {
    let failed = events.clone();
    let thread = std::thread::Builder::new().name("video source".to_owned()).spawn(move || {
        // What drivers, files and decoders do must end the source at most, and never without a word.
        let run = std::panic::AssertUnwindSafe(|| run(&choice, sane(format), &control, &pictures, &events));
        let last = match std::panic::catch_unwind(run) {
            Ok(Ok(())) => SourceEvent::Ended,
            Ok(Err(error)) => SourceEvent::Failed(error),
            Err(_) => SourceEvent::Failed(VideoError::Unusable("it answers in an unknown way".to_owned())),
        };
        pictures.send_replace(None);
        // Whoever has dropped the source wants to hear nothing.
        let _ = events.send(last);
    });
    if let Err(error) = thread {
        let _ = failed.send(SourceEvent::Failed(VideoError::Unusable(error.to_string())));
    }
}

fn run(
    choice: &SourceChoice,
    format: Format,
    control: &Arc<Control>,
    pictures: &watch::Sender<Picture>,
    events: &mpsc::UnboundedSender<SourceEvent>,
) -> Result<(), VideoError> {
    let mut reel = open(choice, format, control)?;
    let mut retoucher = Retoucher::default();
    let mut told = false;
    while !control.is_halted() {
        let mut frame = match reel.next(control)? {
            Next::Picture(frame) => frame,
            Next::Nothing => continue,
            Next::End => break,
        };
        if is_of_people(choice) {
            retoucher.apply(&mut frame, control.touch_up());
        }
        let (width, height) = (frame.width(), frame.height());
        pictures.send_replace(Some(Arc::new(frame)));
        if !told {
            told = true;
            let Opened { name, frame_rate } = reel.opened();
            let _ = events.send(SourceEvent::Opened { name, width, height, frame_rate });
        }
    }
    Ok(())
}

fn open(choice: &SourceChoice, format: Format, control: &Arc<Control>) -> Result<Box<dyn Reel>, VideoError> {
    Ok(match choice {
        SourceChoice::Camera { id } => Box::new(camera::Camera::open(id.as_deref(), format, control)?),
        SourceChoice::Screen { id } => Box::new(Screen::open(Kind::Screen, id, format, control)?),
        SourceChoice::Window { id } => Box::new(Screen::open(Kind::Window, id, format, control)?),
        SourceChoice::File { path, looped } => Box::new(file::File::open(path, *looped, format)?),
        SourceChoice::Pattern => Box::new(pattern::Pattern::new(format)),
    })
}

/// Whether its pictures are touched up.
fn is_of_people(choice: &SourceChoice) -> bool {
    match choice {
        SourceChoice::Camera { .. } | SourceChoice::File { .. } => true,
        SourceChoice::Screen { .. } | SourceChoice::Window { .. } | SourceChoice::Pattern => false,
    }
}

/// The wish as a picture can have it: even, and neither too small nor too large; 1 to 60 pictures in a second.
fn sane(format: Format) -> Format {
    let side = |side: u32, most: u32| (side / 2 * 2).clamp(crate::video::MIN_SIDE, most);
    Format {
        width: side(format.width, crate::video::MAX_WIDTH),
        height: side(format.height, crate::video::MAX_HEIGHT),
        frame_rate: format.frame_rate.clamp(1, 60),
    }
}

impl Control {
    pub(super) fn new(touch_up: TouchUp) -> Self {
        let control = Self {
            halted: AtomicBool::new(false),
            touch_up: AtomicU16::new(0),
            asleep: Mutex::new(()),
            wake: Condvar::new(),
        };
        control.set_touch_up(touch_up);
        control
    }

    pub(super) fn set_touch_up(&self, touch_up: TouchUp) {
        let both = [touch_up.beauty.min(9), touch_up.whiteness.min(9)];
        self.touch_up.store(u16::from_le_bytes(both), Ordering::Relaxed);
    }

    pub(super) fn touch_up(&self) -> TouchUp {
        let [beauty, whiteness] = self.touch_up.load(Ordering::Relaxed).to_le_bytes();
        TouchUp { beauty, whiteness }
    }

    /// Ends the thread: one that sleeps wakes.
    pub(super) fn halt(&self) {
        self.halted.store(true, Ordering::Release);
        self.nudge();
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// Whoever waits looks again whether it is ready.
    pub(super) fn nudge(&self) {
        let _asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.wake.notify_all();
    }

    /// Waits until then, until it is ready, or until halted.
    pub(super) fn wait_until(&self, then: Instant, ready: impl Fn() -> bool) {
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_halted() && !ready() {
            let left = then.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            asleep = self.wake.wait_timeout(asleep, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The moments at which pictures are due, evenly spaced. Whoever is late goes on from now, rather than hurrying.
#[derive(Debug)]
pub(super) struct Beat {
    interval: Duration,
    next: Option<Instant>,
}

impl Beat {
    /// `rate` pictures in a second, as a fraction.
    pub(super) fn new(numerator: u32, denominator: u32) -> Self {
        Self { interval: Duration::from_secs(1) * denominator.max(1) / numerator.max(1), next: None }
    }

    /// Waits for the next moment; false if halted meanwhile.
    pub(super) fn wait(&mut self, control: &Control) -> bool {
        let now = Instant::now();
        let due = self.next.filter(|due| *due + self.interval > now).unwrap_or(now);
        control.wait_until(due, || false);
        // Two pictures at once are of no use to anybody.
        self.next = Some((due + self.interval).max(now.max(due) + self.interval / 2));
        !control.is_halted()
    }
}
