"""Chromium with a microphone that plays a WAV file."""

import asyncio
import os
from contextlib import asynccontextmanager

from playwright.async_api import async_playwright

PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
ARGUMENTS = [
    "--no-sandbox", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking", "--disable-component-update", "--disable-features=WebRtcHideLocalIpsWithMdns",
]


@asynccontextmanager
async def chromium(wav=None, grants=True):
    """A headless browser; `grants`: permission is given without asking."""
    path = next((path for path in PATHS if os.path.exists(path)), None)
    if path is None:
        raise SystemExit("Chromium is missing: apt-get install chromium")
    arguments = list(ARGUMENTS)
    if grants:
        arguments.append("--use-fake-ui-for-media-stream")
    if wav:
        arguments.append(f"--use-file-for-fake-audio-capture={wav}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, headless=True, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


async def until_page(page, condition, seconds=10):
    """Waits for a condition in the page. Playwright's own way needs `eval`, which the page's policy forbids."""
    end = asyncio.get_running_loop().time() + seconds
    while not await page.evaluate(f"!!({condition})"):
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"not within {seconds} s: {condition}")
        await asyncio.sleep(0.05)


def watch_console(page, problems):
    """Collects what the page complains of. A refused opening is part of some tests and not a complaint."""
    page.on("pageerror", lambda error: problems.append(f"pageerror: {error}"))
    page.on("console", lambda line: problems.append(f"{line.type}: {line.text}")
            if line.type == "error" and "WebSocket" not in line.text and "Failed to load resource" not in line.text else None)
