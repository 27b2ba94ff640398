//! The token server that the registry's challenge points to: like Azure Container Registry's `/oauth2/token`, it takes Basic
//! credentials in a GET and a password or refresh token in a POST, and knows one user.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use super::certificates::Identity;

/// The only user of the registry, and what proves that it is them.
pub const USER: &str = "puller";
pub const PASSWORD: &str = "correct-horse-battery";

/// The user name that `az acr login` gives to docker, whose password is then the refresh token.
pub const IDENTITY_USER: &str = "00000000-0000-0000-0000-000000000000";
pub const REFRESH_TOKEN: &str = "refresh-me-again";

/// Who signs the tokens, known by this name to the registry.
pub const ISSUER: &str = "pulltap test tokens";

/// Signs tokens that the registry believes.
pub struct Signer {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    issued: PathBuf,
}

/// Where the signatures of the tokens stand that were issued beside this bundle.
fn issued(bundle: &Path) -> PathBuf {
    bundle.with_extension("issued")
}

/// All that a capture must not hold: passwords, refresh tokens, and the signatures of tokens issued beside this bundle.
pub fn secrets(bundle: &Path) -> Vec<String> {
    let issued = fs::read_to_string(issued(bundle)).unwrap_or_default();
    let known = [PASSWORD, REFRESH_TOKEN].map(str::to_owned);
    known.into_iter().chain(issued.lines().map(str::to_owned)).collect()
}

impl Signer {
    /// Makes a key, and writes the certificate by which the registry knows it to `bundle`.
    pub fn new(bundle: &Path) -> Self {
        let pair = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap();
        fs::write(bundle, certificate.pem()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der()).unwrap();
        Self { key, certificate: certificate.der().to_vec(), issued: issued(bundle) }
    }

    /// A token that allows `scopes` at `service`.
    fn token(&self, service: &str, scopes: &[String]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [BASE64_STANDARD.encode(&self.certificate)]});
        let claims = json!({
            "iss": ISSUER, "sub": USER, "aud": service, "jti": format!("{now:x}"),
            "iat": now, "nbf": now - 60, "exp": now + 300,
            "access": scopes.iter().filter_map(|scope| access(scope)).collect::<Vec<_>>(),
        });
        let [head, claims] = [head, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{head}.{claims}");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref());
        let mut issued = File::options().append(true).create(true).open(&self.issued).unwrap();
        writeln!(issued, "{signature}").unwrap();
        format!("{signed}.{signature}")
    }

    fn answer(&self, question: &Question) -> Response<Full<Bytes>> {
        if !question.proves_its_user() {
            return respond(
                StatusCode::UNAUTHORIZED,
                &json!({
                    "errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]
                }),
            );
        }
        let token = self.token(&question.value("service"), &question.scopes());
        let mut answer = json!({"token": token, "access_token": token});
        if question.wants_refresh_token() {
            answer["refresh_token"] = REFRESH_TOKEN.into();
        }
        respond(StatusCode::OK, &answer)
    }
}

/// A request for a token: the fields of its query or form, and its Basic credentials.
struct Question {
    fields: Vec<(String, String)>,
    credentials: Option<(String, String)>,
}

impl Question {
    async fn read(request: Request<Incoming>) -> Self {
        let credentials = request.headers().get(header::AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
        let form = if request.method() == Method::POST {
            request.into_body().collect().await.unwrap().to_bytes()
        } else {
            Bytes::copy_from_slice(request.uri().query().unwrap_or_default().as_bytes())
        };
        Self { fields: url::form_urlencoded::parse(&form).into_owned().collect(), credentials }
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn value(&self, name: &str) -> String {
        self.all(name).next().unwrap_or_default().to_owned()
    }

    /// The scopes asked for: one field each, or many in one.
    fn scopes(&self) -> Vec<String> {
        self.all("scope").flat_map(str::split_whitespace).map(str::to_owned).collect()
    }

    fn proves_its_user(&self) -> bool {
        let is_known =
            |user: &str, password: &str| [(USER, PASSWORD), (IDENTITY_USER, REFRESH_TOKEN)].contains(&(user, password));
        match (&self.credentials, self.value("grant_type").as_str()) {
            (Some((user, password)), _) => is_known(user, password),
            (None, "password") => is_known(&self.value("username"), &self.value("password")),
            (None, "refresh_token") => self.value("refresh_token") == REFRESH_TOKEN,
            (None, _) => false,
        }
    }

    fn wants_refresh_token(&self) -> bool {
        let is_identity = self.credentials.as_ref().is_some_and(|(user, _)| user == IDENTITY_USER);
        is_identity && self.value("offline_token") == "true"
    }
}

/// Starts the server on `address`; it runs as long as the test process.
pub fn start(address: SocketAddr, identity: &Identity, signer: Signer) {
    let acceptor = TlsAcceptor::from(Arc::new(tls(identity)));
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let signer = Arc::new(signer);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&signer)));
            }
        });
    });
}

/// Answers what comes over one connection; a client that goes away is its own affair.
async fn serve(stream: tokio::net::TcpStream, acceptor: TlsAcceptor, signer: Arc<Signer>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(|request: Request<Incoming>| {
        let signer = Arc::clone(&signer);
        async move {
            let is_known = request.uri().path() == "/oauth2/token";
            Ok::<_, Infallible>(if is_known {
                signer.answer(&Question::read(request).await)
            } else {
                respond(StatusCode::NOT_FOUND, &json!({"errors": []}))
            })
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

fn tls(identity: &Identity) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(&identity.certificate).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
    ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

fn respond(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Full::from(body.to_string()))
        .unwrap()
}

/// `repository:name:actions` as a claim of the token.
fn access(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
}

/// User and password of a Basic `Authorization`.
fn basic(value: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
