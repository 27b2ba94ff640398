//! What a field's name says about its value: a secret of which sort, something to keep, or nothing.
//!
//! Names are compared without case, hyphens, underscores, dots and spaces: `refresh_token`, `Refresh-Token` and
//! `refreshToken` are one name. The lists come from registries, clouds and clients as they were seen on the wire.

use super::Kind;

/// Where a field stands; a name means different things in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The query of a URL, or a form.
    Pair,
    /// JSON.
    Json,
    /// A line of a log, HTML, a shell command: anything that people wrote.
    Text,
    /// A header field.
    Header,
    /// An XML element.
    Xml,
}

/// What a field's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Known, and no secret.
    Keep,
    /// Its name says nothing.
    Unknown,
    /// A secret as a whole.
    Secret(Kind),
    /// `Scheme credentials`, as in the Authorization field.
    Authorization,
    /// `name=value; name=value`, as in the Cookie field.
    Cookie,
    /// `name=value; attribute; attribute`, as in the Set-Cookie field.
    SetCookie,
    /// base64 of `user:password`.
    UserAndPassword,
    /// base64 of JSON, as in X-Registry-Auth.
    EncodedJson,
    /// `key-name/date/region/service`: the first part names an account.
    ScopedCredential,
    /// `expiry-signature`.
    SignedUntil,
    /// A URL as a whole.
    Url,
}

/// The longest name that is looked at; of a longer one, its end.
const LONGEST: usize = 64;

/// Classifies a field by its name.
pub fn classify(name: &[u8], place: Place) -> Class {
    let mut buffer = [0_u8; LONGEST];
    let name = normalised(name, &mut buffer);
    if name.is_empty() {
        return Class::Unknown;
    }
    let special = match place {
        Place::Pair => pair(name),
        Place::Json => json(name),
        Place::Header => header(name),
        Place::Text => text(name),
        Place::Xml => xml(name),
    };
    if special != Class::Unknown {
        return special;
    }
    everywhere(name)
}

fn normalised<'a>(name: &[u8], buffer: &'a mut [u8; LONGEST]) -> &'a str {
    let end = name.get(name.len().saturating_sub(LONGEST)..).unwrap_or(name);
    let letters = end.iter().filter(|byte| !matches!(byte, b'-' | b'_' | b'.' | b' '));
    let mut length = 0;
    for (slot, letter) in buffer.iter_mut().zip(letters) {
        *slot = letter.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length).and_then(|name| str::from_utf8(name).ok()).unwrap_or("")
}

/// Names that mean the same wherever they stand.
fn everywhere(name: &str) -> Class {
    match name {
        // Words about tokens and secrets that are none.
        "offlinetoken" | "maxtoken" | "nexttoken" | "continuationtoken" | "nextpagetoken" | "passwordsecret"
        | "imagepullsecret" | "usetoken" => Class::Keep,
        "pwd" | "passwd" | "passphrase" | "pass" => Class::Secret(Kind::Password),
        "jwt" | "privatetoken" | "xjfrogartapi" => Class::Secret(Kind::Token),
        "authorization" | "proxyauthorization" => Class::Authorization,
        "cookie" => Class::Cookie,
        "setcookie" => Class::SetCookie,
        "assertion" | "clientassertion" | "devicecode" | "usercode" | "codeverifier" | "samlresponse"
        | "samlrequest" | "accountkey" | "primarykey" | "secondarykey" | "sharedkey" | "storagekey"
        | "sharedaccesskey" | "sharedsecret" | "encryptionkey" | "sasurl" => Class::Secret(Kind::Secret),
        "xamzsignature" | "xgoogsignature" | "sig" => Class::Secret(Kind::Signature),
        "xamzcredential" | "xgoogcredential" => Class::ScopedCredential,
        "accesskeyid" | "awsaccesskeyid" | "secretid" => Class::Secret(Kind::Credential),
        _ => by_ending(name),
    }
}

fn by_ending(name: &str) -> Class {
    const ENDINGS: &[(&str, Class)] = &[
        ("password", Class::Secret(Kind::Password)),
        ("passwd", Class::Secret(Kind::Password)),
        ("passphrase", Class::Secret(Kind::Password)),
        ("token", Class::Secret(Kind::Token)),
        ("secret", Class::Secret(Kind::Secret)),
        ("apikey", Class::Secret(Kind::Secret)),
        ("accesskey", Class::Secret(Kind::Secret)),
        ("secretkey", Class::Secret(Kind::Secret)),
        ("privatekey", Class::Secret(Kind::Secret)),
    ];
    ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map_or(Class::Unknown, |(_, class)| *class)
}

/// Parameters of queries and forms.
fn pair(name: &str) -> Class {
    match name {
        // Registry and OAuth parameters that a diagnosis needs.
        "scope" | "service" | "account" | "username" | "user" | "clientid" | "granttype" | "tenant" | "apiversion"
        | "accesstype" | "from" | "mount" | "digest" | "n" | "last" | "artifacttype" | "realm" | "resource"
        | "audience" | "responsetype" | "redirecturi" | "error" | "errordescription" | "tokentype" | "expiresin"
        | "clientinfo" | "nouploadcache" | "ns" | "platform" | "reference" | "tag" | "fromimage" => Class::Keep,
        // Signed URLs: when and for what they hold (Azure SAS, AWS, Google, CloudFront).
        "se" | "st" | "sp" | "spr" | "sv" | "sr" | "ss" | "srt" | "sip" | "si" | "sdd" | "ses" | "skoid" | "sktid"
        | "skt" | "ske" | "sks" | "skv" | "saoid" | "suoid" | "scid" | "rscc" | "rscd" | "rsce" | "rscl" | "rsct"
        | "regid" | "xamzdate" | "xamzexpires" | "xamzalgorithm" | "xamzsignedheaders" | "xamzcontentsha256"
        | "xgoogdate" | "xgoogexpires" | "xgoogalgorithm" | "xgoogsignedheaders" | "expires" | "p1" | "p2" => {
            Class::Keep
        }
        "signature" | "hmac" | "p3" | "p4" | "hdnea" | "hdnts" | "sign" | "authkey" => Class::Secret(Kind::Signature),
        "verify" => Class::SignedUntil,
        "keypairid" | "googleaccessid" | "credential" => Class::Secret(Kind::Credential),
        "state" => Class::Secret(Kind::State),
        "policy" | "code" | "auth" | "key" | "nonce" | "ticket" | "session" | "sessionid" | "sid" | "hash" | "otp" => {
            Class::Secret(Kind::Secret)
        }
        _ => Class::Unknown,
    }
}

/// Members of JSON objects: docker's AuthConfig and config.json, token answers, cloud errors.
fn json(name: &str) -> Class {
    if name == "auth" { Class::UserAndPassword } else { Class::Unknown }
}

/// Header fields.
fn header(name: &str) -> Class {
    match name {
        "xregistryauth" | "xregistryconfig" => Class::EncodedJson,
        "location" | "contentlocation" | "referer" | "xmscopysource" | "xmsrenamesource" | "xamzcopysource" => {
            Class::Url
        }
        "xmsencryptionkey" | "xmssourceencryptionkey" | "xamzserversideencryptioncustomerkey" => {
            Class::Secret(Kind::Secret)
        }
        "xforwardedaccesstoken" => Class::Secret(Kind::Token),
        _ if name.ends_with("authorization") || name == "xmsauthorizationauxiliary" => Class::Authorization,
        _ if name.ends_with("signature") => Class::Secret(Kind::Signature),
        _ => Class::Unknown,
    }
}

/// `name=value` and `name: value` in running text.
fn text(name: &str) -> Class {
    match name {
        "signature" => Class::Secret(Kind::Signature),
        "credential" => Class::ScopedCredential,
        "auth" => Class::UserAndPassword,
        _ => Class::Unknown,
    }
}

/// Elements of XML error documents: what S3 and Azure Storage repeat of a request that they refuse.
fn xml(name: &str) -> Class {
    match name {
        "signature"
        | "signatureprovided"
        | "stringtosign"
        | "stringtosignbytes"
        | "canonicalrequest"
        | "canonicalrequestbytes" => Class::Secret(Kind::Signature),
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_every_spelling() {
        for name in ["refresh_token", "Refresh-Token", "refreshToken", "REFRESH.TOKEN"] {
            assert_eq!(classify(name.as_bytes(), Place::Pair), Class::Secret(Kind::Token), "{name}");
        }
        let long = [&[b'x'; 200][..], b"_password"].concat();
        assert_eq!(classify(&long, Place::Json), Class::Secret(Kind::Password));
    }

    #[test]
    fn keeps_what_a_diagnosis_needs() {
        for name in
            ["scope", "service", "account", "se", "sp", "api-version", "offline_token", "X-Amz-Date", "grant_type"]
        {
            assert_eq!(classify(name.as_bytes(), Place::Pair), Class::Keep, "{name}");
        }
        for name in ["token_type", "expires_in", "code", "State", "Tokens", "signature"] {
            let class = classify(name.as_bytes(), Place::Json);
            assert!(matches!(class, Class::Unknown | Class::Keep), "{name}: {class:?}");
        }
    }
}
