"""A stand-in for the hub on loopback: as much of its protocol as its real clients use.

As on the real hub, content comes from another server than answers about it: the hub redirects to a
storage that supports ranges and must not be told the token.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

REPOSITORY = "McAuley-Lab/Amazon-Reviews-2023"
_TIME_TO_ARRIVE_SECONDS = 0.2


class Break(NamedTuple):
    """A connection to the storage that ends too early."""

    after_bytes: int
    reset: bool = False
    """Whether it is reset, rather than closed."""


class Request(NamedTuple):
    """A request that was served.

    Attributes:
        server: ``hub`` or ``storage``.
        first_byte: where the range that was asked for starts; 0 without a range.
        sent: bytes of the body that were sent.
    """

    server: str
    method: str
    path: str
    token: str | None
    first_byte: int = 0
    sent: int = 0


class StandInHub:
    """Serves one data set with one commit on its branch ``main``, while used as a context.

    Args:
        files: content by path in the data set.
        token: if given, the hub serves only those who send it.

    Attributes:
        commit: head of ``main``.
        breaks: the next connections to the storage, in order, break like this.
        etag: if given, the hub's name for all content.
        retry_after: seconds that it then asks to wait.
        status: if given, the hub answers everything with this HTTP status.
        requests: what was served so far.
    """

    def __init__(self, files: dict[str, bytes], token: str | None = None) -> None:
        self.files = files
        self.token = token
        self.commit = "c0ffee" + "0" * 34
        self.breaks: list[Break] = []
        self.etag: str | None = None
        self.status: int | None = None
        self.retry_after: int | None = None
        self.requests: list[Request] = []
        self._hub = _start(self, _HubHandler)
        self._storage = _start(self, _StorageHandler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self._hub, self._storage):
            server.shutdown()
            server.server_close()

    @property
    def endpoint(self) -> str:
        """What ``HF_ENDPOINT`` must be."""
        return f"http://127.0.0.1:{self._hub.server_port}"

    @property
    def storage(self) -> str:
        """The server of the content, which is no hub."""
        return f"http://127.0.0.1:{self._storage.server_port}"

    def downloads(self) -> list[Request]:
        """The requests for content."""
        return [each for each in self.requests if each.server == "storage"]

    def environment(self, home: Path) -> dict[str, str]:
        """Makes a client use this hub, and ``home`` as its cache."""
        return {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(home)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: StandInHub


def _start(state: StandInHub, handler: type[BaseHTTPRequestHandler]) -> _Server:
    server = _Server(("127.0.0.1", 0), handler)
    server.state = state
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def _token(self) -> str | None:
        header = self.headers["Authorization"]
        return header.removeprefix("Bearer ") if header else None

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the tests' output clean."""


class _HubHandler(_Handler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.server.state, unquote(urlsplit(self.path).path)
        hub.requests.append(Request("hub", self.command, path, self._token))
        api, resolve = f"/api/datasets/{REPOSITORY}", f"/datasets/{REPOSITORY}/resolve/"
        if hub.status is not None:
            wait = {} if hub.retry_after is None else {"Retry-After": str(hub.retry_after)}
            self._answer(hub.status, wait)
        elif hub.token not in (None, self._token):
            self._answer(401, {"X-Error-Message": "Invalid username or password."})
        elif path == api or path.startswith(f"{api}/revision/"):
            self._describe(path.removeprefix(api).removeprefix("/revision/") or "main")
        elif path.startswith(resolve):
            self._resolve(*path.removeprefix(resolve).split("/", 1))
        else:
            self._answer(404, {"X-Error-Code": "RepoNotFound"})

    def _knows(self, revision: str) -> bool:
        known = revision in ("main", self.server.state.commit)
        if not known:
            self._answer(404, {"X-Error-Code": "RevisionNotFound"})
        return known

    def _describe(self, revision: str) -> None:
        if self._knows(revision):
            body = json.dumps({"id": REPOSITORY, "sha": self.server.state.commit})
            self._answer(200, {"Content-Type": "application/json"}, body.encode())

    def _resolve(self, revision: str, path: str) -> None:
        hub = self.server.state
        if not self._knows(revision):
            return
        commit = {"X-Repo-Commit": hub.commit}
        if path not in hub.files:
            self._answer(404, {"X-Error-Code": "EntryNotFound", **commit})
            return
        digest = _sha256(hub.files[path])
        etag = hub.etag or digest
        linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(hub.files[path]))}
        self._answer(302, {"Location": f"{hub.storage}/{digest}", **commit, **linked})


class _StorageHandler(_Handler):
    def do_GET(self) -> None:
        hub = self.server.state
        contents = {f"/{_sha256(content)}": content for content in hub.files.values()}
        content = contents.get(self.path)
        if content is None:
            self._answer(404, {})
            return
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").split("-")[0])
        broken = hub.breaks.pop(0) if hub.breaks else None
        body = content[start:][: broken.after_bytes if broken else None]
        hub.requests.append(
            Request("storage", self.command, self.path, self._token, start, len(body))
        )
        ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        headers = {"Content-Length": str(len(content) - start)}
        self._answer(206 if start else 200, headers | (ranged if start else {}), body)
        if broken:
            self._break(broken)

    def _break(self, broken: Break) -> None:
        self.close_connection = True
        if broken.reset:
            time.sleep(_TIME_TO_ARRIVE_SECONDS)
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
