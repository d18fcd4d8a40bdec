//! What a program may ask of the phone, and how a login begins and ends.

use std::time::{Duration, Instant};

use peal_call::{CallId, DeviceId, EndReason, Input, MESSAGE_LIMIT, MediaKind, Output, Phone, PhoneConfig, UserId};
use peal_signalling::PresenceState;
use peal_store::ProfileRow;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::Engine;
use crate::api::{
    AccountView, CallParams, CallStats, Command, ConnectionState, ErrorCode, Event, LoginParams, Media, PealError,
    SettingsPatch,
};
use crate::echo::{ECHO, echo_config, echo_device, echo_identity};
use crate::fault::not_logged_in;
use crate::link::Order;
use crate::login::LoggedIn;
use crate::phone::{Answer, Message, Reply, Session, Softphone};
use crate::signals::replay_key;
use crate::translate::{call_id, ms, wall_ms};

impl Softphone {
    pub async fn command(&mut self, command: Command, reply: Reply) {
        let done = match command {
            // These two answer later.
            Command::Login(params) => return self.begin_login(params, reply),
            Command::CallStats { call_id } => return self.call_stats(&call_id, reply),
            Command::Logout => self.log_out().await,
            Command::CurrentUser => Ok(Answer::Account(self.session.as_ref().map(|it| it.account.clone()))),
            Command::Snapshot => Ok(Answer::View(self.view())),
            Command::Call(params) => self.place(params).await,
            Command::Accept { call_id } => self.about(&call_id, |call| Input::Accept { call }).await,
            Command::Reject(params) => match message(params.message) {
                Ok(message) => self.about(&params.call_id, |call| Input::Reject { call, message }).await,
                Err(error) => Err(error),
            },
            Command::Cancel { call_id } | Command::Hangup { call_id } => {
                self.about(&call_id, |call| Input::Hangup { call }).await
            }
            Command::Dismiss { call_id } => self.about(&call_id, |call| Input::Dismiss { call }).await,
            Command::SetMuted { muted } => self.set_muted(muted),
            Command::IsMuted => Ok(Answer::Bool(self.session.as_ref().is_some_and(|session| session.phone.is_muted()))),
            Command::SetSpeakerEnabled { enabled } => {
                self.sound.set_deafened(!enabled);
                Ok(Answer::Nothing)
            }
            Command::IsSpeakerEnabled => Ok(Answer::Bool(!self.sound.is_deafened())),
            Command::SetCallTimeout { ms } => {
                self.change_settings(SettingsPatch { call_timeout_ms: Some(ms), ..SettingsPatch::default() }).await
            }
            Command::SetSettings(patch) => self.change_settings(patch).await,
            Command::MarkHistorySeen => self.mark_seen(),
        };
        self.answer(reply, done);
    }

    pub fn resume(&mut self) -> Result<(), PealError> {
        let Some(profile) = self.store.profile()? else { return Ok(()) };
        self.resuming = Some(self.account_view(&profile));
        self.generation += 1;
        let (generation, messages, login) = (self.generation, self.messages.clone(), self.login());
        self.set_connection(ConnectionState::Connecting, None);
        let task = tokio::spawn(async move {
            let report = |error| {
                let _ = messages.send(Message::Retrying(generation, error));
            };
            let result = login.resume(profile, report).await;
            let _ = messages.send(Message::LoggedIn(generation, Box::new(result), None));
        });
        self.logging_in = Some(task.abort_handle());
        Ok(())
    }

    pub fn logged_in(&mut self, generation: u64, result: Result<LoggedIn, PealError>, reply: Option<Reply>) {
        if generation != self.generation {
            let error = PealError::new(ErrorCode::NotLoggedIn, "another login or a logout came in between");
            if let Some(reply) = reply {
                let _ = reply.send(Err(error));
            }
            return;
        }
        self.logging_in = None;
        self.resuming = None;
        let answer = match result {
            Ok(logged_in) => self.enter(logged_in),
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            self.set_connection(ConnectionState::Offline, Some(error.clone()));
        }
        match (reply, answer) {
            (Some(reply), answer) => self.answer(reply, answer.map(|account| Answer::Account(Some(account)))),
            (None, Err(error)) => self.tell(Event::SessionEnded(error)),
            (None, Ok(_)) => {}
        }
    }

    pub async fn echo_started(&mut self, generation: u64, started: Result<Engine, PealError>) {
        match (started, &mut self.session) {
            (Ok(echo), Some(session)) if generation == self.generation => session.echo = Some(echo),
            (Ok(echo), _) => echo.stop().await,
            (Err(error), _) => tracing::warn!(code = ?error.code, "Echo can't log in"),
        }
    }

    /// Ends the session: calls, login, Echo. The caller says why.
    pub async fn leave(&mut self, reason: EndReason) {
        self.generation += 1;
        if let Some(task) = self.logging_in.take() {
            task.abort();
        }
        self.resuming = None;
        self.input(Input::LogOut { reason });
        while let Some(output) = self.session.as_mut().and_then(|it| it.phone.poll_output()) {
            self.carry_out(output).await;
        }
        if let Some(session) = self.session.take() {
            let key = replay_key(&session.account.server, &session.me);
            let guard = session.client.replay_guard().to_bytes();
            if let Ok(value) = serde_json::from_slice(&guard) {
                if let Err(error) = self.store.set_setting(&key, &value) {
                    self.complain(error.into());
                }
            }
            if let Some(echo) = session.echo {
                Box::pin(echo.stop()).await;
            }
            session.client.disconnect().await;
        }
        self.links.clear();
        self.voices.clear();
        self.quality.clear();
        self.answered_at.clear();
        self.directory.forget_presence();
        self.meters.set(None, Vec::new());
    }

    pub async fn stop(&mut self) {
        self.leave(EndReason::Hangup).await;
        self.set_connection(ConnectionState::Offline, None);
        self.sound.need(crate::sound::Need::Nothing);
        self.broker.lock().await.stop().await;
    }

    fn begin_login(&mut self, params: LoginParams, reply: Reply) {
        if self.session.is_some() {
            let error = PealError::new(ErrorCode::AlreadyLoggedIn, "somebody is logged in here");
            let _ = reply.send(Err(error));
            return;
        }
        if let Some(task) = self.logging_in.take() {
            task.abort();
        }
        self.resuming = None;
        self.generation += 1;
        let (generation, messages, login) = (self.generation, self.messages.clone(), self.login());
        self.set_connection(ConnectionState::Connecting, None);
        let task = tokio::spawn(async move {
            let result = login.run(params).await;
            let _ = messages.send(Message::LoggedIn(generation, Box::new(result), Some(reply)));
        });
        self.logging_in = Some(task.abort_handle());
    }

    fn enter(&mut self, logged_in: LoggedIn) -> Result<AccountView, PealError> {
        let LoggedIn { client, mut notices, me, client_id, profile, server } = logged_in;
        self.store.set_profile(&profile)?;
        let mut account = self.account_view(&profile);
        account.device_id = me.device.to_string();
        account.client_id = client_id;
        account.server.clone_from(&server);
        let (generation, messages) = (self.generation, self.messages.clone());
        tokio::spawn(async move {
            while let Some(notice) = notices.recv().await {
                if messages.send(Message::Signalling(generation, notice)).is_err() {
                    return;
                }
            }
        });
        let mut phone = Phone::new(PhoneConfig { me: me.clone() });
        phone.handle_input(Instant::now(), Input::CatchUpStarted);
        self.session = Some(Session {
            phone,
            client,
            me,
            account: account.clone(),
            shown_state: PresenceState::Online,
            echo: None,
        });
        self.set_connection(ConnectionState::Online, None);
        if self.config.echo {
            self.start_echo(&profile, &server);
        }
        Ok(account)
    }

    fn start_echo(&self, profile: &ProfileRow, server: &str) {
        let Some(session) = &self.session else { return };
        let Some(device) = echo_device(&session.me.device) else { return };
        let config = echo_config(&self.config, &device);
        let token = profile.token.clone().unwrap_or_else(|| self.identity.token.clone());
        let identity = echo_identity(&self.identity, token.clone(), &device);
        let params = LoginParams {
            account: Some(profile.account.clone()),
            token: Some(token),
            server: Some(server.to_owned()),
            display_name: Some("Echo".to_owned()),
        };
        let (generation, messages) = (self.generation, self.messages.clone());
        tokio::spawn(async move {
            let started = Box::pin(async {
                let echo = Engine::start_as(config, Some(identity)).await?;
                echo.login(params).await.map(|_| echo)
            });
            let _ = messages.send(Message::EchoStarted(generation, started.await));
        });
    }

    async fn log_out(&mut self) -> Result<Answer, PealError> {
        if self.session.is_none() && self.logging_in.is_none() {
            return Err(not_logged_in());
        }
        self.leave(EndReason::Hangup).await;
        self.store.clear_profile()?;
        self.set_connection(ConnectionState::Offline, None);
        Ok(Answer::Nothing)
    }

    async fn place(&mut self, params: CallParams) -> Result<Answer, PealError> {
        let session = self.session.as_ref().ok_or_else(not_logged_in)?;
        let [to] = params.to.as_slice() else {
            let words =
                if params.to.is_empty() { "a call needs somebody to call" } else { "one person at a time, so far" };
            let code = if params.to.is_empty() { ErrorCode::BadRequest } else { ErrorCode::Unsupported };
            return Err(PealError::new(code, words));
        };
        if params.media == Media::Video {
            return Err(PealError::new(ErrorCode::Unsupported, "video calls are not there yet"));
        }
        let (user, devices, only) = if to == ECHO {
            let device = echo_device(&session.me.device).filter(|_| session.echo.is_some());
            let device = device.ok_or_else(|| PealError::new(ErrorCode::UnknownUser, "Echo is not ready yet"))?;
            (session.me.user.clone(), vec![device], true)
        } else {
            let user = UserId::new(to.clone())?;
            if user == session.me.user {
                return Err(PealError::new(ErrorCode::BadRequest, "that is this account itself"));
            }
            let devices: Vec<DeviceId> =
                self.directory.callable(&user, &session.me).iter().map(|it| it.address.device.clone()).collect();
            (user, devices, false)
        };
        if devices.is_empty() {
            return Err(PealError::new(ErrorCode::UnknownUser, "nobody is known by that name"));
        }
        if let Some(missing) = self.sound.missing() {
            self.sound.look_for_devices();
            return Err(missing);
        }
        let lifetime = ring_time(params.timeout_ms.unwrap_or(self.settings.call_timeout_ms))?;
        let message = message(params.message)?;
        let call = CallId::from_uuid(Uuid::now_v7());
        let input = Input::Call {
            call,
            to: user,
            devices,
            only,
            media: MediaKind::Audio,
            message,
            lifetime,
            started_at: wall_ms(),
        };
        self.wish(input).await?;
        let snapshot = self.session.as_ref().and_then(|it| it.phone.snapshot().into_iter().find(|it| it.id == call));
        let snapshot = snapshot.ok_or_else(|| PealError::new(ErrorCode::Internal, "the call was not made"))?;
        Ok(Answer::Session(self.surroundings().session(&snapshot)))
    }

    async fn about(&mut self, call: &str, input: impl FnOnce(CallId) -> Input) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        self.wish(input(call_id(call)?)).await.map(|()| Answer::Nothing)
    }

    /// A wish to the rules, which may refuse it.
    async fn wish(&mut self, input: Input) -> Result<(), PealError> {
        self.input(input);
        let mut refused = None;
        while let Some(output) = self.session.as_mut().and_then(|it| it.phone.poll_output()) {
            if let Output::Refuse { refusal, .. } = output {
                refused = Some(refusal);
            } else {
                self.carry_out(output).await;
            }
        }
        refused.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    fn set_muted(&mut self, muted: bool) -> Result<Answer, PealError> {
        if !self.session.as_ref().ok_or_else(not_logged_in)?.phone.is_busy() {
            return Err(PealError::new(ErrorCode::WrongState, "there is no call to mute"));
        }
        self.input(Input::SetMuted { muted });
        Ok(Answer::Nothing)
    }

    async fn change_settings(&mut self, patch: SettingsPatch) -> Result<Answer, PealError> {
        if let Some(ms) = patch.call_timeout_ms {
            ring_time(ms)?;
        }
        let settings = patch.apply(self.settings.clone());
        self.keep_settings(settings)?;
        if let Some(name) = patch.display_name.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
            if let Some(mut profile) = self.store.profile()? {
                name.clone_into(&mut profile.display_name);
                self.store.set_profile(&profile)?;
            }
            if let Some(session) = &mut self.session {
                name.clone_into(&mut session.account.display_name);
                session.client.set_display_name(name).await;
            }
        }
        Ok(Answer::Nothing)
    }

    fn mark_seen(&mut self) -> Result<Answer, PealError> {
        self.store.mark_seen()?;
        self.history = crate::history::shown(&self.store, &self.directory)?;
        Ok(Answer::Nothing)
    }

    fn call_stats(&self, call: &str, reply: Reply) {
        let found = call_id(call).and_then(|call| {
            let missing = || PealError::new(ErrorCode::UnknownCall, "that call has no media path");
            self.links.iter().find(|(link, _)| link.call == call).ok_or_else(missing)
        });
        let (link, handle) = match found {
            Ok(found) => found,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let (sender, stats) = oneshot::channel();
        handle.order(Order::Stats(sender));
        let voice = self.voices.get(link).map(|voice| voice.stats());
        let answered = self.answered_at.get(&link.call).copied();
        tokio::spawn(async move {
            let peer = stats.await.unwrap_or_default();
            let voice = voice.unwrap_or_default();
            let since_answer = |at: Instant| answered.map(|answered| ms(at.saturating_duration_since(answered)));
            let stats = CallStats {
                packets_sent: peer.packets_sent as f64,
                packets_received: peer.packets_received as f64,
                lost: peer.lost as f64,
                rtt_ms: peer.rtt_ms,
                jitter_ms: peer.jitter_ms,
                buffer_ms: f64::from(voice.buffer_ms),
                concealed_ms: voice.concealed_ms as f64,
                played_ms: voice.total_ms as f64,
                first_audio_ms: voice.first_audio.and_then(since_answer),
                srtp_cipher: peer.srtp_cipher,
            };
            let _ = reply.send(Ok(Answer::Stats(stats)));
        });
    }

    fn account_view(&self, profile: &ProfileRow) -> AccountView {
        AccountView {
            user_id: profile.account.clone(),
            display_name: profile.display_name.clone(),
            device_id: self.identity.device_id.clone(),
            client_id: format!("{}~{}", profile.account, self.identity.client_random),
            server: profile.server.clone().unwrap_or_default(),
            embedded: profile.server.is_none(),
        }
    }
}

fn message(message: Option<String>) -> Result<Option<String>, PealError> {
    if message.as_ref().is_some_and(|text| text.len() > MESSAGE_LIMIT) {
        let words = format!("a message has at most {MESSAGE_LIMIT} bytes");
        return Err(PealError::new(ErrorCode::BadRequest, words));
    }
    Ok(message.filter(|text| !text.is_empty()))
}

fn ring_time(ms: u32) -> Result<Duration, PealError> {
    if (1_000..=120_000).contains(&ms) {
        Ok(Duration::from_millis(u64::from(ms)))
    } else {
        Err(PealError::new(ErrorCode::BadRequest, "a call rings for 1000 to 120000 ms"))
    }
}
