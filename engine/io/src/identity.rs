//! The private key file, which is this node's identity. It is read only if no other user can access it, and created
//! only where no file exists.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use jvpn_proto::keyfile::StaticKey;
use zeroize::Zeroizing;

use crate::{fault::StartError, sys::fill_random};

/// Room for a key and surrounding white space.
const FILE_MAX: usize = 256;
const GROUP_OR_OTHERS: u32 = 0o077;

/// Reads the key. Refuses a file that is not regular, that group or others may access, or that holds no private key.
pub fn load(path: &Path) -> Result<StaticKey, StartError> {
    let name = path.display();
    let unreadable = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => format!("create one with: jvpn genkey {name}"),
            io::ErrorKind::PermissionDenied => format!("run as the owner of {name}"),
            _ => format!("check the key file setting and the file at {name}"),
        };
        StartError::configuration(format!("cannot read the key file {name}"), error, hint)
    };
    // Without O_NONBLOCK, opening a FIFO would block the daemon until another process writes to it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
        .map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(StartError::configuration(
            format!("the key file {name} is refused"),
            "it is not a regular file",
            format!("create one with: jvpn genkey {name}.key"),
        ));
    }
    let text = read_text(file).map_err(unreadable)?;
    // First what it holds: nobody should change the mode of a file that is no key.
    let key = StaticKey::from_text(&text).map_err(|error| {
        let hint = format!("name the file of a private key, or create a new one elsewhere: jvpn genkey {name}.new");
        StartError::configuration(format!("the key file {name} holds no private key"), error, hint)
    })?;
    if metadata.mode() & GROUP_OR_OTHERS != 0 {
        return Err(StartError::configuration(
            format!("the key file {name} is refused"),
            format!("its mode {:04o} gives access to other users", metadata.mode() & 0o7777),
            format!("chmod 600 {name}"),
        ));
    }
    // SAFETY: geteuid takes no arguments, touches no memory and cannot fail.
    let own = unsafe { libc::geteuid() };
    if !trusted_owner(metadata.uid(), own) {
        return Err(StartError::configuration(
            format!("the key file {name} is refused"),
            format!("it belongs to user {}, who can read and replace the key", metadata.uid()),
            format!("chown {own} {name}, if only you know the key; else create one with: jvpn genkey {name}.new"),
        ));
    }
    Ok(key)
}

/// The key file may belong to this process's user, or to root, which can access everything anyway.
const fn trusted_owner(owner: u32, own: u32) -> bool {
    owner == own || owner == 0
}

/// The public key, in text form, of a private key file.
pub fn public_key(path: &Path) -> Result<String, StartError> {
    load(path).map(|key| key.public().to_text())
}

/// Creates the file (mode 0600) with a new key and returns its public key. An existing file stays unchanged.
pub fn generate(path: &Path) -> Result<String, StartError> {
    let name = path.display();
    let failed = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("choose another name, or remove {name} if no peer uses its public key")
            }
            io::ErrorKind::NotFound => "create the folder first".to_owned(),
            _ => "choose a folder that you can write to".to_owned(),
        };
        StartError::configuration(format!("cannot create the key file {name}"), error, hint)
    };
    let mut random = Ok(());
    let key = StaticKey::generate(&mut |out| {
        if let Err(error) = fill_random(out) {
            random = Err(error);
        }
    });
    random.map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut text = key.to_text();
    text.push('\n');
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // An incomplete key file is useless and would block the next attempt.
        let _ = fs::remove_file(path);
        return Err(failed(error));
    }
    Ok(key.public().to_text())
}

/// Reads at most [`FILE_MAX`] bytes, into a buffer that never grows and is cleared on drop, so that no copy of the
/// secret remains in memory.
fn read_text(mut file: File) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0u8; FILE_MAX]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let text = std::str::from_utf8(&bytes[..length])
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, path::PathBuf};

    use super::*;

    #[test]
    fn a_generated_key_is_read_back_and_only_its_owner_may() {
        let folder = Folder::new("generate");
        let path = folder.0.join("key");
        let public = generate(&path).expect("a key");
        assert!(public.starts_with("jvpk1:"));
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o7777, 0o600);
        assert_eq!(public_key(&path).expect("the same key"), public);
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = Folder::new("existing");
        let path = folder.0.join("key");
        let public = generate(&path).expect("a key");
        assert!(generate(&path).expect_err("refused").hint.contains("another name"));
        assert_eq!(public_key(&path).expect("the first key"), public);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_remedy() {
        let folder = Folder::new("open");
        let path = folder.0.join("key");
        generate(&path).expect("a key");
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
            let error = load(&path).expect_err("refused");
            assert_eq!(error.hint, format!("chmod 600 {}", path.display()));
        }
    }

    #[test]
    fn a_file_that_is_no_key_keeps_its_mode() {
        let error = load(Path::new("/etc/passwd")).expect_err("refused");
        assert!(error.what.contains("holds no private key") && !error.hint.contains("chmod"), "{error}");
    }

    #[test]
    fn a_key_of_another_user_is_refused_unless_that_is_root() {
        assert!(trusted_owner(1_000, 1_000) && trusted_owner(0, 1_000) && trusted_owner(0, 0));
        assert!(!trusted_owner(1_000, 0) && !trusted_owner(1_001, 1_000));
        let folder = Folder::new("owner");
        let path = folder.0.join("key");
        generate(&path).expect("a key");
        // Only root can change a file's owner.
        if std::os::unix::fs::chown(&path, Some(65_534), None).is_ok() {
            assert!(load(&path).expect_err("refused").why.contains("user 65534"));
        }
    }

    #[test]
    fn what_is_no_private_key_is_refused_with_its_reason() {
        let folder = Folder::new("malformed");
        for (name, content) in
            [("empty", ""), ("public", "jvpk1:AAAA"), ("long", &"x".repeat(10_000)), ("short", "jvps1:AAAA")]
        {
            let path = folder.0.join(name);
            fs::write(&path, content).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
            assert!(load(&path).expect_err("refused").what.contains("no private key"), "{name}");
        }
        assert!(load(&folder.0).expect_err("a folder").why.contains("not a regular file"));
        let missing = folder.0.join("missing");
        assert!(load(&missing).expect_err("missing").hint.ends_with(&format!("jvpn genkey {}", missing.display())));
    }

    /// A folder for one test, removed when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("jvpn-identity-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).expect("a temporary folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
