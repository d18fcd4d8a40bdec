//! The sound devices, opened when a call needs them and closed when none does.

use std::sync::Arc;

use peal_media::audio::{Audio, AudioConfig, AudioError, AudioEvent, Devices, Microphone, Processing, Sound, Speaker};
use tokio::sync::mpsc;

use crate::api::{AudioView, DeviceView, PealError, Settings};
use crate::message::{Answer, Message, Reply};

/// Until the settings say otherwise, bits per second.
const BITRATE: u32 = 32_000;

/// What a call needs of the devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Everything is closed.
    #[default]
    Nothing,
    /// It rings: the speaker alone.
    Speaker,
    /// They talk: the microphone too.
    Both,
}

/// What is to be opened.
#[derive(Debug, Clone, Default, PartialEq)]
struct Wanted {
    need: Need,
    microphone: Option<Microphone>,
    speaker: Option<Speaker>,
    processing: Processing,
}

/// What a change of the devices has come to.
pub(crate) struct Opened {
    audio: Option<Arc<Audio>>,
    wanted: Wanted,
    problem: Option<AudioError>,
}

/// Opens and closes off the loop, one change at a time.
pub(crate) struct SoundSystem {
    messages: mpsc::UnboundedSender<Message>,
    audio: Option<Arc<Audio>>,
    wanted: Wanted,
    have: Wanted,
    changing: bool,
    problem: Option<AudioError>,
    /// What was open has gone: unplugged, or its server died. It comes back by itself.
    lost_microphone: bool,
    lost_speaker: bool,
    playing: Option<Sound>,
    muted: bool,
    deafened: bool,
    /// Of my own voice, bits per second.
    bitrate: u32,
    devices: Devices,
    /// The devices are open whether a call needs them or not (kit C01).
    warm: bool,
    /// What the calls need.
    asked: Need,
    /// Who waits for them to be open, or closed.
    waiting: Vec<Reply>,
    /// Not used any more; to be closed off the loop, since closing waits for threads.
    retired: Vec<Arc<Audio>>,
    /// How many are being closed.
    closing: usize,
}

impl SoundSystem {
    pub fn new(messages: mpsc::UnboundedSender<Message>) -> Self {
        Self {
            messages,
            audio: None,
            wanted: Wanted::default(),
            have: Wanted::default(),
            changing: false,
            problem: None,
            lost_microphone: false,
            lost_speaker: false,
            playing: None,
            muted: false,
            deafened: false,
            bitrate: BITRATE,
            devices: Devices::default(),
            warm: false,
            asked: Need::Nothing,
            waiting: Vec::new(),
            retired: Vec::new(),
            closing: 0,
        }
    }

    pub const fn audio(&self) -> Option<&Arc<Audio>> {
        self.audio.as_ref()
    }

    /// The person's choice, or what this engine was started with.
    pub fn choose(
        &mut self,
        settings: &Settings,
        microphone: Option<&Microphone>,
        speaker: Option<&Speaker>,
        always: bool,
    ) {
        let chosen = |id: &str| (id != "default").then(|| id.to_owned());
        self.wanted.microphone = Some(
            microphone
                .cloned()
                .unwrap_or_else(|| chosen(&settings.microphone).map_or(Microphone::Default, Microphone::Device)),
        );
        self.wanted.speaker = Some(
            speaker.cloned().unwrap_or_else(|| chosen(&settings.speaker).map_or(Speaker::Default, Speaker::Device)),
        );
        self.wanted.processing = Processing {
            echo_cancellation: settings.echo_cancellation,
            noise_suppression: settings.noise_suppression,
            gain_control: settings.gain_control,
            always,
        };
        self.change();
    }

    /// Of my own voice, bits per second.
    pub fn set_bitrate(&mut self, bits_per_second: u32) {
        if self.bitrate != bits_per_second {
            self.bitrate = bits_per_second;
            if let Some(audio) = &self.audio {
                audio.set_bitrate(bits_per_second);
            }
        }
    }

    /// Opens everything now, and keeps it open. [`SoundSystem::answers`] says how it went.
    pub fn warm_up(&mut self, reply: Reply) {
        self.warm = true;
        self.waiting.push(reply);
        self.need(self.asked);
    }

    /// Closes what no call needs. [`SoundSystem::answers`] says when it is closed.
    pub fn cool_down(&mut self, reply: Reply) {
        self.warm = false;
        self.waiting.push(reply);
        self.need(self.asked);
    }

    /// The devices are open whether a call needs them or not.
    pub const fn is_warm(&self) -> bool {
        self.warm
    }

    /// What those who wait for the devices are to be told now.
    pub fn answers(&mut self) -> Vec<(Reply, Result<Answer, PealError>)> {
        if self.changing || self.closing > 0 || self.have != self.wanted {
            return Vec::new();
        }
        let problem = self.problem.clone().filter(|_| self.warm && !self.waiting.is_empty());
        if problem.is_some() {
            self.warm = false;
            self.need(self.asked);
        }
        let answer = |reply| (reply, problem.clone().map_or(Ok(Answer::Nothing), |problem| Err(problem.into())));
        std::mem::take(&mut self.waiting).into_iter().map(answer).collect()
    }

    pub fn need(&mut self, need: Need) {
        self.asked = need;
        let need = if self.warm { Need::Both } else { need };
        if self.wanted.need != need {
            self.wanted.need = need;
            if need == Need::Nothing {
                self.problem = None;
            }
            self.change();
        }
    }

    /// A device that failed may be there again.
    pub fn retry(&mut self) {
        if self.problem.is_some() && self.wanted.need != Need::Nothing {
            self.have = Wanted::default();
            self.change();
        }
    }

    /// A change is done. True if there is another `Audio` than before.
    pub fn opened(&mut self, opened: Opened) -> bool {
        self.changing = false;
        self.have = opened.wanted;
        self.problem = opened.problem;
        let other = match (&self.audio, &opened.audio) {
            (Some(old), Some(new)) => !Arc::ptr_eq(old, new),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        self.retired.extend(std::mem::replace(&mut self.audio, opened.audio).filter(|_| other));
        if other {
            (self.lost_microphone, self.lost_speaker) = (false, false);
        }
        if let Some(audio) = self.audio.as_ref().filter(|_| other) {
            let (mut events, messages) = (audio.events(), self.messages.clone());
            tokio::spawn(async move {
                while let Ok(event) = events.recv().await {
                    if messages.send(Message::SoundChanged(event)).is_err() {
                        return;
                    }
                }
            });
            audio.set_muted(self.muted);
            audio.set_deafened(self.deafened);
            audio.set_bitrate(self.bitrate);
            if let Some(sound) = self.playing {
                audio.play(sound);
            }
        }
        self.change();
        other
    }

    /// Closes what has been replaced. Nobody else may hold it then.
    pub fn close_retired(&mut self) {
        for old in self.retired.drain(..) {
            self.closing += 1;
            let messages = self.messages.clone();
            tokio::task::spawn_blocking(move || {
                drop(old);
                let _ = messages.send(Message::SoundClosed);
            });
        }
    }

    /// What was replaced is closed.
    pub const fn closed(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }

    /// A device that was open went or came back.
    pub fn changed(&mut self, event: AudioEvent) {
        match event {
            AudioEvent::MicrophoneLost => self.lost_microphone = true,
            AudioEvent::MicrophoneRestored => self.lost_microphone = false,
            AudioEvent::SpeakerLost => self.lost_speaker = true,
            AudioEvent::SpeakerRestored => self.lost_speaker = false,
        }
        self.look_for_devices();
    }

    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        if let Some(audio) = &self.audio {
            audio.set_muted(muted);
        }
    }

    pub fn set_deafened(&mut self, deafened: bool) {
        self.deafened = deafened;
        if let Some(audio) = &self.audio {
            audio.set_deafened(deafened);
        }
    }

    pub const fn is_deafened(&self) -> bool {
        self.deafened
    }

    /// The sound that goes on until it is changed: ring, ringback, or none.
    pub fn play(&mut self, sound: Option<Sound>) {
        if self.playing == sound {
            return;
        }
        self.playing = sound;
        if let Some(audio) = &self.audio {
            match sound {
                Some(sound) => audio.play(sound),
                None => audio.stop_sound(),
            }
        }
    }

    /// A sound that plays once.
    pub fn play_once(&mut self, sound: Sound) {
        self.playing = None;
        if let Some(audio) = &self.audio {
            audio.play(sound);
        }
    }

    /// Looks for devices, off the loop.
    pub fn look_for_devices(&self) {
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let _ = messages.send(Message::Devices(peal_media::audio::devices()));
        });
    }

    pub fn found(&mut self, devices: Devices) {
        self.devices = devices;
    }

    /// What would keep a call from being placed.
    pub fn missing(&self) -> Option<PealError> {
        let is_device = |microphone: &Microphone| matches!(microphone, Microphone::Default | Microphone::Device(_));
        let plays = |speaker: &Speaker| matches!(speaker, Speaker::Default | Speaker::Device(_));
        let no_microphone =
            self.devices.microphones.is_empty() && self.wanted.microphone.as_ref().is_some_and(is_device);
        let no_speaker = self.devices.speakers.is_empty() && self.wanted.speaker.as_ref().is_some_and(plays);
        if no_microphone {
            Some(AudioError::NoMicrophone.into())
        } else if no_speaker {
            Some(AudioError::NoSpeaker.into())
        } else {
            None
        }
    }

    pub fn view(&self) -> AudioView {
        let list = |devices: &[peal_media::audio::DeviceInfo]| {
            devices.iter().map(|it| DeviceView { id: it.id.clone(), name: it.name.clone() }).collect()
        };
        AudioView {
            microphones: list(&self.devices.microphones),
            speakers: list(&self.devices.speakers),
            speaker_enabled: !self.deafened,
            problem: self.trouble().map(Into::into),
        }
    }

    /// What is wrong with a device that is wanted now.
    pub fn trouble(&self) -> Option<AudioError> {
        if self.wanted.need == Need::Nothing {
            return None;
        }
        let lost_microphone =
            (self.lost_microphone && self.wanted.need == Need::Both).then_some(AudioError::NoMicrophone);
        let lost_speaker = self.lost_speaker.then_some(AudioError::NoSpeaker);
        self.problem.clone().or(lost_microphone).or(lost_speaker)
    }

    fn change(&mut self) {
        if self.changing || self.have == self.wanted {
            return;
        }
        self.changing = true;
        let (audio, have, wanted) = (self.audio.clone(), self.have.clone(), self.wanted.clone());
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let _ = messages.send(Message::Sound(carry_out(audio, &have, wanted)));
        });
    }
}

/// Brings the devices from what is open to what is wanted. Blocks.
fn carry_out(audio: Option<Arc<Audio>>, have: &Wanted, wanted: Wanted) -> Opened {
    if wanted.need == Need::Nothing {
        return Opened { audio: None, wanted, problem: None };
    }
    let speaker = wanted.speaker.clone().unwrap_or(Speaker::Default);
    let (audio, mut problem) = if let Some(audio) = audio.filter(|_| have.processing == wanted.processing) {
        let other = have.speaker != wanted.speaker || have.need == Need::Nothing;
        let problem = if other { audio.replace_speaker(speaker).err() } else { None };
        (Some(audio), problem)
    } else {
        open(speaker, wanted.processing)
    };
    let fresh =
        have.need != wanted.need || have.microphone != wanted.microphone || have.processing != wanted.processing;
    if let Some(audio) = audio.as_ref().filter(|_| fresh) {
        let microphone = match wanted.need {
            Need::Both => wanted.microphone.clone().unwrap_or(Microphone::Default),
            Need::Speaker | Need::Nothing => Microphone::Silence,
        };
        // Without a microphone one can still hear.
        problem = audio.replace_microphone(microphone).err().or(problem);
    }
    Opened { audio, wanted, problem }
}

/// Opens the speaker; without one, one can still speak and be heard.
fn open(speaker: Speaker, processing: Processing) -> (Option<Arc<Audio>>, Option<AudioError>) {
    let config = |speaker| AudioConfig { microphone: Microphone::Silence, speaker, processing };
    match Audio::open(config(speaker)) {
        Ok(audio) => (Some(Arc::new(audio)), None),
        Err(error) => (Audio::open(config(Speaker::Null)).ok().map(Arc::new), Some(error)),
    }
}
