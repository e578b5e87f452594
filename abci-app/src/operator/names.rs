//! What chains, nodes and peers may be called: what CometBFT would refuse only when it starts is refused when it is typed.

use anyhow::ensure;

/// The longest id of a chain (CometBFT v0.38, types/genesis.go, `MaxChainIDLen`).
const MAX_CHAIN_ID: usize = 50;
/// The longest name of a node. It travels in handshakes, which have no room for a book.
const MAX_MONIKER: usize = 70;
/// The hexadecimal digits of a node's id: 20 bytes (CometBFT v0.38, p2p/key.go, `IDByteLength`).
const NODE_ID_DIGITS: usize = 40;

/// A chain's id: a name, a hyphen and a revision number, such as `bauta-1`. Light clients of other chains read the number from it
/// (ICS-7, "Client identifiers": revision).
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn chain_id(id: &str) -> anyhow::Result<()> {
    ensure!(!id.is_empty(), "the chain's id is empty; write a name and a revision number, such as bauta-1");
    ensure!(id.len() <= MAX_CHAIN_ID, "the chain's id has {} bytes, and may have {MAX_CHAIN_ID}: {id}", id.len());
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let is_revision = |text: &str| text.parse::<u64>().is_ok_and(|number| number > 0 && number.to_string() == text);
    let parts = id.rsplit_once('-');
    ensure!(
        parts.is_some_and(|(name, revision)| is_name(name) && is_revision(revision)),
        "{id:?} is no chain's id; write a name of letters, digits, `-`, `_` and `.`, a hyphen and a revision number, such as bauta-1"
    );
    Ok(())
}

/// A node's name among its peers: one line of printable ASCII (CometBFT v0.38, p2p/node_info.go, `Validate`).
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn moniker(name: &str) -> anyhow::Result<()> {
    ensure!(!name.trim().is_empty(), "the moniker is empty; write what the node is called among its peers");
    ensure!(name.len() <= MAX_MONIKER, "the moniker has {} bytes, and may have {MAX_MONIKER}", name.len());
    ensure!(
        name.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "the moniker is {name:?}; CometBFT takes letters, digits and signs of ASCII, in one line"
    );
    Ok(())
}

/// A peer, `ID@HOST:PORT` (CometBFT v0.38, p2p/netaddress.go, `NewNetAddressString`).
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn peer(text: &str) -> anyhow::Result<()> {
    let is_id = |id: &str| id.len() == NODE_ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_host = |host: &str| {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')),
        }
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_peer = text.split_once('@').is_some_and(|(id, address)| {
        is_id(id) && address.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && is_port(port))
    });
    ensure!(
        is_peer,
        "--peer is {text:?}; write ID@HOST:PORT, one peer each time, with the {NODE_ID_DIGITS} digits that `cometbft show-node-id` \
         prints there"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chains_id_is_a_name_and_a_revision_number() {
        for id in ["bauta-1", "a-b_c.d-12", "7-7"] {
            chain_id(id).unwrap_or_else(|why| panic!("{id}: {why}"));
        }
        let long = format!("{}-1", "a".repeat(49));
        for id in
            ["", "bauta", "bauta-", "bauta-0", "bauta-01", "-1", "bad id-1", "bauta\n-1", "bauta-1 ", "bäuta-1", &long]
        {
            assert!(chain_id(id).is_err(), "{id:?}");
        }
        assert!(chain_id(&long[1..]).is_ok());
    }

    #[test]
    fn a_moniker_is_a_line_of_ascii() {
        assert!(moniker("node of ours, no. 2").is_ok());
        for name in ["", "  ", "two\nlines", "tab\tbed", "Müller", &"a".repeat(71)] {
            assert!(moniker(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_peer_has_an_id_a_host_and_a_port() {
        let id = "0123456789abcdef0123456789ABCDEF01234567";
        for address in ["127.0.0.1:26656", "node.example.org:1", "[::1]:26656"] {
            assert!(peer(&format!("{id}@{address}")).is_ok(), "{address}");
        }
        for address in ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":1", "a,b:1", "[::1:1", ""] {
            assert!(peer(&format!("{id}@{address}")).is_err(), "{address}");
        }
        for text in ["garbage", "127.0.0.1:26656", &format!("{}@h:1", &id[1..]), &format!("x{}@h:1", &id[1..])] {
            assert!(peer(text).is_err(), "{text}");
        }
    }
}
