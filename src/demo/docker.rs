//! What docker does when it pulls and pushes, request by request (measured with docker 20.10.24).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::try_join_all;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::registry::Challenge;

use super::client::{Answer, Client, NoAnswer};
use super::complaint;
use super::image::{Document, INDEX, Image, MANIFEST, REGISTRY, REPOSITORY, TAG};

/// The User-Agent of the client: of docker's form, and honest about who asks.
pub const AGENT: &str = concat!(
    r"docker/27.5.1 go/go1.22.11 git-commit/pulltap kernel/6.1.0 os/linux arch/amd64 UpstreamClient(pulltap-demo/",
    env!("CARGO_PKG_VERSION"),
    r" \(linux\))"
);

/// A user with a client.
pub struct Docker {
    /// How it asks.
    pub client: Client,
    user: &'static str,
    password: &'static str,
}

/// The token of a pull or push.
#[derive(Debug, Clone)]
pub struct Session {
    authorization: String,
}

impl Docker {
    /// The user, with what docker has saved for the registry.
    pub fn new(client: Client, user: &'static str, password: &'static str) -> Self {
        Self { client, user, password }
    }

    /// `docker pull`; what docker prints.
    ///
    /// # Errors
    /// What docker complains about.
    pub async fn pull(&self) -> Result<String, String> {
        self.pulled().await.map_err(|complaint| format!("Error response from daemon: {complaint}"))
    }

    async fn pulled(&self) -> Result<String, String> {
        let session = self.log_in("pull").await.map_err(complaint::of_pull)?;
        let index = self.tagged(&session).await.map_err(complaint::of_pull)?;
        let manifest = self.manifest(&session, &listed(&index, "/manifests/0/digest")).await?;
        let config = listed(&manifest, "/config/digest");
        let blobs = [config].into_iter().chain(layers(&manifest)).map(|digest| self.blob(&session, digest));
        try_join_all(blobs).await?;
        let digest = &index.digest;
        Ok(format!(
            "{TAG}: Pulling from {REPOSITORY}\nDigest: {digest}\nStatus: Downloaded newer image for {REGISTRY}/{REPOSITORY}:{TAG}"
        ))
    }

    /// `docker push` of an image whose layers the registry has already.
    ///
    /// # Errors
    /// What docker complains about.
    pub async fn push(&self, image: &Image) -> Result<String, String> {
        let session = self.log_in("pull,push").await?;
        for blob in &image.blobs {
            let url = format!("{}/blobs/{}", repository(), blob.digest);
            fine(self.client.ask("HEAD", &url, &[session.field()]).await, "Head", &url)?;
        }
        let Document { media_type, digest, content } = &image.manifest;
        let url = format!("{}/manifests/{TAG}", repository());
        let fields = [session.field(), ("Content-Type", *media_type)];
        fine(self.client.send("PUT", &url, &fields, content.clone()).await, "Put", &url)?;
        Ok(format!("{TAG}: digest: {digest} size: {}", content.len()))
    }

    /// The ping, whose answer says where to get a token, and the token.
    ///
    /// # Errors
    /// What docker complains about.
    pub async fn log_in(&self, actions: &str) -> Result<Session, String> {
        let url = format!("https://{REGISTRY}/v2/");
        let ping = self.client.ask("GET", &url, &[]).await.map_err(|no_answer| without(&no_answer, "Get", &url))?;
        let challenges = Challenge::list(ping.field("www-authenticate"));
        let Some(challenge) = challenges.iter().find(|challenge| challenge.is_bearer()) else {
            return Err(complaint::of(&ping));
        };
        let (realm, service) = (challenge.realm().unwrap_or_default(), challenge.service().unwrap_or_default());
        let scope = format!("repository:{REPOSITORY}:{actions}");
        let scope = utf8_percent_encode(&scope, NON_ALPHANUMERIC);
        let url = format!("{realm}?account={}&scope={scope}&service={service}", self.user);
        let basic = BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password));
        let token = self.client.ask("GET", &url, &[("Authorization", &format!("Basic {basic}"))]).await;
        let token = listed(&fine(token, "Get", &url)?, "/access_token");
        Ok(Session { authorization: format!("Bearer {token}") })
    }

    /// The index behind the tag: asked for by HEAD first, and where that fails by GET, whose answer says why.
    async fn tagged(&self, session: &Session) -> Result<Answer, String> {
        let url = format!("{}/manifests/{TAG}", repository());
        let head = self.client.ask("HEAD", &url, &session.accepting()).await;
        let head = head.map_err(|no_answer| without(&no_answer, "Head", &url))?;
        let reference = if head.is_fine() { head.field("docker-content-digest") } else { TAG };
        self.manifest(session, reference).await
    }

    /// The index or manifest that a tag or digest names.
    ///
    /// # Errors
    /// What docker complains about.
    pub async fn manifest(&self, session: &Session, reference: &str) -> Result<Answer, String> {
        let url = format!("{}/manifests/{reference}", repository());
        let manifest = fine(self.client.ask("GET", &url, &session.accepting()).await, "Get", &url)?;
        verified(manifest, reference)
    }

    async fn blob(&self, session: &Session, digest: String) -> Result<(), String> {
        let url = format!("{}/blobs/{digest}", repository());
        let asked = self.client.ask("GET", &url, &[session.field()]).await;
        let mut answer = asked.map_err(|no_answer| without(&no_answer, "Get", &url))?;
        if answer.status == 307 {
            // Without the token: it is for the registry.
            let url = answer.field("location").to_owned();
            answer = self.client.ask("GET", &url, &[]).await.map_err(|no_answer| without(&no_answer, "Get", &url))?;
        }
        if !answer.is_fine() {
            return Err(complaint::of(&answer));
        }
        verified(answer, &digest).map(drop)
    }
}

impl Session {
    /// The header field that carries the token.
    pub fn field(&self) -> (&'static str, &str) {
        ("Authorization", &self.authorization)
    }

    /// One field per media type, as docker sends them.
    fn accepting(&self) -> [(&'static str, &str); 5] {
        const DOCKER: [&str; 2] = [
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        ];
        let [list, manifest] = DOCKER.map(|media_type| ("Accept", media_type));
        [self.field(), ("Accept", INDEX), ("Accept", MANIFEST), list, manifest]
    }
}

/// Where everything about the repository is asked for.
pub fn repository() -> String {
    format!("https://{REGISTRY}/v2/{REPOSITORY}")
}

/// The answer, if there is one and it is no refusal.
fn fine(asked: Result<Answer, NoAnswer>, verb: &str, url: &str) -> Result<Answer, String> {
    match asked {
        Ok(answer) if answer.is_fine() => Ok(answer),
        Ok(refusal) => Err(complaint::of(&refusal)),
        Err(no_answer) => Err(without(&no_answer, verb, url)),
    }
}

/// How Go words it that there is no answer.
fn without(no_answer: &NoAnswer, verb: &str, url: &str) -> String {
    format!("{verb} \"{url}\": {no_answer}")
}

/// The content, if it is what a digest names.
fn verified(answer: Answer, reference: &str) -> Result<Answer, String> {
    if reference.contains(':') && answer.digest != reference {
        return Err(format!("filesystem layer verification failed for digest {reference}"));
    }
    Ok(answer)
}

/// The digests of a manifest's layers.
fn layers(manifest: &Answer) -> Vec<String> {
    let manifest = parsed(manifest);
    let layers = manifest.get("layers").and_then(Value::as_array).into_iter().flatten();
    layers.filter_map(|layer| layer.get("digest")?.as_str().map(str::to_owned)).collect()
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.content).unwrap_or_default()
}

/// A text in the answer's JSON; empty where there is none.
pub fn listed(answer: &Answer, pointer: &str) -> String {
    parsed(answer).pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
