//! The handle that everything outside holds.

mod calls;
mod people;
mod pictures;

use std::sync::Arc;

use peal_store::{Identity, Store};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::EngineConfig;
use crate::api::{
    AccountView, Command, ErrorCode, Event, LoginParams, Meters, PealError, PhoneView, SettingsPatch, VolumeParams,
};
use crate::message::{Answer, Message};
use crate::phone::{Ends, Softphone};
use crate::pictures::Board;
use crate::view::MeterSource;

/// Events that a slow listener may be behind before it misses the oldest.
const EVENT_BACKLOG: usize = 1024;

/// A whole softphone without a window. Clones are handles of the same one.
#[derive(Clone)]
pub struct Engine {
    messages: mpsc::UnboundedSender<Message>,
    view: watch::Receiver<Arc<PhoneView>>,
    events: broadcast::Sender<Event>,
    meters: MeterSource,
    board: Board,
}

impl Engine {
    /// Opens the profile and starts. With [`EngineConfig::resume`], the login of the last run is taken up in the
    /// background.
    ///
    /// # Errors
    /// [`ErrorCode::StorageFailed`], [`ErrorCode::ProfileInUse`], [`ErrorCode::BadName`].
    pub async fn start(config: EngineConfig) -> Result<Self, PealError> {
        Self::start_as(config, None).await
    }

    /// Starts with an identity other than the profile's own.
    pub(crate) async fn start_as(config: EngineConfig, identity: Option<Identity>) -> Result<Self, PealError> {
        let place = config.profile.place();
        let (store, own) = tokio::task::spawn_blocking(move || {
            let store = Store::open(&place)?;
            let identity = store.identity()?;
            Ok::<_, PealError>((store, identity))
        })
        .await
        .map_err(|error| PealError::new(ErrorCode::Internal, error.to_string()))??;
        let (messages, received) = mpsc::unbounded_channel();
        let events = broadcast::Sender::new(EVENT_BACKLOG);
        let (meters, board) = (MeterSource::default(), Board::new());
        let ends =
            Ends { messages: messages.clone(), events: events.clone(), meters: meters.clone(), board: board.clone() };
        let (phone, view) = Softphone::new(config, store, identity.unwrap_or(own), ends)?;
        tokio::spawn(phone.run(received));
        Ok(Self { messages, view, events, meters, board })
    }

    /// Everything a screen shows, now.
    pub fn snapshot(&self) -> Arc<PhoneView> {
        Arc::clone(&self.view.borrow())
    }

    /// The same as it changes. Every value is whole; its revision grows.
    pub fn watch(&self) -> watch::Receiver<Arc<PhoneView>> {
        self.view.clone()
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Levels now; cheap enough for every frame of a meter.
    pub fn meters(&self) -> Meters {
        self.meters.read()
    }

    /// Logs in (kits A01, B01, D11, E03). Without a server, to the embedded broker.
    ///
    /// # Errors
    /// [`ErrorCode::BadName`], [`ErrorCode::BadServer`], [`ErrorCode::WrongToken`], [`ErrorCode::ServerUnreachable`],
    /// [`ErrorCode::InsecureServer`], [`ErrorCode::NotAuthorized`], [`ErrorCode::BrokerFailed`],
    /// [`ErrorCode::AlreadyLoggedIn`].
    pub async fn login(&self, params: LoginParams) -> Result<AccountView, PealError> {
        match self.ask(Command::Login(params)).await? {
            Answer::Account(Some(account)) => Ok(account),
            _ => Err(stopped()),
        }
    }

    /// Ends every call, says goodbye, and forgets the login (kits A04, B02).
    pub async fn logout(&self) -> Result<(), PealError> {
        self.ask(Command::Logout).await.map(drop)
    }

    /// Who is logged in (kit A03); nobody while logged out.
    pub fn current_user(&self) -> Option<AccountView> {
        self.view.borrow().account.clone()
    }

    /// Changes settings; what the patch leaves out stays.
    pub async fn set_settings(&self, patch: SettingsPatch) -> Result<(), PealError> {
        self.ask(Command::SetSettings(patch)).await.map(drop)
    }

    /// Opens the sound devices before a call (kit C01): answers when they are open, and keeps them open.
    ///
    /// # Errors
    /// [`ErrorCode::NoMicrophone`], [`ErrorCode::NoSpeaker`], [`ErrorCode::DeviceBusy`], [`ErrorCode::DeviceFailed`].
    pub async fn init_engine(&self) -> Result<(), PealError> {
        self.ask(Command::InitEngine).await.map(drop)
    }

    /// Closes every sound device (kit C02): answers when they are closed.
    ///
    /// # Errors
    /// [`ErrorCode::WrongState`] while a call needs them.
    pub async fn release_engine(&self) -> Result<(), PealError> {
        self.ask(Command::ReleaseEngine).await.map(drop)
    }

    /// Sets how loud somebody is heard, in every call from now on: `db` on top of how loud they speak, -40 to 12.
    pub async fn set_volume(&self, user_id: &str, db: f32) -> Result<(), PealError> {
        self.ask(Command::SetVolume(VolumeParams { user_id: user_id.to_owned(), db })).await.map(drop)
    }

    /// The person has looked at the missed calls.
    pub async fn mark_history_seen(&self) -> Result<(), PealError> {
        self.ask(Command::MarkHistorySeen).await.map(drop)
    }

    /// Any command, its result as JSON: what `peal-headless` does with a line.
    pub async fn execute(&self, command: Command) -> Result<serde_json::Value, PealError> {
        let answer = self.ask(command).await?;
        let json = match answer {
            Answer::Nothing => Ok(serde_json::Value::Null),
            Answer::Account(account) => serde_json::to_value(account),
            Answer::Session(session) => serde_json::to_value(session),
            Answer::Stats(stats) => serde_json::to_value(stats),
            Answer::View(view) => serde_json::to_value(view.as_ref()),
            Answer::Bool(value) => Ok(value.into()),
            Answer::Text(text) => Ok(text.into()),
            Answer::Profile(profile) => serde_json::to_value(profile),
            Answer::Group(group) => serde_json::to_value(group),
            Answer::Contacts(contacts) => serde_json::to_value(contacts),
            Answer::Records(records) => serde_json::to_value(records),
            Answer::ExportedContacts(file) => serde_json::to_value(file),
            Answer::Imported(report) => serde_json::to_value(report),
            Answer::ExportedHistory(file) => serde_json::to_value(file),
            Answer::VideoSources(sources) => serde_json::to_value(sources),
            Answer::Published(stream) => serde_json::to_value(stream),
            Answer::SafetyNumbers(numbers) => serde_json::to_value(numbers),
        };
        json.map_err(|error| PealError::new(ErrorCode::Internal, error.to_string()))
    }

    /// Hangs up, leaves politely, closes every device. The login is kept for the next run.
    pub async fn stop(&self) {
        let (reply, done) = oneshot::channel();
        if self.messages.send(Message::Stop(reply)).is_ok() {
            let _ = done.await;
        }
    }

    pub(crate) async fn ask(&self, command: Command) -> Result<Answer, PealError> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Command(command, reply)).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("revision", &self.view.borrow().revision).finish_non_exhaustive()
    }
}

pub(crate) fn stopped() -> PealError {
    PealError::new(ErrorCode::NotLoggedIn, "the phone has been stopped")
}
