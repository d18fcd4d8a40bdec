//! People on one broker.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use peal_engine::api::LoginParams;
use peal_engine::{Engine, EngineConfig, Profile};
use peal_tests::brokers::mosquitto::Mosquitto;
use peal_tests::eyes::sees_pattern;
use peal_tests::headless::Headless;
use peal_tests::person::{Person, accept, free_address, quiet};
use peal_tests::sound_server::SoundServer;
use tempfile::TempDir;

/// Everybody who may have an account.
const ACCOUNTS: [&str; 5] = ["ann", "bob", "cat", "dan", "front-gate"];

enum Broker {
    /// Peal's own: whoever logs in first runs it.
    Embedded,
    Mosquitto(Mosquitto),
}

/// A broker, and a place for what its people keep.
pub struct Town {
    broker: Broker,
    /// Where Peal's own broker listens.
    own: SocketAddr,
    place: TempDir,
    /// Keeps Peal's own broker running, whoever goes.
    _host: Option<Engine>,
}

impl Town {
    pub async fn new() -> Self {
        let own = free_address();
        let place = tempfile::tempdir().unwrap();
        let broker = match std::env::var("PEAL_BROKER").as_deref() {
            Ok("mosquitto") => {
                let accounts: Vec<_> = ACCOUNTS.iter().map(|name| (*name, token(name))).collect();
                let accounts: Vec<_> = accounts.iter().map(|(name, token)| (*name, token.as_str())).collect();
                Broker::Mosquitto(Mosquitto::start(&accounts))
            }
            Ok("embedded") | Err(_) => Broker::Embedded,
            Ok(other) => panic!("PEAL_BROKER is embedded or mosquitto, not {other}"),
        };
        let host = match broker {
            Broker::Embedded => {
                let host = Engine::start(EngineConfig { resume: false, ..quiet(own) }).await.unwrap();
                let params = LoginParams { account: Some("host".into()), ..LoginParams::default() };
                host.login(params).await.unwrap();
                Some(host)
            }
            Broker::Mosquitto(_) => None,
        };
        Self { broker, own, place, _host: host }
    }

    /// A silent phone that forgets everything.
    pub fn config(&self) -> EngineConfig {
        EngineConfig { resume: false, ..quiet(self.own) }
    }

    /// A silent phone that keeps what it learns under this name.
    pub fn keeping(&self, name: &str) -> EngineConfig {
        EngineConfig { profile: Profile::At(self.place.path().join(name)), ..self.config() }
    }

    /// The right account and token for this broker.
    pub fn login(&self, name: &str) -> LoginParams {
        LoginParams {
            account: Some(name.to_owned()),
            token: Some(token(name)),
            server: self.server(),
            ..LoginParams::default()
        }
    }

    pub fn server(&self) -> Option<String> {
        match &self.broker {
            Broker::Embedded => None,
            Broker::Mosquitto(broker) => Some(format!("mqtt://127.0.0.1:{}", broker.plain)),
        }
    }

    /// Where the broker listens.
    pub fn address(&self) -> SocketAddr {
        match &self.broker {
            Broker::Embedded => self.own,
            Broker::Mosquitto(broker) => SocketAddr::from((Ipv4Addr::LOCALHOST, broker.plain)),
        }
    }

    pub fn place(&self) -> &Path {
        self.place.path()
    }

    pub async fn person(&self, name: &str) -> Person {
        self.person_with(name, self.config()).await
    }

    pub async fn person_with(&self, name: &str, config: EngineConfig) -> Person {
        Person::log_in(config, self.login(name)).await.unwrap_or_else(|error| panic!("{name} can't log in: {error:?}"))
    }

    /// One device of several of this person.
    pub async fn device(&self, name: &str, device: &str) -> Person {
        self.person_with(name, EngineConfig { device_id: Some(device.to_owned()), ..self.config() }).await
    }

    /// A phone in a program of its own, which can be killed. It answers by itself.
    pub fn program(&self, name: &str) -> Headless {
        self.start(name, ["tone:440", "null"], &[])
    }

    /// The same at a sound server of its own.
    pub fn program_with_sound(&self, name: &str) -> (Headless, SoundServer) {
        let server = SoundServer::with_room(&["mic", "ear"]).unwrap();
        (self.start(name, ["pulseaudio:mic_source", "pulseaudio:ear"], &server.environment()), server)
    }

    fn start(&self, name: &str, [microphone, speaker]: [&str; 2], environment: &[(String, String)]) -> Headless {
        let data = self.place.path().join(format!("program-{name}")).display().to_string();
        let (own, token) = (self.own.to_string(), token(name));
        let mut arguments = vec!["--account", name, "--token", &token, "--data-dir", &data, "--embedded-broker", &own];
        let server = self.server();
        if let Some(server) = &server {
            arguments.extend(["--server", server]);
        }
        arguments.extend(["--microphone", microphone, "--speaker", speaker, "--auto-answer"]);
        Headless::start_in(name, arguments, environment).unwrap()
    }

    /// A phone that nobody has logged in on yet.
    pub async fn phone(&self) -> Engine {
        Engine::start(self.config()).await.unwrap()
    }
}

fn token(name: &str) -> String {
    format!("{name}'s own")
}

/// People who see each other, and whose cameras see the test pattern.
pub async fn on_camera<const N: usize>(names: [&str; N]) -> (Town, [Person; N]) {
    let town = Town::new().await;
    let mut people = Vec::new();
    for name in names {
        people.push(town.person_with(name, sees_pattern(town.config())).await);
    }
    meet(&people).await;
    (town, people.try_into().unwrap_or_else(|_| unreachable!("as many as there are names")))
}

/// People who see each other.
pub async fn people<const N: usize>(names: [&str; N]) -> (Town, [Person; N]) {
    let town = Town::new().await;
    let mut people = Vec::new();
    for name in names {
        people.push(town.person(name).await);
    }
    meet(&people).await;
    (town, people.try_into().unwrap_or_else(|_| unreachable!("as many as there are names")))
}

/// Waits until everyone sees everyone.
pub async fn meet(people: &[Person]) {
    for person in people {
        for other in people.iter().filter(|other| other.name != person.name) {
            person.sees_online(&other.name).await;
        }
    }
}

/// Three people in one call that the first of them began.
pub async fn three() -> (Town, [Person; 3], String) {
    let (town, [ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    for callee in [&mut bob, &mut cat] {
        callee.rings().await;
        accept(callee, &call).await;
    }
    ann.talks_to(&call, &["bob", "cat"]).await;
    bob.talks_to(&call, &["ann", "cat"]).await;
    cat.talks_to(&call, &["ann", "bob"]).await;
    (town, [ann, bob, cat], call)
}
