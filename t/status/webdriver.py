"""A browser, driven by the WebDriver protocol: real clicks, real keys, pictures. Standard library
only; needs chromedriver (Debian: chromium-driver)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from proof_nginx import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007"}


class Missing(Exception):
    """What a browser needs isn't installed."""


class Browser:
    """One headless Chromium. Use as a context manager."""

    def __init__(self, log: Path):
        driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
        if driver is None or chromium is None:
            raise Missing("chromium and chromium-driver aren't installed")
        self.port = free_port()
        self.profile = tempfile.TemporaryDirectory(prefix="lync-browser-")
        environment = dict(os.environ, HOME=self.profile.name)
        self.driver = subprocess.Popen(
            [driver, f"--port={self.port}"], stdout=log.open("w"), stderr=subprocess.STDOUT,
            env=environment)
        self.session = None
        try:
            self._wait_for_driver()
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"binary": chromium, "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    "--disable-dev-shm-usage", "--hide-scrollbars",
                    f"--user-data-dir={self.profile.name}/profile"]}}}})
            self.session = answer["sessionId"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session is not None:
            try:
                self._call("DELETE", f"/session/{self.session}")
            except (OSError, RuntimeError):
                pass
        self.driver.terminate()
        self.driver.wait(10)
        self.profile.cleanup()

    def _wait_for_driver(self):
        for _ in range(100):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError("chromedriver doesn't start")

    def _call(self, method: str, path: str, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise RuntimeError(f"{value['error']}: {value['message'].splitlines()[0]}") from None

    def call(self, method: str, path: str, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def devtools(self, command: str, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    # --- what a person does

    def go(self, url: str):
        self.call("POST", "/url", {"url": url})

    def click(self, selector: str):
        self.call("POST", f"/element/{self.find(selector)}/click")

    def press(self, *keys: str):
        """Keys one after the other."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def write(self, text: str):
        self.press(*text)

    # --- what a person sees

    def find(self, selector: str) -> str:
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def text(self, selector: str) -> str:
        return self.call("GET", f"/element/{self.find(selector)}/text")

    def run(self, script: str, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script: str, *arguments):
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def until(self, script: str, *arguments, seconds: float = 45):
        """Waits for a script to return something true."""
        end = time.monotonic() + seconds
        while True:
            value = self.run(script, *arguments)
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {script}")
            time.sleep(0.1)

    def picture(self, file: Path):
        shot = self.devtools("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(shot["data"]))

    def window(self, width: int, height: int, phone: bool = False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=phone)

    def prefer(self, scheme: str):
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme},
                                {"name": "prefers-reduced-motion", "value": "reduce"}])

    def complaints(self) -> list[str]:
        """What stands in the console: errors, refusals by the policy of contents."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]
