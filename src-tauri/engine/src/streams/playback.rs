//! The streams of others that are looked at, each a task around its session.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_call::{CallId, Stream, UserId};
use peal_media::audio::{Audio, Voice};
use peal_media::peer::PeerEvent;
use peal_media::stream::{StreamConfig, StreamError, StreamSession, StreamUrl};
use peal_media::video::Picture;
use tokio::sync::{mpsc, watch};

use super::StreamFact;
use crate::flow;
use crate::message::Message;
use crate::pictures::{Forward, Size};

/// A stream that could not be played is tried again after this time, while somebody looks.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Whose stream, in which call.
pub(crate) type Key = (CallId, UserId);

/// A stream that somebody looks at.
pub(crate) struct Wanted {
    pub key: Key,
    /// From where, as its publisher says.
    pub stream: Stream,
    /// How large it is drawn.
    pub size: Size,
    /// How loud it is heard: 1.0 as it comes.
    pub volume: f32,
    /// Where its pictures are put up.
    pub place: watch::Sender<Picture>,
}

/// What the task is told, in order.
enum Order {
    Hear(Arc<Voice>),
    Look(Size, watch::Sender<Picture>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Opening,
    Open,
    /// It is tried again then.
    Failed {
        retry_at: Instant,
    },
}

/// A stream that is being opened, runs, or has failed. Dropping it ends it in order.
struct Playback {
    orders: mpsc::UnboundedSender<Order>,
    number: u64,
    stream: Stream,
    state: State,
    voice: Option<Arc<Voice>>,
    looks: Option<Size>,
    /// That it fails was told.
    told: bool,
}

/// Every stream that is looked at.
#[derive(Default)]
pub(crate) struct Playbacks(HashMap<Key, Playback>);

impl Playbacks {
    /// Plays what is wanted, and ends the rest.
    pub fn settle(
        &mut self,
        wanted: Vec<Wanted>,
        audio: Option<&Arc<Audio>>,
        config: &StreamConfig,
        messages: &mpsc::UnboundedSender<Message>,
        opened: &mut u64,
    ) {
        self.0.retain(|key, playback| wanted.iter().any(|it| it.key == *key && it.stream == playback.stream));
        for wanted in wanted {
            let known = self.0.get(&wanted.key);
            let due =
                known.is_none_or(|it| matches!(it.state, State::Failed { retry_at } if retry_at <= Instant::now()));
            if due {
                let told = known.is_some_and(|it| it.told);
                *opened += 1;
                let playback = Playback::open(*opened, config, wanted.stream, told, messages.clone());
                self.0.insert(wanted.key.clone(), playback);
            }
            if let Some(playback) = self.0.get_mut(&wanted.key).filter(|it| it.state == State::Open) {
                playback.look(wanted.size, wanted.place);
                if let Some(audio) = audio {
                    playback.hear(audio, wanted.volume);
                }
            }
        }
    }

    /// What the stream of this number reports; answers what is to be told of it.
    pub fn reported(&mut self, number: u64, fact: StreamFact) -> Option<StreamError> {
        let playback = self.0.values_mut().find(|it| it.number == number)?;
        match fact {
            StreamFact::Opened => {
                playback.state = State::Open;
                playback.told = false;
                None
            }
            StreamFact::Failed(error) => {
                playback.state = State::Failed { retry_at: Instant::now() + RETRY_AFTER };
                (playback.voice, playback.looks) = (None, None);
                (!std::mem::replace(&mut playback.told, true)).then_some(error)
            }
        }
    }

    /// Somebody's stream takes the place of their media path now.
    pub fn plays(&self, call: CallId, user: &UserId) -> bool {
        self.0.iter().any(|(key, it)| key.0 == call && key.1 == *user && it.state == State::Open)
    }

    /// Their voice as it comes by their stream.
    pub fn voice(&self, call: CallId, user: &UserId) -> Option<Arc<Voice>> {
        self.0.iter().find(|(key, _)| key.0 == call && key.1 == *user)?.1.voice.clone()
    }

    /// The devices have been opened anew.
    pub fn detach(&mut self) {
        for playback in self.0.values_mut() {
            playback.voice = None;
        }
    }

    /// Ends them all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Playback {
    fn open(
        number: u64,
        config: &StreamConfig,
        stream: Stream,
        told: bool,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        tokio::spawn(run(config.clone(), stream.clone(), received, move |fact| {
            let _ = messages.send(Message::Stream(number, fact));
        }));
        Self { orders, number, stream, state: State::Opening, voice: None, looks: None, told }
    }

    fn look(&mut self, size: Size, place: watch::Sender<Picture>) {
        if self.looks != Some(size) {
            self.looks = Some(size);
            order(&self.orders, Order::Look(size, place));
        }
    }

    fn hear(&mut self, audio: &Audio, volume: f32) {
        let orders = &self.orders;
        flow::hear(&mut self.voice, audio, volume, |voice| order(orders, Order::Hear(voice)));
    }
}

fn order(orders: &mpsc::UnboundedSender<Order>, wish: Order) {
    // A stream that has failed has said so.
    let _ = orders.send(wish);
}

async fn run(
    config: StreamConfig,
    stream: Stream,
    mut orders: mpsc::UnboundedReceiver<Order>,
    say: impl Fn(StreamFact) + Send,
) {
    let opened = async {
        // Somebody else named the address: it is looked at here, and nothing was sent there before.
        let url = StreamUrl::parse(&stream.url, config.plain_http)?;
        Box::pin(StreamSession::play(&config, &url, stream.token.as_deref())).await
    };
    let (session, mut events) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return say(StreamFact::Failed(error)),
    };
    say(StreamFact::Opened);
    let mut voice: Option<Arc<Voice>> = None;
    let mut forward: Option<Forward> = None;
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Hear(to)) => voice = Some(to),
                Some(Order::Look(size, place)) => {
                    session.peer().want_video(Some((size.width, size.height)));
                    if forward.is_none() {
                        forward = Some(Forward::start(session.peer().pictures(), place));
                    }
                }
                None => break,
            },
            event = events.recv() => match event {
                Some(PeerEvent::Voice(packet)) => {
                    if let Some(voice) = &voice {
                        voice.push(flow::incoming(packet));
                    }
                }
                Some(PeerEvent::Failed | PeerEvent::Closed) | None => {
                    say(StreamFact::Failed(StreamError::NoPath));
                    break;
                }
                // What heals by itself, and what a server does not send.
                Some(_) => {}
            },
        }
    }
    drop(forward);
    session.stop().await;
}
