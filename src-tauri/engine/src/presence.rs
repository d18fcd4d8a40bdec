//! What the presence of others means here, and that of one's own other devices.

use peal_call::Input;
use peal_signalling::{DeviceKind, Presence};
use peal_store::OwnProfileRow;

use crate::api::{Event, Gender, PealError};
use crate::directory::{Change, avatar_id};
use crate::history;
use crate::people::public_profile;
use crate::phone::Softphone;
use crate::translate::word;

impl Softphone {
    /// A device shows itself.
    pub async fn present(&mut self, presence: Presence) {
        let Some(me) = self.session.as_ref().map(|it| it.me.clone()) else { return };
        let device = presence.address.clone();
        let (user, own) = (device.user.to_string(), device.user == me.user);
        if own
            && device != me
            && presence.kind != DeviceKind::Echo
            && let Err(error) = self.agree(&presence).await
        {
            self.complain(error);
        }
        let shown = |phone: &Self| {
            let directory = &phone.directory;
            (directory.presence_of(&user), directory.kind(&user), directory.name(&user))
        };
        let before = shown(self);
        let observed = self.directory.observe(presence, &me.user, &self.store);
        let now = shown(self);
        if !own && before.0 != now.0 {
            self.tell(Event::PresenceChanged { user_id: user.clone(), presence: now.0 });
        }
        if before.1 != now.1 {
            // A doorbell may be heard before the answer.
            self.screening_changed();
        }
        let recorded = |record: &crate::api::RecordView| {
            record.user_id == user || record.members.iter().any(|member| member.user_id == user)
        };
        if before.2 != now.2 && self.history.iter().any(recorded) {
            match history::shown(&self.store, &self.directory) {
                Ok(shown) => self.history = shown,
                Err(error) => self.complain(error.into()),
            }
        }
        match observed {
            Ok(_) if device == me => {}
            Ok(Change::Appeared) => self.input(Input::DeviceAppeared { device }),
            Ok(Change::Disappeared) => self.input(Input::DeviceDisappeared { device }),
            Ok(Change::None) => {}
            Err(error) => self.complain(error.into()),
        }
    }

    /// Takes a later profile over from another device of mine, so that I am the same on all of them. Of two changes at
    /// once that of the device with the smaller name stays. The address is on each device for itself.
    async fn agree(&mut self, other: &Presence) -> Result<(), PealError> {
        let Some(session) = &self.session else { return Ok(()) };
        let (me, account) = (session.me.clone(), session.account.clone());
        let own = self.store.own_profile(&account.user_id)?.unwrap_or_default();
        let theirs = &other.profile;
        let revision = theirs.revision.cast_signed();
        let rank = |revision: i64, device| (revision, std::cmp::Reverse(device));
        if revision == 0
            || rank(revision, &other.address.device) <= rank(own.revision, &me.device)
            || (revision == own.revision
                && *theirs == public_profile(&self.store, &account.user_id)?
                && other.display_name == account.display_name)
        {
            return Ok(());
        }
        let row = OwnProfileRow {
            account: account.user_id,
            revision,
            gender: word(Gender::from(theirs.gender)),
            birthday: theirs.birthday.map(|day| day.to_string()).unwrap_or_default(),
            region: theirs.region.clone(),
            signature: theirs.signature.clone(),
            avatar_id: theirs.avatar.as_ref().map(avatar_id),
            address: own.address,
        };
        if let (Some(id), Some(avatar)) = (&row.avatar_id, &theirs.avatar) {
            self.store.keep_avatar(id, avatar.bytes())?;
        }
        let name = if other.display_name.is_empty() { account.display_name } else { other.display_name.clone() };
        self.show_profile(&row, &name).await
    }
}
