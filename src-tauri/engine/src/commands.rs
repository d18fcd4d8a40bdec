//! What a program may ask of the phone.

use std::time::{Duration, Instant};

use peal_call::{CallId, DeviceId, Dial, Input, MESSAGE_LIMIT, MediaKind, Output, UserId};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::api::{CALL_TIMEOUT_MS, CallParams, CallStats, Command, ErrorCode, Media, PealError, SettingsPatch};
use crate::echo::{ECHO, echo_device};
use crate::fault::not_logged_in;
use crate::link::Order;
use crate::message::{Answer, Reply};
use crate::people::display_name;
use crate::phone::Softphone;
use crate::translate::{call_id, ms, wall_ms};

impl Softphone {
    pub async fn command(&mut self, command: Command, reply: Reply) {
        let done = match command {
            // These three answer later.
            Command::Login(params) => return self.begin_login(params, reply),
            Command::CallStats { call_id } => return self.call_stats(&call_id, reply),
            Command::SafetyNumber { user_id } => return self.safety_number(&user_id, reply),
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
            Command::SetProfile(patch) => self.set_profile(patch).await,
            Command::AddContact { user_id } => self.add_contact(&user_id),
            Command::SetContact(patch) => self.set_contact(patch),
            Command::RemoveContact { user_id } => self.remove_contact(&user_id),
            Command::SetGroup(params) => self.set_group(params),
            Command::RemoveGroup { group_id } => self.remove_group(&group_id),
            Command::SearchContacts { query } => self.search_contacts(&query),
            Command::Avatar { avatar_id } => self.avatar(&avatar_id),
            Command::ExportContacts => self.export_contacts(),
            Command::ImportContacts { vcard } => self.import_contacts(&vcard),
            Command::SearchHistory(query) => self.search_history(query),
            Command::DeleteRecords { call_ids } => self.delete_records(call_ids.as_deref()),
            Command::ExportHistory { format } => self.export_history(format),
            Command::MarkHistorySeen => self.mark_seen(),
            Command::SetVerified { user_id, device_id, verified } => self.set_verified(&user_id, &device_id, verified),
            Command::TrustKey { user_id, device_id } => self.trust_key(&user_id, &device_id),
        };
        self.answer(reply, done);
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
        let input = Input::Call(Dial {
            call,
            to: user,
            devices,
            only,
            media: MediaKind::Audio,
            message,
            lifetime,
            started_at: wall_ms(),
        });
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
        patch.check()?;
        self.keep_settings(patch.apply(self.settings.clone()))?;
        if let Some(name) = patch.display_name.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
            self.show_name(&display_name(name)?).await?;
        }
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
}

fn message(message: Option<String>) -> Result<Option<String>, PealError> {
    if message.as_ref().is_some_and(|text| text.len() > MESSAGE_LIMIT) {
        let words = format!("a message has at most {MESSAGE_LIMIT} bytes");
        return Err(PealError::new(ErrorCode::BadRequest, words));
    }
    Ok(message.filter(|text| !text.is_empty()))
}

fn ring_time(ms: u32) -> Result<Duration, PealError> {
    if CALL_TIMEOUT_MS.contains(&ms) {
        Ok(Duration::from_millis(u64::from(ms)))
    } else {
        Err(PealError::new(ErrorCode::BadRequest, "a call rings for 1000 to 120000 ms"))
    }
}
