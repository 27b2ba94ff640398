#[cfg(target_os = "linux")]
mod clients;
#[cfg(target_os = "linux")]
mod support;
