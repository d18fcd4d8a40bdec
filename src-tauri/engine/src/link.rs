//! The media path of one call to one device: a task around a peer connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use peal_call::{Candidate, Link};
use peal_media::audio::{Audio, Voice};
use peal_media::peer::{self, Peer, PeerConfig, PeerError, PeerEvent, PeerStats};
use peal_media::video::{Direction, Picture, PictureQuality, VideoEncoder};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use crate::api::{IceServer, Quality};
use crate::flow::{self, Frames, Outlet, Uplink};
use crate::message::Message;
use crate::pictures::{Forward, Size};
use crate::redundancy::{self, Known, Redundancy};

/// How often the path is judged.
const JUDGE_EVERY: Duration = Duration::from_secs(2);
/// How long a hang-up may take to reach the other side by the media path.
const GOODBYE: Duration = Duration::from_millis(400);
/// Room for two seconds of voice and some events.
const EVENTS: usize = 128;

/// What a link is told to do, in order.
pub(crate) enum Order {
    Offer,
    Answer(String),
    AcceptAnswer(String),
    AnswerOffer(String),
    Restart,
    AddCandidates(Vec<Candidate>, bool),
    /// Where the peer's voice goes.
    Hear(Arc<Voice>),
    /// Where mine comes from; none: nothing of it leaves.
    Speak(Option<Frames>),
    /// My picture goes out, to be seen if the other side looks; none: nothing of it leaves.
    Show(Option<Arc<VideoEncoder>>),
    /// Their picture is put up there, at that size; none: nobody looks.
    Look(Option<(Size, watch::Sender<Picture>)>),
    /// A message beside MQTT; lost if the path is not up.
    Control(Vec<u8>),
    Stats(oneshot::Sender<PeerStats>),
}

/// What a link reports.
#[derive(Debug)]
pub(crate) enum Fact {
    OfferReady(String),
    AnswerReady(String),
    Candidates(Vec<Candidate>, bool),
    Connected,
    Disconnected,
    Failed,
    Closed,
    Control(Vec<u8>),
    /// How good the path is, and the share of my voice that gets lost for good, in percent.
    Judged(Quality, u8),
    /// What a picture is now: mine on its way to them, or theirs.
    Picture(Direction, PictureQuality),
    /// Their picture does not come any more.
    PictureStopped,
}

/// A running link. Dropping it closes the peer connection.
pub(crate) struct LinkHandle {
    orders: mpsc::UnboundedSender<Order>,
    /// Which of all that were opened: what an earlier one of the same name still reports is not its word.
    pub number: u64,
    /// The peer in the mix; none while no speaker is open.
    pub voice: Option<Arc<Voice>>,
    /// What of mine goes out by it.
    outlet: Outlet,
    /// How good the path is, and the share of my voice that gets lost for good, in percent.
    pub judged: Option<(Quality, u8)>,
    /// Their picture is looked at, this large.
    looks: Option<Size>,
    /// What my picture is on its way to them.
    pub mine: Option<PictureQuality>,
    /// What theirs is.
    pub theirs: Option<PictureQuality>,
}

impl LinkHandle {
    pub fn open(link: Link, number: u64, ice_servers: &[IceServer], messages: mpsc::UnboundedSender<Message>) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        tokio::spawn(run(Reporter { link, number, messages }, peer_config(ice_servers), received));
        Self {
            orders,
            number,
            voice: None,
            outlet: Outlet::default(),
            judged: None,
            looks: None,
            mine: None,
            theirs: None,
        }
    }

    /// Puts the peer into the mix, unless they are in it, that loud: 1.0 as they speak, 0.0 not at all.
    pub fn hear(&mut self, audio: &Audio, volume: f32) -> Arc<Voice> {
        let orders = &self.orders;
        flow::hear(&mut self.voice, audio, volume, |voice| order(orders, Order::Hear(voice)))
    }

    /// Lets my voice out, or keeps it in.
    pub fn speak(&mut self, audio: &Audio, speaks: bool) {
        let orders = &self.orders;
        self.outlet.speak(audio, speaks, |frames| order(orders, Order::Speak(frames)));
    }

    /// Lets my picture out, or keeps it in.
    pub fn show(&mut self, encoder: Option<&Arc<VideoEncoder>>) {
        let (orders, mine) = (&self.orders, &mut self.mine);
        self.outlet.show(encoder, |encoder| {
            *mine = None;
            order(orders, Order::Show(encoder));
        });
    }

    /// Looks at their picture at this size, which is put up at `place`; none: nobody looks.
    pub fn look(&mut self, size: Option<Size>, place: impl FnOnce() -> watch::Sender<Picture>) {
        if self.looks != size {
            self.looks = size;
            if size.is_none() {
                self.theirs = None;
            }
            self.order(Order::Look(size.map(|size| (size, place()))));
        }
    }

    /// The devices have been opened anew: both directions are to be joined to them again.
    pub fn detach(&mut self) {
        self.voice = None;
        self.outlet.detach();
    }

    pub fn order(&self, wish: Order) {
        order(&self.orders, wish);
    }
}

fn order(orders: &mpsc::UnboundedSender<Order>, wish: Order) {
    // A link that has failed has said so; what it is told afterwards has no meaning.
    let _ = orders.send(wish);
}

/// Tells the loop what becomes of one link.
struct Reporter {
    link: Link,
    number: u64,
    messages: mpsc::UnboundedSender<Message>,
}

impl Reporter {
    fn say(&self, fact: Fact) {
        let _ = self.messages.send(Message::Link(self.link.clone(), self.number, fact));
    }
}

struct Running {
    peer: Peer,
    reporter: Reporter,
    voice: Option<Arc<Voice>>,
    redundancy: Redundancy,
    /// My picture goes out beside the voice.
    shows: bool,
    /// Their picture, on its way to whoever looks.
    forward: Option<Forward>,
    last_concealed_ms: u64,
}

async fn run(reporter: Reporter, config: PeerConfig, mut orders: mpsc::UnboundedReceiver<Order>) {
    let (events_tx, mut events) = mpsc::channel(EVENTS);
    let peer = match Box::pin(Peer::open(&config, events_tx)).await {
        Ok(peer) => peer,
        Err(error) => {
            tracing::warn!(%error, "a peer connection can't be opened");
            return reporter.say(Fact::Failed);
        }
    };
    let mut running = Running {
        peer,
        reporter,
        voice: None,
        redundancy: Redundancy::default(),
        shows: false,
        forward: None,
        last_concealed_ms: 0,
    };
    let mut uplink = Uplink::default();
    let mut connected = false;
    let mut said_goodbye = false;
    let mut judge = tokio::time::interval(JUDGE_EVERY);
    judge.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Hear(voice)) => running.hear(voice),
                Some(Order::Show(encoder)) => running.show(encoder.as_ref()),
                Some(Order::Look(view)) => running.look(view),
                Some(Order::Speak(frames)) => uplink.follow(frames),
                Some(order) => {
                    said_goodbye = matches!(order, Order::Control(_));
                    running.obey(order).await;
                }
                None => break,
            },
            Some(event) = events.recv() => {
                match event {
                    PeerEvent::Connected => connected = true,
                    PeerEvent::Disconnected | PeerEvent::Failed => connected = false,
                    _ => {}
                }
                running.report(event);
            }
            frame = uplink.next() => flow::speak(&running.peer, frame),
            _ = judge.tick(), if connected => running.judge().await,
        }
    }
    if said_goodbye && connected {
        // The other side closes as soon as it has read it.
        let closed = async { while !matches!(events.recv().await, None | Some(PeerEvent::Closed)) {} };
        let _ = tokio::time::timeout(GOODBYE, closed).await;
    }
    running.peer.close().await;
}

impl Running {
    async fn obey(&mut self, order: Order) {
        let done = match order {
            Order::Offer => self.peer.offer().await.map(|sdp| self.say(Fact::OfferReady(sdp))),
            Order::Restart => self.peer.restart_ice().await.map(|sdp| self.say(Fact::OfferReady(sdp))),
            Order::Answer(offer) | Order::AnswerOffer(offer) => {
                self.peer.answer(&offer).await.map(|sdp| self.say(Fact::AnswerReady(sdp)))
            }
            Order::AcceptAnswer(answer) => self.peer.accept_answer(&answer).await,
            Order::AddCandidates(candidates, complete) => {
                let candidates: Vec<_> = candidates.into_iter().map(from_call).collect();
                if let Err(error) = self.peer.add_candidates(&candidates, complete).await {
                    // One bad candidate says nothing about the others.
                    tracing::debug!(%error, "a candidate was not taken");
                }
                Ok(())
            }
            Order::Control(message) => {
                match self.peer.send_control(&message).await {
                    // It went by MQTT too.
                    Err(PeerError::ControlNotOpen) | Ok(()) => {}
                    Err(error) => tracing::debug!(%error, "a control message was not sent"),
                }
                Ok(())
            }
            Order::Stats(reply) => {
                let _ = reply.send(self.peer.stats().await);
                Ok(())
            }
            Order::Hear(_) | Order::Speak(_) | Order::Show(_) | Order::Look(_) => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the media path can't be set up");
            self.say(Fact::Failed);
        }
    }

    fn report(&self, event: PeerEvent) {
        match event {
            PeerEvent::Voice(packet) => {
                if let Some(voice) = &self.voice {
                    voice.push(flow::incoming(packet));
                }
            }
            PeerEvent::Candidates { candidates, complete } => {
                self.say(Fact::Candidates(candidates.into_iter().map(to_call).collect(), complete));
            }
            PeerEvent::Connected => self.say(Fact::Connected),
            PeerEvent::Disconnected => self.say(Fact::Disconnected),
            PeerEvent::Closed => self.say(Fact::Closed),
            PeerEvent::Failed => self.say(Fact::Failed),
            PeerEvent::Control(message) => self.say(Fact::Control(message.to_vec())),
            PeerEvent::VideoQuality { direction, quality } => self.say(Fact::Picture(direction, quality)),
            PeerEvent::VideoStopped => self.say(Fact::PictureStopped),
            PeerEvent::ControlOpen | PeerEvent::VideoStarted => {}
        }
    }

    fn show(&mut self, encoder: Option<&Arc<VideoEncoder>>) {
        self.shows = encoder.is_some();
        let known = Known { beside_picture: self.shows, ..Known::default() };
        let copies = self.redundancy.copies(Instant::now(), known);
        self.peer.set_voice_copies(copies);
        self.peer.send_video(encoder);
    }

    fn look(&mut self, view: Option<(Size, watch::Sender<Picture>)>) {
        self.peer.want_video(view.as_ref().map(|(size, _)| (size.width, size.height)));
        match view {
            Some((_, place)) if self.forward.is_none() => {
                self.forward = Some(Forward::start(self.peer.pictures(), place));
            }
            Some(_) => {}
            None => self.forward = None,
        }
    }

    fn hear(&mut self, voice: Arc<Voice>) {
        self.voice = Some(voice);
        // It counts from its own start.
        self.last_concealed_ms = 0;
    }

    async fn judge(&mut self) {
        let now = self.peer.stats().await;
        let concealed_ms = self.voice.as_ref().map_or(0, |voice| voice.stats().concealed_ms);
        let concealed = concealed_ms.saturating_sub(self.last_concealed_ms) as f64 / JUDGE_EVERY.as_millis() as f64;
        let rtt = now.rtt_ms.unwrap_or(0.0);
        let lost = now.remote_fraction_lost;
        let carries_kbps = Some(now.video.estimate_kbps).filter(|kbps| self.shows && *kbps > 0.0);
        let known = Known { loss: lost, round_trip_ms: now.rtt_ms, carries_kbps, beside_picture: self.shows };
        let copies = self.redundancy.copies(Instant::now(), known);
        let taken = if self.peer.set_voice_copies(copies) { copies } else { 0 };
        // What goes out again is not missed, and the encoder need not care for it.
        let missed = redundancy::missed(lost.unwrap_or(0.0), taken);
        let quality = if concealed > 0.1 || rtt > 600.0 || missed > 0.15 {
            Quality::Poor
        } else if concealed > 0.03 || rtt > 300.0 || missed > 0.05 {
            Quality::Fair
        } else {
            Quality::Good
        };
        self.last_concealed_ms = concealed_ms;
        self.say(Fact::Judged(quality, (missed * 100.0).clamp(0.0, 100.0) as u8));
    }

    fn say(&self, fact: Fact) {
        self.reporter.say(fact);
    }
}

fn from_call(candidate: Candidate) -> peer::Candidate {
    peer::Candidate { candidate: candidate.candidate, mid: candidate.mid, line: candidate.line }
}

fn to_call(candidate: peer::Candidate) -> Candidate {
    Candidate { candidate: candidate.candidate, mid: candidate.mid, line: candidate.line }
}

/// How a peer connection is set up with these servers.
pub(crate) fn peer_config(ice_servers: &[IceServer]) -> PeerConfig {
    let server = |it: &IceServer| peer::IceServer {
        urls: vec![it.url.clone()],
        username: it.username.clone(),
        credential: it.credential.clone(),
    };
    PeerConfig { ice_servers: ice_servers.iter().map(server).collect(), ..PeerConfig::default() }
}
