//! The primitives of the Noise pattern: X25519 that refuses low-order points, and randomness that the caller has drawn.

use snow::{
    Builder, Error, HandshakeState,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};
use zeroize::Zeroizing;

use crate::{
    crypto::keyfile::{PublicKey, StaticKey},
    crypto::x25519::Ephemeral,
    wire::INIT_CLEAR,
};

const PATTERN: &str = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
const PROLOGUE: &[u8; 4] = b"JV/1";
/// The pre-shared key of `IKpsk2`: zeros. They add no secrecy, but reserve the place for a real key.
const PSK: [u8; 32] = [0; 32];

/// The client's state, before INIT.
pub(super) fn initiator(
    local: &StaticKey,
    remote: &PublicKey,
    init_clear: [u8; INIT_CLEAR],
    seed: Zeroizing<[u8; 32]>,
) -> Result<HandshakeState, Error> {
    let prologue = prologue(init_clear);
    builder(local, &prologue, seed)?.remote_public_key(remote.as_bytes())?.build_initiator()
}

/// The gateway's state, before INIT is read.
pub(super) fn responder(
    local: &StaticKey,
    init_clear: [u8; INIT_CLEAR],
    seed: Zeroizing<[u8; 32]>,
) -> Result<HandshakeState, Error> {
    let prologue = prologue(init_clear);
    builder(local, &prologue, seed)?.build_responder()
}

fn builder<'a>(local: &'a StaticKey, prologue: &'a [u8], seed: Zeroizing<[u8; 32]>) -> Result<Builder<'a>, Error> {
    let builder = Builder::with_resolver(PATTERN.parse()?, Box::new(Primitives { seed }));
    builder.local_private_key(local.private())?.psk(2, &PSK)?.prologue(prologue)
}

fn prologue(init_clear: [u8; INIT_CLEAR]) -> [u8; PROLOGUE.len() + INIT_CLEAR] {
    let mut prologue = [0; PROLOGUE.len() + INIT_CLEAR];
    prologue[..PROLOGUE.len()].copy_from_slice(PROLOGUE);
    prologue[PROLOGUE.len()..].copy_from_slice(&init_clear);
    prologue
}

struct Primitives {
    seed: Zeroizing<[u8; 32]>,
}

impl CryptoResolver for Primitives {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneDraw(Some(self.seed.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(CheckedX25519::default()) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// Returns its 32 bytes once: each end draws one ephemeral key per handshake.
struct OneDraw(Option<Zeroizing<[u8; 32]>>);

impl Random for OneDraw {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let seed = self.0.take().filter(|seed| seed.len() == dest.len()).ok_or(Error::Rng)?;
        dest.copy_from_slice(seed.as_ref());
        Ok(())
    }
}

#[derive(Default)]
struct CheckedX25519 {
    private: Zeroizing<[u8; 32]>,
    key: Option<Ephemeral>,
}

impl CheckedX25519 {
    /// The private key was written in place, so that no copy of it is left on the stack.
    fn written(&mut self) {
        self.key = Some(Ephemeral::from_private(&self.private));
    }
}

impl Dh for CheckedX25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, privkey: &[u8]) {
        self.private.copy_from_slice(privkey);
        self.written();
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        rng.try_fill_bytes(self.private.as_mut())?;
        self.written();
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        self.key.as_ref().map_or(&[0; 32], |key| key.public())
    }

    fn privkey(&self) -> &[u8] {
        self.private.as_ref()
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        // snow passes its whole buffer for a remote key; the buffer has room for longer curves.
        let (peer, key) = (pubkey.first_chunk().ok_or(Error::Dh)?, self.key.as_ref().ok_or(Error::Dh)?);
        let shared = key.agree(peer).map_err(|_| Error::Dh)?;
        out.get_mut(..32).ok_or(Error::Dh)?.copy_from_slice(shared.as_ref());
        Ok(())
    }
}
