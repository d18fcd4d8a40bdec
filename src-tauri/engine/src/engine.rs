//! The handle that everything outside holds.

mod people;

use std::sync::Arc;

use peal_store::{Identity, Store};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::EngineConfig;
use crate::api::{
    AccountView, CallParams, CallSession, CallStats, Command, ErrorCode, Event, LoginParams, Meters, PealError,
    PhoneView, ReasonedCall, SettingsPatch,
};
use crate::message::{Answer, Message};
use crate::phone::Softphone;
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
        let meters = MeterSource::default();
        let (phone, view) =
            Softphone::new(config, store, identity.unwrap_or(own), messages.clone(), events.clone(), meters.clone())?;
        tokio::spawn(phone.run(received));
        Ok(Self { messages, view, events, meters })
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

    /// Calls somebody (kits A06, B04, C03, E05); `echo` is the test contact.
    pub async fn call(&self, params: CallParams) -> Result<CallSession, PealError> {
        match self.ask(Command::Call(params)).await? {
            Answer::Session(session) => Ok(session),
            _ => Err(stopped()),
        }
    }

    /// Answers (kits A07, B11, C04, E07).
    pub async fn accept(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Accept { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Declines, with words if wished (kits B12, C06, E08).
    pub async fn reject(&self, params: ReasonedCall) -> Result<(), PealError> {
        self.ask(Command::Reject(params)).await.map(drop)
    }

    /// Withdraws a call that is not connected (kit B07).
    pub async fn cancel(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Cancel { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Ends a call, or cancels or declines it before it connects (kits A08, B10, C05, E10).
    pub async fn hangup(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Hangup { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Leaves the screen of an ended call.
    pub async fn dismiss(&self, call_id: &str) -> Result<(), PealError> {
        self.ask(Command::Dismiss { call_id: call_id.to_owned() }).await.map(drop)
    }

    /// Turns the microphone off or on (kits C09, E14). Lasts until the call ends.
    pub async fn set_muted(&self, muted: bool) -> Result<(), PealError> {
        self.ask(Command::SetMuted { muted }).await.map(drop)
    }

    /// Whether the microphone is off (kit C08).
    pub fn is_muted(&self) -> bool {
        self.view.borrow().calls.iter().any(|call| call.muted)
    }

    /// Turns the speaker on or off (kit C11).
    pub async fn set_speaker_enabled(&self, enabled: bool) -> Result<(), PealError> {
        self.ask(Command::SetSpeakerEnabled { enabled }).await.map(drop)
    }

    /// Whether the speaker is on (kit C10).
    pub fn is_speaker_enabled(&self) -> bool {
        self.view.borrow().audio.speaker_enabled
    }

    /// How long the next call rings, ms (kit B03): 1000 to 120000.
    pub async fn set_call_timeout(&self, ms: u32) -> Result<(), PealError> {
        self.ask(Command::SetCallTimeout { ms }).await.map(drop)
    }

    /// Changes settings; what the patch leaves out stays.
    pub async fn set_settings(&self, patch: SettingsPatch) -> Result<(), PealError> {
        self.ask(Command::SetSettings(patch)).await.map(drop)
    }

    /// The person has looked at the missed calls.
    pub async fn mark_history_seen(&self) -> Result<(), PealError> {
        self.ask(Command::MarkHistorySeen).await.map(drop)
    }

    /// Counters of a call's media path.
    pub async fn call_stats(&self, call_id: &str) -> Result<CallStats, PealError> {
        match self.ask(Command::CallStats { call_id: call_id.to_owned() }).await? {
            Answer::Stats(stats) => Ok(stats),
            _ => Err(stopped()),
        }
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

    async fn ask(&self, command: Command) -> Result<Answer, PealError> {
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

fn stopped() -> PealError {
    PealError::new(ErrorCode::NotLoggedIn, "the phone has been stopped")
}
