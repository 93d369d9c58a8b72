"""One server with JupyterLab, Notebook 7 and Voila, a headless Chromium, and pages with notebooks in them."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
}
READY = 60_000
VIEWPORT = {"width": 1360, "height": 1000}
RUN = "([name, given]) => { window.jupyterapp.commands.execute(name, given); }"
READY_NOW = """async () => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  await Promise.all([app.restored, panel.context.ready, panel.sessionContext.ready]);
  return panel.content.widgets.length > 0 && app.commands.isEnabled('notebook:run-all-cells');
}"""


FOREIGN = ("(reading 'schema')", "'filebrowser:open-path' not registered", "/static/notebook/")
"""What Notebook 7 says of itself while it opens beside JupyterLab: its settings, its tree, its fonts."""

OPTION = "--ServerApp.kernel_websocket_connection_class=sfnbook.lab.PromptConnection"
"""As `sfnbook lab` starts it; this file must load where Jupyter is not."""


def missing() -> str:
    """What is not there of what a browser test needs; "" when all is."""
    try:
        import jupyterlab
        import notebook
        import playwright
        import voila
    except ImportError as problem:
        return str(problem)
    del jupyterlab, notebook, playwright, voila
    return "" if CHROMIUM else "there is no chromium"


def pytest_collection_modifyitems(items):
    here = [item for item in items if Path(item.fspath).parent == Path(__file__).parent]
    for item in here:
        item.add_marker(pytest.mark.browser)


class Server:
    """JupyterLab in folders of its own and a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, secrets.token_hex(16)
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._write_settings()
        self.log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(
            self._command(), env=self._environment(), stdout=self.log, stderr=subprocess.STDOUT,
            cwd=self.notebooks, start_new_session=True,
        )  # fmt: skip

    def _write_settings(self) -> None:
        for name, settings in SETTINGS.items():
            file = self.folder / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings))

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}",
            "--ip=127.0.0.1", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
            OPTION, f"--ServerApp.root_dir={self.notebooks}", "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            '--VoilaConfiguration.extension_denylist=["@jupyter-notebook/lab-extension"]',
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        own = {
            "HOME": "home",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        for folder in own.values():
            (self.folder / folder).mkdir(exist_ok=True)
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        paths = {name: str(self.folder / folder) for name, folder in own.items()}
        return {**os.environ, **paths, "PYTHONPATH": path, "JUPYTER_PREFER_ENV_PATH": "1"}

    def request(self, path: str, body: object = None) -> object:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read() or "null")

    def wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                self.request("api/status")
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text()[-3000:]}")

    def close(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.log.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    lacking = missing()
    if lacking:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"No browser tests: {lacking}")
    running = Server(tmp_path_factory.mktemp("jupyter"))
    try:
        running.wait()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def browser(server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


class Notebook:
    """A notebook in a page: run its cells, look at their output, count what went wrong.

    ``place`` is where it is opened: "lab", "notebook" (Notebook 7), or "voila", which runs it by itself.
    A page that shows JupyterLab already is used again.
    """

    def __init__(self, server: Server, page, cells: list[str], place: str = "lab") -> None:
        self.server, self.page, self.errors, self.place = server, page, [], place
        self.session = None
        self.name = f"{secrets.token_hex(4)}.ipynb"
        self.file = server.notebooks / self.name
        self.file.write_text(json.dumps(_document(cells)))
        self._listeners = {
            "console": self._said,
            "pageerror": lambda problem: self._note(str(problem)),
            "request": self._asked,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)
        page.set_default_timeout(READY / 2)
        if place == "voila":
            page.goto(f"http://127.0.0.1:{server.port}/voila/render/{self.name}?token={server.token}")
            return
        # The kernel is there before the page asks for one: its dialog would race with the test.
        given = {"path": self.name, "name": self.name, "type": "notebook", "kernel": {"name": "python3"}}
        self.session = server.request("api/sessions", given)
        self._open()

    def _open(self) -> None:
        page = self.page
        if "/lab" in page.url:
            page.evaluate(RUN, ["docmanager:open", {"path": self.name, "factory": "Notebook"}])
        else:
            where = "lab/tree" if self.place == "lab" else "notebooks"
            page.goto(
                f"http://127.0.0.1:{self.server.port}/{where}/{self.name}?reset&token={self.server.token}"
            )
        page.wait_for_function(
            "path => window.jupyterapp?.shell?.currentWidget?.context?.path === path",
            arg=self.name,
            timeout=READY,
        )
        page.wait_for_function(READY_NOW, timeout=READY)
        self.idle()

    def _said(self, message) -> None:
        # Voila's own template asks for fonts and mathematics on the network.
        foreign = self.place == "voila" and not self._own(message.location["url"])
        if message.type == "error" and not foreign:
            self._note(f"{message.text} ({message.location['url']})")

    def _note(self, problem: str) -> None:
        if not any(words in problem for words in FOREIGN):
            self.errors.append(problem)

    def _asked(self, request) -> None:
        if self.place != "voila" and not self._own(request.url):
            self.errors.append(f"loaded from the network: {request.url}")

    def _own(self, url: str) -> bool:
        return url.startswith((f"http://127.0.0.1:{self.server.port}/", "data:", "blob:"))

    def idle(self) -> None:
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
            timeout=READY,
        )

    def run(self, command: str = "notebook:run-all-cells", **arguments) -> None:
        self.page.evaluate(RUN, [command, arguments])

    def run_cell(self, number: int) -> None:
        self.page.evaluate(
            "number => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = number; }", number
        )
        self.run("notebook:run-cell")

    def theme(self, name: str) -> None:
        self.run("apputils:change-theme", theme=name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def close(self) -> None:
        """Leave the page as it was before."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        if self.place == "lab":
            # Disposed of, not closed: that would ask whether to save.
            self.page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
            self.page.set_viewport_size(VIEWPORT)
            self.page.emulate_media(media="screen")
        else:
            self.page.close()
        if self.session is not None:
            with contextlib.suppress(urllib.error.URLError):
                request = urllib.request.Request(
                    f"http://127.0.0.1:{self.server.port}/api/sessions/{self.session['id']}",
                    headers={"Authorization": f"token {self.server.token}"}, method="DELETE",
                )  # fmt: skip
                urllib.request.urlopen(request, timeout=20).close()


def _document(cells: list[str]) -> dict:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": f"cell-{number}", "source": source, "metadata": {}, "outputs": [],
             "execution_count": None}
            for number, source in enumerate(cells)
        ],
    }  # fmt: skip


@pytest.fixture(scope="session")
def context(browser):
    """One for all tests: JupyterLab's scripts are read once."""
    made = browser.new_context(viewport=VIEWPORT)
    yield made
    made.close()


@pytest.fixture(scope="session")
def lab(context):
    """The page of JupyterLab; opening it anew for each notebook would take most of the time."""
    return context.new_page()


@pytest.fixture
def notebook(server, context, lab):
    """``notebook(cell, ..., place="lab")`` opens and runs them; afterwards the console has no error."""
    opened = []

    def open_notebook(*cells: str, place: str = "lab") -> Notebook:
        made = Notebook(server, lab if place == "lab" else context.new_page(), list(cells), place)
        opened.append(made)
        if place != "voila":
            made.run()
        return made

    yield open_notebook
    for made in reversed(opened):
        made.close()
    assert [error for made in opened for error in made.errors] == []
