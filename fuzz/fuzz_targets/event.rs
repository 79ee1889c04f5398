#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nodewright_fuzz::event(data));
