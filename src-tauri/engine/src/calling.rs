//! Calls are made, joined and answered.

use std::time::{Duration, Instant};

use peal_call::{CallId, Callee, DeviceId, Dial, Input, MESSAGE_LIMIT, UserId};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::api::{
    AcceptParams, CALL_TIMEOUT_MS, CallParams, CallStats, ContactKind, ErrorCode, InviteParams, PealError, StatsParams,
};
use crate::echo::{ECHO, echo_device};
use crate::fault::not_logged_in;
use crate::link::Order;
use crate::message::{Answer, Reply};
use crate::phone::Softphone;
use crate::translate::{call_id, ms, wall_ms};

impl Softphone {
    pub async fn place(&mut self, params: CallParams) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        let names = self.invited_names(params.to, params.group_id.as_deref())?;
        let only = names.iter().any(|name| name == ECHO);
        let to = if only { self.echo_alone(&names)? } else { self.callees(names)? };
        if let Some(missing) = self.sound.missing() {
            self.sound.look_for_devices();
            return Err(missing);
        }
        let lifetime = ring_time(params.timeout_ms.unwrap_or(self.settings.call_timeout_ms))?;
        let message = message(params.message)?;
        let call = CallId::from_uuid(Uuid::now_v7());
        let input = Input::Call(Dial {
            call,
            to,
            only,
            media: params.media.into(),
            group: params.group_id,
            message,
            lifetime,
            // A doorbell is heard before anybody answers it.
            early_media: self.config.kind == ContactKind::Device,
            started_at: wall_ms(),
        });
        let first = !self.talks();
        self.wish(input).await?;
        if first {
            self.prepare_microphone();
        }
        let snapshot = self.session.as_ref().and_then(|it| it.phone.snapshot().into_iter().find(|it| it.id == call));
        let snapshot = snapshot.ok_or_else(|| PealError::new(ErrorCode::Internal, "the call was not made"))?;
        Ok(Answer::Session(self.surroundings().session(&snapshot)))
    }

    pub async fn invite(&mut self, params: InviteParams) -> Result<Answer, PealError> {
        if self.session.is_none() {
            return Err(not_logged_in());
        }
        let lifetime = ring_time(params.timeout_ms.unwrap_or(self.settings.call_timeout_ms))?;
        let message = message(params.message)?;
        let names = self.invited_names(params.to, None)?;
        let callees = self.callees(names)?;
        self.about(&params.call_id, |call| Input::Invite { call, callees, message, lifetime }).await
    }

    pub async fn accept(&mut self, params: AcceptParams) -> Result<Answer, PealError> {
        let (media, meanwhile) = (params.media.map(Into::into), params.meanwhile.into());
        let first = !self.talks();
        let done = self.about(&params.call_id, |call| Input::Accept { call, media, meanwhile }).await?;
        if first {
            self.prepare_microphone();
        }
        Ok(done)
    }

    /// A call starts with the microphone as the settings say (kit D02).
    fn prepare_microphone(&mut self) {
        if !self.settings.open_microphone {
            self.input(Input::SetMuted { muted: true });
        }
    }

    /// A call is made or runs; one that only rings here is none.
    fn talks(&self) -> bool {
        let calls = self.session.as_ref().map(|it| it.phone.snapshot()).unwrap_or_default();
        calls.iter().any(|call| !call.is_over() && call.alert.is_none())
    }

    /// One person as they are called, with every device that they are known by.
    pub fn callee(&self, name: &str) -> Result<Callee, PealError> {
        let session = self.session.as_ref().ok_or_else(not_logged_in)?;
        let user = UserId::new(name)?;
        if user == session.me.user {
            return Err(PealError::new(ErrorCode::BadRequest, "that is this account itself"));
        }
        let devices: Vec<DeviceId> =
            self.directory.callable(&user, &session.me).iter().map(|it| it.address.device.clone()).collect();
        Ok(Callee { user, devices })
    }

    fn callees(&self, names: Vec<String>) -> Result<Vec<Callee>, PealError> {
        let mut callees: Vec<Callee> = Vec::new();
        for name in names {
            let callee = self.callee(&name)?;
            if callees.iter().all(|it| it.user != callee.user) {
                callees.push(callee);
            }
        }
        // In a group, those who were never seen are missed like those who do not answer.
        if callees.iter().all(|it| it.devices.is_empty()) {
            return Err(PealError::new(ErrorCode::UnknownUser, "nobody is known by that name"));
        }
        Ok(callees)
    }

    /// Who is meant: the accounts given, or a whole group but for oneself.
    fn invited_names(&self, to: Vec<String>, group: Option<&str>) -> Result<Vec<String>, PealError> {
        let me = self.session.as_ref().map(|it| it.me.user.to_string()).unwrap_or_default();
        let names = match group {
            Some(group) if to.is_empty() => {
                let unknown = || PealError::new(ErrorCode::BadRequest, "there is no group of that id");
                let group = self.store.groups()?.into_iter().find(|it| it.group_id == group).ok_or_else(unknown)?;
                group.members.into_iter().filter(|name| *name != me).collect()
            }
            Some(_) | None => to,
        };
        if names.is_empty() {
            return Err(PealError::new(ErrorCode::BadRequest, "a call needs somebody to call"));
        }
        Ok(names)
    }

    /// Echo is a device of this very account, and comes alone.
    fn echo_alone(&self, names: &[String]) -> Result<Vec<Callee>, PealError> {
        let session = self.session.as_ref().ok_or_else(not_logged_in)?;
        if names.len() > 1 {
            return Err(PealError::new(ErrorCode::BadRequest, "Echo is called alone"));
        }
        let device = echo_device(&session.me.device).filter(|_| session.echo.is_some());
        let device = device.ok_or_else(|| PealError::new(ErrorCode::UnknownUser, "Echo is not ready yet"))?;
        Ok(vec![Callee { user: session.me.user.clone(), devices: vec![device] }])
    }

    /// Counters of one member's media path, or of all together. Answers later.
    pub fn call_stats(&self, params: &StatsParams, reply: Reply) {
        let links = call_id(&params.call_id).map(|call| {
            let surroundings = self.surroundings();
            let meant =
                |user: &UserId| params.user_id.as_ref().is_none_or(|wanted| *wanted == surroundings.shown_user(user));
            let asked = self.links.iter().filter(|(link, _)| link.call == call && meant(&link.peer.user));
            asked
                .map(|(_, handle)| {
                    let (sender, stats) = oneshot::channel();
                    handle.order(Order::Stats(sender));
                    (stats, handle.voice.as_ref().map(|voice| voice.stats()))
                })
                .collect::<Vec<_>>()
        });
        let (call, links) = match (call_id(&params.call_id), links) {
            (Ok(call), Ok(links)) if !links.is_empty() => (call, links),
            (Err(error), _) | (_, Err(error)) => return drop(reply.send(Err(error))),
            (Ok(_), Ok(_)) => {
                let error = PealError::new(ErrorCode::UnknownCall, "that call has no media path");
                return drop(reply.send(Err(error)));
            }
        };
        let answered = self.answered_at.get(&call).copied();
        tokio::spawn(async move {
            let mut sum = CallStats::default();
            for (peer, voice) in links {
                let (peer, voice) = (peer.await.unwrap_or_default(), voice.unwrap_or_default());
                let since_answer = |at: Instant| answered.map(|answered| ms(at.saturating_duration_since(answered)));
                sum = together(
                    sum,
                    CallStats {
                        packets_sent: peer.packets_sent as f64,
                        packets_received: peer.packets_received as f64,
                        bytes_sent: peer.bytes_sent as f64,
                        bytes_received: peer.bytes_received as f64,
                        lost: peer.lost as f64,
                        rtt_ms: peer.rtt_ms,
                        jitter_ms: peer.jitter_ms,
                        buffer_ms: f64::from(voice.buffer_ms),
                        concealed_ms: voice.concealed_ms as f64,
                        stretched_ms: (voice.shortened_ms + voice.lengthened_ms) as f64,
                        played_ms: voice.total_ms as f64,
                        first_audio_ms: voice.first_audio.and_then(since_answer),
                        srtp_cipher: peer.srtp_cipher,
                        frames_sent: peer.video.frames_sent as f64,
                        frames_received: peer.video.frames_decoded as f64,
                        video_sent_kbps: peer.video.sent_kbps,
                        video_received_kbps: peer.video.received_kbps,
                        video_width: peer.video.received_width,
                        video_height: peer.video.received_height,
                        freezes: peer.video.freezes as f64,
                        estimate_kbps: (peer.video.estimate_kbps > 0.0).then_some(peer.video.estimate_kbps),
                    },
                );
            }
            let _ = reply.send(Ok(Answer::Stats(sum)));
        });
    }
}

/// Two paths as one: counters are added; of what is no counter the worse one counts, of the first sound the earlier.
fn together(a: CallStats, b: CallStats) -> CallStats {
    let of = |a: Option<f64>, b: Option<f64>, choose: fn(f64, f64) -> f64| match (a, b) {
        (Some(a), Some(b)) => Some(choose(a, b)),
        (one, other) => one.or(other),
    };
    CallStats {
        packets_sent: a.packets_sent + b.packets_sent,
        packets_received: a.packets_received + b.packets_received,
        bytes_sent: a.bytes_sent + b.bytes_sent,
        bytes_received: a.bytes_received + b.bytes_received,
        lost: a.lost + b.lost,
        rtt_ms: of(a.rtt_ms, b.rtt_ms, f64::max),
        jitter_ms: a.jitter_ms.max(b.jitter_ms),
        buffer_ms: a.buffer_ms.max(b.buffer_ms),
        concealed_ms: a.concealed_ms + b.concealed_ms,
        stretched_ms: a.stretched_ms + b.stretched_ms,
        played_ms: a.played_ms + b.played_ms,
        first_audio_ms: of(a.first_audio_ms, b.first_audio_ms, f64::min),
        srtp_cipher: if a.srtp_cipher.is_empty() { b.srtp_cipher } else { a.srtp_cipher },
        frames_sent: a.frames_sent + b.frames_sent,
        frames_received: a.frames_received + b.frames_received,
        video_sent_kbps: a.video_sent_kbps + b.video_sent_kbps,
        video_received_kbps: a.video_received_kbps + b.video_received_kbps,
        video_width: a.video_width.max(b.video_width),
        video_height: a.video_height.max(b.video_height),
        freezes: a.freezes + b.freezes,
        estimate_kbps: of(a.estimate_kbps, b.estimate_kbps, f64::min),
    }
}

pub(crate) fn message(message: Option<String>) -> Result<Option<String>, PealError> {
    if message.as_ref().is_some_and(|text| text.len() > MESSAGE_LIMIT) {
        let words = format!("a message has at most {MESSAGE_LIMIT} bytes");
        return Err(PealError::new(ErrorCode::BadRequest, words));
    }
    Ok(message.filter(|text| !text.is_empty()))
}

pub(crate) fn ring_time(ms: u32) -> Result<Duration, PealError> {
    if CALL_TIMEOUT_MS.contains(&ms) {
        Ok(Duration::from_millis(u64::from(ms)))
    } else {
        Err(PealError::new(ErrorCode::BadRequest, "a call rings for 1000 to 120000 ms"))
    }
}
