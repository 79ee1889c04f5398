//! Digests, as `sha256sum` writes them.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read};

/// The SHA-256 of these bytes in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The number of bytes that a reader gives, and their SHA-256. The content is not held in memory.
pub fn sha256_of(mut reader: impl Read) -> io::Result<(u64, String)> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        digest.update(&buffer[..n]);
        bytes += n as u64;
    }
    Ok((bytes, hex(&digest.finalize())))
}

/// Bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_read_is_counted_and_digested() {
        let long = vec![b'x'; 131_072];
        let (bytes, sha256) = super::sha256_of(&long[..]).unwrap();
        // head -c 131072 /dev/zero | tr '\0' x | sha256sum
        let sum = "15601535eca4a38b7e31ad6494861121cb9f84ccf55d4beb6a707d4f7a87813d";
        assert_eq!((bytes, sha256.as_str()), (131_072, sum));
    }

    #[test]
    fn it_is_what_sha256sum_says() {
        // printf abc | sha256sum
        assert_eq!(
            super::sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
