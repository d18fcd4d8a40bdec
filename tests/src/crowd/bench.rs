//! The measurement: everybody logs in, then nothing happens, then some of them call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use peal_signalling::{ClientConfig, ServerUrl};
use serde_json::{Value, json};

use super::broker::Alone;
use super::line::{CountedLine, Tally};
use super::member::{Member, Watch, member};
use super::talk::{Talk, talk};
use crate::measure::process::{Stretch, memory_mib};
use crate::measure::{Spread, Unmeasured, rounded};

/// How many log in at the same moment.
const AT_ONCE: usize = 32;
/// How long nobody is shown to anybody any more before the measurement gives up on the rest.
const STALLED: Duration = Duration::from_secs(15);
/// A broker that takes less than this share of a core has done what there was to do, in percent.
const AT_REST: f64 = 20.0;
/// How long that may take.
const SETTLED: Duration = Duration::from_secs(180);
/// How often is looked whether everybody sees everybody.
const GLANCE: Duration = Duration::from_millis(50);
/// Of those who call and of those who don't, this many are counted.
const COUNTED: usize = 10;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// How many are logged in.
    pub users: usize,
    /// How many of them call, in pairs.
    pub calling: usize,
    /// How long nothing happens, and how long they call.
    pub stretch: Duration,
    /// How long a call is.
    pub talk: Duration,
    /// Everybody's picture, in bytes; 0: none.
    pub picture: usize,
}

/// What was measured. Times in ms, memory in MiB, processor in percent of one core.
#[derive(Debug, Clone)]
pub struct Outcome {
    crowd: Crowd,
    /// Logins a second: the first ever, which claim their names, and the later ones.
    logins: [f64; 2],
    /// What one login took, of the later ones, and how many had to be tried again.
    login: Spread,
    repeated: u64,
    /// From the first of the later logins until everybody saw everybody, how many times somebody was shown to
    /// somebody, and how many saw how many others at last.
    seeing: Duration,
    shown: u64,
    online: u64,
    invite: Spread,
    answer: Spread,
    /// Of the broker: before anybody came, when all were there, and when they had called.
    memory: [f64; 3],
    /// Of all clients together.
    clients_memory: f64,
    /// Seconds of a core that the broker took: for all later logins, for an hour without calls, for each call.
    processor: [f64; 3],
    /// What passed between the broker and one who doesn't call, and one who does, an hour.
    idle: [f64; 3],
    silent: [f64; 3],
    caller: [f64; 3],
    lost: u64,
    dropped: u64,
}

/// Measures.
pub async fn run(crowd: Crowd) -> Result<Outcome, Unmeasured> {
    let directory = tempfile::tempdir()?;
    let broker = Alone::start(directory.path())?;
    let memory = || memory_mib(broker.pid()).unwrap_or(f64::NAN);
    let empty = memory();
    let line = |_| CountedLine::to(broker.address);
    let lines: Vec<CountedLine> = stream::iter(0..2).then(line).try_collect().await?;
    let server = |n: usize| match place(n, crowd) {
        Place::CountedCaller => lines[0].address,
        Place::CountedOther => lines[1].address,
        Place::Else => broker.address,
    };
    let configs = (0..crowd.users)
        .map(|n| member(n, ServerUrl::local(server(n)), crowd.picture))
        .collect::<Result<Vec<_>, _>>()?;

    eprintln!("{} users log in for the first time", crowd.users);
    let first = login(configs, crowd).await?;
    eprintln!("they log out");
    let configs = stream::iter(first.members).map(Member::logout).buffered(AT_ONCE).collect().await;
    settle(broker.pid()).await;
    eprintln!("{} users come back", crowd.users);
    let busy = Stretch::begin(broker.pid());
    let again = login(configs, crowd).await?;
    settle(broker.pid()).await;
    let logging_in = spent(busy);
    let (watch, full) = (again.watch, memory());

    eprintln!("nobody calls for {} s", crowd.stretch.as_secs());
    let (busy, before) = (Stretch::begin(broker.pid()), lines[1].tally());
    tokio::time::sleep(crowd.stretch).await;
    let idle = hourly(lines[1].tally().since(before), crowd.stretch);
    let resting = spent(busy) / crowd.stretch.as_secs_f64() * 3600.0;

    eprintln!("{} users call each other for {} s", crowd.calling, crowd.stretch.as_secs());
    let busy = Stretch::begin(broker.pid());
    let (begun, before) = (Instant::now(), [lines[0].tally(), lines[1].tally()]);
    let (talks, members) = converse(again.members, crowd).await?;
    let took = begun.elapsed();
    let [caller, silent] = [0, 1].map(|n: usize| hourly(lines[n].tally().since(before[n]), took));
    let calling = spent(busy) / talks.len() as f64;
    let ms = |of: fn(&Talk) -> Duration| Spread::new(talks.iter().map(|it| of(it).as_secs_f64() * 1000.0));

    let outcome = Outcome {
        crowd,
        logins: [first.rate, again.rate],
        login: again.took,
        repeated: watch.repeated.load(Ordering::Relaxed),
        seeing: again.seeing,
        shown: again.shown,
        online: again.online,
        invite: ms(|it| it.invite),
        answer: ms(|it| it.answer),
        memory: [empty, full, memory()],
        clients_memory: memory_mib(std::process::id()).unwrap_or(f64::NAN),
        processor: [logging_in, resting, calling],
        idle,
        silent,
        caller,
        lost: watch.lost.load(Ordering::Relaxed),
        dropped: watch.dropped.load(Ordering::Relaxed),
    };
    stream::iter(members).map(Member::logout).buffered(AT_ONCE).for_each(|_| async {}).await;
    Ok(outcome)
}

enum Place {
    CountedCaller,
    CountedOther,
    Else,
}

/// The first ones call.
fn place(n: usize, crowd: Crowd) -> Place {
    if n < COUNTED.min(crowd.calling) {
        Place::CountedCaller
    } else if n >= crowd.calling && n < crowd.calling + COUNTED {
        Place::CountedOther
    } else {
        Place::Else
    }
}

struct LoggedIn {
    members: Vec<Member>,
    watch: Arc<Watch>,
    took: Spread,
    rate: f64,
    seeing: Duration,
    shown: u64,
    online: u64,
}

/// Logs all in, and waits until everybody sees everybody.
async fn login(configs: Vec<ClientConfig>, crowd: Crowd) -> Result<LoggedIn, Unmeasured> {
    let (watch, begun) = (Arc::<Watch>::default(), Instant::now());
    let logins = stream::iter(configs).map(|config| Member::login(config, watch.clone())).buffered(AT_ONCE);
    let (members, times): (Vec<_>, Vec<_>) = logins.try_collect::<Vec<_>>().await?.into_iter().unzip();
    let rate = crowd.users as f64 / begun.elapsed().as_secs_f64();
    let all = (crowd.users * (crowd.users - 1)) as u64;
    let (mut online, mut grew) = (0, Instant::now());
    while online < all && grew.elapsed() < STALLED {
        tokio::time::sleep(GLANCE).await;
        let now = watch.online.load(Ordering::Relaxed);
        if now > online {
            (online, grew) = (now, Instant::now());
        }
    }
    let (seeing, shown) = (grew - begun, watch.shown.load(Ordering::Relaxed));
    let took = Spread::new(times.iter().map(|it| it.as_secs_f64() * 1000.0));
    Ok(LoggedIn { members, watch, took, rate, seeing, shown, online })
}

/// Waits until the broker has nothing to do.
async fn settle(pid: u32) {
    let until = Instant::now() + SETTLED;
    while Instant::now() < until {
        let second = Stretch::begin(pid);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if second.and_then(|it| it.cpu_percent()).is_none_or(|percent| percent < AT_REST) {
            return;
        }
    }
}

/// The first `calling` call each other in pairs, again and again, until the time is over.
async fn converse(members: Vec<Member>, crowd: Crowd) -> Result<(Vec<Talk>, Vec<Member>), Unmeasured> {
    let until = Instant::now() + crowd.stretch;
    let mut members = members.into_iter();
    let mut pairs = Vec::new();
    for n in 0..crowd.calling / 2 {
        let (Some(mut one), Some(mut other)) = (members.next(), members.next()) else { break };
        // Not all in the same moment.
        let pause = crowd.talk.mul_f64(n as f64 / (crowd.calling / 2) as f64);
        pairs.push(tokio::spawn(async move {
            let mut talks = Vec::new();
            tokio::time::sleep(pause).await;
            while Instant::now() < until {
                talks.push(talk(&mut one, &mut other, crowd.talk).await?);
                std::mem::swap(&mut one, &mut other);
            }
            Ok::<_, Unmeasured>((talks, [one, other]))
        }));
    }
    let (mut talks, mut all) = (Vec::new(), members.collect::<Vec<_>>());
    for pair in pairs {
        let (of_pair, both) = pair.await??;
        talks.extend(of_pair);
        all.extend(both);
    }
    Ok((talks, all))
}

fn spent(stretch: Option<Stretch>) -> f64 {
    stretch.and_then(|it| it.cpu_seconds()).unwrap_or(f64::NAN)
}

/// Messages, packets and bytes of one of the counted, an hour.
fn hourly(tally: Tally, stretch: Duration) -> [f64; 3] {
    let hours = stretch.as_secs_f64() / 3600.0;
    [tally.messages, tally.packets, tally.bytes].map(|count| count as f64 / COUNTED as f64 / hours)
}

impl Outcome {
    /// One object.
    pub fn to_json(&self) -> Value {
        let passed = |passed: [f64; 3]| {
            let [messages, packets, bytes] = passed.map(f64::round);
            json!({ "messages": messages, "packets": packets, "bytes": bytes })
        };
        let quantiles = |spread: &Spread| {
            let of = |share| spread.quantile(share).map(rounded);
            json!({ "p50": of(0.5), "p99": of(0.99), "max": of(1.0), "n": spread.count() })
        };
        json!({
            "users": self.crowd.users,
            "calling": self.crowd.calling,
            "picture_bytes": self.crowd.picture,
            "talk_s": self.crowd.talk.as_secs_f64(),
            "stretch_s": self.crowd.stretch.as_secs_f64(),
            "first_logins_per_s": rounded(self.logins[0]),
            "logins_per_s": rounded(self.logins[1]),
            "login_ms": quantiles(&self.login),
            "logins_repeated": self.repeated,
            "all_see_all_s": rounded(self.seeing.as_secs_f64()),
            "presences_delivered": self.shown,
            "pairs_seen": self.online,
            "pairs": self.crowd.users * (self.crowd.users - 1),
            "invite_ms": quantiles(&self.invite),
            "answer_ms": quantiles(&self.answer),
            "broker_memory_mib": {
                "empty": rounded(self.memory[0]),
                "logged_in": rounded(self.memory[1]),
                "after_calls": rounded(self.memory[2]),
            },
            "clients_memory_mib": rounded(self.clients_memory),
            "broker_cpu_s": {
                "all_logins": rounded(self.processor[0]),
                "hour_without_calls": rounded(self.processor[1]),
                "each_call": (self.processor[2] * 1000.0).round() / 1000.0,
            },
            "per_user_hour": {
                "nobody_calls": passed(self.idle),
                "others_call": passed(self.silent),
                "calls": passed(self.caller),
            },
            "connections_lost": self.lost,
            "messages_dropped": self.dropped,
        })
    }

    /// The same for a person.
    pub fn print(&self) {
        let Crowd { users, calling, talk, .. } = self.crowd;
        let row = |name: &str, value: String| println!("  {name:<52} {value}");
        let quantiles = |spread: &Spread| {
            let of = |share| spread.quantile(share).unwrap_or(f64::NAN);
            format!("{:.1} / {:.1} / {:.1} ms (n = {})", of(0.5), of(0.99), of(1.0), spread.count())
        };
        let passed = |[messages, packets, bytes]: [f64; 3]| {
            format!("{messages:.0} messages, {packets:.0} packets, {:.1} MB", bytes / 1e6)
        };
        println!("{users} users on one embedded broker, {calling} of them calling, {} s each time", talk.as_secs());
        row("everybody's picture", format!("{} KiB", self.crowd.picture / 1024));
        row("first logins", format!("{:.0} a second", self.logins[0]));
        row("later logins", format!("{:.0} a second", self.logins[1]));
        row("a later login, median / p99 / max", quantiles(&self.login));
        row("later logins that had to be tried again", self.repeated.to_string());
        row("until everybody saw everybody", format!("{:.1} s", self.seeing.as_secs_f64()));
        row("pairs that saw each other", format!("{} of {}", self.online, users * (users - 1)));
        row("presences delivered for it", self.shown.to_string());
        row("invite to ring, median / p99 / max", quantiles(&self.invite));
        row("answer to connection data, median / p99 / max", quantiles(&self.answer));
        let [empty, full, after] = self.memory;
        row("broker's memory: empty, all there, after calls", format!("{empty:.0}, {full:.0}, {after:.0} MiB"));
        row("clients' memory, all together", format!("{:.0} MiB", self.clients_memory));
        let [login, rest, call] = self.processor;
        let processor = format!("{login:.1} s, {rest:.0} s, {:.0} ms of a core", call * 1000.0);
        row("broker: all later logins, an idle hour, each call", processor);
        row("per user and hour, nobody calls", passed(self.idle));
        row("per user and hour, others call", passed(self.silent));
        row("per user and hour, who calls all the time", passed(self.caller));
        row("connections lost, messages dropped", format!("{}, {}", self.lost, self.dropped));
    }
}
