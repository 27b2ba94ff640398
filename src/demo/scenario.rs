//! What a demo can show: a pull that goes well, and eight faults that people meet.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// One demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A pull that goes well.
    Healthy,
    /// The registry's firewall does not know the client's address.
    Firewall,
    /// A push to a repository that is locked.
    Locked,
    /// The user may log in, and not pull.
    NoPermission,
    /// A script sends the registry's token on to the blob host.
    RedirectCredentials,
    /// The registry is asked more than its tier allows.
    Throttled,
    /// The registry does not answer, and the client gives up.
    Timeout,
    /// The client does not trust the proxy's CA.
    UntrustedCa,
    /// The password is wrong.
    WrongPassword,
}

/// A name that no demo has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no demo `{0}`")]
pub struct UnknownScenario(String);

impl Scenario {
    /// Every demo, the healthy one first, then the faults as a pull would meet them.
    pub const ALL: [Self; 9] = [
        Self::Healthy,
        Self::UntrustedCa,
        Self::Timeout,
        Self::WrongPassword,
        Self::Firewall,
        Self::NoPermission,
        Self::Throttled,
        Self::RedirectCredentials,
        Self::Locked,
    ];

    /// The name that the command line takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Firewall => "firewall",
            Self::Locked => "locked",
            Self::NoPermission => "no-permission",
            Self::RedirectCredentials => "redirect-credentials",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::UntrustedCa => "untrusted-ca",
            Self::WrongPassword => "wrong-password",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scenario| scenario.as_str() == name);
        found.ok_or_else(|| UnknownScenario(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        assert_eq!("fire".parse::<Scenario>().unwrap_err().to_string(), "there is no demo `fire`");
    }
}
