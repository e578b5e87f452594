//! Writes the contracts' JSON schemas to `schema/contracts/`: `cargo run --release -p bauta-messages --example write_schemas`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/contracts");
    for contract in ["registry", "staking", "slashing"] {
        match fs::remove_dir_all(root.join(contract)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for (name, text) in bauta_messages::schema::files() {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}
