//! The syntax of each type of word: one function a type. Each error is a sentence that says what would be right.

use super::super::text::finding::is_unseen;
use crate::text::base64;
use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;

type Checked = Result<(), String>;

fn ensure(right: bool, sentence: &str) -> Checked {
    if right {
        Ok(())
    } else {
        Err(sentence.to_owned())
    }
}

/// Starts with one of `first`, goes on with `rest`, and is no longer than `max` bytes.
fn made_of(text: &str, first: fn(u8) -> bool, rest: fn(u8) -> bool, max: usize) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(first) && bytes.all(rest) && text.len() <= max
}

fn small(b: u8) -> bool {
    b.is_ascii_lowercase()
}

fn small_or_digit(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

pub(in crate::site) fn host_name(text: &str) -> Checked {
    ensure(
        made_of(text, small, |b| small_or_digit(b) || b == b'-', 63) && !text.ends_with('-'),
        "a host name has small letters, digits and hyphens, begins with a letter, and is at most 63 long",
    )
}

pub(in crate::site) fn domain_name(text: &str) -> Checked {
    let label = |l: &str| {
        made_of(l, alphanumeric, |b| alphanumeric(b) || b == b'-', 63) && !l.ends_with('-')
    };
    ensure(
        text.len() <= 253
            && text.split('.').all(label)
            && text.bytes().any(|b| b.is_ascii_alphabetic()),
        "a domain name has labels of letters, digits and hyphens with dots between them",
    )
}

pub(in crate::site) fn host(text: &str) -> Checked {
    ensure(
        text.parse::<IpAddr>().is_ok() || domain_name(text).is_ok(),
        "a host is a name such as `ntp1.example.net` or an address such as `192.0.2.1`",
    )
}

pub(in crate::site) fn interface_name(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            alphanumeric,
            |b| alphanumeric(b) || b"_.-".contains(&b),
            15,
        ),
        "an interface name has letters, digits, `_`, `.` and `-`, begins with a letter or digit, and is at most 15 long",
    )
}

pub(in crate::site) fn zone_name(text: &str) -> Checked {
    ensure(
        made_of(text, small, |b| small_or_digit(b) || b == b'_', 10)
            && !matches!(text, "all" | "any" | "none" | "fw" | "source" | "dest"),
        "a zone name has small letters, digits and `_`, begins with a letter, is at most 10 long, and is no word of Shorewall (`all`, `any`, `none`, `fw`, `source`, `dest`)",
    )
}

pub(in crate::site) fn zone_path(text: &str) -> Checked {
    let right = match text.split_once('.') {
        Some((zone, project)) => zone_name(zone).is_ok() && name(project).is_ok(),
        None => zone_name(text).is_ok(),
    };
    ensure(
        right,
        "a zone is written by its name (`storage`), a project of a trunk behind it (`projects.wiki`)",
    )
}

pub(in crate::site) fn name(text: &str) -> Checked {
    ensure(
        made_of(text, small, |b| small_or_digit(b) || b"_-".contains(&b), 32),
        "a name has small letters, digits, `_` and `-`, begins with a letter, and is at most 32 long",
    )
}

pub(in crate::site) fn hypervisor_name(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            alphanumeric,
            |b| alphanumeric(b) || b"_.-".contains(&b),
            64,
        ),
        "such a name has letters, digits, `.`, `_` and `-`, begins with a letter or digit, and is at most 64 long",
    )
}

pub(in crate::site) fn mac_address(text: &str) -> Checked {
    let pairs: Vec<_> = text.split(':').collect();
    let right = pairs.len() == 6
        && pairs
            .iter()
            .all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()));
    ensure(
        right,
        "a MAC address has six pairs of hexadecimal digits with colons between them",
    )?;
    let first = u8::from_str_radix(pairs[0], 16).expect("hexadecimal");
    ensure(
        first & 1 == 0 && text != "00:00:00:00:00:00",
        "this address is for many stations; a device has one whose first pair is even",
    )
}

pub(in crate::site) fn size(text: &str) -> Result<u64, String> {
    let sentence = "a size is a whole number with K, M, G or T behind it, which count by 1024";
    let (digits, factor) = match text.bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G') => (&text[..text.len() - 1], 1 << 30),
        Some(b'T') => (&text[..text.len() - 1], 1 << 40),
        _ => (text, 1_u64),
    };
    number(digits)
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| sentence.to_owned())
}

fn number(digits: &str) -> Option<u64> {
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

pub(in crate::site) fn duration(text: &str) -> Result<Duration, String> {
    let sentence = "a length of time is a whole number with ms, s, m, h or d behind it";
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let millis = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    millis
        .zip(number(digits))
        .and_then(|(unit, n)| n.checked_mul(unit))
        .map(Duration::from_millis)
        .ok_or_else(|| sentence.to_owned())
}

pub(in crate::site) fn secret_name(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            alphanumeric,
            |b| alphanumeric(b) || b"_.-".contains(&b),
            64,
        ),
        "a secret's name has letters, digits, `_`, `.` and `-`, begins with a letter or digit, and is at most 64 long",
    )
}

pub(in crate::site) fn user_name(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            |b| small(b) || b == b'_',
            |b| small_or_digit(b) || b"_-".contains(&b),
            31,
        ),
        "an account's name has small letters, digits, `_` and `-`, begins with a letter, and is at most 31 long",
    )
}

pub(in crate::site) fn device_user(text: &str) -> Checked {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
    ensure(
        text.bytes().all(plain) && !text.is_empty() && text.len() <= 64 && !text.starts_with('-'),
        "a device's account has letters, digits and `._@+-`, does not begin with `-`, and is at most 64 long",
    )
}

pub(in crate::site) fn absolute_path(text: &str) -> Checked {
    let parts_right = text == "/"
        || text.strip_prefix('/').is_some_and(|rest| {
            rest.split('/')
                .all(|p| !p.is_empty() && p != "." && p != ".." && !p.starts_with('-'))
        });
    ensure(
        parts_right && plain(text) && text.len() <= 1024,
        "an absolute path begins with `/`, has no `.`, `..` or empty part, and no spaces, quotes or other characters with a meaning to a shell",
    )
}

pub(in crate::site) fn site_path(text: &str) -> Checked {
    let right = text
        .split('/')
        .all(|p| !p.is_empty() && p != "." && p != ".." && !p.starts_with('-'));
    ensure(
        right && plain(text) && text.len() <= 1024,
        "a path within the site does not begin with `/`, has no `.` or `..`, and no spaces or quotes",
    )
}

/// Characters of paths that no shell and no configuration file gives a meaning.
fn plain(text: &str) -> bool {
    text.bytes()
        .all(|b| alphanumeric(b) || b"/_.,:+@=-".contains(&b))
}

pub(in crate::site) fn cluster_name(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            |b| alphanumeric(b) || b == b'_',
            |b| alphanumeric(b) || b"_-".contains(&b),
            15,
        ),
        "a cluster's name has letters, digits, `_` and `-`, and is at most 15 long",
    )
}

pub(in crate::site) fn volume_group(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            |b| alphanumeric(b) || b == b'_',
            |b| alphanumeric(b) || b"_.+-".contains(&b),
            64,
        ),
        "a volume group's name has letters, digits, `_`, `.`, `+` and `-`, and does not begin with `-`",
    )
}

pub(in crate::site) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "an address is written as `192.0.2.5` or `2001:db8::5`".to_owned())
}

pub(in crate::site) fn host_address(text: &str) -> Result<(IpAddr, Option<u8>), String> {
    let Some((ip, prefix)) = text.split_once('/') else {
        return address(text).map(|ip| (ip, None));
    };
    let ip = address(ip)?;
    let max = if ip.is_ipv4() { 32 } else { 128 };
    number(prefix)
        .and_then(|n| u8::try_from(n).ok())
        .filter(|n| *n <= max)
        .map(|n| (ip, Some(n)))
        .ok_or_else(|| format!("the length of a prefix is a number from 0 to {max}"))
}

pub(in crate::site) fn network(text: &str) -> Result<IpNet, String> {
    let net: IpNet = text
        .parse()
        .map_err(|_| "a network is written as `192.0.2.0/24`".to_owned())?;
    if net.addr() == net.network() {
        Ok(net)
    } else {
        Err(format!(
            "this is an address within a network; the network is `{}`",
            net.trunc()
        ))
    }
}

pub(in crate::site) fn source(text: &str) -> Result<IpNet, String> {
    match text.parse::<IpAddr>() {
        Ok(ip) => Ok(IpNet::from(ip)),
        Err(_) => network(text).map_err(|e| {
            if text.contains('/') {
                e
            } else {
                "write an address such as `198.51.100.10` or a network such as `198.51.100.0/24`"
                    .to_owned()
            }
        }),
    }
}

pub(in crate::site) fn date(text: &str) -> Checked {
    let sentence = "a day is written as YEAR-MONTH-DAY: `2027-06-30`";
    let parts: Vec<_> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return Err(sentence.to_owned());
    };
    let lengths = (year.len(), month.len(), day.len()) == (4, 2, 2);
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return Err(sentence.to_owned());
    };
    ensure(lengths, sentence)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(leap),
        _ => 0,
    };
    ensure((1..=days).contains(&day), "there is no such day")
}

pub(in crate::site) fn version(text: &str) -> Checked {
    ensure(
        text.len() <= 32
            && text.split('.').all(|p| {
                made_of(
                    p,
                    |b| b.is_ascii_digit(),
                    |b| alphanumeric(b) || b"-+~_".contains(&b),
                    32,
                )
            }),
        "a version has numbers with dots between them, as `8.4`",
    )
}

pub(in crate::site) fn tty(text: &str) -> Checked {
    ensure(
        text.starts_with("tty") && text.len() > 3 && made_of(text, small, alphanumeric, 15),
        "a serial port is written without `/dev/`, as `ttyS0`",
    )
}

/// The words that begin a public key of OpenSSH.
const KEY_TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

pub(in crate::site) fn ssh_key(text: &str) -> Checked {
    let mut words = text.splitn(3, ' ');
    let (kind, body, comment) = (words.next(), words.next(), words.next());
    ensure(
        kind.is_some_and(|k| KEY_TYPES.contains(&k)),
        "a public key begins with its type, as `ssh-ed25519`; options before it are not taken",
    )?;
    ensure(
        body.is_some_and(|b| {
            b.len() >= 16
                && b.trim_end_matches('=')
                    .bytes()
                    .all(|b| alphanumeric(b) || b"+/".contains(&b))
        }),
        "behind its type a public key has one word of base64: copy the whole line of the `.pub` file",
    )?;
    ensure(
        comment.is_none_or(|c| line(c).is_ok()),
        "the comment of a public key is on the same line and has no control characters",
    )
}

/// Whether the key's inside says the same kind, and its parts fill it exactly (RFC 4253, section 6.6).
pub(in crate::site) fn ssh_key_is_whole(kind: &str, body: &str) -> bool {
    let Some(bytes) = base64(body) else {
        return false;
    };
    let mut rest = bytes.as_slice();
    let mut parts = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((part, more)) = more.split_at_checked(length) else {
            return false;
        };
        parts.push(part);
        rest = more;
    }
    let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
    let shape = match kind {
        "ssh-ed25519" => lengths.len() == 2 && lengths[1] == 32,
        "ssh-rsa" => lengths.len() == 3 && lengths[2] >= 128,
        _ => lengths.len() >= 3,
    };
    rest.is_empty() && shape && parts[0] == kind.as_bytes()
}

pub(in crate::site) fn age_recipient(text: &str) -> Checked {
    ensure(
        text.parse::<age::x25519::Recipient>().is_ok(),
        "an age recipient begins with `age1`: it is what `age-keygen -y` prints",
    )
}

pub(in crate::site) fn disk_id(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            alphanumeric,
            |b| alphanumeric(b) || b"_.:+-".contains(&b),
            128,
        ),
        "a disk's name under /dev/disk/by-id has letters, digits, `_`, `.`, `:`, `+` and `-`",
    )
}

pub(in crate::site) fn url(text: &str) -> Checked {
    let rest = ["http://", "https://", "ftp://", "file:///"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    ensure(
        rest.is_some_and(|r| {
            !r.is_empty()
                && !r.starts_with('-')
                && r.bytes()
                    .all(|b| alphanumeric(b) || b"/_.,:+@%=&?~$-[]".contains(&b))
        }) && text.len() <= 1024
            && !text.contains("$("),
        "a URL begins with `http://`, `https://`, `ftp://` or `file:///` and has no spaces or quotes",
    )
}

pub(in crate::site) fn time_zone(text: &str) -> Checked {
    let part = |p: &str| {
        made_of(
            p,
            |b| b.is_ascii_alphabetic(),
            |b| alphanumeric(b) || b"_+-".contains(&b),
            32,
        )
    };
    ensure(
        text.split('/').all(part),
        "a time zone is written as `Europe/Zurich` or `UTC`",
    )
}

pub(in crate::site) fn fence_agent(text: &str) -> Checked {
    ensure(
        text.len() > 6
            && text.starts_with("fence_")
            && made_of(text, small, |b| small_or_digit(b) || b == b'_', 48),
        "a fence agent's name begins with `fence_`",
    )
}

pub(in crate::site) fn rule_code(text: &str) -> Checked {
    ensure(
        made_of(
            text,
            |b| b.is_ascii_uppercase(),
            |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-',
            40,
        ),
        "a rule's code has capitals, digits and hyphens; `nodewright rules` lists them",
    )
}

pub(in crate::site) fn partition_use(text: &str) -> Checked {
    ensure(
        matches!(text, "swap" | "mirror") || absolute_path(text).is_ok(),
        "a partition is for `swap`, for a `mirror`, or has a mount point such as `/var`",
    )
}

pub(in crate::site) fn line(text: &str) -> Checked {
    ensure(
        !text.trim().is_empty()
            && !text.chars().any(|c| c.is_control() || is_unseen(c))
            && text.len() <= 1024,
        "write one line of text, without control characters",
    )
}
