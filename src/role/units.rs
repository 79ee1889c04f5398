//! Sizes, rates and times as people write them: `30G`, `110M`, `10s`.

/// Reads a size or rate in bytes: `512`, `30G`, `1.5T`, `800GiB`. The units K, M, G, T and P are powers of 1024, as
/// LVM, DRBD and libvirt read them.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: a number and K, M, G, T or P, such as `30G`");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_suffix("iB").unwrap_or(unit);
    let factor: u64 = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        "P" => 1 << 50,
        _ => return Err(wrong()),
    };
    scaled(number, factor).ok_or_else(wrong)
}

/// Reads a time in milliseconds: `500ms`, `10s`, `5m`, `2h`, `7d`, `4w`.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: a number and ms, s, m, h, d or w, such as `10s`");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(wrong()),
    };
    scaled(number, factor).ok_or_else(wrong)
}

/// `number` (digits, with at most one point and fraction) times `factor`, if that is whole and fits.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let tens = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let parts = whole.parse::<u64>().ok()?;
    let total = (u128::from(parts) * tens + u128::from(fraction.parse::<u64>().ok()?))
        .checked_mul(u128::from(factor))?;
    (total % tens == 0).then_some(total / tens)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(bytes("512"), Ok(512));
        assert_eq!(bytes("110M"), Ok(115_343_360));
        assert_eq!(bytes("1.5T"), Ok(1_649_267_441_664));
        assert_eq!(bytes("800GiB"), Ok(858_993_459_200));
        for wrong in ["", "G", "1.5", "-1G", "10 G", "1GB", "99999999P", "1.2.3G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(milliseconds("10s"), Ok(10_000));
        assert_eq!(milliseconds("1.5s"), Ok(1500));
        assert_eq!(milliseconds("7d"), Ok(604_800_000));
        for wrong in ["10", "s", "1.5ms", "1y", " 1s"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
