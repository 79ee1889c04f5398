//! The guests, resolved: their cards with MAC addresses and bridges, their disks with the places where these lie.
//!
//! Facts: docs/facts/guests.md#network-cards, docs/facts/guests.md#migration.

use super::super::Site;
use super::super::tables::guests::{Guest, Migrate, Pool};
use super::super::tables::machines::GuestLock;
use super::super::words::types::MacAddress;
use super::device::uuid;
use serde_json::{Value as Json, json};

/// The folder of the images of guests that have neither a volume group nor a pool.
const LOCAL_IMAGES: &str = "/local/images";

/// A disk of a guest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct GuestVolume {
    /// The name of its logical volume, and of its image without the ending.
    pub name: String,
    /// Its volume group; an image has none.
    pub group: Option<String>,
    /// The device or the file.
    pub path: String,
    /// Its size.
    pub size: String,
    /// The raw image in the site that it begins with when it is made.
    pub image: Option<String>,
}

impl Site {
    /// The MAC addresses of a guest's cards, in the order of its zones: as written, else made of the names of site,
    /// guest and zone, so that they are the same for ever and on every member.
    pub fn macs_of(&self, name: &str, guest: &Guest) -> Vec<String> {
        if !guest.macs.is_empty() {
            return guest.macs.iter().map(MacAddress::lower).collect();
        }
        let zones = guest.zones.iter().enumerate();
        let macs = zones.map(|(i, zone)| {
            let again = guest.zones[..i].iter().filter(|z| *z == zone).count();
            let again = again.to_string();
            let words = [self.name(), name, zone.as_str(), &again];
            let digest = crate::digest::sha256(words.join("\0").as_bytes());
            format!(
                "52:54:00:{}:{}:{}",
                &digest[..2],
                &digest[2..4],
                &digest[4..6]
            )
        });
        macs.collect()
    }

    /// The way in which a guest is moved to the other node.
    pub fn migrate_of(&self, guest: &Guest) -> Migrate {
        let exclusive =
            self.inventory.cluster.as_ref().map(|c| c.lock) == Some(GuestLock::Exclusive);
        let in_group = guest.pool.is_none();
        let live = guest.failover && !(exclusive && in_group);
        let usual = if live {
            Migrate::Live
        } else {
            Migrate::Restart
        };
        guest.migrate.unwrap_or(usual)
    }

    /// The project that a guest belongs to: its own word, else that of the first of its zones that is a project's.
    pub fn project_of<'a>(&self, guest: &'a Guest) -> Option<&'a str> {
        let own = guest
            .project
            .as_ref()
            .map(super::super::words::types::Name::as_str);
        let mut zones = guest.zones.iter();
        own.or_else(|| zones.find_map(|zone| zone.parts().1))
    }

    /// The pool in which a guest's disks are images, where it names one.
    pub fn pool_of(&self, guest: &Guest) -> Option<&Pool> {
        self.inventory.pool.get(guest.pool.as_ref()?.as_str())
    }

    /// The disks of a guest, the one it boots from first.
    pub fn volumes_of(&self, name: &str, guest: &Guest) -> Vec<GuestVolume> {
        let mut mirrors = self.inventory.mirror.values();
        let group = mirrors
            .find(|m| m.group.is_some() && m.source == guest.node)
            .and_then(|m| m.group.as_ref())
            .filter(|_| guest.failover && guest.pool.is_none())
            .map(ToString::to_string);
        let folder = self
            .pool_of(guest)
            .map_or(LOCAL_IMAGES, |p| p.path.as_str());
        let first = std::iter::once((name.to_owned(), &guest.disk));
        let others = guest.disks.iter();
        let others = others.map(|(disk, size)| (format!("{name}-{disk}"), size));
        let volume = |(name, size): (String, &super::super::words::types::Size)| GuestVolume {
            path: group.as_ref().map_or_else(
                || format!("{folder}/{name}.img"),
                |group| format!("/dev/{group}/{name}"),
            ),
            group: group.clone(),
            size: size.to_string(),
            image: None,
            name,
        };
        let mut volumes: Vec<_> = first.chain(others).map(volume).collect();
        if let Some(first) = volumes.first_mut() {
            first.image = guest.image.as_ref().map(ToString::to_string);
        }
        volumes
    }

    /// The disks of all guests, each with its guest's name, node and fail-over.
    pub(super) fn volumes_model(&self) -> Json {
        let guests = self.inventory.guest.iter();
        let all = guests.flat_map(|(name, guest)| {
            let volumes = self.volumes_of(name.as_str(), guest).into_iter();
            volumes.map(move |volume| {
                let mut model = json!(volume);
                model["guest"] = json!(name);
                model["node"] = json!(guest.node);
                model["failover"] = json!(guest.failover);
                model
            })
        });
        all.collect()
    }

    /// The mount point of the shared filesystem that holds a pool; `None` where the pool is a node's own.
    pub fn mount_of(&self, pool: &Pool) -> Option<&str> {
        let mut mounts = self
            .inventory
            .mirror
            .values()
            .filter_map(|m| m.gfs2.as_ref());
        let on = |mount: &&super::super::words::types::AbsolutePath| {
            std::path::Path::new(pool.path.as_str()).starts_with(mount.as_str())
        };
        mounts
            .find(on)
            .map(super::super::words::types::AbsolutePath::as_str)
    }

    /// The model of a pool for templates: as written, with the folder where it is mounted.
    pub(super) fn pool_model(&self, pool: &Pool) -> Json {
        let mut model = json!(pool);
        model["mount"] = json!(self.mount_of(pool));
        model
    }

    /// The model of a guest for templates: as written, with the values derived from it.
    pub(super) fn guest_model(&self, name: &str, guest: &Guest) -> Json {
        let mut model = json!(guest);
        // Systems that bring no drivers for paravirtual hardware.
        let native = ["windows", "other"];
        let native = native.iter().any(|w| guest.os.as_str().starts_with(w));
        let cards = guest.zones.iter().zip(self.macs_of(name, guest));
        let cards = cards.map(|(path, mac)| {
            let (zone, project) = path.parts();
            let there = self.inventory.zone.get(zone);
            json!({
                "zone": path,
                "bridge": there.and_then(|z| z.bridge_of(project)),
                "mac": mac,
            })
        });
        model["cards"] = cards.collect();
        model["volumes"] = json!(self.volumes_of(name, guest));
        model["uuid"] = json!(uuid(&[self.name(), "guest", name]));
        model["native"] = json!(native);
        model["migrate"] = json!(self.migrate_of(guest));
        model["project"] = json!(self.project_of(guest));
        model
    }
}
