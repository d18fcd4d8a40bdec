//! My own picture, and the pictures of the others on their way to whoever draws them.

mod board;
mod own;
mod views;
mod wanted;

use peal_call::{CallSnapshot, Input, MediaKind};

use crate::api::{
    ErrorCode, LocalViewParams, OpenCameraParams, PealError, StartRemoteViewParams, StopRemoteViewParams, VideoSources,
};
use crate::message::{Answer, Message, Reply};
use crate::phone::Softphone;
use crate::translate::call_id;

pub use peal_media::video::convert::{Fit, Scaler};
pub use peal_media::video::{Frame, Picture};

pub(crate) use board::{Board, Forward};
pub(crate) use own::OwnPicture;
pub(crate) use views::{RemoteViews, Size};

impl Softphone {
    pub fn open_camera(&mut self, params: OpenCameraParams, reply: Reply) {
        let calls = self.calls_of_mine();
        if !calls.is_empty() && !calls.iter().any(|call| call.media == MediaKind::Video) {
            let error = PealError::new(ErrorCode::WrongState, "this is a voice call; switch_media asks for a picture");
            return self.answer(reply, Err(error));
        }
        self.own.turn_on(params.source, reply);
    }

    pub fn start_local_view(&mut self, params: LocalViewParams) -> Result<Answer, PealError> {
        self.own.start_view(views::name(params.view)?);
        Ok(Answer::Nothing)
    }

    pub fn stop_local_view(&mut self, params: LocalViewParams, reply: Reply) {
        match views::name(params.view) {
            Ok(view) => self.own.stop_view(&view, reply),
            Err(error) => self.answer(reply, Err(error)),
        }
    }

    pub fn start_remote_view(&mut self, params: StartRemoteViewParams) -> Result<Answer, PealError> {
        let StartRemoteViewParams { call_id: call, user_id, width, height, view } = params;
        let (id, view, size) = (call_id(&call)?, views::name(view)?, Size::asked(width, height)?);
        let snapshot = self.snapshot_of(id).filter(|call| !call.is_over());
        let unknown = || PealError::new(ErrorCode::UnknownCall, "there is no such call");
        let surroundings = self.surroundings();
        if !snapshot.ok_or_else(unknown)?.members.iter().any(|it| surroundings.shown_user(&it.user) == user_id) {
            return Err(PealError::new(ErrorCode::UnknownUser, "they are not in that call"));
        }
        self.views.start(id, user_id, view, size)?;
        Ok(Answer::Nothing)
    }

    pub fn stop_remote_view(&mut self, params: StopRemoteViewParams) -> Result<Answer, PealError> {
        let StopRemoteViewParams { call_id: call, user_id, view } = params;
        self.views.stop(call_id(&call)?, &user_id, &views::name(view)?);
        Ok(Answer::Nothing)
    }

    /// Looks for everything a picture can be taken of. Answers later.
    pub fn video_sources(&self, reply: Reply) {
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let cameras = peal_media::video::cameras();
            let shown = |devices: &[_]| devices.iter().map(own::device_view).collect();
            let sources = VideoSources {
                cameras: shown(&cameras),
                screens: shown(&peal_media::video::screens()),
                windows: shown(&peal_media::video::windows()),
            };
            let _ = messages.send(Message::Cameras(cameras));
            let _ = reply.send(Ok(Answer::VideoSources(sources)));
        });
    }

    /// Opens and closes the camera, and lets pictures in and out, as the calls and the views want it. True if the rules
    /// were told something: that my picture is on, or is no more.
    pub fn settle_pictures(&mut self) -> bool {
        let calls = self.calls_of_mine();
        let mut video = calls.iter().filter(|call| call.media == MediaKind::Video).peekable();
        let in_video = video.peek().is_some();
        let active = video.any(|call| !call.on_hold);
        let begins_on = self.settings.open_camera;
        let publishing = self.publication.is_some();
        self.own.need(own::Calls { in_call: !calls.is_empty(), in_video, active, publishing }, begins_on);
        let answers = self.own.answers();
        if answers.iter().any(|(_, answer)| answer.is_err()) {
            // What could not be opened gives way to what was before.
            self.own.need(own::Calls { in_call: !calls.is_empty(), in_video, active, publishing }, begins_on);
        }
        for (reply, answer) in answers {
            self.answer(reply, answer);
        }
        let Some(session) = &self.session else { return false };
        let told = session.phone.is_video_on();
        let on = self.own.is_shown(told);
        if told != on {
            self.input(Input::SetVideo { on });
        }
        told != on
    }

    /// The calls that I make or am in; one that only rings here is none.
    pub fn calls_of_mine(&self) -> Vec<CallSnapshot> {
        let calls = self.session.as_ref().map(|it| it.phone.snapshot()).unwrap_or_default();
        calls.into_iter().filter(|call| !call.is_over() && call.alert.is_none()).collect()
    }
}
