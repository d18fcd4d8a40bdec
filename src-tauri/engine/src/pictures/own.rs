//! My own picture: the source, open while a call or a view needs it and closed else, and the encoder behind it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_media::video::{Source, SourceEvent, TouchUp, VideoDevice, VideoEncoder, VideoError, VideoQuality};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::board::{Board, Forward};
use super::wanted::{Choice, Wanted};
use crate::CameraChoice;
use crate::api::{DeviceView, ErrorCode, PealError, Settings, VideoSource, VideoView};
use crate::message::{Answer, Message, Reply};

/// A camera that failed is tried again after this time: it may be back, or free.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// A source that is open, or being opened.
struct Open {
    number: u64,
    source: Source,
    wanted: Wanted,
    /// Its first picture is there.
    ready: bool,
    followed: JoinHandle<()>,
}

/// Somebody waits for the picture to be on.
struct Opening {
    reply: Reply,
    /// It was on before: if this can't be opened, it goes back to what was shown then.
    was_on: bool,
    before: Option<VideoSource>,
}

/// Opens and closes the source, one change at a time.
pub(crate) struct OwnPicture {
    messages: mpsc::UnboundedSender<Message>,
    board: Board,
    /// What this engine was started with.
    given: CameraChoice,
    /// What was asked for last.
    chosen: Option<VideoSource>,
    choice: Choice,
    touch_up: TouchUp,
    /// My picture is on.
    on: bool,
    /// A call that I am in has pictures.
    in_video: bool,
    /// What is open is needed now.
    needed: bool,
    /// Who looks at it, by the view's name.
    views: BTreeSet<String>,
    /// What is wanted gave out for good: it is not opened again by itself.
    over: bool,
    open: Option<Open>,
    /// Numbers the sources.
    opened: u64,
    /// How many are being closed.
    closing: usize,
    retry_at: Option<Instant>,
    /// There is no such camera; it is tried again when another list of them is found.
    missing: bool,
    problem: Option<VideoError>,
    encoder: Option<Arc<VideoEncoder>>,
    quality: VideoQuality,
    forward: Option<Forward>,
    cameras: Vec<VideoDevice>,
    openings: Vec<Opening>,
    closings: Vec<Reply>,
}

/// What there is of calls that I am in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    /// One.
    pub in_call: bool,
    /// One with pictures.
    pub in_video: bool,
    /// One with pictures that is not on hold.
    pub active: bool,
    /// A stream to a media server carries my picture, too.
    pub publishing: bool,
}

impl OwnPicture {
    pub fn new(messages: mpsc::UnboundedSender<Message>, board: Board, given: CameraChoice) -> Self {
        Self {
            messages,
            board,
            given,
            chosen: None,
            choice: Choice::of(&Settings::default()),
            touch_up: TouchUp::default(),
            on: false,
            in_video: false,
            needed: false,
            views: BTreeSet::new(),
            over: false,
            open: None,
            opened: 0,
            closing: 0,
            retry_at: None,
            missing: false,
            problem: None,
            encoder: None,
            quality: VideoQuality::default(),
            forward: None,
            cameras: Vec::new(),
            openings: Vec::new(),
            closings: Vec::new(),
        }
    }

    /// What the person chose.
    pub fn choose(&mut self, settings: &Settings) {
        self.choice = Choice::of(settings);
        let touch_up = TouchUp { beauty: settings.beauty_level, whiteness: settings.whiteness_level };
        if self.touch_up != touch_up {
            self.touch_up = touch_up;
            if let Some(open) = &self.open {
                open.source.set_touch_up(touch_up);
            }
        }
    }

    /// On, and from there. `reply` hears when it is open.
    pub fn turn_on(&mut self, source: Option<VideoSource>, reply: Reply) {
        if self.chosen.is_none() && source.is_none() && self.given == CameraChoice::Nothing {
            let error = PealError::new(ErrorCode::NoCamera, "this phone was started without a camera");
            let _ = reply.send(Err(error));
            return;
        }
        self.openings.push(Opening { reply, was_on: self.on, before: self.chosen.clone() });
        if source.is_some() {
            self.chosen = source;
        }
        self.on = true;
        self.try_anew();
    }

    /// Off. `reply` hears when it is closed.
    pub fn turn_off(&mut self, reply: Reply) {
        self.on = false;
        self.closings.push(reply);
    }

    /// Somebody looks at it.
    pub fn start_view(&mut self, view: String) {
        if self.views.is_empty() && !self.on {
            self.try_anew();
        }
        self.views.insert(view);
    }

    /// They do no more. `reply` hears when what nobody needs any more is closed.
    pub fn stop_view(&mut self, view: &str, reply: Reply) {
        self.views.remove(view);
        self.closings.push(reply);
    }

    /// What the calls that I am in want. `begins_on`: a video call begins with the picture on (kit D01).
    pub fn need(&mut self, calls: Calls, begins_on: bool) {
        let Calls { in_call, in_video, active, publishing } = calls;
        let before = std::mem::replace(&mut self.in_video, in_video);
        if in_video && !before {
            let turns_on = begins_on && (self.chosen.is_some() || self.given != CameraChoice::Nothing);
            if turns_on && !self.on {
                self.on = true;
                self.try_anew();
            }
        } else if !in_video && (before || in_call) {
            // The last video call is over, or there is but a voice call now.
            self.on = false;
        }
        self.needed = if in_call { active && self.on } else { self.on || !self.views.is_empty() };
        self.change();
        let encodes = self.needed && (in_video || (publishing && !in_call && self.on));
        let quality = self.choice.quality(self.open.as_ref().map(|open| &open.wanted));
        if encodes != self.encoder.is_some() {
            self.quality = quality;
            self.encoder = encodes.then(|| Arc::new(VideoEncoder::new(quality)));
            self.feed();
        } else if self.quality != quality {
            self.quality = quality;
            if let Some(encoder) = &self.encoder {
                encoder.set_quality(quality);
            }
        }
        if self.views.is_empty() {
            self.forward = None;
        } else if self.forward.is_none() {
            self.forward =
                self.open.as_ref().map(|open| Forward::start(open.source.pictures(), self.board.own_place()));
        }
    }

    /// The picture is on in the calls: also while all of them are on hold, and while it changes to another source, if it
    /// was `before`.
    pub fn is_shown(&self, before: bool) -> bool {
        let changes = before && self.problem.is_none();
        self.on && self.in_video && (changes || self.open.as_ref().is_some_and(|open| open.ready))
    }

    /// What encodes it while a call needs it.
    pub const fn encoder(&self) -> Option<&Arc<VideoEncoder>> {
        self.encoder.as_ref()
    }

    /// Whether a camera was started for this: what a voice call never needs.
    pub fn is_used(&self) -> bool {
        self.on || !self.views.is_empty()
    }

    /// What the source of this number has to say.
    pub fn happened(&mut self, number: u64, event: SourceEvent) {
        let Some(open) = self.open.as_mut().filter(|open| open.number == number) else { return };
        match event {
            SourceEvent::Opened { width, height, frame_rate, .. } => {
                tracing::debug!(width, height, frame_rate, "a source of pictures is open");
                open.ready = true;
                self.problem = None;
                self.retry_at = None;
            }
            SourceEvent::Failed(error) => {
                let returns = open.wanted.returns();
                self.missing = returns && matches!(error, VideoError::NoCamera | VideoError::UnknownDevice(_));
                self.retry_at = (returns && !self.missing).then(|| Instant::now() + RETRY_AFTER);
                self.problem = Some(error);
                self.gave_out(returns);
            }
            SourceEvent::Ended => self.gave_out(false),
        }
    }

    /// A source is closed.
    pub const fn closed(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }

    /// A camera that failed may be there again.
    pub fn retry(&mut self) {
        if self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.retry_at = None;
        }
    }

    /// Looks for cameras, off the loop.
    pub fn look_for_cameras(&self) {
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let _ = messages.send(Message::Cameras(peal_media::video::cameras()));
        });
    }

    pub fn found(&mut self, cameras: Vec<VideoDevice>) {
        if self.cameras != cameras {
            self.cameras = cameras;
            self.missing = false;
            self.retry_at = None;
        }
    }

    /// What those who wait for it to be open or closed are to be told now.
    pub fn answers(&mut self) -> Vec<(Reply, Result<Answer, PealError>)> {
        let mut answers = Vec::new();
        if self.closing == 0 {
            answers.extend(self.closings.drain(..).map(|reply| (reply, Ok(Answer::Nothing))));
        }
        if self.openings.is_empty() {
            return answers;
        }
        let outcome = if !self.on && self.problem.is_none() {
            Err(PealError::new(ErrorCode::WrongState, "the picture was turned off again"))
        } else if let Some(problem) = &self.problem {
            Err(problem.clone().into())
        } else if self.open.as_ref().is_some_and(|open| open.ready) || !self.needed {
            Ok(())
        } else {
            return answers;
        };
        let openings = std::mem::take(&mut self.openings);
        if let (Err(_), Some(first)) = (&outcome, openings.first()) {
            self.on = self.on && first.was_on;
            self.chosen.clone_from(&first.before);
            self.try_anew();
        }
        answers.extend(openings.into_iter().map(|it| (it.reply, outcome.clone().map(|()| Answer::Nothing))));
        answers
    }

    /// What is wrong with what is wanted now.
    pub fn trouble(&self) -> Option<PealError> {
        self.problem.clone().filter(|_| self.is_used()).map(Into::into)
    }

    pub fn view(&self) -> VideoView {
        VideoView {
            cameras: self.cameras.iter().map(device_view).collect(),
            on: self.on,
            source: self.open.as_ref().filter(|open| open.ready).map(|open| open.wanted.shown.clone()),
            opening: self.problem.is_none() && self.open.as_ref().is_some_and(|open| !open.ready),
            problem: self.trouble(),
        }
    }

    /// Closes everything; the answer is there when the light is off.
    pub fn shut(&mut self) -> Option<JoinHandle<()>> {
        self.on = false;
        self.views.clear();
        self.forward = None;
        self.encoder = None;
        self.open.take().map(|open| open.followed)
    }

    /// Brings what is open to what is wanted.
    fn change(&mut self) {
        let wanted = self.choice.wanted(&self.given, self.chosen.as_ref()).filter(|_| self.needed && !self.over);
        if wanted.is_none() && !self.is_used() {
            self.problem = None;
            self.retry_at = None;
            self.missing = false;
        }
        if self.open.as_ref().is_some_and(|open| Some(&open.wanted) != wanted.as_ref()) {
            self.close();
        }
        let waits = self.open.is_some() || self.closing > 0 || self.retry_at.is_some() || self.missing;
        let Some(wanted) = wanted.filter(|_| !waits) else { return };
        self.opened += 1;
        let (number, messages) = (self.opened, self.messages.clone());
        let mut source = Source::open(wanted.choice.clone(), wanted.format, self.touch_up);
        let mut events = source.events();
        let followed = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let _ = messages.send(Message::Source(number, event));
            }
            let _ = messages.send(Message::SourceClosed);
        });
        self.open = Some(Open { number, source, wanted, ready: false, followed });
        self.feed();
    }

    /// It ended by itself. What does not come back by itself turns my picture off, if a call showed it.
    fn gave_out(&mut self, returns: bool) {
        self.close();
        if !returns {
            self.over = true;
            self.on = self.on && !self.openings.is_empty();
        }
    }

    fn close(&mut self) {
        self.forward = None;
        if self.open.take().is_some() {
            self.closing += 1;
        }
        self.feed();
    }

    /// What failed or ended before may do better now.
    fn try_anew(&mut self) {
        self.over = false;
        self.missing = false;
        self.retry_at = None;
        self.problem = None;
    }

    /// Joins the encoder to what is open.
    fn feed(&self) {
        if let Some(encoder) = &self.encoder {
            encoder.set_input(self.open.as_ref().map(|open| open.source.pictures()));
        }
    }
}

/// A camera, a screen or a window as it is shown.
pub(crate) fn device_view(device: &VideoDevice) -> DeviceView {
    DeviceView { id: device.id.clone(), name: device.name.clone() }
}
