//! Files that cannot be used, and files that replace built-in ones.

use super::*;

const APP: &str = "[app]\nid = 'acme'\nname = 'Acme'\ncategory = 'storage'\naccount = 'mixed'\nvisibility = 'clear'\n";

fn refused(text: &str) -> String {
    let file = CatalogueFile { name: "acme.toml", text };
    Catalogue::load(&[file]).expect_err(text).to_string()
}

#[test]
fn mistakes_are_named_with_their_place() {
    let rows = [
        ("[[host]]\nexcat = 'a.example'\nrole = 'web'", &["acme.toml", "line 8", "excat", "expected"][..]),
        ("[[host]]\nexact = 'a.example'\nrole = 'wbe'", &["line 9", "unknown variant `wbe`", "`login`"]),
        ("[[host]]\nexact = 'a.example'\nsuffix = 'b.example'\nrole = 'web'", &["acme.toml:7", "exactly one of"]),
        ("[[host]]\nexact = 'A.example'\nrole = 'web'", &["acme.toml:7", "lower case", "A.example"]),
        ("[[host]]\nsuffix = '.a.example'\nrole = 'web'", &["outer dots"]),
        ("[[host]]\nsuffix = 'com'\nrole = 'web'", &["expected a host name", "`com`"]),
        ("[[host]]\nexact = 'ż.example'\nrole = 'web'", &["A-labels"]),
        ("[[endpoint]]\nid = 'x'\npath = ['a']\nactivity = 'upload'", &["acme.toml:7", "starts with `/`"]),
        ("[[endpoint]]\nid = 'x'\npath = []\nactivity = 'upload'", &["endpoint `x`", "at least one `path`"]),
        ("[[endpoint]]\nid = 'x'\nmethod = ['put']\npath = ['/']\nactivity = 'upload'", &["upper case", "`put`"]),
        ("[[identity]]\nfrom = 'path:bucket'\nproves = 's3-bucket'\npath = ['/{key}']", &["`{bucket}`"]),
        ("[[identity]]\nfrom = 'cookie:a'\nproves = 's3-bucket'", &["expected `host:NAME`", "cookie:a"]),
        ("[[learn]]\nmethod = ['GET']\npath = ['/']\nfrom = 'body:/a'\nproves = 's3-bucket'", &["resp.body:/POINTER"]),
        ("[[shape]]", &["at least one of"]),
        ("[[tenant_header]]\nname = 'X Y'\nvalue = 'x'\nhost = ['a.example']", &["acme.toml:7", "`X Y`"]),
        ("[[tenant_header]]\nname = 'X-Y'\nvalue = 'x'\nhost = []", &["x-y", "at least one `host`"]),
        ("[[host]]\nexact = 'content.dropboxapi.com'\nrole = 'web'", &["claimed by `acme` and by `dropbox`"]),
    ];
    for (part, expected) in rows {
        let message = refused(&format!("{APP}{part}\n"));
        for piece in expected {
            assert!(message.contains(piece), "{part}\nexpected {piece} in\n{message}");
        }
    }
}

#[test]
fn an_application_is_defined_once() {
    let file = CatalogueFile { name: "acme.toml", text: APP };
    let message = Catalogue::load(&[file, file]).expect_err("twice").to_string();
    assert!(message.contains("acme.toml:1") && message.contains("`acme` again"), "{message}");
}

#[test]
fn a_file_replaces_the_built_in_one_of_its_application() {
    let text = format!("{}[[host]]\nsuffix = 'dropbox.com'\nrole = 'web'\n", APP.replace("acme", "dropbox"));
    let catalogue = Catalogue::load(&[CatalogueFile { name: "own.toml", text: &text }]).expect("loads");
    let name = |host: &str| catalogue.by_host(host).map(|(app, _)| app.name.clone());
    assert_eq!(name("www.dropbox.com").as_deref(), Some("Acme"));
    assert_eq!(name("content.dropboxapi.com"), None, "the built-in file is gone as a whole");
    assert_eq!(name("upload.box.com").as_deref(), Some("Box"));
}

#[test]
fn the_most_specific_host_wins() {
    let text = format!(
        "{APP}[[host]]\nsuffix = 'example.net'\nrole = 'web'\n[[host]]\nsuffix = 'up.example.net'\nrole = 'upload'\n\
         [[host]]\nexact = 'a.up.example.net'\nrole = 'login'\n[[host]]\npattern = 'x*.example.org'\nrole = 'sync'\n"
    );
    let catalogue = Catalogue::load(&[CatalogueFile { name: "own.toml", text: &text }]).expect("loads");
    let rows = [
        ("example.net", Some(HostRole::Web)),
        ("b.example.net", Some(HostRole::Web)),
        ("b.up.example.net", Some(HostRole::Upload)),
        ("a.up.example.net", Some(HostRole::Login)),
        ("x1.example.org", Some(HostRole::Sync)),
        ("a.x1.example.org", None),
        ("notexample.net", None),
        ("", None),
    ];
    for (host, role) in rows {
        assert_eq!(catalogue.by_host(host).map(|(_, role)| role), role, "{host}");
    }
}

#[test]
fn globs_compare_whole_values_without_case() {
    let rows = [("streaming-*", "STREAMING-X", true), ("*", "", true), ("a", "ab", false), ("a*c", "a-b-c", true)];
    for (glob, text, expected) in rows {
        assert_eq!(Glob(glob.to_owned()).matches(text), expected, "{glob} {text}");
    }
}
