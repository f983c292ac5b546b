import io
import logging
import os
import signal
import subprocess
import sys
import time
from urllib.parse import quote

import pytest

from handwriting_cnn.data.download import fetch
from handwriting_cnn.errors import DownloadError, IntegrityError

REFUSED = "only https:// is asked, and http:// on this machine alone (localhost, 127.0.0.1, [::1])"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/file",
        "http://127.0.0.1.example.org/file",
        "http://127.0.0.1@example.org/file",
        "http://localhost:80@example.org/file",
        "http://127.0.0.1\\@example.org/file",
        "http://192.168.0.1/file",
        "HTTP://EXAMPLE.ORG/file",
        "ftp://127.0.0.1/file",
        "file:///srv/file",
        "data:,file",
    ],
)
def test_only_https_is_asked_and_http_of_this_machine(cache, site, monkeypatch, url):
    monkeypatch.setattr("requests.Session.get", None)
    with pytest.raises(DownloadError) as caught:
        fetch(site.remote(url))
    assert f"file: {REFUSED}. Put the file at" in str(caught.value)


@pytest.mark.parametrize("host", ["http://127.0.0.1", "http://LOCALHOST", "http://[::1]", "https://127.0.0.1"])
def test_this_machine_is_asked_over_http_too(cache, site, host):
    with pytest.raises(DownloadError, match="file: no answer"):
        fetch(site.remote(f"{host}:1/file"))


@pytest.mark.parametrize("mirror", ["http://example.org/sets", "ftp://127.0.0.1/sets", "file:/srv/sets"])
def test_a_mirror_that_is_not_https_is_passed_over_with_one_line(cache, site, monkeypatch, caplog, mirror):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", mirror)
    with caplog.at_level(logging.WARNING):
        fetch(site.remote("good"))
    assert caplog.messages == [f"{mirror}/toy/the%20file.zip: {REFUSED}"]


def test_a_redirect_on_this_machine_is_followed(cache, site):
    assert fetch(site.remote("to//good", "to/../good")).read_bytes() == site.content
    assert site.asked == ["/to//good", "/good"]


@pytest.mark.parametrize(
    "target",
    [
        "http://example.org/file",
        "//example.org/file",
        "http://127.0.0.1@example.org/",
        "ftp://127.0.0.1/file",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_to_anything_but_https_is_refused(cache, leftovers, site, target):
    with pytest.raises(DownloadError, match="redirects to '") as caught:
        fetch(site.remote(f"to/{quote(target, safe='')}"))
    assert REFUSED in str(caught.value)
    assert len(site.asked) == 1
    assert leftovers() == []


def test_https_may_not_lead_back_to_this_machine(cache, site, monkeypatch):
    import requests

    def redirected(session, address, **options):
        response = requests.Response()
        response.status_code, response.headers["location"], response.url = 302, f"{site.url}/good", address
        response.raw = io.BytesIO()
        return response

    monkeypatch.setattr("requests.Session.get", redirected)
    with pytest.raises(DownloadError, match=f"redirects to '{site.url}/good'; only https"):
        fetch(site.remote("https://example.org/file"))
    assert site.asked == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("to//to/self", "redirects more than 10 times"),
        ("to/https:%2F%2F[", "leads to no address"),
        ("to/https:%2F%2Fa..b%2F", "leads to no address"),
        ("nowhere", "HTTP status 302"),
        ("busy", "HTTP status 503"),
        ("resets", "no answer"),
    ],
)
def test_answers_that_are_no_file(cache, leftovers, site, kind, message):
    with pytest.raises(DownloadError, match=f"{kind.split('[')[0]}.*: {message}") as caught:
        fetch(site.remote(kind))
    assert not isinstance(caught.value, IntegrityError)
    assert "\n" not in str(caught.value)
    assert leftovers() == []


@pytest.mark.parametrize("kind", ["silent", "stalls"])
def test_a_stalled_server_ends_by_the_timeout(cache, site, monkeypatch, kind):
    monkeypatch.setattr("handwriting_cnn.data.transfer._SECONDS", 0.2)
    with pytest.raises(DownloadError, match=f"{kind}: nothing came for 0.2 seconds"):
        fetch(site.remote(kind))


def test_no_message_holds_a_mirrors_password(cache, site, monkeypatch, caplog):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", "https://me:secret@127.0.0.1:1/sets")
    with caplog.at_level(logging.INFO), pytest.raises(DownloadError) as caught:
        fetch(site.remote("missing"))
    assert "https://127.0.0.1:1/sets/toy/the%20file.zip: no answer" in str(caught.value)
    assert "secret" not in f"{caught.value} {caplog.text}"


@pytest.mark.parametrize("kind", ["breaks", "stalls"])
def test_what_came_of_a_download_that_broke_off_is_continued(cache, leftovers, site, monkeypatch, kind):
    if kind == "stalls":
        monkeypatch.setattr("handwriting_cnn.data.transfer._SECONDS", 2.0)  # room for the first bytes on a busy machine
    with pytest.raises(DownloadError) as caught:
        fetch(site.remote(kind))
    assert not isinstance(caught.value, IntegrityError)
    (part,) = leftovers()
    got = (cache / "downloads" / "toy" / part).read_bytes()
    assert got == site.content[: len(got)]
    assert 0 < len(got) <= site.breaks_at
    site.released.set()
    assert fetch(site.remote(kind)).read_bytes() == site.content
    assert site.ranges == [None, f"bytes={len(got)}-"]
    assert site.encodings == ["identity"] * 2  # a compressed answer's ranges are not the file's
    assert site.sent[-1] == len(site.content) - len(got)
    assert leftovers() == ["the file.zip"]


def broken_off(site, leftovers, kind):
    with pytest.raises(DownloadError):
        fetch(site.remote(kind))
    (name,) = leftovers()
    return name


@pytest.mark.parametrize(
    ("kind", "requests", "reason"),
    [
        ("ignores", 2, ""),
        ("elsewhere", 3, "elsewhere: sent another part of the file"),
        ("done", 3, "done: has no bytes after the"),
        ("spoils", 3, "but got sha256"),
    ],
    ids=["ignores", "elsewhere", "done", "spoils"],
)
def test_a_server_that_does_not_continue_it_gives_all_of_it(cache, leftovers, site, caplog, kind, requests, reason):
    part = broken_off(site, leftovers, kind)
    size = (cache / "downloads" / "toy" / part).stat().st_size
    with caplog.at_level(logging.INFO):
        assert fetch(site.remote(kind)).read_bytes() == site.content
    assert reason in caplog.text
    assert site.ranges == [None, f"bytes={size}-", None][:requests]
    assert leftovers() == ["the file.zip"]


@pytest.mark.parametrize("spoilt", [b"?", b"?" * 256_000, b"?" * 300_000], ids=["start", "whole", "longer"])
def test_a_part_that_holds_something_else_is_dropped(cache, leftovers, site, spoilt):
    (cache / "downloads" / "toy" / broken_off(site, leftovers, "breaks")).write_bytes(spoilt)
    assert fetch(site.remote("breaks")).read_bytes() == site.content
    assert site.ranges == [None, f"bytes={len(spoilt)}-", None]
    assert leftovers() == ["the file.zip"]


def test_a_part_belongs_to_its_address_and_goes_when_another_gave_the_file(cache, leftovers, site):
    broken_off(site, leftovers, "breaks")
    assert fetch(site.remote("good")).read_bytes() == site.content
    assert site.ranges == [None, None]
    assert leftovers() == ["the file.zip"]


def test_a_server_that_died_is_asked_for_the_rest_when_it_is_back(cache, leftovers, site):
    with type(site)().up() as first:
        part = broken_off(first, leftovers, "breaks")
    size = (cache / "downloads" / "toy" / part).stat().st_size
    with pytest.raises(DownloadError, match="no answer"):
        fetch(first.remote("breaks"))
    assert leftovers() == [part]
    with type(site)(first.server_port).up() as second:
        second.asked.append("/breaks")
        assert fetch(second.remote("breaks")).read_bytes() == second.content
    assert second.ranges == [f"bytes={size}-"]


FETCH = """
import os, sys
from handwriting_cnn.data.catalog import RemoteFile
from handwriting_cnn.data.download import fetch
assert not {"keras", "tensorflow", "PIL", "requests"} & set(sys.modules)
url, sha256, size, processes = sys.argv[1:]
remote = RemoteFile(path="toy/the file.zip", urls=(url,), sha256=sha256, size=int(size))
children = []
for _ in range(int(processes)):
    child = os.fork()
    if not child:
        os.write(1, b"%d " % fetch(remote).read_bytes().count(255))
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] for child in children))
"""


def fetching(site, kind, *, processes):
    remote = site.remote(kind)
    words = [*remote.urls, remote.sha256, str(remote.size), str(processes)]
    return subprocess.Popen([sys.executable, "-c", FETCH, *words], stdout=subprocess.PIPE, text=True, process_group=0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_32_processes_at_once_make_one_download(cache, leftovers, site):
    with fetching(site, "good", processes=32) as running:
        out, _ = running.communicate()
    assert running.returncode == 0
    assert out.split() == ["1000"] * 32
    assert site.asked == ["/good"]
    assert leftovers() == ["the file.zip"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_killed_leaves_its_part_to_the_next(cache, leftovers, site):
    folder = cache / "downloads" / "toy"
    with fetching(site, "stalls", processes=1) as running:
        while running.poll() is None and not any(path.stat().st_size for path in folder.glob("*.part")):
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGKILL)
    (part,) = leftovers()
    size = (folder / part).stat().st_size
    site.released.set()
    assert fetch(site.remote("stalls")).read_bytes() == site.content
    assert site.ranges == [None, f"bytes={size}-"]
    assert leftovers() == ["the file.zip"]
