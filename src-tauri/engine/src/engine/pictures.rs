//! The picture: what may be asked about it, and the pictures themselves.

use tokio::sync::watch;

use super::{Engine, stopped};
use crate::api::{
    Command, LocalViewParams, OpenCameraParams, PealError, PublishStreamParams, PublishedStream, StartRemoteViewParams,
    StopRemoteViewParams, VideoSources,
};
use crate::message::Answer;
use crate::pictures::Picture;

impl Engine {
    /// Turns my picture on, or takes it from elsewhere (kits D01, E13); without a source: from where it came before, at
    /// first the camera in the settings. Answers when the camera, or what else it is, is open. It stays on until
    /// [`close_camera`](Self::close_camera), or until the last video call ends.
    ///
    /// # Errors
    /// [`NoCamera`](crate::api::ErrorCode::NoCamera), [`CameraBusy`](crate::api::ErrorCode::CameraBusy),
    /// [`CameraDenied`](crate::api::ErrorCode::CameraDenied), [`CameraFailed`](crate::api::ErrorCode::CameraFailed),
    /// [`SourceFailed`](crate::api::ErrorCode::SourceFailed);
    /// [`WrongState`](crate::api::ErrorCode::WrongState) in a voice call, which `switch_media` makes a video call.
    pub async fn open_camera(&self, params: impl Into<OpenCameraParams>) -> Result<(), PealError> {
        self.ask(Command::OpenCamera(params.into())).await.map(drop)
    }

    /// Turns my picture off (kit E13): the light is off when it answers, and the others know.
    pub async fn close_camera(&self) -> Result<(), PealError> {
        self.ask(Command::CloseCamera).await.map(drop)
    }

    /// Looks at my own picture (kit E12). Outside a call it opens the camera; in a call it shows what is sent, and nothing
    /// while my picture is off.
    pub async fn start_local_view(&self, params: LocalViewParams) -> Result<(), PealError> {
        self.ask(Command::StartLocalView(params)).await.map(drop)
    }

    /// Looks away from my own picture (kit E12).
    pub async fn stop_local_view(&self, params: LocalViewParams) -> Result<(), PealError> {
        self.ask(Command::StopLocalView(params)).await.map(drop)
    }

    /// Looks at somebody's picture (kit E11), or changes the size at which a view looks.
    ///
    /// If they publish to a media server (`stream_added` with a `play_url`), their voice and picture come from there while
    /// it can be played. The server then learns this device's network address and that somebody looks; the address was
    /// named by them, and nothing was sent there before.
    ///
    /// # Errors
    /// [`UnknownCall`](crate::api::ErrorCode::UnknownCall), [`UnknownUser`](crate::api::ErrorCode::UnknownUser) if they are
    /// not in it.
    pub async fn start_remote_view(&self, params: StartRemoteViewParams) -> Result<(), PealError> {
        self.ask(Command::StartRemoteView(params)).await.map(drop)
    }

    /// Looks away from somebody's picture (kit E11): it is not decoded any more, and a second later not sent.
    pub async fn stop_remote_view(&self, params: StopRemoteViewParams) -> Result<(), PealError> {
        self.ask(Command::StopRemoteView(params)).await.map(drop)
    }

    /// Looks for cameras, screens and windows. Where there are none, or the system hides them, a list is empty. Under Wayland
    /// there is one screen, `picked`: whoever opens it is asked by the desktop what to show.
    pub async fn video_sources(&self) -> Result<VideoSources, PealError> {
        match self.ask(Command::VideoSources).await? {
            Answer::VideoSources(sources) => Ok(sources),
            _ => Err(stopped()),
        }
    }

    /// Sends my voice and picture to a media server (kit A05), and answers when they flow. The others in my calls are told
    /// where the stream is played (`stream_added`), and those who call or are called while it runs. It carries what my
    /// calls carry: nothing while I am muted or hold them, and outside of a call my picture if `open_camera` has turned it
    /// on. It ends with [`stop_publishing`](Self::stop_publishing), and with the last call that it was part of.
    ///
    /// A media server decrypts what it passes on: whoever runs it could listen and watch, unlike in a call.
    ///
    /// # Errors
    /// [`BadStreamUrl`](crate::api::ErrorCode::BadStreamUrl), [`StreamUnreachable`](crate::api::ErrorCode::StreamUnreachable),
    /// [`StreamRefused`](crate::api::ErrorCode::StreamRefused), [`StreamFailed`](crate::api::ErrorCode::StreamFailed);
    /// [`WrongState`](crate::api::ErrorCode::WrongState) while there is a stream already;
    /// [`NoMicrophone`](crate::api::ErrorCode::NoMicrophone), [`NoSpeaker`](crate::api::ErrorCode::NoSpeaker).
    pub async fn publish_stream(&self, params: PublishStreamParams) -> Result<PublishedStream, PealError> {
        match self.ask(Command::PublishStream(params)).await? {
            Answer::Published(stream) => Ok(stream),
            _ => Err(stopped()),
        }
    }

    /// Ends my stream: answers when the media server was told. Without a stream nothing happens.
    pub async fn stop_publishing(&self) -> Result<(), PealError> {
        self.ask(Command::StopPublishing).await.map(drop)
    }

    /// My own picture, not mirrored; none while there is none, or no local view is on. Holding it is not looking:
    /// [`start_local_view`](Self::start_local_view) is.
    pub fn local_pictures(&self) -> watch::Receiver<Picture> {
        self.board.local()
    }

    /// Somebody's picture; none while there is none, or no view of it is on. It goes on whatever becomes of the media path
    /// meanwhile. Holding it is not looking: [`start_remote_view`](Self::start_remote_view) is.
    pub fn remote_pictures(&self, call_id: &str, user_id: &str) -> watch::Receiver<Picture> {
        self.board.remote(call_id, user_id).subscribe()
    }
}
