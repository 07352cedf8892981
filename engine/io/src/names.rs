//! Names of other machines, looked up as every program of this machine does: hosts file, then the configured services.

use std::{
    net::{IpAddr, ToSocketAddrs},
    thread,
};

/// Longest name of the domain name system, in characters.
const NAME_MAX: usize = 253;

/// Looks up a name on a thread of its own and calls `done` there, with its addresses or with the system's words for the
/// failure. The system may take half a minute, and cannot be interrupted: nobody waits for the thread, and the process
/// may end before it.
pub fn look_up(host: String, done: impl FnOnce(Result<Vec<IpAddr>, String>) + Send + 'static) -> Result<(), String> {
    let work = move || done(addresses(&host));
    thread::Builder::new().name("jvpn-names".to_owned()).spawn(work).map(drop).map_err(|error| error.to_string())
}

fn addresses(host: &str) -> Result<Vec<IpAddr>, String> {
    if host.len() > NAME_MAX {
        return Err(format!("the name has more than {NAME_MAX} characters"));
    }
    let found = (host, 0).to_socket_addrs().map_err(|error| words(&error.to_string()))?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    // Each address comes once; a resolver that rotates its answers changes nothing.
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// The system's message without the prefix of the standard library.
fn words(error: &str) -> String {
    error.rsplit("failed to lookup address information: ").next().unwrap_or(error).to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn looked_up(host: &str) -> Result<Vec<IpAddr>, String> {
        let (sender, answers) = channel();
        look_up(host.to_owned(), move |found| sender.send(found).unwrap_or_default())?;
        answers.recv().map_err(|error| error.to_string())?
    }

    #[test]
    fn a_name_of_this_machine_has_its_addresses_once_and_in_order() {
        let found = looked_up("localhost").unwrap_or_default();
        assert!(found.contains(&IpAddr::from([127, 0, 0, 1])));
        assert!(found.is_sorted() && found.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_name_that_cannot_exist_fails_in_the_words_of_the_system() {
        assert!(looked_up("no such name.invalid").is_err_and(|why| !why.is_empty() && !why.contains("lookup")));
        assert_eq!(looked_up(&"a".repeat(254)), Err("the name has more than 253 characters".to_owned()));
    }
}
