//! What outlives a run: who this device is, whom it knows, what it was told to remember.
//!
//! A [`Store`] is one profile: a directory with a `lock` file (held while the store is open, so that two programs never
//! share an identity) and one `SQLite` database, `peal.db`. Everything in it belongs to the person at this computer:
//! on Unix the directory is made with mode 0700 and the files with 0600.
//!
//! ```
//! use peal_store::{Place, Store};
//!
//! let store = Store::open(&Place::Temporary)?;
//! let identity = store.identity()?;
//! assert_eq!(store.identity()?.device_id, identity.device_id);
//! # Ok::<(), peal_store::StoreError>(())
//! ```

mod avatars;
mod contacts;
mod database;
mod directory;
mod error;
mod groups;
mod history;
mod history_search;
mod identity;
mod keys;
mod own_profile;
mod place;
mod profile;
mod schema;
mod settings;
mod store;

pub use avatars::AVATAR_LIMIT;
pub use contacts::ContactRow;
pub use error::StoreError;
pub use groups::GroupRow;
pub use history::{MemberRow, RecordRow};
pub use history_search::RecordQuery;
pub use identity::Identity;
pub use keys::PinnedKey;
pub use own_profile::OwnProfileRow;
pub use place::{Place, broker_dir, data_root};
pub use profile::ProfileRow;
pub use store::Store;
