//! What the loop is told, and what it answers.

use std::sync::Arc;

use peal_call::Link;
use peal_media::audio::{AudioEvent, Devices};
use peal_media::video::{SourceEvent, VideoDevice};
use peal_signalling::Notice;
use tokio::sync::oneshot;

use crate::Engine;
use crate::api::{
    AccountView, CallSession, CallStats, Command, ContactView, ExportedContacts, ExportedHistory, Group, ImportReport,
    PealError, PhoneView, Profile, PublishedStream, RecordView, SafetyNumber, VideoSources,
};
use crate::link::Fact;
use crate::login::LoggedIn;
use crate::sound::Opened;
use crate::streams::StreamFact;

/// What the loop is told.
pub(crate) enum Message {
    Command(Command, Reply),
    /// A login came to an end; which one, and who waits for it.
    LoggedIn(u64, Box<Result<LoggedIn, PealError>>, Option<Reply>),
    /// A resumed login has failed once more and goes on trying.
    Retrying(u64, PealError),
    /// From the client of this login.
    Signalling(u64, Notice),
    /// From the link of this name and number.
    Link(Link, u64, Fact),
    Sound(Opened),
    /// An [`Audio`](peal_media::audio::Audio) that is not used any more is closed.
    SoundClosed,
    SoundChanged(AudioEvent),
    Devices(Devices),
    /// From the source of pictures of this number.
    Source(u64, SourceEvent),
    /// A source of pictures that is not used any more is closed.
    SourceClosed,
    Cameras(Vec<VideoDevice>),
    /// From the stream of this number, mine or one that is played.
    Stream(u64, StreamFact),
    EchoStarted(u64, Result<Engine, PealError>),
    Stop(oneshot::Sender<()>),
}

/// Who waits for a command's answer.
pub(crate) type Reply = oneshot::Sender<Result<Answer, PealError>>;

/// What a command answers.
pub(crate) enum Answer {
    Nothing,
    Account(Option<AccountView>),
    Session(CallSession),
    Stats(CallStats),
    View(Arc<PhoneView>),
    Bool(bool),
    Text(Option<String>),
    Profile(Profile),
    Group(Group),
    Contacts(Vec<ContactView>),
    Records(Vec<RecordView>),
    ExportedContacts(ExportedContacts),
    Imported(ImportReport),
    ExportedHistory(ExportedHistory),
    SafetyNumbers(Vec<SafetyNumber>),
    VideoSources(VideoSources),
    Published(PublishedStream),
}
