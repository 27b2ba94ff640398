//! Clients that use plain HTTP through pulltap: curl, apt, pip, and docker with a registry that it calls insecure.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::clients::DIRECT;
use crate::support::certificates::Authority;
use crate::support::dockerd::Dockerd;
use crate::support::image::{Image, sha256, write_docker_archive};
use crate::support::plain_origin::{FILES, FileHost, INSECURE, InsecureRegistry};
use crate::support::pulltap::{Exchange, Pulltap};
use crate::support::ran::Ran;
use crate::support::tools;
use crate::support::world::{World, in_private_world};

const PIP: &str = "/usr/bin/pip3";

#[test]
fn curl_fetches_and_sends_by_plain_http_through_pulltap() {
    in_private_world(|world| {
        tools::require(&["curl"]);
        let files = FileHost::start(world);
        let content = "all work and no play\n".repeat(100_000);
        fs::write(files.folder.join("big"), &content).unwrap();
        let pulltap = start(world);
        let (url, proxy) = (format!("http://{FILES}"), pulltap.proxy());
        let fetched = world.path("tmp/fetched");
        let curl = |arguments: &[&str]| {
            let mut command = world.client("curl");
            command
                .args(["--silent", "--show-error", "--proxy", &proxy, "--write-out", "%{http_code} "])
                .args(arguments);
            Ran::ok(&mut command)
        };
        let output = fetched.to_str().unwrap();
        assert_eq!(curl(&["--output", output, &format!("{url}/big")]), "200 ");
        assert_eq!(sha256(&fs::read(&fetched).unwrap()), sha256(content.as_bytes()));
        // One connection, a part, a head, something missing, and an upload that waits to be asked for its content.
        let (big, missing) = (format!("{url}/big"), format!("{url}/missing"));
        assert_eq!(curl(&["--range", "10-19", "--output", output, &big, "--output", output, &missing]), "206 404 ");
        assert_eq!(curl(&["--head", "--output", output, &big]), "200 ");
        assert_eq!(
            curl(&["--upload-file", "/etc/passwd", "-H", "Expect: 100-continue", "--output", output, &big]),
            "405 "
        );
        let seen = pulltap.finish();
        seen.expect("GET", 200, &big);
        seen.expect("GET", 206, &big);
        seen.expect("GET", 404, &missing);
        seen.expect("HEAD", 200, &big);
        seen.expect("PUT", 405, &big);
        assert_eq!(seen.count(Exchange::has_failed), 0, "{seen}");
    });
}

#[test]
fn apt_updates_and_downloads_through_pulltap() {
    in_private_world(|world| {
        tools::require(&["apt-get", "dpkg-deb"]);
        let files = FileHost::start(world);
        let packages: Vec<_> = ["one", "two", "three"].map(|name| add_package(world, &files.folder, name)).into();
        let sources = world.path("tmp/sources.list");
        fs::write(&sources, format!("deb [trusted=yes] http://{FILES}/ ./\n")).unwrap();
        let pulltap = start(world);
        let apt = |arguments: &[&str]| {
            for folder in ["tmp/apt/lists/partial", "tmp/apt/cache/archives/partial", "tmp/apt/downloads"] {
                fs::create_dir_all(world.path(folder)).unwrap();
            }
            let option = |name: &str, path: &str| format!("-o{name}={}", world.path(path).display());
            let mut command = world.client("apt-get");
            command
                .args(["-oAPT::Sandbox::User=root", "-oDir::Etc::sourceparts=-", "-oAcquire::Languages=none"])
                .args([
                    option("Dir::Etc::sourcelist", "tmp/sources.list"),
                    option("Dir::State::lists", "tmp/apt/lists"),
                ])
                .args([option("Dir::Cache", "tmp/apt/cache"), format!("-oAcquire::http::Proxy={}", pulltap.proxy())])
                .args(arguments)
                .current_dir(world.path("tmp/apt/downloads"));
            Ran::ok(&mut command)
        };
        apt(&["update", "--error-on=any"]);
        apt(&["download", "pulltap-one", "pulltap-two", "pulltap-three"]);
        for file in &packages {
            let downloaded = fs::read(world.path("tmp/apt/downloads").join(file)).unwrap();
            assert!(downloaded == fs::read(files.folder.join(file)).unwrap(), "{file} differs");
        }
        let seen = pulltap.finish();
        seen.expect("GET", 200, &format!("http://{FILES}/./Packages"));
        for file in &packages {
            seen.expect("GET", 200, &format!("http://{FILES}/./{file}"));
        }
        assert_eq!(seen.count(Exchange::has_failed), 0, "{seen}");
    });
}

#[test]
fn pip_downloads_through_pulltap() {
    in_private_world(|world| {
        tools::require(&[PIP]);
        let files = FileHost::start(world);
        let wheel = "pulltap_sample-1.0-py3-none-any.whl";
        let index = files.folder.join("simple/pulltap-sample");
        fs::create_dir_all(&index).unwrap();
        write_wheel(world, &files.folder.join(wheel));
        fs::write(index.join("index.html"), format!("<!DOCTYPE html><a href=\"/{wheel}\">{wheel}</a>")).unwrap();
        let pulltap = start(world);
        let target = world.path("tmp/wheels");
        Ran::ok(
            world
                .client(PIP)
                .args(["download", "--no-deps", "--disable-pip-version-check", "--no-cache-dir", "--isolated"])
                .args(["--trusted-host", FILES, "--index-url", &format!("http://{FILES}/simple")])
                .args(["--proxy", &pulltap.proxy(), "--dest"])
                .arg(&target)
                .arg("pulltap-sample"),
        );
        assert!(fs::read(target.join(wheel)).unwrap() == fs::read(files.folder.join(wheel)).unwrap());
        let seen = pulltap.finish();
        seen.expect("GET", 200, &format!("http://{FILES}/simple/pulltap-sample/"));
        seen.expect("GET", 200, &format!("http://{FILES}/{wheel}"));
        assert_eq!(seen.count(Exchange::has_failed), 0, "{seen}");
    });
}

#[test]
fn docker_pulls_from_and_pushes_to_an_insecure_registry_through_pulltap() {
    in_private_world(|world| {
        let registry = InsecureRegistry::start(world);
        let image = registry.storage.add_small_image("team/app", "v1");
        let options = ["--insecure-registry", INSECURE];
        let archive = world.path("tmp/archive.tar");
        write_docker_archive(&archive, "pulltap-test:v1");
        let both = |docker: &Dockerd, repository: &str| {
            let pulled = pull(docker, &image);
            docker.ok(&["load", "--input", archive.to_str().unwrap()]);
            let target = format!("{INSECURE}/{repository}:v1");
            docker.ok(&["tag", "pulltap-test:v1", &target]);
            docker.ok(&["push", "--quiet", &target]);
            (pulled, registry.storage.tag(repository, "v1").expect("the registry has the pushed tag"))
        };
        let direct = both(&Dockerd::start_with(world, "direct", DIRECT, &options), "pushed/direct");
        let pulltap = start(world);
        let tapped = both(&Dockerd::start_with(world, "tapped", pulltap.environment(), &options), "pushed/tapped");
        assert_eq!(tapped, direct);
        assert!(tapped.0.contains(&image.digest), "{tapped:?}");
        let seen = pulltap.finish();
        let repository = format!("http://{INSECURE}/v2/team/app");
        seen.expect("GET", 200, &format!("http://{INSECURE}/v2/"));
        seen.expect("HEAD", 200, &format!("{repository}/manifests/v1"));
        for digest in &image.blobs {
            seen.expect("GET", 200, &format!("{repository}/blobs/{digest}"));
        }
        let pushed = format!("http://{INSECURE}/v2/pushed/tapped");
        seen.expect("PATCH", 202, &format!("{pushed}/blobs/uploads/"));
        seen.expect("PUT", 201, &format!("{pushed}/manifests/v1"));
        // It tried TLS first, which the registry does not speak: so it does with every registry that is called insecure.
        seen.expect_no_trouble();
    });
}

/// pulltap, in front of servers without TLS.
fn start(world: &World) -> Pulltap {
    let nobody = Authority::new(&world.path("nobody"), "CA of nobody");
    Pulltap::start(world, nobody.certificate())
}

/// Pulls `image` from the insecure registry, and gives what the daemon then has.
fn pull(docker: &Dockerd, image: &Image) -> String {
    docker.ok(&["pull", &format!("{INSECURE}/{}:{}", image.repository, image.tag)]);
    docker.ok(&["images", "--no-trunc", "--format", "{{.Repository}}@{{.Digest}} {{.ID}} {{.Size}}"])
}

/// Adds a Debian package to a flat repository, and gives its file.
fn add_package(world: &World, repository: &Path, name: &str) -> String {
    let tree = world.path("tmp/tree").join(name);
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs::create_dir_all(tree.join("usr/share/pulltap")).unwrap();
    fs::write(tree.join("usr/share/pulltap").join(name), name.repeat(10_000)).unwrap();
    let about = format!(
        "Package: pulltap-{name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Test <test@pulltap.test>\nDescription: {name}\n"
    );
    fs::write(tree.join("DEBIAN/control"), &about).unwrap();
    let file = format!("pulltap-{name}_1.0_all.deb");
    let path = repository.join(&file);
    Ran::ok(world.client("dpkg-deb").args(["--build", "--root-owner-group"]).arg(&tree).arg(&path));
    let content = fs::read(&path).unwrap();
    let digest = sha256(&content);
    let digest = digest.trim_start_matches("sha256:");
    let entry = format!("{about}Filename: ./{file}\nSize: {}\nSHA256: {digest}\n\n", content.len());
    let index = repository.join("Packages");
    let others = fs::read_to_string(&index).unwrap_or_default();
    fs::write(index, others + &entry).unwrap();
    file
}

/// Writes the smallest wheel that pip takes, by the Python that pip runs on.
fn write_wheel(world: &World, path: &Path) {
    let script = "import sys, zipfile
about = 'pulltap_sample-1.0.dist-info/'
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('pulltap_sample.py', 'answer = 42\\n' * 5000)
    wheel.writestr(about + 'METADATA', 'Metadata-Version: 2.1\\nName: pulltap-sample\\nVersion: 1.0\\n')
    wheel.writestr(about + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(about + 'RECORD', '')
";
    let mut python: Command = world.client("/usr/bin/python3");
    Ran::ok(python.args(["-c", script]).arg(path));
}
