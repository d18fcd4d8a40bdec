//! A host: a thread in a network namespace of its own. What it starts and the sockets it opens belong to that namespace.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path as File;
use std::process::{Command, Output};
use std::sync::mpsc::{Sender, channel};

use super::{PathError, address};

type Job = Box<dyn FnOnce() + Send>;

/// One host. It lives until its last process and socket are gone.
pub struct Host {
    jobs: Sender<Job>,
}

impl Host {
    /// Makes a host whose cable is the interface `outside` of our own namespace.
    pub(super) fn open(outside: &str, end: usize) -> Result<Self, PathError> {
        let (jobs, work) = channel::<Job>();
        let (ready, is_ready) = channel();
        let started = std::thread::Builder::new().name(format!("host {end}")).spawn(move || {
            // Whoever waits for it has not gone.
            let _ = ready.send(move_out().and_then(|()| std::fs::read_link("/proc/thread-self")));
            while let Ok(job) = work.recv() {
                job();
            }
        });
        started.map_err(|error| PathError::System("a thread for a host", error))?;
        let thread = is_ready.recv().map_err(|_| PathError::Program("a host's thread has ended".to_owned()))?;
        let thread = thread.map_err(|error| PathError::System("a network namespace (root is needed)", error))?;
        let namespace = format!("/proc/{}/ns/net", thread.display());
        let host = Self { jobs };
        let inside = "eth0";
        ip(&format!("link add {outside} type veth peer name {inside} netns {namespace}"))?;
        ip(&format!("link set {outside} addrgenmode none"))?;
        ip(&format!("link set {outside} up mtu 1500"))?;
        let [own, others] = [end, 1 - end].map(|end| (address(end), format!("02:00:00:00:4d:{end:02x}")));
        host.run(move || {
            ip("link set lo up")?;
            ip(&format!("link set {inside} addrgenmode none address {}", own.1))?;
            ip(&format!("addr add {}/24 dev {inside}", own.0))?;
            ip(&format!("link set {inside} up"))?;
            ip(&format!("route add default dev {inside}"))?;
            ip(&format!("neigh replace {} lladdr {} dev {inside}", others.0, others.1))?;
            // The kernel leaves checksums and segments to hardware that is not there.
            let mut ethtool = Command::new("ethtool");
            ethtool.args(["-K", inside, "tx", "off", "gso", "off", "tso", "off"]);
            said(&mut ethtool).map(|_| ())
        })??;
        Ok(host)
    }

    /// Does something on this host: what it starts, and the sockets it opens, are the host's.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PathError> {
        let (done, is_done) = channel();
        let job = move || {
            // Nobody waits any more only if the caller panicked.
            let _ = done.send(work());
        };
        let gone = || PathError::Program("a host's thread has ended".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        is_done.recv().map_err(|_| gone())
    }

    /// Connects to this host's own loopback.
    pub fn connect(&self, to: SocketAddr) -> Result<TcpStream, PathError> {
        self.run(move || TcpStream::connect(to))?.map_err(|error| PathError::System("a connection on a host", error))
    }

    /// Listens on this host's own loopback.
    pub fn listen(&self, at: SocketAddr) -> Result<TcpListener, PathError> {
        self.run(move || TcpListener::bind(at))?.map_err(|error| PathError::System("a port on a host", error))
    }

    /// Lets this host reach what listens at `target` on our own loopback under the same address on its own. That way is
    /// not the path: it carries what both sides have to tell each other before they meet.
    pub fn reach(&self, target: SocketAddr) -> Result<(), PathError> {
        let listener = self.listen(target)?;
        let forward = move || {
            for near in listener.incoming().map_while(Result::ok) {
                // It comes again if nobody is there yet.
                let Ok(far) = TcpStream::connect(target) else { continue };
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { continue };
                std::thread::spawn(move || pour(near, far));
                std::thread::spawn(move || pour(far_too, near_too));
            }
        };
        let thread = std::thread::Builder::new().name("way out".to_owned()).spawn(forward);
        thread.map(|_| ()).map_err(|error| PathError::System("a thread for a host", error))
    }
}

/// Gives this thread a network namespace of its own.
fn move_out() -> io::Result<()> {
    #[expect(unsafe_code, reason = "libc's unshare(2): it takes a number and touches no memory of ours")]
    // SAFETY: the call has no preconditions; only this thread's namespace changes.
    let done = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn pour(mut from: TcpStream, mut to: TcpStream) {
    // However it ended, the other side learns that it has.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// Runs `ip` with these arguments.
pub(super) fn ip(arguments: &str) -> Result<Output, PathError> {
    let ip = if File::new("/usr/sbin/ip").exists() { "/usr/sbin/ip" } else { "ip" };
    said(Command::new(ip).args(arguments.split(' ')))
}

fn said(command: &mut Command) -> Result<Output, PathError> {
    let output = command.output().map_err(|error| PathError::System("ip and ethtool are needed", error))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(PathError::Program(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
