"""The page in a real browser: every panel filled by a real run, controls pressed, no errors.

Needs Chromium with its driver and the package `selenium`; without them the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jitvm.dashboard.attached import Attached
from jitvm.dashboard.compared import Comparison
from jitvm.dashboard.debugged import DebuggedComputer
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.saved import SavedRun, Saver
from jitvm.dashboard.server import Server
from jitvm.dashboard.session import Session
from jitvm.engine.machine.inspect import RegionView
from jitvm.engine.tables.events import Overwritten
from tests.clock import HANGS, until
from tests.dashboard.runs import (
    CALLS,
    COUNT,
    DRAW,
    LONG,
    REWRITE,
    TINY,
    WRAPS,
    debugged,
    program,
    session,
)
from tests.dashboard.test_attached import Run
from tests.dashboard.test_compared import profile
from tests.debugger.walking import CHIP8

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="there is no Chromium with its driver"
)
Browser = Any


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1680,2220"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(DRIVER))
    made.set_script_timeout(HANGS)  # else half a minute, which others may keep it waiting
    yield made
    made.quit()


@pytest.fixture(autouse=True)
def _looks_after_errors_and_requests(browser: Browser) -> Iterator[None]:
    """After each test: the console is empty, and nothing was asked of another machine."""
    yield
    logged = browser.get_log("browser")
    hosts = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        url = message["params"].get("request", {}).get("url") or message["params"].get("url", "")
        if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
            hosts.add(urlsplit(url).hostname)
    browser.get("about:blank")
    assert [each["message"] for each in logged if _is_error(each)] == []
    assert hosts <= {"127.0.0.1", "localhost", None}


def _is_error(entry: dict[str, str]) -> bool:
    """Whether something went wrong but that the server was away, as it is when a test ends."""
    away = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
    return entry["level"] == "SEVERE" and not any(why in entry["message"] for why in away)


def opened(browser: Browser, server: Server) -> None:
    """Open the page and wait for its first news."""
    browser.get(server.url)
    until(lambda: text(browser, "activity") not in ("", "connecting"))


def text(browser: Browser, name: str) -> str:
    found: str = browser.execute_script(
        "return document.getElementById(arguments[0]).textContent", name
    )
    return found


def click(browser: Browser, name: str) -> None:
    browser.find_element("id", name).click()


def painted(browser: Browser, name: str) -> bool:
    """Whether a canvas shows more than one colour."""
    found: bool = browser.execute_script(
        """
        const canvas = document.getElementById(arguments[0]);
        if (!canvas.width || !canvas.height) return false;
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size > 1;
        """,
        name,
    )
    return found


def drawn(browser: Browser, name: str) -> bool:
    """Whether a chart shows an area, a bar or a mark of some size."""
    found: bool = browser.execute_script(
        """
        const marks = `#${arguments[0]} :is(.js-fill, .js-line, .point)`;
        return [...document.querySelectorAll(marks)].some((mark) => {
            const {width, height} = mark.getBoundingClientRect();
            return width + height > 2;
        });
        """,
        name,
    )
    return found


def rows(browser: Browser, name: str) -> list[str]:
    """Texts of the rows in sight of a list."""
    found: list[str] = browser.execute_script(
        """
        return [...document.querySelectorAll(`#${arguments[0]} .row`)]
            .filter((row) => row.style.display !== "none").map((row) => row.textContent);
        """,
        name,
    )
    return found


def filled(browser: Browser, name: str) -> Callable[[], list[str]]:
    return lambda: rows(browser, name)


def test_every_panel_is_filled_by_a_real_run(browser: Browser) -> None:
    with session(DRAW, hot=50) as run, Server(run) as server:
        opened(browser, server)
        for chart in ("share-history", "speed", "states", "timeline"):
            until(partial(drawn, browser, chart))
        for canvas in ("heat", "screen"):
            until(partial(painted, browser, canvas))
        for name in ("regions", "exits", "guest", "ir", "llvm", "assembly", "log"):
            until(filled(browser, name))
        until(lambda: "define" in " ".join(rows(browser, "llvm")))
        until(lambda: "region_" in " ".join(rows(browser, "assembly")))
        until(lambda: browser.find_elements("css selector", "#graph .node"))
        assert "%" in text(browser, "share")
        assert browser.find_elements("css selector", "#params input[name=hot]")
        assert "installed" in " ".join(rows(browser, "log"))
        assert "recordings" in text(browser, "totals")
        assert "?token=" not in browser.current_url


def test_controls_do_what_they_say(browser: Browser) -> None:
    with session(COUNT) as run, Server(run) as server:
        opened(browser, server)
        until(lambda: text(browser, "console") == "!")
        click(browser, "pause")
        until(lambda: text(browser, "activity") == "paused")
        assert run.runner.activity is Activity.PAUSED
        until(lambda: "stack 0" in text(browser, "place"))
        before = run.target.machine.executed
        click(browser, "step")
        until(lambda: run.target.machine.executed == before + 1)
        click(browser, "start")
        until(lambda: text(browser, "activity") == "running")
        click(browser, "restart")
        until(lambda: run.sampler.run is not None and run.sampler.run.number == 2)
        until(lambda: "started over" in text(browser, "console"))
        until(filled(browser, "regions"))


def test_parameters_are_changed_from_the_page(browser: Browser) -> None:
    with session(COUNT) as run, Server(run) as server:
        opened(browser, server)
        until(lambda: run.target.machine.jit)
        box = browser.find_element("css selector", "#params input[name=hot]")
        box.clear()
        box.send_keys("99\t")
        jit = run.target.machine.jit
        assert jit is not None
        until(lambda: jit.params.hot == 99)
        until(lambda: browser.find_elements("css selector", "#params tr.changed input[name=hot]"))
        box.clear()
        box.send_keys("0\t")
        until(lambda: "between" in text(browser, "notice"))


def test_keys_and_pointer_go_to_the_program(browser: Browser) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    with session(DRAW) as run, Server(run) as server:
        opened(browser, server)
        until(lambda: painted(browser, "screen"))
        screen = browser.find_element("id", "screen")
        ActionChains(browser).move_to_element(screen).click().send_keys("jit").perform()
        until(lambda: "jit" in text(browser, "console") and "m" in text(browser, "console"))
        x = int.from_bytes(run.target.machine.page[0x92:0x94], "big")
        y = int.from_bytes(run.target.machine.page[0x94:0x96], "big")
        assert abs(x - 32) < 3
        assert abs(y - 24) < 3


def test_reasons_and_advice_for_code_that_is_not_native(browser: Browser) -> None:
    with session(REWRITE, hot=50) as run, Server(run) as server:
        opened(browser, server)
        until(lambda: run.sampler.run and run.sampler.run.machine.jit)
        address = program(REWRITE).address_of("run/code")
        assert address is not None
        assert run.sampler.run is not None
        # Whether compiled code is hit depends on when it is there, so one hit is told for sure.
        run.sampler.run.journal(Overwritten(0.0, address))
        until(lambda: "run/code" in " ".join(rows(browser, "aborts")))
        until(lambda: "OVERWRITTEN" in " ".join(rows(browser, "aborts")))
        shown = " ".join(rows(browser, "aborts"))
        assert "overwrote" in shown
        assert "run/code" in shown


def test_of_five_thousand_regions_those_in_sight_are_drawn(browser: Browser) -> None:
    with session(COUNT) as run, Server(run) as server:
        opened(browser, server)
        until(filled(browser, "regions"))
        found = run.sampler.run
        assert found is not None
        with run.sampler.lock:
            _multiply(run, 5000)
        until(lambda: "5,0" in text(browser, "regions-about"))
        result = browser.execute_async_script(
            """
            const done = arguments[0];
            const box = document.querySelector("#regions .rows");
            let frames = 0, most = 0;
            function frame() {
              most = Math.max(most, box.querySelectorAll(".row").length);
              box.scrollTop = ++frames * 997;
              if (frames < 60) requestAnimationFrame(frame);
              else done({rows: most, height: box.scrollHeight});
            }
            requestAnimationFrame(frame);
            """
        )
        assert result["height"] > 5000 * 20
        assert 0 < result["rows"] < 100
        browser.find_element("id", "regions-filter").send_keys("no such label")
        until(lambda: not rows(browser, "regions"))


def _multiply(run: Session, count: int) -> None:
    """Have the table hold copies of its first region, which stay."""
    found = run.sampler.run
    assert found is not None
    jit = found.machine.jit
    assert jit is not None
    table = found.regions
    (first, *_) = jit.regions.values()
    copies = [RegionView(first.but(number=100_000 + number)) for number in range(1, count + 1)]
    look = found.look

    class Many:
        """A machine with many regions; all else is the real one's."""

        def regions(self) -> list[RegionView]:
            return [*look.regions(), *copies]

        def region_numbers(self) -> set[int]:
            return {region.number for region in self.regions()}

    refresh = table.refresh
    table.refresh = lambda _look, now: refresh(Many(), now)  # type: ignore[method-assign,assignment,arg-type]


def test_a_viewer_comes_back_after_the_server_was_away(browser: Browser) -> None:
    with session(COUNT) as run:
        with Server(run) as server:
            opened(browser, server)
            port, token = server.port, server.token
        until(lambda: text(browser, "activity") == "offline")
        with Server(run, port=port, token=token):
            until(lambda: text(browser, "activity") == "running")
        until(lambda: text(browser, "activity") == "offline")
    # The page tried to reach a server that was not there, as it should.
    browser.get_log("browser")


def test_a_saved_run_is_shown(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    saver = Saver(path)
    with session(COUNT) as run:
        saver.begin(run)
        run.sampler.after_beat = saver.after_beat
        until(lambda: run.sampler.run and run.sampler.run.regions.rows)
        until(lambda: run.sampler.run and run.sampler.run.now > 0.5)
    saver.close(run)
    with Server(SavedRun(path)) as server:
        opened(browser, server)
        assert text(browser, "activity") == "saved"
        for name in ("regions", "guest", "ir", "llvm", "log"):
            until(filled(browser, name))
        until(lambda: drawn(browser, "timeline") and painted(browser, "heat"))
        assert not browser.find_element("id", "restart").is_displayed()
    whole = path.read_text()
    path.write_text(whole[: whole.index('{"kind":"region"')])
    with Server(SavedRun(path)) as server:
        opened(browser, server)
        until(filled(browser, "log"))
        assert text(browser, "share") == "–"
        for name in ("regions", "exits", "aborts"):
            assert "not known" in text(browser, name)


def test_a_notebook_shows_it_in_a_frame(browser: Browser) -> None:
    from jitvm.dashboard.widget import show

    with session(COUNT) as run:
        shown = show(run)
        try:
            until(lambda: shown.server._server.started)
            url = shown._repr_html_().split('src="')[1].split('"')[0].replace("&amp;", "&")
            browser.get(url)
            until(lambda: text(browser, "activity") == "running")
            until(filled(browser, "guest"))
        finally:
            shown.close()
            until(lambda: text(browser, "activity") == "offline")


def test_dark_and_light(browser: Browser, tmp_path: Path) -> None:
    with session(DRAW, hot=50) as run, Server(run) as server:
        opened(browser, server)
        grounds = set()
        for _ in range(3):
            click(browser, "theme")
            grounds.add(
                browser.execute_script("return getComputedStyle(document.body).backgroundColor")
            )
        assert len(grounds) == 2
        picture = os.fspath(tmp_path / "page.png")
        assert browser.save_screenshot(picture)


def test_the_timeline_stays_where_somebody_has_zoomed_to(browser: Browser) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    def span() -> float:
        script = "return document.getElementById('timeline').layout.xaxis.range"
        begin, end = browser.execute_script(script)
        return float(end) - float(begin)

    with session(REWRITE, hot=50) as run, Server(run) as server:
        opened(browser, server)
        until(lambda: drawn(browser, "timeline"))
        timeline = browser.find_element("id", "timeline")
        origin = ScrollOrigin.from_element(timeline)

        # The page may be at drawing it anew, and miss what somebody does just then.
        def is_zoomed() -> bool:
            ActionChains(browser).scroll_from_origin(origin, 0, -400).perform()
            return span() < 0.7 * run_seconds(run)

        def is_whole() -> bool:
            ActionChains(browser).double_click(timeline).perform()
            return span() > begin

        until(is_zoomed)
        begin = run_seconds(run)
        until(lambda: run_seconds(run) > begin + 0.5)
        assert span() < begin
        until(is_whole)


def run_seconds(run: Session) -> float:
    assert run.sampler.run is not None
    return run.sampler.run.now


# -- what is told is true ------------------------------------------------------------------------


def test_exact_after_the_end_holds_from_restart_on_and_empties_nothing(browser: Browser) -> None:
    with session(LONG, stdin=b"", hot=50) as run, Server(run) as server:
        until(lambda: run.runner.activity is Activity.ENDED)
        opened(browser, server)
        until(lambda: text(browser, "activity") == "ended")
        until(filled(browser, "regions"))
        until(lambda: drawn(browser, "states"))
        before = [text(browser, name) for name in ("clock", "share", "figures", "share-about")]
        shown = rows(browser, "regions")
        assert "≈" in before[1]
        assert "estimated" in before[3]
        click(browser, "exact")
        until(lambda: text(browser, "exact-about") == ", from Restart on")
        assert rows(browser, "regions") == shown
        assert [text(browser, n) for n in ("clock", "share", "figures", "share-about")] == before
        click(browser, "restart")
        until(lambda: text(browser, "activity") == "ended" and run.runner.counting)
        until(lambda: text(browser, "share-about") == "of instructions")
        assert "≈" not in text(browser, "share")


def test_a_run_without_regions_has_no_native_code(browser: Browser) -> None:
    with session(TINY, stdin=b"") as run, Server(run) as server:
        until(lambda: run.runner.activity is Activity.ENDED)
        opened(browser, server)
        until(lambda: "0.0 % of the run" in text(browser, "share"))
        until(lambda: "no region is installed" in text(browser, "regions"))
        assert text(browser, "share-about") == "of instructions"


def test_words_that_wrap_stand_where_advice_is_looked_for(browser: Browser) -> None:
    with session(WRAPS, hot=50) as run, Server(run) as server:
        opened(browser, server)
        until(lambda: "WRAP" in " ".join(rows(browser, "exits")))
        assert "keep two-byte variables from straddling" in " ".join(rows(browser, "exits"))
        until(
            lambda: "keep two-byte variables from straddling" in " ".join(rows(browser, "aborts"))
        )


# -- for everybody -------------------------------------------------------------------------------


def test_nothing_is_wider_than_the_page(browser: Browser) -> None:
    with session(DRAW, hot=50) as run, Server(run) as server:
        opened(browser, server)
        until(filled(browser, "regions"))
        until(lambda: drawn(browser, "share-history"))
        try:
            found = {width: _too_wide(browser, width) for width in (360, 420, 900, 1400)}
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert found == {360: [], 420: [], 900: [], 1400: []}


def _too_wide(browser: Browser, width: int) -> list[str]:
    """What reaches over the right end of a page of some width."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    until(lambda: browser.execute_script("return innerWidth") == width)
    found: list[str] = browser.execute_script(
        """
        const most = document.documentElement.clientWidth;
        const parts = [...document.querySelectorAll("header *, .panel, .panel > h2 *, .legend *")];
        if (document.documentElement.scrollWidth > most) parts.push(document.documentElement);
        return parts.filter((each) => each.getBoundingClientRect().right > most + 1
            || each.scrollWidth > most).map((each) => each.outerHTML.slice(0, 200));
        """
    )
    return found


def test_whatever_can_be_used_has_a_name_and_is_reached_by_the_keyboard(browser: Browser) -> None:
    with session(DRAW, hot=50) as run, Server(run) as server:
        opened(browser, server)
        until(filled(browser, "regions"))
        until(lambda: drawn(browser, "timeline"))
        until(lambda: browser.find_elements("css selector", "#graph .node"))
        nameless = browser.execute_script(
            """
            const used = "button, input, select, canvas, [tabindex], [role=img], [role=grid]";
            return [...document.querySelectorAll(used)].filter((each) => !(
                each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length
                || each.title
            )).map((each) => each.outerHTML);
            """
        )
        assert nameless == []
        arrow_down = "\ue015"
        for place, key, done in (
            ("#guest .rows", arrow_down, "#guest .row.lit"),
            ("#graph .node", " ", "#graph .node.selected"),
        ):
            until(partial(answers, browser, place, key, done))


def answers(browser: Browser, place: str, key: str, done: str) -> bool:
    """Whether there is what a key brings about in a place; otherwise the key is pressed there, as
    often as it takes: the page may be at drawing the place anew."""
    from selenium.webdriver.common.action_chains import ActionChains

    if not browser.find_elements("css selector", done):
        browser.execute_script("document.querySelector(arguments[0])?.focus()", place)
        ActionChains(browser).send_keys(key).perform()
    return bool(browser.find_elements("css selector", done))


def test_the_debugger_is_used_with_pointer_and_keys(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("test.tal").write_text(COUNT)
    with debugged(COUNT) as (run, made), Server(run) as server:
        opened(browser, server)
        until(filled(browser, "debug-source"))
        until(lambda: "this is the start" in text(browser, "debug-why"))
        until(partial(margin, browser, "@step"))[0].click()
        until(lambda: browser.find_elements("css selector", "#debug-source .mark.set"))
        until(lambda: "test.tal:6" in text(browser, "debug-breaks"))
        box = browser.find_element("css selector", "#debug-breaks input:not([type])")
        box.send_keys("wst[0] == 5\n")
        until(lambda: "◆" in text(browser, "debug-source"))
        press(browser, "c")
        until(lambda: "breakpoint 1" in text(browser, "debug-why"))
        until(lambda: "step" in text(browser, "debug-calls"))
        assert until(lambda: browser.find_elements("css selector", "#debug-source .row.here"))
        time = stood(made)
        press(browser, "S")
        until(lambda: stood(made) < time)
        press(browser, "c")
        until(lambda: stood(made) == time)
        click(browser, "step-out")
        until(lambda: stood(made) > time)
        click(browser, "back-go")
        until(lambda: stood(made) == time)
        until(partial(changed, browser, "#debug-stacks .byte", "7f"))
        until(lambda: made.debugger.state.stacks[0][made.debugger.state.pointers[0] - 1] == 0x7F)
        until(lambda: "00" in rows(browser, "debug-memory")[0])
        until(partial(changed, browser, "#debug-memory .byte", "9c"))
        until(lambda: made.debugger.machine.memory[0] == 0x9C)
        until(lambda: "9c" in rows(browser, "debug-memory")[0])
        browser.find_element("id", "debug-expression").send_keys("[0]\n")
        until(lambda: "156 0x9c" in text(browser, "debug-watches"))
        browser.find_element("id", "debug-line").send_keys("who [0]\n")
        until(lambda: "you have" in text(browser, "debug-log"))
        browser.find_element("id", "debug-line").send_keys("fly\n")
        until(lambda: browser.find_elements("css selector", "#debug-log .wrong"))
        until(partial(margin, browser, "@step"))[0].click()
        until(lambda: "click into the margin" in text(browser, "debug-breaks"))
        press(browser, "c")
        until(lambda: text(browser, "activity") == "running")
        click(browser, "debug-pause")
        until(lambda: text(browser, "activity") == "paused")


def test_the_debugger_shows_instructions_where_there_is_no_source(browser: Browser) -> None:
    with debugged(CHIP8, platform="chip8") as (run, made), Server(run) as server:
        opened(browser, server)
        until(lambda: any("LD V0, 05" in row for row in rows(browser, "debug-source")))
        until(partial(margin, browser, "0210"))[0].click()
        until(lambda: made.view and made.view["breakpoints"])
        click(browser, "debug-go")
        until(lambda: "breakpoint 1" in text(browser, "debug-why"))
        until(lambda: "0210" in text(browser, "debug-calls"))


def stood(made: DebuggedComputer) -> int:
    """The time at which it stands; -1 while it does not."""
    found = (made.view or {}).get("stopped")
    return -1 if found is None else int(found["time"])


def press(browser: Browser, key: str) -> None:
    """Press a key where nothing takes it for itself."""
    from selenium.webdriver.common.action_chains import ActionChains

    browser.execute_script("document.activeElement?.blur()")
    ActionChains(browser).send_keys(key).perform()


def margin(browser: Browser, what: str) -> list[Any]:
    """The margins of lines of source that have a text."""
    found: list[Any] = browser.execute_script(
        """
        return [...document.querySelectorAll("#debug-source .row")].filter(
            (row) => row.textContent.includes(arguments[0]) && row.style.display !== "none"
        ).map((row) => row.querySelector(".mark"));
        """,
        what,
    )
    return found


def changed(browser: Browser, where: str, value: str) -> bool:
    """Change the first byte somewhere; whether that could be done."""
    done: bool = browser.execute_script(
        """
        const byte = document.querySelector(arguments[0]);
        byte?.click();
        const box = document.querySelector("input.edit");
        if (!box) return false;
        box.value = arguments[1];
        box.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
        return true;
        """,
        where,
        value,
    )
    return done


def labels(browser: Browser, chart: str) -> set[str]:
    """What the boxes of call stacks are called."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} .slicetext`)]"
        ".map((each) => each.textContent)",
        chart,
    )
    return set(found)


def test_call_stacks_are_drawn_live(browser: Browser) -> None:
    with session(CALLS) as run, Server(run) as server:
        opened(browser, server)
        browser.execute_script("document.getElementById('calls').scrollIntoView()")
        until(lambda: {"all", "main", "outer", "inner"} <= labels(browser, "calls"))
        assert "samples" in text(browser, "calls-about")
        click(browser, "calls-turn")
        until(lambda: {"all", "main", "outer", "inner"} <= labels(browser, "calls"))


def test_two_runs_are_shown_beside_each_other(browser: Browser, tmp_path: Path) -> None:
    first, second = profile(tmp_path / "a.json", "read"), profile(tmp_path / "b.json", "draw")
    with Server(Comparison(first, second)) as server:
        opened(browser, server)
        until(lambda: {"all", "main", "read"} <= labels(browser, "calls-before"))
        until(lambda: {"all", "main", "draw"} <= labels(browser, "calls-after"))
        until(filled(browser, "routines"))
        assert rows(browser, "routines")[0].startswith(("read", "draw"))
        assert not browser.find_element("id", "regions").is_displayed()
        click(browser, "comparison-turn")
        until(lambda: {"all", "main", "draw"} <= labels(browser, "calls-after"))


def test_a_run_of_another_process_can_only_be_watched(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    run = Run()
    run.begin()
    with Attached(os.getpid()) as link, Server(link) as server:
        opened(browser, server)
        until(filled(browser, "regions"))
        until(filled(browser, "guest"))
        assert "test.tal" in text(browser, "name")
        assert not browser.find_element("id", "controls").is_displayed()
        assert not browser.find_element("id", "debug").is_displayed()
        assert not browser.find_element("css selector", "#params input[name=hot]").is_enabled()
        run.told.set()
        until(lambda: text(browser, "activity") == "ended")
    run.end()
