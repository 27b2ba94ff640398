//! SHA-256 of what servers and clients send where its digest is named, on a thread that traffic never waits for.
//!
//! The digest asked for stands in the path of a registry's blob or manifest URL; a redirect hands it on to the URL it
//! names. What is asked for by a tag has it in the answer's head, an upload in its query. A content that the thread
//! cannot keep up with is not checked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::{mpsc, oneshot};

use crate::exchange::event::{CaptureEvent, Happening};
use crate::exchange::{ExchangeId, RequestHead, ResponseHead};

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];

/// Pieces of content that may wait for the thread; when it is full, the content they belong to is not checked.
const WAITING_PIECES: usize = 64;

/// Bytes that are gathered before they go to the thread.
const PIECE: usize = 64 * 1024;

/// Contents that are hashed at once, and redirects that are remembered; the oldest is forgotten first.
const MOST: usize = 4096;

/// Hashes contents, and remembers which digest a redirect's target has.
pub struct Hashing {
    jobs: SyncSender<Job>,
    // Held only to look up or insert.
    redirects: Mutex<Redirects>,
}

#[derive(Default)]
struct Redirects {
    digests: HashMap<u64, Sha256>,
    order: VecDeque<u64>,
}

enum Job {
    Piece(ExchangeId, Vec<u8>),
    End(ExchangeId, Vec<CaptureEvent>, mpsc::Sender<Vec<CaptureEvent>>),
    Tell(oneshot::Sender<()>),
}

/// One content on its way to be hashed.
#[derive(Default)]
pub struct Gathering {
    piece: Vec<u8>,
}

impl Hashing {
    /// Starts the thread; it ends with the last reference.
    pub fn start() -> Self {
        let (jobs, queue) = sync_channel(WAITING_PIECES);
        std::thread::spawn(move || work(&queue));
        Self { jobs, redirects: Mutex::default() }
    }

    /// The digest that the content of this request's answer should have, when it is known.
    pub fn expected(&self, host: &str, request: &RequestHead) -> Option<Sha256> {
        if request.method != "GET" {
            return None;
        }
        digest_in(&request.target).or_else(|| {
            let redirects = self.redirects.lock().unwrap_or_else(PoisonError::into_inner);
            // Often there are none, and then there is nothing to hash the URL for.
            if redirects.digests.is_empty() {
                return None;
            }
            redirects.digests.get(&key(host, &request.target)).copied()
        })
    }

    /// Remembers where a redirect sends those who ask for this digest.
    pub fn redirected(&self, host: &str, digest: Sha256, response: &ResponseHead) {
        let Some(location) = response.headers.text("location") else { return };
        let place = match location.split_once("://") {
            Some((_, rest)) => {
                let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                key(host_of(authority), path)
            }
            None => key(host, &location),
        };
        let mut redirects = self.redirects.lock().unwrap_or_else(PoisonError::into_inner);
        if redirects.digests.insert(place, digest).is_none() {
            redirects.order.push_back(place);
        }
        if redirects.order.len() > MOST
            && let Some(oldest) = redirects.order.pop_front()
        {
            redirects.digests.remove(&oldest);
        }
    }

    /// Takes the next bytes of a content. `None` where the thread cannot keep up.
    pub fn more(&self, id: ExchangeId, mut gathering: Gathering, bytes: &[u8]) -> Option<Gathering> {
        if gathering.piece.capacity() == 0 {
            gathering.piece.reserve_exact(PIECE + bytes.len());
        }
        gathering.piece.extend_from_slice(bytes);
        if gathering.piece.len() >= PIECE {
            self.jobs.try_send(Job::Piece(id, std::mem::take(&mut gathering.piece))).ok()?;
        }
        Some(gathering)
    }

    /// Ends a content: the events go to `queue` with the digest in them; they come back where the thread cannot keep up.
    pub fn end(
        &self,
        id: ExchangeId,
        gathering: Gathering,
        (events, queue): (Vec<CaptureEvent>, &mpsc::Sender<Vec<CaptureEvent>>),
    ) -> Result<(), Vec<CaptureEvent>> {
        if !gathering.piece.is_empty() && self.jobs.try_send(Job::Piece(id, gathering.piece)).is_err() {
            return Err(events);
        }
        match self.jobs.try_send(Job::End(id, events, queue.clone())) {
            Err(TrySendError::Full(Job::End(_, events, _)) | TrySendError::Disconnected(Job::End(_, events, _))) => {
                Err(events)
            }
            _ => Ok(()),
        }
    }

    /// Waits until everything that was ended before has been told.
    pub async fn told(&self) {
        let (done, all_told) = oneshot::channel();
        let mut job = Job::Tell(done);
        while let Err(TrySendError::Full(again)) = self.jobs.try_send(job) {
            job = again;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // It fails where the thread is gone, and then nothing is left to tell.
        let _ = all_told.await;
    }
}

fn work(queue: &Receiver<Job>) {
    let mut contents: BTreeMap<ExchangeId, Context> = BTreeMap::new();
    while let Ok(job) = queue.recv() {
        match job {
            Job::Piece(id, bytes) => contents.entry(id).or_insert_with(|| Context::new(&SHA256)).update(&bytes),
            Job::End(id, mut events, queue) => {
                let context = contents.remove(&id).unwrap_or_else(|| Context::new(&SHA256));
                if let Ok(digest) = Sha256::try_from(context.finish().as_ref()) {
                    put_in(&mut events, digest);
                }
                // Closed means that nobody records any more.
                let _ = queue.blocking_send(events);
            }
            Job::Tell(done) => {
                // Nobody waits for it any more: fine.
                let _ = done.send(());
            }
        }
        if contents.len() > MOST {
            // Given up by its connection, or the oldest of very many.
            contents.pop_first();
        }
    }
}

fn put_in(events: &mut [CaptureEvent], digest: Sha256) {
    for event in events {
        if let Happening::RequestEnd(end) | Happening::ResponseEnd(end) = &mut event.what
            && end.is_complete
        {
            end.sha256 = Some(digest);
        }
    }
}

/// Whether an answer's content is comparable with a digest: whole, not coded, and not a manifest of schema 1 with its
/// signatures, of which the digest knows nothing (distribution manifest/schema1).
pub fn is_comparable(response: &ResponseHead) -> bool {
    let is_signed = response.headers.text("content-type").is_some_and(|of| of.contains("+prettyjws"));
    response.status == 200 && !is_signed && !response.headers.contains("content-encoding")
}

/// Whether the answer says which SHA-256 its content has, as that to a request for a tag does.
pub fn says_its_digest(response: &ResponseHead) -> bool {
    response.headers.first("docker-content-digest").is_some_and(|digest| digest.starts_with(b"sha256:"))
}

/// Whether this request says which SHA-256 the content has that it brings: the last of an upload, or an upload at once.
pub fn names_its_content(request: &RequestHead) -> bool {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let is_named = query.split('&').any(|parameter| parameter.starts_with("digest=sha256"));
    is_named && matches!(&*request.method, "PUT" | "POST") && !request.headers.contains("content-encoding")
}

/// The SHA-256 digest that the last segment of a registry path asks for.
fn digest_in(target: &str) -> Option<Sha256> {
    let path = target.split(['?', '#']).next()?;
    let segment = path.rsplit('/').next()?;
    let is_of_registry = path.contains("/blobs/") || path.contains("/manifests/");
    let hex = segment.strip_prefix("sha256:").or_else(|| segment.strip_prefix("sha256%3A"));
    let hex = hex.or_else(|| segment.strip_prefix("sha256%3a")).filter(|hex| is_of_registry && hex.len() == 64)?;
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

fn key(host: &str, target: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    host.to_ascii_lowercase().hash(&mut hasher);
    target.hash(&mut hasher);
    hasher.finish()
}

fn host_of(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Moment;
    use crate::exchange::event::BodyEnd;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_redirect_hands_the_digest_on() {
        let hashing = Hashing::start();
        let asked = RequestHead::new("GET", &format!("/v2/app/blobs/sha256:{HEX}"));
        let digest = hashing.expected("registry.test", &asked).unwrap();
        let mut answer = ResponseHead::new(307, "");
        answer.headers.push("Location", b"https://Blobs.test:443/a//b?sig=x%2F");
        hashing.redirected("registry.test", digest, &answer);
        let followed = RequestHead::new("GET", "/a//b?sig=x%2F");
        assert_eq!(hashing.expected("blobs.test", &followed), Some(digest));
        assert_eq!(hashing.expected("other.test", &followed), None);
        assert_eq!(hashing.expected("registry.test", &RequestHead::new("HEAD", &asked.target)), None);
    }

    #[test]
    fn an_answer_says_its_digest_and_signatures_do_not_count() {
        let answer = |of: &str| {
            let mut head = ResponseHead::new(200, "OK");
            head.headers.push("Content-Type", of.as_bytes());
            head.headers.push("Docker-Content-Digest", b"sha256:ba78");
            (says_its_digest(&head), is_comparable(&head))
        };
        assert_eq!(answer("application/vnd.oci.image.manifest.v1+json"), (true, true));
        assert_eq!(answer("application/vnd.docker.distribution.manifest.v1+prettyjws"), (true, false));
    }

    #[test]
    fn the_last_request_of_an_upload_names_what_it_brings() {
        let names = |method, target: &str| names_its_content(&RequestHead::new(method, target));
        assert!(names("PUT", "/v2/app/blobs/uploads/1?_state=x&digest=sha256%3Aba78"));
        assert!(names("POST", "/v2/app/blobs/uploads/?digest=sha256:ba78"));
        assert!(!names("PATCH", "/v2/app/blobs/uploads/1?digest=sha256:ba78"));
        assert!(!names("PUT", "/v2/app/blobs/uploads/1?digest=sha512:ba78"));
        assert!(!names("PUT", "/v2/app/manifests/v1"));
    }

    #[tokio::test]
    async fn the_end_of_a_content_carries_its_digest() {
        let hashing = Hashing::start();
        let id = ExchangeId::new(1).unwrap();
        let (queue, mut told) = mpsc::channel(1);
        let gathering = hashing.more(id, Gathering::default(), b"a").unwrap();
        let gathering = hashing.more(id, gathering, b"bc").unwrap();
        let end = BodyEnd { length: 3, is_complete: true, ..BodyEnd::default() };
        let events = vec![CaptureEvent { exchange: id, at: Moment::EPOCH, what: Happening::ResponseEnd(end) }];
        hashing.end(id, gathering, (events, &queue)).unwrap();
        hashing.told().await;
        let events = told.recv().await.unwrap();
        let Happening::ResponseEnd(end) = &events[0].what else { panic!("{events:?}") };
        assert_eq!(end.sha256, digest_in(&format!("/v2/a/manifests/sha256%3A{HEX}")));
    }
}
