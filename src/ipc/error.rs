//! Why a session cannot be had, or has ended. Each message says what happened to what; [`Error::advice`]
//! says what to do next.

use std::io;
use std::path::PathBuf;

/// Why a session cannot be had, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the sockets cannot be made or looked at.
    #[error("the folder for recorder sockets {} cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is not a private one of ours.
    #[error("the folder for recorder sockets {} is not safe to use: {reason}", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The group is to come in where nobody else can.
    #[error("the folder for recorder sockets {} is closed to the group that is to control the recorder", path.display())]
    Closed {
        /// The folder.
        path: PathBuf,
    },
    /// A socket's path is longer than the system's addresses.
    #[error("the socket path {} is longer than the {} bytes a socket address holds", path.display(), super::socket::PATH_BYTES)]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// Another recorder listens there.
    #[error("a recorder already listens on {}", path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("the recorder's socket {} cannot be made", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The TCP port cannot be listened on.
    #[error("the station cannot listen on {host}, port {port}")]
    Listen {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// Anybody on the network could write markers.
    #[error(
        "to listen on {host}, port {port}, without a token would let anybody on the network write markers"
    )]
    NoToken {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A thread cannot be started.
    #[error("the thread {thread} cannot be started")]
    Thread {
        /// Its name.
        thread: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// No recorder listens there.
    #[error("no recorder answers on {}", path.display())]
    Nobody {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The recorder does not take this client.
    #[error("the recorder on {} refused the connection: {sentence}", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// The recorder's own words.
        sentence: String,
    },
    /// The two programs are too far apart.
    #[error("the recorder on {} and this program are of different versions: {sentence}", path.display())]
    Version {
        /// The socket.
        path: PathBuf,
        /// What was offered and what is spoken.
        sentence: String,
    },
    /// The recorder is there and says nothing.
    #[error("the recorder on {} did not answer in time", path.display())]
    TimedOut {
        /// The socket.
        path: PathBuf,
    },
    /// The connection ended before what was waited for.
    #[error("the recorder on {} went away while {waiting}", path.display())]
    Lost {
        /// The socket.
        path: PathBuf,
        /// What was waited for.
        waiting: &'static str,
    },
    /// The connection failed.
    #[error("the connection to {} failed", path.display())]
    Connection {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The recorder does not do what was asked.
    #[error("the recorder on {} did not do it: {sentence}", path.display())]
    Declined {
        /// The socket.
        path: PathBuf,
        /// The recorder's own words.
        sentence: String,
    },
    /// A frame is no message.
    #[error("a message from {} cannot be read", path.display())]
    Garbled {
        /// The socket.
        path: PathBuf,
        /// Where reading it failed.
        source: super::message::Error,
    },
}

impl Error {
    /// What the user should do next, one sentence.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Folder { .. } | Self::Unsafe { .. } => {
                "set MYOGRAPH_RUNTIME_DIR to a folder that is yours alone (mode 0700)"
            }
            Self::Closed { .. } => {
                "set MYOGRAPH_RUNTIME_DIR to a folder the group can reach, for the recorder and for its members"
            }
            Self::Path { .. } => "set MYOGRAPH_RUNTIME_DIR to a folder with a shorter path",
            Self::Taken { .. } => "attach to it with `myograph attach`, or end it with `myograph stop`",
            Self::Bind { .. } => "check that the folder is writable and its file system allows sockets",
            Self::Listen { .. } => "choose another `--listen [HOST:]PORT`, or end what uses it",
            Self::NoToken { .. } => {
                "set `token` in myograph.toml or MYOGRAPH_TOKEN, or listen on this machine alone (`--listen PORT`)"
            }
            Self::Thread { .. } => "check the limit on processes (`ulimit -u`) and the free memory",
            Self::Nobody { .. } => "see which recorders run with `myograph status`",
            Self::Refused { .. } | Self::Declined { .. } => "do what the sentence says and try again",
            Self::Version { .. } => {
                "use the `myograph` that started the recording; the recording itself goes on untouched"
            }
            Self::TimedOut { .. } => "try again; if it stays silent, look at its process and its disk",
            Self::Lost { .. } => {
                "look with `myograph status`; if it is gone, run `myograph recover` on the folder"
            }
            Self::Connection { .. } | Self::Garbled { .. } => {
                "attach again; the recording does not depend on this connection"
            }
        }
    }
}
