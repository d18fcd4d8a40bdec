//! Somebody with a phone: a real engine, and what it tells.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use peal_engine::api::{
    CallParams, CallSession, CallView, ContactKind, ErrorCode, Event, LoginParams, MemberState, PealError, PhoneView,
    PresenceView, RecordView,
};
use peal_engine::{Engine, EngineConfig, MicrophoneChoice, Profile, SpeakerChoice};
use tokio::sync::broadcast;

/// How long a test waits for something that must happen. Generous, since machines are slow now and then.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// One phone in a test.
pub struct Person {
    /// The phone.
    pub engine: Engine,
    /// The account.
    pub name: String,
    events: broadcast::Receiver<Event>,
}

/// A free port on the loopback address.
pub fn free_address() -> SocketAddr {
    // The port is free again when the listener is dropped; nothing else asks the system for this very number soon.
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port on loopback: {error}"))
}

/// An engine that is silent, forgets everything, and finds its broker at `broker`.
pub fn quiet(broker: SocketAddr) -> EngineConfig {
    EngineConfig {
        profile: Profile::Temporary,
        microphone: Some(MicrophoneChoice::Silence),
        speaker: Some(SpeakerChoice::Null),
        embedded_broker: broker,
        echo: false,
        ..EngineConfig::default()
    }
}

impl Person {
    /// Starts a phone and logs in on the embedded broker.
    pub async fn new(name: &str, config: EngineConfig) -> Self {
        let params = LoginParams { account: Some(name.to_owned()), ..LoginParams::default() };
        Self::log_in(config, params).await.unwrap_or_else(|error| panic!("{name} can't log in: {error:?}"))
    }

    /// Starts a phone and logs in as told.
    pub async fn log_in(config: EngineConfig, params: LoginParams) -> Result<Self, PealError> {
        let engine = Engine::start(config).await?;
        let events = engine.events();
        let account = engine.login(params).await?;
        Ok(Self { engine, name: account.user_id, events })
    }

    /// Waits until the snapshot is as wished, and answers it.
    pub async fn sees(&self, what: &str, wished: impl Fn(&PhoneView) -> bool) -> std::sync::Arc<PhoneView> {
        let mut view = self.engine.watch();
        let seen = tokio::time::timeout(PATIENCE, view.wait_for(|view| wished(view))).await;
        match seen {
            Ok(Ok(view)) => view.clone(),
            _ => panic!("{} never saw {what}; it sees {:#?}", self.name, self.engine.snapshot()),
        }
    }

    /// Waits until somebody is there to be called.
    pub async fn sees_online(&self, user: &str) {
        self.sees(user, |view| {
            view.contacts.iter().any(|it| it.user_id == user && it.presence != PresenceView::Offline)
        })
        .await;
    }

    /// Waits for an event, and answers what `pick` makes of it.
    pub async fn hears<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let heard = async {
            loop {
                match self.events.recv().await {
                    Ok(event) => {
                        if let Some(picked) = pick(&event) {
                            return picked;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => panic!("the engine has stopped"),
                }
            }
        };
        let Ok(picked) = tokio::time::timeout(PATIENCE, heard).await else {
            panic!("{} never heard {what}; it sees {:#?}", self.name, self.engine.snapshot());
        };
        picked
    }

    /// Calls somebody by voice.
    pub async fn calls(&self, to: &str) -> CallSession {
        self.try_call(to).await.unwrap_or_else(|error| panic!("{} can't call {to}: {error:?}", self.name))
    }

    /// Calls somebody by voice; it may be refused.
    pub async fn try_call(&self, to: &str) -> Result<CallSession, PealError> {
        self.engine.call(CallParams { to: vec![to.to_owned()], ..CallParams::default() }).await
    }

    /// Calls several people by voice.
    pub async fn calls_all(&self, to: &[&str]) -> CallSession {
        let to = to.iter().map(|it| (*it).to_owned()).collect();
        let called = self.engine.call(CallParams { to, ..CallParams::default() }).await;
        called.unwrap_or_else(|error| panic!("{} can't call: {error:?}", self.name))
    }

    /// Waits until it rings here, and answers which call.
    pub async fn rings(&mut self) -> String {
        self.hears("a ring", |event| match event {
            Event::Invited(invitation) => Some(invitation.call_id.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a call is connected.
    pub async fn connected(&mut self) -> String {
        self.hears("a connected call", |event| match event {
            Event::Connected(session) => Some(session.call_id.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a call is over, and answers why.
    pub async fn ended(&mut self) -> peal_engine::api::EndReason {
        self.hears("the call's end", |event| match event {
            Event::CallEnded { reason, .. } => Some(*reason),
            _ => None,
        })
        .await
    }

    /// The call on the screen.
    pub fn call(&self) -> Option<CallView> {
        self.engine.snapshot().calls.first().cloned()
    }

    /// Waits until this call is as wished, and answers it.
    pub async fn sees_call(&self, what: &str, call_id: &str, wished: impl Fn(&CallView) -> bool) -> CallView {
        let found = |view: &PhoneView| view.calls.iter().find(|it| it.call_id == call_id).cloned();
        let view = self.sees(what, |view| found(view).is_some_and(|it| wished(&it))).await;
        found(&view).unwrap_or_else(|| panic!("{} lost the call", self.name))
    }

    /// Waits until everyone of these is in the call, and heard.
    pub async fn talks_to(&self, call_id: &str, others: &[&str]) {
        let joined = |call: &CallView| {
            others
                .iter()
                .all(|user| call.members.iter().any(|it| it.user_id == *user && it.state == MemberState::Joined))
        };
        self.sees_call(&format!("{others:?} in the call"), call_id, joined).await;
    }

    /// Waits until the history has this call, and answers how it went.
    pub async fn recorded(&self, call_id: &str) -> RecordView {
        let found = |view: &PhoneView| view.history.iter().find(|it| it.call_id == call_id).cloned();
        let view = self.sees("the call in the history", |view| found(view).is_some()).await;
        found(&view).unwrap_or_else(|| panic!("{} lost the record", self.name))
    }

    /// Sets up a connected call with somebody.
    pub async fn talks_with(&mut self, other: &mut Self) -> String {
        self.sees_online(&other.name.clone()).await;
        let session = self.calls(&other.name).await;
        let call = other.rings().await;
        assert_eq!(call, session.call_id);
        accept(other, &call).await;
        self.connected().await;
        other.connected().await;
        call
    }
}

/// Answers a call.
pub async fn accept(person: &Person, call: &str) {
    if let Err(error) = person.engine.accept(call).await {
        panic!("{} can't answer: {error:?}", person.name);
    }
}

/// A microphone that says what is in a file, from the moment the call is answered.
pub fn says(file: impl Into<PathBuf>) -> MicrophoneChoice {
    MicrophoneChoice::Wav { path: file.into(), looped: false }
}

/// A speaker that writes down what it plays.
pub fn writes(file: impl Into<PathBuf>) -> SpeakerChoice {
    SpeakerChoice::Wav { path: file.into() }
}

/// A microphone that hums at this pitch, Hz.
pub const fn hums(hertz: f32) -> MicrophoneChoice {
    MicrophoneChoice::Tone { hertz }
}

/// The login of one of several devices of an account on the embedded broker: they share the token.
pub fn shared(account: &str) -> LoginParams {
    LoginParams { account: Some(account.to_owned()), token: Some(format!("{account}'s own")), ..LoginParams::default() }
}

/// The code of an error that must have happened.
pub fn code<T: std::fmt::Debug>(result: Result<T, PealError>) -> ErrorCode {
    match result {
        Ok(value) => panic!("this should have failed: {value:?}"),
        Err(error) => error.code,
    }
}

/// A thing that is called and answers by itself.
pub fn device(config: EngineConfig) -> EngineConfig {
    EngineConfig { kind: ContactKind::Device, auto_answer: true, ..config }
}
