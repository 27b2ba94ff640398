//! A manifest or index of any bytes, bounded in what is kept of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::registry::Manifest;

fuzz_target!(|content: &[u8]| {
    let Some(manifest) = Manifest::of(content, None) else { return };
    assert!(manifest.platforms.len() <= content.len() && manifest.layers.len() <= content.len());
    assert!(manifest.foreign_layers().all(|layer| layer.is_foreign));
    for platform in &manifest.platforms {
        assert!(manifest.has_image_for(&platform.os, &platform.architecture), "{platform}");
    }
});
