//! The loop that joins the rules, the signals, the media and the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_call::{CallId, DeviceAddress, Input, Phone};
use peal_signalling::{Client, PresenceState};
use peal_store::{Identity, RecordRow, Store};
use tokio::sync::{Mutex, broadcast, mpsc, watch};
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::api::{
    AccountView, Connection, ConnectionState, ContactKind, Event, PealError, PhoneView, Profile, RecordView, Settings,
    SettingsPatch, VoiceLevel,
};
use crate::broker::EmbeddedBroker;
use crate::directory::Directory;
use crate::meanwhile::VOLUMES;
use crate::message::{Answer, Message, Reply};
use crate::pictures::{Board, OwnPicture, RemoteViews};
use crate::policy::Screening;
use crate::sound::SoundSystem;
use crate::streams::{Playbacks, Publication};
use crate::view::{MeterSource, Surroundings};
use crate::voices::{Heard, Links};
use crate::{Engine, EngineConfig, history};

/// The settings' key in the store.
const SETTINGS: &str = "settings";
/// Housekeeping: devices that failed, a broker that went.
const TICK: Duration = Duration::from_secs(1);
/// How often `voice_volume` is told (kit E24).
const VOLUME_EVERY: Duration = Duration::from_millis(200);

/// Somebody is logged in.
pub(crate) struct Session {
    pub phone: Phone,
    pub client: Client,
    pub me: DeviceAddress,
    pub account: AccountView,
    pub shown_state: PresenceState,
    pub echo: Option<Engine>,
}

/// What the handle outside has the other end of.
pub(crate) struct Ends {
    pub messages: mpsc::UnboundedSender<Message>,
    pub events: broadcast::Sender<Event>,
    pub meters: MeterSource,
    pub board: Board,
}

/// The loop's state.
pub(crate) struct Softphone {
    pub config: EngineConfig,
    pub store: Arc<Store>,
    pub identity: Identity,
    pub boot_id: Uuid,
    pub messages: mpsc::UnboundedSender<Message>,
    pub events: broadcast::Sender<Event>,
    pub settings: Settings,
    pub directory: Directory,
    pub profile: Profile,
    pub screening: Screening,
    pub history: Vec<RecordView>,
    pub connection: Connection,
    pub session: Option<Session>,
    /// Known from the last run, while its login is being taken up.
    pub resuming: Option<AccountView>,
    /// Numbers the logins, so that what an old one reports is not taken for the new one's.
    pub generation: u64,
    pub logging_in: Option<AbortHandle>,
    pub links: Links,
    /// Numbers the links, see [`LinkHandle::number`](crate::link::LinkHandle::number).
    pub links_opened: u64,
    /// Calls that have opened a sound device.
    pub sounded: HashMap<CallId, Heard>,
    /// How much louder somebody is heard than they speak, dB by account.
    pub volumes: HashMap<String, f32>,
    pub answered_at: HashMap<CallId, Instant>,
    pub sound: SoundSystem,
    /// What was told of the sound devices, and of the camera, last.
    pub trouble: [Option<crate::api::ErrorCode>; 2],
    pub meters: MeterSource,
    /// How often it was looked after.
    pub ticks: u32,
    pub own: OwnPicture,
    pub views: RemoteViews,
    /// My stream to a media server.
    pub publication: Option<Publication>,
    /// The streams of others that are looked at.
    pub playbacks: Playbacks,
    /// Numbers the streams.
    pub streams_opened: u64,
    pub board: Board,
    pub broker: Arc<Mutex<EmbeddedBroker>>,
    /// The devices stay open until then, so that the last sound is heard.
    pub lingers: Option<Instant>,
    view: watch::Sender<Arc<PhoneView>>,
    untold: Vec<Event>,
    unanswered: Vec<(Reply, Result<Answer, PealError>)>,
}

impl Softphone {
    pub fn new(
        config: EngineConfig,
        store: Store,
        identity: Identity,
        ends: Ends,
    ) -> Result<(Self, watch::Receiver<Arc<PhoneView>>), PealError> {
        let Ends { messages, events, meters, board } = ends;
        let mut directory = Directory::load(&store)?;
        directory.forgets = config.kind == ContactKind::Echo;
        let kept = store.setting(SETTINGS)?.map(SettingsPatch::from_kept);
        let settings = kept.unwrap_or_default().apply(Settings::default());
        let history = history::shown(&store, &directory)?;
        let volumes = store.setting(VOLUMES)?.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
        let (view, watched) = watch::channel(Arc::default());
        let mut phone = Self {
            sound: SoundSystem::new(messages.clone()),
            own: OwnPicture::new(messages.clone(), board.clone(), config.camera.clone()),
            views: RemoteViews::default(),
            publication: None,
            playbacks: Playbacks::default(),
            streams_opened: 0,
            ticks: 0,
            config,
            store: Arc::new(store),
            identity,
            boot_id: Uuid::now_v7(),
            messages,
            events,
            settings,
            directory,
            profile: Profile::default(),
            screening: Screening::default(),
            history,
            connection: Connection::default(),
            session: None,
            resuming: None,
            generation: 0,
            logging_in: None,
            links: Links::new(),
            links_opened: 0,
            sounded: HashMap::new(),
            volumes,
            answered_at: HashMap::new(),
            trouble: [None; 2],
            meters,
            board,
            broker: Arc::default(),
            lingers: None,
            view,
            untold: Vec::new(),
            unanswered: Vec::new(),
        };
        phone.choose_devices();
        if phone.config.resume {
            phone.resume()?;
        }
        phone.publish();
        Ok((phone, watched))
    }

    /// Runs until [`Message::Stop`], or until every handle is gone.
    pub async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        self.sound.look_for_devices();
        if self.config.kind != ContactKind::Echo {
            self.own.look_for_cameras();
        }
        if self.config.always_start_broker {
            self.start_broker();
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut volume = tokio::time::interval(VOLUME_EVERY);
        volume.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.session.as_ref().and_then(|it| it.phone.poll_timeout());
            let due = due.into_iter().chain(self.lingers).min();
            let talking = !self.links.is_empty() && self.events.receiver_count() > 0;
            tokio::select! {
                message = messages.recv() => match message {
                    Some(Message::Stop(reply)) => {
                        self.stop().await;
                        // Whoever waits may open the profile again.
                        drop(self);
                        let _ = reply.send(());
                        return;
                    }
                    Some(message) => self.handle(message).await,
                    None => return self.stop().await,
                },
                () = until(due) => {
                    self.lingers = self.lingers.filter(|at| *at > Instant::now());
                    if let Some(session) = &mut self.session {
                        session.phone.handle_timeout(Instant::now());
                    }
                }
                _ = tick.tick() => self.housekeeping(),
                _ = volume.tick(), if talking => {
                    let voices: Vec<VoiceLevel> = self.meters.read().voices;
                    // Levels are not in the snapshot.
                    let _ = self.events.send(Event::VoiceVolume(voices));
                    continue;
                }
            }
            self.settle().await;
        }
    }

    /// Feeds the rules.
    pub fn input(&mut self, input: Input) {
        if let Some(session) = &mut self.session {
            session.phone.handle_input(Instant::now(), input);
        }
    }

    /// Tells everyone who listens, once the snapshot shows it.
    pub fn tell(&mut self, event: Event) {
        self.untold.push(event);
    }

    /// Answers a command, once the snapshot shows what it did.
    pub fn answer(&mut self, reply: Reply, answer: Result<Answer, PealError>) {
        self.unanswered.push((reply, answer));
    }

    /// A failure that no command waits for.
    pub fn complain(&mut self, error: PealError) {
        tracing::debug!(code = ?error.code, "told");
        self.tell(Event::Error(error));
    }

    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            directory: &self.directory,
            me: self.session.as_ref().map(|it| &it.me.user),
            links: &self.links,
            volumes: &self.volumes,
            muted: self.session.as_ref().is_some_and(|it| it.phone.is_muted()),
            my_video: self.session.as_ref().is_some_and(|it| it.phone.is_video_on()),
            now: Instant::now(),
        }
    }

    pub fn set_connection(&mut self, state: ConnectionState, problem: Option<PealError>) {
        let connection = Connection { state, problem };
        if self.connection != connection {
            self.connection = connection.clone();
            self.tell(Event::ConnectionChanged(connection));
        }
    }

    pub fn choose_devices(&mut self) {
        self.sound.choose(
            &self.settings,
            self.config.microphone.as_ref(),
            self.config.speaker.as_ref(),
            self.config.force_processing,
        );
        self.sound.set_bitrate(self.settings.audio_quality.bitrate());
        self.own.choose(&self.settings);
    }

    pub fn keep_settings(&mut self, settings: Settings) -> Result<(), PealError> {
        let json = serde_json::to_value(&settings)
            .map_err(|error| PealError::new(crate::api::ErrorCode::Internal, error.to_string()))?;
        self.store.set_setting(SETTINGS, &json)?;
        self.settings = settings;
        self.screening_changed();
        self.choose_devices();
        Ok(())
    }

    /// The history has another line.
    pub fn recorded(&mut self, row: RecordRow) {
        if let Err(error) = self.met(&row) {
            self.complain(error);
        }
        let view = history::view(row, &self.directory);
        match history::shown(&self.store, &self.directory) {
            Ok(shown) => self.history = shown,
            Err(error) => self.complain(error.into()),
        }
        self.tell(Event::CallRecorded(view));
    }

    async fn handle(&mut self, message: Message) {
        match message {
            Message::Command(command, reply) => self.command(command, reply).await,
            Message::LoggedIn(generation, result, reply) => self.logged_in(generation, *result, reply),
            Message::Retrying(generation, error) => {
                if generation == self.generation {
                    self.set_connection(ConnectionState::Connecting, Some(error));
                }
            }
            Message::Signalling(generation, notice) => {
                if generation == self.generation {
                    self.signalling(notice).await;
                }
            }
            Message::Link(link, number, fact) => self.link_reported(link, number, fact),
            Message::Sound(opened) => {
                if self.sound.opened(opened) {
                    self.detach_all();
                }
            }
            Message::SoundClosed => self.sound.closed(),
            Message::SoundChanged(event) => self.sound.changed(event),
            Message::Devices(devices) => self.sound.found(devices),
            Message::Source(number, event) => self.own.happened(number, event),
            Message::SourceClosed => self.own.closed(),
            Message::Cameras(cameras) => self.own.found(cameras),
            Message::Stream(number, fact) => self.stream_reported(number, fact),
            Message::EchoStarted(generation, started) => self.echo_started(generation, started).await,
            // The loop takes it before.
            Message::Stop(_) => {}
        }
    }

    /// Carries out what the rules want, until they want nothing more, and shows the result.
    async fn settle(&mut self) {
        self.settle_screening();
        loop {
            while let Some(output) = self.session.as_mut().and_then(|it| it.phone.poll_output()) {
                self.carry_out(output).await;
            }
            if !(self.settle_pictures() | self.settle_publication()) {
                break;
            }
        }
        self.settle_media();
        self.tell_trouble();
        let busy = self.session.as_ref().is_some_and(|it| it.phone.is_busy());
        if let Some(session) = &mut self.session {
            let state = if busy { PresenceState::InCall } else { PresenceState::Online };
            if session.shown_state != state {
                session.shown_state = state;
                session.client.set_state(state).await;
            }
        }
        self.publish();
    }

    fn publish(&mut self) {
        self.refresh();
        for event in self.untold.drain(..) {
            // Nobody may be listening.
            let _ = self.events.send(event);
        }
        for (reply, answer) in self.unanswered.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(answer);
        }
    }

    fn refresh(&self) {
        let surroundings = self.surroundings();
        let session = self.session.as_ref();
        let calls: Vec<_> = session.map(|it| it.phone.snapshot()).unwrap_or_default();
        let me = session.map(|it| &it.me.user);
        let echo = self.echo_address();
        let mut view = PhoneView {
            revision: self.view.borrow().revision,
            account: session.map(|it| it.account.clone()).or_else(|| self.resuming.clone()),
            connection: self.connection.clone(),
            contacts: self.directory.contacts(me, echo.as_ref()),
            missed_count: self.history.iter().filter(|record| !record.seen).count() as u32,
            history: self.history.clone(),
            calls: calls.iter().map(|call| surroundings.call(call)).collect(),
            audio: self.sound.view(),
            video: self.own.view(),
            published: self.publication.as_ref().and_then(Publication::view),
            settings: self.settings.shown(),
            groups: self.directory.groups(),
            profile: self.profile.clone(),
            quiet: self.screening.quiet,
        };
        if *self.view.borrow().as_ref() != view {
            view.revision += 1;
            self.view.send_replace(Arc::new(view));
        }
    }

    /// Where Echo is, once it is.
    pub fn echo_address(&self) -> Option<DeviceAddress> {
        let session = self.session.as_ref().filter(|it| it.echo.is_some())?;
        let device = crate::echo::echo_device(&session.me.device)?;
        Some(DeviceAddress { user: session.me.user.clone(), device })
    }

    pub fn view(&self) -> Arc<PhoneView> {
        Arc::clone(&self.view.borrow())
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
