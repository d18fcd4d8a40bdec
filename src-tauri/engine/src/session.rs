//! How a login begins, lives and ends.

use std::sync::Arc;
use std::time::Instant;

use peal_call::{EndReason, Input, Phone, PhoneConfig};
use peal_signalling::PresenceState;
use peal_store::ProfileRow;

use crate::Engine;
use crate::api::{AccountView, ConnectionState, ErrorCode, Event, LoginParams, PealError, Profile};
use crate::directory::Keys;
use crate::echo::{echo_config, echo_device, echo_identity};
use crate::fault::not_logged_in;
use crate::login::{LoggedIn, Login};
use crate::message::{Answer, Message, Reply};
use crate::phone::{Session, Softphone};
use crate::signals::replay_key;

/// How long a media server may take to hear that a stream is over.
const STREAM_STOPS: std::time::Duration = std::time::Duration::from_secs(4);
/// How long a camera may take to close at the end.
const CAMERA_CLOSES: std::time::Duration = std::time::Duration::from_secs(2);

impl Softphone {
    pub fn resume(&mut self) -> Result<(), PealError> {
        let Some(profile) = self.store.profile()? else { return Ok(()) };
        self.resuming = Some(self.account_view(&profile));
        self.recall_profile()?;
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

    pub fn begin_login(&mut self, params: LoginParams, reply: Reply) {
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
        let (generation, messages, mut login) = (self.generation, self.messages.clone(), self.login());
        login.single_device = params.single_device.unwrap_or(login.single_device);
        self.set_connection(ConnectionState::Connecting, None);
        let task = tokio::spawn(async move {
            let result = login.run(params).await;
            let _ = messages.send(Message::LoggedIn(generation, Box::new(result), Some(reply)));
        });
        self.logging_in = Some(task.abort_handle());
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
        self.directory.keys = Keys::load(&self.store, &server)?;
        self.session = Some(Session {
            phone,
            client,
            me,
            account: account.clone(),
            shown_state: PresenceState::Online,
            echo: None,
        });
        self.recall_profile()?;
        self.begin_screening();
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
            single_device: Some(false),
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

    pub async fn echo_started(&mut self, generation: u64, started: Result<Engine, PealError>) {
        match (started, &mut self.session) {
            (Ok(echo), Some(session)) if generation == self.generation => session.echo = Some(echo),
            (Ok(echo), _) => echo.stop().await,
            (Err(error), _) => tracing::warn!(code = ?error.code, "Echo can't log in"),
        }
    }

    pub async fn log_out(&mut self) -> Result<Answer, PealError> {
        if self.session.is_none() && self.logging_in.is_none() {
            return Err(not_logged_in());
        }
        self.leave(EndReason::Hangup).await;
        self.store.clear_profile()?;
        self.set_connection(ConnectionState::Offline, None);
        Ok(Answer::Nothing)
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
            if let Ok(value) = serde_json::from_slice(&guard)
                && let Err(error) = self.store.set_setting(&key, &value)
            {
                self.complain(error.into());
            }
            if let Some(echo) = session.echo {
                Box::pin(echo.stop()).await;
            }
            session.client.disconnect().await;
        }
        if let Some(publication) = self.publication.take() {
            let (told, hears) = tokio::sync::oneshot::channel();
            publication.stop(Some(told));
            // The server is to know before the program may be gone.
            let _ = tokio::time::timeout(STREAM_STOPS, hears).await;
        }
        self.playbacks.clear();
        self.links.clear();
        self.sounded.clear();
        self.answered_at.clear();
        self.directory.forget_presence();
        self.profile = Profile::default();
        self.meters.set(None, Vec::new());
    }

    pub async fn stop(&mut self) {
        self.leave(EndReason::Hangup).await;
        self.set_connection(ConnectionState::Offline, None);
        self.sound.need(crate::sound::Need::Nothing);
        if let Some(closed) = self.own.shut() {
            // The light is off when the phone has stopped.
            let _ = tokio::time::timeout(CAMERA_CLOSES, closed).await;
        }
        self.broker.lock().await.stop().await;
    }

    /// The login's parts, to run beside the loop.
    fn login(&self) -> Login {
        Login {
            config: self.config.clone(),
            store: Arc::clone(&self.store),
            identity: self.identity.clone(),
            broker: Arc::clone(&self.broker),
            boot_id: self.boot_id,
            check_sum: self.settings.check_sum,
            single_device: self.settings.single_device,
            device_name: self.settings.device_name().to_owned(),
        }
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
