//! Filters for templates beyond those of minijinja: networks, sizes, times, quoting.

use crate::site::shown;
use crate::site::words::types::{Duration, Size, Word as _};
use ipnet::IpNet;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use std::net::IpAddr;

/// Adds all of them.
pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("address", |text: &str| {
        ip(text).map(|(address, _)| address.to_string())
    });
    env.add_filter("network", |text: &str| {
        net(text).map(|n| n.network().to_string())
    });
    env.add_filter("cidr", |text: &str| {
        net(text).map(|n| n.trunc().to_string())
    });
    env.add_filter("netmask", |text: &str| {
        net(text).map(|n| n.netmask().to_string())
    });
    env.add_filter("prefix", |text: &str| net(text).map(|n| n.prefix_len()));
    env.add_filter("broadcast", |text: &str| {
        net(text).map(|n| n.broadcast().to_string())
    });
    env.add_filter("host", host);
    env.add_filter("bytes", bytes);
    env.add_filter("mib", |text: &str| whole(text, 1 << 20, "mebibytes"));
    env.add_filter("sectors", |text: &str| {
        whole(text, 512, "sectors of 512 bytes")
    });
    env.add_filter("milliseconds", milliseconds);
    env.add_filter("seconds", seconds);
    env.add_filter("quote_sh", |value: &Value| {
        let text = quotable(value, "quote_sh")?;
        if crate::sh::has_nul(&text) {
            return Err(invalid("a NUL cannot be a word of a shell command"));
        }
        Ok(crate::sh::quote(&text))
    });
    env.add_filter("quote_ini", |value: &Value| {
        quotable(value, "quote_ini").and_then(|text| quote_ini(&text))
    });
    env.add_filter("quote_toml", |value: &Value| {
        quotable(value, "quote_toml").map(|text| toml::Value::String(text).to_string())
    });
    env.add_filter("string", string);
    env.add_filter("renamed", |text: &str, names: &Value| {
        let other = names.get_item(&Value::from(text))?;
        Ok::<_, Error>(if other.is_undefined() {
            Value::from(text)
        } else {
            other
        })
    });
    env.add_test("ipv6", |text: &str| text.contains(':'));
    env.set_unknown_method_callback(method);
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// An address with or without a prefix length.
fn ip(text: &str) -> Result<(IpAddr, Option<IpNet>), Error> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok((net.addr(), Some(net)));
    }
    text.parse()
        .map(|address| (address, None))
        .map_err(|_| invalid(format!("`{text}` is no address or network")))
}

fn net(text: &str) -> Result<IpNet, Error> {
    ip(text)?.1.ok_or_else(|| {
        invalid(format!(
            "`{text}` has no prefix length; a network is written `10.0.1.0/24`"
        ))
    })
}

/// The nth address of a network; below zero counts from its end, so that -1 is the last host of an IPv4 network.
fn host(text: &str, n: i64) -> Result<String, Error> {
    let net = net(text)?;
    let outside = || invalid(format!("`{text}` has no host {n}"));
    let add = |base: u128, n: i64| base.checked_add_signed(i128::from(n)).ok_or_else(outside);
    let address = match net {
        IpNet::V4(v4) => {
            let base = if n < 0 { v4.broadcast() } else { v4.network() };
            let number = add(u128::from(u32::from(base)), n)?;
            IpAddr::V4(u32::try_from(number).map_err(|_| outside())?.into())
        }
        IpNet::V6(v6) => {
            let base = if n < 0 { v6.broadcast() } else { v6.network() };
            IpAddr::V6(add(u128::from(base), n)?.into())
        }
    };
    if !net.contains(&address) {
        return Err(outside());
    }
    Ok(address.to_string())
}

fn bytes(text: &str) -> Result<u64, Error> {
    let size = Size::parse(text).map_err(|why| invalid(format!("{}: {why}", shown(text))))?;
    Ok(size.bytes())
}

fn milliseconds(text: &str) -> Result<u64, Error> {
    let wrong = |why: String| invalid(format!("{}: {why}", shown(text)));
    let time = Duration::parse(text).map_err(wrong)?;
    u64::try_from(time.get().as_millis()).map_err(|_| wrong("this time is too long".into()))
}

fn whole(text: &str, unit: u64, name: &str) -> Result<u64, Error> {
    let bytes = bytes(text)?;
    if bytes % unit == 0 {
        Ok(bytes / unit)
    } else {
        Err(invalid(format!("`{text}` is no whole number of {name}")))
    }
}

fn seconds(text: &str) -> Result<u64, Error> {
    let milliseconds = milliseconds(text)?;
    if milliseconds % 1000 == 0 {
        Ok(milliseconds / 1000)
    } else {
        Err(invalid(format!("`{text}` is no whole number of seconds")))
    }
}

/// A value that may be quoted: text or a number, and no secret, whose real value no filter ever sees.
fn quotable(value: &Value, filter: &str) -> Result<String, Error> {
    let text = match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number => value.to_string(),
        kind => {
            return Err(invalid(format!(
                "`{filter}` quotes text and numbers, not a value of kind {kind}"
            )));
        }
    };
    if crate::text::Text::plain(text.as_str()).is_tainted() {
        return Err(invalid(format!(
            "`{filter}` cannot quote a secret, which templates never see; put it in as it is"
        )));
    }
    Ok(text)
}

/// In double quotes where it would be read otherwise than it is written.
fn quote_ini(text: &str) -> Result<String, Error> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(invalid(
            "a value of an INI file is one line without control characters",
        ));
    }
    let plain = !text.is_empty()
        && text.trim() == text
        && !text.contains(['"', '\\', '#', ';', '=', '[', ']', '\'']);
    if plain {
        return Ok(text.to_owned());
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{escaped}\""))
}

/// Like minijinja's, but a boolean or none does not become `True` or `None`.
fn string(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Bool | ValueKind::None | ValueKind::Undefined => Err(invalid(format!(
            "a value of kind {} is no text: write one with an `if`",
            value.kind()
        ))),
        _ => Ok(value.to_string()),
    }
}

/// The methods of tables that templates may call as in Python.
fn method(_state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if value.kind() == ValueKind::Map {
        match (name, args) {
            ("keys", []) => return Ok(value.try_iter()?.collect::<Vec<_>>().into()),
            ("values", []) => {
                let values: Result<Vec<Value>, Error> =
                    value.try_iter()?.map(|key| value.get_item(&key)).collect();
                return values.map(Value::from);
            }
            ("items", []) => {
                let mut items = Vec::new();
                for key in value.try_iter()? {
                    let item = value.get_item(&key)?;
                    items.push(Value::from(vec![key, item]));
                }
                return Ok(Value::from(items));
            }
            ("get", [key] | [key, _]) => {
                let found = value.get_item(key)?;
                let other = args.get(1).cloned().unwrap_or_else(|| Value::from(()));
                return Ok(if found.is_undefined() { other } else { found });
            }
            _ => {}
        }
    }
    Err(Error::new(
        ErrorKind::UnknownMethod,
        format!("a {} has no method `{name}`", value.kind()),
    ))
}
