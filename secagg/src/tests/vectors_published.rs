//! Published vectors: RFC 8439 (ChaCha20) through the mask stream's cipher.

use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};

#[test]
fn chacha20_gives_the_keystream_of_rfc_8439_section_2_4_2() {
    let key: [u8; 32] = core::array::from_fn(|i| i as u8);
    let nonce = [0, 0, 0, 0, 0, 0, 0, 0x4a, 0, 0, 0, 0];
    let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let mut cipher = chacha20::ChaCha20::new(&key.into(), &nonce.into());
    cipher.seek(64u32);
    cipher.apply_keystream(&mut text);
    assert_eq!(hex::encode(&text[..16]), "6e2e359a2568f98041ba0728dd0d6981");
    assert_eq!(hex::encode(&text[text.len() - 10..]), "b40b8eedf2785e42874d");
}
