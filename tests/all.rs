mod clients;
mod support;
