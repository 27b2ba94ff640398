//! A script around curl that fetches a layer by itself, and takes its token along wherever it is led.

use super::client::Answer;
use super::docker::{Docker, Session, listed, repository};
use super::image::TAG;

/// How curl calls itself.
pub const AGENT: &str = "curl/8.11.1";

/// `curl --fail --location-trusted -H "Authorization: …"`; what it prints.
///
/// # Errors
/// What curl complains about.
pub async fn download(client: &Docker) -> Result<String, String> {
    let session = client.log_in("pull").await?;
    let index = client.manifest(&session, TAG).await?;
    let manifest = client.manifest(&session, &listed(&index, "/manifests/0/digest")).await?;
    let url = format!("{}/blobs/{}", repository(), listed(&manifest, "/layers/0/digest"));
    let redirect = ask(client, &session, &url).await?;
    let location = redirect.field("location").to_owned();
    let layer = ask(client, &session, &location).await?;
    if layer.status >= 400 {
        return Err(format!("curl: (22) The requested URL returned error: {}", layer.status));
    }
    Ok(format!("{} bytes", layer.length))
}

async fn ask(client: &Docker, session: &Session, url: &str) -> Result<Answer, String> {
    client.client.ask("GET", url, &[session.field()]).await.map_err(|no_answer| format!("curl: {no_answer}"))
}
